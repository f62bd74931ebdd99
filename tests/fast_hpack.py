"""Reads header blocks (RFC 7541) quicker than hpack does, and writes them without a dynamic table."""

from collections import deque
from functools import lru_cache

from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

TABLE_MAX = 4096
_STATIC = [(name.decode(), value.decode()) for name, value in HeaderTable.STATIC_TABLE]


class BlockError(Exception):
    """A header block that is not right."""


@lru_cache(8192)
def _read(raw, coded):
    return (decode_huffman(raw) if coded else raw).decode("utf-8")


class Decoder:
    """One connection's memory of the client's headers."""

    def __init__(self):
        self._entries = deque()
        self._size = 0
        self._limit = TABLE_MAX

    def decode(self, block):
        """Give the headers of a whole block; of several of one name the last."""
        headers, at = {}, 0
        try:
            while at < len(block):
                first = block[at]
                if first & 0x80:  # an indexed field
                    index, at = _integer(block, at, 0x7F)
                    name, value = self._entry(index)
                elif first & 0xE0 == 0x20:  # another size of the table
                    size, at = _integer(block, at, 0x1F)
                    self._resize(size)
                    continue
                else:
                    kept = first & 0x40
                    index, at = _integer(block, at, 0x3F if kept else 0x0F)
                    name, at = (self._entry(index)[0], at) if index else _string(block, at)
                    value, at = _string(block, at)
                    if kept:
                        self._add(name, value)
                headers[name] = value
        except (IndexError, ValueError) as error:
            raise BlockError(str(error)) from error
        return headers

    def _entry(self, index):
        if not index:
            raise BlockError("index 0")
        return _STATIC[index - 1] if index <= 61 else self._entries[index - 62]

    def _resize(self, size):
        if size > TABLE_MAX:
            raise BlockError("a table larger than allowed")
        self._limit = size
        self._evict()

    def _add(self, name, value):
        self._entries.appendleft((name, value))
        self._size += len(name.encode()) + len(value.encode()) + 32
        self._evict()

    def _evict(self):
        while self._size > self._limit:
            name, value = self._entries.pop()
            self._size -= len(name.encode()) + len(value.encode()) + 32


def _integer(block, at, mask):
    value = block[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in (0, 7, 14, 21):
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BlockError("an integer larger than 28 bits")


def _string(block, at):
    coded = block[at] & 0x80
    length, at = _integer(block, at, 0x7F)
    raw = block[at : at + length]
    if len(raw) != length:
        raise BlockError("a string longer than its block")
    return _read(raw, coded), at + length


def _length(number):
    """Write a string's length, without Huffman's code."""
    if number < 127:
        return bytes([number])
    number -= 127
    rest = bytearray([127])
    while number >= 128:
        rest.append(number & 127 | 128)
        number >>= 7
    rest.append(number)
    return bytes(rest)


@lru_cache(1024)
def _name(name):
    raw = name.encode()
    return b"\x00" + _length(len(raw)) + raw


def encode(status, headers):
    """Write an answer's header block, each field as a literal that is not kept."""
    parts = [b"\x88"] if status == 200 else [b"\x08\x03%d" % status]
    for name, value in headers.items():
        raw = value.encode()
        parts += (_name(name), _length(len(raw)), raw)
    return b"".join(parts)
