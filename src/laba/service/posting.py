"""A submission becomes messages to rooms, which their lanes take; the caller is answered then (design.md section 8).

Nothing of it is kept but that a room was spoken in, and what is told and pushed beside it: what is in a lane when the
process ends is lost.
"""

from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar

from laba.core import admission
from laba.core.halls import Hall, Halls
from laba.core.ids import IdSequence
from laba.core.pushing import beside
from laba.model.app import App
from laba.model.calls import Posted, Repeated
from laba.model.dispatch import Conversation, ConversationType, Dispatch, Level, Message, Submission
from laba.model.hook import Source
from laba.model.moderation import Verdict
from laba.model.refusal import Code, Refusal
from laba.model.room import room_stream
from laba.model.stream import Stream
from laba.ports import Rooms
from laba.service.admitting import Admitting
from laba.service.beside import Beside
from laba.service.ordering import Ordering

Link = TypeVar("Link")


class Takers(Protocol):
    """What takes messages on: the lanes."""

    def put(self, stream: Stream, message: Message, *, raised: bool = False) -> None:
        """Take a message; never waits, and where there is no room for it sheds by level, and counts.

        `raised` says that its level is not the one it asked for (E5).
        """

    def reject(self, stream: Stream, message: Message) -> None:
        """Count a message that anti-spam rejected; nobody gets it (N7)."""


