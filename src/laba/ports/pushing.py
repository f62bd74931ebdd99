"""Pushes to devices through the services of others. Part of the page that `laba.ports` is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from laba.model.http import HttpCall, HttpReply
from laba.model.provider import Account, Outcome, Proof, Provider
from laba.model.push import JobHead, JobState, Progress, Push, PushJob, PushReport, PushTarget


class PushForm(Protocol):
    """How one kind of service is spoken to. Pure, and the same verbs for each.

    `platform` is what a device runs on that did not say. Pushes go out `one_by_one` where the service wants that, and
    else by turns. `probe` is a token that is no device's, "" where every token names its own host.
    """

    @property
    def platform(self) -> str: ...
    @property
    def one_by_one(self) -> bool: ...
    @property
    def probe(self) -> str: ...

    def prepared(self, push: Push, provider: Provider) -> bytes | None:
        """Write what all devices are sent, once; None where it is too large, whatever is left out."""

    def new_key(self, entropy: bytes) -> str | None:
        """Make a key, where it is not the service that gives one. `entropy` is 48 random bytes."""

    def public_key(self, account: Account) -> str | None:
        """Give what clients must know of the key to get a token, where they must."""

    def scope(self, token: str) -> str:
        """Name the origin for which a proof holds, where each token has one; ValueError for what is no token."""

    def prove(self, account: Account, scope: str, now_ms: int) -> Proof | HttpCall:
        """Give a proof, or the call that asks for one. Raises ValueError where the key is none."""

    def proven(self, reply: HttpReply, now_ms: int) -> Proof | Outcome:
        """Read what that call was answered."""

    def build(
        self, push: Push, prepared: bytes, token: str, proof: str, provider: Provider, entropy: bytes
    ) -> HttpCall:
        """Write the call for one device. ValueError where the token is none. `entropy` is 48 random bytes."""

    def read(self, reply: HttpReply) -> Outcome:
        """Read what it was answered; of an unknown status, by its hundreds."""


class Pushes(Protocol):
    """Pushes under way, by dispatch and provider. Raises what Store raises.

    A dispatch with a notification is waiting to be opened from the moment it has a place, or is done with.
    """

    async def unopened(self, limit: int) -> tuple[tuple[int, str], ...]:
        """Give dispatches whose push was not begun yet, oldest first, as (dispatch id, app uuid)."""

    async def open(self, dispatch_id: int, providers: Sequence[str]) -> None:
        """Begin a push with each of these providers, or with none; once."""

    async def jobs(self) -> tuple[JobHead, ...]:
        """Give what is under way, oldest first."""

    async def job(self, number: int) -> PushJob | None:
        """Give all of one; None where it is not under way any more."""

    async def page(
        self, job: PushJob, provider: Provider, others: Sequence[str], limit: int
    ) -> tuple[PushTarget, ...]:
        """Give the next `limit` devices with a token of this provider behind a job's cursor.

        `others` are the packages that other providers of its kind are for; see Provider.
        """

    async def due(self, job: PushJob, provider: Provider, now_ms: int, limit: int) -> tuple[PushTarget, ...]:
        """Give devices that are to be tried again by now."""

    async def next_due_ms(self, job: PushJob) -> int | None:
        """Tell when the next device is to be tried again; None where none is."""

    async def advance(self, job: PushJob, progress: Progress) -> JobState:
        """Keep what a page led to, all in one transaction; gives the job's state, which it does not change."""

    async def end(self, job: PushJob, state: JobState) -> None:
        """End a job that is under way; what was to be tried again is not."""

    async def set_state(self, dispatch_id: int, state: JobState) -> int:
        """Pause, resume or cancel what is not over of a dispatch's push; tells with how many providers."""

    async def reports(self, dispatch_id: int) -> tuple[PushReport, ...]:
        """Tell how a dispatch's push stands with each provider."""

    async def reach(
        self, app_uuid: str, served: Sequence[tuple[str, str, bool]]
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Count the devices of an app that have a token, by kind; and those of them that nobody serves.

        `served` is what each provider of the app is for (`Provider.serves`).
        """
