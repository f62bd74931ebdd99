"""Taking clients on, logging them in, delivering, and letting them go: S4, design.md 5, 6.4 and 6.7."""

import asyncio

import pytest

from gateway_rig import APP, EPOCH, MASK, PATH, STREAM, UPGRADE, GatewayRig, Recorder, numbered, until
from laba.model.closing import Closing
from laba.model.refusal import Code, Refusal
from laba.model.session import Ask, Told
from laba.model.stream import Stream
from laba.ports import StoreBusyError
from laba.protocols.websocket import CloseFrame, PongFrame, Text, client_text_frame, text_frame
from laba.service.fanout import Delivery, Eviction

pytestmark = pytest.mark.anyio

CLIENT_PING = b"\x89\x80" + MASK
CONNECT = client_text_frame(b'{"id":1,"connect":{"token":"ann"}}', MASK)


def upgrade(**headers):
    lines = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {PATH}?format=json HTTP/1.1\r\n{head}\r\n".encode()


# --- taking over ---------------------------------------------------------------------------------------------------


async def test_what_came_behind_the_upgrade_request_is_not_lost():
    """A client may send its login in the same packet."""
    async with GatewayRig().running() as rig:
        client = await rig.connect()
        await client.send(UPGRADE + CONNECT)
        await client.read_through(b"\r\n\r\n")
        assert (await client.reply())["id"] == 1


@pytest.mark.parametrize(
    "headers", [{"Connection": "keep-alive, Upgrade"}, {"Connection": "upgrade"}, {"Upgrade": "WebSocket"}]
)
async def test_an_upgrade_may_be_written_in_more_than_one_way(headers):
    """Firefox sends a list, others differ in case."""
    async with GatewayRig().running() as rig:
        client = await rig.connect()
        status, answer, _ = await client.call(upgrade(**headers))
        assert status == 101
        # RFC 6455 section 1.3 has this pair.
        assert answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert "connect" in await client.log_in("ann")


