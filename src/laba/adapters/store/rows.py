"""Values to rows and back. What no query asks for lies in one compact JSON column."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row

from laba.adapters.store.tables import Property, State
from laba.model.app import App, AppKeys, AppName, AppPolicy, Feature, QuotaName
from laba.model.campaign import Campaign
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Again, Audience, Conversation, ConversationType, Dispatch, Level, Message
from laba.model.flags import Flags
from laba.model.hook import Hook, Source
from laba.model.moderation import Verdict
from laba.model.notification import Notification
from laba.model.priorities import Priorities
from laba.model.provider import Account, Provider
from laba.model.quota import Quota, Span
from laba.model.tags import All, Either, Pattern, Tag, TagExpression
from laba.model.targets import Targets
from laba.model.user import User, UserChange

AnyRow = Row[*tuple[Any, ...]]

# The order in which `dispatch_of` takes a ledger row's columns.
DISPATCH_COLUMNS = ("id", "app_uuid", "accepted_at_ms", "quota", "document")
LEDGER_COLUMNS = (*DISPATCH_COLUMNS, "state", "sender", "properties")
# The seat's three, then the order in which `Stay` takes its other members.
STAY_COLUMNS = (
    "app_uuid",
    "user",
    "device",
    "from_offset",
    "to_offset",
    "confirmed_offset",
    "since_ms",
    "ended_at_ms",
)
# The order in which `User` takes its members.
USER_COLUMNS = (
    "app_uuid",
    "name",
    "uuid",
    "created_at_ms",
    "modified_at_ms",
    "epoch",
    "nickname",
    "activated",
    "password_hash",
    "portrait",
    "tags",
    "token_at_ms",
)
# The order in which `Campaign` takes its members.
CAMPAIGN_COLUMNS = ("dispatch", "app_uuid", "offset", "accepted_at_ms", "targets", "cursor")


class Document(msgspec.Struct, omit_defaults=True):
    """The JSON of a ledger row: what a dispatch says beyond the row's columns. Defaults are absent.

    Flags are in the order of their members; older rows have the first four. Targets and notifications are written as
    the model has them, and so are verdicts: renaming one of their members needs a migration. An expression over tags
    is an array of its kind and its text, or its parts.
    """

    sender: str
    kind: Kind
    fields: dict[str, Any]
    flags: tuple[bool, ...]
    audience: Audience
    original: tuple[str, str, dict[str, Any] | str] | None = None
    ext: dict[str, Any] | None = None
    level: Level = Level.NORMAL
    client_id: str | None = None
    copies: int = 1
    conversation: ConversationType = ConversationType.APP
    targets: Targets | None = None
    to_sender: bool = False
    notification: Notification | None = None
    recalls: int | None = None
    members: Any = None
    again: Again = Again.READERS
    budgeted: bool = False
    verdict: Verdict | None = None


class HookDocument(msgspec.Struct, array_like=True):
    """The JSON array of a hook."""

    name: str
    url: str
    form: str
    secret: str
    env: str | None
    sources: list[Source]


class ProviderDocument(msgspec.Struct, array_like=True):
    """The JSON array of a push provider; its account is an array of its own."""

    name: str
    kind: str
    account: tuple[str, str, str, str, str]
    package: str
    topic: str
    sandbox: bool
    per_second: int


class PolicyDocument(msgspec.Struct):
    """The JSON of an app's policy; a span is [limit, seconds], a type's flags are in the order of their members.

    What goes first (E5), types (R8), hooks (S6) and providers (S8) are absent in older files.
    """

    features: list[Feature]
    quotas: dict[QuotaName, list[tuple[int, int]]]
    development: bool
    high_types: list[str] = []
    high_members: list[str] = []
    types: dict[str, tuple[bool, ...]] = {}
    hooks: list[HookDocument] = []
    providers: list[ProviderDocument] = []


def ledger_row(dispatch: Dispatch) -> str:
    """Give the ledger row of a dispatch that is new: LEDGER_COLUMNS, as a JSON array."""
    rejected = dispatch.verdict is not None and dispatch.verdict.rejects
    return _text(
        (
            dispatch.id,
            dispatch.app_uuid,
            dispatch.accepted_at_ms,
            dispatch.quota,
            document_text(dispatch),
            State.REJECTED if rejected else State.WAITING,
            dispatch.sender,
            _properties(dispatch),
        )
    )


def _properties(dispatch: Dispatch) -> int:
    flags = dispatch.flags
    held = {
        Property.STORED: flags.stored,
        Property.COUNTED: flags.counted,
        Property.PUSHED: flags.pushed,
        Property.UPDATES_LAST: flags.updates_last,
        Property.TO_ALL: dispatch.audience is Audience.ALL_USERS,
        Property.SYSTEM: dispatch.conversation is ConversationType.SYSTEM,
        Property.TARGETED: dispatch.audience is Audience.TARGETS,
        Property.RECENT: dispatch.audience is Audience.RECENT_USERS,
    }
    return sum(flag for flag, is_held in held.items() if is_held)


def document_text(dispatch: Dispatch) -> str:
    """Write what a dispatch says beyond its row's columns."""
    document = Document(
        sender=dispatch.sender,
        kind=dispatch.content.kind,
        fields=dict(dispatch.content.fields),
        flags=_switches(dispatch.flags),
        audience=dispatch.audience,
        original=None if dispatch.original is None else _original_of(dispatch.original),
        ext=None if dispatch.ext is None else dict(dispatch.ext),
        level=dispatch.level,
        client_id=dispatch.client_id,
        copies=dispatch.copies,
        conversation=dispatch.conversation,
        targets=dispatch.targets,
        to_sender=dispatch.to_sender,
        notification=dispatch.notification,
        recalls=dispatch.recalls,
        members=None if dispatch.members is None else _plain_expression(dispatch.members),
        again=dispatch.again,
        budgeted=dispatch.budgeted,
        verdict=dispatch.verdict,
    )
    return _text(document)


