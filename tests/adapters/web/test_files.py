"""Bodies that are handed on, and bytes that follow a head, on a real socket; the whole of it is in tests/process."""

import asyncio
import os
from contextlib import suppress

import pytest
from starlette.requests import ClientDisconnect

from gateway_rig import Rig, until
from laba.adapters.web.files import Source, give, pour
from laba.model.filecalls import Arrived
from laba.model.http import RequestHead
from laba.model.refusal import Code, Refusal

pytestmark = pytest.mark.anyio

BOUNDARY = "xyz"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class Bytes:
    """Content that knows how much of it was read, and how often it was closed."""

    def __init__(self, size, piece=50_000):
        self.left = size
        self.piece = bytes(piece)
        self.read_bytes = self.closed = 0

    async def read(self):
        piece = self.piece[: self.left]
        self.left -= len(piece)
        self.read_bytes += len(piece)
        return piece

    async def close(self):
        self.closed += 1


class Taker:
    """Takes a part's bytes, as long as it is open; refuses where it is told to."""

    def __init__(self, refusal=None):
        self.open = asyncio.Event()
        self.open.set()
        self.pieces = []
        self.refusal = refusal

    async def __call__(self, piece):
        await self.open.wait()
        self.pieces.append(piece)
        return self.refusal


class FilesRig(Rig):
    """GET gives the content, POST hands the body on; `outcome` is what came of that."""

    def __init__(self, content=None, taker=None, limit=10_000_000, seconds=30):
        super().__init__(has_room=lambda _: True)
        self.content, self.taker = content, taker or Taker()
        self.limit, self.seconds = limit, seconds
        self.outcome = None

    def running(self):
        return self.serving(self)

    async def __call__(self, scope, receive, send):
        headers = [(b"content-type", b"video/mp4")]
        if scope["method"] == "POST":
            said = {name.decode(): value.decode() for name, value in scope["headers"]}
            source = Source(RequestHead("POST", "/a", headers=said), receive, self.seconds)
            with suppress(ClientDisconnect):
                self.outcome = await pour(source, "file", self.limit, self.taker)
            headers.append((b"content-length", b"0"))
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        headers.append((b"content-length", b"%d" % self.content.left))
        head = {"type": "http.response.start", "status": 200, "headers": headers}
        await give(head, self.content, receive, send)

    async def posted(self, body, media_type=TYPE, length=None):
        """Post a body, and give what came of it."""
        peer = await self.connect()
        said = len(body) if length is None else length
        head = f"POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: {media_type}\r\nContent-Length: {said}\r\n\r\n"
        await peer.call(head.encode() + body)
        return self.outcome


def part(content, disposition='form-data; name="file"; filename="a.txt"', *lines):
    head = "\r\n".join([f"--{BOUNDARY}", f"Content-Disposition: {disposition}", *lines, "", ""])
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


# --- in ------------------------------------------------------------------------------------------------------------


# E12, RFC 7578
async def test_a_part_is_handed_on_whole():
    """With its file's name, and nothing of what stands around it, whatever it looks like."""
    for content in (b"hello", os.urandom(1_000_000), b"\r\n--xy\r\n--xyzz"[:-2] * 1000, b"\r\n" * 10_000, b"--"):
        async with FilesRig().running() as rig:
            outcome = await rig.posted(part(b"no", "form-data; name=x") + part(content) + part(b"no", "a") + END)
            assert outcome == Arrived("a.txt", len(content))
            assert b"".join(rig.taker.pieces) == content


async def test_bytes_in_ones_make_the_same_part():
    """Wherever the network cuts it."""
    body = part(b"\r\n--xy--hello\r\n") + END
    async with FilesRig().running() as rig:
        peer = await rig.connect()
        await peer.send(f"POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: {TYPE}\r\n".encode())
        await peer.send(b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(len(body)):
            await peer.send(b"1\r\n%b\r\n" % body[at : at + 1])
            await asyncio.sleep(0)
        await peer.call(b"0\r\n\r\n")
        assert rig.outcome == Arrived("a.txt", 15)
        assert b"".join(rig.taker.pieces) == b"\r\n--xy--hello\r\n"


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('form-data; name="file"; filename="喇叭.png"', "喇叭.png"),
        ("form-data; name=file; filename=a.txt", "a.txt"),
        ('FORM-DATA; filename="a.txt"; name="file"', "a.txt"),
        ('form-data; name="file"', None),
        ('form-data; name="file"; filename=""', None),
    ],
)
async def test_the_file_s_name_is_as_it_was_said(disposition, filename):
    """What is made of it is not decided here."""
    async with FilesRig().running() as rig:
        assert await rig.posted(part(b"hello", disposition) + END) == Arrived(filename, 5)


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (END, TYPE, Code.FILE_MISSING),
        (part(b"") + END, TYPE, Code.FILE_MISSING),
        (part(b"hello", "form-data; name=other") + END, TYPE, Code.FILE_MISSING),
        (part(b"a") + part(b"b") + END, TYPE, Code.FIELD_INVALID),
        (part(b"hello"), TYPE, Code.BODY_BROKEN),
        (b"", TYPE, Code.BODY_BROKEN),
        (part(b"hello") + END, "multipart/form-data; boundary=other", Code.BODY_BROKEN),
        (part(b"hello") + END, "multipart/form-data; boundary=" + "x" * 300, Code.BODY_BROKEN),
        (part(b"hello") + END, "multipart/form-data", Code.BODY_BROKEN),
        (part(b"hello", "form-data; name=file", "X: " + "x" * 20_000) + END, TYPE, Code.BODY_BROKEN),
        (part(b"hello", "form-data; name=file", *["X: y"] * 1000) + END, TYPE, Code.BODY_BROKEN),
        (part(b"", "form-data; name=x") * 33 + END, TYPE, Code.BODY_BROKEN),
        (part(b"x" * 65_537, "form-data; name=x") + END, TYPE, Code.BODY_BROKEN),
    ],
)
async def test_a_bad_body_is_a_refusal(body, media_type, code):  # G4
    """In every way that a body can be bad."""
    async with FilesRig().running() as rig:
        outcome = await rig.posted(body, media_type)
        assert outcome.code is code


