"""A user of an app."""

from dataclasses import dataclass, field
from typing import NamedTuple

# vendor-apis.md 3.1: a user name has at most 64 bytes.
USERNAME_MAX_BYTES = 64


@dataclass(frozen=True, slots=True)
class User:
    """One registered user. Tokens issued under another `epoch` than the present one are revoked.

    `tags` are sorted, each once. `token_at_ms` is when laba first issued a token for it, None where it never has.
    """

    app_uuid: str
    name: str
    uuid: str
    created_at_ms: int
    modified_at_ms: int
    epoch: int
    nickname: str | None = None
    activated: bool = True
    password_hash: str | None = field(default=None, repr=False)
    portrait: str | None = None
    tags: tuple[str, ...] = ()
    token_at_ms: int | None = None

    def __post_init__(self) -> None:
        if not self.name or len(self.name.encode()) > USERNAME_MAX_BYTES:
            raise ValueError("a user name has 1 to 64 bytes")


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different about a user from `modified_at_ms` on; what is None stays as it is."""

    app_uuid: str
    name: str
    modified_at_ms: int
    epoch: int | None = None
    activated: bool | None = None
    password_hash: str | None = field(default=None, repr=False)
    nickname: str | None = None
    portrait: str | None = None
    token_at_ms: int | None = None


class Resource(NamedTuple):
    """A device by which a user is connected now, however many connections it has.

    `device` is what the client calls itself, "" for a user's one default device; `platform` is None where it said
    none.
    """

    device: str
    platform: str | None
