"""The vendor's own message types, by `objectName`: their shapes, their properties, and what each is to us (P10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from laba.dialects.rongcloud import checks
from laba.model.content import Kind
from laba.model.flags import Flags

# Nothing but the vendor's types may begin so (seeds/002).
PREFIX: Final = "RC:"

# P10's columns: stored, counted, offline, pushed. What is stored becomes the conversation's last message (R6).
SPOKEN: Final = Flags(stored=True, counted=True, pushed=True, updates_last=True, offline=True)
NOTED: Final = Flags(stored=True, counted=False, pushed=False, updates_last=True, offline=True)
COMMANDED: Final = Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=True)
PASSING: Final = Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=False)


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a type's table: the vendor's member, and what its value must be.

    `field` is ours, None where we have none; it lies in the field `group`, where there is one. `convert` gives our
    value from theirs. An optional member may be null.
    """

    name: str
    fault: Callable[[Any], str | None]
    field: str | None = None
    required: bool = True
    convert: Callable[[Any], Any] | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """A type whose shape the vendor documents. `push_text` may name members in braces; None starts no push."""

    kind: Kind
    flags: Flags
    members: tuple[Member, ...]
    push_text: str | None = None


_USER: Final = Member("user", checks.user, required=False)
_EXTRA: Final = Member("extra", checks.text, required=False)
_REST: Final = (_USER, _EXTRA)

# seeds/004, the sections under 消息结构示例. `user` and a GIF's `localPath` are optional everywhere (P10).
BUILT_IN: Final[Mapping[str, Type]] = MappingProxyType(
    {
        "RC:TxtMsg": Type(Kind.TXT, SPOKEN, (Member("content", checks.text, "text"), *_REST), "{content}"),
        "RC:ImgMsg": Type(
            Kind.IMG,
            SPOKEN,
            (Member("content", checks.thumbnail, "thumbnail"), Member("imageUri", checks.filled_text, "url"), *_REST),
            "[图片]",
        ),
        "RC:GIFMsg": Type(
            Kind.IMG,
            SPOKEN,
            (
                Member("gifDataSize", checks.magnitude),
                Member("localPath", checks.text, required=False),
                Member("remoteUrl", checks.filled_text, "url"),
                Member("width", checks.magnitude, "width"),
                Member("height", checks.magnitude, "height"),
                *_REST,
            ),
            "[图片]",
        ),
        "RC:HQVCMsg": Type(
            Kind.AUDIO,
            SPOKEN,
            (
                Member("localPath", checks.text, required=False),
                Member("remoteUrl", checks.filled_text, "url"),
                Member("duration", checks.voice_length, "duration"),
                *_REST,
            ),
            "[语音]",
        ),
        "RC:FileMsg": Type(
            Kind.FILE,
            SPOKEN,
            (
                Member("name", checks.text, "filename"),
                Member("size", checks.size, "size", convert=checks.as_number),
                Member("type", checks.text, "format"),
                Member("fileUrl", checks.filled_text, "url"),
                *_REST,
            ),
            "[文件] {name}",
        ),
        "RC:SightMsg": Type(
            Kind.VIDEO,
            SPOKEN,
            (
                Member("sightUrl", checks.filled_text, "url"),
                Member("content", checks.picture),
                Member("duration", checks.magnitude, "duration"),
                Member("size", checks.size, "size", convert=checks.as_number),
                Member("name", checks.text, "filename"),
                *_REST,
            ),
            "[小视频]",
        ),
        "RC:LBSMsg": Type(
            Kind.LOC,
            SPOKEN,
            (
                Member("content", checks.picture),
                Member("latitude", checks.coordinate, "latitude", convert=checks.as_number),
                Member("longitude", checks.coordinate, "longitude", convert=checks.as_number),
                Member("poi", checks.text, "address"),
                *_REST,
            ),
            "[位置]",
        ),
        "RC:InfoNtf": Type(Kind.TIP, NOTED, (Member("message", checks.text, "text"), *_REST)),
        "RC:ProfileNtf": Type(
            Kind.NOTICE,
            NOTED,
            (Member("operation", checks.text, "operation"), Member("data", checks.text, "data"), *_REST),
        ),
        "RC:ContactNtf": Type(
            Kind.NOTICE,
            NOTED,
            (
                Member("operation", checks.text, "operation"),
                Member("sourceUserId", checks.text, "sourceUserId", group="data"),
                Member("targetUserId", checks.text, "targetUserId", group="data"),
                Member("message", checks.text, "message", group="data"),
                *_REST,
            ),
        ),
        "RC:CmdMsg": Type(
            Kind.CMD, COMMANDED, (Member("name", checks.text, "action"), Member("data", checks.text, "data"), _USER)
        ),
    }
)

# The other names that the vendor documents: any JSON object is taken (R3). Whether those of its list of types
# (docs.rongcloud.cn/v4-platform/views/im/server/message/objectname.html) are stored and counted is that list's; their
# other properties, and the names marked so, are from memory, unverified.
DOCUMENTED: Final[Mapping[str, Flags]] = MappingProxyType(
    {
        "RC:VcMsg": SPOKEN,
        "RC:ImgTextMsg": SPOKEN,
        "RC:ReferenceMsg": SPOKEN,
        "RC:CombineMsg": SPOKEN,
        "RC:GrpNtf": NOTED,
        "RC:chrmKVNotiMsg": NOTED,
        "RC:ReadNtf": COMMANDED,
        "RC:TypSts": PASSING,
        # From memory, unverified.
        "RC:CombineV2Msg": SPOKEN,
        "RC:StreamMsg": SPOKEN,
        "RC:CardMsg": SPOKEN,
        "RC:PSImgTxtMsg": SPOKEN,
        "RC:PSMultiImgTxtMsg": SPOKEN,
        "RC:CmdNtf": NOTED,
        "RC:DizNtf": NOTED,
        "RC:RcNtf": NOTED,
        "RC:RcCmd": COMMANDED,
        "RC:SRSMsg": COMMANDED,
        "RC:RRReqMsg": COMMANDED,
        "RC:RRRspMsg": COMMANDED,
        "RC:MsgExMsg": COMMANDED,
    }
)
