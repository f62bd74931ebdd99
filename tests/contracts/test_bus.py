"""What every Bus keeps to."""

import asyncio

import pytest

from contracts.stores import dispatch
from laba.adapters.bus.local import LocalBus
from laba.model.closing import Closing
from laba.model.dispatch import Conversation, ConversationType, Message
from laba.model.stream import Batch, Entry, Revocation, Stream

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[LocalBus])
def make_bus(request):
    return request.param


def batch(n):
    message = Message(n, Conversation(ConversationType.APP, "admin"), dispatch(n))
    return Batch(Stream("app-1", "app"), "epoch", (Entry(n, message),))


async def receive(subscription, count):
    return [await anext(subscription) for _ in range(count)]


async def settle():
    """Let every task run until it waits."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_every_subscriber_receives_every_notice_in_order(make_bus):  # G3
    """Batches and revocations alike, to all, in the order they were published."""
    bus = make_bus()
    first, second = bus.subscribe(), bus.subscribe()
    notices = [batch(1), Revocation("app-1", "ann", Closing.USER_REMOVED), batch(2)]
    for notice in notices:
        await bus.publish(notice)
    assert await receive(first, 3) == await receive(second, 3) == notices


async def test_a_subscription_begins_with_the_call(make_bus):
    """What is published after `subscribe` is received though nobody listened yet; what came before is not."""
    bus = make_bus()
    await bus.publish(batch(1))
    subscription = bus.subscribe()
    await bus.publish(batch(2))
    assert await receive(subscription, 1) == [batch(2)]


async def test_a_full_subscriber_makes_the_publisher_wait(make_bus):
    """With room for two the third publish returns only when one was taken."""
    bus = make_bus(queue_length=2)
    subscription = bus.subscribe()
    await bus.publish(batch(1))
    await bus.publish(batch(2))
    third = asyncio.ensure_future(bus.publish(batch(3)))
    await settle()
    assert not third.done()
    assert await receive(subscription, 1) == [batch(1)]
    await third
    assert await receive(subscription, 2) == [batch(2), batch(3)]


async def test_publishers_that_wait_keep_their_order_everywhere(make_bus):  # G3
    """With full subscribers that are emptied at different times, all receive one and the same order."""
    bus = make_bus(queue_length=1)
    first, second = bus.subscribe(), bus.subscribe()
    publishing = [asyncio.ensure_future(bus.publish(batch(n))) for n in range(20)]
    ahead = asyncio.ensure_future(receive(first, 20))
    await settle()
    assert await receive(second, 20) == await ahead == [batch(n) for n in range(20)]
    await asyncio.gather(*publishing)


async def test_a_closed_subscription_ends_and_frees_its_publisher(make_bus):
    """The iteration is over, the waiting publisher goes on, and the others receive what it publishes."""
    bus = make_bus(queue_length=1)
    closing, staying = bus.subscribe(), bus.subscribe()
    listener = asyncio.ensure_future(receive(staying, 2))
    await bus.publish(batch(1))
    waiting = asyncio.ensure_future(bus.publish(batch(2)))
    await settle()
    assert not waiting.done()
    await closing.aclose()
    await waiting
    assert await listener == [batch(1), batch(2)]
    assert [notice async for notice in closing] == []


async def test_closing_ends_a_listener_that_waits(make_bus):
    """A task that waits for the next notice is told that there is none."""
    bus = make_bus()
    subscription = bus.subscribe()

    async def listen():
        return [notice async for notice in subscription]

    listener = asyncio.ensure_future(listen())
    await settle()
    await subscription.aclose()
    assert await listener == []
