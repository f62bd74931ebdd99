"""Clients: logging in, what they are owed when they return, and leaving."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

from laba.core.arrears import Arrears
from laba.core.attendance import Arrival, Return
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.window import Window
from laba.model.app import App
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.identity import Identity
from laba.model.refusal import Code, Refusal
from laba.model.session import Denial, Denied, Login, Subscription, Welcome
from laba.model.stream import Position
from laba.model.user import User
from laba.service.access import Access
from laba.service.attending import Attending
from laba.service.dispatching import APP_CHANNEL
from laba.service.fanout import Fanout
from laba.service.ground import Ground
from laba.service.tenants import Tenants
from laba.service.users import Users

Link = TypeVar("Link")

USER_CHANNEL = "user"
EVENTS_CHANNEL = "events"


@dataclass(frozen=True, slots=True)
class LoginRules:
    """`ping_seconds` is told to the client; `register` lets a trusted token register the user it names."""

    ping_seconds: int
    register: bool
    window_ms: int


class Sessions(Generic[Link]):
    """The life of every session on this node."""

    def __init__(
        self,
        people: "People",
        roster: Roster[Link],
        fanout: Fanout[Link],
        attending: Attending,
        rules: LoginRules,
        ground: Ground,
    ) -> None:
        self._people = people
        self._roster = roster
        self._fanout = fanout
        self._attending = attending
        self._attendance = attending.attendance
        self._rules = rules
        self._ground = ground

    async def login(self, session: Session[Link], login: Login) -> Welcome | Denied | Closing:
        """Let a client in, or say why not. Once welcomed it is in the roster, at a position that is in the answer."""
        while True:
            revocations = self._people.users.revocations
            admitted = await self._people.admit(login.token, register=self._rules.register)
            if isinstance(admitted, Refusal):
                return _answer(login, admitted)
            app, user = admitted
            window = await self._fanout.open_app(app)
            seat = Seat(app.uuid, user.name, login.device)
            earlier = await self._attending.earlier(seat, _asked(login, window))
            # A revocation while we waited may have been of this user, and its sessions were ended without this one.
            if revocations == self._people.users.revocations:
                break
        if session.state is State.CLOSED:
            return Closing.NORMAL
        # What is told of the seat is read in the step that takes it: nothing can happen to it in between.
        now_ms, here = self._ground.clock(), window.position.offset
        to_all = self._fanout.to_all(seat, user.created_at_ms)
        arrival = Arrival(seat, now_ms, here, _asked(login, window), earlier, user.created_at_ms, to_all)
        session.platform = login.platform
        self._take_seat(session, arrival, window)
        return self._welcome(session, login, window)

    def leave(self, session: Session[Link], *, orderly: bool = False, restarting: bool = False) -> None:
        """Note that a connection has ended. May be called for any session, and twice.

        `orderly` says that the client took leave after everything that was written. `restarting` says that it did not
        leave at all: its grace counts from the next start's readiness.
        """
        if session.state is State.CLOSED:
            return
        if orderly and session.state is State.LIVE:
            self._confirm(session, session.written)
        written = session.written
        self._fanout.given_up(session)
        session.state = State.CLOSED
        if session.seat is None:
            return
        self._attendance.confirmed(session.seat, session.confirmed)
        if self._roster.leave(session):
            ended_at_ms = None if restarting else self._ground.clock()
            self._attendance.left(session.seat, written, session.confirmed, ended_at_ms)

    def confirm(self, session: Session[Link]) -> None:
        """Note that the client has what was written before its last ping."""
        if session.pinged > session.confirmed:
            self._confirm(session, session.pinged)

    def acknowledge(self, session: Session[Link], message_ids: frozenset[int]) -> None:
        """Note that the client has these messages, and hence what was written to it before them."""
        offset = self._fanout.newest_of(session, message_ids)
        if offset > session.confirmed:
            self._confirm(session, offset)

    def trim(self) -> None:
        """Forget departures that no longer matter; to be called every few seconds."""
        self._attendance.trim(self._rules.window_ms, self._ground.clock())
        self._ground.meter.gauge("laba_sessions", len(self._roster))

    def _confirm(self, session: Session[Link], offset: int) -> None:
        if session.seat is not None:
            self._fanout.confirmed(session.seat, max(session.confirmed, session.joined_at), offset)
        session.confirmed = offset

    def _take_seat(self, session: Session[Link], arrival: Arrival, window: Window) -> None:
        """Join the roster in the step that reads the position: no message falls between the two.

        A session begins where the client was, if it is owed anything from there on, and else at the end. The answer
        names that position, so that a client that drops before it has what it is owed loses nothing. Of messages to
        all users it is owed some from before the window (V1): it then begins where those begin.
        """
        for other in self._roster.of_user(arrival.seat.app_uuid, arrival.seat.user):
            if other.seat == arrival.seat:
                self._attendance.confirmed(arrival.seat, other.confirmed)
        back = self._attendance.arrived(arrival)
        session.seat, session.joined_at, session.owed = arrival.seat, arrival.here, back.dues
        if back.start > back.had:
            self._fanout.confirmed(arrival.seat, back.had, back.start)
        session.written = max(back.start, window.floor) if _is_owed(session, window, back) else arrival.here
        if back.first_to_all is not None:
            session.arrears = Arrears(back.first_to_all - 1, arrival.user_since_ms, session.written)
            session.written = min(session.written, session.arrears.after)
        session.confirmed = min(session.written, arrival.here)
        session.state = State.CATCHING_UP
        self._roster.join(session)
        self._ground.meter.count("laba_logins_total")

    def _welcome(self, session: Session[Link], login: Login, window: Window) -> Welcome:
        asked = login.positions.get(APP_CHANNEL)
        recovered = asked is not None and window.covers(asked)
        epoch = window.position.epoch
        return Welcome(
            login.request_id,
            self._ground.entropy(8).hex(),
            (
                Subscription(APP_CHANNEL, Position(epoch, session.written), asked is not None, recovered),
                _inbox(epoch, login.positions.get(USER_CHANNEL)),
                Subscription(EVENTS_CHANNEL),
            ),
            self._rules.ping_seconds,
        )


class People:
    """Who may log in: the proof, the app and the user, looked up together."""

    def __init__(self, tenants: Tenants, access: Access, users: Users) -> None:
        self._tenants = tenants
        self._access = access
        self.users = users

    async def admit(self, token: str, *, register: bool) -> tuple[App, User] | Refusal:
        """Give the app and the user that a user token stands for today."""
        identity = self._access.identify(token)
        if isinstance(identity, Refusal):
            return identity
        app = self._tenants.apps.with_uuid(identity.app_uuid)
        if app is None or identity.user is None:
            return Refusal(Code.TOKEN_MISMATCH, "a client logs in with a user's token")
        find = self.users.find_or_register if identity.registers and register else self.users.find
        user = await find(app, identity.user)
        return self._present(app, identity, user)

    def _present(self, app: App, identity: Identity, user: User | None) -> tuple[App, User] | Refusal:
        if user is None:
            return Refusal(Code.USER_UNKNOWN, f"there is no user {identity.user}", subject=identity.user)
        if not user.activated:
            return Refusal(Code.USER_DEACTIVATED, f"{user.name} is deactivated", subject=user.name)
        if identity.epoch is not None and identity.epoch != user.epoch:
            return Refusal(Code.TOKEN_UNKNOWN, "the token was revoked")
        return app, user


def _asked(login: Login, window: Window) -> int | None:
    """Give the offset that the client presents; one behind the end is of messages that were lost with a disk."""
    asked = login.positions.get(APP_CHANNEL)
    if asked is None or asked.epoch != window.position.epoch:
        return None
    return min(asked.offset, window.position.offset)


def _is_owed(session: Session[Link], window: Window, back: Return) -> bool:
    """Tell whether the log holds anything behind the start that is due."""
    latest_ms = max((due.until_ms for due in back.dues), default=0)
    # A stay may have begun long after what its device has for sure: nothing in between is due.
    earliest = min((due.after for due in back.dues), default=0)
    later = window.after(max(back.start, earliest))
    recent = takewhile(lambda kept: kept.accepted_at_ms <= latest_ms, later)
    return any(session.entitled(kept.offset, kept.accepted_at_ms) for kept in recent)


def _answer(login: Login, refusal: Refusal) -> Denied | Closing:
    # An expired token is the one fault a client can mend by itself: its SDK then asks the app for a new one.
    if refusal.code is Code.TOKEN_EXPIRED:
        return Denied(login.request_id, Denial.TOKEN_EXPIRED)
    if refusal.code is Code.USER_DEACTIVATED:
        return Closing.USER_DEACTIVATED
    return Closing.INVALID_TOKEN


def _inbox(epoch: str, asked: Position | None) -> Subscription:
    """Describe the user's own stream. Nothing is sent to it yet: it stands at the start of the app stream's epoch."""
    start = Position(epoch, 0)
    return Subscription(USER_CHANNEL, start, asked is not None, asked == start)
