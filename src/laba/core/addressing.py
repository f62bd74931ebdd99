"""Which of an app's hooks are told of a message (N5, S6)."""

from collections.abc import Sequence

from laba.model.dispatch import Submission
from laba.model.hook import Hook, Source


def addressed(hooks: Sequence[Hook], submission: Submission, source: Source) -> list[Hook]:
    """Choose the hooks that want what this source sends.

    An `env` chooses the hooks that have it; where none has, as without one, those without any are meant.
    """
    if not submission.told:
        return []
    wanting = [hook for hook in hooks if source in hook.sources]
    named = [hook for hook in wanting if submission.env is not None and hook.env == submission.env]
    return named or [hook for hook in wanting if hook.env is None]
