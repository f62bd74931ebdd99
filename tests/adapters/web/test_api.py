"""From HTTP to the door and back, on a real socket: A10, G4."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import structlog

import houses
from gateway_rig import Rig, until
from laba.adapters.web.api import Api, Hatch, HatchApp, application
from laba.dialects.easemob.dialect import EasemobDialect
from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.writing import refuse
from laba.model.http import HttpResponse
from laba.model.refusal import Refusal
from laba.service.door import Door

pytestmark = pytest.mark.anyio

BROADCAST = "/org/app/messages/users/broadcast"
TEXT = b'{"msg":{"type":"txt","msg":"hello"}}'
CORS = "access-control-allow-origin"


class Clerk:
    """A door that tells what it was asked, and reads a body of at most 10 bytes where there is one."""

    async def answer(self, head, body):
        if head.path == "/nothing":
            return None
        if head.path == "/bug":
            raise RuntimeError("a bug")
        content = await body.read(10) if head.method == "POST" else b""
        told = {
            "method": head.method,
            "path": head.path,
            "query": dict(head.query),
            "base_url": head.base_url,
            "operator": head.operator,
            "media_type": head.media_type,
            "body": content.code if isinstance(content, Refusal) else content.decode(),
        }
        return HttpResponse(200, json.dumps(told).encode(), headers={"x-own": "1"})


class Hatchling:
    """Answers with what it was given, once it may; counts those whose caller did not wait."""

    def __init__(self):
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = self.forsaken = 0

    async def answer(self, head, body):
        self.waiting += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.forsaken += 1
            raise
        if body == b"bug":
            raise RuntimeError("a bug")
        told = json.dumps({"query": dict(head.query), "body": body.decode()}).encode()
        return HttpResponse(200, told, headers={"x-own": "1"})


class ApiRig(Rig):
    def __init__(self, door, *, body_seconds=30, public_url="", operator=False):
        super().__init__(has_room=lambda _: True)
        self.is_ready = True
        api = Api(door, body_seconds=body_seconds, public_url=public_url, operator=operator)
        self.hatch = Hatchling()
        hatch = Hatch("/hatch", "POST", 10, self.hatch.answer)
        self.app = application(
            api,
            is_ready=lambda: self.is_ready,
            metrics=lambda: b"laba_sessions 7\n",
            hatches={"/hatch": HatchApp(api, refuse, hatch)},
        )

    def running(self):
        return self.serving(self.app)

    async def ask(self, method, path, body=b"", **headers):
        """Make one call on a connection of its own; gives status, headers and the body."""
        peer = await self.connect()
        lines = {"Host": "h:1", "Content-Length": len(body), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        return await peer.call(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    async def told(self, method, path, body=b"", **headers):
        return json.loads((await self.ask(method, path, body, **headers))[2])


@asynccontextmanager
async def real(directory, **settings):
    """Serve a house whose one app may broadcast; also gives the header that proves it."""
    async with houses.opened(directory) as house:
        dialects = (NativeDialect(), EasemobDialect())
        door = Door(dialects, house.tenants, house.access, house.desk, house.files, house.ground)
        async with ApiRig(door, **settings).running() as rig:
            yield rig, f"Bearer {house.app_token()}"


# --- what laba itself serves ---------------------------------------------------------------------------------------


async def test_health_readiness_and_metrics():
    """Ready while it serves; alive also while it stops."""
    async with ApiRig(Clerk()).running() as rig:
        assert (await rig.ask("GET", "/ready"))[::2] == (200, b"ready\n")
        rig.is_ready = False
        assert (await rig.ask("GET", "/ready"))[0] == 503
        assert (await rig.ask("GET", "/health"))[::2] == (200, b"ok\n")
        status, headers, body = await rig.ask("GET", "/metrics")
        assert (status, body) == (200, b"laba_sessions 7\n")
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


# G4
async def test_a_path_of_nobody_is_404_in_json():
    """With a code that can be looked up."""
    async with ApiRig(Clerk()).running() as rig:
        for method in ("GET", "POST", "DELETE"):
            status, _, body = await rig.ask(method, "/nothing")
            assert status == 404
            assert json.loads(body)["error"]["code"] == "endpoint_unknown"


# --- what the door is told -----------------------------------------------------------------------------------------


async def test_a_request_comes_through_as_a_value():
    """Path and query decoded once, the media type without its parameters, the body whole."""
    async with ApiRig(Clerk()).running() as rig:
        told = await rig.told(
            "POST", "/a%20b/%E4%BD%A0%2Fc?k=%26&l=", b"0123456789", Content_Type="text/X; charset=a"
        )
        assert told == {
            "method": "POST",
            "path": "/a b/你/c",
            "query": {"k": "&", "l": ""},
            "base_url": "http://h:1",
            "operator": False,
            "media_type": "text/x",
            "body": "0123456789",
        }


async def test_the_base_url_is_the_public_one_or_that_of_the_host_header():
    """What is no host counts as none: then it is the address that was reached."""
    async with ApiRig(Clerk()).running() as rig:
        for host in ("im.example.com", "[::1]:8080"):
            assert (await rig.told("GET", "/a", Host=host))["base_url"] == f"http://{host}"
        for host in ("", "[", "a b", "[::1", 'a"<b>'):
            assert (await rig.told("GET", "/a", Host=host))["base_url"] == f"http://{rig.address[0]}:{rig.address[1]}"
    async with ApiRig(Clerk(), public_url="https://im.example.com/x").running() as rig:
        assert (await rig.told("GET", "/a"))["base_url"] == "https://im.example.com/x"


async def test_one_callers_words_never_enter_anothers_base_url():
    """What is remembered of a host is that host and nothing else, however many are named."""
    async with ApiRig(Clerk()).running() as rig:
        peer = await rig.connect()
        await peer.call(b"GET /a HTTP/1.1\r\nHost: evil.example\r\nHost: h:1\r\n\r\n")
        for number in range(100):
            assert (await rig.told("GET", "/a", Host=f"h{number}"))["base_url"] == f"http://h{number}"
        assert (await rig.told("GET", "/a", Host="h:1"))["base_url"] == "http://h:1"


async def test_only_the_operators_own_socket_makes_an_operator():
    """It is a property of the listener; nothing that a caller sends can claim it."""
    async with ApiRig(Clerk()).running() as rig:
        assert not (await rig.told("GET", "/a", Operator="true"))["operator"]
    async with ApiRig(Clerk(), operator=True).running() as rig:
        assert (await rig.told("GET", "/a"))["operator"]


async def test_every_common_method_reaches_the_door():
    """Which of them an endpoint takes is for its dialect to say."""
    async with ApiRig(Clerk()).running() as rig:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert (await rig.told(method, "/a"))["method"] == method


async def test_a_body_that_is_too_large_or_too_slow_is_a_refusal():
    """Announced or found out; and the door gets it as a value."""
    async with ApiRig(Clerk()).running() as rig:
        assert (await rig.told("POST", "/a", b"0" * 11))["body"] == "body_too_large"
        peer = await rig.connect()
        chunked = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n"
        await peer.send(chunked)
        await until(lambda: rig.state.tasks)
        assert json.loads((await peer.call(b"5\r\n67890\r\n0\r\n\r\n"))[2])["body"] == "body_too_large"
        assert json.loads((await peer.call(chunked + b"0\r\n\r\n"))[2])["body"] == "012345"
    async with ApiRig(Clerk(), body_seconds=0).running() as rig:
        peer = await rig.connect()
        answer = await peer.call(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12")
        assert json.loads(answer[2])["body"] == "body_timeout"


async def test_a_caller_that_waits_for_leave_to_send_its_body_gets_it_once():
    """RFC 9110 section 10.1.1; the body is looked for at once, and then waited for."""
    async with ApiRig(Clerk()).running() as rig:
        peer = await rig.connect()
        await peer.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert await peer.read_through(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        status, _, body = await peer.call(b"12345")
        assert (status, json.loads(body)["body"]) == (200, "12345")


# --- a real dialect behind it --------------------------------------------------------------------------------------


# A1, A10, G4
async def test_a_broadcast_is_accepted_and_faults_are_answered_in_the_dialects_words(tmp_path):
    """Each at its own status, all of them JSON with the vendor's members."""
    async with real(tmp_path) as (rig, proof):
        good = {"Authorization": proof, "Content_Type": "application/json;charset=UTF-8"}
        status, _, body = await rig.ask("POST", BROADCAST, TEXT, **good)
        assert status == 200
        assert json.loads(body)["data"]["id"] > 0
        assert json.loads(body)["uri"] == f"http://h:1{BROADCAST}"
        for expected, ask in {
            401: ("POST", BROADCAST, TEXT, {"Content_Type": "application/json"}),
            415: ("POST", BROADCAST, TEXT, {**good, "Content_Type": "text/plain"}),
            413: ("POST", BROADCAST, b" " * 65537, good),
            400: ("POST", BROADCAST, b"{", good),
            405: ("DELETE", BROADCAST, b"", good),
            404: ("POST", "/org/app/elsewhere", TEXT, good),
        }.items():
            *request, headers = ask
            status, _, body = await rig.ask(*request, **headers)
            assert status == expected, body
            assert {"error", "error_description", "exception", "timestamp", "duration"} <= set(json.loads(body))


