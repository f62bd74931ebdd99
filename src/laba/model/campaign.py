"""A message to chosen users on its way into their inboxes (P5, design.md section 3)."""

from dataclasses import dataclass
from typing import NamedTuple

from laba.model.targets import Targets


@dataclass(frozen=True, slots=True)
class Campaign:
    """A walk through the registered users of an app, in the order of their names as UTF-8.

    `offset` is the message's place in the app's stream, `cursor` the last name that was judged; whoever was
    registered after `accepted_at_ms` is not meant. Whoever stands behind the cursor is judged by `targets` still.
    """

    dispatch_id: int
    app_uuid: str
    offset: int
    accepted_at_ms: int
    targets: Targets
    cursor: str = ""


class Recruit(NamedTuple):
    """A registered user, as a walk sees it. A tuple: a million of them are made in one walk."""

    name: str
    tags: frozenset[str]
    packages: frozenset[str]
    registered_at_ms: int


class Received(NamedTuple):
    """A user has for sure what was in its inbox, up to an offset of the app's stream."""

    app_uuid: str
    user: str
    upto: int


@dataclass(frozen=True, slots=True)
class Muster:
    """How far a campaign has come, in users: whom it is for, who has it, and who never came for it in time.

    While `walking` more may be found. `delivered` are those of whom a sign came that can only follow it.
    """

    targeted: int
    delivered: int
    expired: int
    walking: bool
