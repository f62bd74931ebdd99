"""Who is calling, as a token or a signature says it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """What a genuine token says: an app, or one user of it.

    `user` is None for an app token. `epoch` is the revocation epoch the token was issued under; None where the
    token's kind carries none (tokens that were not issued by laba). `registers` tells that a user it names for
    the first time is registered at login. `expires_at_ms` 0 means that it does not end.
    """

    app_uuid: str
    user: str | None = None
    epoch: int | None = None
    registers: bool = False
    expires_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A caller's word that it holds the app's secret: a digest over a nonce and a time, both as they were received.

    `stamped_at_ms` is that time in milliseconds since 1970, None where the text is none. `must_be_fresh` says that
    the dialect wants it near the server's, whatever the app has switched on (S10).
    """

    nonce: str
    stamp: str
    digest: str = field(repr=False)
    stamped_at_ms: int | None = None
    must_be_fresh: bool = False
