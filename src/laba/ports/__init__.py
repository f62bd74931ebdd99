"""The outside world on one page: what laba needs of it, as promises in prose. All async, whatever stands behind."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from laba.model.app import App, Apps, QuotaName
from laba.model.attendance import Seat, Stay
from laba.model.calls import Answer, Call, Claim, Exchange
from laba.model.chatfile import StoredFile
from laba.model.conversation import Page, Reading, Shelf
from laba.model.dispatch import Conversation, Dispatch
from laba.model.filecalls import Box, Span, Upload
from laba.model.http import Content, HttpRequest, HttpResponse, RequestHead
from laba.model.identity import Identity
from laba.model.letter import Letter
from laba.model.notice import Notice
from laba.model.refusal import Refusal
from laba.model.report import KeptReport, Report
from laba.model.room import Mute, Room
from laba.model.roomreport import RoomMinute
from laba.model.stream import Batch, Position, Stream
from laba.model.user import Resource, User, UserChange


class StoreBusyError(Exception):
    """The store has as many writes waiting as it may hold; nothing of this one was kept. Try again later."""


class Store(Protocol):
    """Apps, users with their tags, the ledger of kept dispatches, and in `file_records` what is known of files.

    Whatever returned has survived: after `kill -9` or power loss it is still there (design.md section 8). Calls that
    change something and return False or None have changed nothing. Every method may raise StoreBusyError, and
    OSError when the medium fails.
    """

    @property
    def file_records(self) -> "FileRecords": ...

    async def apps(self) -> tuple[App, ...]:
        """Give every app, in the order they were created."""

    async def add_app(self, app: App) -> bool:
        """Keep a new app; False if its name is taken."""

    async def change_app(self, app: App) -> None:
        """Replace the policy of the app with this uuid."""

    async def user(self, app_uuid: str, name: str) -> User | None:
        """Find one user."""

    async def add_users(self, users: Sequence[User]) -> frozenset[str]:
        """Register those whose name is free, all in one transaction; give the names that were taken."""

    async def remove_user(self, app_uuid: str, name: str) -> User | None:
        """Forget a user and give what was forgotten; None if there was none.

        Its places in rooms and its mutes are forgotten too; a room that it owned has no owner any more.
        """

    async def users_after(self, app_uuid: str, name: str, limit: int) -> tuple[User, ...]:
        """Give the first `limit` users whose name comes after this one, in the order of their names as UTF-8.

        Whoever is registered all the while is on exactly one of the pages that follow each other so.
        """

    async def change_user(self, change: UserChange) -> User | None:
        """Change a user, and give it as it is then; None if there is none."""

    async def tag_users(self, app_uuid: str, names: Collection[str], tags: Sequence[str]) -> frozenset[str]:
        """Give registered users these tags in place of theirs, all in one transaction; gives the names there were."""

    async def append(self, dispatch: Dispatch, letters: Sequence[Letter] = ()) -> None:
        """Keep a dispatch together with the work of sending it and what hooks are told of it, or nothing.

        Dispatches are kept in the order in which `append` was called, and letters in theirs. One that was rejected
        is not sent: its work is done.
        """

    async def append_all(self, dispatches: Sequence[Dispatch], letters: Sequence[Letter] = ()) -> None:
        """Keep several as `append` keeps one, all in one transaction."""

    async def waiting(self, limit: int, besides: Collection[int] = ()) -> tuple[Dispatch, ...]:
        """Give the oldest kept dispatches whose work is not done, but for these, in the order they were kept."""

    async def done(self, dispatch: Dispatch) -> None:
        """Note that it went out without a place in a stream of its own; its work is done, but for its push."""

    async def expire(self, dispatches: Sequence[Dispatch]) -> None:
        """Note that these came too late to be sent; their work is done."""

    async def accepted_since(self, app_uuid: str, quota: QuotaName, since_ms: int, limit: int) -> tuple[int, ...]:
        """Give when the latest dispatches under one quota were accepted, oldest first and at most `limit`."""

    async def client_ids_since(self, app_uuid: str, since_ms: int, limit: int) -> tuple[tuple[str, int], ...]:
        """Give the client ids of what was accepted for rooms since then, with when; oldest first, the latest `limit`.

        Of client ids that were given twice, each time is there.
        """

    async def last_id(self) -> int:
        """Give the highest id that a kept dispatch or one of its copies ever had, 0 for none."""


class Stays(Protocol):
    """Attendance: the stays of every seat, as far as they are written. Raises what Store raises."""

    async def of_seat(self, seat: Seat, limit: int) -> tuple[Stay, ...]:
        """Give the latest stays of a seat, newest first."""

    async def write(self, stays: Sequence[Stay]) -> None:
        """Keep stays, all in one transaction, in place of earlier words about the same ones."""

    async def checkpoint(self, alive_at_ms: int) -> None:
        """Note that this process lives."""

    async def end_open(self, ready_at_ms: int, confirmed_after_ms: int) -> None:
        """End the stays that an earlier process left open: they count as present until now, when we are ready.

        What was accepted `confirmed_after_ms` or more before the last checkpoint is confirmed for who was there
        already: a client that had not shown that it has it would have been closed.
        """


class Conversations(Protocol):
    """What one user has in its conversation list, derived from its stays (A2). Raises what Store raises."""

    async def shelf(self, reading: Reading) -> Shelf:
        """List the user's conversations, those with the newest message first."""

    async def messages(self, reading: Reading, conversation: Conversation) -> Page:
        """Give the user's messages of one conversation, newest first."""

    async def mark_read(self, app_uuid: str, user: str, conversation: Conversation) -> None:
        """Note that the user has read what is in one conversation now."""


