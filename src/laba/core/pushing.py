"""What a device is shown of a message, who is pushed to, and what follows from a service's answers (P5-P9, S8)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final

from laba.core.backoff import wait_ms
from laba.core.targeting import NONE, includes
from laba.model.app import App
from laba.model.dispatch import Audience, ConversationType, Dispatch, Message, Submission
from laba.model.notification import Notification
from laba.model.provider import Fate, Outcome
from laba.model.push import Counts, DeadToken, Progress, Push, PushTarget, Retry
from laba.model.targets import Targets

# A device that the service would take later is tried so often; then its word for why is the last.
ATTEMPTS_MAX: Final = 6
LONGEST_WAIT_MS: Final = 300_000
_EVERYBODY: Final = Targets()
_NAME: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def push_of(
    dispatch: Dispatch, notification: Notification, platform: str, name: str | None, now_ms: int, *, until_ms: int
) -> Push:
    """Say what devices of a platform are shown of a dispatch; `name` is its sender's, which shows as the title (P9).

    A platform's own words replace the common ones (P6). It is worth showing until `until_ms`, as long as the message
    waits for its user. Repeats replace each other: they bear the dispatch's id.
    """
    own = notification.platforms.get(platform, notification.others)
    message = {
        "id": str(dispatch.id),
        "from": dispatch.sender,
        "conversation": dispatch.conversation.value,
        "kind": dispatch.content.kind.value,
    }
    return Push(
        alert=notification.alert if own.alert is None else own.alert,
        collapse_id=str(dispatch.id),
        expires_at_ms=until_ms,
        title=own.title or notification.title or name,
        silent=own.silent,
        extras=own.extras,
        options={"ttl_seconds": max(0, until_ms - now_ms) // 1000, **own.options},
        message={key: value for key, value in message.items() if value},
    )


def is_meant(dispatch: Dispatch, target: PushTarget, platform: str) -> bool:
    """Tell whether a device is among those whom a dispatch chooses (P4): its user, and what it runs on.

    Whoever was registered after the dispatch was accepted is not meant. A push by names is for all their devices.
    """
    targets = dispatch.targets or _EVERYBODY
    chosen = Targets(targets.users, targets.tags, targets.any_tags)
    return (
        target.user_since_ms <= dispatch.accepted_at_ms
        and includes(chosen, target.user, target.tags, NONE)
        and (not targets.platforms or targets.users is not None or platform in targets.platforms)
    )


def spares_online(dispatch: Dispatch) -> bool:
    """Tell whether users who are online are left out, as they have the message itself (P5).

    One to devices is no message, unless it is pushed beside one that passed (`beside`).
    """
    return dispatch.audience is not Audience.DEVICES or dispatch.flags.pushed


def wants_push(submission: Submission, app: App) -> bool:
    """Tell whether a submission has anything to push, and its app lets it (E13)."""
    feature = submission.push_feature
    return submission.notification is not None and (feature is None or app.policy.has(feature))


def beside(
    submission: Submission, messages: Sequence[Message], members: Mapping[str, AbstractSet[str]]
) -> tuple[Dispatch, ...]:
    """Give what is pushed beside a submission's messages to rooms, to those of the members whom it is for (E13).

    Each has the id of its message, under which its report is found.
    """
    pushes = []
    for message in messages:
        there = members.get(message.conversation.id, frozenset())
        meant = there if submission.users is None else there & submission.users
        if meant - {submission.sender}:
            pushed = _beside(submission, frozenset(meant - {submission.sender}))
            said = message.dispatch
            pushes.append(
                Dispatch.admitted(pushed, dispatch_id=message.id, app_uuid=said.app_uuid, now_ms=said.accepted_at_ms)
            )
    return tuple(pushes)


def _beside(submission: Submission, users: frozenset[str]) -> Submission:
    return replace(
        submission,
        audience=Audience.DEVICES,
        flags=replace(submission.flags, pushed=True),
        conversation=ConversationType.ROOM,
        targets=Targets(users=users),
        client_id=None,
        users=None,
        members=None,
    )


def is_among(origin: str, hosts: Sequence[str]) -> bool:
    """Tell whether an origin is https, and its host one of these; `*.` stands for any name before the rest.

    A port is that of one of these, too: a client may not choose what else of a host is called.
    """
    scheme, _, host = origin.partition("://")
    return scheme == "https" and any(
        host.endswith(known[1:]) and bool(_NAME.fullmatch(host[: 1 - len(known)]))
        if known.startswith("*.")
        else host == known
        for known in hosts
    )


@dataclass(slots=True)
class Sheet:
    """What one page of a walk leads to, counted as its outcomes come in."""

    now_ms: int
    targeted: int = 0
    sent: int = 0
    accepted: int = 0
    retried: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    retries: list[Retry] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    dead: list[DeadToken] = field(default_factory=list)

    def add(self, target: PushTarget, outcome: Outcome, now_ms: int) -> None:
        """Count one answer, which came now. What a service may take later is tried ATTEMPTS_MAX times at most."""
        self.sent += 1
        self.retried += target.attempts > 0
        match outcome.fate:
            case Fate.ACCEPTED:
                self.accepted += 1
            case Fate.LATER if target.attempts + 1 < ATTEMPTS_MAX:
                wait = max(outcome.after_ms, wait_ms(target.attempts + 1, LONGEST_WAIT_MS))
                self.retries.append(Retry(*target.key, target.attempts + 1, now_ms + wait))
                return
            case Fate.DEAD:
                since_ms = self.now_ms if outcome.since_ms is None else outcome.since_ms
                self.dead.append(DeadToken(*target.key, target.token, outcome.reason, since_ms))
                self.rejected[outcome.reason] += 1
            case _:
                self.rejected[outcome.reason] += 1
        self._settle(target)

    def put_off(self, target: PushTarget, until_ms: int) -> None:
        """Note that a device was not, or could not be, asked for; it is as if it had never been tried."""
        self.retries.append(Retry(*target.key, max(target.attempts, 0), until_ms))

    def refuse(self, target: PushTarget, reason: str) -> None:
        """Note that a device is not pushed to, and why, without having asked."""
        self.rejected[reason] += 1
        self._settle(target)

    def drop(self, target: PushTarget) -> None:
        """Note that a device that was to be tried again need not be any more."""
        self._settle(target)

    def _settle(self, target: PushTarget) -> None:
        self.settled.append(target.key)

    def progress(self, cursor: tuple[str, str] | None, *, walked: bool) -> Progress:
        counts = Counts(self.targeted, self.sent, self.accepted, self.retried, dict(self.rejected))
        return Progress(counts, cursor, walked, tuple(self.retries), tuple(self.settled), tuple(self.dead))
