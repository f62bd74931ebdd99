"""A real laba process for the tests: started on a free port, known by its pid, never left behind."""

import asyncio
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 15
CALL_SECONDS = 30
BROADCAST = "/messages/users/broadcast"
WEBSOCKET = "/connection/websocket"


class Server:
    """One `laba serve`. `log` holds the events it wrote so far, one dict each."""

    def __init__(self, data, port=0, **settings):
        self.data = data
        self.port = port
        self.log = []
        self._told = threading.Condition()
        self._ended = False
        command = [sys.executable, "-m", "laba", "serve", "--host", HOST, "--port", str(port), "--data", str(data)]
        environment = environment_of(LABA_LOG__FORMAT="json", LABA_SERVER__DRAIN_SECONDS="0") | settings
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def await_listening(self):
        self.port = self.await_event("listening", START_SECONDS)["port"]

    def await_event(self, name, seconds):
        """Give the first event of this name; AssertionError shows the log where none comes."""
        give_up_at = time.monotonic() + seconds
        with self._told:
            while not (found := [event for event in self.log if event["event"] == name]):
                ready = self._told.wait_for(self._news(len(self.log)), give_up_at - time.monotonic())
                if not ready or self._ended:
                    raise AssertionError(f"no {name!r} in the log:\n{self.told}")
        return found[0]

    def terminate(self):
        """Ask it to stop in order, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self):
        """Take it away as a power cut would."""
        self.process.kill()
        self.process.wait()

    def close(self):
        """End the process in any case."""
        try:
            if self.process.poll() is None:
                self.terminate()
        except subprocess.TimeoutExpired:
            self.log.append({"event": "did not stop", "level": "error"})
        finally:
            self.kill()
            self._reader.join()
            self.process.stderr.close()

    @property
    def told(self):
        """The log as text."""
        return "".join(event.get("line") or f"{event}\n" for event in self.log)

    def faults(self):
        """Give what no test may provoke: errors in the log, and lines that are no events."""
        with self._told:
            return [event for event in self.log if event.get("level") not in ("info", "warning")]

    def operator(self, method, path, body=None):
        """Ask as the operator, over the socket in the data directory; give the answer's JSON."""
        with closing(_Office(self.data / "laba.sock")) as office:
            content = None if body is None else json.dumps(body)
            office.request(method, path, content, {"Content-Type": "application/json"})
            response = office.getresponse()
            answer = json.loads(response.read())
        assert response.status < 300, answer
        return answer

    def new_app(self, name="acme/chat", *, enable=("users_broadcast",), unlimited=True):
        org_name, app_name = name.split("/")
        body = {"org_name": org_name, "app_name": app_name, "enable": list(enable), "unlimited": unlimited}
        return Tenant(self, self.operator("POST", "/v1/apps", body))

    def _news(self, known):
        return lambda: len(self.log) > known or self._ended

    def _read(self):
        for line in self.process.stderr:
            with self._told:
                self.log.append(_event(line))
                self._told.notify_all()
        with self._told:
            self._ended = True
            self._told.notify_all()


@dataclass(frozen=True)
class Tenant:
    """An app on a server, and what its back end does. `keys` is what `laba app create --json` prints."""

    server: Server
    keys: dict

    @property
    def name(self):
        return f"{self.keys['org_name']}/{self.keys['app_name']}"

    @property
    def prefixes(self):
        """The two forms of every path."""
        return {"app-id": f"/app-id/{self.keys['app_id']}", "org/app": f"/{self.name}"}

    @property
    def websocket(self):
        return f"ws://{HOST}:{self.server.port}{WEBSOCKET}"

    @cached_property
    def app_token(self):
        return self._token({})

    def user_token(self, user):
        return self._token({"user": user, "register": True})

    def on(self, server):
        """Give the same app where its data is served now."""
        return Tenant(server, self.keys)

    async def call(self, method, path, body=b"", *, token=None, **headers):
        """Call a path of the app with its token, or another's; "" sends none."""
        proof = self.app_token if token is None else token
        standard = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {proof}"} if proof else {})
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await call(self.server.port, method, f"{self.prefixes['app-id']}{path}", body, standard | sent)

    async def broadcast(self, text="hello", **call):
        """Broadcast a text, and give its id as clients see it."""
        answer = await self.call("POST", BROADCAST, {"msg": {"type": "txt", "msg": text}}, **call)
        assert answer.status == 200, answer
        return str(answer.json["data"]["id"])

    async def broadcast_out(self, text):
        """Broadcast, and wait until it has gone out to whoever is there: who logs in from now on came after it."""
        message_id = await self.broadcast(text)
        proof = {"Authorization": f"Bearer {self.app_token}"}

        async def is_out():
            answer = await call(
                self.server.port, "GET", f"/v1/apps/{self.name}/broadcasts/{message_id}", headers=proof
            )
            return "audience" in answer.json

        await eventually(is_out)
        return message_id

    def _token(self, body):
        return self.server.operator("POST", f"/v1/apps/{self.name}/tokens", body)["token"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def steady_port():
    """Give a free port for a server that ends while its clients try to come back to it.

    It lies below those that the kernel gives to whoever connects: else one of so many attempts gets the server's own
    port, is connected to itself, and the server cannot have its port back.
    """
    lowest, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    for port in random.sample(range(10_000, lowest), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError("no port is free")


@contextmanager
def serving(data, port=0, **settings):
    """Run a server on a data directory; at the end it is gone, and had no fault of its own."""
    server = Server(data, port, **settings)
    try:
        server.await_listening()
        yield server
    finally:
        server.close()
    assert not server.faults(), server.told


async def call(port, method, path, body=b"", headers=None):
    """Make one HTTP call on a connection of its own. OSError where no whole answer came."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return await exchange(port, "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content)


async def exchange(port, request):
    """Send bytes as they are, and read the answer."""
    async with asyncio.timeout(CALL_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            # A server that refuses a body need not read it; its answer is there all the same.
            with suppress(ConnectionError):
                writer.write(request)
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            # RFC 9110 section 8.6: a 204 says no length, having no body.
            body = await reader.readexactly(0 if head[9:12] == b"204" else int(headers["content-length"]))
            return Answer(int(first.split()[1]), headers, body)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the answer is cut short") from error
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def metric(server, name, **labels):
    """Give a metric's present value, summed over the labels that are not named."""
    answer = await call(server.port, "GET", "/metrics")
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    samples = [line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return sum(
        float(value)
        for sample, value in samples
        if sample.partition("{")[0] == name and all(label in sample for label in wanted)
    )


async def eventually(what, seconds=10.0):
    """Ask until the answer is true, and give it."""
    async with asyncio.timeout(seconds):
        # What is asked about is another process: it sets no event of ours.
        while not (answer := await what()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return answer


async def laba(*words, **settings):
    """Run a command as an operator types it: its exit code, standard output and standard error."""
    command = (sys.executable, "-m", "laba", *map(str, words))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment_of(**settings)
    )
    try:
        async with asyncio.timeout(CALL_SECONDS * 2):
            stdout, stderr = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode, stdout.decode(), stderr.decode()


def environment_of(**settings):
    """Give the environment without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LABA_")} | settings


class _Office(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=CALL_SECONDS)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_SECONDS)
        self.sock.connect(str(self._path))


def _event(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"event": "not JSON", "line": line.decode(errors="replace")}
