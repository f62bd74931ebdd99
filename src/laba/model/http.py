"""HTTP as plain values, so that dialects read and write without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request before its body. Header names are lower case; `path` is percent-decoded, without the query.

    `operator` is true only for calls over the operator's socket in the data directory (design.md section 9).
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    base_url: str = "http://localhost"
    operator: bool = False

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, lower case; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer <token>`, the scheme in any case (RFC 9110 section 11.1).

        None where there is no such header, and "" where it holds no bearer token.
        """
        authorization = self.headers.get("authorization")
        if authorization is None:
            return None
        words = authorization.split()
        return words[1] if len(words) == 2 and words[0].lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A POST that laba makes itself."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What laba was answered. Header names are lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    head: RequestHead
    body: bytes = b""


class Content(Protocol):
    """Bytes that are given piece by piece. Whoever has it closes it, also where nothing was read."""

    async def read(self) -> bytes:
        """Give the next piece, of at most a few dozen kilobytes; empty at the end."""

    async def close(self) -> None:
        """Read no more."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """`content`, where there is one, follows the head instead of `body`, whose Content-Length says how much it is."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None
