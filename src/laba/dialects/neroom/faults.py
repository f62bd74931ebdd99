"""What can be wrong with a field, as it is told to the caller."""

from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code, Refusal


def invalid(field: str, reason: str, code: Code = Code.FIELD_INVALID) -> Unacceptable:
    """Refuse one field by its path, as in `attach.url` (G4)."""
    return Unacceptable(Refusal(code, reason, field=field))


def missing(field: str) -> Unacceptable:
    return invalid(field, "is missing", Code.FIELD_MISSING)


def broken(reason: str) -> Unacceptable:
    """Refuse a body that cannot be read at all."""
    return Unacceptable(Refusal(Code.BODY_BROKEN, reason))
