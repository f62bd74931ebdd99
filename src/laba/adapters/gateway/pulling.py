"""Clients that ask for their messages, each time by one request: a short session for each (R5)."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from laba.adapters.gateway.gateway import Clients, Gateway
from laba.adapters.gateway.links import Gone, Link
from laba.core.session import Session, State
from laba.model.closing import Closing
from laba.model.dispatch import Level
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Code, Refusal
from laba.model.session import DEFAULT_DEVICE, Denied, Login, Welcome
from laba.model.stream import Position
from laba.ports import Meter, StoreBusyError
from laba.protocols import cursor
from laba.protocols.centrifuge.requests import DEVICE_CHARACTERS, DEVICE_PATTERN
from laba.service.dispatching import APP_CHANNEL
from laba.service.progress import Counts

CODEC = "envelope"
LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: for whom, from where on, and how long it may take."""

    token: str = field(repr=False)
    device: str
    position: Position | None
    wait_seconds: int


class Pull:
    """The link of a session that waits for one answer. It is its own outbox: what is queued is the answer.

    Takes at least one frame, and no more once they exceed `limit_bytes`; `upto` is the offset up to which it has all.
    """

    __slots__ = ("_limit_bytes", "_progress", "_size", "closing", "fd", "frames", "news", "outbox", "session", "upto")

    def __init__(self, limit_bytes: int) -> None:
        self.session: Session[Link] = Session(self, CODEC)
        self.fd = -1
        self.frames: list[bytes] = []
        self.outbox: object | None = self.frames
        self.news = asyncio.Event()
        self.closing: Closing | None = None
        self.upto = 0
        self._limit_bytes = limit_bytes
        self._size = 0
        self._progress: list[Counts] = []

    def queue(
        self,
        frame: bytes,
        progress: Counts | None = None,
        level: Level | None = None,  # noqa: ARG002 - a Link
        channel: str = "",  # noqa: ARG002 - a Link
    ) -> None:
        if self._size > self._limit_bytes or self.closing is not None:
            if progress is not None:
                progress.lost(1, "closed" if self.closing is None else self.closing.name.lower())
            return
        self.frames.append(frame)
        self._size += len(frame)
        self.upto = self.session.written
        if progress is not None:
            self._progress.append(progress)
        self.news.set()

    def hold(self, frame: bytes, sent: int, progress: Counts | None = None) -> None:  # noqa: ARG002 - a Link
        self.queue(frame, progress)

    def hold_rest(self, frames: Sequence[tuple[bytes, Counts]], sent: int) -> None:  # noqa: ARG002 - a Link
        for frame, progress in frames:
            self.queue(frame, progress)

    def close(self, closing: Closing) -> None:
        self.closing = closing
        self.news.set()

    def abort(self) -> None:
        self.close(Closing.WRITE_ERROR)

    def answered(self) -> None:
        """Note that what was queued is in the answer."""
        told, self._progress = self._progress, []
        for progress in told:
            progress.handed(1)

    def forsaken(self) -> None:
        """Note that nobody waits for the answer any more."""
        told, self._progress = self._progress, []
        for progress in told:
            progress.lost(1, "closed")


