"""HTTP/2 frames as bytes and back (RFC 9113 section 4 and 6), and header blocks without state (RFC 7541)."""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# What a peer takes before its SETTINGS say otherwise (RFC 9113 section 6.5.2, 6.9.2).
FRAME_MAX_BYTES: Final = 16_384
WINDOW_BYTES: Final = 65_535
_HEAD: Final = Struct(">HBBBL")
_HEAD_BYTES: Final = 9
_SETTING: Final = Struct(">HL")
_NUMBER: Final = Struct(">L")
_STREAM_MASK: Final = 0x7FFF_FFFF


class Kind(IntEnum):
    """RFC 9113 section 6."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag:
    """Bits of a frame; what each means depends on its kind. Plain numbers: an enum's take a microsecond each."""

    END_STREAM: Final = 0x1
    ACK: Final = 0x1
    END_HEADERS: Final = 0x4
    PADDED: Final = 0x8
    PRIORITY: Final = 0x20


class Setting(IntEnum):
    """RFC 9113 section 6.5.2."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


# What is outside breaks the protocol (RFC 9113 section 6.5.2).
_SETTINGS_ALLOWED: Final = {
    Setting.INITIAL_WINDOW_SIZE: range(1 << 31),
    Setting.MAX_FRAME_SIZE: range(FRAME_MAX_BYTES, 1 << 24),
}


class Fault(IntEnum):
    """Those that are said or understood here (RFC 9113 section 7)."""

    REFUSED_STREAM = 7
    CANCEL = 8


class BrokenError(Exception):
    """The peer does not keep to HTTP/2."""


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    content: bytes


def frame(kind: Kind, flags: int, stream: int, content: bytes = b"") -> bytes:
    size = len(content)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + content


def settings(values: Iterable[tuple[Setting, int]]) -> bytes:
    return frame(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values))


def window_update(stream: int, size: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, stream, _NUMBER.pack(size))


def reset(stream: int, fault: Fault) -> bytes:
    return frame(Kind.RST_STREAM, 0, stream, _NUMBER.pack(fault))


class Reader:
    """Cuts what arrives into frames. Raises BrokenError for one that is longer than was allowed."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def frames(self, data: bytes) -> Iterator[Frame]:
        data = self._rest + data
        at, end = 0, len(data)
        try:
            while end - at >= _HEAD_BYTES:
                high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
                size = high << 8 | low
                if size > FRAME_MAX_BYTES:
                    raise BrokenError("it sent a frame that is too long")
                if end - at - _HEAD_BYTES < size:
                    break
                begin = at + _HEAD_BYTES
                at = begin + size
                yield Frame(kind, flags, stream & _STREAM_MASK, data[begin:at])
        finally:
            self._rest = data[at:]


def settings_of(content: bytes) -> list[tuple[int, int]]:
    if len(content) % _SETTING.size:
        raise BrokenError("its settings are broken off")
    found: list[tuple[int, int]] = list(_SETTING.iter_unpack(content))
    if any(name in _SETTINGS_ALLOWED and value not in _SETTINGS_ALLOWED[Setting(name)] for name, value in found):
        raise BrokenError("its settings are none that may be")
    return found


def number_of(content: bytes) -> int:
    """Read 31 bits, as window sizes, stream numbers and faults are."""
    if len(content) < _NUMBER.size:
        raise BrokenError("a frame is broken off")
    found: int = _NUMBER.unpack_from(content)[0]
    return found & _STREAM_MASK


def unpadded(received: Frame) -> bytes:
    """Give what is in DATA or HEADERS, without padding and priority (RFC 9113 section 6.1, 6.2)."""
    content = received.content
    if not received.flags & (Flag.PADDED | Flag.PRIORITY):
        return content
    begin, end = 0, len(content)
    if received.flags & Flag.PADDED:
        if not content:
            raise BrokenError("a frame's padding is broken off")
        begin, end = 1, end - content[0]
    if received.kind == Kind.HEADERS and received.flags & Flag.PRIORITY:
        begin += 5
    if begin > end:
        raise BrokenError("a frame's padding is longer than the frame")
    return content[begin:end]


def literal(name: bytes, value: bytes) -> bytes:
    """Write a header that neither side remembers (RFC 7541 section 6.2.2); so blocks depend on no earlier ones."""
    return b"\x00" + _length(len(name)) + name + _length(len(value)) + value


def _length(size: int) -> bytes:
    """Write a length in a prefix of seven bits, without Huffman coding (RFC 7541 section 5.1, 5.2)."""
    if size < 0x7F:
        return bytes((size,))
    written = bytearray((0x7F,))
    size -= 0x7F
    while size >= 0x80:
        written.append(size & 0x7F | 0x80)
        size >>= 7
    written.append(size)
    return bytes(written)
