"""Which requests are ours, for which app, with which proof (R1, vendor-apis.md 1.4)."""

import re
from dataclasses import replace
from typing import Final

from laba.dialects.rongcloud.endpoints import ENDPOINTS
from laba.model.calls import Claim
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.refusal import Code, Refusal
from laba.model.routing import Found, Routes

# What the vendor's API has at the top, served here or not.
FAMILIES: Final = frozenset(
    {"user", "message", "chatroom", "push.json", "push", "group", "ultragroup", "conversation", "sensitiveword"}
)
_SERVED: Final = frozenset(endpoint.pattern for endpoint in ENDPOINTS)
_ROUTES: Final = Routes(ENDPOINTS)
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_MILLISECONDS: Final = re.compile(r"[0-9]{12,16}")


def claim(head: RequestHead) -> Claim | Refusal | None:
    """Claim the paths of the table; and of the rest of the vendor's, those that come with an app key.

    A refusal from here names the path as its `subject`, for an error body tells it (vendor-apis.md 1.4).
    """
    app_key = _header(head, "app-key")
    if head.path not in _SERVED and not (app_key and _is_the_vendors(head.path)):
        return None
    found = _ROUTES.find(head.method, head.path)
    if not isinstance(found, Found):
        return replace(found, subject=head.path)
    if not app_key:
        return Refusal(Code.APP_KEY_MISSING, "the header App-Key is needed", subject=head.path)
    return Claim(found.endpoint, head.path, app_key=app_key, signed=_signed(head))


def _is_the_vendors(path: str) -> bool:
    return path.endswith(".json") and path.startswith("/") and path[1:].partition("/")[0] in FAMILIES


def _signed(head: RequestHead) -> SignedHead | None:
    """Take the proof as it came: what was signed are the headers' own characters."""
    nonce, stamp, digest = (_header(head, name) for name in ("nonce", "timestamp", "signature"))
    if not (nonce and stamp and digest):
        return None
    return SignedHead(nonce, stamp, digest, _stamped_at_ms(stamp))


def _header(head: RequestHead, name: str) -> str:
    """Take a header by its name, or by the one with the older prefix (R1)."""
    return head.headers.get(name) or head.headers.get(f"rc-{name}", "")


def _stamped_at_ms(stamp: str) -> int | None:
    """Read a time: the vendor's page writes milliseconds, its SDKs send seconds (vendor-apis.md 0, finding 3)."""
    if _SECONDS.fullmatch(stamp):
        return int(stamp) * 1000
    return int(stamp) if _MILLISECONDS.fullmatch(stamp) else None
