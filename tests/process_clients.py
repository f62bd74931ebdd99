"""Real clients for the tests: the official JavaScript and Python SDKs, unmodified, both driven in one way."""

import asyncio
import json
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import centrifuge

from process_server import HOST, environment_of

NODE = Path(__file__).with_name("clients")
PATIENCE_SECONDS = 15.0


class Listener:
    """What one client was told, in order: `events` holds dicts of the form that clients/listen.js prints.

    `command` takes a word: connect, disconnect, restart (come back as a new client, which knows of nothing), or rpc
    with a method and data, which is answered by a `told` event. In rooms: join, leave, publish, presence,
    presenceStats and history. What a subscription of the client's own brings has `own` true.
    """

    def __init__(self, command):
        self.events = []
        self.command = command
        self._news = asyncio.Event()

    def note(self, event, **facts):
        self.events.append({"event": event, **facts})
        self._news.set()

    def of(self, event):
        return [each for each in self.events if each["event"] == event]

    @property
    def messages(self):
        """The canonical messages that came on the app's channel."""
        return [each["data"] for each in self.of("publication") if each["channel"] == "app"]

    @property
    def ids(self):
        return [message["id"] for message in self.messages]

    @property
    def returns(self):
        """How the app's channel was joined, once for each login."""
        return [each for each in self.of("subscribed") if each["channel"] == "app"]

    async def until(self, true, seconds=PATIENCE_SECONDS):
        """Wait until something is true of this listener."""
        try:
            async with asyncio.timeout(seconds):
                while not true(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"still waiting after {self.events}") from None

    async def until_heard(self, message_id):
        await self.until(lambda self: message_id in self.ids)

    async def until_login(self, count=1):
        """Wait until all three channels of the login with this number are there."""
        await self.until(lambda self: len(self.of("connected")) >= count and len(self.returns) >= count)

    async def rpc(self, method, data):
        """Ask, and give the answer's data."""
        told = await self._told(method, data)
        assert "data" in told, told
        return told["data"]

    async def rpc_error(self, method, data):
        """Ask what is refused, and give the error's code and message."""
        told = await self._told(method, data)
        assert "code" in told, told
        return told["code"], told["message"]

    async def _told(self, method, data):
        return await self._answered("rpc", method=method, data=data)

    async def _answered(self, word, **facts):
        before = len(self.of("told"))
        await self.command(word, **facts)
        await self.until(lambda self: len(self.of("told")) > before)
        return self.of("told")[-1]

    async def join(self, room, **options):
        """Subscribe to a room, and wait for the answer."""
        before = len(self.entries(room))
        await self.command("join", channel=f"room:{room}", options=options)
        await self.until(lambda self: len(self.entries(room)) > before)

    async def leave(self, room):
        """Unsubscribe from a room."""
        await self.command("leave", channel=f"room:{room}")

    async def say(self, room, text, **rest):
        """Publish a text in a room; gives the error's code and message where it is refused."""
        data = {"kind": "txt", "content": {"text": text}, **rest}
        told = await self._answered("publish", channel=f"room:{room}", data=data)
        return (told["code"], told["message"]) if "code" in told else None

    async def look(self, word, room, **options):
        """Ask for a room's presence, presenceStats or history, and give the answer or the error's code."""
        told = await self._answered(word, channel=f"room:{room}", options=options)
        return told.get("data", told.get("code"))

    def entries(self, room):
        """How the room was entered by a subscription of the client's own, once for each time."""
        return [each for each in self.of("subscribed") if each["channel"] == f"room:{room}" and each.get("own")]

    def heard(self, room):
        """Give the texts that came from a room, in order."""
        channel = f"room:{room}"
        return [each["data"]["content"]["text"] for each in self.of("publication") if each["channel"] == channel]

    def moves(self, room):
        """Who came and went, in order, as (event, user)."""
        channel = f"room:{room}"
        return [
            (each["event"], each["user"])
            for each in self.events
            if each["event"] in ("join", "leave") and each["channel"] == channel
        ]

    async def until_closed(self):
        """Wait for an end that the client does not mend by itself, and give its code."""
        await self.until(lambda self: self.of("disconnected"))
        return self.of("disconnected")[-1]["code"]


