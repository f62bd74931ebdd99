"""A file that was handed in to be fetched by whoever is told of it (E12)."""

import re
import unicodedata
from dataclasses import dataclass, field

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME_BYTES = 255
# Unicode's control, format (they turn text around), surrogate, line and paragraph characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG, kept beside its image as a file of its own."""

    uuid: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file. `media_type` is what its bytes are, never what the caller said they were.

    `secret` opens it where it is `restricted`. Without `expires_at_ms` it stays for ever.
    """

    uuid: str
    app_uuid: str
    filename: str | None
    media_type: str
    size_bytes: int
    secret: str = field(repr=False)
    restricted: bool
    created_at_ms: int
    expires_at_ms: int | None = None
    thumbnail: Thumbnail | None = None

    def __post_init__(self) -> None:
        if not is_uuid(self.uuid):
            raise ValueError("a file's uuid is written in lower case, with hyphens")
        if not self.secret:
            raise ValueError("a file has a secret, restricted or not")

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its bytes are kept."""
        return (self.uuid,) if self.thumbnail is None else (self.uuid, self.thumbnail.uuid)

    @property
    def bytes_held(self) -> int:
        return self.size_bytes + (self.thumbnail.size_bytes if self.thumbnail else 0)

    def is_expired(self, now_ms: int) -> bool:
        return self.expires_at_ms is not None and self.expires_at_ms <= now_ms


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def plain_name(text: str | None) -> str | None:
    """Make a caller's file name one that can be shown and saved; None where nothing is left of it.

    Whatever leads to a folder goes, with either slash; so do characters that cannot be seen, and what is too long.
    """
    if text is None:
        return None
    seen = "".join(character for character in text if unicodedata.category(character) not in _UNSEEN)
    name = seen.replace("\\", "/").rpartition("/")[2].strip(". ")
    return name.encode()[:_NAME_BYTES].decode(errors="ignore") or None