async def test_a_second_call_on_the_connection_may_be_the_upgrade():
    """Keep-alive first, WebSocket afterwards."""
    async with GatewayRig().running() as rig:
        client = await rig.connect()
        assert (await client.call(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
        (http,) = rig.state.connections
        assert (await client.call(UPGRADE))[0] == 101
        assert "connect" in await client.log_in("ann")
        # Nothing of HTTP may end it any more.
        assert (http.timeout_keep_alive_task, http.slot) == (None, -1)
        assert not rig.state.connections


async def test_a_wrong_path_is_404_and_a_bad_handshake_400():
    """And the connection ends, and counts as none."""
    async with GatewayRig().running() as rig:
        wrong = await rig.connect()
        assert (await wrong.call(UPGRADE.replace(PATH.encode(), b"/connection/elsewhere")))[0] == 404
        assert await wrong.read() == b""
        bad = await rig.connect()
        assert (await bad.call(upgrade(**{"Sec-WebSocket-Key": "short"})))[0] == 400
        assert await bad.read() == b""
        old = await rig.connect()
        status, headers, _ = await old.call(upgrade(**{"Sec-WebSocket-Version": "8"}))
        assert (status, headers["sec-websocket-version"]) == (426, "13")
        assert len(rig.gateway) == 0


async def test_a_full_gateway_asks_to_come_back():
    """503 with Retry-After; a place that becomes free is given away."""
    async with GatewayRig(capacity={"connections": 2}).running() as rig:
        await rig.logged_in("ann")
        bob = await rig.logged_in("bob")
        late = await rig.connect()
        status, headers, _ = await late.call(UPGRADE)
        assert (status, headers["retry-after"]) == (503, "5")
        assert await late.read() == b""
        await bob.leave()
        await until(lambda: len(rig.gateway) == 1)
        await rig.logged_in("carl")


async def test_too_many_without_a_login_are_asked_to_come_back():
    """Those that are logged in do not count, and those that left do not either."""
    async with GatewayRig(capacity={"handshakes": 2}).running() as rig:
        await rig.logged_in("ann")
        await rig.logged_in("bob")
        first, _ = await rig.upgraded(), await rig.upgraded()
        late = await rig.connect()
        status, headers, _ = await late.call(UPGRADE)
        assert (status, headers["retry-after"]) == (503, "5")
        first.vanish()
        await until(lambda: len(rig.gateway) == 3)
        await rig.upgraded()
        assert (await (await rig.connect()).call(UPGRADE))[0] == 503


# --- logging in ----------------------------------------------------------------------------------------------------


async def test_commands_behind_a_login_wait_for_it_and_are_answered_in_order():
    """In one frame, in another frame, in another packet: reading stands still meanwhile."""
    async with GatewayRig().running() as rig:
        client = await rig.upgraded()
        (connection,) = rig.gateway._connections
        rig.people.open.clear()
        await client.say(
            {"id": 1, "connect": {"token": "ann"}},
            {"id": 2, "rpc": {"method": "history"}},
            {"id": 3, "subscribe": {"channel": "room:1"}},
        )
        await until(lambda: not connection._transport.is_reading())
        await client.say({"id": 4, "publish": {"channel": "app"}})
        await client.send(CLIENT_PING)
        rig.people.open.set()
        assert [(await client.reply())["id"] for _ in range(4)] == [1, 2, 3, 4]
        assert await client.next() == PongFrame(b"")


async def test_a_long_queue_behind_a_login_is_cheap_to_keep():
    """Thousands of frames in one packet cost no more than their number."""
    async with GatewayRig().running() as rig:
        client = await rig.upgraded()
        rig.people.open.clear()
        await client.send(CONNECT + client_text_frame(b'{"id":7,"rpc":{"method":"x"}}', MASK) * 3000)
        rig.people.open.set()
        assert (await client.reply())["id"] == 1
        assert [(await client.reply())["id"] for _ in range(3000)] == [7] * 3000


async def test_a_second_login_is_a_bad_request():
    """Also where it waited behind the first one."""
    async with GatewayRig().running() as rig:
        client = await rig.upgraded()
        await client.say({"id": 1, "connect": {"token": "ann"}}, {"id": 2, "connect": {"token": "bob"}})
        assert "connect" in await client.reply()
        assert await client.next() == CloseFrame(3501, "bad request")
        assert not len(rig.roster)


async def test_an_expired_token_may_be_followed_by_a_fresh_one():
    """The command is refused, the connection stays."""
    async with GatewayRig().running() as rig:
        rig.people.answers["old"] = Refusal(Code.TOKEN_EXPIRED, "expired")
        client = await rig.upgraded()
        assert (await client.log_in("old"))["error"]["code"] == 109
        assert "connect" in await client.log_in("fresh")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Refusal(Code.TOKEN_CORRUPT, "corrupt"), 3500),
        (StoreBusyError(), 3004),
        (OSError("disk"), 3004),
    ],
)
async def test_a_login_that_fails_ends_with_its_code(answer, code):
    """What the client cannot mend must not come back, what the server lacks may."""
    async with GatewayRig().running() as rig:
        rig.people.answers["ann"] = answer
        client = await rig.upgraded()
        await client.send(CONNECT)
        assert (await client.next()).code == code
        assert rig.counted("laba_store_failures_total") == (code == 3004)
        assert not len(rig.roster)


@pytest.mark.parametrize("reason", ["write_error", "login_timeout"])
@pytest.mark.parametrize(
    "answer", [None, Refusal(Code.TOKEN_EXPIRED, "x"), Refusal(Code.TOKEN_CORRUPT, "x"), OSError()]
)
async def test_a_connection_that_ends_during_its_login_has_ended(answer, reason):
    """It counts once as closed and no longer as a stranger, whatever the login comes to."""
    async with GatewayRig(capacity={"handshakes": 1}).running() as rig:
        rig.people.answers["ann"] = answer
        rig.people.open.clear()
        client = await rig.upgraded()
        (connection,) = rig.gateway._connections
        await client.send(CONNECT)
        await until(lambda: rig.gateway._answering)
        if reason == "login_timeout":
            await rig.tick(32)
        else:
            connection.abort()
        rig.people.open.set()
        await until(lambda: not rig.gateway._answering)
        client.vanish()
        await until(lambda: not len(rig.gateway))
        assert not len(rig.roster)
        await rig.upgraded()
        assert (await (await rig.connect()).call(UPGRADE))[0] == 503
        assert rig.counted("laba_sessions_closed_total", reason=reason) == 1
        assert rig.counted("laba_sessions_closed_total", reason="normal") == 0


