"""Files over HTTP: a multipart body handed on piece by piece (RFC 7578), and bytes that follow a response's head."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from laba.model.filecalls import Arrived
from laba.model.http import Content, RequestHead
from laba.model.refusal import Code, Refusal
from laba.service.chatfiles import Take

# What a body may hold beside the file: heads of parts, and parts that nobody asked for.
_BESIDE_BYTES = 65536
_PARTS = 32
# The vendor's SDK says the file's name in a part of its own (vendor-apis.md 3.1).
_NAME_PART = b"filename"
_NAME_BYTES = 1024


class _Form:
    """What a parser has found in a multipart body: the bytes of one part, and the name of its file."""

    def __init__(self, part: str) -> None:
        self.fault: Refusal | None = None
        self.found = False
        self.ended = False
        self.filename: bytes | None = None
        self._part = part.encode()
        self._pieces: list[bytes] = []
        self._name_part = bytearray()
        self._beside_bytes = 0
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._into = b""

    def parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_to_header,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": self._add,
                "on_end": self._end,
            },
        )

    def taken(self) -> bytes:
        """Give what came of the part since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def said_name(self) -> str | None:
        """Give the file's name as its own part's head has it, or else the part that says nothing else."""
        said = self.filename or bytes(self._name_part)
        return said.decode(errors="replace") or None

    def _begin_part(self) -> None:
        self._disposition = self._into = b""
        self._parts += 1
        if self._parts > _PARTS:
            self._refuse(f"a body may have at most {_PARTS} parts")

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._into = options.get(b"name", b"")
        if self._into == self._part:
            if self.found:
                self.fault = Refusal(Code.FIELD_INVALID, "must be there once", field=self._part.decode())
            self.found = True
            self.filename = options.get(b"filename")

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._into == self._part:
            self._pieces.append(data[start:end])
            return
        self._beside_bytes += end - start
        if self._beside_bytes > _BESIDE_BYTES:
            self._refuse(f"a body may have at most {_BESIDE_BYTES} bytes beside the file")
        elif self._into == _NAME_PART and len(self._name_part) + end - start <= _NAME_BYTES:
            self._name_part += data[start:end]

    def _end(self) -> None:
        self.ended = True

    def _refuse(self, reason: str) -> None:
        self.fault = Refusal(Code.BODY_BROKEN, reason)


@dataclass(frozen=True, slots=True)
class Source:
    """A request whose body is still to come; it stands still for too long after `seconds` without a byte."""

    head: RequestHead
    receive: Receive
    seconds: int


async def pour(source: Source, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal:
    """Do what `service.door.BodySource.pour` says. Raises ClientDisconnect where the caller goes.

    Holds no more than what one read of the socket brought, for the socket is not read while `into` is busy.
    """
    headers = source.head.headers
    boundary = parse_options_header(headers.get("content-type"))[1].get(b"boundary")
    if not boundary:
        return Refusal(Code.BODY_BROKEN, "the Content-Type names no boundary")
    if int(headers.get("content-length", "0")) > limit_bytes + _BESIDE_BYTES:
        return _too_large(limit_bytes)
    form = _Form(part)
    try:
        return await _poured(_unhurried(source), form.parser(boundary), form, limit_bytes, into)
    except FormParserError as fault:
        return Refusal(Code.BODY_BROKEN, f"the body is not multipart/form-data: {fault}")
    except TimeoutError:
        return Refusal(Code.BODY_TIMEOUT, f"nothing came of the body for {source.seconds} s", field="body")


async def _poured(
    body: AsyncIterator[bytes], parser: MultipartParser, form: _Form, limit_bytes: int, into: Take
) -> Arrived | Refusal:
    size_bytes = 0
    async for chunk in body:
        parser.write(chunk)
        piece = form.taken()
        size_bytes += len(piece)
        refusal = form.fault or (_too_large(limit_bytes) if size_bytes > limit_bytes else None)
        if piece and refusal is None:
            refusal = await into(piece)
        if refusal is not None:
            return refusal
    if not form.ended:
        return Refusal(Code.BODY_BROKEN, "the body ends before its last boundary")
    if not size_bytes:
        return Refusal(Code.FILE_MISSING, "the part file is missing, or holds nothing", field="file")
    return Arrived(form.said_name(), size_bytes)


async def _unhurried(source: Source) -> AsyncIterator[bytes]:
    """Give the body as it comes; TimeoutError where nothing comes for so long."""
    more = True
    while more:
        async with asyncio.timeout(source.seconds):
            message = await source.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(Code.FILE_TOO_LARGE, f"a file may have at most {limit_bytes} bytes here", field="file")


async def give(head: Message, content: Content, receive: Receive, send: Send) -> None:
    """Send a response whose bytes are read while they are sent, until the caller has them or is gone.

    A caller that does not read is cut by the connection (adapters/web/http1.py), which ends this, too.
    """
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await send(head)
        while not gone.done() and (piece := await content.read()):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await content.close()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
