"""Which requests are ours, for which app, with which proof (N1, S10, vendor-apis.md 1.5)."""

import re
from dataclasses import replace
from typing import Final

from laba.dialects.neroom.endpoints import ENDPOINTS, family_of
from laba.model.calls import Claim
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.refusal import Code, Refusal
from laba.model.routing import Found, Routes

NONCE_MAX_CHARS: Final = 128
_ROUTES: Final = Routes(ENDPOINTS)
_SECONDS: Final = re.compile(r"[0-9]{1,11}")


def claim(head: RequestHead) -> Claim | Refusal | None:
    """Claim every path of the vendor's, served or not: its SDKs read no answer but one with HTTP 200 (N9).

    A refusal from here names the path as its `subject`, for that decides its shape.
    """
    if family_of(head.path) is None:
        return None
    found = _ROUTES.find(head.method, head.path)
    if not isinstance(found, Found):
        return replace(found, subject=head.path)
    app_key = head.headers.get("appkey", "")
    if not app_key:
        return Refusal(Code.APP_KEY_MISSING, "the header AppKey is needed", subject=head.path)
    return Claim(found.endpoint, head.path, found.arguments, app_key=app_key, signed=_signed(head))


def _signed(head: RequestHead) -> SignedHead | None:
    """Take the proof as it came: what was signed are the headers' own characters. Too long a nonce is none."""
    nonce, stamp, digest = (head.headers.get(name, "") for name in ("nonce", "curtime", "checksum"))
    if not (nonce and stamp and digest) or len(nonce) > NONCE_MAX_CHARS:
        return None
    stamped_at_ms = int(stamp) * 1000 if _SECONDS.fullmatch(stamp) else None
    return SignedHead(nonce, stamp, digest, stamped_at_ms, must_be_fresh=True)
