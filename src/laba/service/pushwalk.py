"""A push's way through a provider's devices: pages by a kept cursor, at least once for each device (P5, S8)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from laba.core.pushing import Sheet, is_meant, push_of, spares_online
from laba.model.dispatch import Dispatch
from laba.model.provider import Provider
from laba.model.push import JobState, Push, PushJob, PushTarget
from laba.ports import Presence, Store
from laba.ports.pushing import Pushes
from laba.service.pushlanes import Lane
from laba.service.tenants import Tenants

# How many pages of one push go out before another of the same provider has its turn.
_PAGES: Final = 16
_RETRY_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class PushRules:
    """A push is given up when it is `keep_ms` old.

    `page` devices of one provider are judged in one step, and asked for at once; as many may be pushed to twice after
    a crash.
    """

    keep_ms: int
    page: int = 500


class Turn(NamedTuple):
    """What came of a push's turn: when it goes on, whether others may walk, and whether it had all of its time."""

    due_ms: int
    walked: bool = True
    spent: bool = False


class PushWalk:
    """Goes on with one push after the other. `presence` tells who is online, `store` who a sender is."""

    def __init__(self, pushes: Pushes, store: Store, tenants: Tenants, presence: Presence, rules: PushRules) -> None:
        self._pushes = pushes
        self._store = store
        self._tenants = tenants
        self._presence = presence
        self._rules = rules
        self.stopping = False

    def until_ms(self, accepted_at_ms: int) -> int:
        """Tell when a push is given up that was accepted then."""
        return accepted_at_ms + self._rules.keep_ms

    async def go_on(self, lane: Lane, job: PushJob) -> Turn:
        """Push to some devices. What the last turn led to is to be kept before (`keep`)."""
        until_ms = self.until_ms(job.dispatch.accepted_at_ms)
        if lane.ground.clock() >= until_ms:
            await self._pushes.end(job, JobState.EXPIRED)
            return Turn(lane.ground.clock())
        for _ in range(_PAGES):
            if self.stopping or lane.replaced:
                break
            if (rest_ms := lane.rests_until_ms()) > lane.ground.clock():
                return Turn(min(rest_ms, until_ms), job.walked)
            gone = await self._page(lane, job)
            if gone is None:
                return Turn(min(await self._over(lane, job), until_ms))
            job = gone
        return Turn(lane.ground.clock(), job.walked, spent=True)

    async def keep(self, lane: Lane) -> JobState | None:
        """Keep what a page led to; gives its job's state, and None where all is kept.

        What the store does not take is kept at the next turn, before anybody is asked for: else the same devices
        would be pushed to again and again.
        """
        if lane.unkept is None:
            return None
        state = await self._pushes.advance(*lane.unkept)
        lane.unkept = None
        return state

    async def _over(self, lane: Lane, job: PushJob) -> int:
        """End a push that has come to its end, or wait for who is to be tried again."""
        due_ms = await self._pushes.next_due_ms(job)
        if due_ms is not None:
            return due_ms
        if job.walked:
            await self._pushes.end(job, JobState.DONE)
        return lane.ground.clock()

    async def _page(self, lane: Lane, job: PushJob) -> PushJob | None:
        """Push to one page of devices, those first that are due again; None where nothing is to be done now."""
        size = min(self._rules.page, lane.provider.per_second or self._rules.page)
        page = await self._due(lane, job, size)
        walks = not page
        if walks and job.walked:
            return None
        others = self._others(lane, job)
        if walks and _may_match(lane.provider, others, job):
            page = await self._pushes.page(job, lane.provider, others, size)
        sheet = await self._pushed(lane, job, page, again=not walks)
        cursor = page[-1].key if walks and page else None
        walked = walks and len(page) < size
        # Who could not be asked now must not keep those waiting whose turn has not come at all.
        lane.balked = job.number if not walks and lane.rests_until_ms() > lane.ground.clock() else 0
        lane.unkept = job, sheet.progress(cursor, walked=walked)
        _count(lane, sheet)
        if await self.keep(lane) is not JobState.UNDER_WAY:
            return None
        return replace(job, cursor=cursor or job.cursor, walked=job.walked or walked)

    async def _due(self, lane: Lane, job: PushJob, size: int) -> Sequence[PushTarget]:
        """Give those that are due again; nobody for once where their last turn ended in a rest of the provider's."""
        if lane.balked == job.number and not job.walked:
            return ()
        return await self._pushes.due(job, lane.provider, lane.ground.clock(), size)

    async def _pushed(self, lane: Lane, job: PushJob, page: Sequence[PushTarget], *, again: bool) -> Sheet:
        """Ask for every device of a page that is meant, many at once."""
        sheet = Sheet(lane.ground.clock())
        chosen = await self._chosen(lane, job, page)
        if again:
            kept = {target.key for target in chosen}
            for target in page:
                if target.key not in kept:
                    sheet.drop(target)
        else:
            sheet.targeted = len(chosen)
        # Before the group: what the store raises would come out of it wrapped, and take along what is under way.
        written = [await self._written(lane, job, _platform(lane, target)) for target in chosen]
        async with asyncio.TaskGroup() as group:
            for target, (push, prepared) in zip(chosen, written, strict=True):
                if prepared is None:
                    sheet.refuse(target, "payload_too_large")
                else:
                    group.create_task(self._ask(lane, push, prepared, target, sheet))
        return sheet

    async def _chosen(self, lane: Lane, job: PushJob, page: Sequence[PushTarget]) -> list[PushTarget]:
        """Give those of a page that are meant, and need it."""
        meant = [one for one in page if one.token and is_meant(job.dispatch, one, _platform(lane, one))]
        if not spares_online(job.dispatch) or not meant:
            return meant
        online = await self._presence.online(job.dispatch.app_uuid, {one.user for one in meant})
        return [one for one in meant if one.user not in online]

    async def _ask(self, lane: Lane, push: Push, prepared: bytes, target: PushTarget, sheet: Sheet) -> None:
        """Push to one device when its turn comes, and note what became of it."""
        pause_ms = lane.throttle.take(lane.ground.clock())
        if pause_ms >= 1:
            await asyncio.sleep(pause_ms / 1000)
        try:
            outcome = await lane.send(push, prepared, target.token)
        except ValueError:
            sheet.refuse(target, "bad_token")
            return
        if outcome is not None and not outcome.concerns_all:
            sheet.add(target, outcome, lane.ground.clock())
            return
        # Where a provider has one host it rests as a whole, and its devices go on as soon as it does.
        now_ms, scope = lane.ground.clock(), lane.form.scope(target.token)
        due_ms = max(lane.rests_until_ms(scope) if scope else now_ms, now_ms + _RETRY_MS)
        # Others first: one of them that is accepted shows that what was said of all was this device's own.
        sheet.put_off(target, due_ms if outcome is None or not scope else due_ms + _RETRY_MS)

    async def _written(self, lane: Lane, job: PushJob, platform: str) -> tuple[Push, bytes | None]:
        """Say what a platform is shown, and write it: once for all that have no words of their own (P6)."""
        dispatch, notification = job.dispatch, job.dispatch.notification
        if notification is None:
            raise TypeError("only what has a notification is queued to be pushed")
        own = platform if platform in notification.platforms else ""
        known = lane.written(dispatch.id, own)
        if known is not None:
            return known
        name, until_ms = await self._title(dispatch), self.until_ms(dispatch.accepted_at_ms)
        push = push_of(dispatch, notification, own, name, lane.ground.clock(), until_ms=until_ms)
        return lane.write(dispatch.id, own, push)

    async def _title(self, dispatch: Dispatch) -> str | None:
        """Give a sender's name, if it ever had a token (P9)."""
        sender = await self._store.user(dispatch.app_uuid, dispatch.sender) if dispatch.sender else None
        return sender.nickname if sender is not None and sender.token_at_ms is not None else None

    def _others(self, lane: Lane, job: PushJob) -> list[str]:
        """Give the packages that others of a lane's kind are for, as its app is now.

        Those alone that have a part in the push: nobody else would push to devices that were left to them.
        """
        app = self._tenants.apps.with_uuid(lane.app.uuid) or lane.app
        alike = [one for one in app.policy.providers if one.kind == lane.provider.kind and one.name in job.partners]
        return [one.package for one in alike if one.package and one.sandbox == lane.provider.sandbox]


def _count(lane: Lane, sheet: Sheet) -> None:
    meter, kind = lane.ground.meter, lane.provider.kind
    meter.count("laba_pushes_sent_total", sheet.sent, kind=kind)
    meter.count("laba_pushes_accepted_total", sheet.accepted, kind=kind)
    meter.count("laba_pushes_rejected_total", sheet.rejected.total(), kind=kind)
    meter.count("laba_push_tokens_dead_total", len(sheet.dead), kind=kind)


def _may_match(provider: Provider, others: Sequence[str], job: PushJob) -> bool:
    """Tell whether a push to devices of one package is for any of a provider's."""
    targets = job.dispatch.targets
    wanted = None if targets is None else targets.package
    return wanted is None or provider.package == wanted or (not provider.package and wanted not in others)


def _platform(lane: Lane, target: PushTarget) -> str:
    return target.platform.lower() or lane.form.platform
