"""What hooks are told (S6): their letters wait in the store, and are brought one by one, each until it arrives.

Every hook has its own round: a slow receiver keeps nobody waiting but itself. What a crash left is taken up where it
was; the letters that arrived last may then arrive once more, under the same ids.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from laba.core.addressing import addressed
from laba.core.backoff import wait_ms
from laba.model.app import App
from laba.model.dispatch import Message, Submission
from laba.model.hook import Hook, Source
from laba.model.letter import Letter
from laba.model.moderation import Verdict
from laba.ports import StoreBusyError
from laba.ports.letters import Courier, CourierError, Letters, Scribe
from laba.service.ground import Ground
from laba.service.tenants import Tenants

# How many letters a round brings before others may have their turn; so many may arrive twice after a crash.
_ROUND = 50
# A refusal by the receiver (4xx) is no fault of the wire: it is asked so often, about two minutes, and no more.
_REFUSALS_MAX = 8
# But these two ask for patience (RFC 9110 section 15.5.9, RFC 6585 section 4).
_PATIENCE = frozenset({408, 429})
_RETRY_MS = 1000
_EXPIRY_SECONDS = 3600.0
_EXPIRY_PAUSE_SECONDS = 0.1
_EXPIRED_AT_ONCE = 1000
_DAY_MS = 86_400_000

# A hook by its app's uuid and its name.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PostRules:
    """Bounds of callbacks.

    A receiver has `timeout_ms` to answer. A letter is tried until it is `give_up_ms` old, at most `longest_wait_ms`
    apart; then it is dead, and kept so for `dead_ms`. Of more than `waiting_limit` that wait for one hook the oldest
    are dead at once. `receivers_max` are told something at the same time.
    """

    timeout_ms: int = 5000
    longest_wait_ms: int = 60_000
    give_up_ms: int = 3_600_000
    dead_ms: int = 7 * _DAY_MS
    waiting_limit: int = 100_000
    receivers_max: int = 64


class Postman:
    """Addresses letters, and brings them."""

    def __init__(
        self,
        letters: Letters,
        courier: Courier,
        tenants: Tenants,
        scribes: Mapping[str, Scribe],
        rules: PostRules,
        ground: Ground,
    ) -> None:
        self.letters = letters
        self._courier = courier
        self._tenants = tenants
        self._scribes = scribes
        self._rules = rules
        self._ground = ground
        self._waiting: dict[Key, int] = {}
        # When each hook's next round is due; those that are under way are not among them.
        self._due_ms: dict[Key, int] = {}
        self._under_way: set[Key] = set()
        # For which something came while their round was under way.
        self._called: set[Key] = set()
        self._news = asyncio.Event()

    # --- addressing ------------------------------------------------------------------------------------------------

    def addressed(
        self, messages: Sequence[Message], submission: Submission, app: App, source: Source, verdict: Verdict | None
    ) -> tuple[Letter, ...]:
        """Write a letter of each message for every hook that is to be told of it."""
        hooks = addressed(app.policy.hooks, submission, source) if app.policy.hooks else ()
        return tuple(
            Letter(str(message.id), app.uuid, hook.name, message, source, verdict, submission.once)
            for message in messages
            for hook in hooks
        )

    def posted(self, letters: Sequence[Letter]) -> None:
        """Note that letters were kept; they are brought from here on."""
        for letter in letters:
            key = (letter.app_uuid, letter.hook)
            self._waiting[key] = self._waiting.get(key, 0) + 1
            self.wake(*key)

    def wake(self, app_uuid: str, hook: str) -> None:
        """Say that something may wait for a hook. One whose receiver failed keeps its time."""
        if (app_uuid, hook) in self._under_way:
            self._called.add((app_uuid, hook))
        else:
            self._due_ms.setdefault((app_uuid, hook), 0)
        self._news.set()

    def forget(self, app_uuid: str, hook: str) -> None:
        """Note that a hook is no more, or is another one by now: what was known of its receiver is void."""
        self._waiting.pop((app_uuid, hook), None)
        self._due_ms.pop((app_uuid, hook), None)

    # --- bringing --------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what an earlier process left. To be called once."""
        for app_uuid, hook, waiting in await self.letters.queues():
            self._waiting[app_uuid, hook] = waiting
            self.wake(app_uuid, hook)

    async def run(self) -> None:
        """Bring letters until cancelled."""
        async with asyncio.TaskGroup() as rounds:
            while True:
                self._news.clear()
                for key in self._ready():
                    self._begin(key)
                    rounds.create_task(self._round(key))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_seconds()):
                        await self._news.wait()

    async def turn(self) -> None:
        """Have one round with every hook that is due now."""
        due = self._ready()
        for key in due:
            self._begin(key)
        await asyncio.gather(*map(self._round, due))

    async def run_expiry(self) -> None:
        """Forget dead letters that are too old, every hour, until cancelled."""
        while True:
            expired = 0
            try:
                expired = await self.letters.expire(self._ground.clock() - self._rules.dead_ms, _EXPIRED_AT_ONCE)
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")
            await asyncio.sleep(_EXPIRY_PAUSE_SECONDS if expired else _EXPIRY_SECONDS)

    def _ready(self) -> list[Key]:
        now_ms, room = self._ground.clock(), self._rules.receivers_max - len(self._under_way)
        due = sorted((due_ms, key) for key, due_ms in self._due_ms.items() if due_ms <= now_ms)
        return [key for _, key in due[: max(0, room)]]

    def _pause_seconds(self) -> float | None:
        """Tell how long nothing is due; None where nothing will be, unless there are news."""
        if len(self._under_way) >= self._rules.receivers_max:
            return None
        due_ms = min(self._due_ms.values(), default=math.inf)
        return None if due_ms == math.inf else max(0.0, (due_ms - self._ground.clock()) / 1000)

    def _begin(self, key: Key) -> None:
        del self._due_ms[key]
        self._under_way.add(key)
        self._called.discard(key)

    async def _round(self, key: Key) -> None:
        """Bring some letters of one hook. Whatever fails, it has its next round."""
        next_ms: int | None = self._ground.clock() + _RETRY_MS
        try:
            next_ms = await self._brought(key)
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")
        finally:
            self._under_way.discard(key)
            if next_ms is None and key in self._called:
                next_ms = self._ground.clock()
            if next_ms is not None:
                self._due_ms[key] = next_ms
            self._ground.meter.gauge("laba_callbacks_waiting", sum(self._waiting.values()))
            self._news.set()

    async def _brought(self, key: Key) -> int | None:
        """Bring what is first in a hook's queue; tells when to go on, None where nothing waits any more."""
        await self._thin_out(key)
        letters = await self.letters.first(*key, _ROUND)
        app = self._tenants.apps.with_uuid(key[0])
        hook = None if app is None else next((one for one in app.policy.hooks if one.name == key[1]), None)
        if app is None or hook is None:
            await self.letters.forget(*key)
            self._waiting.pop(key, None)
            return None
        arrived: list[int] = []
        try:
            for letter in letters:
                if letter.due_at_ms > self._ground.clock():
                    return letter.due_at_ms
                fault, status = await self._attempt(letter, hook, app)
                if fault:
                    return await self._failed(letter, fault, status)
                arrived.append(letter.number)
        finally:
            if arrived:
                await self.letters.delivered(arrived)
                self._count_off(key, len(arrived))
        if not letters:
            self._waiting.pop(key, None)
        return self._ground.clock() if len(letters) == _ROUND else None

    async def _attempt(self, letter: Letter, hook: Hook, app: App) -> tuple[str, int]:
        """Bring one letter; gives what went wrong, "" where nothing did, and the status of the answer."""
        scribe = self._scribes.get(hook.form)
        call = None if scribe is None else scribe(letter, hook, app, self._ground.clock())
        if call is None:
            return "", 0
        try:
            reply = await self._courier.send(call, self._rules.timeout_ms)
        except CourierError as error:
            return str(error), 0
        if 200 <= reply.status < 300:
            self._ground.meter.count("laba_callbacks_delivered_total")
            return "", reply.status
        return f"it answered {reply.status}", reply.status

    async def _failed(self, letter: Letter, fault: str, status: int) -> int:
        """Note that a letter did not arrive; gives when to go on with its hook."""
        now_ms, attempts = self._ground.clock(), letter.attempts + 1
        self._ground.meter.count("laba_callbacks_failed_total")
        refused = 400 <= status < 500 and status not in _PATIENCE
        too_old = now_ms - letter.message.dispatch.accepted_at_ms >= self._rules.give_up_ms
        if too_old or (refused and attempts >= _REFUSALS_MAX):
            await self.letters.postpone(letter.number, now_ms, fault)
            await self.letters.bury([letter.number], "", now_ms)
            self._note_dead((letter.app_uuid, letter.hook), 1, "refused" if refused else "too_old")
            return now_ms
        due_ms = now_ms + wait_ms(attempts, self._rules.longest_wait_ms)
        await self.letters.postpone(letter.number, due_ms, fault)
        return due_ms

    async def _thin_out(self, key: Key) -> None:
        """Give up the oldest letters of a hook for which too many wait."""
        excess = self._waiting.get(key, 0) - self._rules.waiting_limit
        if excess > 0:
            oldest = await self.letters.first(*key, min(excess, _EXPIRED_AT_ONCE))
            numbers = [letter.number for letter in oldest]
            await self.letters.bury(numbers, "too many were waiting", self._ground.clock())
            self._note_dead(key, len(numbers), "too_many")

    def _note_dead(self, key: Key, count: int, reason: str) -> None:
        self._count_off(key, count)
        self._ground.meter.count("laba_callbacks_dead_total", count, reason=reason)

    def _count_off(self, key: Key, count: int) -> None:
        left = self._waiting.get(key, 0) - count
        if left > 0:
            self._waiting[key] = left
        else:
            self._waiting.pop(key, None)
