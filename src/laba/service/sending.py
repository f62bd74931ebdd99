"""The two ways in: what is kept, and what passes (design.md section 8)."""

from dataclasses import dataclass
from typing import Any

from laba.model.app import App
from laba.model.calls import Accepted, Posted
from laba.model.dispatch import Audience, Submission
from laba.model.refusal import Refusal
from laba.service.intake import Intake
from laba.service.posting import Posting


@dataclass(frozen=True, slots=True)
class Sending:
    """Takes a submission in by the way that its audience has."""

    kept: Intake
    passing: Posting[Any]

    async def accept(self, submission: Submission, app: App) -> Accepted | Posted | Refusal:
        if submission.audience is Audience.ROOMS:
            return await self.passing.accept(submission, app)
        return await self.kept.accept(submission, app)