def _plain_expression(expression: TagExpression) -> list[Any]:
    match expression:
        case Tag(text):
            return ["tag", text]
        case Pattern(text):
            return ["pattern", text]
        case All(parts):
            return ["all", [_plain_expression(part) for part in parts]]
        case Either(parts):
            return ["either", [_plain_expression(part) for part in parts]]


def _expression(plain: Sequence[Any]) -> TagExpression:
    kind, said = plain
    match kind:
        case "tag":
            return Tag(said)
        case "pattern":
            return Pattern(said)
        case "all":
            return All(tuple(map(_expression, said)))
        case _:
            return Either(tuple(map(_expression, said)))


def _original_of(original: Original) -> tuple[str, str, dict[str, Any] | str]:
    body = original.content
    return original.dialect, original.type, body if isinstance(body, str) else dict(body)


def _switches(flags: Flags) -> tuple[bool, ...]:
    return flags.stored, flags.counted, flags.pushed, flags.updates_last, flags.offline


def dispatch_of(row: Sequence[Any]) -> Dispatch:
    """Give the dispatch of a row that begins with DISPATCH_COLUMNS."""
    dispatch_id, app_uuid, accepted_at_ms, quota, text = row[: len(DISPATCH_COLUMNS)]
    document = msgspec.json.decode(text, type=Document)
    return Dispatch(
        id=dispatch_id,
        app_uuid=app_uuid,
        accepted_at_ms=accepted_at_ms,
        sender=document.sender,
        content=Content(document.kind, document.fields),
        flags=Flags(*document.flags),
        audience=document.audience,
        quota=QuotaName(quota),
        original=None if document.original is None else Original(*document.original),
        ext=document.ext,
        level=document.level,
        client_id=document.client_id,
        copies=document.copies,
        conversation=document.conversation,
        targets=document.targets,
        to_sender=document.to_sender,
        notification=document.notification,
        recalls=document.recalls,
        members=None if document.members is None else _expression(document.members),
        again=document.again,
        budgeted=document.budgeted,
        verdict=document.verdict,
    )


def message_of(dispatch: Dispatch) -> Message:
    """Say where a dispatch with a place in a stream appears (design.md section 4)."""
    match dispatch.audience:
        case Audience.ONLINE_USERS | Audience.RECENT_USERS | Audience.ALL_USERS | Audience.TARGETS:
            return Message(dispatch.id, Conversation(dispatch.conversation, dispatch.sender), dispatch)
        case Audience.ACTIVE_ROOMS | Audience.OPEN_ROOMS | Audience.ROOMS:
            raise ValueError("a message to rooms is in one stream for each of them")
        case Audience.DEVICES:
            raise ValueError("a message to devices is in no stream")


def user_row(user: User) -> dict[str, object]:
    return {column: getattr(user, column) for column in USER_COLUMNS} | {"tags": tags_text(user.tags)}


def tags_text(tags: Iterable[str]) -> str | None:
    """Write tags sorted, each once."""
    each = sorted(set(tags))
    return _text(each) if each else None


