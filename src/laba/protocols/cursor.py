"""A position as one word, for clients that hand it back unread: `<epoch>.<offset>`."""

import re

from laba.model.stream import Position

# An offset is a count below 2**53 (design.md section 4).
_MAX_OFFSET = 2**53 - 1
_CURSOR = re.compile(r"([0-9A-Za-z_-]{1,64})\.([0-9]{1,16})", re.ASCII)


def write(position: Position) -> str:
    return f"{position.epoch}.{position.offset}"


def read(text: str) -> Position | None:
    """Give the position; None where the text is no cursor."""
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[2]) > _MAX_OFFSET:
        return None
    return Position(found[1], int(found[2]))
