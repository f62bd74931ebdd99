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
from laba.model.stream import Position, Stream
from laba.model.user import User
from laba.service.access import Access
from laba.service.attending import Attending
from laba.service.dispatching import APP_CHANNEL, USER_CHANNEL
from laba.service.fanout import Fanout
from laba.service.ground import Ground
from laba.service.inboxes import Inboxes, Stretch
from laba.service.tenants import Tenants
from laba.service.users import Users

Link = TypeVar("Link")

EVENTS_CHANNEL = "events"
_CHANNELS = (APP_CHANNEL, USER_CHANNEL)


@dataclass(frozen=True, slots=True)
class LoginRules:
    """`ping_seconds` is told to the client; `register` lets a trusted token register the user it names."""

    ping_seconds: int
    register: bool
    window_ms: int


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a client from before it came: its stays, and what waits for its user."""

    attending: Attending
    inboxes: Inboxes


class Sessions(Generic[Link]):
    """The life of every session on this node."""

    def __init__(
        self,
        people: "People",
        roster: Roster[Link],
        fanout: Fanout[Link],
        past: Past,
        rules: LoginRules,
        ground: Ground,
    ) -> None:
        self._people = people
        self._roster = roster
        self._fanout = fanout
        self._attending = past.attending
        self._attendance = past.attending.attendance
        self._inboxes = past.inboxes
        self._rules = rules
        self._ground = ground

    async def login(self, session: Session[Link], login: Login) -> Welcome | Denied | Closing:
        """Let a client in, or say why not. Once welcomed it is in the roster, at a position that is in the answer."""
        while True:
            changes = self._people.users.changes
            admitted = await self._people.admit(login.token, register=self._rules.register)
            if isinstance(admitted, Refusal):
                return _answer(login, admitted)
            app, user = admitted
            window = await self._fanout.open_app(app)
            seat = Seat(app.uuid, user.name, login.device)
            asked = _asked(login, window)
            earlier = await self._attending.earlier(seat, asked)
            person = await self._inboxes.person(user, seat, login)
            # A change while we waited may have been of this user, and its sessions were told without this one.
            if changes == self._people.users.changes:
                break
        if session.state is State.CLOSED:
            return Closing.NORMAL
        # What is told of the seat is read in the step that takes it: nothing can happen to it in between.
        now_ms, here = self._ground.clock(), window.position.offset
        stretch = Stretch(Stream(app.uuid, APP_CHANNEL), self._attendance.seen(seat, asked, earlier), here)
        batch = await self._inboxes.owed(user, person, stretch)
        waiting = [] if batch is None else self._fanout.chosen(batch)
        session.platform, session.tags, session.packages = login.platform, person.tags, person.packages
        session.inbox = [kept for kept in waiting if session.entitled(kept)] or None
        lasting = self._fanout.lasting(seat, user.created_at_ms, now_ms)
        if session.inbox:
            lasting = sorted([*lasting, *(kept.offset for kept in session.inbox)])
        self._take_seat(session, Arrival(seat, now_ms, here, asked, earlier, user.created_at_ms, lasting), window)
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
            self._fanout.confirmed(session, session.seat, max(session.confirmed, session.joined_at), offset)
            self._inboxes.confirmed(session, offset)
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
        session.seat, session.joined_at = arrival.seat, arrival.here
        # What it is owed wherever it was may begin earlier; what it was present for does not begin before its start.
        session.owed = tuple(due._replace(after=max(due.after, back.start)) for due in back.dues)
        if back.start > back.had:
            self._fanout.confirmed(session, arrival.seat, back.had, back.start)
            self._inboxes.shown(arrival.seat, back.start)
        session.written = max(back.start, window.floor) if _is_owed(session, window, back) else arrival.here
        if back.first_lasting is not None:
            self._owe(session, arrival, back.first_lasting, window)
        session.confirmed = min(session.written, arrival.here)
        session.state = State.CATCHING_UP
        self._roster.join(session)
        self._ground.meter.count("laba_logins_total")

    def _owe(self, session: Session[Link], arrival: Arrival, first: int, window: Window) -> None:
        """Begin where the first message begins that is owed wherever the device was.

        What is for whoever comes within the window stands in the window's log, and that begins there at the latest.
        """
        recent_since_ms = self._fanout.recent_since_ms(arrival.now_ms)
        recent = (kept.offset for kept in window.recent(recent_since_ms) if kept.offset >= first)
        upto = min(session.written, next(recent, session.written + 1) - 1)
        session.arrears = Arrears(first - 1, arrival.user_since_ms, recent_since_ms, upto)
        session.written = min(upto, session.arrears.after)

    def _welcome(self, session: Session[Link], login: Login, window: Window) -> Welcome:
        presented = _presented(login, window.position.epoch)
        recovered = presented is not None and window.covers(presented)
        here = Position(window.position.epoch, session.written)
        streams = tuple(
            Subscription(channel, here, channel in login.positions, channel in login.positions and recovered)
            for channel in _CHANNELS
        )
        return Welcome(
            login.request_id,
            self._ground.entropy(8).hex(),
            (*streams, Subscription(EVENTS_CHANNEL)),
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


def _presented(login: Login, epoch: str) -> Position | None:
    """Give the latest position that the client presents: both channels have their places in one stream."""
    presented = [login.positions[channel] for channel in _CHANNELS if channel in login.positions]
    return max((position for position in presented if position.epoch == epoch), default=None)


def _asked(login: Login, window: Window) -> int | None:
    """Give the offset that the client presents; one behind the end is of messages that were lost with a disk."""
    presented = _presented(login, window.position.epoch)
    return None if presented is None else min(presented.offset, window.position.offset)


def _is_owed(session: Session[Link], window: Window, back: Return) -> bool:
    """Tell whether the log holds anything behind the start that is due."""
    latest_ms = max((due.until_ms for due in back.dues), default=0)
    # A stay may have begun long after what its device has for sure: nothing in between is due.
    earliest = min((due.after for due in back.dues), default=0)
    later = window.after(max(back.start, earliest))
    recent = takewhile(lambda kept: kept.accepted_at_ms <= latest_ms, later)
    return any(session.entitled(kept) for kept in recent)


def _answer(login: Login, refusal: Refusal) -> Denied | Closing:
    # An expired token is the one fault a client can mend by itself: its SDK then asks the app for a new one.
    if refusal.code is Code.TOKEN_EXPIRED:
        return Denied(login.request_id, Denial.TOKEN_EXPIRED)
    if refusal.code is Code.USER_DEACTIVATED:
        return Closing.USER_DEACTIVATED
    return Closing.INVALID_TOKEN
