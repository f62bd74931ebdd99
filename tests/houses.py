"""The services on a real store, bus and gate, as assembly puts them together, with time that moves when told to."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from builders import APP_UUID, STREAM, Clock, app, dispatch, ground
from doubles import Lanes
from laba.adapters.bus.local import LocalBus, LocalGate
from laba.adapters.courier import HttpCourier
from laba.adapters.files.disk import DiskFiles
from laba.adapters.files.thumbnails import Thumbnails
from laba.adapters.presence import LocalPresence
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.telemetry import PrometheusMeter
from laba.assembly.outside import FORMS, SCRIBES
from laba.core.attendance import Attendance
from laba.core.halls import Halls
from laba.core.ids import IdSequence
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.tokens import NEVER, Token, TokenReader
from laba.core.window import Bounds
from laba.dialects.easemob.accesstoken2 import AccessToken2Reader, Terms, build_app_token, build_user_token
from laba.model.session import Login
from laba.model.stream import Batch
from laba.model.usercalls import NewUser, RegisterUsers
from laba.protocols.envelope import envelope
from laba.service.access import Access, TokenRules
from laba.service.admitting import Admitting
from laba.service.attending import Attending
from laba.service.beside import Beside
from laba.service.chatfiles import ChatFiles, FileRules
from laba.service.conversations import Reader, Spans
from laba.service.dispatching import Dispatcher, Patience, Ways
from laba.service.door import Desk, Desks
from laba.service.fanout import Delivery, Fanout
from laba.service.ground import Ground
from laba.service.hashing import Hashing
from laba.service.hookdesk import HookDesk
from laba.service.inboxes import Inboxes
from laba.service.intake import Intake, Numbering
from laba.service.lasting import lasting_bounds
from laba.service.moderating import Moderating
from laba.service.posting import Posting
from laba.service.postman import Postman, PostRules
from laba.service.press import Codecs, Press
from laba.service.pushdesk import PushDesk, Registry
from laba.service.pushing import Pushing
from laba.service.pushlanes import Tools
from laba.service.pushwalk import PushRules, PushWalk
from laba.service.recalling import Recalling
from laba.service.recruiting import Recruiting
from laba.service.reporting import Reporting
from laba.service.roombook import RoomBook
from laba.service.roomdesk import RoomDesk
from laba.service.roommembers import RoomMembers
from laba.service.roommutes import RoomMutes
from laba.service.roomreporting import RoomReporting
from laba.service.rooms import Rooms
from laba.service.sending import Sending
from laba.service.sessions import LoginRules, Past, People, Sessions
from laba.service.tenants import Tenants
from laba.service.userdesk import UserDesk
from laba.service.users import Users

WINDOW_MS = 600_000
KEPT_DAYS = 7
OFFLINE_MS = 7 * 86_400_000
GRACE_MS = 30_000
DUPLICATE_MS = 600_000
# A receiver has a tenth of a second, and waits are ten seconds at most.
POST_RULES = PostRules(timeout_ms=500, longest_wait_ms=10_000, give_up_ms=600_000)
CONFIRMED_MS = 60_000
PUSH_HOSTS = ("127.0.0.1", "127.0.0.1:8443", "localhost")
PUSH_RULES = PushRules(OFFLINE_MS)
FILE_RULES = FileRules(limit_bytes=1_000_000, keep_ms=7 * 86_400_000, total_limit_bytes=0)
LIFETIMES = TokenRules(app_seconds=5_184_000, user_seconds=86_400)
ROOMY = Bounds(WINDOW_MS, limit_bytes=1_000_000, limit_messages=10_000)


class Encoder:
    """Writes `codec offset;` for an entry, and remembers for what it was asked."""

    def __init__(self, codec):
        self.codec = codec
        self.calls = []

    def __call__(self, channel, position, data):
        self.calls.append((channel, position.offset))
        return f"{self.codec} {position.offset};".encode()


@dataclass
class House:
    """The services without clients."""

    clock: Clock
    meter: PrometheusMeter
    ground: Ground
    store: SqliteStore
    bus: LocalBus
    gate: LocalGate
    tenants: Tenants
    users: Users
    access: Access
    dispatcher: Dispatcher
    intake: Intake
    desk: Desk
    attending: Attending
    reader: Reader
    reporting: Reporting
    hashing: Hashing
    roster: Roster
    # (app uuid, room id) -> who is in a room by a session, and since when; tests put them here.
    present: dict
    lanes: Lanes
    halls: Halls
    posting: Posting
    files: ChatFiles
    disk: DiskFiles
    inboxes: Inboxes
    recruiting: Recruiting
    recalling: Recalling
    moderating: Moderating
    postman: Postman
    post_rules: PostRules
    admitting: Admitting
    # (app uuid, room id) -> the tags of who is in a room by a session; tests put them here.
    tagged: dict
    pushing: Pushing
    pushdesk: PushDesk

    @property
    def app(self):
        """The first app, as it is now."""
        return next(iter(self.tenants.apps))

    async def registered(self, name="ann", password=None):
        """Register a user and give it."""
        call = RegisterUsers((NewUser(name, password),), single=True)
        return (await self.users.register(call, self.app)).users[0]

    async def kept(self, *numbers):
        """Keep dispatches of these ids, accepted now."""
        for number in numbers:
            await self.store.append(dispatch(number, self.clock.now_ms))

    async def placed(self, *numbers):
        """Keep dispatches and give them their places in the app's stream."""
        await self.kept(*numbers)
        return await self.store.streams.append(STREAM, [dispatch(number, self.clock.now_ms) for number in numbers])

    def app_token(self, of=None):
        return Token((of or self.app).uuid, NEVER).signed((of or self.app).keys.token_key)

    def user_token(self, user, expires_at_ms=NEVER):
        return Token(APP_UUID, expires_at_ms, user.name, user.epoch).signed(self.app.keys.token_key)

    def foreign_token(self, user=None, expire_seconds=3600):
        """Sign an AccessToken2 as the app's own back end would; an app token where no user is named."""
        terms = Terms(self.app.keys.app_id, self.clock.now_ms // 1000, expire_seconds, salt=1)
        certificate = self.app.keys.app_certificate
        return build_app_token(terms, certificate) if user is None else build_user_token(terms, certificate, user)


@asynccontextmanager
async def opened(
    directory,
    clock=None,
    file_rules=FILE_RULES,
    post_rules=POST_RULES,
    checker=None,
    sender=None,
    *,
    push_rules=PUSH_RULES,
    **bounds,
):
    """Open a house in a directory; the first time it gets one app that may broadcast without limits."""
    meter = PrometheusMeter()
    base = ground(clock, meter)
    async with (
        SqliteStore.open(directory / "laba.db", entropy=base.entropy, **bounds) as store,
        disk_in(directory) as disk,
        HttpCourier.open() as courier,
    ):
        bus, gate, tenants = LocalBus(), LocalGate(), Tenants(store, base)
        if not await store.apps():
            await store.add_app(app())
        await tenants.load()
        hashing, roster = Hashing(), Roster()
        users = Users(store, bus, hashing, base)
        access = Access(tenants, users, hashing, (AccessToken2Reader(), TokenReader()), LIFETIMES, base)
        lanes, halls = Lanes(), Halls()
        last_id = await store.last_id()
        patience = Patience(WINDOW_MS, GRACE_MS, last_id, OFFLINE_MS)
        recruiting = Recruiting(store.campaigns, base)
        inboxes = Inboxes(store.campaigns, store.devices, recruiting, OFFLINE_MS, base)
        presence = LocalPresence(roster)
        tools = Tools(FORMS, sender or courier, base)
        walk = PushWalk(store.pushes, store, tenants, presence, push_rules)
        pushing = Pushing(store.pushes, tenants, walk, tools)
        dispatcher = Dispatcher(store, Ways(store.streams, lanes, inboxes, pushing), bus, patience, base)
        attending = Attending(Attendance(GRACE_MS, base.clock()), store.stays, CONFIRMED_MS, base)
        if not bounds:
            await attending.take_over()
        ids = IdSequence(0, last_id)
        moderating = Moderating(store.wordbook, checker, base, reject_on_failure=False)
        await moderating.load()
        postman = Postman(store.letters, courier, tenants, SCRIBES, post_rules, base)
        admitting = Admitting(gate, moderating, DUPLICATE_MS, base)
        intake = Intake(store, admitting, dispatcher, attending, Numbering(ids, store.rooms), postman)
        beside = Beside(store, store.rooms, dispatcher, postman)
        posting = Posting(admitting, store.rooms, halls, lanes, ids, beside)
        reader = Reader(store.conversations, users, attending, envelope, Spans(GRACE_MS, WINDOW_MS))
        rooms = RoomReporting(store.room_reports, KEPT_DAYS, base)
        reporting = Reporting(store.reports, store.campaigns, rooms, pushing, WINDOW_MS, base)
        present, tagged = {}, {}
        book = RoomBook(
            store.rooms,
            users,
            bus,
            lambda app_uuid, room_id: present.get((app_uuid, room_id), {}),
            lambda app_uuid, room_id: tagged.get((app_uuid, room_id), {}),
        )
        roomdesk = RoomDesk(Rooms(book, ids, base), RoomMembers(book, presence), RoomMutes(book, base))
        recalling = Recalling(store.reports, intake)
        hooks = HookDesk(tenants, postman, moderating)
        registry = Registry(store.devices, users, inboxes)
        pushdesk = PushDesk(tenants, pushing, tools, registry, store.reports, PUSH_HOSTS)
        desks = Desks(UserDesk(users, presence), roomdesk, recalling, hooks, pushdesk)
        desk = Desk(tenants, access, desks, Sending(intake, posting, store.file_records), reader, reporting)
        services = (tenants, users, access, dispatcher, intake, desk, attending, reader, reporting)
        files = ChatFiles(disk, store.file_records, file_rules, base)
        await files.load()
        yield House(
            base.clock,
            meter,
            base,
            store,
            bus,
            gate,
            *services,
            hashing,
            roster,
            present,
            lanes,
            halls,
            posting,
            files,
            disk,
            inboxes,
            recruiting,
            recalling,
            moderating,
            postman,
            post_rules,
            admitting,
            tagged,
            pushing,
            pushdesk,
        )


@asynccontextmanager
async def disk_in(directory, drafts=4, openings=4, pixels=1_000_000):
    """Open the folder of files in a directory."""
    folder = directory / "files"
    with Thumbnails.open(pixels) as thumbnails:
        async with DiskFiles.open_folder(
            folder, thumbnails=thumbnails, drafts_limit=drafts, open_limit=openings
        ) as disk:
            yield disk


class Clients:
    """Clients of a house: what is written to one is appended to its session's link, a list."""

    def __init__(self, house, *, bounds=ROOMY, lasting=None, register=True, streams=None):
        self.encoders = {"json": Encoder("json"), "protobuf": Encoder("protobuf")}
        self.roster = house.roster
        self.press = Press.of(Codecs(envelope, self.encoders), house.reporting, house.ground)
        self.fanout = Fanout(
            self.roster, streams or house.store.streams, bounds, lasting or lasting_bounds(OFFLINE_MS), self.press
        )
        self.attendance = house.attending.attendance
        self.sessions = Sessions(
            People(house.tenants, house.access, house.users),
            self.roster,
            self.fanout,
            Past(house.attending, house.inboxes),
            LoginRules(ping_seconds=25, register=register, window_ms=WINDOW_MS),
            house.ground,
        )

    async def login(self, token, position=None, device="phone", codec="json", **described):
        """Log a new client in; gives its session and the answer."""
        session = Session([], codec)
        session.state = State.LOGGING_IN
        positions = {} if position is None else {"app": position}
        return session, await self.sessions.login(session, Login(1, token, device, positions=positions, **described))

    async def entered(self, token, position=None, device="phone", codec="json", **described):
        """Log a client in, hand it what it is owed, and give its session, which is live."""
        session, _ = await self.login(token, position, device, codec, **described)
        self.catch_up(session)
        return session

    def catch_up(self, session, budget_bytes=1_000_000):
        """Write to the client what it is owed, as the gateway does."""
        while session.state is State.CATCHING_UP:
            portion = self.fanout.missed(session, budget_bytes)
            session.link.append(portion.frames)
            portion.progress.handed(1)
        session.link[:] = filter(None, session.link)

    async def deliver(self, *notices):
        """Take notices from the bus, and write all deliveries that come of them."""
        await self.fanout.run(arriving(*notices))
        for delivery in await waiting(self.fanout.outgoing):
            write(delivery)


async def arriving(*notices):
    """Be the bus that brings these and then ends."""
    for notice in notices:
        yield notice


async def waiting(outgoing):
    """Take everything that waits for the writing loop, whole, in its order."""
    items = []
    while len(outgoing):
        items += [piece.item for piece in await outgoing.take(1_000_000, 1_000_000)]
    return items


def write(delivery):
    """Write a delivery by the gateway's rule: to who is live, and nothing at or below what was written."""
    assert isinstance(delivery, Delivery)
    for session in delivery.sessions:
        if session.state is State.LIVE and session.written < delivery.last:
            whole = session.written < delivery.first
            session.link.append(delivery.joined[session.codec] if whole else delivery.rest(session))
            session.written = delivery.last
            delivery.progress.handed(1)


def received(session):
    """Tell the offsets a client was written, in order, repetitions and all."""
    frames = b"".join(session.link).decode().split(";")[:-1]
    return [int(frame.removeprefix(session.codec)) for frame in frames]


def offsets(batch):
    assert isinstance(batch, Batch)
    return [entry.offset for entry in batch.entries]
