"""What clients say of rooms, and what they are answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, Generic, Protocol, TypeVar

from laba.core.halls import Hall
from laba.core.pace import Pace
from laba.core.session import Session
from laba.core.window import Kept, Window
from laba.model.app import App
from laba.model.dispatch import Again, Submission
from laba.model.refusal import Code, Refusal
from laba.model.room import ROOM_PREFIX
from laba.model.session import (
    Count,
    Counted,
    Denial,
    Denied,
    Join,
    Joined,
    Leave,
    Left,
    Login,
    Look,
    Review,
    Reviewed,
    RoomEvent,
    RoomReply,
    Said,
    Say,
    Seen,
    Welcome,
)
from laba.service.ground import Ground
from laba.service.membership import Membership, subscribed
from laba.service.roomlogs import RoomLogs
from laba.service.tenants import Tenants

Link = TypeVar("Link")

# Of a room's members so many are listed, of what was said in it so much is given at once.
PRESENCE_LIMIT: Final = 1000
HISTORY_LIMIT: Final = 100

# The codec in which a message is as `envelope` wrote it, and the comma that stands behind it there.
_PLAIN_CODEC, _COMMA = "envelope", b","

# The protocol's word for each reason to refuse; whatever is not here is a bad request.
DENIALS: Final[Mapping[Code, Denial]] = MappingProxyType(
    {
        Code.ROOM_UNKNOWN: Denial.UNKNOWN_CHANNEL,
        Code.ROOM_FULL: Denial.LIMIT_EXCEEDED,
        Code.ROOMS_TOO_MANY: Denial.LIMIT_EXCEEDED,
        Code.NOT_A_MEMBER: Denial.PERMISSION_DENIED,
        Code.MUTED: Denial.PERMISSION_DENIED,
        Code.MESSAGE_REJECTED: Denial.PERMISSION_DENIED,
        Code.QUOTA_EXHAUSTED: Denial.TOO_MANY_REQUESTS,
        Code.OVERLOADED: Denial.TOO_MANY_REQUESTS,
    }
)


class Post(Protocol):
    """Hands what a user says to the lanes of its room, or refuses it. Raises what Rooms raises."""

    async def __call__(self, submission: Submission, app: App, user: str) -> object | Refusal: ...


@dataclass(frozen=True, slots=True)
class Speech:
    """How a client's message is taken: `read` gives what (data, room id, user) mean, `post` sends it.

    More than `per_second` of one session are refused.
    """

    read: Callable[[bytes, str, str], Submission | Refusal]
    post: Post
    per_second: int = 20


class RoomTalk(Generic[Link]):
    """Serves sessions in matters of rooms. Raises what Rooms raises."""

    def __init__(
        self,
        membership: Membership[Link],
        logs: RoomLogs[Link],
        tenants: Tenants,
        speech: Speech,
        ground: Ground,
    ) -> None:
        self._membership = membership
        self._logs = logs
        self._tenants = tenants
        self._speech = speech
        self._ground = ground
        self._paces: dict[Session[Link], Pace] = {}

    async def arrived(self, session: Session[Link], login: Login, welcome: Welcome) -> Welcome:
        """Let a session that has just logged in into its user's rooms. The reply is written in the same step."""
        arrival = await self._membership.placed_at_login(session, login.positions, login.tags, moves=login.moves)
        subscriptions = (*welcome.subscriptions, *arrival.subscriptions)
        return replace(welcome, subscriptions=subscriptions, missed=arrival.missed)

    def dropped(self, session: Session[Link]) -> None:
        """Note that a session has ended."""
        self._paces.pop(session, None)
        self._membership.dropped(session)

    async def answer(self, session: Session[Link], event: RoomEvent) -> RoomReply | Denied:
        """Do what a client asks. The answer is written in the step in which this returns."""
        match event:
            case Join():
                answer: RoomReply | Refusal | Denied = await self._join(session, event)
            case Leave(request_id, room_id):
                await self._membership.leave(session, room_id)
                answer = Left(request_id)
            case Say():
                answer = await self._say(session, event)
            case Look() | Count() | Review():
                answer = self._shown(session, event)
        if isinstance(answer, Refusal):
            return Denied(event.request_id, DENIALS.get(answer.code, Denial.BAD_REQUEST), answer.reason)
        return answer

    async def _join(self, session: Session[Link], join: Join) -> Joined | Refusal:
        entry = await self._membership.enter(session, join.room_id, join.asked, join.tags, moves=join.moves)
        if isinstance(entry, Refusal):
            return entry
        subscription = subscribed(ROOM_PREFIX + join.room_id, entry, join.asked)
        return Joined(join.request_id, subscription, entry.missed)

    async def _say(self, session: Session[Link], say: Say) -> Said | Refusal:
        if self._membership.hall_of(session, say.room_id) is None or session.seat is None:
            return _no_member(say.room_id)
        if not self._paces.setdefault(session, Pace(self._speech.per_second)).allows(self._ground.clock()):
            reason = f"at most {self._speech.per_second} messages a second"
            return Refusal(Code.QUOTA_EXHAUSTED, reason, span_seconds=1, retry_after_seconds=1)
        submission = self._speech.read(say.data, say.room_id, session.seat.user)
        if isinstance(submission, Refusal):
            return submission
        app = self._tenants.apps.with_uuid(session.seat.app_uuid)
        if app is None:
            raise LookupError("a session's app is never removed")
        posted = await self._speech.post(submission, app, session.seat.user)
        return posted if isinstance(posted, Refusal) else Said(say.request_id)

    def _shown(self, session: Session[Link], event: Look | Count | Review) -> RoomReply | Refusal | Denied:
        """Show what only who is in a room may see of it."""
        hall = self._membership.hall_of(session, event.room_id)
        window = None if hall is None else self._logs.find(hall.stream)
        if hall is None or window is None or session.seat is None:
            return _no_member(event.room_id)
        match event:
            case Look(request_id):
                return Seen(request_id, self._membership.seen(hall, PRESENCE_LIMIT))
            case Count(request_id):
                return Counted(request_id, len(hall.sessions), len(hall))
            case Review():
                return _reviewed(window, hall, event, session.seat.user)


def _reviewed(window: Window, hall: Hall[Any], review: Review, user: str) -> Reviewed | Denied:
    """Give what a member may see of a room's log (E6, E10, N1, N8), from the end it asks for."""
    since, tags = review.since, hall.tags_of(user)

    def is_shown(kept: Kept) -> bool:
        return kept.again is Again.READERS and kept.is_for(user, tags)

    if since is not None and since.epoch not in ("", window.position.epoch):
        return Denied(review.request_id, Denial.UNRECOVERABLE_POSITION)
    most = HISTORY_LIMIT if review.limit is None else min(review.limit, HISTORY_LIMIT)
    if review.newest_first:
        before = window.position.offset + 1 if since is None else since.offset
        kept = [one for one in window.after(0) if one.offset < before and is_shown(one)][::-1]
    else:
        kept = [one for one in window.after(0 if since is None else since.offset) if is_shown(one)]
    return Reviewed(review.request_id, window.position, tuple(map(_plain, islice(kept, most))))


def _plain(kept: Kept) -> tuple[int, bytes]:
    return kept.offset, kept.frames[_PLAIN_CODEC].removesuffix(_COMMA)


def _no_member(room_id: str) -> Refusal:
    return Refusal(Code.NOT_A_MEMBER, f"join the room {room_id} first", subject=room_id)
