"""Many calls over few connections, to services that do what a test says (S8, P7)."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from h2 import events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError
from push_ends import LONG_MS, callers, met, outcome, sending
from scripted_peer import SECONDS, peering

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet_loop")]

ONE = {SettingCodes.MAX_CONCURRENT_STREAMS: 1}
CLOSED = "no answer: the connection was closed half-way"


@asynccontextmanager
async def told(settings=(), *, connections_max=1, **how):
    """Run a peer, and a sender that trusts it."""
    async with peering(settings) as peer, sending(peer.ca_file, connections_max=connections_max, **how) as sender:
        yield peer, sender


def promised(sender, peer):
    return [one.promised for one in sender._origins[peer.host].connections]


async def works(sender, peer, wire):
    """See that a call has its answer on this connection."""
    async with callers(sender, peer) as (calling,):
        wire.answer((await wire.request()).stream, 200, b"still")
        assert await outcome(calling) == HttpReply(200, b"still")
    assert set(promised(sender, peer)) == {0}


# --- many calls ----------------------------------------------------------------------------------------------------


async def test_a_call_and_its_answer():
    async with told() as (peer, sender):
        call = HttpCall(peer.url, b"{}", {"Authorization": "bearer x"})
        sent = asyncio.create_task(sender.send(call, LONG_MS))
        wire = await peer.wire()
        request = await wire.request()
        assert (request.headers[":authority"], request.headers[":path"]) == (peer.host, "/push?a=b")
        assert (request.headers["authorization"], request.body) == ("bearer x", b"{}")
        wire.answer(request.stream, 410, b"gone", apns_id="7")
        assert await sent == HttpReply(410, b"gone", {"apns-id": "7"})
        assert (sender.connections(peer.host), sender.connections("elsewhere")) == (1, 0)


async def test_a_url_without_a_path_is_called_at_its_root():
    async with told() as (peer, sender):
        sent = asyncio.create_task(sender.send(HttpCall(f"https://{peer.host}", b""), LONG_MS))
        wire = await peer.wire()
        request = await wire.request()
        assert request.headers[":path"] == "/"
        wire.answer(request.stream)
        assert await sent == HttpReply(200)


async def test_many_calls_share_one_connection():
    """P7"""
    async with told() as (peer, sender), callers(sender, peer, 100) as calling:
        wire = await peer.wire()
        for request in await wire.requests(100):
            wire.answer(request.stream, 200, request.body)
        assert [(await outcome(one)).body for one in calling] == [b"%d" % number for number in range(100)]
        assert (len(peer.wires), promised(sender, peer)) == (1, [0])


async def test_there_are_only_so_many_connections_with_only_so_many_calls_and_the_rest_wait_in_order():
    """h2 counts the streams of each."""
    async with told({SettingCodes.MAX_CONCURRENT_STREAMS: 2}, connections_max=3) as (peer, sender):
        async with callers(sender, peer, 10) as calling:
            wires = [await peer.wire() for _ in range(3)]
            first = {wire: await wire.requests(2) for wire in wires}
            assert sorted(request.body for each in first.values() for request in each) == [
                b"%d" % n for n in range(6)
            ]
            assert sender.connections(peer.host) == 3
            for number in range(6, 10):
                wire = wires[number % 3]
                wire.answer(first[wire].pop().stream)
                request = await wire.request()
                assert request.body == b"%d" % number
                first[wire].insert(0, request)
            for wire, requests in first.items():
                for request in requests:
                    wire.answer(request.stream)
            assert {(await outcome(one)).status for one in calling} == {200}
        assert len(peer.wires) == 3


async def test_a_service_that_allows_one_call_until_it_knows_its_caller_gets_one():
    """And as soon as it allows more, the others, in order: so does APNs (S8)."""
    async with told(ONE) as (peer, sender), callers(sender, peer, 50) as calling:
        wire = await peer.wire()
        assert (await wire.request()).body == b"0"
        await wire.quiet()
        assert wire.heard(events.RequestReceived) == []
        wire.change({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
        requests = await wire.requests(49)
        assert [request.body for request in requests] == [b"%d" % number for number in range(1, 50)]
        for stream in [1, *(request.stream for request in requests)]:
            wire.answer(stream)
        assert {(await outcome(one)).status for one in calling} == {200}
        assert len(peer.wires) == 1


async def test_a_service_that_allows_less_than_before_gets_less():
    async with told({SettingCodes.MAX_CONCURRENT_STREAMS: 3}) as (peer, sender), callers(sender, peer, 5):
        wire = await peer.wire()
        await wire.requests(3)
        wire.change({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        wire.answer(1)
        wire.answer(3)
        await wire.quiet()
        assert wire.heard(events.RequestReceived) == []
        wire.answer(5)
        assert (await wire.request()).body == b"3"
        await wire.quiet()
        assert wire.heard(events.RequestReceived) == []


# --- what was not taken --------------------------------------------------------------------------------------------


async def test_a_call_that_is_refused_goes_out_once_more():
    async with told() as (peer, sender), callers(sender, peer) as (calling,):
        wire = await peer.wire()
        wire.reset((await wire.request()).stream, ErrorCodes.REFUSED_STREAM)
        request = await wire.request()
        assert (request.stream, request.body) == (3, b"0")
        wire.answer(3)
        assert await outcome(calling) == HttpReply(200)


async def test_a_call_that_is_refused_twice_has_no_answer():
    async with told() as (peer, sender):
        async with callers(sender, peer) as (calling,):
            wire = await peer.wire()
            for _ in range(2):
                wire.reset((await wire.request()).stream, ErrorCodes.REFUSED_STREAM)
            assert await outcome(calling) == "no answer: it would not take the call, twice"
        await works(sender, peer, wire)


async def test_a_call_that_is_broken_off_is_not_repeated():
    async with told() as (peer, sender):
        async with callers(sender, peer) as (calling,):
            wire = await peer.wire()
            wire.reset((await wire.request()).stream, ErrorCodes.INTERNAL_ERROR)
            assert await outcome(calling) == "no answer: it broke the call off (HTTP/2 error 2)"
        await works(sender, peer, wire)


async def test_when_a_service_goes_away_what_it_did_not_take_goes_elsewhere():
    async with told() as (peer, sender), callers(sender, peer, 3) as calling:
        old = await peer.wire()
        await old.requests(3)
        old.go_away(3)
        new = await peer.wire()
        request = await new.request()
        assert request.body == b"2"
        new.answer(request.stream, 200, b"new")
        old.answer(1, 200, b"old")
        old.answer(3, 200, b"old")
        assert [(await outcome(one)).body for one in calling] == [b"old", b"old", b"new"]
        await old.ended()
        assert sender.connections(peer.host) == 1


@pytest.mark.parametrize("how", ["goes away", "is cut"])
async def test_calls_that_wait_for_room_go_on_at_another_connection(how):
    """Though nobody calls any more who would have it made."""
    async with told(ONE) as (peer, sender), callers(sender, peer, 2) as (first, second):
        old = await peer.wire()
        await old.request()
        if how == "is cut":
            old.transport.abort()
            assert await outcome(first) == CLOSED
        else:
            old.go_away(1)
        new = await peer.wire()
        request = await new.request()
        assert request.body == b"1"
        new.answer(request.stream)
        assert await outcome(second) == HttpReply(200)


async def test_after_a_cut_the_next_call_connects_anew():
    async with told() as (peer, sender):
        async with callers(sender, peer, 2) as calling:
            wire = await peer.wire()
            await wire.requests(2)
            wire.transport.abort()
            assert [await outcome(one) for one in calling] == [CLOSED, CLOSED]
        assert sender.connections(peer.host) == 0
        async with callers(sender, peer) as (calling,):
            wire = await peer.wire()
            wire.answer((await wire.request()).stream)
            assert await outcome(calling) == HttpReply(200)
        assert len(sender._origins[peer.host].connections) == 1


# --- what takes too long, and who gives up ------------------------------------------------------------------------


async def test_a_call_that_hangs_ends_at_its_limit_and_the_next_has_its_place():
    async with told(ONE) as (peer, sender):
        await met(sender, peer)
        async with callers(sender, peer, timeout_ms=1000) as (hung,), callers(sender, peer) as (waiting,):
            wire = peer.wires[0]
            stream = (await wire.request()).stream
            await wire.quiet()
            assert await outcome(hung) == "no answer in 1000 ms"
            reset = await wire.hear(events.StreamReset)
            assert (reset.stream_id, reset.error_code) == (stream, ErrorCodes.CANCEL)
            wire.answer((await wire.request()).stream)
            assert await outcome(waiting) == HttpReply(200)


async def test_after_a_call_during_which_nothing_at_all_was_heard_the_next_goes_elsewhere():
    """What the network takes and nobody reads is known by nothing else."""
    async with told() as (peer, sender):
        await met(sender, peer)
        async with callers(sender, peer) as (other,):
            await peer.wires[0].request()
            async with callers(sender, peer, timeout_ms=50) as (hung,):
                assert await outcome(hung) == "no answer in 50 ms"
            async with callers(sender, peer) as (calling,):
                wire = await peer.wire()
                wire.answer((await wire.request()).stream)
                assert await outcome(calling) == HttpReply(200)
            peer.wires[0].answer(3)
            assert await outcome(other) == HttpReply(200)
        await peer.wires[0].ended()


async def test_another_connection_that_cannot_be_made_is_not_tried_again_at_once():
    """Who waits for it waits for the one that there is, or until the own time is over."""
    async with told(ONE, connections_max=2) as (peer, sender):
        await met(sender, peer)
        turned_away = []

        def turn_away(wire):
            turned_away.append(wire)
            wire.transport.abort()

        peer.settings, peer.come = None, turn_away
        async with callers(sender, peer) as (served,), callers(sender, peer, 2, timeout_ms=300) as waiting:
            stream = (await peer.wires[0].request()).stream
            assert [await outcome(one) for one in waiting] == ["no answer in 300 ms"] * 2
            peer.wires[0].answer(stream)
            assert await outcome(served) == HttpReply(200)
        assert len(turned_away) == 1


async def test_a_caller_that_goes_while_it_waits_for_an_answer_leaves_its_place_to_the_next():
    async with told(ONE) as (peer, sender), callers(sender, peer, 2) as (first, second):
        wire = await peer.wire()
        await wire.request()
        first.cancel()
        assert (await wire.hear(events.StreamReset)).stream_id == 1
        wire.answer((await wire.request()).stream)
        assert await outcome(second) == HttpReply(200)


async def test_a_caller_that_goes_while_it_waits_for_room_is_passed_over():
    async with told(ONE) as (peer, sender), callers(sender, peer, 3) as (first, second, third):
        wire = await peer.wire()
        await wire.request()
        second.cancel()
        await asyncio.wait([second])
        wire.answer(1)
        request = await wire.request()
        assert request.body == b"2"
        wire.answer(request.stream)
        assert [await outcome(one) for one in (first, third)] == [HttpReply(200)] * 2
        assert promised(sender, peer) == [0]


async def test_a_caller_that_goes_with_room_promised_gives_it_to_the_next():
    async with told(ONE) as (peer, sender), callers(sender, peer, 3) as (first, second, third):
        wire = await peer.wire()
        await wire.request()
        first.cancel()
        await asyncio.sleep(0)  # the first call's turn, in which the second is promised its place
        assert promised(sender, peer) == [1]
        second.cancel()
        request = await wire.request()
        assert (request.body, second.cancelled()) == (b"2", True)
        wire.answer(request.stream)
        assert await outcome(third) == HttpReply(200)
        assert promised(sender, peer) == [0]


async def test_callers_that_go_while_a_connection_is_made_leave_it_for_others():
    async with told(None) as (peer, sender):
        async with callers(sender, peer, 3):
            wire = await peer.wire()
            await wire.quiet()
        wire.change({})
        await works(sender, peer, wire)
        assert len(peer.wires) == 1


async def test_a_service_that_does_not_greet_is_left_after_a_while():
    async with told(None, connect_seconds=0.5) as (peer, sender):
        async with callers(sender, peer, 2, timeout_ms=LONG_MS) as calling:
            assert [await outcome(one) for one in calling] == ["no answer: it did not greet in time"] * 2
        wire = await peer.wire()
        await wire.ended()
        peer.settings = {}
        await met(sender, peer)


async def test_a_connection_that_has_been_idle_is_closed_and_the_next_call_makes_another():
    async with told(idle_seconds=0.05) as (peer, sender):
        await met(sender, peer)
        await peer.wires[0].ended()
        assert sender.connections(peer.host) == 0
        await met(sender, peer)


async def test_nothing_is_left_open_at_the_end():
    before = asyncio.all_tasks()
    async with peering() as peer:
        async with sending(peer.ca_file) as sender:
            busy = asyncio.create_task(sender.send(HttpCall(peer.url, b""), LONG_MS))
            wire = await peer.wire()
            await wire.request()
        assert await outcome(busy) == CLOSED
        await wire.ended()
        with pytest.raises(CourierError, match=CLOSED):
            await sender.send(HttpCall(peer.url, b""), LONG_MS)
    async with peering(None) as peer:
        async with sending(peer.ca_file) as sender:
            waiting = asyncio.create_task(sender.send(HttpCall(peer.url, b""), LONG_MS))
            wire = await peer.wire()
        assert await outcome(waiting) == CLOSED
        await wire.ended()
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=SECONDS)
    assert asyncio.all_tasks() == before


# --- many services -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [True, False])
async def test_of_very_many_services_those_that_are_not_called_at_the_moment_are_left_first(busy):
    """Browsers' push services are named by those who subscribe."""
    async with peering() as gone:
        pass
    async with told() as (peer, sender):
        await met(sender, peer)
        async with callers(sender, peer, int(busy)) as calling:
            for number in range(200):
                url = f"https://127.0.1.{number}:{gone.port}/"
                with pytest.raises(CourierError, match="nobody listens there"):
                    await sender.send(HttpCall(url, b""), LONG_MS)
            if busy:
                wire = peer.wires[0]
                wire.answer((await wire.request()).stream)
                assert await outcome(calling[0]) == HttpReply(200)
            else:
                await peer.wires[0].ended()
            assert sender.connections(peer.host) == int(busy)
