"""The two ways in: what is kept, and what passes (design.md section 8)."""

from dataclasses import dataclass
from typing import Any

from laba.model.app import App
from laba.model.calls import Accepted, Posted, Repeated
from laba.model.dispatch import Audience, Submission
from laba.model.refusal import Refusal
from laba.ports import FileRecords
from laba.service.chatfiles import lacking
from laba.service.intake import Intake
from laba.service.posting import Posting


@dataclass(frozen=True, slots=True)
class Sending:
    """Takes a submission in by the way that its audience has."""

    kept: Intake
    passing: Posting[Any]
    files: FileRecords

    async def accept(self, submission: Submission, app: App) -> Accepted | Posted | Repeated | Refusal:
        if submission.audience is not Audience.ROOMS:
            return await self.kept.accept(submission, app)
        return await lacking(self.files, submission.content, app) or await self.passing.accept(submission, app)

    async def say(self, submission: Submission, app: App, user: str) -> Posted | Refusal:
        """Take what a client of `user` says in a room."""
        return await lacking(self.files, submission.content, app) or await self.passing.say(submission, app, user)
