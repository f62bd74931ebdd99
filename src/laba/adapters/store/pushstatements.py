"""Everything that is asked of the database about pushes and where devices are pushed to, by name.

No query reads a table from end to end. A page is given as one JSON array: see campaignstatements.
"""

from sqlalchemy import bindparam, select, text

from laba.adapters.store.rows import DISPATCH_COLUMNS
from laba.adapters.store.tables import devices

QUEUE = text("INSERT OR IGNORE INTO push_queue (dispatch, app_uuid) VALUES (:dispatch, :app_uuid)")
UNOPENED = text("SELECT dispatch, app_uuid FROM push_queue ORDER BY dispatch LIMIT :most")
OPENED = text("DELETE FROM push_queue WHERE dispatch = :dispatch")
BEGIN_JOBS = text(
    """INSERT OR IGNORE INTO push_jobs (dispatch, provider, state, cursor_user, cursor_device, walked,
        targeted, sent, accepted, retried, rejected)
    SELECT :dispatch, value, 'under_way', '', '', 0, 0, 0, 0, 0, '{}' FROM json_each(:providers) WHERE true"""
)
JOB_COLUMNS = ("number", "provider", "cursor_user", "cursor_device", "walked")
_JOB = ", ".join([*(f"push_jobs.{name}" for name in JOB_COLUMNS), *(f"ledger.{name}" for name in DISPATCH_COLUMNS)])
JOBS = text(
    """SELECT push_jobs.number, push_jobs.dispatch, ledger.app_uuid, push_jobs.provider, ledger.accepted_at_ms,
        push_jobs.walked
    FROM push_jobs INDEXED BY push_jobs_under_way JOIN ledger ON ledger.id = push_jobs.dispatch
    WHERE push_jobs.state = 'under_way' ORDER BY push_jobs.number"""
)
_PARTNERS = "SELECT json_group_array(provider) FROM push_jobs AS one WHERE one.dispatch = push_jobs.dispatch"
JOB = text(
    f"""SELECT ({_PARTNERS}), {_JOB} FROM push_jobs JOIN ledger ON ledger.id = push_jobs.dispatch
    WHERE push_jobs.number = :job AND push_jobs.state = 'under_way'"""  # noqa: S608 -- of constants alone
)
# What of a device, and of its user, a page gives. The cross joins keep SQLite to this order.
_TARGET = """json_array(devices.user, devices.device, devices.token, devices.platform, users.tags,
            users.created_at_ms"""
_OF_PROVIDER = """devices.app_uuid = :app_uuid AND devices.kind = :kind AND devices.token IS NOT NULL
            AND coalesce(devices.sandbox, 0) = :sandbox
            AND CASE :package WHEN '' THEN devices.package NOT IN (SELECT value FROM json_each(:others))
                ELSE devices.package = :package END"""
_THEIR_USER = "CROSS JOIN users ON users.app_uuid = devices.app_uuid AND users.name = devices.user"
_IN_ORDER = f"""WHERE {_OF_PROVIDER} AND (devices.user, devices.device) > (:user, :device)
        ORDER BY devices.user, devices.device LIMIT :most"""
_ALL_DEVICES = f"FROM devices INDEXED BY devices_pushed {_THEIR_USER} {_IN_ORDER}"
# Of users who are named.
_THEIR_DEVICES = f"""FROM json_each(:names) AS given
        CROSS JOIN devices INDEXED BY devices_pushed ON devices.user = given.value {_THEIR_USER} {_IN_ORDER}"""
