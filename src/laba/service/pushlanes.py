"""How pushes stand with one provider: its proofs, its faults, its rate, and what was written for it already."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

import structlog

from laba.core.breaker import Breaker
from laba.core.throttle import Throttle
from laba.model.app import App
from laba.model.http import HttpCall
from laba.model.provider import Fate, Outcome, Proof, Provider
from laba.model.push import Progress, Push, PushJob
from laba.ports.letters import Courier, CourierError
from laba.ports.pushing import PushForm
from laba.service.ground import Ground

# How many failures of the wire in a row are borne before a service is left alone.
_FAILURES_MAX: Final = 5
_LONGEST_REST_MS: Final = 300_000
# A service that does not accept who asks is asked again by itself so late: somebody has to mend something first.
UNPROVEN_REST_MS: Final = 60_000
# For whom a proof is made where nobody is asked: Web Push wants an origin (RFC 8292 section 2).
NOBODY: Final = "https://localhost"
# How many scopes (origins of Web Push) one provider's state is kept for; the oldest is forgotten, and found out anew.
_SCOPES_MAX: Final = 1000
# How many devices that were refused are remembered for each scope; the oldest is forgotten.
_SUSPECTS_MAX: Final = 1000
_WRITTEN_MS: Final = 60_000
_REFUSED: Final = frozenset({Fate.UNPROVEN, Fate.DOUBTED})


def _breaker() -> Breaker:
    return Breaker(_FAILURES_MAX, _LONGEST_REST_MS)


@dataclass(slots=True)
class Scope:
    """What is known of one provider, or of one of the hosts that it stands for, which it then bears the `name` of.

    A `quiet` one is not logged. `failed_at_ms` is when it last did. `accepted` is the proof by which
    a device was last pushed to. `doubted` says that it rests because of a refusal that may have been for one device
    alone.
    """

    name: str = ""
    breaker: Breaker = field(default_factory=_breaker)
    failed_at_ms: int = 0
    told: str = ""
    quiet: bool = False
    proof: Proof | None = None
    accepted: Proof | None = None
    acceptances: int = 0
    # By its hash, a token of which the last answer seemed to concern all -> how many had been accepted by then.
    suspects: dict[int, int] = field(default_factory=dict)
    doubted: bool = False
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)

    def rests(self, now_ms: int) -> bool:
        return self.breaker.closes_at_ms(now_ms) > now_ms

    def judged(self, outcome: Outcome, proof: Proof | None, token: str) -> Outcome:
        """Take for a device's own what was said as if it were of all.

        A doubt, where the same proof was good for another; anything, where it is said of the same device once more,
        and others were accepted between. One device alone would else have a provider rest for days.
        """
        if outcome.fate is Fate.DOUBTED and proof is not None and proof is self.accepted:
            return replace(outcome, fate=Fate.REJECTED)
        before = self.suspects.pop(hash(token), None)
        if not outcome.concerns_all:
            return outcome
        if len(self.suspects) >= _SUSPECTS_MAX:
            del self.suspects[next(iter(self.suspects))]
        if before is None or before == self.acceptances:
            self.suspects[hash(token)] = self.acceptances
            return outcome
        self.suspects[hash(token)] = before
        return replace(outcome, fate=Fate.LATER if outcome.busy else Fate.REJECTED, busy=False)

    def accepts(self, proof: Proof | None) -> None:
        """Note that a proof is good: what was doubted of it was for others' devices, and nothing need rest."""
        self.accepted = proof
        self.acceptances += 1
        if self.doubted:
            self.doubted, self.proof, self.breaker = False, proof, _breaker()


@dataclass(frozen=True, slots=True)
class Tools:
    """By what pushes are written and sent: a form for each kind of provider. A service has `timeout_ms` to answer.

    A provider with a rate that was idle has all of it again `ramp_ms` after it began.
    """

    forms: Mapping[str, PushForm]
    courier: Courier
    ground: Ground
    timeout_ms: int = 10_000
    ramp_ms: int = 60_000


