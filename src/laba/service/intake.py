"""A submission becomes a dispatch in the ledger, or a refusal; the caller is answered then, before any fan-out."""

from collections.abc import Iterable
from dataclasses import dataclass

from laba.core import admission
from laba.core.ids import IdSequence
from laba.model.app import App, Feature, QuotaName
from laba.model.calls import Accepted
from laba.model.dispatch import TO_EVERY_ROOM, Audience, Dispatch, Submission
from laba.model.refusal import Code, Refusal
from laba.ports import Rooms, Store
from laba.ports.gate import Gate
from laba.service.attending import Attending
from laba.service.chatfiles import lacking
from laba.service.dispatching import Dispatcher
from laba.service.ground import Ground


@dataclass(frozen=True, slots=True)
class Numbering:
    """The ids of this node, and the rooms whose numbers a block of them must cover."""

    ids: IdSequence
    rooms: Rooms

    async def copies(self, submission: Submission) -> int:
        """Tell how many ids a submission needs: for all rooms, one for each number that a room may have by now."""
        return await self.rooms.highest_number() + 1 if submission.audience in TO_EVERY_ROOM else 1


class Intake:
    """The way in of what is kept (design.md section 8)."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        dispatcher: Dispatcher,
        attending: Attending,
        numbering: Numbering,
        ground: Ground,
    ) -> None:
        self._attending = attending
        self._store = store
        self._gate = gate
        self._dispatcher = dispatcher
        self._numbering = numbering
        self._ground = ground

    async def remember(self, apps: Iterable[App]) -> None:
        """Count what was taken from quotas before a restart; the ledger knows it (G1). To be called once."""
        for app in apps:
            for name in QuotaName:
                spans = app.policy.quota(name).spans
                if spans:
                    since_ms = self._ground.clock() - max(span.seconds for span in spans) * 1000
                    most = max(span.limit for span in spans)
                    taken = await self._store.accepted_since(app.uuid, name, since_ms, most)
                    await self._gate.refill([(app.uuid, name, at_ms) for at_ms in taken])

    async def accept(self, submission: Submission, app: App) -> Accepted | Refusal:
        """Keep the submission, or refuse it and touch nothing. Raises what the store raises: nothing was kept.

        Where it counts first, its quota is taken even though the feature is off (R2).
        """
        refusal = admission.objection(submission, app)
        refusal = refusal or await lacking(self._store.file_records, submission.content, app)
        if refusal is not None and not (submission.counts_first and refusal.code is Code.FEATURE_OFF):
            return refusal
        now_ms, wants = self._ground.clock(), admission.wants(submission, app)
        full = await self._gate.take(app.uuid, wants, now_ms)
        if full is not None:
            return admission.exhausted(app, full.name, full.span_seconds, full.retry_after_seconds)
        if refusal is not None:
            return refusal
        try:
            dispatch = await self._kept(submission, app, now_ms)
        except Exception:
            await self._gate.give_back(app.uuid, wants, now_ms)
            raise
        self._dispatcher.wake()
        self._ground.meter.count("laba_broadcasts_accepted_total", audience=submission.audience)
        return Accepted(dispatch, sender_has_token=await self._has_token(submission, app))

    async def _has_token(self, submission: Submission, app: App) -> bool:
        """Tell whether the sender of a push ever obtained a token (P9); of anything else it is not asked."""
        if submission.feature is not Feature.PUSH or submission.audience is Audience.DEVICES:
            return True
        sender = await self._store.user(app.uuid, submission.sender)
        return sender is not None and sender.token_at_ms is not None

    async def _kept(self, submission: Submission, app: App, now_ms: int) -> Dispatch:
        copies = await self._numbering.copies(submission)
        await self._attending.begin_write()
        # From taking the id to queueing the write nothing waits: ids ascend in the order of the ledger (G3).
        first = self._numbering.ids.block(now_ms, copies)
        dispatch = Dispatch.admitted(submission, dispatch_id=first, app_uuid=app.uuid, now_ms=now_ms, copies=copies)
        if submission.audience in TO_EVERY_ROOM and admission.is_raised(submission, app.policy.priorities):
            dispatch = dispatch.raised()
        await self._store.append(dispatch)
        return dispatch
