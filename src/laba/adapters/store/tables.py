"""The tables, in the words of design.md section 3. What changes here needs a migration; a test compares the two."""

from enum import IntEnum, IntFlag

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)


class State(IntEnum):
    """What became of a kept dispatch's work."""

    WAITING = 0
    PLACED = 1
    EXPIRED = 2
    REJECTED = 3


class Property(IntFlag):
    """A message's flags (R8) as one number, and what else of it a conversation list asks for.

    Whether it is for all users (V1), in a conversation of type system (R4), for chosen users (P5), for whoever comes
    within the window too (R5), and whether it was recalled (X3).
    """

    STORED = 1
    COUNTED = 2
    PUSHED = 4
    UPDATES_LAST = 8
    TO_ALL = 16
    SYSTEM = 32
    TARGETED = 64
    RECENT = 128
    RECALLED = 256


METADATA = MetaData()

# SQLite numbers rows by itself only in a column that is declared INTEGER; it holds 64 bits there.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

apps = Table(
    "apps",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("org", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("app_id", Text, nullable=False, unique=True),
    Column("app_key", Text, nullable=False),
    Column("client_id", Text, nullable=False, unique=True),
    Column("app_certificate", Text, nullable=False),
    Column("app_secret", Text, nullable=False),
    Column("client_secret", Text, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("policy", Text, nullable=False),
    UniqueConstraint("org", "app"),
)

users = Table(
    "users",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("uuid", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("modified_at_ms", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("nickname", Text),
    Column("activated", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("portrait", Text),
    # A JSON array; NULL where there are none, which is most often so.
    Column("tags", Text),
    Column("token_at_ms", BigInteger),
    sqlite_with_rowid=False,
)

devices = Table(
    "devices",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("platform", Text),
    Column("package", Text, nullable=False),
    # What it is pushed to by; a token that died leaves why.
    Column("kind", Text),
    Column("token", Text),
    Column("sandbox", Boolean),
    Column("locale", Text),
    Column("time_zone", Text),
    Column("registered_at_ms", BigInteger),
    Column("dead", Text),
    sqlite_with_rowid=False,
)
_HAS_TOKEN = devices.c.token.is_not(None)
Index(
    "devices_pushed", *(devices.c[name] for name in ("app_uuid", "kind", "user", "device")), sqlite_where=_HAS_TOKEN
)
Index("devices_token", devices.c.app_uuid, devices.c.token, sqlite_where=_HAS_TOKEN)

# Dispatches whose pushes were not begun yet.
push_queue = Table(
    "push_queue",
    METADATA,
    Column("dispatch", _NUMBER, primary_key=True, autoincrement=False),
    Column("app_uuid", Text, nullable=False),
)

# A push with one provider: its walk through the devices, and what became of it. `rejected` is a JSON object.
push_jobs = Table(
    "push_jobs",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("dispatch", BigInteger, nullable=False),
    Column("provider", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cursor_user", Text, nullable=False),
    Column("cursor_device", Text, nullable=False),
    Column("walked", Boolean, nullable=False),
    Column("targeted", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("retried", BigInteger, nullable=False),
    Column("rejected", Text, nullable=False),
    UniqueConstraint("dispatch", "provider"),
    sqlite_autoincrement=True,
)
Index("push_jobs_under_way", push_jobs.c.number, sqlite_where=text("state = 'under_way'"))

push_retries = Table(
    "push_retries",
    METADATA,
    Column("job", BigInteger, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Index("push_retries_due", "job", "due_at_ms"),
    sqlite_with_rowid=False,
)

streams = Table(
    "streams",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("app_uuid", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("last_offset", BigInteger, nullable=False),
    UniqueConstraint("app_uuid", "channel"),
)

# `number` is the order in which dispatches were kept. That a place is given once needs no index: one writer gives
# places, from the stream's last offset, in one transaction.
ledger = Table(
    "ledger",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("id", BigInteger, nullable=False, unique=True),
    Column("app_uuid", Text, nullable=False),
    Column("accepted_at_ms", BigInteger, nullable=False),
    Column("quota", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("stream", BigInteger),
    Column("offset", BigInteger),
    Column("document", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("properties", Integer, nullable=False),
    Column("report", Text),
    Index("ledger_taken", "app_uuid", "quota", "accepted_at_ms"),
)
Index("ledger_waiting", ledger.c.number, sqlite_where=ledger.c.state == State.WAITING)
_PLACED = ledger.c.stream.is_not(None)
Index("ledger_placed", ledger.c.stream, ledger.c.accepted_at_ms, ledger.c.offset, sqlite_where=_PLACED)
# Holds all that a conversation list asks of ten thousand messages: the table itself is read for the last ones only.
Index(
    "ledger_conversations",
    ledger.c.stream,
    ledger.c.offset,
    ledger.c.sender,
    ledger.c.properties,
    sqlite_where=_PLACED,
)
# There are few of them, and they are asked for among all that an app ever sent.
Index(
    "ledger_to_all",
    ledger.c.stream,
    ledger.c.accepted_at_ms,
    ledger.c.offset,
    sqlite_where=text(f"properties & {Property.TO_ALL.value}"),
)
Index(
    "ledger_recent",
    ledger.c.stream,
    ledger.c.accepted_at_ms,
    ledger.c.offset,
    sqlite_where=text(f"properties & {Property.RECENT.value}"),
)

# Messages to chosen users. `targets` is what a walk judges by, NULL where users are named and nobody walks. `expired`
# and `delivered` count places in inboxes that are not there any more; once all are gone, it is `emptied`.
campaigns = Table(
    "campaigns",
    METADATA,
    Column("dispatch", _NUMBER, primary_key=True, autoincrement=False),
    Column("app_uuid", Text, nullable=False),
    Column("stream", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("accepted_at_ms", BigInteger, nullable=False),
    Column("targets", Text),
    Column("cursor", Text, nullable=False),
    Column("walking", Boolean, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("emptied", Boolean, nullable=False),
)
Index("campaigns_walking", campaigns.c.app_uuid, campaigns.c.offset, sqlite_where=text("walking = 1"))
Index("campaigns_held", campaigns.c.accepted_at_ms, sqlite_where=text("emptied = 0"))

# Who is to have a message to chosen users, and whether it is known that it has.
inbox = Table(
    "inbox",
    METADATA,
    Column("stream", BigInteger, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("delivered", Boolean, nullable=False),
    # All that counting a campaign's users asks for.
    Index("inbox_of_message", "stream", "offset", "delivered"),
    sqlite_with_rowid=False,
)

# `began_ms` is the `since_ms` with which a stay was written first: it is not moved by a return.
attendance = Table(
    "attendance",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("from_offset", BigInteger, primary_key=True),
    Column("to_offset", BigInteger, nullable=False),
    Column("confirmed_offset", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger),
    Column("began_ms", BigInteger),
    sqlite_with_rowid=False,
)
Index("attendance_open", attendance.c.app_uuid, sqlite_where=attendance.c.ended_at_ms.is_(None))

# One row: when the process that owns the file was alive last.
checkpoint = Table(
    "checkpoint",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("alive_at_ms", BigInteger, nullable=False),
)

# `counts` is a JSON object; what is counted is `model.roomreport.Count`.
room_minutes = Table(
    "room_minutes",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("room_id", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("counts", Text, nullable=False),
    Index("room_minutes_age", "minute"),
    sqlite_with_rowid=False,
)

read_marks = Table(
    "read_marks",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# `number` is never given twice, nor after its room is gone: ids of messages to all rooms are made of it. What goes
# first (E5) is two JSON arrays.
rooms = Table(
    "rooms",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("app_uuid", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("custom", Text, nullable=False),
    Column("max_members", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("high_types", Text, nullable=False),
    Column("high_members", Text, nullable=False),
    UniqueConstraint("app_uuid", "id"),
    Index("rooms_of_app", "app_uuid", "number"),
    sqlite_autoincrement=True,
)

# Who was put into a room, the owner among them. `number` is the order of their coming.
room_members = Table(
    "room_members",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("app_uuid", Text, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("user", Text, nullable=False),
    # A JSON array; NULL where there are none, which is most often so.
    Column("tags", Text),
    UniqueConstraint("app_uuid", "room_id", "user"),
    Index("room_members_of_user", "app_uuid", "user"),
)

room_mutes = Table(
    "room_mutes",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("room_id", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Index("room_mutes_of_user", "app_uuid", "user"),
    sqlite_with_rowid=False,
)

# What hooks are to be told, in the order of its numbers, which are never given twice. `document` is the message; one
# that was given up has died.
letters = Table(
    "letters",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("app_uuid", Text, nullable=False),
    Column("hook", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("fault", Text, nullable=False),
    Column("died_at_ms", BigInteger),
    sqlite_autoincrement=True,
)
_WAITS, _DIED = letters.c.died_at_ms.is_(None), letters.c.died_at_ms.is_not(None)
Index("letters_waiting", letters.c.app_uuid, letters.c.hook, letters.c.number, sqlite_where=_WAITS)
Index("letters_dead", letters.c.app_uuid, letters.c.hook, letters.c.number, sqlite_where=_DIED)
Index("letters_dying", letters.c.died_at_ms, sqlite_where=_DIED)

# A JSON array of what an app's filter rejects.
words = Table(
    "words",
    METADATA,
    Column("app_uuid", Text, primary_key=True),
    Column("words", Text, nullable=False),
    sqlite_with_rowid=False,
)

# A file whose bytes are gone is still known for a while, so that its caller is told that it expired.
files = Table(
    "files",
    METADATA,
    Column("uuid", Text, primary_key=True),
    Column("app_uuid", Text, nullable=False),
    Column("filename", Text),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("secret", Text, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("thumbnail", Text),
    Column("thumbnail_bytes", BigInteger),
    Column("gone", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("files_expiring", files.c.gone, files.c.expires_at_ms)
Index("files_held", files.c.gone, files.c.size_bytes, files.c.thumbnail_bytes)
Index("files_thumbnail", files.c.thumbnail, sqlite_where=files.c.thumbnail.is_not(None))
