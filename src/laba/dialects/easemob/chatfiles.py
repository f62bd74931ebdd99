"""Files as callers hand them in and fetch them (E12, vendor-apis.md 3.1)."""

import re
from typing import Any

from laba.dialects.easemob.fields import invalid
from laba.dialects.easemob.filenames import disposition
from laba.model.calls import Claim
from laba.model.chatfile import StoredFile
from laba.model.filecalls import (
    THUMBNAIL_PIXELS,
    THUMBNAIL_PIXELS_MAX,
    Box,
    Conditions,
    FileGiven,
    FileUnchanged,
    GetFile,
    Upload,
)
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Refusal

_PART = "file"
_BOOLEANS = {"true": True, "false": False, "": False}
_DIGITS = re.compile(r"[0-9]{1,9}")
# What nothing can run in; with nosniff a browser takes the Content-Type at its word.
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
    "Vary": "share-secret, thumbnail",
    "Accept-Ranges": "bytes",
}
_SHOWN = ("image/", "audio/", "video/")


def receive(head: RequestHead) -> Upload | Refusal:
    """Read what an upload says of itself, in its headers or its query."""
    restricted = _boolean(head, "restrict-access")
    width, height = _pixels(head, "thumbnail-width"), _pixels(head, "thumbnail-height")
    if isinstance(restricted, Refusal):
        return restricted
    if isinstance(width, Refusal):
        return width
    if isinstance(height, Refusal):
        return height
    return Upload(_PART, restricted, Box(width, height))


def read_get(claim: Claim, head: RequestHead) -> GetFile | Refusal:
    thumbnail = _boolean(head, "thumbnail")
    if isinstance(thumbnail, Refusal):
        return thumbnail
    return GetFile(
        uuid=claim.arguments["uuid"],
        secret=_said(head, "share-secret"),
        thumbnail=thumbnail,
        conditions=Conditions(
            none_match=head.headers.get("if-none-match"),
            bytes_wanted=head.headers.get("range"),
            if_range=head.headers.get("if-range"),
        ),
        content=head.method != "HEAD",
    )


def entity(file: StoredFile) -> dict[str, Any]:
    """Show a new file. Its secret is told now and never again, also where nothing asks for it yet (E12)."""
    return {"uuid": file.uuid, "type": "chatfile", "share-secret": file.secret}


def write_given(given: FileGiven) -> HttpResponse:
    """Write the head of a file's bytes, and leave them to whoever sends them."""
    shown = given.media_type.startswith(_SHOWN)
    span, size = given.span, given.size_bytes
    headers = _SAFE | {
        "ETag": f'"{given.name}"',
        "Content-Disposition": disposition(given.filename, inline=shown),
        "Content-Length": str(span.length if span else size),
    }
    if span is not None:
        # RFC 9110 section 14.4
        headers["Content-Range"] = f"bytes {span.first}-{span.first + span.length - 1}/{size}"
    return HttpResponse(206 if span else 200, b"", given.media_type, headers, given.content)


def write_unchanged(unchanged: FileUnchanged) -> HttpResponse:
    return HttpResponse(304, headers=_SAFE | {"ETag": f'"{unchanged.name}"'})


def _said(head: RequestHead, name: str) -> str | None:
    """Give what the header says, or else the query: links cannot carry headers."""
    return head.headers.get(name, head.query.get(name))


def _boolean(head: RequestHead, name: str) -> bool | Refusal:
    said = _said(head, name) or ""
    found = _BOOLEANS.get(said.strip().lower())
    return invalid(name, "must be true or false") if found is None else found


def _pixels(head: RequestHead, name: str) -> int | Refusal:
    said = (_said(head, name) or str(THUMBNAIL_PIXELS)).strip()
    if _DIGITS.fullmatch(said) and 1 <= int(said) <= THUMBNAIL_PIXELS_MAX:
        return int(said)
    return invalid(name, f"must be a number of pixels, 1 to {THUMBNAIL_PIXELS_MAX}")