_AS_ARRAY = "SELECT json_group_array(json(target))"
PAGE = text(f"{_AS_ARRAY} FROM (SELECT {_TARGET}, 0) AS target {_ALL_DEVICES})")
PAGE_OF_USERS = text(f"{_AS_ARRAY} FROM (SELECT {_TARGET}, 0) AS target {_THEIR_DEVICES})")
DUE = text(
    """SELECT json_group_array(json(target)) FROM (
        SELECT json_array(due.user, due.device, coalesce(devices.token, ''), devices.platform, users.tags,
            coalesce(users.created_at_ms, 0), due.attempts) AS target
        FROM push_retries AS due INDEXED BY push_retries_due
        LEFT JOIN devices ON devices.app_uuid = :app_uuid AND devices.user = due.user
            AND devices.device = due.device AND devices.kind = :kind
            AND coalesce(devices.sandbox, 0) = :sandbox AND :package IN ('', devices.package)
        LEFT JOIN users ON users.app_uuid = :app_uuid AND users.name = due.user
        WHERE due.job = :job AND due.due_at_ms <= :now_ms ORDER BY due.due_at_ms LIMIT :most)"""
)
NEXT_DUE = text("SELECT min(due_at_ms) FROM push_retries WHERE job = :job")
COUNTED = text("SELECT state, rejected FROM push_jobs WHERE number = :job")
ADVANCE = text(
    """UPDATE push_jobs SET cursor_user = coalesce(:user, cursor_user),
        cursor_device = coalesce(:device, cursor_device), walked = max(walked, :walked),
        targeted = targeted + :targeted, sent = sent + :sent,
        accepted = accepted + :accepted, retried = retried + :retried, rejected = :rejected
    WHERE number = :job"""
)
POSTPONE = text(
    """INSERT INTO push_retries (job, user, device, attempts, due_at_ms)
    SELECT :job, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]')
    FROM json_each(:rows)
    WHERE EXISTS (SELECT 1 FROM push_jobs WHERE number = :job AND state IN ('under_way', 'paused'))
    ON CONFLICT (job, user, device) DO UPDATE SET attempts = excluded.attempts, due_at_ms = excluded.due_at_ms"""
)
SETTLE = text(
    """DELETE FROM push_retries WHERE job = :job AND (user, device) IN (
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows))"""
)
# A device that came back with another token, or later than its service's word, keeps what it has.
BURY_TOKEN = text(
    """UPDATE devices SET token = NULL, dead = :reason
    WHERE app_uuid = :app_uuid AND user = :user AND device = :device AND token = :token
        AND registered_at_ms <= :since_ms"""
)
SET_STATE = text(
    """UPDATE push_jobs SET state = :state
    WHERE dispatch = :dispatch AND state IN ('under_way', 'paused') AND state <> :state"""
)
END_JOB = text("UPDATE push_jobs SET state = :state WHERE number = :job AND state = 'under_way'")
FORGET_RETRIES = text(
    """DELETE FROM push_retries WHERE job IN (
        SELECT number FROM push_jobs WHERE dispatch = :dispatch AND state NOT IN ('under_way', 'paused'))"""
)
FORGET_RETRIES_OF_JOB = text("DELETE FROM push_retries WHERE job = :job")
REPORTS = text(
    """SELECT provider, state, targeted, sent, accepted, retried, rejected,
        (SELECT count(*) FROM push_retries WHERE job = push_jobs.number)
    FROM push_jobs WHERE dispatch = :dispatch ORDER BY provider"""
)
REACH = text(
    """SELECT kind, sum(count) AS devices, sum(count) FILTER (WHERE NOT served) AS strays FROM (
        SELECT kind, count, EXISTS (
            SELECT 1 FROM json_each(:served) AS one WHERE json_extract(one.value, '$[0]') = counted.kind
            AND json_extract(one.value, '$[1]') IN ('', counted.package)
            AND json_extract(one.value, '$[2]') = counted.sandbox
        ) AS served FROM (
            SELECT kind, package, sandbox, count(*) AS count FROM devices INDEXED BY devices_pushed
            WHERE app_uuid = :app_uuid AND token IS NOT NULL GROUP BY kind, package, sandbox
        ) AS counted
    ) GROUP BY kind"""
)

TAKE_TOKEN = text(
    """UPDATE devices SET token = NULL, dead = 'moved'
    WHERE app_uuid = :app_uuid AND token = :token AND NOT (user = :user AND device = :device)"""
)
REGISTER = text(
    """INSERT INTO devices (app_uuid, user, device, platform, package, kind, token, sandbox, locale, time_zone,
        registered_at_ms, dead)
    VALUES (:app_uuid, :user, :device, :platform, :package, :kind, :token, :sandbox, :locale, :time_zone,
        :registered_at_ms, NULL)
    ON CONFLICT (app_uuid, user, device) DO UPDATE SET platform = excluded.platform, package = excluded.package,
        kind = excluded.kind, token = excluded.token, sandbox = excluded.sandbox, locale = excluded.locale,
        time_zone = excluded.time_zone, registered_at_ms = excluded.registered_at_ms, dead = NULL"""
)
# All but the latest; the one that registers now is one of these.
FORGET_OLDEST = text(
    """DELETE FROM devices WHERE app_uuid = :app_uuid AND user = :user AND device IN (
        SELECT device FROM devices WHERE app_uuid = :app_uuid AND user = :user
        ORDER BY device = :device DESC, registered_at_ms DESC, device LIMIT -1 OFFSET :most)"""
)
REGISTRATION_COLUMNS = (
    "device",
    "platform",
    "package",
    "kind",
    "token",
    "sandbox",
    "locale",
    "time_zone",
    "registered_at_ms",
    "dead",
)
REGISTRATIONS = (
    select(*(devices.c[name] for name in REGISTRATION_COLUMNS))
    .where(devices.c.app_uuid == bindparam("app_uuid"), devices.c.user == bindparam("user"))
    .order_by(devices.c.device)
)
