"""Whether a submission may be sent, quotas apart: those are taken last, at the gate."""

from laba.model.app import App, QuotaName, Want
from laba.model.dispatch import Submission
from laba.model.priorities import Priorities
from laba.model.refusal import Code, Refusal


def objection(submission: Submission, app: App) -> Refusal | None:
    """Say why this may not be sent at all, or None (A7, A9, E2). Takes nothing from a quota (G1)."""
    if submission.feature is not None and not app.policy.has(submission.feature):
        return Refusal(
            Code.FEATURE_OFF,
            f"{submission.feature} is switched off for {app.name}; "
            f"its operator can run: laba app set {app.name} {submission.feature}=on",
        )
    if submission.size_bytes > submission.size_limit_bytes:
        return Refusal(
            Code.MESSAGE_TOO_LARGE,
            f"the message has {submission.size_bytes} bytes, {submission.size_limit_bytes} are allowed",
        )
    return None


def wants(submission: Submission, app: App) -> tuple[Want, ...]:
    """Say what it takes of the app's quotas. The first one that is full is what the caller is told (E3, E10).

    A message to named users counts once for each of them (vendor-apis.md 3.2).
    """
    if submission.quota is QuotaName.ROOM_MESSAGES:
        messages = app.policy.want(QuotaName.ROOM_MESSAGES, len(submission.rooms))
        return (app.policy.want(QuotaName.ROOM_CALLS), messages) if submission.counts_call else (messages,)
    if submission.quota is QuotaName.SYSTEM_MESSAGES and submission.targets is not None:
        return (app.policy.want(submission.quota, max(1, len(submission.targets.users or ()))),)
    return (app.policy.want(submission.quota),)


def exhausted(app: App, name: QuotaName, span_seconds: int, retry_after_seconds: int | None) -> Refusal:
    """Say that a quota is full, and when it has room again."""
    when = "never has room for so many at once"
    if retry_after_seconds is not None:
        when = f"has room again in {retry_after_seconds} s"
    return Refusal(
        Code.QUOTA_EXHAUSTED,
        f"the quota {name} of {app.name} is {app.policy.quota(name)}; it {when}",
        subject=name,
        span_seconds=span_seconds,
        retry_after_seconds=retry_after_seconds,
    )


def is_raised(submission: Submission, priorities: Priorities) -> bool:
    """Tell whether an app's or a room's operator makes it high, whatever level it asked for (E5)."""
    return priorities.raises(submission.content.kind, submission.sender)
