"""Withdrawing what was sent: the word of it is a message of its own, and goes the way of the first (X3)."""

from types import MappingProxyType

from laba.model.app import App, QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Dispatch, Submission
from laba.model.flags import Flags
from laba.model.recordcalls import Recall, Recalled
from laba.model.refusal import Code, Refusal
from laba.ports import Reports
from laba.service.intake import Intake

_SILENT = Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=True)


class Recalling:
    """Withdraws broadcasts and pushes. Who has not got one by the time its recall has a place never gets it."""

    def __init__(self, reports: Reports, intake: Intake) -> None:
        self._reports = reports
        self._intake = intake

    async def recall(self, call: Recall, app: App) -> Recalled | Refusal:
        """Withdraw a dispatch, or say why not. A second time changes nothing, and succeeds."""
        kept = await self._reports.find(call.dispatch_id)
        if kept is None or kept.dispatch.app_uuid != app.uuid or call.sender not in (None, kept.dispatch.sender):
            by = "" if call.sender is None else f" by {call.sender}"
            reason = f"there is no broadcast {call.dispatch_id} of {app.name}{by}"
            return Refusal(Code.BROADCAST_UNKNOWN, reason, subject=str(call.dispatch_id))
        if kept.dispatch.audience not in call.audiences or kept.dispatch.recalls is not None:
            instead = "; its push can be cancelled" if kept.dispatch.audience is Audience.DEVICES else ""
            reason = f"a message to {kept.dispatch.audience} cannot be recalled so{instead}"
            return Refusal(Code.NOT_RECALLABLE, reason, subject=str(call.dispatch_id))
        if not kept.recalled:
            accepted = await self._intake.accept(_word_of(kept.dispatch), app)
            if isinstance(accepted, Refusal):
                return accepted
        return Recalled(call.dispatch_id)


def _word_of(dispatch: Dispatch) -> Submission:
    """Say that a dispatch is withdrawn, to everybody who may have it, offline by now or not."""
    said = MappingProxyType({"operation": "recall", "data": {"id": str(dispatch.id)}})
    return Submission(
        sender=dispatch.sender,
        content=Content(Kind.NOTICE, said),
        flags=_SILENT,
        audience=Audience.TARGETS if dispatch.audience is Audience.TARGETS else Audience.ALL_USERS,
        feature=None,
        quota=QuotaName.RECALLS,
        size_bytes=0,
        size_limit_bytes=0,
        conversation=dispatch.conversation,
        targets=dispatch.targets,
        recalls=dispatch.id,
    )
