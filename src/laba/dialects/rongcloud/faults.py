"""What can be wrong with a field, as it is told to the caller."""

from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code, Refusal


def invalid(field: str, reason: str, code: Code = Code.FIELD_INVALID) -> Unacceptable:
    """Refuse one field by its path, as in `content.user.id` (G4)."""
    return Unacceptable(Refusal(code, reason, field=field))


def missing(field: str) -> Unacceptable:
    return invalid(field, "is missing", Code.FIELD_MISSING)


def empty(field: str) -> Unacceptable:
    return invalid(field, "must not be empty", Code.FIELD_EMPTY)


def broken(reason: str) -> Unacceptable:
    """Refuse a body that cannot be read at all."""
    return Unacceptable(Refusal(Code.BODY_BROKEN, reason))


def bounded(field: str, value: str, most_bytes: int) -> str:
    """Give back a text that is not empty and no longer than it may be."""
    if not value:
        raise empty(field)
    if len(value.encode()) > most_bytes:
        raise invalid(field, f"must have at most {most_bytes} bytes")
    return value


def counted(field: str, values: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Give back a list that is no longer than it may be, each of it once (P4, vendor-apis.md 3.2)."""
    different = tuple(dict.fromkeys(values))
    if len(different) > most:
        raise invalid(field, f"must hold at most {most} different values", Code.LIST_SIZE_WRONG)
    return different
