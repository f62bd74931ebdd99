"""What can be wrong with a database file, and telling it from a mistake of ours."""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

# https://www.sqlite.org/rescode.html: the results that speak of the medium or of who else holds it, not of the query.
_MEDIUM = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CORRUPT: errno.EIO,
    sqlite3.SQLITE_NOTADB: errno.EIO,
    sqlite3.SQLITE_PROTOCOL: errno.EIO,
    sqlite3.SQLITE_NOLFS: errno.EIO,
}


class StoreTooNewError(Exception):
    """The database was written by a newer laba. Start that version again, or go back to a backup."""


class StoreForeignError(Exception):
    """The file is there, but it is not a database of laba's. It was not touched."""


class NotWaitingError(Exception):
    """A dispatch to be placed is not in the ledger, or its work was done before: a bug, never a caller's fault."""


def translated(error: Exception) -> Exception:
    """Give OSError where the medium failed; any other error as the driver or the job raised it."""
    cause = error.orig if isinstance(error, DBAPIError) and isinstance(error.orig, Exception) else error
    # The low byte is the result, the others say more about it.
    code = _MEDIUM.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    return cause if code is None else OSError(code, f"the store's medium failed: {cause}")
