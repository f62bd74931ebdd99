"""HTTP as plain values, so that dialects read and write without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
class HttpRequest:
    head: RequestHead
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
