"""By which services the devices of an app are pushed to, and with which credentials (S8)."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PROVIDERS_MAX: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ORIGIN: Final = re.compile(r"https?://(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Account:
    """What proves to a service that laba may push for an app. Never logged: the repr shows no secret.

    `key` is a private key in PEM; `id` is by what the service knows it, `owner` for whom it is. `url` is where the
    service is, empty for where it always is, and `token_url` where it gives access tokens.
    """

    key: str = field(repr=False)
    id: str
    owner: str = ""
    url: str = ""
    token_url: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """One service for an app's devices of one package; without a `package`, for those of which no other is.

    `kind` is how it is spoken to. `topic` is what it calls the app where that is not the package. `sandbox` is its
    service for development, for devices that say so. `per_second` bounds its pushes; 0 leaves them unbounded.
    """

    name: str
    kind: str
    account: Account
    package: str = ""
    topic: str = ""
    sandbox: bool = False
    per_second: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a provider's name is 1 to 64 of A-Z a-z 0-9 _ . -, beginning with a letter or digit")
        if self.account.url and not _is_origin(self.account.url):
            raise ValueError("a provider's URL is http:// or https:// with a host, and nothing behind it")
        if self.per_second < 0:
            raise ValueError("a provider's rate is 0 or more")

    @property
    def serves(self) -> tuple[str, str, bool]:
        """Tell for which devices it is: no two of an app are for the same."""
        return self.kind, self.package, self.sandbox


def _is_origin(url: str) -> bool:
    found = _ORIGIN.fullmatch(url)
    return found is not None and int(found[1] or 0) <= _PORT_MAX


@dataclass(frozen=True, slots=True)
class Proof:
    """What a service accepts instead of the credentials until `until_ms`; a fresh one may be had from `again_ms`."""

    value: str = field(repr=False)
    until_ms: int
    again_ms: int = 0


class Fate(StrEnum):
    """What a service did with one push.

    ACCEPTED: it will show it. DEAD: the token is no device's any more. REJECTED: it never will, with this token or
    with this push. LATER: it may take it later. UNPROVEN: it does not accept who asks, whatever is pushed.
    DOUBTED: it does not accept who asks, for this device at least; it does not say whether for others.
    """

    ACCEPTED = "accepted"
    DEAD = "dead"
    REJECTED = "rejected"
    LATER = "later"
    UNPROVEN = "unproven"
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fate with the service's own word for why. `after_ms` is how long it wants to be left alone.

    `busy` says that the whole service asks for patience, not this device alone. `since_ms` is when a dead token died.
    """

    fate: Fate
    reason: str = ""
    after_ms: int = 0
    busy: bool = False
    since_ms: int | None = None

    @property
    def concerns_all(self) -> bool:
        """Tell whether it says, or may say, that nobody can be pushed to at the moment."""
        return self.busy or self.fate is Fate.UNPROVEN or self.fate is Fate.DOUBTED
