"""Answers about users, in the members that stand beside the vendor's envelope (vendor-apis.md 3.1)."""

from typing import Any, assert_never

from laba.dialects.easemob import cursors
from laba.model.user import Resource, User
from laba.model.usercalls import (
    ResourcesFound,
    StatusesFound,
    StatusFound,
    TagsFound,
    TagsSet,
    UserAnswer,
    UserChanged,
    UserDeleted,
    UserDisconnected,
    UserFound,
    UsersListed,
    UsersRegistered,
)

# A client that says nothing of itself is a user's one default device.
UNNAMED = "default"


def entity(user: User) -> dict[str, Any]:
    """Show a user, without its password."""
    shown: dict[str, Any] = {
        "uuid": user.uuid,
        "type": "user",
        "created": user.created_at_ms,
        "modified": user.modified_at_ms,
        "username": user.name,
        "activated": user.activated,
    }
    if user.nickname is not None:
        shown["nickname"] = user.nickname
    return shown


def members(answer: UserAnswer) -> dict[str, Any]:
    """Write what the vendor's page shows of each answer. ValueError for one that no call of this dialect leads to."""
    match answer:
        case UsersRegistered(users, existing):
            return {"entities": [entity(user) for user in users], **_failures(existing)}
        case UserFound(user):
            return {"entities": [entity(user)], "count": 1}
        case UsersListed(users, more_after):
            page: dict[str, Any] = {"entities": [entity(user) for user in users], "count": len(users)}
            return page if more_after is None else page | {"cursor": cursors.written(more_after)}
        case UserDeleted(user) | UserChanged(user):
            return {"entities": [entity(user)]}
        case TagsSet() | TagsFound():
            raise ValueError(f"another dialect writes {type(answer).__name__}")
        case _:
            return _presence(answer)


def _presence(answer: UserDisconnected | StatusFound | StatusesFound | ResourcesFound) -> dict[str, Any]:
    match answer:
        case UserDisconnected():
            return {"entities": [], "data": {"result": True}, "count": 0}
        case StatusFound():
            return {"entities": [], "data": _status(answer), "count": 0}
        case StatusesFound(statuses):
            return {"data": [_status(status) for status in statuses]}
        case ResourcesFound(resources):
            return {"entities": [], "data": [_resource(resource) for resource in resources]}
        case _:
            assert_never(answer)


def _failures(existing: tuple[str, ...] | None) -> dict[str, Any]:
    if existing is None:
        return {}
    return {"data": [{"username": name, "registerUserFailReason": f"the {name} already exists"} for name in existing]}


def _status(status: StatusFound) -> dict[str, str]:
    return {status.name: "online" if status.online else "offline"}


def _resource(resource: Resource) -> dict[str, str]:
    """Name a device as the vendor does, `{platform}_{id}`, and by its platform, for laba knows no model."""
    name = "_".join(filter(None, (resource.platform, resource.device))) or UNNAMED
    return {"res": name, "device_uuid": resource.device, "device_name": resource.platform or UNNAMED}
