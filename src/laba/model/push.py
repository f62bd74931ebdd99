"""What devices are pushed, and how far that has come (P5-P7, S8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from laba.model.dispatch import Dispatch


@dataclass(frozen=True, slots=True)
class Push:
    """What one platform's devices show, ready to be written in a service's form: one for all of a push's devices.

    `silent` wakes the app and shows nothing. `options` have neutral names: sound, badge, category, thread, mutable,
    interruption, channel, image. `message` is what the app is told of the message: id, sender, conversation.
    A push with the `collapse_id` of an earlier one replaces it. Nobody wants it after `expires_at_ms`.
    """

    alert: str
    collapse_id: str
    expires_at_ms: int
    title: str | None = None
    silent: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, str] = field(default_factory=dict)


class JobState(StrEnum):
    """Where a push is with one provider. UNDER_WAY also while it waits for a provider that does not answer."""

    UNDER_WAY = "under_way"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class JobHead:
    """So much of a push under way as its turn is chosen by."""

    number: int
    dispatch_id: int
    app_uuid: str
    provider: str
    accepted_at_ms: int
    walked: bool = False


@dataclass(frozen=True, slots=True)
class PushJob:
    """A push's walk through the devices of one provider, in the order of their users and names.

    `cursor` is the last device that has been judged: everything up to it is counted, or waits to be tried again.
    `partners` are all providers that have a part in the push, this one among them.
    """

    number: int
    provider: str
    dispatch: Dispatch
    cursor: tuple[str, str] = ("", "")
    walked: bool = False
    partners: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A device to push to, with what of its user a push is chosen by. `attempts` failed before.

    One that is to be tried again may have lost its token meanwhile: it is then empty.
    """

    user: str
    device: str
    token: str
    platform: str
    tags: frozenset[str] = frozenset()
    user_since_ms: int = 0
    attempts: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.user, self.device


@dataclass(frozen=True, slots=True)
class Retry:
    """A device that is to be tried again."""

    user: str
    device: str
    attempts: int
    due_at_ms: int


@dataclass(frozen=True, slots=True)
class DeadToken:
    """A token of which the service said that it is nobody's; of a device registered after `since_ms` it is not."""

    user: str
    device: str
    token: str
    reason: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Devices: chosen, asked for (each attempt), accepted, and refused for good, by the service's reasons."""

    targeted: int = 0
    sent: int = 0
    accepted: int = 0
    retried: int = 0
    rejected: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Progress:
    """What one page of a walk led to; kept in one step. `cursor` None leaves the walk where it is.

    `settled` are devices that were tried again and need not be any more.
    """

    counts: Counts
    cursor: tuple[str, str] | None = None
    walked: bool = False
    retries: tuple[Retry, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    dead: tuple[DeadToken, ...] = ()


@dataclass(frozen=True, slots=True)
class PushReport:
    """How a push stands with one provider. `waiting` devices are to be tried again.

    `fault` is why the provider takes no pushes at the moment; empty where it does.
    """

    provider: str
    state: JobState
    counts: Counts
    waiting: int = 0
    fault: str = ""
