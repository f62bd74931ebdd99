"""What a caller can ask of laba over HTTP, and what it is answered, in our own nouns.

A dialect reads a request into one Call and writes one Answer, or a Refusal, back; neither end knows the other's
words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from laba.model.app import App, AppName, Feature, QuotaName
from laba.model.dispatch import Dispatch, Submission
from laba.model.filecalls import FileAnswer, FileCall
from laba.model.flags import Flags
from laba.model.hookcalls import HookAnswer, HookCall
from laba.model.identity import SignedHead
from laba.model.moderation import Verdict
from laba.model.priorities import PrioritiesChange
from laba.model.pushcalls import PushAnswer, PushCall
from laba.model.quota import Quota
from laba.model.recordcalls import RecordAnswer, RecordCall
from laba.model.roomcalls import RoomAnswer, RoomCall
from laba.model.user import User
from laba.model.usercalls import UserAnswer, UserCall


class Right(Enum):
    """Who may call an endpoint.

    USER_OR_APP: the user whom its path names as {user}, the app, or the operator. USER_LEVEL: the app, or any user of
    it, who may do less: the claim then names it as the actor. ANY_USER_OR_APP: any user of the app, or the app.
    """

    ANYONE = "anyone"
    APP = "app"
    USER_OR_APP = "user or app"
    USER_LEVEL = "app, or a user within its rights"
    ANY_USER_OR_APP = "any user or app"
    OPERATOR = "operator"
    APP_OR_OPERATOR = "app or operator"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a dialect's table of endpoints; docs/reference/ holds every one of them.

    `pattern` is the path without the app's prefix, with `{name}` for one segment. `media_types` is empty where no
    body is read. A `streamed` body is a file, which is never in memory as a whole; configuration bounds it.
    """

    name: str
    method: str
    pattern: str
    right: Right
    media_types: tuple[str, ...] = ()
    body_limit_bytes: int = 65536
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A dialect's word that a request is its own: for which app, at which endpoint, with which proof.

    `app` is a name, `app_id` an id, `app_key` a key; an endpoint outside any app has none of them. `proof` is the
    bearer token, None where none was sent, and "" where the header is there but holds no bearer token; `signed` is
    the proof of a dialect that signs its calls. `path` is without the app's prefix.
    `actor` is the user who was found to act, at an endpoint of the right USER_LEVEL; None for the app.
    """

    endpoint: Endpoint
    path: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    app: tuple[str, str] | None = None
    app_id: str | None = None
    app_key: str | None = None
    proof: str | None = field(default=None, repr=False)
    signed: SignedHead | None = None
    actor: str | None = None


# --- calls ---------------------------------------------------------------------------------------------------------


class Grant(StrEnum):
    """How a token is asked for (vendor-apis.md 1.1). DIRECT is laba's own: the caller's right is proof enough."""

    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - the grant's name
    INHERIT = "inherit"
    EXCHANGE = "exchange"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Issue a token. `ttl_seconds` 0 means that it never expires, None the default of the grant.

    EXCHANGE turns a token that another system signed (the bearer) into one of laba's, with the same right and no
    longer life. INHERIT needs the app's token as bearer. DIRECT asks for the user's token, or the app's where
    `username` is empty, and comes only from the app's operator or a holder of its token or secret. `nickname` and
    `portrait`, where they are given, are the user's from then on.
    """

    grant: Grant
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    proof: str | None = field(default=None, repr=False)
    ttl_seconds: int | None = None
    register: bool = False
    nickname: str | None = None
    portrait: str | None = None


@dataclass(frozen=True, slots=True)
class CreateApp:
    name: AppName
    features: frozenset[Feature] | None = None
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class ChangeApp:
    """Change what an app may do; what is not named stays as it is. A type that becomes None has the default again."""

    features: Mapping[Feature, bool] = field(default_factory=dict)
    quotas: Mapping[QuotaName, Quota] = field(default_factory=dict)
    development: bool | None = None
    priorities: PrioritiesChange = field(default_factory=PrioritiesChange)
    types: Mapping[str, Flags | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GetApp:
    """Show the app that the path names."""


@dataclass(frozen=True, slots=True)
class ListApps:
    """List every app."""


Call = (
    Submission
    | TokenRequest
    | UserCall
    | RoomCall
    | HookCall
    | PushCall
    | CreateApp
    | ChangeApp
    | GetApp
    | ListApps
    | RecordCall
    | FileCall
)

# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The dispatch is in the ledger: it survives a crash from here on (design.md section 8).

    `sender_has_token` is False where a push names a sender who never obtained a token (P9).
    """

    dispatch: Dispatch
    sender_has_token: bool = True


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same client id was accepted lately: nothing was sent again (N2)."""

    client_id: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The lanes took a message to each of these rooms: room id -> message id. A crash loses it (design.md 8).

    Where `verdict` rejects it, nobody gets it.
    """

    ids: Mapping[str, int]
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """`expires_in_seconds` 0 means never; `user` is None for an app token."""

    grant: Grant
    token: str = field(repr=False)
    expires_in_seconds: int
    expires_at_ms: int
    user: User | None = None


@dataclass(frozen=True, slots=True)
class AppShown:
    """An app with its secrets: for the operator, and for whoever holds its app token."""

    app: App
    created: bool = False


@dataclass(frozen=True, slots=True)
class AppsListed:
    apps: tuple[App, ...]


Answer = (
    Accepted
    | Repeated
    | Posted
    | TokenIssued
    | UserAnswer
    | RoomAnswer
    | HookAnswer
    | PushAnswer
    | AppShown
    | AppsListed
    | RecordAnswer
    | FileAnswer
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a dialect needs beside the answer to write a response: the claim, the app if known, times and query."""

    claim: Claim
    app: App | None
    base_url: str
    started_at_ms: int
    now_ms: int
    query: Mapping[str, str] = field(default_factory=dict)