# G4
async def test_ten_gigabytes_are_refused_at_once_in_the_dialects_words(tmp_path):
    """The head is enough, and the refusal is there while the client still sends."""
    async with real(tmp_path) as (rig, proof):
        peer = await rig.connect()
        head = f"POST {BROADCAST} HTTP/1.1\r\nHost: h\r\nAuthorization: {proof}\r\nContent-Type: application/json\r\n"
        await peer.send(head.encode() + b"Content-Length: 10000000000\r\n\r\n" + b"x" * 100_000)
        status, _, body = await peer.response()
        assert (status, json.loads(body)["error"]) == (413, "request_entity_too_large")
        chunked = await rig.connect()
        await chunked.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        await chunked.send((b"fff0\r\n" + b"x" * 0xFFF0 + b"\r\n") * 2)
        status, _, body = await chunked.response()
        assert (status, json.loads(body)["error"]) == (413, "request_entity_too_large")


# G4
async def test_a_slow_body_is_refused_in_the_dialects_words(tmp_path):
    """A client that stops in the middle gets an answer all the same."""
    async with real(tmp_path, body_seconds=0) as (rig, proof):
        peer = await rig.connect()
        head = f"POST {BROADCAST} HTTP/1.1\r\nHost: h\r\nAuthorization: {proof}\r\nContent-Length: 100\r\n"
        status, _, body = await peer.call(head.encode() + b"Content-Type: application/json\r\n\r\n{")
        assert (status, json.loads(body)["error"]) == (408, "request_timeout")