def change_row(change: UserChange) -> dict[str, object]:
    """Give the parameters of `statements.CHANGE_USER`."""
    return {
        "the_app": change.app_uuid,
        "the_name": change.name,
        "new_modified_at_ms": change.modified_at_ms,
        "new_epoch": change.epoch,
        "new_activated": change.activated,
        "new_password_hash": change.password_hash,
        "new_nickname": change.nickname,
        "new_portrait": change.portrait,
        "new_token_at_ms": change.token_at_ms,
    }


def user_of(row: Sequence[Any]) -> User:
    """Give the user of a row of USER_COLUMNS."""
    app_uuid, name, uuid, created_at_ms, modified_at_ms, epoch, nickname, activated, password_hash, *rest = row
    portrait, tags, token_at_ms = rest
    known = (app_uuid, name, uuid, created_at_ms, modified_at_ms, epoch, nickname, bool(activated), password_hash)
    held = () if tags is None else msgspec.json.decode(tags, type=tuple[str, ...])
    return User(*known, portrait, held, token_at_ms)


def names_text(names: Iterable[str]) -> str:
    """Write names as a JSON array, but for those that are no UTF-8: nobody bears them."""
    return _text([name for name in names if name.encode(errors="ignore").decode() == name])


def targets_text(targets: Targets) -> str:
    return _text(targets)


def campaign_of(row: Sequence[Any]) -> Campaign:
    """Give the campaign of a row of CAMPAIGN_COLUMNS whose walk is not over."""
    dispatch_id, app_uuid, offset, accepted_at_ms, targets, cursor = row
    wanted = msgspec.json.decode(targets, type=Targets)
    return Campaign(dispatch_id, app_uuid, offset, accepted_at_ms, wanted, cursor)


def app_row(app: App) -> dict[str, object]:
    keys = app.keys
    return {
        "uuid": app.uuid,
        "org": app.name.org,
        "app": app.name.app,
        "app_id": keys.app_id,
        "app_key": keys.app_key,
        "client_id": keys.client_id,
        "app_certificate": keys.app_certificate,
        "app_secret": keys.app_secret,
        "client_secret": keys.client_secret,
        "token_key": keys.token_key,
        "created_at_ms": app.created_at_ms,
        "policy": policy_text(app.policy),
    }


def app_of(row: AnyRow) -> App:
    keys = AppKeys(
        app_id=row.app_id,
        app_key=row.app_key,
        client_id=row.client_id,
        app_certificate=row.app_certificate,
        app_secret=row.app_secret,
        client_secret=row.client_secret,
        token_key=row.token_key,
    )
    return App(row.uuid, AppName(row.org, row.app), keys, row.created_at_ms, _policy_of(row.policy))


def policy_text(policy: AppPolicy) -> str:
    quotas = {name: [(span.limit, span.seconds) for span in quota.spans] for name, quota in policy.quotas.items()}
    first = (sorted(policy.priorities.high_types), sorted(policy.priorities.high_members))
    types = {name: _switches(flags) for name, flags in policy.types.items()}
    hooks = [
        HookDocument(hook.name, hook.url, hook.form, hook.secret, hook.env, sorted(hook.sources))
        for hook in policy.hooks
    ]
    providers = [_provider_document(provider) for provider in policy.providers]
    return _text(PolicyDocument(sorted(policy.features), quotas, policy.development, *first, types, hooks, providers))


def _policy_of(text: str) -> AppPolicy:
    document = msgspec.json.decode(text, type=PolicyDocument)
    quotas = {name: Quota(tuple(Span(*span) for span in spans)) for name, spans in document.quotas.items()}
    priorities = Priorities(frozenset(document.high_types), frozenset(document.high_members))
    types = {name: Flags(*switches) for name, switches in document.types.items()}
    hooks = tuple(
        Hook(one.name, one.url, one.form, one.secret, one.env, frozenset(one.sources)) for one in document.hooks
    )
    providers = tuple(_provider_of(one) for one in document.providers)
    return AppPolicy(frozenset(document.features), quotas, document.development, priorities, types, hooks, providers)


def _provider_document(provider: Provider) -> ProviderDocument:
    account = provider.account
    keys = (account.key, account.id, account.owner, account.url, account.token_url)
    serves = (provider.package, provider.topic, provider.sandbox)
    return ProviderDocument(provider.name, provider.kind, keys, *serves, provider.per_second)


def _provider_of(document: ProviderDocument) -> Provider:
    serves = (document.package, document.topic, document.sandbox)
    return Provider(document.name, document.kind, Account(*document.account), *serves, document.per_second)


def _text(document: object) -> str:
    return msgspec.json.encode(document, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    """Give a mapping that is no dict as one; anything else was never JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")