async def test_a_login_that_takes_too_long_ends():
    """The client gets its close frame although nothing was read of it meanwhile."""
    async with GatewayRig(limits={"login_seconds": 5}).running() as rig:
        rig.people.open.clear()
        client = await rig.upgraded()
        await client.send(CONNECT)
        await until(lambda: rig.gateway._answering)
        await rig.tick(7)
        assert await client.next() == CloseFrame(4001, "no login in time")
        await client.leave()
        assert await client.next() is None


# --- catching up ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outbox_bytes", [20_000, 1 << 20])
async def test_a_slow_client_that_returns_gets_all_it_missed_and_then_what_is_live(outbox_bytes):
    """However small its outbox: catching up waits for the client, and nothing live overtakes."""
    async with GatewayRig(limits={"outbox_bytes": outbox_bytes}).running() as rig:
        window = await rig.fanout.open(Stream(APP.uuid, "app"))
        missed = [numbered(number, 8_000) for number in range(200)]
        for frame in missed:
            window.add(rig.kept(frame))
        client = await rig.upgraded(receive_bytes=16384)
        welcome = await client.log_in("ann", subs={"app": {"recover": True, "epoch": EPOCH, "offset": 0}})
        assert welcome["connect"]["subs"]["app"]["recovered"]
        live = numbered(200, 8_000)
        delivery = rig.delivery(live)
        window.add(delivery.kept[0])
        assert rig.deliver(b"", delivery.sessions).handed_to == 0
        rig.offset = 201
        for frame in [*missed, live]:
            assert (await client.next()).text == frame[-8000:].decode()
        await until(lambda: rig.of("ann").outbox is None)
        assert rig.deliver(text_frame(b"direct")).handed_to == 1
        assert await client.next() == Text("direct")


# --- delivering ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("io_uring", [False, True])
async def test_a_delivery_reaches_everyone_in_slices_and_is_counted(io_uring):
    """The loop turns between slices; each socket that took the last byte counts."""
    async with GatewayRig(capacity={"slice_writes": 2}, io_uring=io_uring).running() as rig:
        clients = [await rig.logged_in(f"user{number}") for number in range(5)]
        turns = 0

        async def turning():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(turning()), group.create_task(rig.gateway.run())]
            await rig.fanout.outgoing.put(rig.delivery(text_frame(b"hello")))
            before = turns
            await until(lambda: rig.counted("laba_deliveries_total") == 5)
            assert turns - before >= 3
            for client in clients:
                assert await client.next() == Text("hello")
            for task in tasks:
                task.cancel()


async def test_an_eviction_ends_sessions_in_order_with_deliveries():
    """What was sent before the user was removed still arrives."""
    async with GatewayRig().running() as rig:
        ann, bob = await rig.logged_in("ann"), await rig.logged_in("bob")
        running = asyncio.create_task(rig.gateway.run())
        await rig.fanout.outgoing.put(rig.delivery(text_frame(b"one")))
        await rig.fanout.outgoing.put(Eviction(STREAM, rig.roster.of_user(APP.uuid, "ann"), Closing.USER_REMOVED))
        await rig.fanout.outgoing.put(rig.delivery(text_frame(b"two")))
        assert [await ann.next(), await ann.next()] == [Text("one"), CloseFrame(4501, "user removed")]
        assert [await bob.next(), await bob.next()] == [Text("one"), Text("two")]
        running.cancel()


async def test_nothing_is_written_at_or_below_the_last_offset():
    """The one rule against doubles: a batch that is known is skipped, one that is half known is cut."""
    async with GatewayRig().running() as rig:
        ann, bob = await rig.logged_in("ann"), await rig.logged_in("bob")
        first, second = rig.kept(text_frame(b"1")), rig.kept(text_frame(b"2"))
        sessions = list(rig.roster)
        rig.of("ann").session.written = 1
        joined = {"json": text_frame(b"1") + text_frame(b"2")}
        batch = Delivery(STREAM, (first, second), joined, sessions, rig.progress(first, second, audience=2))
        running = asyncio.create_task(rig.gateway.run())
        await rig.fanout.outgoing.put(batch)
        await rig.fanout.outgoing.put(batch)
        await rig.fanout.outgoing.put(rig.delivery(text_frame(b"3")))
        assert [await ann.next(), await ann.next()] == [Text("2"), Text("3")]
        assert [await bob.next(), await bob.next(), await bob.next()] == [Text("1"), Text("2"), Text("3")]
        assert rig.counted("laba_deliveries_total") == 6
        running.cancel()


# --- the end -------------------------------------------------------------------------------------------------------