class Lane:
    """One provider of one app, as it is now: another one of its name has a lane of its own."""

    def __init__(self, app: App, provider: Provider, tools: Tools) -> None:
        self.app = app
        self.provider = provider
        self.ground = tools.ground
        # Another of its name stands in its place.
        self.replaced = False
        # The push whose devices that were due again met with a rest, last; 0 where none did.
        self.balked = 0
        # What a page led to, until the store has it.
        self.unkept: tuple[PushJob, Progress] | None = None
        self.throttle = Throttle(provider.per_second, tools.ramp_ms)
        self.form = tools.forms[provider.kind]
        self._tools = tools
        self._scopes: dict[str, Scope] = {}
        # (dispatch id, platform) -> what is shown there, how it is written (None where it is too large), and when.
        self._written: dict[tuple[int, str], tuple[Push, bytes | None, int]] = {}

    @property
    def fault(self) -> str:
        """Say why nothing is pushed at the moment, by what failed last; empty where all is well."""
        since_ms = self.ground.clock() - _LONGEST_REST_MS
        failing = [
            scope
            for scope in self._scopes.values()
            if scope.breaker.fault and (scope.failed_at_ms >= since_ms or scope.rests(self.ground.clock()))
        ]
        return max(failing, key=lambda scope: scope.failed_at_ms).breaker.fault if failing else ""

    def rests_until_ms(self, scope: str = "") -> int:
        """Tell from when on something may be asked."""
        known = self._scopes.get(scope)
        now_ms = self.ground.clock()
        return now_ms if known is None else known.breaker.closes_at_ms(now_ms)

    def written(self, dispatch_id: int, platform: str) -> tuple[Push, bytes | None] | None:
        """Give what was written within a minute: it says, too, for how long it is worth showing."""
        push, prepared, at_ms = self._written.get((dispatch_id, platform), (None, None, 0))
        return None if push is None or self.ground.clock() - at_ms >= _WRITTEN_MS else (push, prepared)

    def write(self, dispatch_id: int, platform: str, push: Push) -> tuple[Push, bytes | None]:
        """Write a push, once for all devices that are shown the same."""
        prepared = self.form.prepared(push, self.provider)
        self._written[dispatch_id, platform] = push, prepared, self.ground.clock()
        return push, prepared

    def keep(self, dispatch_ids: AbstractSet[int]) -> None:
        """Forget what was written of pushes that are over."""
        for key in [key for key in self._written if key[0] not in dispatch_ids]:
            del self._written[key]

    async def send(self, push: Push, prepared: bytes, token: str) -> Outcome | None:
        """Push to one device; None where the provider cannot be asked at the moment. ValueError for no token."""
        scope = self._scope(self.form.scope(token))
        if scope.rests(self.ground.clock()):
            return None
        proof, outcome = await self._asked(scope, push, prepared, token)
        if outcome is not None and outcome.fate is Fate.UNPROVEN and self._renewed(scope, proof):
            proof, outcome = await self._asked(scope, push, prepared, token)
        if outcome is None:
            return None
        outcome = scope.judged(outcome, proof, token)
        self._learn(scope, outcome, proof)
        return outcome

    async def check(self) -> str:
        """Say what hinders a push now; empty where nothing does.

        A service that has one host is pushed to, for a device that cannot be: it first judges who asks.
        """
        scope = Scope(quiet=True)
        if not self.form.probe:
            await self._proof(scope, NOBODY)
            return scope.breaker.fault
        push = Push("", "check", self.ground.clock(), silent=True)
        prepared = self.form.prepared(push, self.provider) or b""
        proof, outcome = await self._asked(scope, push, prepared, self.form.probe)
        if outcome is not None and outcome.concerns_all:
            self._learn(scope, outcome, proof)
        return scope.breaker.fault

    async def _asked(
        self, scope: Scope, push: Push, prepared: bytes, token: str
    ) -> tuple[Proof | None, Outcome | None]:
        """Give the proof that was good, and the answer; None where there was none."""
        proof = await self._proof(scope, self.form.scope(token))
        if proof is None:
            return None, None
        call = self.form.build(push, prepared, token, proof.value, self.provider, self.ground.entropy(48))
        try:
            reply = await self._tools.courier.send(call, self._tools.timeout_ms)
        except CourierError as error:
            self._fail(scope, f"{error} ({_host(call.url)})")
            return proof, None
        return proof, self.form.read(reply)

    async def _proof(self, scope: Scope, name: str) -> Proof | None:
        """Give a proof that is good now; None where there is none to be had."""
        now_ms = self.ground.clock()
        if scope.proof is not None and now_ms < scope.proof.until_ms:
            return scope.proof
        async with scope.proving:
            if scope.proof is not None and now_ms < scope.proof.until_ms:
                return scope.proof
            if scope.rests(now_ms):
                return None
            proof = await self._proven(scope, name, now_ms)
            scope.proof = proof
            return proof

    async def _proven(self, scope: Scope, name: str, now_ms: int) -> Proof | None:
        try:
            proof = self.form.prove(self.provider.account, name, now_ms)
        except ValueError as error:
            self._open(scope, str(error), UNPROVEN_REST_MS)
            return None
        if not isinstance(proof, HttpCall):
            return proof
        try:
            answer = self.form.proven(await self._tools.courier.send(proof, self._tools.timeout_ms), now_ms)
        except CourierError as error:
            self._fail(scope, f"{error} ({_host(proof.url)})")
            return None
        if isinstance(answer, Proof):
            return answer
        self._open(scope, f"no access token: {answer.reason}", max(answer.after_ms, UNPROVEN_REST_MS))
        return None

    def _renewed(self, scope: Scope, proof: Proof | None) -> bool:
        """Drop a proof that was not accepted; tells whether it is another by now, or may be.

        Of many calls with one proof, the first to be refused drops it.
        """
        if proof is None or scope.proof is not proof:
            return True
        if self.ground.clock() < proof.again_ms:
            return False
        scope.proof = None
        return True

    def _learn(self, scope: Scope, outcome: Outcome, proof: Proof | None) -> None:
        """Take from an answer how the service is: what it says of one device says that it is well."""
        if outcome.fate in _REFUSED:
            scope.proof = None
            scope.doubted = outcome.fate is Fate.DOUBTED
            self._open(scope, f"the credentials are not accepted: {outcome.reason}", UNPROVEN_REST_MS)
        elif outcome.busy:
            self._open(scope, f"the service asks for patience: {outcome.reason}", max(outcome.after_ms, 1000))
        else:
            if outcome.fate is Fate.ACCEPTED:
                scope.accepts(proof)
            scope.breaker.succeeded(self.ground.clock())
            if scope.told and not scope.breaker.fault:
                scope.told = ""
                self._log().info("push provider works again")

    def _fail(self, scope: Scope, reason: str) -> None:
        self._note(scope)
        if scope.breaker.failed(reason, self.ground.clock()):
            self._tell(scope)

    def _open(self, scope: Scope, reason: str, for_ms: int) -> None:
        self._note(scope)
        where = f" ({_host(scope.name)})" if scope.name else ""
        scope.breaker.open(f"{reason}{where}", self.ground.clock(), for_ms)
        self._tell(scope)

    def _note(self, scope: Scope) -> None:
        scope.failed_at_ms = self.ground.clock()
        self.ground.meter.count("laba_push_faults_total", kind=self.provider.kind)

    def _tell(self, scope: Scope) -> None:
        """Say once what is wrong, until it is something else, or well."""
        if not scope.quiet and scope.told != scope.breaker.fault:
            scope.told = scope.breaker.fault
            self._log().warning("push provider fails", fault=scope.told)

    def _scope(self, name: str) -> Scope:
        scope = self._scopes.get(name)
        if scope is None:
            if len(self._scopes) >= _SCOPES_MAX:
                del self._scopes[next(iter(self._scopes))]
            scope = self._scopes[name] = Scope(name)
        return scope

    def _log(self) -> structlog.stdlib.BoundLogger:
        log: structlog.stdlib.BoundLogger = structlog.get_logger().bind(
            app=str(self.app.name), provider=self.provider.name
        )
        return log


def _host(url: str) -> str:
    return urlsplit(url).netloc