class Reports(Protocol):
    """Reports of kept dispatches, beside them in the ledger. Raises what Store raises."""

    async def keep(self, reports: Sequence[Report]) -> None:
        """Keep the present state of reports, all in one transaction."""

    async def find(self, dispatch_id: int) -> KeptReport | None:
        """Give a dispatch with its report as it was kept last; None where there is no such dispatch."""


class RoomReports(Protocol):
    """What became of rooms' messages, by the minute. Raises what Store raises."""

    async def keep(self, minutes: Sequence[RoomMinute]) -> None:
        """Add these counts to those that are kept of the same minutes, all in one transaction."""

    async def of_room(self, app_uuid: str, room_id: str, minutes: range) -> tuple[RoomMinute, ...]:
        """Give a room's minutes of this stretch in which anything was counted, oldest first."""

    async def forget(self, before_minute: int, limit: int) -> int:
        """Forget at most `limit` minutes that came before this one; tells how many."""


class Rooms(Protocol):
    """Rooms, and who was put into them by REST: members by subscription are not kept. Raises what Store raises."""

    async def add(self, room: Room, members: Collection[str]) -> Room | None:
        """Keep a new room with its members; gives it with its number. None where the id is taken."""

    async def find(self, app_uuid: str, room_id: str) -> Room | None:
        """Find one room, at once: nothing else has a turn meanwhile."""

    async def after(self, app_uuid: str, number: int, limit: int) -> tuple[Room, ...]:
        """Give the first `limit` rooms whose number is higher, in the order of their numbers."""

    async def change(self, room: Room) -> bool:
        """Replace what is known of a room, its number and whether it is active apart; False if there is none."""

    async def remove(self, app_uuid: str, room_id: str) -> bool:
        """Forget a room, its members and its mutes."""

    async def activate(self, app_uuid: str, room_ids: Collection[str]) -> frozenset[str]:
        """Note that messages were accepted for these; gives those that exist."""

    async def highest_number(self) -> int:
        """Tell the highest number ever given to a room of any app, 0 for none."""

    async def place(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        """Put users into a room; gives those who were not in it."""

    async def displace(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        """Take users out of a room; gives those who were in it."""

    async def placed(self, app_uuid: str, room_id: str) -> tuple[str, ...]:
        """Give who was put into a room, in the order of their coming."""

    async def tag(self, app_uuid: str, room_id: str, user: str, tags: tuple[str, ...]) -> bool:
        """Give a user who was put into a room these tags; False for one who was not (S3)."""

    async def tagged(self, app_uuid: str, room_id: str) -> dict[str, tuple[str, ...]]:
        """Give the tags of those who were put into a room and have any."""

    async def rooms_of(self, app_uuid: str, user: str) -> tuple[Room, ...]:
        """Give the rooms a user was put into, at once: nothing else has a turn meanwhile."""

    async def mute(self, app_uuid: str, room_id: str, mutes: Collection[Mute]) -> None:
        """Keep mutes, in place of earlier ones of the same members."""

    async def unmute(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        """Forget mutes; gives whose there were."""

    async def mutes(self, app_uuid: str, room_id: str) -> tuple[Mute, ...]:
        """Give every mute of a room, also those that have run out."""


class FileRecords(Protocol):
    """What is known of files; their bytes are in Files. Raises what Store raises."""

    async def add(self, file: StoredFile) -> None:
        """Keep what is known of a new file."""

    async def find(self, uuid: str) -> StoredFile | None:
        """Find one file, expired or not, at once: nothing else has a turn meanwhile."""

    async def bytes_held(self) -> int:
        """Tell how much all files hold together whose bytes are not gone."""

    async def expired(self, now_ms: int, limit: int) -> tuple[StoredFile, ...]:
        """Give files that are expired and whose bytes are not gone yet, those that expired first first."""

    async def mark_gone(self, uuids: Collection[str]) -> None:
        """Note that the bytes of these are gone."""

    async def forget(self, before_ms: int) -> None:
        """Forget files that expired before then and whose bytes are gone."""

    async def known(self, names: Collection[str]) -> frozenset[str]:
        """Give those of the names under which the bytes of a file or a thumbnail are kept."""


class FilesBusyError(Exception):
    """As many files are being taken in, or given out, as may be at once. Try again later."""


class Draft(Protocol):
    """A file on its way in. What is not kept when its context ends has never been."""

    async def write(self, chunk: bytes) -> None:
        """Add bytes to its end; returns when the medium has taken them."""

    async def scaled(self, name: str, box: Box) -> int | None:
        """Draw the image that was written so far as a JPEG that fits into the box, never larger than it is.

        It is a file of its own, of that name, and is kept with the draft or not at all. Gives how many bytes it has;
        None where there is no image, or one that would cost too much to draw.
        """

    async def keep(self) -> None:
        """Keep what was written. When this returns it survives power loss."""


class Files(Protocol):
    """Bytes by name, never in memory as a whole. A name is a uuid of laba's own. OSError: the medium failed."""

    def draft(self, name: str) -> AbstractAsyncContextManager[Draft]:
        """Begin a file. Whatever of it an earlier process left behind half done is gone.

        Entering raises FilesBusyError where too many are on their way in.
        """

    async def open(self, name: str, span: Span | None = None) -> Content | None:
        """Give a file's bytes, or some of them; None where there is none. What is open stays, also when removed.

        FilesBusyError where too many are open.
        """

    async def remove(self, names: Collection[str]) -> None:
        """Remove files; those that are not there are gone already."""

    def names(self) -> AsyncIterator[tuple[str, ...]]:
        """Give the names of all that is kept, some thousands at a time."""


class Streams(Protocol):
    """Offsets: the point after which nothing reorders."""

    async def append(self, stream: Stream, dispatches: Sequence[Dispatch]) -> Batch:
        """Give the dispatches their places at the stream's end, in this order, and note that their work is done.

        One that recalls another marks that as recalled; one to chosen users begins its campaign.
        Before this returns the places are as durable as the dispatches: no restart gives a message a second offset.
        """

    async def position(self, stream: Stream) -> Position:
        """Tell the stream's epoch, and the last offset given in it (0 for none). The epoch outlives restarts."""

    async def read(self, stream: Stream, since_ms: int) -> tuple[Batch, ...]:
        """Give what was accepted since then and has a place, in order; but nothing that was recalled."""

    async def read_to_all(self, stream: Stream, since_ms: int, limit: int) -> Batch | None:
        """Give the latest `limit` of what was accepted for all users since then and has a place, in order (V1).

        But nothing that was recalled.
        """


class Places(Protocol):
    """Offsets of streams that nothing keeps but the logs of the nodes: those of rooms."""

    async def take(self, stream: Stream, count: int) -> Position:
        """Give so many places to one caller: the offsets that follow the position's."""

    async def position(self, stream: Stream) -> Position:
        """Tell the stream's epoch and the last offset given in it. After a restart the epoch is another one."""


class Bus(Protocol):
    """From the node that accepted to every node, itself included; one message per node, at most once, in order."""

    async def publish(self, notice: Notice) -> None:
        """Hand the notice to every subscriber; waits while one of them is full."""

    def subscribe(self) -> AsyncIterator[Notice]:
        """Receive every notice published after this call."""


class Presence(Protocol):
    """Who is connected now, by a session that is logged in, on whatever node."""

    async def online(self, app_uuid: str, names: Collection[str]) -> frozenset[str]:
        """Give those of the names that have a session. A session that was told to end is none any more."""

    async def resources(self, app_uuid: str, name: str) -> tuple[Resource, ...]:
        """List the devices by which a user is connected, each once, in the order in which they logged in."""

    async def rooms(self, app_uuid: str, name: str) -> tuple[str, ...]:
        """Give the ids of the rooms that a user's sessions are in, each once."""


class Meter(Protocol):
    """Counters and gauges. Every name stands in docs/reference/metrics.md."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""


# --- what is not the world, but is chosen by assembly ---------------------------------------------------------------


class Dialect(Protocol):
    """One vendor's REST words. Pure: no clock, no socket."""

    @property
    def name(self) -> str: ...

    def claim(self, head: RequestHead) -> Claim | Refusal | None:
        """Say whether the request is this dialect's; a Refusal where the path is its own but serves nothing."""

    def read(self, claim: Claim, request: HttpRequest, app: App | None, now_ms: int) -> Call | Refusal:
        """Translate the vendor's words into one call."""

    def receive(self, claim: Claim, head: RequestHead, app: App | None, now_ms: int) -> Upload | Refusal:
        """Translate the head of a request whose body is streamed into what to do with that body."""

    def write(self, exchange: Exchange, answer: Answer | Refusal) -> HttpResponse:
        """Translate the answer into the vendor's words."""

    def refuse(self, refusal: Refusal, now_ms: int) -> HttpResponse:
        """Write a refusal for a request of which no claim could be made."""


class TokenReader(Protocol):
    """One kind of token, judged by its own rules."""

    def recognise(self, token: str, apps: Apps, now_ms: int) -> Identity | Refusal | None:
        """Give who it names; None where the text is not of this kind at all."""