async def test_a_drain_lets_everyone_go_one_after_the_other():
    """Spread over its time, each with the reason; nobody new comes in, and who does not answer is cut."""
    async with GatewayRig().running() as rig:
        loop = asyncio.get_running_loop()
        clients = [await rig.logged_in(f"user{number}") for number in range(10)]
        waiting = await rig.connect()

        async def closed(client):
            assert await client.next() == CloseFrame(3001, "shutdown")
            at = loop.time()
            if client is not clients[0]:
                await client.leave()
                assert await client.next() is None
            return at

        draining = asyncio.create_task(rig.gateway.drain(0.5))
        farewells = [asyncio.create_task(closed(client)) for client in clients]
        await asyncio.wait(farewells, return_when=asyncio.FIRST_COMPLETED)
        assert (await waiting.call(UPGRADE))[0] == 503
        times = sorted([await farewell for farewell in farewells])
        assert times[-1] - times[0] >= 0.3
        assert times[5] - times[0] >= 0.1
        assert len(rig.gateway) == 1
        await draining
        await until(lambda: not len(rig.gateway))
        assert await clients[0].next() is None
        assert rig.counted("laba_sessions_closed_total", reason="shutdown") == 10


async def test_an_empty_gateway_is_drained_at_once():
    """And takes nobody on afterwards."""
    async with GatewayRig().running() as rig:
        await rig.gateway.drain(30)
        assert (await (await rig.connect()).call(UPGRADE))[0] == 503


# --- questions -----------------------------------------------------------------------------------------------------


def ask(number, method="m", **rpc):
    return {"id": number, "rpc": {"method": method, **rpc}}


async def test_a_question_is_answered_under_its_id():
    """With the data as it came; what is said is JSON again."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        rig.questions.answers["history"] = Told(0, b'{"x":1}')
        await client.say(ask(7, "history", data={"limit": 3}))
        assert await client.reply() == {"id": 7, "rpc": {"data": {"x": 1}}}
        assert rig.questions.asked == [Ask(7, "history", b'{"limit": 3}')]


async def test_a_question_that_is_refused_ends_nothing():
    """The service says why."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        await client.say(ask(7))
        assert (await client.reply())["error"]["code"] == 104
        rig.deliver(text_frame(b"still here"))
        assert await client.next() == Text("still here")


@pytest.mark.parametrize("fault", [StoreBusyError(), OSError("disk")])
async def test_a_question_that_the_store_cannot_answer_is_an_error_of_ours(fault):
    """Code 100, and the session goes on."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        rig.questions.answers["broken"] = fault
        await client.say(ask(7, "broken"), ask(8))
        assert (await client.reply())["error"]["code"] == 100
        assert (await client.reply())["error"]["code"] == 104
        assert rig.counted("laba_store_failures_total") == 1


async def test_one_question_at_a_time_and_what_follows_waits():
    """In its own frame, in another, in another packet; pushes go on meanwhile, reading does not."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        connection = rig.of("ann")
        rig.questions.open.clear()
        await client.say(ask(1), ask(2))
        await until(lambda: rig.questions.asked)
        await client.say({"id": 3, "publish": {"channel": "app"}})
        await client.send(CLIENT_PING)
        assert not connection._transport.is_reading()
        rig.deliver(text_frame(b"meanwhile"))
        assert await client.next() == Text("meanwhile")
        assert [asked.request_id for asked in rig.questions.asked] == [1]
        rig.questions.open.set()
        assert [(await client.reply())["id"] for _ in range(3)] == [1, 2, 3]
        assert await client.next() == PongFrame(b"")
        assert connection._transport.is_reading()


async def test_a_question_whose_client_has_gone_is_answered_to_nobody():
    """And nothing is left of it."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        rig.questions.open.clear()
        await client.say(ask(1), ask(2))
        await until(lambda: rig.questions.asked)
        rig.of("ann").abort()
        rig.questions.open.set()
        await until(lambda: not rig.gateway._answering)
        assert [asked.request_id for asked in rig.questions.asked] == [1]


# --- what is known of a client -------------------------------------------------------------------------------------


async def test_an_end_tells_how_it_came():
    """An orderly one by the client's own close frame, ours at a shutdown, and any other."""
    async with GatewayRig().running() as rig:
        polite, other = await rig.logged_in("polite"), await rig.logged_in("other")
        gone, evicted = await rig.logged_in("gone"), await rig.logged_in("evicted")
        await polite.leave()
        await until(lambda: rig.departures)
        gone.vanish()
        await until(lambda: len(rig.departures) == 2)
        rig.of("evicted").close(Closing.USER_REMOVED)
        rig.of("other").close(Closing.SHUTDOWN)
        for client in (other, evicted):
            await client.leave()
        assert rig.departures == [
            ("polite", True, False),
            ("gone", False, False),
            ("evicted", False, False),
            ("other", False, True),
        ]


