"""What the tests of the inner floors are built from: one app, its messages, and time that moves when told to."""

import os
import selectors
from asyncio import SelectorEventLoop
from dataclasses import replace

from laba.adapters.telemetry import PrometheusMeter
from laba.core.attendance import Seat
from laba.core.session import Session, State
from laba.model.app import DEFAULT_FEATURES, App, AppKeys, AppName, AppPolicy, Feature, QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Conversation, ConversationType, Dispatch, Level, Message, Submission
from laba.model.flags import Flags
from laba.model.quota import UNLIMITED
from laba.model.room import Room
from laba.model.stream import Batch, Entry, Stream
from laba.model.targets import Targets
from laba.service.ground import Ground

NOW_MS = 1_700_000_000_000
APP_UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"
OTHER_UUID = "7b1e0c0e-2222-4333-8444-955555555555"
STREAM = Stream(APP_UUID, "app")
EPOCH = "cafe0001"
BROADCASTING = AppPolicy(
    DEFAULT_FEATURES | {Feature.USERS_BROADCAST, Feature.ALL_USERS_BROADCAST},
    {QuotaName.USERS_BROADCAST: UNLIMITED, QuotaName.ALL_USERS_BROADCAST: UNLIMITED},
)  # what an operator sets who wants no limits
FLAGS = Flags(stored=True, counted=True, pushed=False, updates_last=True)


class Clock:
    """Milliseconds since 1970 that stand still until they are moved."""

    def __init__(self, now_ms=NOW_MS):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms

    def pass_ms(self, ms):
        self.now_ms += ms


class Ticker(Clock):
    """A clock that moves by itself between two looks at it, as the real one does."""

    def __init__(self, step_ms, now_ms=NOW_MS):
        super().__init__(now_ms)
        self.step_ms = step_ms

    def __call__(self):
        self.now_ms += self.step_ms
        return self.now_ms


def ground(clock=None, meter=None, entropy=os.urandom):
    return Ground(clock or Clock(), entropy, meter or PrometheusMeter())


def counted(meter, name, labels=""):
    """Give the value of a metric as it is exposed, 0 for one never touched; `labels` as in `{code="x"}`."""
    for line in meter.exposed().decode().splitlines():
        if line.startswith(f"{name}{labels} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def app(uuid=APP_UUID, name="org/app", policy=BROADCASTING, created_at_ms=NOW_MS):
    keys = AppKeys(
        app_id=uuid.replace("-", ""),
        app_key=f"key of {name}",
        client_id=f"client of {name}",
        app_certificate="5CFd2fd1755d40ecb72977518be15d3b",
        app_secret="app secret",
        client_secret=f"client secret of {name}",
        token_key=uuid.encode()[:32],
    )
    return App(uuid, AppName.parse(name), keys, created_at_ms, policy)


def submission(text="hello", **rest):
    return Submission(
        **{
            "sender": "admin",
            "content": Content(Kind.TXT, {"text": text}),
            "flags": FLAGS,
            "audience": Audience.ONLINE_USERS,
            "feature": Feature.USERS_BROADCAST,
            "quota": QuotaName.USERS_BROADCAST,
            "size_bytes": 20,
            "size_limit_bytes": 5120,
        }
        | rest
    )


def to_all_users(text="hello", **rest):
    """Give a submission to all users, offline ones included."""
    return submission(
        text,
        audience=Audience.ALL_USERS,
        feature=Feature.ALL_USERS_BROADCAST,
        quota=QuotaName.ALL_USERS_BROADCAST,
        **rest,
    )


def to_recent_users(text="hello", **rest):
    """Give a submission to those online and whoever comes within the window (R5)."""
    return submission(
        text,
        audience=Audience.RECENT_USERS,
        feature=None,
        quota=QuotaName.RECALLS,
        conversation=ConversationType.SYSTEM,
        **rest,
    )


def to_targets(text="hello", **rest):
    """Give a submission to chosen users (P4)."""
    return submission(
        text,
        audience=Audience.TARGETS,
        feature=None,
        quota=QuotaName.RECALLS,
        conversation=ConversationType.SYSTEM,
        **{"targets": Targets(), "flags": replace(FLAGS, offline=True)} | rest,
    )


def dispatch(number, accepted_at_ms=NOW_MS, app_uuid=APP_UUID):
    return Dispatch.admitted(
        submission(f"message {number}"), dispatch_id=number, app_uuid=app_uuid, now_ms=accepted_at_ms
    )


def entry(offset, accepted_at_ms=NOW_MS):
    sent = dispatch(1000 + offset, accepted_at_ms)
    return Entry(offset, Message(sent.id, Conversation(ConversationType.APP, sent.sender), sent))


def batch(*offsets, accepted_at_ms=NOW_MS, stream=STREAM, epoch=EPOCH):
    return Batch(stream, epoch, tuple(entry(offset, accepted_at_ms) for offset in offsets))


def joined(roster, user="ann", device="", app_uuid=APP_UUID, codec="json"):
    """Give a session that is in the roster; its link is a list of what was written to it."""
    session = Session([], codec)
    session.seat = Seat(app_uuid, user, device)
    roster.join(session)
    return session


class _Leaping(selectors.DefaultSelector):
    """A selector that does not wait for the next timer but leaps to it."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0 if timeout else timeout)
        if not ready and timeout:
            self.now += timeout
        return ready


class LeapingLoop(SelectorEventLoop):
    """An event loop whose time is spent at once: an hour's sleep takes no time. Not for work with threads."""

    def __init__(self):
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self):
        return self._leaping.now


def room(room_id="1", app_uuid=APP_UUID, **rest):
    return Room(**{"app_uuid": app_uuid, "id": room_id, "name": f"room {room_id}", "created_at_ms": NOW_MS} | rest)


def said(number, level=Level.NORMAL, sender="admin", users=None, room_id="1", **rest):
    """Give a room's message, `number` its id and its text."""
    fields = {"audience": Audience.ROOMS, "feature": None, "quota": QuotaName.ROOM_CALLS, "rooms": (room_id,)}
    submitted = submission(str(number), level=level, sender=sender, users=users, **fields | rest)
    sent = Dispatch.admitted(submitted, dispatch_id=number, app_uuid=APP_UUID, now_ms=NOW_MS)
    return Message(number, Conversation(ConversationType.ROOM, room_id), sent)


def logged_in(user="ann", device="", codec="json"):
    """Give a session that is live; its link is a list of what was written to it."""
    session = Session([], codec)
    session.seat, session.state = Seat(APP_UUID, user, device), State.LIVE
    return session
