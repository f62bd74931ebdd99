"""A submission becomes a dispatch in the ledger, or a refusal; the caller is answered then, before any fan-out."""

from collections.abc import Iterable

from laba.core import admission
from laba.core.ids import IdSequence
from laba.model.app import App, QuotaName
from laba.model.calls import Accepted
from laba.model.dispatch import Dispatch, Submission
from laba.model.refusal import Refusal
from laba.ports import Gate, Store
from laba.service.attending import Attending
from laba.service.chatfiles import lacking
from laba.service.dispatching import Dispatcher
from laba.service.ground import Ground


class Intake:
    """The way in of what is kept (design.md section 8)."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        dispatcher: Dispatcher,
        attending: Attending,
        ids: IdSequence,
        ground: Ground,
    ) -> None:
        self._attending = attending
        self._store = store
        self._gate = gate
        self._dispatcher = dispatcher
        self._ids = ids
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
        """Keep the submission, or refuse it and touch nothing. Raises what the store raises: nothing was kept."""
        refusal = admission.objection(submission, app)
        refusal = refusal or await lacking(self._store.file_records, submission.content, app)
        if refusal is not None:
            return refusal
        now_ms = self._ground.clock()
        full = await self._gate.take(app.uuid, submission.quota, app.policy.quota(submission.quota), now_ms)
        if full is not None:
            return admission.exhausted(submission, app, full.span_seconds, full.retry_after_seconds)
        await self._attending.begin_write()
        # From taking the id to queueing the write nothing waits: ids ascend in the order of the ledger (G3).
        dispatch = Dispatch.admitted(submission, dispatch_id=self._ids.next(now_ms), app_uuid=app.uuid, now_ms=now_ms)
        try:
            await self._store.append(dispatch)
        except Exception:
            await self._gate.give_back(app.uuid, submission.quota, now_ms)
            raise
        self._dispatcher.wake()
        self._ground.meter.count("laba_broadcasts_accepted_total", audience=submission.audience)
        return Accepted(dispatch)
