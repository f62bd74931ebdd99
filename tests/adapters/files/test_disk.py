"""What is particular of a local folder; what every Files keeps to is in tests/contracts/test_files.py."""

import pytest

from houses import disk_in

pytestmark = pytest.mark.anyio

NAME = "abcdef00-0000-4000-8000-000000000000"


async def test_files_are_their_owner_s_alone(tmp_path):
    """Folders too: there may be secrets in them."""
    async with disk_in(tmp_path) as files, files.draft(NAME) as draft:
        await draft.write(b"hello")
        await draft.keep()
    kept = tmp_path / "files" / "kept" / "ab" / NAME
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (kept.parent, kept.parent.parent)} == {0o700}


async def test_what_an_earlier_process_left_half_done_is_removed(tmp_path):  # E12
    """Whatever it is; what was kept stays."""
    async with disk_in(tmp_path) as files, files.draft(NAME) as draft:
        await draft.write(b"hello")
        await draft.keep()
    for left in (NAME, "something else"):
        (tmp_path / "files" / "arriving" / left).write_bytes(b"half")
    async with disk_in(tmp_path) as files:
        assert not list((tmp_path / "files" / "arriving").iterdir())
        assert [page async for page in files.names() if page] == [(NAME,)]


async def test_a_link_that_somebody_laid_is_not_written_through(tmp_path):
    """What lies where a file is to be written makes the writing fail."""
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"gold")
    async with disk_in(tmp_path) as files, files.draft(NAME) as draft:
        (tmp_path / "files" / "arriving" / NAME).symlink_to(treasure)
        with pytest.raises(FileExistsError):
            await draft.write(b"hello")
    assert treasure.read_bytes() == b"gold"
