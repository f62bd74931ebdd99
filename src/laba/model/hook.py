"""A receiver of an app's callbacks (S6)."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

HOOK_URL_MAX_CHARS: Final = 2048
HOOKS_MAX: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s#]*)?(\?[^\s#]*)?", re.ASCII)


class Source(StrEnum):
    """Who sent a message: a caller by REST, or a client."""

    CALLER = "caller"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Hook:
    """One receiver. `form` names the words and the signature in which it is told, `secret` signs where these want it.

    A hook with an `env` is told what is sent with that env alone (N5); one without, all the rest. Of `sources` it is
    told what they send. Never logged: the repr shows no secret.
    """

    name: str
    url: str
    form: str
    secret: str = field(default="", repr=False)
    env: str | None = None
    sources: frozenset[Source] = frozenset(Source)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a hook's name is 1 to 64 of A-Z a-z 0-9 _ . -, beginning with a letter or digit")
        if len(self.url) > HOOK_URL_MAX_CHARS or not _URL.fullmatch(self.url):
            raise ValueError("a hook's URL is http:// or https:// with a host, and has no user, password or fragment")
