"""NetEase Yidun's text check, version 5: forms with a signature, and what is answered (vendor-apis.md 3.4)."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from laba.model.http import HttpCall, HttpReply
from laba.model.moderation import Decision, Judge, Matter, Verdict

VERSION: Final = "v5.2"
# Of one text no more is checked; what is longer is asked about in pieces.
PIECE_MAX_CHARS: Final = 5000
DECISIONS: Final[Mapping[int, Decision]] = MappingProxyType(
    {0: Decision.PASSED, 1: Decision.SUSPECT, 2: Decision.REJECTED}
)
# The vendor's numbers, with words that a person can read. Unverified but for the numbers' existence.
LABELS: Final[Mapping[int, str]] = MappingProxyType(
    {
        100: "porn",
        200: "ad",
        260: "ad law",
        300: "violence",
        400: "contraband",
        500: "politics",
        600: "abuse",
        700: "spam",
        900: "other",
    }
)
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Account:
    """Where the checker is, and as whom it knows the caller. The repr shows no secret."""

    url: str
    secret_id: str
    secret_key: str = field(repr=False)
    business_id: str = ""


def pieces(text: str) -> Iterator[str]:
    """Cut a text into what one check takes."""
    for start in range(0, len(text), PIECE_MAX_CHARS):
        yield text[start : start + PIECE_MAX_CHARS]


def build(matter: Matter, account: Account, now_ms: int, nonce: int) -> HttpCall:
    """Write the check of one piece of text.

    What the caller sent along (`extras`) cannot take the place of what laba says itself.
    """
    form = {
        **matter.extras,
        "secretId": account.secret_id,
        "businessId": matter.business_id or account.business_id,
        "version": VERSION,
        "timestamp": str(now_ms),
        "nonce": str(nonce),
        "dataId": matter.id,
        "content": matter.text,
        "account": matter.sender,
    }
    form.pop("signature", None)
    # MD5 is what the vendor's rule names first; another method in `extras` would make the signature a wrong one.
    form.pop("signatureMethod", None)
    form["signature"] = signature(form, account.secret_key)
    return HttpCall(account.url, urlencode(form, errors="replace").encode(), {"Content-Type": _FORM})


def signature(form: Mapping[str, str], secret_key: str) -> str:
    """Sign a form: MD5 over its names and values, in the order of the names, and the key (vendor-apis.md 3.4)."""
    said = "".join(f"{name}{form[name]}" for name in sorted(form)) + secret_key
    return hashlib.md5(said.encode(errors="replace"), usedforsecurity=False).hexdigest()


def read(reply: HttpReply) -> Verdict:
    """Read an answer, of version 5 or of the older 3.1. ValueError where it is not in the vendor's words."""
    if reply.status != 200:
        raise ValueError(f"it answered {reply.status}")
    try:
        answer = msgspec.json.decode(reply.body)
        if answer["code"] != 200:
            raise ValueError(f"it answered with code {answer['code']}")
        found = answer["result"]
        found = found.get("antispam", found)
        number = found["suggestion"] if "suggestion" in found else found["action"]
        return Verdict(DECISIONS[number], Judge.CHECKER, _label(found))
    except (KeyError, TypeError, AttributeError, RecursionError, msgspec.DecodeError) as error:
        raise ValueError("its answer is not in the words of its protocol") from error


def _label(found: Mapping[str, Any]) -> str:
    """Give the first label, by number and name; "" where there is none."""
    labels = found.get("labels") or []
    number = found.get("label") or (labels[0]["label"] if labels else None)
    if not isinstance(number, int) or not number:
        return ""
    return f"{number} {LABELS[number]}" if number in LABELS else str(number)
