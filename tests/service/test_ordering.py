import asyncio

import pytest

from laba.service.ordering import Ordering

pytestmark = pytest.mark.anyio


async def goes(ordering, key, name, told, ready=None, error=None):
    async with ordering.entered(key) as turn:
        if ready is not None:
            await ready.wait()
        if error is not None:
            raise error
        await turn()
        told.append(name)


def ready_now():
    ready = asyncio.Event()
    ready.set()
    return ready


async def turns():
    """Have everybody come as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_entered_later_goes_on_later_though_it_is_ready_sooner():  # G3
    ordering, told, ready = Ordering(), [], asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(goes(ordering, "a", 1, told, ready))
        group.create_task(goes(ordering, "a", 2, told))
        group.create_task(goes(ordering, "b", 3, told))
        await turns()
        assert (told, ordering.holds("a"), ordering.holds("b")) == ([3], True, False)
        ready.set()
    assert (told, ordering.holds("a")) == ([3, 1, 2], False)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_who_does_not_go_on_holds_up_nobody(how):
    ordering, told, ready = Ordering(), [], asyncio.Event()
    error = ValueError() if how == "fails" else None
    first = asyncio.create_task(goes(ordering, "a", 1, told, ready, error))
    await turns()
    second = asyncio.create_task(goes(ordering, "a", 2, told))
    await turns()
    assert told == []
    ready.set() if error else first.cancel()
    await asyncio.wait([first, second])
    assert (told, ordering.holds("a")) == ([2], False)
    assert first.cancelled() or first.exception() is error


async def test_who_gives_up_before_its_turn_lets_nobody_pass_those_before_it():  # G3
    ordering, told, ready = Ordering(), [], asyncio.Event()
    first = asyncio.create_task(goes(ordering, "a", 1, told, ready))
    await turns()
    with pytest.raises(ValueError, match="no"):
        await goes(ordering, "a", 2, told, ready_now(), ValueError("no"))
    third = asyncio.create_task(goes(ordering, "a", 3, told))
    await turns()
    assert (told, ordering.holds("a")) == ([], True)
    ready.set()
    await asyncio.wait([first, third])
    await turns()
    assert (told, ordering.holds("a")) == ([1, 3], False)
    assert first.exception() is third.exception() is None
