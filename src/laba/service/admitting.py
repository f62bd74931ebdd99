"""Between asking and being taken: quotas and repeats, then anti-spam; the same for what is kept and what passes."""

from dataclasses import dataclass

from laba.core import admission
from laba.model.app import App, Want
from laba.model.calls import Repeated
from laba.model.dispatch import Submission
from laba.model.moderation import Verdict
from laba.model.refusal import Refusal
from laba.ports import gate as gates
from laba.ports.gate import Exhausted, Gate, Once
from laba.service.ground import Ground
from laba.service.moderating import Moderating


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a call has taken, so that it can be given back."""

    app_uuid: str
    wants: tuple[Want, ...]
    once: Once | None
    taken_at_ms: int


class Admitting:
    """Takes from quotas, remembers client ids for `duplicate_ms`, and asks anti-spam."""

    def __init__(self, gate: Gate, moderating: Moderating, duplicate_ms: int, ground: Ground) -> None:
        self.ground = ground
        self.duplicate_ms = duplicate_ms
        self.gate = gate
        self._moderating = moderating

    async def take(self, submission: Submission, app: App) -> Ticket | Repeated | Refusal:
        """Count a call against its quotas; or say which is full, or that it repeats one of before (G1, N2)."""
        now_ms, wants = self.ground.clock(), admission.wants(submission, app)
        once = None
        if submission.client_id is not None:
            once = Once(submission.client_id, self.duplicate_ms, submission.once)
        against = await self.gate.take(app.uuid, wants, now_ms, once)
        match against:
            case Exhausted(name, span_seconds, retry_after_seconds):
                return admission.exhausted(app, name, span_seconds, retry_after_seconds)
            case gates.Repeated.REPEATED:
                self.ground.meter.count("laba_repeats_dropped_total")
                return Repeated(submission.client_id or "")
        return Ticket(app.uuid, wants, once, now_ms)

    async def give_back(self, ticket: Ticket) -> None:
        """Undo `take`, for a call of which nothing came."""
        await self.gate.give_back(ticket.app_uuid, ticket.wants, ticket.taken_at_ms, ticket.once)

    async def verdict(self, submission: Submission, app: App) -> Verdict | None:
        """Ask what anti-spam says of it; None where it finds nothing, or is not asked (N7, S7)."""
        return await self._moderating.verdict(submission, app)
