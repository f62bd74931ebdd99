"""A submission becomes a dispatch in the ledger, or a refusal; the caller is answered then, before any fan-out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from laba.core import admission
from laba.core.ids import IdSequence
from laba.core.pushing import wants_push
from laba.model.app import App, Feature, QuotaName
from laba.model.calls import Accepted, Repeated
from laba.model.dispatch import TO_EVERY_ROOM, Audience, Conversation, ConversationType, Dispatch, Message, Submission
from laba.model.hook import Source
from laba.model.moderation import Verdict
from laba.model.refusal import Code, Refusal
from laba.ports import Rooms, Store
from laba.service.admitting import Admitting
from laba.service.attending import Attending
from laba.service.chatfiles import lacking
from laba.service.dispatching import Dispatcher
from laba.service.postman import Postman


@dataclass(frozen=True, slots=True)
class Numbering:
    """The ids of this node, and the rooms whose numbers a block of them must cover."""

    ids: IdSequence
    rooms: Rooms

    async def copies(self, submission: Submission) -> int:
        """Tell how many ids a submission needs: for all rooms, one for each number that a room may have by now."""
        return await self.rooms.highest_number() + 1 if submission.audience in TO_EVERY_ROOM else 1


# How many client ids of an app are remembered from before a restart.
_REMEMBERED = 100_000


class Intake:
    """The way in of what is kept (design.md section 8)."""

    def __init__(
        self,
        store: Store,
        admitting: Admitting,
        dispatcher: Dispatcher,
        attending: Attending,
        numbering: Numbering,
        postman: Postman,
    ) -> None:
        self._store = store
        self._admitting = admitting
        self._dispatcher = dispatcher
        self._attending = attending
        self._numbering = numbering
        self._postman = postman
        self._ground = admitting.ground

    async def remember(self, apps: Iterable[App]) -> None:
        """Count what was taken from quotas before a restart, and remember client ids (G1, N2). To be called once."""
        for app in apps:
            for name in QuotaName:
                spans = app.policy.quota(name).spans
                if spans:
                    since_ms = self._ground.clock() - max(span.seconds for span in spans) * 1000
                    most = max(span.limit for span in spans)
                    taken = await self._store.accepted_since(app.uuid, name, since_ms, most)
                    await self._admitting.gate.refill([(app.uuid, name, at_ms) for at_ms in taken])
            lately_ms = self._ground.clock() - self._admitting.duplicate_ms
            known = await self._store.client_ids_since(app.uuid, lately_ms, _REMEMBERED)
            await self._admitting.gate.recall_ids(app.uuid, known)

    async def accept(self, submission: Submission, app: App) -> Accepted | Repeated | Refusal:
        """Keep the submission, or refuse it and touch nothing. Raises what the store raises: nothing was kept.

        Where it counts first, its quota is taken even though the feature is off (R2). What anti-spam rejects is kept
        and answered like the rest, but not sent (N7).
        """
        refusal = admission.objection(submission, app)
        refusal = refusal or await lacking(self._store.file_records, submission.content, app)
        refusal = refusal or await self._homeless(submission, app)
        if refusal is not None and not (submission.counts_first and refusal.code is Code.FEATURE_OFF):
            return refusal
        ticket = await self._admitting.take(submission, app)
        if isinstance(ticket, Repeated | Refusal):
            return ticket
        if refusal is not None:
            return refusal
        try:
            dispatch = await self._kept(submission, app, await self._admitting.verdict(submission, app))
        except Exception:
            await self._admitting.give_back(ticket)
            raise
        self._dispatcher.wake()
        self._ground.meter.count("laba_broadcasts_accepted_total", audience=submission.audience)
        return Accepted(dispatch, sender_has_token=await self._has_token(submission, app))

    async def _homeless(self, submission: Submission, app: App) -> Refusal | None:
        """Refuse what wants an open room where the app has none (N9)."""
        if not submission.needs_room or await self._numbering.rooms.after(app.uuid, 0, 1):
            return None
        return Refusal(Code.ROOM_UNKNOWN, f"{app.name} has no open room")

    async def _has_token(self, submission: Submission, app: App) -> bool:
        """Tell whether the sender of a push ever obtained a token (P9); of anything else it is not asked."""
        if submission.feature is not Feature.PUSH or submission.audience is Audience.DEVICES:
            return True
        sender = await self._store.user(app.uuid, submission.sender)
        return sender is not None and sender.token_at_ms is not None

    async def _kept(self, submission: Submission, app: App, verdict: Verdict | None) -> Dispatch:
        copies = await self._numbering.copies(submission)
        await self._attending.begin_write()
        # From taking the id to queueing the write nothing waits: ids ascend in the order of the ledger (G3).
        now_ms = self._ground.clock()
        first = self._numbering.ids.block(now_ms, copies)
        if not wants_push(submission, app):
            submission = replace(submission, notification=None)
        dispatch = Dispatch.admitted(
            submission, dispatch_id=first, app_uuid=app.uuid, now_ms=now_ms, copies=copies, verdict=verdict
        )
        if submission.audience in TO_EVERY_ROOM and admission.is_raised(submission, app.policy.priorities):
            dispatch = dispatch.raised()
        message = Message(dispatch.id, _conversation_of(dispatch), dispatch)
        letters = self._postman.addressed((message,), submission, app, Source.CALLER, verdict)
        await self._store.append(dispatch, letters)
        self._postman.posted(letters)
        return dispatch


def _conversation_of(dispatch: Dispatch) -> Conversation:
    """Say where a dispatch appears, for those who are told of it: one to every room is in none of them."""
    if dispatch.audience in TO_EVERY_ROOM:
        return Conversation(ConversationType.ROOM, "")
    return Conversation(dispatch.conversation, dispatch.sender)
