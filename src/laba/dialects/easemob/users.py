"""Users as callers write them (vendor-apis.md 3.1)."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from laba.dialects.easemob import cursors
from laba.dialects.easemob.fields import invalid, username_fault
from laba.dialects.easemob.jsontext import parse, parse_object
from laba.model.calls import Claim
from laba.model.refusal import Code, Refusal
from laba.model.usercalls import (
    DeleteUser,
    DisconnectUser,
    GetResources,
    GetStatus,
    GetStatuses,
    GetUser,
    ListUsers,
    NewUser,
    RegisterUsers,
    SetActivation,
    SetPassword,
)

USERS_MAX = 60
PASSWORD_MAX = 64
NICKNAME_MAX = 100
PAGE_DEFAULT, PAGE_MAX = 10, 100
STATUSES_MAX = 100

T = TypeVar("T")

_LIMIT = re.compile(r"[0-9]{1,3}")


def read_registration(_claim: Claim, body: bytes) -> RegisterUsers | Refusal:
    """Read one user, or an array of 1 to 60; user names are known in lower case."""
    document = parse(body)
    if isinstance(document, Refusal):
        return document
    if isinstance(document, list):
        return _batch(document)
    if not isinstance(document, dict):
        return Refusal(Code.BODY_BROKEN, "the body must be a JSON object, or an array of them")
    user = _new_user(document, "")
    return user if isinstance(user, Refusal) else RegisterUsers((user,), single=True)


def read_list(_claim: Claim, query: Mapping[str, str]) -> ListUsers | Refusal:
    """Read how many users are wanted, 10 if nothing is said, and after which; an empty cursor is none."""
    limit, cursor = query.get("limit", str(PAGE_DEFAULT)), query.get("cursor", "")
    if not _LIMIT.fullmatch(limit) or not 1 <= int(limit) <= PAGE_MAX:
        return invalid("limit", f"must be a whole number from 1 to {PAGE_MAX}")
    after = cursors.read(cursor) if cursor else ""
    return invalid("cursor", "must be what an earlier answer gave") if after is None else ListUsers(int(limit), after)


def read_get(claim: Claim, _body: bytes) -> GetUser | Refusal:
    return _about(claim, GetUser)


def read_delete(claim: Claim, _body: bytes) -> DeleteUser | Refusal:
    return _about(claim, DeleteUser)


def read_deactivation(claim: Claim, _body: bytes) -> SetActivation | Refusal:
    return _about(claim, partial(SetActivation, active=False))


def read_activation(claim: Claim, _body: bytes) -> SetActivation | Refusal:
    return _about(claim, partial(SetActivation, active=True))


def read_disconnect(claim: Claim, _body: bytes) -> DisconnectUser | Refusal:
    return _about(claim, DisconnectUser)


def read_status(claim: Claim, _body: bytes) -> GetStatus | Refusal:
    return _about(claim, GetStatus)


def read_resources(claim: Claim, _body: bytes) -> GetResources | Refusal:
    return _about(claim, GetResources)


def read_password(claim: Claim, body: bytes) -> SetPassword | Refusal:
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    fault = _password_fault(document, "newpassword")
    if fault is not None:
        return fault
    return _about(claim, partial(SetPassword, password=document["newpassword"]))


def read_statuses(_claim: Claim, body: bytes) -> GetStatuses | Refusal:
    """Read 1 to 100 names. They are not judged: a name that nobody can have is nobody's."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    names = document.get("usernames")
    if not isinstance(names, list) or not names:
        return invalid("usernames", "must be an array that is not empty" if "usernames" in document else "is missing")
    if len(names) > STATUSES_MAX:
        return Refusal(Code.USERS_TOO_MANY, f"one call asks for at most {STATUSES_MAX} users", field="usernames")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            return invalid(f"usernames[{index}]", "must be a string")
    return GetStatuses(tuple(name.lower() for name in names))


def _about(claim: Claim, call: Callable[[str], T]) -> T | Refusal:
    """Make the call about the user in the path."""
    name = _named(claim)
    return name if isinstance(name, Refusal) else call(name)


def _named(claim: Claim) -> str | Refusal:
    """Give the name in the path. What no user of this API can be called is not looked for."""
    name = claim.arguments["username"]
    if username_fault(name) is not None:
        return Refusal(Code.USER_UNKNOWN, "there is no such user", subject=name)
    return name.lower()


def _batch(entries: list[Any]) -> RegisterUsers | Refusal:
    if not entries:
        return invalid("[0]", "is missing: name at least one user")
    if len(entries) > USERS_MAX:
        return Refusal(Code.USERS_TOO_MANY, f"one call registers at most {USERS_MAX} users")
    users: dict[str, NewUser] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            return invalid(f"[{index}]", "must be an object")
        user = _new_user(entry, f"[{index}].")
        if isinstance(user, Refusal):
            return user
        if user.name in users:
            return invalid(f"[{index}].username", f"{user.name} is named twice")
        users[user.name] = user
    return RegisterUsers(tuple(users.values()), single=False)


def _new_user(entry: dict[str, Any], prefix: str) -> NewUser | Refusal:
    fault = _name_fault(entry, prefix)
    if fault is None and "password" in entry:
        fault = _password_fault(entry, "password", prefix)
    fault = fault or _nickname_fault(entry, prefix)
    return fault or NewUser(entry["username"].lower(), entry.get("password"), entry.get("nickname"))


def _name_fault(entry: dict[str, Any], prefix: str) -> Refusal | None:
    field = f"{prefix}username"
    if not isinstance(entry.get("username"), str):
        return invalid(field, "must be a string" if "username" in entry else "is missing")
    return username_fault(entry["username"], field)


def _password_fault(entry: dict[str, Any], member: str, prefix: str = "") -> Refusal | None:
    password, field = entry.get(member), f"{prefix}{member}"
    if not isinstance(password, str) or not password:
        return Refusal(Code.PASSWORD_MISSING, "must be a string that is not empty", field)
    if len(password) > PASSWORD_MAX:
        return Refusal(Code.PASSWORD_TOO_LONG, f"must have at most {PASSWORD_MAX} characters", field)
    return None


def _nickname_fault(entry: dict[str, Any], prefix: str) -> Refusal | None:
    nickname = entry.get("nickname", "")
    if not isinstance(nickname, str):
        return invalid(f"{prefix}nickname", "must be a string")
    if len(nickname) > NICKNAME_MAX:
        return Refusal(Code.NICKNAME_TOO_LONG, f"must have at most {NICKNAME_MAX} characters", f"{prefix}nickname")
    return None
