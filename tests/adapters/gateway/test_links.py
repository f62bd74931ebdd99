import gc

import pytest

from gateway_rig import GatewayRig, Recorder, until
from laba.adapters.gateway.links import Gone
from laba.adapters.gateway.websocket import WebSocketConnection
from laba.model.closing import Closing


@pytest.fixture
def no_collector():
    """Let nothing go but by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def connections():
    return sum(isinstance(each, WebSocketConnection) for each in gc.get_objects())


@pytest.mark.anyio
@pytest.mark.parametrize("goes", ["orderly", "gone"])
async def test_a_client_that_goes_takes_everything_with_it(no_collector, goes):
    """The collector is spared what stays, and never sees what went: nothing of a connection may be left for it."""
    async with GatewayRig().running() as rig:
        before = connections()
        peer = await rig.logged_in("ann")
        assert connections() == before + 1
        peer.vanish() if goes == "gone" else await peer.leave()
        await until(lambda: not len(rig.gateway))
        await until(lambda: connections() == before)


def test_what_is_handed_to_who_is_gone_is_lost():
    """X2: and whoever wants to know is told."""
    told = Recorder()
    gone = Gone()
    gone.queue(b"one", told)
    gone.hold(b"two", 1, told)
    gone.hold_rest([(b"three", told)], 0)
    gone.close(Closing.SHUTDOWN)
    gone.abort()
    assert (told.reasons, gone.fd, gone.outbox) == (["closed"] * 3, -1, None)
