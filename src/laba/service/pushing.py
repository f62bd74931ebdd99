"""Pushes on their way to devices: walks by a kept cursor, a page at a time, at least once for each device (P5, S8).

Every provider has its own round: one that fails, or is slow, keeps nobody waiting but itself. What a crash left is
taken up where it was; devices of the page that was under way may then be pushed to once more, which replaces the
first.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from laba.core.pushing import Sheet, is_meant, push_of, spares_online
from laba.model.dispatch import Dispatch
from laba.model.provider import Fate, Provider
from laba.model.push import JobState, Push, PushJob, PushReport, PushTarget
from laba.ports import Presence, Store, StoreBusyError
from laba.ports.pushing import Pushes
from laba.service.pushlanes import Lane, Tools
from laba.service.tenants import Tenants

# How many pages of one push go out before another of the same provider has its turn.
_PAGES: Final = 16
_OPENED_AT_ONCE: Final = 100
_RETRY_MS: Final = 1000

# An app's uuid and the name of a provider.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PushRules:
    """A push is given up when it is `keep_ms` old.

    `page` devices of one provider are judged in one step, and asked for at once; as many may be pushed to twice after
    a crash.
    """

    keep_ms: int
    page: int = 500


@dataclass(slots=True)
class _Round:
    """Where a provider is: when each of its pushes goes on, whether it is at work, and which had its turn last."""

    due_ms: dict[int, int] = field(default_factory=dict)
    under_way: bool = False
    last: int = 0

    def ready(self, jobs: Sequence[PushJob], now_ms: int) -> list[PushJob]:
        """Give those that go on now; what is not among `jobs` any more is forgotten."""
        self.due_ms = {job.number: self.due_ms.get(job.number, 0) for job in jobs}
        return [job for job in jobs if self.due_ms[job.number] <= now_ms]


class Pushing:
    """Has devices pushed to. `presence` tells who is online, `store` who a sender is."""

    def __init__(
        self, pushes: Pushes, store: Store, tenants: Tenants, presence: Presence, tools: Tools, rules: PushRules
    ) -> None:
        self.pushes = pushes
        self._store = store
        self.tenants = tenants
        self._presence = presence
        self._tools = tools
        self._rules = rules
        self._lanes: dict[Key, Lane] = {}
        self._rounds: dict[Key, _Round] = {}
        self._news = asyncio.Event()
        self._news.set()  # what an earlier process left undone
        self._ground = tools.ground
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    # --- from outside ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Say that there may be something to push."""
        self._news.set()

    def changed(self, app_uuid: str, provider: str) -> None:
        """Note that a provider is another one now, or none: what was known of it is void."""
        self._lanes.pop((app_uuid, provider), None)
        if (app_uuid, provider) in self._rounds:
            self._rounds[app_uuid, provider].due_ms.clear()
        self.wake()

    def fault(self, app_uuid: str, provider: str) -> str:
        """Say why a provider takes nothing at the moment; empty where it does, as far as is known."""
        lane = self._lanes.get((app_uuid, provider))
        return "" if lane is None else lane.fault

    async def check(self, app_uuid: str, name: str) -> str:
        """Ask a provider whether it accepts the credentials; gives what hinders.

        Where nobody can be asked without a device, it gives what the last push met with.
        """
        lane = self._lane((app_uuid, name))
        if lane is None:
            return ""
        return await lane.check() or ("" if lane.form.probe else lane.fault)

    async def reports(self, app_uuid: str, dispatch_id: int) -> tuple[PushReport, ...]:
        """Tell how a dispatch's push stands with each provider."""
        found = await self.pushes.reports(dispatch_id)
        return tuple(replace(one, fault=self.fault(app_uuid, one.provider)) for one in found)

    async def set_state(self, dispatch_id: int, state: JobState) -> int:
        """Pause, resume or cancel what is not over of a dispatch's push; tells with how many providers."""
        while await self._opened():
            pass
        changed = await self.pushes.set_state(dispatch_id, state)
        self.wake()
        return changed

    # --- rounds ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Push until stopped or cancelled. A store that fails is asked again a second later."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._news.clear()
                try:
                    for begun in await self._begun():
                        task = group.create_task(begun)
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                    pause_ms = self._pause_ms()
                except (StoreBusyError, OSError):
                    self._ground.meter.count("laba_store_failures_total")
                    pause_ms = _RETRY_MS
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if pause_ms is None else pause_ms / 1000):
                        await self._news.wait()

    async def stop(self, seconds: float) -> None:
        """Begin no page any more, and let those that are under way end, for at most so many seconds."""
        self._stopping = True
        self.wake()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def turn(self) -> bool:
        """Have one round with every provider that is due; tells whether there was one."""
        begun = await self._begun()
        await asyncio.gather(*begun)
        return bool(begun)

    async def _begun(self) -> list[Coroutine[None, None, None]]:
        """Begin a round with every provider that is due."""
        ready = await self._ready()
        for key, _ in ready:
            self._rounds[key].under_way = True
        return [self._round(key, jobs) for key, jobs in ready]

    async def _ready(self) -> list[tuple[Key, list[PushJob]]]:
        """Begin what was placed meanwhile, and give what is under way for providers that are due."""
        await self._opened()
        by_key: dict[Key, list[PushJob]] = {}
        for job in await self.pushes.jobs():
            by_key.setdefault((job.dispatch.app_uuid, job.provider), []).append(job)
        for key in [key for key, known in self._rounds.items() if key not in by_key and not known.under_way]:
            del self._rounds[key]
        for key, lane in self._lanes.items():
            lane.keep({job.dispatch.id for job in by_key.get(key, ())})
        now_ms = self._ground.clock()
        rounds = [(key, jobs, self._rounds.setdefault(key, _Round())) for key, jobs in by_key.items()]
        due = [(key, known.ready(jobs, now_ms)) for key, jobs, known in rounds if not known.under_way]
        return [(key, jobs) for key, jobs in due if jobs]

    async def _opened(self) -> int:
        """Begin some of what was placed meanwhile; tells how many."""
        unopened = await self.pushes.unopened(_OPENED_AT_ONCE)
        for dispatch_id, app_uuid in unopened:
            app = self.tenants.apps.with_uuid(app_uuid)
            names = [] if app is None else [provider.name for provider in app.policy.providers]
            await self.pushes.open(dispatch_id, names)
        return len(unopened)

    def _pause_ms(self) -> int | None:
        """Tell how long nothing is due; None where nothing will be, unless there are news."""
        due = [due_ms for known in self._rounds.values() if not known.under_way for due_ms in known.due_ms.values()]
        return max(0, min(due) - self._ground.clock()) if due else None

    async def _round(self, key: Key, jobs: Sequence[PushJob]) -> None:
        """Go on with one push of a provider. Whatever fails, there is a next round."""
        known = self._rounds[key]
        lane = self._lane(key)
        job = _next(jobs, known.last, one_by_one=lane is not None and lane.form.one_by_one)
        known.last, due_ms = job.number, self._ground.clock() + _RETRY_MS
        try:
            due_ms = await self._went_on(lane, job)
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")
        finally:
            known.under_way = False
            known.due_ms[job.number] = due_ms
            self._news.set()

    def _lane(self, key: Key) -> Lane | None:
        """Give a provider's lane; None where the app has no such provider any more."""
        lane = self._lanes.get(key)
        if lane is not None:
            return lane
        app = self.tenants.apps.with_uuid(key[0])
        provider = None if app is None else app.policy.provider(key[1])
        if app is None or provider is None:
            return None
        return self._lanes.setdefault(key, Lane(app, provider, self._tools))

    # --- one push with one provider --------------------------------------------------------------------------------

    async def _went_on(self, lane: Lane | None, job: PushJob) -> int:
        """Push to some devices; tells when to go on."""
        now_ms = self._ground.clock()
        if lane is None:
            await self.pushes.end(job, JobState.CANCELLED)
            return now_ms
        if now_ms - job.dispatch.accepted_at_ms >= self._rules.keep_ms:
            await self.pushes.end(job, JobState.EXPIRED)
            return now_ms
        for _ in range(_PAGES):
            if self._stopping or self._lane((lane.app.uuid, lane.provider.name)) is not lane:
                break
            if (rest_ms := lane.rests_until_ms()) > self._ground.clock():
                return rest_ms
            gone = await self._page(lane, job)
            if gone is None:
                return await self._over(job)
            job = gone
        return self._ground.clock()

    async def _over(self, job: PushJob) -> int:
        """End a push that has come to its end, or wait for who is to be tried again."""
        due_ms = await self.pushes.next_due_ms(job)
        if due_ms is not None:
            return due_ms
        if job.walked:
            await self.pushes.end(job, JobState.DONE)
        return self._ground.clock()

    async def _page(self, lane: Lane, job: PushJob) -> PushJob | None:
        """Push to one page of devices, those first that are due again; None where nothing is to be done now."""
        size = min(self._rules.page, lane.provider.per_second or self._rules.page)
        page = await self.pushes.due(job, lane.provider, self._ground.clock(), size)
        walks = not page
        if walks and job.walked:
            return None
        others = self._others(lane)
        if walks and _may_match(lane.provider, others, job):
            page = await self.pushes.page(job, lane.provider, others, size)
        sheet = await self._pushed(lane, job, page, again=not walks)
        cursor = page[-1].key if walks and page else None
        walked = walks and len(page) < size
        state = await self.pushes.advance(job, sheet.progress(cursor, walked=walked))
        self._count(lane, sheet)
        if state is not JobState.UNDER_WAY:
            return None
        return replace(job, cursor=cursor or job.cursor, walked=job.walked or walked)

    async def _pushed(self, lane: Lane, job: PushJob, page: Sequence[PushTarget], *, again: bool) -> Sheet:
        """Ask for every device of a page that is meant, many at once."""
        sheet = Sheet(self._ground.clock())
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
        pause_ms = lane.throttle.take(self._ground.clock())
        if pause_ms >= 1:
            await asyncio.sleep(pause_ms / 1000)
        try:
            outcome = await lane.send(push, prepared, target.token)
        except ValueError:
            sheet.refuse(target, "bad_token")
            return
        if outcome is not None and outcome.fate is not Fate.DOUBTED:
            sheet.add(target, outcome, self._ground.clock())
            return
        # Where a provider has one host it rests as a whole, and its devices go on as soon as it does.
        now_ms, scope = self._ground.clock(), lane.form.scope(target.token)
        due_ms = max(lane.rests_until_ms(scope) if scope else now_ms, now_ms + _RETRY_MS)
        # Others first: one of them that is accepted shows that the doubt was this device's own.
        sheet.put_off(target, due_ms if outcome is None else due_ms + _RETRY_MS)

    async def _written(self, lane: Lane, job: PushJob, platform: str) -> tuple[Push, bytes | None]:
        """Say what a platform is shown, and write it: once for all that have no words of their own (P6)."""
        dispatch, notification = job.dispatch, job.dispatch.notification
        if notification is None:
            raise TypeError("only what has a notification is queued to be pushed")
        own = platform if platform in notification.platforms else ""
        known = lane.written(dispatch.id, own)
        if known is not None:
            return known
        push = push_of(dispatch, notification, own, await self._title(dispatch), self._rules.keep_ms)
        return lane.write(dispatch.id, own, push)

    async def _title(self, dispatch: Dispatch) -> str | None:
        """Give a sender's name, if it ever had a token (P9)."""
        sender = await self._store.user(dispatch.app_uuid, dispatch.sender) if dispatch.sender else None
        return sender.nickname if sender is not None and sender.token_at_ms is not None else None

    def _others(self, lane: Lane) -> list[str]:
        """Give the packages that other providers of a lane's kind are for, as its app is now."""
        app = self.tenants.apps.with_uuid(lane.app.uuid) or lane.app
        alike = [one for one in app.policy.providers if one.kind == lane.provider.kind]
        return [one.package for one in alike if one.package and one.sandbox == lane.provider.sandbox]

    def _count(self, lane: Lane, sheet: Sheet) -> None:
        meter, kind = self._ground.meter, lane.provider.kind
        meter.count("laba_pushes_sent_total", sheet.sent, kind=kind)
        meter.count("laba_pushes_accepted_total", sheet.accepted, kind=kind)
        meter.count("laba_pushes_rejected_total", sheet.rejected.total(), kind=kind)
        meter.count("laba_push_tokens_dead_total", len(sheet.dead), kind=kind)


def _next(jobs: Sequence[PushJob], last: int, *, one_by_one: bool) -> PushJob:
    """Give the push whose turn it is: the one behind the last.

    Where they go out one by one, only the oldest walks; others may still have devices to try again.
    """
    if one_by_one:
        walking = next((job for job in jobs if not job.walked), None)
        jobs = [job for job in jobs if job.walked or job is walking]
    return next((job for job in jobs if job.number > last), jobs[0])


def _may_match(provider: Provider, others: Sequence[str], job: PushJob) -> bool:
    """Tell whether a push to devices of one package is for any of a provider's."""
    targets = job.dispatch.targets
    wanted = None if targets is None else targets.package
    return wanted is None or provider.package == wanted or (not provider.package and wanted not in others)


def _platform(lane: Lane, target: PushTarget) -> str:
    return target.platform.lower() or lane.form.platform
