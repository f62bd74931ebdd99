"""Frames out and frames in (RFC 6455 sections 5 to 8)."""

import codecs
import struct
from dataclasses import dataclass, field
from typing import ClassVar

from laba.model.closing import Closing

# --- frames out (RFC 6455 section 5.2) -----------------------------------------------------------------------------

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN = 0x80
_MASKED = 0x80
_CONTROL_MAX_BYTES = 125
_LENGTH_16 = struct.Struct("!BBH")
_LENGTH_64 = struct.Struct("!BBQ")


def text_frame(payload: bytes) -> bytes:
    """Build a server's frame around a whole text message, given as UTF-8."""
    return _head(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    return _head(_BINARY, len(payload)) + payload


def ping_frame(payload: bytes = b"") -> bytes:
    """Build a ping; ValueError beyond 125 bytes."""
    return _head(_PING, _control_size(payload)) + payload


def pong_frame(payload: bytes) -> bytes:
    """Build the answer to a ping of this payload; ValueError beyond 125 bytes."""
    return _head(_PONG, _control_size(payload)) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """Build a close; without a code the body is empty. A reason beyond 123 bytes of UTF-8 is cut short."""
    payload = _close_payload(code, reason)
    return _head(_CLOSE, len(payload)) + payload


def client_text_frame(payload: bytes, mask: bytes) -> bytes:
    """Build a client's frame around a whole text message; `mask` is 4 random bytes (RFC 6455 section 5.3)."""
    return _head(_TEXT, len(payload), _MASKED) + mask + _unmasked(payload, mask)


def client_pong_frame(payload: bytes, mask: bytes) -> bytes:
    """Build a client's answer to a ping of this payload; ValueError beyond 125 bytes."""
    return _head(_PONG, _control_size(payload), _MASKED) + mask + _unmasked(payload, mask)


def client_close_frame(code: int, mask: bytes) -> bytes:
    payload = _close_payload(code, "")
    return _head(_CLOSE, len(payload), _MASKED) + mask + _unmasked(payload, mask)


def _head(opcode: int, size: int, mask_bit: int = 0) -> bytes:
    if size < 126:
        return bytes((_FIN | opcode, mask_bit | size))
    if size < 65536:
        return _LENGTH_16.pack(_FIN | opcode, mask_bit | 126, size)
    return _LENGTH_64.pack(_FIN | opcode, mask_bit | 127, size)


def _control_size(payload: bytes) -> int:
    if len(payload) > _CONTROL_MAX_BYTES:
        raise ValueError("a control frame carries at most 125 bytes")
    return len(payload)


def _close_payload(code: int | None, reason: str) -> bytes:
    if code is None:
        return b""
    # Cut at a character's edge: half a character would break the client.
    cut = reason.encode()[: _CONTROL_MAX_BYTES - 2].decode(errors="ignore")
    return code.to_bytes(2, "big") + cut.encode()


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    # RFC 6455 section 5.3; masking undoes itself. One XOR of two long integers is the fastest that pure Python has.
    if not mask:
        return payload
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


# --- frames in (RFC 6455 sections 5 to 8) --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Binary:
    data: bytes


@dataclass(frozen=True, slots=True)
class PingFrame:
    payload: bytes


@dataclass(frozen=True, slots=True)
class PongFrame:
    payload: bytes


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The peer closes. `code` is None where it gave none."""

    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The peer broke a rule; the connection ends with `closing`."""

    closing: Closing
    reason: str


Incoming = Text | Binary | PingFrame | PongFrame | CloseFrame | Violation


_OPCODES = frozenset((_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_LENGTH_BYTES = {126: 2, 127: 8}
# RFC 6455 section 5.2: a length takes the fewest bytes that hold it, and the highest of 64 bits is zero.
_LENGTHS = {126: range(126, 65536), 127: range(65536, 1 << 63)}
_UTF8 = codecs.getincrementaldecoder("utf-8")


@dataclass(slots=True)
class _Frame:
    """A frame whose head has come. `left` bytes of its payload have not; `mask` is turned to the next of them."""

    opcode: int
    final: bool
    mask: bytes
    left: int
    payload: bytearray = field(default_factory=bytearray)  # of control frames; what others carry goes to the message


@dataclass(slots=True)
class _Message:
    """A message of which some has come. Text has a decoder, which finds a fault before the message is whole."""

    decoder: codecs.IncrementalDecoder | None
    data: bytearray = field(default_factory=bytearray)


class FrameReader:
    """Reads what a client sends, in pieces of any size.

    Nothing is buffered while the connection idles, and never more than `max_message_bytes` besides one control frame;
    a longer message is a Violation as soon as a frame's head announces it. After a CloseFrame or a Violation
    everything further is ignored.
    """

    __slots__ = ("_frame", "_max", "_message", "_over", "_tail")

    _mask_bit: ClassVar[int] = _MASKED
    _mask_bytes: ClassVar[int] = 4

    def __init__(self, max_message_bytes: int) -> None:
        self._max = max_message_bytes
        self._tail = b""  # an incomplete head, at most 13 bytes
        self._frame: _Frame | None = None
        self._message: _Message | None = None
        self._over = False

    def feed(self, data: bytes) -> list[Incoming]:
        """Take what came from the socket; give what is complete now, in order."""
        if self._over:
            return []
        if self._frame is None and self._message is None and not self._tail:
            text = self._whole_text(data)
            if text is not None:
                return [Text(text)]
        incoming: list[Incoming] = []
        if self._tail:
            data = self._tail + data
            self._tail = b""
        at = 0
        while at < len(data) and not self._over:
            if self._frame is None:
                at, event = self._begin(data, at)
            else:
                at, event = self._go_on(self._frame, data, at)
            if event is not None:
                incoming.append(event)
                if isinstance(event, (CloseFrame, Violation)):
                    self._end()
        return incoming

    def _whole_text(self, data: bytes) -> str | None:
        """Read the common case in one step: `data` is one text frame, whole. None leaves it to the rules."""
        if len(data) < 4 or data[0] != _FIN | _TEXT or data[1] & _MASKED != self._mask_bit:
            return None
        size, body = data[1] & 0x7F, 2 + self._mask_bytes
        if size == 126:
            size, body = data[2] << 8 | data[3], body + 2
            if size < 126:
                return None
        elif size == 127:
            return None
        if len(data) - body != size or size > self._max:
            return None
        try:
            return _unmasked(data[body:], data[body - self._mask_bytes : body]).decode()
        except UnicodeDecodeError:
            return None

    def _begin(self, data: bytes, at: int) -> tuple[int, Incoming | None]:
        """Read a frame's head and as much of its payload as there is; give where to go on, and what came of it."""
        if len(data) - at < 2:
            return self._wait(data, at)
        first, second = data[at], data[at + 1]
        flaw = self._flaw(first, second)
        if flaw is not None:
            return at, flaw
        size = second & 0x7F
        body = at + 2 + _LENGTH_BYTES.get(size, 0) + self._mask_bytes
        if len(data) < body:
            return self._wait(data, at)
        if size > 125:
            extended = int.from_bytes(data[at + 2 : at + 2 + _LENGTH_BYTES[size]], "big")
            if extended not in _LENGTHS[size]:
                return at, Violation(Closing.PROTOCOL_ERROR, "a length is not in its shortest form, or too large")
            size = extended
        frame = _Frame(first & 0x0F, bool(first & _FIN), data[body - self._mask_bytes : body], size)
        flaw = self._admit(frame)
        if flaw is not None:
            return at, flaw
        self._frame = frame
        return self._go_on(frame, data, body)

    def _wait(self, data: bytes, at: int) -> tuple[int, None]:
        self._tail = data[at:]
        return len(data), None

    def _flaw(self, first: int, second: int) -> Violation | None:
        """Judge the two bytes that every frame begins with."""
        if first & 0x70:
            return Violation(Closing.PROTOCOL_ERROR, "a reserved bit is set")
        opcode = first & 0x0F
        if opcode not in _OPCODES:
            return Violation(Closing.PROTOCOL_ERROR, f"opcode {opcode} is reserved")
        if second & _MASKED != self._mask_bit:
            return Violation(Closing.PROTOCOL_ERROR, "frames from a client are masked, those from a server are not")
        if opcode >= _CLOSE:
            if not first & _FIN:
                return Violation(Closing.PROTOCOL_ERROR, "a control frame is fragmented")
            if second & 0x7F > _CONTROL_MAX_BYTES:
                return Violation(Closing.PROTOCOL_ERROR, "a control frame is longer than 125 bytes")
        elif (opcode == _CONTINUATION) != (self._message is not None):
            return Violation(
                Closing.PROTOCOL_ERROR, "a message begins inside another, or goes on without a beginning"
            )
        return None

    def _admit(self, frame: _Frame) -> Violation | None:
        if frame.opcode >= _CLOSE:
            return None
        if self._message is None:
            self._message = _Message(_UTF8() if frame.opcode == _TEXT else None)
        if len(self._message.data) + frame.left > self._max:
            return Violation(Closing.MESSAGE_TOO_BIG, f"a message is longer than {self._max} bytes")
        return None

    def _go_on(self, frame: _Frame, data: bytes, at: int) -> tuple[int, Incoming | None]:
        """Read more of a frame's payload; give where it stops, and what came of it."""
        chunk = data[at : at + frame.left]
        at += len(chunk)
        frame.left -= len(chunk)
        plain = _unmasked(chunk, frame.mask)
        turn = len(chunk) % 4
        frame.mask = frame.mask[turn:] + frame.mask[:turn]
        if not frame.left:
            self._frame = None
        if self._message is None or frame.opcode >= _CLOSE:
            frame.payload += plain
            return at, None if frame.left else _control(frame)
        return at, self._grow(self._message, plain, whole=frame.final and not frame.left)

    def _grow(self, message: _Message, plain: bytes, *, whole: bool) -> Incoming | None:
        message.data += plain
        if message.decoder is not None:
            try:
                message.decoder.decode(plain, whole)
            except UnicodeDecodeError:
                return Violation(Closing.INVALID_TEXT, Closing.INVALID_TEXT.reason)
        if not whole:
            return None
        self._message = None
        return Binary(bytes(message.data)) if message.decoder is None else Text(message.data.decode())

    def _end(self) -> None:
        self._over = True
        self._frame = self._message = None


class ServerFrames(FrameReader):
    """Reads what a server sends: the same rules, but no frame is masked (RFC 6455 section 5.1)."""

    __slots__ = ()

    _mask_bit: ClassVar[int] = 0
    _mask_bytes: ClassVar[int] = 0


def _control(frame: _Frame) -> Incoming:
    payload = bytes(frame.payload)
    if frame.opcode == _PING:
        return PingFrame(payload)
    if frame.opcode == _PONG:
        return PongFrame(payload)
    return _closed(payload)


def _closed(payload: bytes) -> CloseFrame | Violation:
    """Read the body of a close frame (RFC 6455 sections 5.5.1 and 7.4)."""
    if not payload:
        return CloseFrame(None, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not _may_be_sent(code):
        return Violation(Closing.PROTOCOL_ERROR, "a close frame has no valid code")
    try:
        return CloseFrame(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Violation(Closing.INVALID_TEXT, "a close reason is not valid UTF-8")


def _may_be_sent(code: int) -> bool:
    # RFC 6455 section 7.4 and the registry it opens: 1004 to 1006 and 1015 never travel, 1012 to 1014 were added.
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