# --- what is always there ------------------------------------------------------------------------------------------


async def test_browsers_may_call_from_any_origin():
    """The preflight allows what was asked for, and errors can be read, too."""
    async with ApiRig(Clerk()).running() as rig:
        asked = {
            "Origin": "https://x.example",
            "Access_Control_Request_Method": "POST",
            "Access_Control_Request_Headers": "authorization,content-type",
        }
        status, headers, _ = await rig.ask("OPTIONS", BROADCAST, **asked)
        assert (status, headers[CORS]) == (200, "*")
        assert "POST" in headers["access-control-allow-methods"]
        assert "authorization" in headers["access-control-allow-headers"].lower()
        for path in ("/a", "/nothing", "/bug"):
            with structlog.testing.capture_logs():
                assert (await rig.ask("GET", path, Origin="https://x.example"))[1][CORS] == "*"
        for path in ("/a", "/health", "/hatch"):
            assert (await rig.ask("OPTIONS", path, **asked))[1][CORS] == "*"


# G4
async def test_a_bug_is_a_500_in_json_and_a_line_in_the_log():
    """The caller learns nothing of the inside; the next call is served."""
    async with ApiRig(Clerk()).running() as rig:
        with structlog.testing.capture_logs() as log:
            status, headers, body = await rig.ask("GET", "/bug", Host="[")
        assert (status, headers["content-type"]) == (500, "application/json")
        assert json.loads(body)["error"] == "internal_error"
        assert b"a bug" not in body
        (line,) = log
        assert (line["event"], line["log_level"], line["path"]) == ("request failed", "error", "/bug")
        assert (await rig.ask("GET", "/a"))[0] == 200


async def test_a_caller_that_goes_before_its_body_has_come_leaves_nothing_behind():
    """No error in the log, and no task."""
    async with ApiRig(Clerk()).running() as rig:
        with structlog.testing.capture_logs() as log:
            peer = await rig.connect()
            await peer.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12")
            await until(lambda: rig.state.tasks)
            peer.vanish()
            await until(lambda: not rig.state.tasks)
        assert log == []


# --- hatches -------------------------------------------------------------------------------------------------------


async def test_a_hatch_is_no_dialects_and_is_answered_as_it_says():
    """With headers of its own, and from any origin."""
    async with ApiRig(Clerk()).running() as rig:
        status, headers, body = await rig.ask("POST", "/hatch?a=1", b"hello", Origin="https://x")
        assert (status, headers["x-own"], headers[CORS]) == (200, "1", "*")
        assert json.loads(body) == {"query": {"a": "1"}, "body": "hello"}


async def test_a_hatch_has_one_method_and_a_bound():
    """405 names the method; 413 leaves the rest unread."""
    async with ApiRig(Clerk()).running() as rig:
        status, headers, body = await rig.ask("GET", "/hatch")
        assert (status, headers["allow"], json.loads(body)["error"]["code"]) == (405, "POST", "method_wrong")
        assert (await rig.ask("POST", "/hatch", b"x" * 10))[0] == 200
        assert (await rig.ask("POST", "/hatch", b"x" * 11))[0] == 413
        assert rig.hatch.waiting == 1


async def test_a_caller_who_hangs_up_is_no_longer_served():
    """Whoever was to answer is told."""
    async with ApiRig(Clerk()).running() as rig:
        rig.hatch.open.clear()
        client = await rig.connect()
        await client.send(b"POST /hatch HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        await until(lambda: rig.hatch.waiting)
        client.sock.close()
        await until(lambda: rig.hatch.forsaken)


async def test_a_bug_behind_a_hatch_is_a_500_in_json():
    """The server goes on, and the log has it."""
    async with ApiRig(Clerk()).running() as rig:
        with structlog.testing.capture_logs() as logs:
            status, headers, body = await rig.ask("POST", "/hatch", b"bug")
        assert (status, headers["content-type"]) == (500, "application/json")
        assert json.loads(body)["error"] == "internal_error"
        assert logs[0]["event"] == "request failed"
        assert (await rig.ask("POST", "/hatch", b"x"))[0] == 200
