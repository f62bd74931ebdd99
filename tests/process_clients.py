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
    with a method and data, which is answered by a `told` event.
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
        before = len(self.of("told"))
        await self.command("rpc", method=method, data=data)
        await self.until(lambda self: len(self.of("told")) > before)
        return self.of("told")[-1]

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
            case _:
                await getattr(self._client, word)()

    async def _rpc(self, method, data=None):
        try:
            answer = await self._client.rpc(method, self._written(data))
        except centrifuge.ReplyError as error:
            self.listener.note("told", method=method, code=error.code, message=error.message)
        else:
            self.listener.note("told", method=method, data=_plain(answer.data))

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
