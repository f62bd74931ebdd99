"""Reports of kept dispatches: counted live, kept in the ledger a little later (X2)."""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from laba.core.tally import SHARES, Tally
from laba.model.app import App
from laba.model.campaign import Muster
from laba.model.dispatch import Audience
from laba.model.push import PushReport
from laba.model.recordcalls import GetReport, ReportShown
from laba.model.refusal import Code, Refusal
from laba.model.report import Report, Stage
from laba.ports import Reports, StoreBusyError
from laba.ports.campaigns import Campaigns
from laba.service.ground import Ground
from laba.service.roomreporting import RoomReporting

# How many reports are counted at once; at the bound the oldest stops where it is.
_LIVE_LIMIT = 10_000
_KEEP_SECONDS = 5.0
_BEGINNING = Muster(targeted=0, delivered=0, expired=0, walking=True)


class PushWatch(Protocol):
    """What knows how pushes stand."""

    async def reports(self, app_uuid: str, dispatch_id: int) -> tuple[PushReport, ...]:
        """Tell how a dispatch's push stands with each provider."""


class Reporting:
    """Watches the tallies of this node. `live_ms` is how long a report may still change; `rooms` counts rooms."""

    def __init__(
        self,
        reports: Reports,
        campaigns: Campaigns,
        rooms: RoomReporting,
        pushes: PushWatch,
        live_ms: int,
        ground: Ground,
    ) -> None:
        self.rooms = rooms
        self._reports = reports
        self._campaigns = campaigns
        self._pushes = pushes
        self._live_ms = live_ms
        self._ground = ground
        self._live: OrderedDict[int, Tally] = OrderedDict()
        # How much each report had counted when it was kept.
        self._kept: dict[int, int] = {}

    def watch(self, dispatch_id: int, tally: Tally) -> None:
        """Take up a dispatch that goes out now; one that is watched already stays with its tally."""
        if dispatch_id in self._live:
            return
        self._live[dispatch_id] = tally
        if len(self._live) > _LIVE_LIMIT:
            oldest, _ = self._live.popitem(last=False)
            self._kept.pop(oldest, None)

    def live(self, dispatch_id: int) -> Tally | None:
        """Give the tally of a dispatch that is watched."""
        return self._live.get(dispatch_id)

    async def show(self, call: GetReport, app: App | None) -> ReportShown | Refusal:
        """Give a dispatch's report as it stands now; one of any app where none is named."""
        kept = await self._reports.find(call.dispatch_id)
        if kept is None or (app is not None and kept.dispatch.app_uuid != app.uuid):
            reason = f"there is no broadcast {call.dispatch_id}" + ("" if app is None else f" of {app.name}")
            return Refusal(Code.BROADCAST_UNKNOWN, reason, subject=str(call.dispatch_id))
        if kept.dispatch.audience is Audience.TARGETS:
            # Its walk begins with its place, a moment after the answer.
            beginning = _BEGINNING if kept.stage is Stage.WAITING else None
            kept = replace(kept, muster=await self._campaigns.muster(call.dispatch_id) or beginning)
        if kept.dispatch.notification is not None:
            kept = replace(kept, pushes=await self._pushes.reports(kept.dispatch.app_uuid, call.dispatch_id))
        tally = self._live.get(call.dispatch_id)
        if tally is None:
            return ReportShown(kept)
        stage = Stage.SENDING if tally.pending else Stage.SENT
        return ReportShown(replace(kept, stage=stage, report=report_of(call.dispatch_id, tally)))

    async def run(self) -> None:
        """Keep what has changed, every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            try:
                await self.keep()
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")

    async def keep(self) -> None:
        """Keep what has changed since the last time; forget what will not change any more."""
        now = {dispatch_id: tally.events for dispatch_id, tally in self._live.items()}
        changed = [dispatch_id for dispatch_id, events in now.items() if self._kept.get(dispatch_id) != events]
        await self._reports.keep([report_of(dispatch_id, self._live[dispatch_id]) for dispatch_id in changed])
        self._kept = {dispatch_id: events for dispatch_id, events in now.items() if dispatch_id in self._live}
        horizon_ms = self._ground.clock() - self._live_ms
        for dispatch_id in [one for one, tally in self._live.items() if tally.accepted_at_ms < horizon_ms]:
            del self._live[dispatch_id]
            self._kept.pop(dispatch_id, None)


def report_of(dispatch_id: int, tally: Tally) -> Report:
    half, most, all_of_it = (tally.reached_after_ms.get(share) for share in SHARES)
    lost = MappingProxyType(dict(tally.lost))
    return Report(dispatch_id, tally.audience, tally.reached, tally.confirmed, lost, half, most, all_of_it)
