"""A user of an app."""

from dataclasses import dataclass, field

# vendor-apis.md 3.1: a user name has at most 64 bytes.
USERNAME_MAX_BYTES = 64


@dataclass(frozen=True, slots=True)
class User:
    """One registered user. Tokens issued under another `epoch` than the present one are revoked."""

    app_uuid: str
    name: str
    uuid: str
    created_at_ms: int
    modified_at_ms: int
    epoch: int
    nickname: str | None = None
    activated: bool = True
    password_hash: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.name or len(self.name.encode()) > USERNAME_MAX_BYTES:
            raise ValueError("a user name has 1 to 64 bytes")
