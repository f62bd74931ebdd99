"""Clients: logging in, what they are owed when they return, and leaving."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from laba.core.attendance import Attendance, Seat
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.window import Window
from laba.model.app import App
from laba.model.closing import Closing
from laba.model.identity import Identity
from laba.model.refusal import Code, Refusal
from laba.model.session import Denial, Denied, Login, Subscription, Welcome
from laba.model.stream import Position
from laba.model.user import User
from laba.service.access import Access
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
        attendance: Attendance,
        rules: LoginRules,
        ground: Ground,
    ) -> None:
        self._people = people
        self._roster = roster
        self._fanout = fanout
        self._attendance = attendance
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
            # A revocation while we waited may have been of this user, and its sessions were ended without this one.
            if revocations == self._people.users.revocations:
                break
        if session.state is State.CLOSED:
            return Closing.NORMAL
        return self._seated(session, login, Seat(app.uuid, user.name, login.device), window)

    def leave(self, session: Session[Link]) -> None:
        """Note that a connection has ended. May be called for any session, and twice."""
        session.state = State.CLOSED
        if self._roster.leave(session) and session.seat is not None:
            self._attendance.left(session.seat, self._ground.clock())

    def trim(self) -> None:
        """Forget departures that no longer matter; to be called every few seconds."""
        self._attendance.trim(self._rules.window_ms, self._ground.clock())
        self._ground.meter.gauge("laba_sessions", len(self._roster))

    def _seated(self, session: Session[Link], login: Login, seat: Seat, window: Window) -> Welcome:
        """Join the roster in the step that reads the position: no message falls between the two."""
        now_ms = self._ground.clock()
        asked = login.positions.get(APP_CHANNEL)
        connected = any(other.seat == seat for other in self._roster.of_user(seat.app_uuid, seat.user))
        returned = self._attendance.returned(seat, now_ms)
        session.seat = seat
        session.platform = login.platform
        session.owed_until_ms = now_ms if connected else returned
        session.owed_to_offset = window.position.offset
        session.written = window.position.offset
        if asked is not None and asked.epoch == window.position.epoch:
            self._resume(session, asked, window)
        session.state = State.CATCHING_UP
        self._roster.join(session)
        self._ground.meter.count("laba_logins_total")
        recovered = asked is not None and window.covers(asked)
        position = Position(window.position.epoch, session.written)
        return Welcome(
            login.request_id,
            self._ground.entropy(8).hex(),
            (
                Subscription(APP_CHANNEL, position, asked is not None, recovered),
                _inbox(window.position.epoch, login.positions.get(USER_CHANNEL)),
                Subscription(EVENTS_CHANNEL),
            ),
            self._rules.ping_seconds,
        )

    def _resume(self, session: Session[Link], asked: Position, window: Window) -> None:
        """Begin where the client was, if it is owed anything from there on; what it is not owed it moves past.

        What is owed comes first: it was accepted before the client's absence grew too long. The answer names the
        position before it, so that a client that drops once more has lost nothing.
        """
        missed = next(window.after(asked.offset), None)
        if missed is not None and session.entitled(missed.offset, missed.accepted_at_ms):
            session.written = max(asked.offset, window.floor)


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