def _rejects(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.rejects


class _Spoken(NamedTuple):
    """A message on its way to one lane; `raised` says that its level is not the one it asked for."""

    stream: Stream
    message: Message
    raised: bool


class Posting(Generic[Link]):
    """The way in of what passes: messages to rooms that are named, from callers and from clients."""

    def __init__(
        self,
        admitting: Admitting,
        rooms: Rooms,
        halls: Halls[Link],
        lanes: Takers,
        ids: IdSequence,
        beside: Beside,
    ) -> None:
        self._admitting = admitting
        self._rooms = rooms
        self._halls = halls
        self._lanes = lanes
        self._ids = ids
        self._beside = beside
        self._order = Ordering()
        self._ground = admitting.ground

    async def accept(self, submission: Submission, app: App) -> Posted | Repeated | Refusal:
        """Post a caller's message to the rooms it names, or refuse it and touch nothing.

        Rooms that there are not get an id like the others, and nobody hears of it (E1), unless it needs them. What
        anti-spam rejects is answered like the rest, but nobody gets it (N7). Raises what Rooms raises: nothing was
        sent.
        """
        refusal = admission.objection(submission, app) or await self._homeless(submission, app)
        if refusal is not None:
            return refusal
        ticket = await self._admitting.take(submission, app)
        if isinstance(ticket, Repeated | Refusal):
            return ticket
        try:
            verdict = await self._admitting.verdict(submission, app)
            await self._wake(app, submission.rooms)
            return await self._post(submission, app, Source.CALLER, verdict)
        except Exception:
            await self._admitting.give_back(ticket)
            raise

    async def say(self, submission: Submission, app: App, user: str) -> Posted | Refusal:
        """Post what a client of `user` says in one room: it must be in it, and may not be muted there.

        Takes from no quota: those are the app's back end's. Raises what Rooms raises: nothing was sent.
        """
        refusal = admission.objection(submission, app) or await self._silence(submission, app, user)
        if refusal is not None:
            return refusal
        verdict = await self._admitting.verdict(submission, app)
        await self._wake(app, submission.rooms)
        posted = await self._post(submission, app, Source.CLIENT, verdict)
        if verdict is not None and verdict.rejects:
            return Refusal(Code.MESSAGE_REJECTED, "the message was rejected", subject=verdict.label)
        return posted

    async def _homeless(self, submission: Submission, app: App) -> Refusal | None:
        if submission.needs_room:
            for room_id in submission.rooms:
                if await self._rooms.find(app.uuid, room_id) is None:
                    return Refusal(Code.ROOM_UNKNOWN, f"there is no room {room_id}", subject=room_id)
        return None

    async def _silence(self, submission: Submission, app: App, user: str) -> Refusal | None:
        """Say why a user may not speak."""
        [room_id] = submission.rooms
        hall = self._halls.find(room_stream(app.uuid, room_id))
        if hall is None or not hall.of_user(user):
            return Refusal(Code.NOT_A_MEMBER, f"{user} is not in the room {room_id}", subject=room_id)
        if user == hall.room.owner:
            return None
        muted = hall.room.muted or await self._is_muted(hall, user)
        return Refusal(Code.MUTED, f"{user} may not speak in the room {room_id}", subject=room_id) if muted else None

    async def _is_muted(self, hall: Hall[Link], user: str) -> bool:
        mutes = await self._rooms.mutes(hall.room.app_uuid, hall.room.id)
        return any(mute.user == user and mute.until_ms > self._ground.clock() for mute in mutes)

    async def _wake(self, app: App, room_ids: tuple[str, ...]) -> None:
        """Note of each room that it was spoken in (A8), before its first message goes out.

        A room whose hall is open is known to be awake from its second message on. One without is looked up each time:
        nothing tells here when a room of that id is destroyed and made anew, which would have to be woken again.
        """
        asleep = [room_id for room_id in room_ids if await self._is_asleep(app.uuid, room_id)]
        if not asleep:
            return
        for room_id in await self._rooms.activate(app.uuid, asleep):
            hall = self._halls.find(room_stream(app.uuid, room_id))
            if hall is not None:
                hall.room = hall.room.awake()

    async def _is_asleep(self, app_uuid: str, room_id: str) -> bool:
        hall = self._halls.find(room_stream(app_uuid, room_id))
        if hall is not None and hall.room.active:
            return False
        room = await self._rooms.find(app_uuid, room_id)
        if room is None:
            return False
        if hall is not None and room.active and hall.room.number == room.number:
            # Opened from what was known before the room was woken.
            hall.room = hall.room.awake()
        return not room.active

    async def _post(self, submission: Submission, app: App, source: Source, verdict: Verdict | None) -> Posted:
        """Keep what is told and pushed beside it, then hand a message for each room to its lane.

        Messages pass in the order of their ids (G3), also those that wait for nothing to be kept.
        """
        is_pushed = source is Source.CALLER and not _rejects(verdict)
        members = await self._beside.members(submission, app) if is_pushed else {}
        spoken = self._spoken(submission, app, verdict)
        messages = [one.message for one in spoken]
        letters = self._beside.postman.addressed(messages, submission, app, source, verdict)
        pushes = beside(submission, messages, members)
        if not letters and not pushes and not self._order.holds(app.uuid):
            self._pass(spoken, verdict)
        else:
            async with self._order.entered(app.uuid) as turn:
                await self._beside.keep(letters, pushes)
                await turn()
                self._pass(spoken, verdict)
        ids = {message.conversation.id: message.id for message in messages}
        return Posted(MappingProxyType(ids), verdict)

    def _pass(self, spoken: list[_Spoken], verdict: Verdict | None) -> None:
        levels: dict[Level, int] = {}
        for stream, message, raised in spoken:
            if _rejects(verdict):
                self._lanes.reject(stream, message)
                continue
            level = message.dispatch.level
            levels[level] = levels.get(level, 0) + 1
            self._lanes.put(stream, message, raised=raised)
        for level, count in levels.items():
            self._ground.meter.count("laba_room_messages_accepted_total", count, level=level)

    def _spoken(self, submission: Submission, app: App, verdict: Verdict | None) -> list[_Spoken]:
        """Make a message for each room. Nothing waits in here: ids ascend (G3)."""
        now_ms, rooms = self._ground.clock(), submission.rooms
        dispatch = Dispatch.admitted(
            submission, dispatch_id=self._ids.next(now_ms), app_uuid=app.uuid, now_ms=now_ms, verdict=verdict
        )
        if admission.is_raised(submission, app.policy.priorities):
            dispatch = dispatch.raised()
        # One object for all rooms that raise it: what is encoded once per dispatch stays so.
        raised = dispatch if dispatch.level is Level.HIGH else None
        spoken: list[_Spoken] = []
        for room_id in rooms:
            stream = room_stream(app.uuid, room_id)
            hall = self._halls.find(stream)
            said = dispatch
            if hall is not None and admission.is_raised(submission, hall.room.priorities):
                raised = said = raised or dispatch.raised()
            message_id = dispatch.id if len(rooms) == 1 else self._ids.next(now_ms)
            message = Message(message_id, Conversation(ConversationType.ROOM, room_id), said)
            spoken.append(_Spoken(stream, message, said.level is not submission.level))
        return spoken
