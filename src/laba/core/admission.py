"""Whether a submission may be sent, quotas apart: those are taken last, at the gate."""

from laba.model.app import App
from laba.model.dispatch import Submission
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


def exhausted(submission: Submission, app: App, span_seconds: int, retry_after_seconds: int) -> Refusal:
    """Say that a quota is full, and when it has room again."""
    quota = app.policy.quota(submission.quota)
    return Refusal(
        Code.QUOTA_EXHAUSTED,
        f"the quota {submission.quota} of {app.name} is {quota}; it has room again in {retry_after_seconds} s",
        span_seconds=span_seconds,
        retry_after_seconds=retry_after_seconds,
    )
