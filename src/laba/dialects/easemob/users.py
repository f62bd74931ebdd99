"""Users as callers write them (vendor-apis.md 3.1)."""

from typing import Any

from laba.dialects.easemob.fields import invalid, username_fault
from laba.dialects.easemob.jsontext import parse
from laba.model.calls import Claim, DeleteUser, GetUser, NewUser, RegisterUsers
from laba.model.refusal import Code, Refusal

USERS_MAX = 60
PASSWORD_MAX = 64
NICKNAME_MAX = 100


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


def read_get(claim: Claim, _body: bytes) -> GetUser | Refusal:
    name = _named(claim)
    return name if isinstance(name, Refusal) else GetUser(name)


def read_delete(claim: Claim, _body: bytes) -> DeleteUser | Refusal:
    name = _named(claim)
    return name if isinstance(name, Refusal) else DeleteUser(name)


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
    fault = _name_fault(entry, prefix) or _password_fault(entry, prefix) or _nickname_fault(entry, prefix)
    return fault or NewUser(entry["username"].lower(), entry.get("password"), entry.get("nickname"))


def _name_fault(entry: dict[str, Any], prefix: str) -> Refusal | None:
    field = f"{prefix}username"
    if not isinstance(entry.get("username"), str):
        return invalid(field, "must be a string" if "username" in entry else "is missing")
    return username_fault(entry["username"], field)


def _password_fault(entry: dict[str, Any], prefix: str) -> Refusal | None:
    if "password" not in entry:
        return None
    password = entry["password"]
    if not isinstance(password, str) or not password:
        return Refusal(Code.PASSWORD_MISSING, "must be a string that is not empty", field=f"{prefix}password")
    if len(password) > PASSWORD_MAX:
        return Refusal(Code.PASSWORD_TOO_LONG, f"must have at most {PASSWORD_MAX} characters", f"{prefix}password")
    return None


def _nickname_fault(entry: dict[str, Any], prefix: str) -> Refusal | None:
    nickname = entry.get("nickname", "")
    if not isinstance(nickname, str):
        return invalid(f"{prefix}nickname", "must be a string")
    if len(nickname) > NICKNAME_MAX:
        return Refusal(Code.NICKNAME_TOO_LONG, f"must have at most {NICKNAME_MAX} characters", f"{prefix}nickname")
    return None
