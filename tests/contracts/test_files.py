"""What every Files keeps to (E12)."""

import asyncio
import io
import os
from contextlib import suppress

import pytest
from PIL import Image

from houses import disk_in
from laba.model.filecalls import Box, Span
from laba.ports import FilesBusyError

pytestmark = pytest.mark.anyio

NAME, OTHER, THIRD = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")


class DiskFolder:
    """A folder, opened again and again."""

    def __init__(self, directory):
        self.directory = directory

    def open(self, **bounds):
        return disk_in(self.directory, **bounds)


@pytest.fixture(params=[DiskFolder])
def folder(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def files(folder):
    async with folder.open() as files:
        yield files


async def keep(files, name=NAME, *chunks):
    async with files.draft(name) as draft:
        for chunk in chunks or (b"hello",):
            await draft.write(chunk)
        await draft.keep()


async def read(files, name=NAME, span=None):
    """Give all bytes of what is kept; None where nothing is."""
    content = await files.open(name, span)
    if content is None:
        return None
    pieces = []
    while piece := await content.read():
        pieces.append(piece)
    await content.close()
    assert all(len(piece) <= 65536 for piece in pieces)
    return b"".join(pieces)


async def names(files):
    return sorted([name async for page in files.names() for name in page])


async def test_what_is_kept_is_there_after_a_restart(folder):
    """Byte for byte, however it was written."""
    chunks = [os.urandom(size) for size in (1, 100_000, 0, 300_000)]
    async with folder.open() as files:
        await keep(files, NAME, *chunks)
    async with folder.open() as files:
        assert await read(files) == b"".join(chunks)
        assert await names(files) == [NAME]


async def test_what_is_not_kept_has_never_been(files):
    """Nor what fails in the middle, nor what is given up while it is written."""

    async def given_up(begun):
        async with files.draft(OTHER) as draft:
            begun.set()
            while True:
                await draft.write(bytes(100_000))

    async with files.draft(NAME) as draft:
        await draft.write(b"hello")
    with suppress(ZeroDivisionError):
        async with files.draft(NAME) as draft:
            await draft.write(b"hello")
            raise ZeroDivisionError
    begun = asyncio.Event()
    task = asyncio.create_task(given_up(begun))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert await names(files) == []
    assert await read(files) is None


async def test_nothing_is_seen_of_a_draft_before_it_is_kept(files):
    async with files.draft(NAME) as draft:
        await draft.write(b"hello")
        assert await read(files) is None
        await draft.keep()
        assert await read(files) == b"hello"


async def test_some_of_it_is_given(files):
    """From the first byte of the span on, and no byte more."""
    content = bytes(range(256)) * 1000
    await keep(files, NAME, content)
    for first, length in ((0, 1), (255_999, 1), (100, 200_000), (0, 256_000)):
        assert await read(files, span=Span(first, length)) == content[first : first + length]


async def test_what_is_removed_is_gone_but_for_who_reads_it(files):
    """Removing what is not there changes nothing."""
    await keep(files)
    content = await files.open(NAME)
    await files.remove([NAME, OTHER])
    assert await content.read() == b"hello"
    await content.close()
    assert await read(files) is None
    assert await names(files) == []


async def test_only_so_many_come_in_at_once(folder):
    """One that ends makes room, kept or not."""
    async with folder.open(drafts=2) as files:
        async with files.draft(NAME), files.draft(OTHER):
            with pytest.raises(FilesBusyError):
                async with files.draft(THIRD):
                    pass
        await keep(files, THIRD)


async def test_only_so_many_go_out_at_once(folder):
    """One that is closed makes room, once; so does one that was not there."""
    async with folder.open(openings=2) as files:
        await keep(files)
        first, second = await files.open(NAME), await files.open(NAME)
        with pytest.raises(FilesBusyError):
            await files.open(NAME)
        await first.close()
        await first.close()
        for _ in range(5):
            assert await files.open(OTHER) is None
        third = await files.open(NAME)
        with pytest.raises(FilesBusyError):
            await files.open(NAME)
        for content in (second, third):
            await content.close()


async def test_an_opening_that_is_given_up_keeps_no_place(folder):
    async with folder.open(openings=1) as files:
        await keep(files)
        for _ in range(20):
            opening = asyncio.create_task(files.open(NAME))
            await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
        assert await read(files) == b"hello"


@pytest.mark.parametrize(
    "name", ["", "..", "../laba.db", "a" * 36, NAME + "/..", NAME + "\0", NAME.upper()[:-1] + "A"]
)
async def test_a_name_is_one_of_our_own(files, name):
    """Anything else is a bug, and touches nothing."""
    with pytest.raises(ValueError, match="uuid"):
        await keep(files, name)
    with pytest.raises(ValueError, match="uuid"):
        await files.open(name)
    with pytest.raises(ValueError, match="uuid"):
        await files.remove([name])


async def test_a_thumbnail_shares_the_fate_of_its_image(files):
    """Kept with it, or gone with it; its size is what is told."""
    drawn = io.BytesIO()
    Image.new("RGB", (400, 200), "red").save(drawn, "PNG")
    async with files.draft(NAME) as draft:
        await draft.write(drawn.getvalue())
        assert await draft.scaled(OTHER, Box(100, 100)) > 0
    assert await names(files) == []
    async with files.draft(NAME) as draft:
        await draft.write(drawn.getvalue())
        size = await draft.scaled(OTHER, Box(100, 100))
        await draft.keep()
    thumbnail = await read(files, OTHER)
    assert len(thumbnail) == size
    with Image.open(io.BytesIO(thumbnail)) as image:
        assert (image.format, image.size) == ("JPEG", (100, 50))


async def test_what_is_no_image_has_no_thumbnail(files):
    async with files.draft(NAME) as draft:
        await draft.write(b"no image" * 2000)
        assert await draft.scaled(OTHER, Box()) is None
        await draft.keep()
    assert await names(files) == [NAME]
