"""Pushes on their way to devices: which goes on when (P5, S8).

Every provider has its own round: one that fails, or is slow, keeps nobody waiting but itself. What a crash left is
taken up where it was; devices of the page that was under way may then be pushed to once more, which replaces the
first.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from laba.model.push import JobHead, JobState, PushReport
from laba.ports import StoreBusyError
from laba.ports.pushing import Pushes
from laba.service.pushlanes import Lane, Tools
from laba.service.pushwalk import PushWalk, Turn
from laba.service.tenants import Tenants

# How many pushes of one provider have their turn before what is under way is looked up again.
_TURNS: Final = 100
_OPENED_AT_ONCE: Final = 100
_RETRY_MS: Final = 1000

# An app's uuid and the name of a provider.
Key = tuple[str, str]


@dataclass(slots=True)
class _Round:
    """Where a provider is: when each of its pushes goes on, whether it is at work, and which had its turn last."""

    due_ms: dict[int, int] = field(default_factory=dict)
    under_way: bool = False
    last: int = 0

    def ready(self, heads: Sequence[JobHead], now_ms: int) -> list[JobHead]:
        """Give those that go on now; what is not among `heads` any more is forgotten."""
        self.due_ms = {head.number: self.due_ms.get(head.number, 0) for head in heads}
        return [head for head in heads if self.due_ms[head.number] <= now_ms]

    def put_off(self, heads: Sequence[JobHead], until_ms: int) -> None:
        for head in heads:
            self.due_ms[head.number] = max(self.due_ms.get(head.number, 0), until_ms)


class Pushing:
    """Has devices pushed to, by turns."""

    def __init__(self, pushes: Pushes, tenants: Tenants, walk: PushWalk, tools: Tools) -> None:
        self.pushes = pushes
        self.tenants = tenants
        self._walk = walk
        self._tools = tools
        self._lanes: dict[Key, Lane] = {}
        self._rounds: dict[Key, _Round] = {}
        self._news = asyncio.Event()
        self._news.set()  # what an earlier process left undone
        self._ground = tools.ground
        self._tasks: set[asyncio.Task[None]] = set()

    # --- from outside ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Say that there may be something to push."""
        self._news.set()

    def changed(self, app_uuid: str, provider: str) -> None:
        """Note that a provider is another one now, or none: what was known of it is void."""
        lane = self._lanes.pop((app_uuid, provider), None)
        if lane is not None:
            lane.replaced = True
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
            while not self._walk.stopping:
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
        self._walk.stopping = True
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

    async def _ready(self) -> list[tuple[Key, list[JobHead]]]:
        """Begin what was placed meanwhile, and give what is under way for providers that are due."""
        await self._opened()
        by_key: dict[Key, list[JobHead]] = {}
        for head in await self.pushes.jobs():
            by_key.setdefault((head.app_uuid, head.provider), []).append(head)
        for key in [key for key, known in self._rounds.items() if key not in by_key and not known.under_way]:
            del self._rounds[key]
        for key, lane in self._lanes.items():
            lane.keep({head.dispatch_id for head in by_key.get(key, ())})
        rounds = [(key, heads, self._rounds.setdefault(key, _Round())) for key, heads in by_key.items()]
        due = [(key, self._due(key, heads)) for key, heads, known in rounds if not known.under_way]
        return [(key, heads) for key, heads in due if heads]

    def _due(self, key: Key, heads: Sequence[JobHead]) -> list[JobHead]:
        """Give the pushes of a provider that go on now; while it rests, those alone that nobody wants any more."""
        known, lane = self._rounds[key], self._lanes.get(key)
        rest_ms = 0 if lane is None else lane.rests_until_ms()
        now_ms = self._ground.clock()
        if rest_ms > now_ms:
            for head in heads:
                known.put_off([head], min(rest_ms, self._walk.until_ms(head.accepted_at_ms)))
        return known.ready(heads, now_ms)

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

    async def _round(self, key: Key, heads: Sequence[JobHead]) -> None:
        """Go on with pushes of a provider. Whatever fails, there is a next round."""
        known = self._rounds[key]
        try:
            await self._turns(key, known, heads)
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")
            known.put_off(heads, self._ground.clock() + _RETRY_MS)
        finally:
            known.under_way = False
            self._news.set()

    async def _turns(self, key: Key, known: _Round, heads: Sequence[JobHead]) -> None:
        """Give pushes their turns, until one has had all of its time or the provider rests.

        Where they go out one by one, none walks before the one that does has come to its end.
        """
        one_by_one, walks = self._is_one_by_one(key), False
        for head in _in_turn(heads, known.last, one_by_one=one_by_one)[:_TURNS]:
            if walks and not head.walked:
                continue
            known.last = head.number
            turn = await self._turn(key, head)
            known.due_ms[head.number] = turn.due_ms
            walks = walks or (one_by_one and not turn.walked)
            lane = self._lanes.get(key)
            if turn.spent or lane is None or lane.rests_until_ms() > self._ground.clock():
                break

    async def _turn(self, key: Key, head: JobHead) -> Turn:
        lane = self._lane(key)
        if lane is not None:
            await self._walk.keep(lane)
        job = await self.pushes.job(head.number)
        if job is None:
            return Turn(self._ground.clock())
        if lane is None:
            await self.pushes.end(job, JobState.CANCELLED)
            return Turn(self._ground.clock())
        return await self._walk.go_on(lane, job)

    def _is_one_by_one(self, key: Key) -> bool:
        lane = self._lane(key)
        return lane is not None and lane.form.one_by_one

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


def _in_turn(heads: Sequence[JobHead], last: int, *, one_by_one: bool) -> list[JobHead]:
    """Give pushes in the order of their turns: those behind the last first.

    Where they go out one by one, what walks does so in the order in which it was begun.
    """
    turns = [head for head in heads if head.number > last] + [head for head in heads if head.number <= last]
    return sorted(turns, key=lambda head: 0 if head.walked else head.number) if one_by_one else turns
