"""What every Wordbook keeps to (S7)."""

import pytest

from contracts.stores import SqliteStores

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


async def test_words_are_each_app_s_own_and_come_back_as_they_were_given(stores):
    async with stores.open() as store:
        assert await store.wordbook.all() == {}
        assert await store.wordbook.of_app("app-1") == ()
        await store.wordbook.replace("app-1", ("one", "two"))
        await store.wordbook.replace("app-2", ("微信",))
        await store.wordbook.replace("app-1", ("ｔｗｏ", "three words here"))
    async with stores.open() as store:
        assert await store.wordbook.all() == {"app-1": ("ｔｗｏ", "three words here"), "app-2": ("微信",)}
        assert await store.wordbook.of_app("app-1") == ("ｔｗｏ", "three words here")
        await store.wordbook.replace("app-1", ())
        assert await store.wordbook.all() == {"app-2": ("微信",)}
