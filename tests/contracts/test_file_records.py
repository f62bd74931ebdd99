"""What every FileRecords keeps to (E12)."""

import pytest

from contracts.stores import SqliteStores
from laba.model.chatfile import StoredFile, Thumbnail

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def records(stores):
    async with stores.open() as store:
        yield store.file_records


def uuid(number):
    return f"{number:08x}-0000-4000-8000-000000000000"


def file(number=1, **rest):
    known = {
        "uuid": uuid(number),
        "app_uuid": "app-1",
        "filename": "喇叭.png",
        "media_type": "image/png",
        "size_bytes": 1000,
        "secret": "s",
        "restricted": True,
        "created_at_ms": 1,
        "expires_at_ms": number * 100,
        "thumbnail": None,
    }
    return StoredFile(**known | rest)


async def test_what_is_known_outlives_a_restart(stores):
    """Every member, also those that are absent."""
    files = [
        file(1, thumbnail=Thumbnail(uuid(101), 70)),
        file(2, filename=None, restricted=False, expires_at_ms=None, size_bytes=10**12),
    ]
    async with stores.open() as store:
        for one in files:
            await store.file_records.add(one)
    async with stores.open() as store:
        assert [await store.file_records.find(one.uuid) for one in files] == files
        assert await store.file_records.find(uuid(3)) is None
        assert await store.file_records.find("\udcff") is None
        assert await store.file_records.bytes_held() == 10**12 + 1070


async def test_nothing_is_held_at_first(records):
    assert await records.bytes_held() == 0


async def test_files_expire_in_their_order(records):
    """At their time, not before it; one that never expires is in no list."""
    for number in (3, 1, 2):
        await records.add(file(number))
    await records.add(file(4, expires_at_ms=None))
    assert await records.expired(99, 10) == ()
    assert [one.uuid for one in await records.expired(300, 2)] == [uuid(1), uuid(2)]
    assert [one.uuid for one in await records.expired(10**15, 10)] == [uuid(1), uuid(2), uuid(3)]


async def test_what_is_gone_is_still_known_for_a_while(records):
    """It holds nothing, expires no more, and is forgotten when it is told to be."""
    for number in (1, 2, 3):
        await records.add(file(number))
    await records.mark_gone([uuid(1), uuid(2)])
    await records.mark_gone([])
    assert await records.bytes_held() == 1000
    assert [one.uuid for one in await records.expired(10**15, 10)] == [uuid(3)]
    assert await records.find(uuid(1)) == file(1)
    await records.forget(200)
    assert [await records.find(uuid(number)) is None for number in (1, 2, 3)] == [True, False, False]


async def test_what_is_not_gone_is_not_forgotten(records):
    """However long ago it expired: its bytes would be nobody's."""
    await records.add(file(1))
    await records.forget(10**15)
    assert await records.find(uuid(1)) == file(1)


async def test_names_are_known_by_what_they_are_of(records):
    """A file's own, and its thumbnail's."""
    await records.add(file(1, thumbnail=Thumbnail(uuid(101), 70)))
    await records.add(file(2))
    asked = [uuid(number) for number in (1, 2, 3, 101, 102)]
    assert await records.known(asked) == {uuid(1), uuid(2), uuid(101)}
    assert await records.known([]) == frozenset()
