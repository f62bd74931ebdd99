"""The Protobuf encoding (protobuf.dev, "Encoding"), as far as client.proto needs it: fields in, fields out.

A field that nobody asks for is skipped, whatever it holds; groups, which the encoding has given up, are refused.
"""

from typing import TypeVar

_VARINT, _FIXED64, _BLOCK, _FIXED32 = 0, 1, 2, 5
_MAX_FIELD = 2**29 - 1
# A varint of 64 bits takes at most ten bytes of seven.
_MAX_VARINT_BYTES = 10

_Value = TypeVar("_Value", int, bytes)


class BrokenError(Exception):
    """The bytes are not what the encoding or the schema allows; says where and why."""


# --- in ------------------------------------------------------------------------------------------------------------


def split(data: bytes, limit: int) -> tuple[list[bytes], bytes]:
    """Cut off up to `limit` messages that stand behind their length each.

    Gives also what is left: not empty where more than `limit` were there, or the next one is not whole.
    """
    messages: list[bytes] = []
    at = 0
    while at < len(data) and len(messages) < limit:
        try:
            message, at = _block(data, at)
        except BrokenError:
            break
        messages.append(message)
    return messages, data[at:]


class Allowance:
    """How many fields may still be read of one frame: a field takes two bytes to send, and microseconds to read."""

    __slots__ = ("_left",)

    def __init__(self, fields: int) -> None:
        self._left = fields

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise BrokenError("too many fields in one frame")


class Fields:
    """The fields of one message, asked for by number. `path` is where it stands, for whoever must find a mistake.

    A message that is not valid Protobuf, a field of another wire type than asked for, text that is not UTF-8 and an
    allowance that ends raise BrokenError. What is absent is the type's zero. Of a field that is repeated but should
    not be the last one counts; a message in several parts is their join (protobuf.dev, "Last One Wins").
    """

    __slots__ = ("_allowance", "_path", "_values")

    def __init__(self, data: bytes, allowance: Allowance, path: str = "") -> None:
        self._allowance = allowance
        self._path = path
        self._values: dict[int, list[int | bytes | None]] = {}
        at = 0
        try:
            while at < len(data):
                allowance.take()
                field, value, at = _field(data, at)
                self._values.setdefault(field, []).append(value)
        except BrokenError as error:
            raise BrokenError(f"{path or 'command'}: {error}") from None

    def number(self, field: int, name: str, most: int) -> int:
        number = (self._of(field, name, int) or [0])[-1]
        if number > most:
            raise BrokenError(f"{self._at(name)}: expected int <= {most}")
        return number

    def flag(self, field: int, name: str) -> bool:
        return any(self._of(field, name, int)[-1:])

    def text(self, field: int, name: str) -> str:
        try:
            return (self._of(field, name, bytes) or [b""])[-1].decode()
        except UnicodeDecodeError:
            raise BrokenError(f"{self._at(name)}: expected UTF-8") from None

    def data(self, field: int, name: str) -> bytes:
        return (self._of(field, name, bytes) or [b""])[-1]

    def message(self, field: int, name: str) -> "Fields | None":
        parts = self._of(field, name, bytes)
        return Fields(b"".join(parts), self._allowance, self._at(name)) if parts else None

    def messages(self, field: int, name: str) -> "list[Fields]":
        path = f"{self._at(name)}[...]"
        return [Fields(block, self._allowance, path) for block in self._of(field, name, bytes)]

    def _of(self, field: int, name: str, kind: type[_Value]) -> list[_Value]:
        values = self._values.get(field)
        if values is None:
            return []
        found = [value for value in values if isinstance(value, kind)]
        if len(found) < len(values):
            raise BrokenError(f"{self._at(name)}: expected {'a varint' if kind is int else 'a block'}")
        return found

    def _at(self, name: str) -> str:
        return ".".join(filter(None, (self._path, name)))


def _field(data: bytes, at: int) -> tuple[int, int | bytes | None, int]:
    """Read one field: its number, its value and where it ends. A value of fixed length is None: nobody asks."""
    tag, at = _varint(data, at)
    field, kind = tag >> 3, tag & 7
    if not 0 < field <= _MAX_FIELD:
        raise BrokenError(f"a field has the number {field}")
    if kind == _VARINT:
        return field, *_varint(data, at)
    if kind == _BLOCK:
        return field, *_block(data, at)
    if kind not in (_FIXED32, _FIXED64):
        raise BrokenError(f"a field has the wire type {kind}")
    return field, None, _end(data, at, 4 if kind == _FIXED32 else 8)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    for index in range(at, min(at + _MAX_VARINT_BYTES, len(data))):
        byte = data[index]
        number |= (byte & 0x7F) << shift
        if byte < 0x80 and number < 2**64:
            return number, index + 1
        shift += 7
    raise BrokenError("a varint is cut off or exceeds 64 bits")


def _block(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(data, at)
    end = _end(data, at, length)
    return data[at:end], end


def _end(data: bytes, at: int, length: int) -> int:
    if length > len(data) - at:
        raise BrokenError("a field is cut off")
    return at + length


# --- out -----------------------------------------------------------------------------------------------------------


def number(field: int, value: int) -> bytes:
    """Write a number or a flag; zero, which is what absence means, is not written."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def text(field: int, value: str) -> bytes:
    """Write a text; the empty one, which is what absence means, is not written."""
    return block(field, value.encode()) if value else b""


def block(field: int, body: bytes) -> bytes:
    """Write bytes or a message, be it empty."""
    return varint(field << 3 | _BLOCK) + prefixed(body)


def prefixed(body: bytes) -> bytes:
    """Put its length before a message."""
    return varint(len(body)) + body


def varint(value: int) -> bytes:
    """Write a number below 2**64, seven bits to a byte, the lowest first."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
