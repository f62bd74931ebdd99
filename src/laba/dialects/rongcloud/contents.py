"""What is said: `objectName` and `content`, as our content (R3, R8, P10, P11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from laba.dialects.rongcloud.faults import invalid, missing
from laba.dialects.rongcloud.types import BUILT_IN, DOCUMENTED, PREFIX, SPOKEN, Member, Type
from laba.dialects.strictjson import compact, parse
from laba.model.app import App
from laba.model.content import Content, Kind, Original
from laba.model.flags import Flags
from laba.model.refusal import Code

DIALECT: Final = "rongcloud"
NAME_MAX: Final = 32  # R3, in characters
SIZE_LIMIT_BYTES: Final = 131_072  # R3: "128k" of the vendor's page


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says. `push_text` is what its push shows where the caller gives no text, None for no push.

    The original is always given: RongCloud's clients know a message by its `objectName` and its own content.
    """

    content: Content
    original: Original
    flags: Flags
    size_bytes: int
    push_text: str | None = None


def said(name: str, content: str | Mapping[str, Any], app: App, at: str = "") -> Said:
    """Read a message's type and content; `at` is the path of both, for the refusal that names what is wrong.

    The name is judged first, then how much it is, then its shape. What is too much is told as such whatever its
    shape (R3).
    """
    if len(name) > NAME_MAX:
        raise invalid(f"{at}objectName", f"must have at most {NAME_MAX} characters")
    path = f"{at}content"
    if not name.startswith(PREFIX):
        return _custom(name, content, app, path)
    if name not in BUILT_IN and name not in DOCUMENTED:
        raise invalid(f"{at}objectName", f"is no type of the vendor's, and others must not begin with {PREFIX}")
    body, size_bytes = _opened(content, path)
    original = Original(DIALECT, name, body)
    if name in DOCUMENTED:
        return Said(_opaque(name, body), original, DOCUMENTED[name], size_bytes)
    of_type = BUILT_IN[name]
    fields = _fields(of_type, body, path)
    push_text = None if of_type.push_text is None else of_type.push_text.format_map(body)
    return Said(Content(of_type.kind, fields), original, of_type.flags, size_bytes, push_text or None)


def _custom(name: str, content: str | Mapping[str, Any], app: App, path: str) -> Said:
    """Take an app's own type as it is: it need not be JSON, and is never decoded (R8, P11)."""
    size_bytes = _measured(content, path)
    flags = app.policy.types.get(name, SPOKEN)
    return Said(_opaque(name, _object_of(content)), Original(DIALECT, name, content), flags, size_bytes)


def _opaque(name: str, body: Mapping[str, Any] | None) -> Content:
    return Content(Kind.CUSTOM, {"event": name} if body is None else {"event": name, "exts": body})


def _object_of(content: str | Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the JSON object that a content is, or holds; None for anything else."""
    value = _parsed(content) if isinstance(content, str) else content
    return value if isinstance(value, Mapping) else None


def _opened(content: str | Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], int]:
    """Open the content of one of the vendor's types, which is a JSON object, and measure what was inside."""
    if not isinstance(content, str):
        return content, _measured(content, path)
    plain, value = _unwrapped(content)
    size_bytes = _measured(plain, path)
    if not isinstance(value, Mapping):
        raise invalid(path, f"must be a JSON object{_why_not(plain)}")
    return value, size_bytes


def _unwrapped(text: str) -> tuple[str, Any]:
    """Give the JSON that a content holds, as text and as value, None where it holds none.

    What is no JSON is percent-decoded once and tried again; a JSON string that holds an object is that object. The
    official Python SDK does both to /push.json, and the second to forms (P11; seen on the wire).
    """
    for plain in (text, _decoded(text)):
        value = _parsed(plain)
        if isinstance(value, str):
            return value, _parsed(value)
        if value is not None:
            return plain, value
    return text, None


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return None


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeError:
        return text


def _why_not(text: str) -> str:
    """Say what stops a text from being JSON; nothing where it is some."""
    try:
        parse(text)
    except ValueError as fault:
        return f": {fault}"
    return ""


def _measured(content: str | Mapping[str, Any], path: str) -> int:
    """Count a content's bytes in UTF-8, and refuse too many (R3)."""
    size_bytes = len(content.encode() if isinstance(content, str) else compact(content))
    if size_bytes > SIZE_LIMIT_BYTES:
        reason = f"has {size_bytes} bytes, {SIZE_LIMIT_BYTES} are allowed"
        raise invalid(path, reason, Code.MESSAGE_TOO_LARGE)
    return size_bytes


def _fields(of_type: Type, body: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Judge the members in the order of their table, and give those that we have fields for."""
    fields: dict[str, Any] = {}
    for member in of_type.members:
        value = body.get(member.name)
        if value is None and not member.required:
            continue
        if member.name not in body:
            raise missing(f"{path}.{member.name}")
        fault = member.fault(value)
        if fault is not None:
            raise invalid(f"{path}.{member.name}", fault)
        _put(fields, member, value)
    return fields


def _put(fields: dict[str, Any], member: Member, value: Any) -> None:
    if member.field is None:
        return
    home = fields if member.group is None else fields.setdefault(member.group, {})
    home[member.field] = member.convert(value) if member.convert else value
