"""Whom a push is for: `platform` and `audience` as callers write them (P3, P4)."""

from typing import Final

from laba.dialects.rongcloud.faults import invalid
from laba.dialects.rongcloud.members import Members
from laba.model.dispatch import Audience
from laba.model.refusal import Code
from laba.model.targets import TAGS_LIMIT, USERS_LIMIT, Targets

# The vendor's page knows ios and android (P3), its newer SDKs add names; so many are room enough.
PLATFORMS_MAX: Final = 20


def chosen(body: Members) -> tuple[Audience, Targets]:
    """Choose by the rules of P4.

    `is_to_all` voids every criterion; `userid` voids the others and `platform`; the others combine with AND. What is
    voided is not judged. A criterion that is empty is as good as absent: the vendor's SDKs send both (P11).
    """
    asked = body.members("audience")
    if asked.flag("is_to_all"):
        return Audience.ALL_USERS, Targets(platforms=_platforms(body))
    users = asked.texts("userid", USERS_LIMIT)
    if users:
        return Audience.TARGETS, Targets(users=frozenset(users))
    return Audience.TARGETS, _by_criteria(asked, _platforms(body))


def _by_criteria(asked: Members, platforms: frozenset[str]) -> Targets:
    tags, any_tags = asked.texts("tag", TAGS_LIMIT), asked.texts("tag_or", TAGS_LIMIT)
    package = asked.optional("packageName")
    # A criterion that is passed over would reach more users than were meant.
    if asked.value("tagItems") not in (None, []):
        raise invalid(asked.path("tagItems"), "is not supported: use tag and tag_or")
    if not (tags or any_tags or package):
        reason = "must name userid, tag, tag_or or packageName, or set is_to_all to true"
        raise invalid("audience", reason, Code.AUDIENCE_EMPTY)
    return Targets(tags=frozenset(tags), any_tags=frozenset(any_tags), package=package, platforms=platforms)


def _platforms(body: Members) -> frozenset[str]:
    """Take the platforms, in lower case. Names beside ios and android are taken as they are (vendor-apis.md 3.2)."""
    return frozenset(name.lower() for name in body.required_texts("platform", PLATFORMS_MAX))
