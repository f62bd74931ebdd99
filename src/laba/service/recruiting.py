"""The walks of campaigns: through an app's registered users by a cursor that is kept, never as a list (P5, P7)."""

import asyncio

from laba.core.targeting import includes
from laba.model.campaign import Campaign, Recruit
from laba.ports import StoreBusyError
from laba.ports.campaigns import Campaigns
from laba.service.ground import Ground

# How many users are judged before anything else has a turn, and written in one transaction.
PAGE = 2000
_RETRY_SECONDS = 1.0


class Recruiting:
    """Puts messages into the inboxes of those whom their targets mean.

    What is kept after each page is where the walk goes on after a crash. A store that fails is asked again a second
    later. Walks that go on at the same time take turns, a page each.
    """

    def __init__(self, campaigns: Campaigns, ground: Ground) -> None:
        self._campaigns = campaigns
        self._ground = ground
        self._something = asyncio.Event()
        self._something.set()  # what an earlier process left undone

    def wake(self) -> None:
        """Say that a campaign has begun."""
        self._something.set()

    async def run(self) -> None:
        """Walk until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                while await self.turn():
                    pass
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")
                await asyncio.sleep(_RETRY_SECONDS)
                self._something.set()

    async def turn(self) -> bool:
        """Go one page on with every walk; tells whether there was one."""
        walking = await self._campaigns.walking()
        for campaign in walking:
            await self._go_on(campaign)
        return bool(walking)

    async def _go_on(self, campaign: Campaign) -> None:
        page = await self._campaigns.recruits(campaign, PAGE)
        meant = [recruit.name for recruit in page if _is_meant(campaign, recruit)]
        cursor = page[-1].name if len(page) == PAGE else None
        await self._campaigns.enrol(campaign, meant, cursor)
        self._ground.meter.count("laba_recruits_judged_total", len(page))
        self._ground.meter.count("laba_recruits_enrolled_total", len(meant))


def _is_meant(campaign: Campaign, recruit: Recruit) -> bool:
    return includes(campaign.targets, recruit.name, recruit.tags, recruit.packages) and (
        recruit.registered_at_ms <= campaign.accepted_at_ms
    )
