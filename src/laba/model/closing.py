"""Why laba closes a client's connection: one table for every protocol.

The ranges are those of the Centrifuge client protocol (client-protocols: design.md section 5), on which its SDKs
decide alone whether to come back: 3000-3499 and 4000-4499 they do, 3500-3999 and 4500-4999 they do not. Below
3000 stand the codes of RFC 6455 section 7.4.1.
"""

from enum import Enum


class Closing(Enum):
    """A close code and the reason that goes with it over the wire."""

    # RFC 6455 section 7.4.1
    NORMAL = (1000, "bye")
    PROTOCOL_ERROR = (1002, "websocket protocol error")
    UNSUPPORTED_DATA = (1003, "this kind of frame is not part of the protocol")
    INVALID_TEXT = (1007, "text is not valid UTF-8")
    MESSAGE_TOO_BIG = (1009, "message too big")
    # The client may reconnect.
    SHUTDOWN = (3001, "shutdown")
    SERVER_ERROR = (3004, "internal server error")
    SLOW = (3008, "slow")
    WRITE_ERROR = (3009, "write error")
    NO_PONG = (3012, "no pong")
    LOGIN_TIMEOUT = (4001, "no login in time")
    # It may not: the same again would fail again.
    INVALID_TOKEN = (3500, "invalid token")
    BAD_REQUEST = (3501, "bad request")
    USER_REMOVED = (4501, "user removed")
    USER_DEACTIVATED = (4502, "user deactivated")
    PASSWORD_CHANGED = (4503, "password changed")
    # Nothing would fail again: but to come back is for the user to decide.
    DISCONNECTED = (4504, "disconnected by the app")

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason

    @property
    def may_reconnect(self) -> bool:
        """Tell what a client's SDK will do by itself, from the code alone."""
        return self.code < 3500 or 4000 <= self.code < 4500