class Pulls:
    """Answers `GET /connection/pull?cursor=&wait=`."""

    def __init__(
        self, gateway: Gateway, clients: Clients, refuse: Callable[[Refusal], HttpResponse], meter: Meter
    ) -> None:
        self._gateway = gateway
        self._clients = clients
        self._refuse = refuse
        self._meter = meter

    async def answer(self, head: RequestHead, body: bytes) -> HttpResponse:  # noqa: ARG002 - an Answerer
        """Answer at once if there is something, else as soon as there is, or empty after `wait` seconds.

        Cancelled, it is as if it had never asked.
        """
        asked = read(head)
        if isinstance(asked, Refusal):
            return self._refuse(asked)
        obstacle = self._gateway.no_room()
        if obstacle:
            return self._refuse(Refusal(Code.OVERLOADED, obstacle, retry_after_seconds=5))
        pull = Pull(self._gateway.limits.outbox_bytes)
        self._gateway.receive(pull)
        try:
            answer = await self._pulled(pull, asked)
        finally:
            pull.forsaken()
            self._gateway.left(pull, pull.closing or Closing.NORMAL)
            pull.session.link = Gone()
        return self._refuse(answer) if isinstance(answer, Refusal) else answer

    async def _pulled(self, pull: Pull, asked: Asked) -> HttpResponse | Refusal:
        positions = {} if asked.position is None else {APP_CHANNEL: asked.position}
        pull.session.state = State.LOGGING_IN
        try:
            async with asyncio.timeout(self._gateway.limits.login_seconds):
                login = Login(0, asked.token, asked.device, positions=positions)
                answer = await self._clients.sessions.login(pull.session, login)
        except (StoreBusyError, OSError):
            self._meter.count("laba_store_failures_total")
            return Refusal(Code.OVERLOADED, "the ledger cannot be read at the moment", retry_after_seconds=5)
        match answer:
            case Welcome():
                self._gateway.welcomed()
                await self._collect(pull, asked.wait_seconds)
            case Denied():
                return Refusal(Code.TOKEN_EXPIRED, "the token has expired")
            case Closing():
                return Refusal(Code.TOKEN_UNKNOWN, answer.reason)
        if pull.closing is not None and not pull.closing.may_reconnect:
            return Refusal(Code.TOKEN_UNKNOWN, pull.closing.reason)
        return _answer(pull, answer)

    async def _collect(self, pull: Pull, wait_seconds: int) -> None:
        """Take what the client is owed; where that is nothing, wait for what comes first, in one moment."""
        missed = self._clients.fanout.missed(pull.session, self._gateway.limits.outbox_bytes)
        pull.upto = pull.session.written
        if missed is not None and missed.frames:
            pull.queue(missed.frames, missed.progress)
            return
        if not wait_seconds:
            return
        try:
            async with asyncio.timeout(wait_seconds):
                await pull.news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0)


def read(head: RequestHead) -> Asked | Refusal:
    """Read a request; a Refusal names the parameter that is at fault."""
    if not head.bearer:
        code = Code.TOKEN_MISSING if head.bearer is None else Code.TOKEN_CORRUPT
        return Refusal(code, "say who you are: Authorization: Bearer and a user's token")
    said, wait = head.query.get("cursor", ""), head.query.get("wait", "") or "0"
    position = cursor.read(said)
    if said and position is None:
        return Refusal(Code.FIELD_INVALID, "this is no cursor of laba's", field="cursor")
    if not (wait.isascii() and wait.isdecimal() and len(wait) <= 2 and int(wait) <= LONGEST_WAIT_SECONDS):
        return Refusal(Code.FIELD_INVALID, f"wait 0 to {LONGEST_WAIT_SECONDS} seconds", field="wait")
    device = head.query.get("device_id", DEFAULT_DEVICE)
    if len(device) > DEVICE_CHARACTERS or not re.match(DEVICE_PATTERN, device):
        reason = f"at most {DEVICE_CHARACTERS} characters, and none of them a control character"
        return Refusal(Code.FIELD_INVALID, reason, field="device_id")
    return Asked(head.bearer, device, position, int(wait))


def _answer(pull: Pull, welcome: Welcome) -> HttpResponse:
    epoch = next(one.position.epoch for one in welcome.subscriptions if one.channel == APP_CHANNEL and one.position)
    # Later frames may have been refused: they are the next request's.
    pull.session.written = pull.upto
    pull.answered()
    # Each frame is one or more messages, with a comma behind each.
    messages = b"".join(pull.frames).removesuffix(b",")
    told = cursor.write(Position(epoch, pull.upto)).encode()
    body = b'{"messages":[%b],"cursor":"%b"}' % (messages, told)
    return HttpResponse(200, body, headers={"cache-control": "no-store"})