async def test_an_end_is_not_orderly_while_something_of_ours_waits():
    """The client cannot have had it."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann", receive_bytes=4096)
        rig.deliver(numbered(1, 500_000))
        await client.leave()
        await until(lambda: rig.departures)
        assert rig.departures == [("ann", False, False)]


async def test_a_pong_confirms_what_was_written_before_its_ping():
    """Not what came after; and neither a WebSocket pong nor one that nobody asked for confirms anything."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        session = rig.of("ann").session
        await client.send(client_text_frame(b"{}", MASK) + b"\x8a\x80" + MASK)
        rig.deliver(text_frame(b"before"))
        await client.next()
        now = 0
        while not rig.of("ann")._unanswered:
            now += 1
            await rig.tick(now)
        rig.deliver(text_frame(b"after"))
        assert (session.confirmed, session.pinged, session.written) == (0, 1, 2)
        await client.send(client_text_frame(b"{}", MASK))
        await until(lambda: session.confirmed)
        assert session.confirmed == 1


# --- progress (X2) -------------------------------------------------------------------------------------------------


async def test_a_frame_counts_as_handed_when_its_last_byte_is():
    """At once, or as the client reads: each session once."""
    async with GatewayRig().running() as rig:
        fast, slow = await rig.logged_in("fast"), await rig.logged_in("slow", receive_bytes=4096)
        big = numbered(1, 400_000)
        first = rig.deliver(big)
        assert await fast.read_exactly(len(big)) == big
        await until(lambda: first.handed_to == 1)
        second = rig.deliver(text_frame(b"behind it"))
        assert (first.handed_to, second.handed_to) == (1, 1)
        assert await slow.read_exactly(len(big)) == big
        assert (await slow.next()).text == "behind it"
        await until(lambda: second.handed_to == 2)
        assert (first.handed_to, first.reasons, second.reasons) == (2, [], [])


@pytest.mark.parametrize("end", ["slow", "write_error", "user_removed"])
async def test_a_frame_that_never_goes_out_is_lost_for_the_reason_of_the_end(end):
    """Also the one whose beginning went out, unless its rest still does."""
    async with GatewayRig(limits={"outbox_bytes": 600_000}).running() as rig:
        client = await rig.logged_in("ann", receive_bytes=4096)
        begun, waiting = rig.deliver(numbered(1, 400_000)), rig.deliver(text_frame(b"x" * 1000))
        match end:
            case "slow":
                over = rig.deliver(numbered(2, 400_000))
                assert over.reasons == ["slow"]
            case "write_error":
                rig.of("ann").abort()
            case "user_removed":
                rig.of("ann").close(Closing.USER_REMOVED)
        assert waiting.reasons == [end]
        client.vanish()
        await until(lambda: begun.reasons)
        assert (begun.reasons, begun.handed_to, waiting.handed_to) == ([end], 0, 0)


async def test_a_frame_begun_before_the_end_still_counts_when_it_is_read():
    """A frame that has begun is finished, whatever follows."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann", receive_bytes=4096)
        big = numbered(1, 400_000)
        begun = rig.deliver(big)
        rig.of("ann").close(Closing.SHUTDOWN)
        assert await client.read_exactly(len(big)) == big
        assert await client.next() == CloseFrame(3001, "shutdown")
        await until(lambda: begun.handed_to == 1)
        await client.leave()


async def test_what_is_written_to_who_has_gone_is_lost():
    """In whatever way it would have been written."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        connection = rig.of("ann")
        session = connection.session
        connection.close(Closing.SHUTDOWN)
        await client.leave()
        delivered = rig.deliver(text_frame(b"x"), [session])
        written, queued = Recorder(), Recorder()
        connection.write(text_frame(b"x"), written)
        connection.queue(text_frame(b"x"), queued)
        assert delivered.reasons == written.reasons == queued.reasons == ["closed"]
