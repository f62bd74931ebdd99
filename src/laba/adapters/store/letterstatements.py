"""Everything that is asked of the database about letters and words, by name. No query reads a whole table."""

from sqlalchemy import Text, and_, bindparam, case, delete, func, insert, literal_column, select, text, update

from laba.adapters.store.tables import letters

LETTER_COLUMNS = ("number", "app_uuid", "hook", "id", "document", "attempts", "due_at_ms", "fault")
_LETTER = [letters.c[name] for name in LETTER_COLUMNS]
_OF_HOOK = (letters.c.app_uuid == bindparam("app_uuid"), letters.c.hook == bindparam("hook"))
_WAITS, _DIED = letters.c.died_at_ms.is_(None), letters.c.died_at_ms.is_not(None)
_AMONG = letters.c.number.in_(select(func.json_each(bindparam("numbers")).table_valued("value").c.value))

ADD_LETTERS = text(
    """INSERT INTO letters (app_uuid, hook, id, document, attempts, due_at_ms, fault)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), 0, 0, ''
    FROM json_each(:rows) ORDER BY key"""
)
QUEUES = text(
    """SELECT app_uuid, hook, count(*) FROM letters INDEXED BY letters_waiting
    WHERE died_at_ms IS NULL GROUP BY app_uuid, hook"""
)
FIRST_LETTERS = (
    select(*_LETTER)
    .where(*_OF_HOOK, _WAITS)
    .order_by(letters.c.number)
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
DELIVERED = delete(letters).where(_AMONG)
POSTPONE = text(
    """UPDATE letters SET attempts = attempts + 1, due_at_ms = :due_at_ms, fault = :fault
    WHERE number = :number AND died_at_ms IS NULL"""
)
_SAID = bindparam("new_fault", type_=Text)
BURY = (
    update(letters)
    .where(_AMONG, _WAITS)
    .values(
        died_at_ms=bindparam("now_ms"),
        fault=case((literal_column("''") == _SAID, letters.c.fault), else_=_SAID),
    )
)
DEAD_LETTERS = (
    select(*_LETTER, letters.c.died_at_ms)
    .where(*_OF_HOOK, _DIED, letters.c.number > bindparam("after"))
    .order_by(letters.c.number)
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
_REVIVED = and_(*_OF_HOOK, _DIED, letters.c.number <= bindparam("upto"))
_MOVED = ("app_uuid", "hook", "id", "document")
_NEW = (*_MOVED, "attempts", "due_at_ms", "fault")
_FRESH = (*(letters.c[name] for name in _MOVED), literal_column("0"), literal_column("0"), literal_column("''"))
REVIVE_ALL = insert(letters).from_select(_NEW, select(*_FRESH).where(_REVIVED).order_by(letters.c.number))
REVIVE = insert(letters).from_select(_NEW, select(*_FRESH).where(_REVIVED, _AMONG).order_by(letters.c.number))
FORGET_REVIVED_ALL = delete(letters).where(_REVIVED)
FORGET_REVIVED = delete(letters).where(_REVIVED, _AMONG)
LAST_LETTER = text("SELECT coalesce(max(number), 0) FROM letters")
MAILBOXES = text(
    """SELECT hook, sum(waiting), sum(dead) FROM (
        SELECT hook, count(*) AS waiting, 0 AS dead FROM letters INDEXED BY letters_waiting
        WHERE app_uuid = :app_uuid AND died_at_ms IS NULL GROUP BY hook
        UNION ALL
        SELECT hook, 0, count(*) FROM letters INDEXED BY letters_dead
        WHERE app_uuid = :app_uuid AND died_at_ms IS NOT NULL GROUP BY hook
    ) GROUP BY hook"""
)
FORGET_WAITING = text("DELETE FROM letters WHERE app_uuid = :app_uuid AND hook = :hook AND died_at_ms IS NULL")
FORGET_DEAD = text("DELETE FROM letters WHERE app_uuid = :app_uuid AND hook = :hook AND died_at_ms IS NOT NULL")
EXPIRE_LETTERS = text(
    """DELETE FROM letters WHERE number IN (
        SELECT number FROM letters WHERE died_at_ms < :before_ms ORDER BY died_at_ms LIMIT :most)"""
)

ALL_WORDS = text("SELECT app_uuid, words FROM words")
WORDS_OF_APP = text("SELECT words FROM words WHERE app_uuid = :app_uuid")
PUT_WORDS = text(
    """INSERT INTO words (app_uuid, words) VALUES (:app_uuid, :words)
    ON CONFLICT (app_uuid) DO UPDATE SET words = excluded.words"""
)
FORGET_WORDS = text("DELETE FROM words WHERE app_uuid = :app_uuid")