async def test_a_part_over_the_limit_is_refused():  # E12
    """Where the head says so, nothing is handed on."""
    async with FilesRig(limit=1000).running() as rig:
        assert await rig.posted(part(bytes(1000)) + END) == Arrived("a.txt", 1000)
        assert (await rig.posted(part(bytes(1001)) + END)).code is Code.FILE_TOO_LARGE
        rig.taker.pieces.clear()
        assert (await rig.posted(part(b"x"), length=1000 + 65_537)).code is Code.FILE_TOO_LARGE
        assert not rig.taker.pieces


async def test_what_the_taker_refuses_is_refused():
    """And it is asked no more."""
    refusal = Refusal(Code.FILES_FULL, "full")
    async with FilesRig(taker=Taker(refusal)).running() as rig:
        assert await rig.posted(part(bytes(500_000)) + END) == refusal
        assert len(rig.taker.pieces) == 1


async def test_a_body_that_stands_still_is_refused():  # G4
    """Without a byte for so long; here for no time at all."""
    async with FilesRig(seconds=0).running() as rig:
        assert (await rig.posted(part(bytes(10)), length=10_000)).code is Code.BODY_TIMEOUT


async def test_nothing_is_read_while_the_taker_is_busy():  # E12
    """The caller waits in its own memory: here no more lies than one read of the socket and what uvicorn holds."""
    taker = Taker()
    taker.open.clear()
    async with FilesRig(taker=taker, limit=100_000_000).running() as rig:
        peer = await rig.connect()
        content = bytes(30_000_000)
        body = part(content) + END
        head = f"POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        sending = asyncio.ensure_future(peer.send(head.encode() + body))
        await until(lambda: any(one.flow.read_paused for one in rig.state.connections))
        [protocol] = rig.state.connections
        assert len(protocol.cycle.body) < 1_000_000
        assert not sending.done()
        taker.open.set()
        await sending
        assert (await peer.response())[0] == 200
        assert rig.outcome == Arrived("a.txt", len(content))
        assert max(map(len, taker.pieces)) < 1_000_000


# --- out -----------------------------------------------------------------------------------------------------------


async def test_content_follows_its_head():  # E12
    """All of it, and it is closed; the connection goes on."""
    async with FilesRig(Bytes(1_234_567)).running() as rig:
        peer = await rig.connect()
        for _ in range(2):
            status, headers, body = await peer.call(GET)
            assert (status, headers["content-type"]) == (200, "video/mp4")
            assert (len(body), rig.content.closed) == (1_234_567, 1)
            rig.content = Bytes(1_234_567)


async def test_no_more_is_read_than_the_caller_takes():  # E12
    """Some hundred kilobytes lie between the disk and a caller that sleeps."""
    async with FilesRig(Bytes(100_000_000)).running() as rig:
        peer = await rig.connect(4096)
        await peer.send(GET)
        await until(lambda: any(one.flow.write_paused for one in rig.state.connections))
        assert rig.content.read_bytes < 3_000_000
        assert not rig.content.closed


async def test_a_caller_that_goes_ends_the_reading():  # E12
    """In the middle, and while it sleeps: nothing stays open, and the rest is not read for nobody."""
    async with FilesRig(Bytes(100_000_000)).running() as rig:
        peer = await rig.connect(4096)
        await peer.send(GET)
        await until(lambda: any(one.flow.write_paused for one in rig.state.connections))
        peer.sock.close()
        await until(lambda: rig.content.closed == 1)
        assert rig.content.read_bytes < 3_000_000


async def test_a_caller_that_sleeps_is_cut():  # E12
    async with FilesRig(Bytes(100_000_000)).running() as rig:
        peer = await rig.connect(4096)
        await peer.send(GET)
        await until(lambda: any(one.flow.write_paused for one in rig.state.connections))
        await rig.tick(33)
        await until(lambda: rig.content.closed == 1)
        assert not rig.state.connections
