"""Push providers, as laba's own callers write and read them (S8)."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from laba.dialects.native.members import Members, invalid
from laba.model.provider import Account, Provider
from laba.model.pushcalls import ProviderShown, PutProvider

KEY_MAX: Final = 16_384
RATE_MAX: Final = 100_000
# fcm asks to stay below 600,000 a minute, and to begin gently (FCM: throttling and scaling).
_FCM_PER_SECOND: Final = 5000
_SUBJECT: Final = re.compile(r"mailto:[^@]+@[^@]+|https://.+")
# What goes into headers, paths and claims as it is.
_WORD: Final = re.compile(r"[!-~]*")
_URL: Final = re.compile(r"https://[!-~]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/][!-~]*)?")
_SERVICE_ACCOUNT: Final = "service_account"
_PROJECT: Final = re.compile(r"[a-z0-9.:-]+")


def put(members: Members, name: str, kinds: AbstractSet[str]) -> PutProvider:
    """Read a provider; `kinds` are those that laba can speak to."""
    kind = members.text("kind")
    if kind not in kinds:
        raise invalid("kind", f"must be one of {', '.join(sorted(kinds))}")
    rate = members.integer("per_second", 0, RATE_MAX) if "per_second" in members else _RATES.get(kind, 0)
    account = _ACCOUNTS[kind](members)
    package, (topic, sandbox) = _word(members, "package"), _app_of(members) if kind == "apns" else ("", False)
    key_field = "service_account.private_key" if kind == "fcm" else "key"
    try:
        return PutProvider(Provider(name, kind, account, package, topic, sandbox, rate), key_field)
    except ValueError as error:
        raise invalid("url" if "URL" in str(error) else "name", f"will not do: {error}") from error


def _app_of(members: Members) -> tuple[str, bool]:
    """Tell what Apple calls the app, and which of its services it is for."""
    return _word(members, "topic"), members.optional_flag("sandbox")


def _apns(members: Members) -> Account:
    owner, key_id = _required(members, "team_id"), _required(members, "key_id")
    if "package" not in members and "topic" not in members:
        raise invalid("topic", "is missing, and so is package: one of them names the app (its bundle id)")
    return Account(_key(members, "key"), key_id, owner, _word(members, "url"))


def _fcm(members: Members) -> Account:
    """Take the service account's file as it is, under `service_account`.

    The project's id goes into a path; to where access tokens come from goes what is signed with the key.
    """
    members.required("service_account")
    file = members.members("service_account")
    if file.text("type") != _SERVICE_ACCOUNT:
        raise invalid(file.path("type"), f"must be {_SERVICE_ACCOUNT}: the file is another one of Google's")
    email, project = _required(file, "client_email"), _required(file, "project_id")
    if not _PROJECT.fullmatch(project):
        raise invalid(file.path("project_id"), "may have a-z 0-9 . : - only")
    token_url = _word(file, "token_uri")
    if token_url and not _URL.fullmatch(token_url):
        raise invalid(file.path("token_uri"), "must be https:// with a host")
    return Account(_key(file, "private_key"), email, project, _word(members, "url"), token_url)


def _web_push(members: Members) -> Account:
    subject = _required(members, "subject")
    if not _SUBJECT.fullmatch(subject):
        raise invalid("subject", "must be a mailto: or https: address, such as mailto:ops@example.com (RFC 8292)")
    return Account(_key(members, "key"), subject)


_ACCOUNTS: Final[Mapping[str, Callable[[Members], Account]]] = {"apns": _apns, "fcm": _fcm, "webpush": _web_push}
_RATES: Final = {"fcm": _FCM_PER_SECOND}


def shown(answer: ProviderShown) -> dict[str, Any]:
    provider, account = answer.provider, answer.provider.account
    by_kind: dict[str, dict[str, Any]] = {
        "apns": {"team_id": account.owner, "key_id": account.id},
        "fcm": {"project_id": account.owner, "client_email": account.id},
        "webpush": {"subject": account.id, "public_key": answer.public_key},
    }
    return {
        "name": provider.name,
        "kind": provider.kind,
        "package": provider.package,
        "topic": provider.topic,
        "sandbox": provider.sandbox,
        "per_second": provider.per_second,
        "url": account.url,
        **by_kind[provider.kind],
        "fault": answer.fault,
    }


def _required(members: Members, name: str) -> str:
    members.text(name)
    return _word(members, name)


def _word(members: Members, name: str) -> str:
    """Take what a service is told as it is; an absent one is empty."""
    word = members.bounded(name) or ""
    if not _WORD.fullmatch(word):
        raise invalid(members.path(name), "may have printable characters of ASCII only, and no spaces")
    return word


def _key(members: Members, name: str) -> str:
    key = members.optional_text(name) or ""
    if len(key) > KEY_MAX:
        raise invalid(members.path(name), f"may have at most {KEY_MAX} characters")
    return key