@asynccontextmanager
async def js(url, *tokens, transport="websocket", form="json", data=None):
    """Run npm's `centrifuge`, one client per token, in one process of Node.js."""
    process = await asyncio.create_subprocess_exec(
        *("node", "listen.js", transport, form, url, json.dumps(data), *tokens),
        cwd=NODE,
        env=environment_of(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=1 << 20,
    )

    def commander(number):
        async def command(word, **facts):
            process.stdin.write(json.dumps({"client": number, "do": word, **facts}).encode() + b"\n")
            await process.stdin.drain()

        return command

    listeners = [Listener(commander(number)) for number in range(len(tokens))]
    reading = asyncio.create_task(_read(process.stdout, listeners))
    try:
        yield listeners
    finally:
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def _read(stdout, listeners):
    async for line in stdout:
        event = json.loads(line)
        listeners[event.pop("client")].note(**event)


@asynccontextmanager
async def python(url, *tokens, form="json", data=None):
    """Run PyPI's `centrifuge-python`, one client per token, on this event loop."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_Python(url, token, form, data).running()) for token in tokens]


class _Python:
    """One client of PyPI's, or one after the other."""

    def __init__(self, url, token, form, data):
        self.listener = Listener(self.command)
        self._binary = form == "protobuf"
        self._made = lambda: centrifuge.Client(
            url,
            _Events(self.listener),
            token,
            data=None if data is None else self._written(data),
            use_protobuf=self._binary,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.1,
            proxy=None,
        )
        self._client = self._made()

    @asynccontextmanager
    async def running(self):
        await self._client.connect()
        try:
            yield self.listener
        finally:
            await self._end()

    async def command(self, word, **facts):
        match word:
            case "restart":
                await self._end()
                self._client = self._made()
                await self._client.connect()
            case "rpc":
                await self._rpc(**facts)
            case "join":
                await self._join(**facts)
            case "leave":
                await self._client.get_subscription(facts["channel"]).unsubscribe()
            case "publish":
                data = self._written(facts["data"])
                await self._asked("publish", self._client.publish(facts["channel"], data), lambda _: {})
            case "presence":
                await self._asked("presence", self._client.presence(facts["channel"]), _presence)
            case "presenceStats":
                await self._asked("presenceStats", self._client.presence_stats(facts["channel"]), _stats)
            case "history":
                asking = self._client.history(facts["channel"], **facts["options"])
                await self._asked("history", asking, _history)
            case _:
                await getattr(self._client, word)()

    async def _rpc(self, method, data=None):
        try:
            answer = await self._client.rpc(method, self._written(data))
        except centrifuge.ReplyError as error:
            self.listener.note("told", method=method, code=error.code, message=error.message)
        else:
            self.listener.note("told", method=method, data=_plain(answer.data))

    async def _join(self, channel, options):
        if "data" in options:
            options = options | {"data": self._written(options["data"])}
        if "joinLeave" in options:
            options = {name: value for name, value in options.items() if name != "joinLeave"} | {"join_leave": True}
        subscription = self._client.get_subscription(channel)
        if subscription is None:
            subscription = self._client.new_subscription(channel, _Own(self.listener, channel), **options)
        await subscription.subscribe()

    async def _asked(self, method, asking, read):
        try:
            answer = await asking
        except centrifuge.ReplyError as error:
            self.listener.note("told", method=method, code=error.code, message=error.message)
        else:
            self.listener.note("told", method=method, data=read(answer))

    async def _end(self):
        await self._client.disconnect()
        # It closes its connections behind our back; the next test's event loop is another one.
        await asyncio.gather(*self._client._background_tasks, return_exceptions=True)

    def _written(self, data):
        return json.dumps(data).encode() if self._binary else data


class _Events(centrifuge.ClientEventHandler):
    """Notes every event in the words of clients/listen.js."""

    def __init__(self, listener):
        self._note = listener.note

    async def on_connecting(self, ctx):
        self._note("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx):
        self._note("connected")

    async def on_disconnected(self, ctx):
        self._note("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_subscribed(self, ctx):
        at = ctx.stream_position
        position = None if at is None else {"offset": at.offset, "epoch": at.epoch}
        recovery = {"was_recovering": ctx.was_recovering, "recovered": ctx.recovered}
        self._note("subscribed", channel=ctx.channel, position=position, **recovery)

    async def on_publication(self, ctx):
        self._note("publication", channel=ctx.channel, offset=ctx.pub.offset, data=_plain(ctx.pub.data))

    async def on_unsubscribed(self, ctx):
        self._note("unsubscribed", channel=ctx.channel)

    async def on_join(self, ctx):
        self._note("join", channel=ctx.channel, user=ctx.info.user)

    async def on_leave(self, ctx):
        self._note("leave", channel=ctx.channel, user=ctx.info.user)


class _Own(centrifuge.SubscriptionEventHandler):
    """Notes every event of one subscription in the words of clients/listen.js."""

    def __init__(self, listener, channel):
        self._note = partial(listener.note, channel=channel, own=True)

    async def on_subscribed(self, ctx):
        at = ctx.stream_position
        position = None if at is None else {"offset": at.offset, "epoch": at.epoch}
        self._note("subscribed", position=position, was_recovering=ctx.was_recovering, recovered=ctx.recovered)

    async def on_unsubscribed(self, ctx):
        self._note("unsubscribed", code=ctx.code, reason=ctx.reason)

    async def on_publication(self, ctx):
        self._note("publication", offset=ctx.pub.offset, data=_plain(ctx.pub.data))

    async def on_join(self, ctx):
        self._note("join", user=ctx.info.user)

    async def on_leave(self, ctx):
        self._note("leave", user=ctx.info.user)


def _presence(answer):
    return {"clients": {key: {"user": info.user} for key, info in answer.clients.items()}}


def _stats(answer):
    return {"numClients": answer.num_clients, "numUsers": answer.num_users}


def _history(answer):
    publications = [{"offset": one.offset, "data": _plain(one.data)} for one in answer.publications]
    return {"publications": publications, "epoch": answer.epoch, "offset": answer.offset}


def _plain(data):
    """In Protobuf a message's data is bytes: the same JSON."""
    return json.loads(data) if isinstance(data, bytes) else data


SDKS = {
    "js": js,
    "js-protobuf": partial(js, form="protobuf"),
    "js-http_stream": partial(js, transport="http_stream"),
    "js-http_stream-protobuf": partial(js, transport="http_stream", form="protobuf"),
    "js-sse": partial(js, transport="sse"),
    "python": python,
    "python-protobuf": partial(python, form="protobuf"),
}


class Line:
    """A line between clients and a server that can be cut. While it is, who comes is turned away."""

    def __init__(self, port):
        self._to = port
        self._is_cut = False
        self._ends = set()

    def cut(self):
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self):
        self._is_cut = False

    async def carry(self, reader, writer):
        self._ends.add(writer)
        try:
            if not self._is_cut:
                await self._join(reader, writer)
        finally:
            self._ends.discard(writer)
            writer.transport.abort()

    async def _join(self, reader, writer):
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(HOST, self._to)
            self._ends.add(far_writer)
            try:
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
            finally:
                self._ends.discard(far_writer)
                far_writer.transport.abort()


async def _pump(reader, writer):
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def line_to(tenant):
    """Give a line to the tenant's server, and the address at which clients take it."""
    line = Line(tenant.server.port)
    entrance = await asyncio.start_server(line.carry, HOST, 0)
    port = entrance.sockets[0].getsockname()[1]
    try:
        yield line, tenant.websocket.replace(str(tenant.server.port), str(port))
    finally:
        entrance.close()
        line.cut()
        await entrance.wait_closed()


async def official_tokens(*orders):
    """Have npm's `agora-token` build tokens; an order names app_id, certificate, seconds and, for a user's, user."""
    command = ("node", "tokens.js", json.dumps(orders))
    process = await asyncio.create_subprocess_exec(*command, cwd=NODE, stdout=subprocess.PIPE)
    stdout, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(stdout)
