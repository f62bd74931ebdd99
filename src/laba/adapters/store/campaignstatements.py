"""Everything that is asked of the database about chosen users and their devices, by name.

No query reads a table from end to end. What gives thousands of rows gives them as one JSON array: around each row the
thread would give up the interpreter's lock and have to win it back from the event loop.
"""

from sqlalchemy import bindparam, delete, literal_column, select, text

from laba.adapters.store.rows import CAMPAIGN_COLUMNS
from laba.adapters.store.tables import Property, campaigns, devices

_OF_INBOX = """FROM inbox
    WHERE inbox.stream = (SELECT number FROM streams WHERE app_uuid = :app_uuid AND channel = 'app')
        AND inbox.user = :user"""
_IN_LEDGER = f"""FROM ledger WHERE ledger.stream = inbox.stream AND ledger."offset" = inbox."offset"
            AND ledger.properties & {Property.RECALLED.value}"""
_RECALLED = f"EXISTS (SELECT 1 {_IN_LEDGER})"
_CAMPAIGN = [campaigns.c[name] for name in CAMPAIGN_COLUMNS]
# By the words of the index that holds no others.
_IS_WALKING = literal_column("campaigns.walking") == literal_column("1")

BEGIN = text(
    """INSERT INTO campaigns (dispatch, app_uuid, stream, "offset", accepted_at_ms, targets, cursor, walking,
        expired, delivered, emptied)
    VALUES (:dispatch, :app_uuid, :stream, :offset, :accepted_at_ms, :targets, '', :walking, 0, 0, 0)"""
)
# The sign is there because SQLite would go through all campaigns there ever were to save the sorting.
WALKING = select(*_CAMPAIGN).where(_IS_WALKING).order_by(literal_column("+campaigns.dispatch"))
WALKS_BEFORE = (
    select(*_CAMPAIGN)
    .where(campaigns.c.app_uuid == bindparam("app_uuid"), _IS_WALKING)
    .where(campaigns.c.offset <= bindparam("upto"), campaigns.c.cursor < bindparam("user"))
    .order_by(campaigns.c.offset)
)
END_WALK = text("UPDATE campaigns SET walking = 0 WHERE dispatch = :dispatch")
RECRUITS = text(
    """SELECT json_group_array(json_array(name, tags, created_at_ms)) FROM (
        SELECT name, tags, created_at_ms FROM users WHERE app_uuid = :app_uuid AND name > :cursor
        ORDER BY name LIMIT :most)"""
)
PACKAGES = text(
    """SELECT json_group_array(json_array(user, package)) FROM devices
    WHERE app_uuid = :app_uuid AND user > :cursor AND user <= :last"""
)
# A walk that was ended goes on no more, and none goes back.
MOVE = text(
    """UPDATE campaigns SET cursor = max(cursor, coalesce(:cursor, cursor)), walking = :cursor IS NOT NULL
    WHERE dispatch = :dispatch AND walking = 1"""
)
# Nobody has it who was removed meanwhile, or who bears the name since the message was accepted.
ENROL = text(
    """INSERT OR IGNORE INTO inbox (stream, user, "offset", delivered)
    SELECT campaigns.stream, users.name, campaigns."offset", 0
    FROM campaigns CROSS JOIN json_each(:users) AS given
    CROSS JOIN users ON users.app_uuid = campaigns.app_uuid AND users.name = given.value
        AND users.created_at_ms <= campaigns.accepted_at_ms
    WHERE campaigns.dispatch = :dispatch"""
)
INBOX = text(
    f"""SELECT inbox."offset" {_OF_INBOX} AND inbox."offset" > :after AND inbox."offset" <= :upto AND NOT {_RECALLED}
    ORDER BY inbox."offset" DESC LIMIT :most"""
)
HAS_INBOXES = text(
    """SELECT EXISTS (
        SELECT 1 FROM inbox
        WHERE stream = (SELECT number FROM streams WHERE app_uuid = :app_uuid AND channel = 'app')
    ) OR EXISTS (SELECT 1 FROM campaigns WHERE app_uuid = :app_uuid AND walking = 1)"""
)
# Given as JSON arrays of an app, a user and an offset. Nobody has what it was not given, because it was recalled.
_RECEIVED = f"""FROM json_each(:rows) AS given
        CROSS JOIN streams ON streams.app_uuid = json_extract(given.value, '$[0]') AND streams.channel = 'app'
        CROSS JOIN inbox ON inbox.stream = streams.number AND inbox.user = json_extract(given.value, '$[1]')
            AND inbox."offset" <= json_extract(given.value, '$[2]')
        WHERE inbox.delivered = 0 AND NOT {_RECALLED}"""
# Every row is there already: written so, each is found by its key. An UPDATE would look through all of a message's.
RECEIVED = text(
    f"""INSERT INTO inbox (stream, user, "offset", delivered)
    SELECT inbox.stream, inbox.user, inbox."offset", 1 {_RECEIVED}
    ON CONFLICT (stream, user, "offset") DO UPDATE SET delivered = 1"""
)
MUSTER = text(
    """SELECT count(inbox.user) + expired + campaigns.delivered,
        coalesce(sum(inbox.delivered), 0) + campaigns.delivered, expired, walking
    FROM campaigns LEFT JOIN inbox ON inbox.stream = campaigns.stream AND inbox."offset" = campaigns."offset"
    WHERE dispatch = :dispatch GROUP BY dispatch"""
)
HELD_SINCE_BEFORE = text(
    """SELECT dispatch, stream, "offset" FROM campaigns WHERE accepted_at_ms < :before_ms AND emptied = 0
    ORDER BY accepted_at_ms LIMIT :most"""
)
# Up to the user who is the last of so many; a blob is greater than any name.
EMPTY = text(
    """DELETE FROM inbox WHERE stream = :stream AND "offset" = :offset AND delivered = :delivered
        AND user <= coalesce((
            SELECT user FROM inbox WHERE stream = :stream AND "offset" = :offset AND delivered = :delivered
            ORDER BY user LIMIT 1 OFFSET :most - 1), x'')"""
)
NOTE_EMPTIED = text(
    """UPDATE campaigns SET expired = expired + :expired, delivered = delivered + :delivered, walking = 0,
        emptied = :emptied
    WHERE dispatch = :dispatch"""
)
FORGET_INBOX = text(
    """DELETE FROM inbox
    WHERE stream = (SELECT number FROM streams WHERE app_uuid = :app_uuid AND channel = 'app') AND user = :name"""
)

ANY_DEVICE = text("SELECT EXISTS (SELECT 1 FROM devices WHERE app_uuid = :app_uuid)")
DEVICES_OF_USER = (
    select(devices.c.device, devices.c.platform, devices.c.package)
    .where(devices.c.app_uuid == bindparam("app_uuid"), devices.c.user == bindparam("user"))
    .order_by(devices.c.device)
)
PUT_DEVICES = text(
    """INSERT INTO devices (app_uuid, user, device, platform, package)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]')
    FROM json_each(:rows) WHERE true
    ON CONFLICT (app_uuid, user, device) DO UPDATE SET platform = excluded.platform, package = excluded.package"""
)
REMOVE_DEVICE = text("DELETE FROM devices WHERE app_uuid = :app_uuid AND user = :user AND device = :device")
FORGET_DEVICES = delete(devices).where(
    devices.c.app_uuid == bindparam("app_uuid"), devices.c.user == bindparam("name")
)
