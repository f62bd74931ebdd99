"""What a file is, by its first bytes: only kinds that a browser can show without running anything.

The patterns are those of the WHATWG MIME Sniffing Standard, sections 6.1 (images) and 6.2 (audio and video), and of
RFC 4867 section 5 (AMR, which phones record). A library would know hundreds of kinds, and each of them would have to
be judged: whatever is not in this table is OPAQUE, which no browser runs. SVG, HTML, XML and PDF can hold scripts.
"""

from collections.abc import Callable
from typing import Final

OPAQUE: Final = "application/octet-stream"
SNIFFED_BYTES: Final = 64

_Pattern = tuple[int, bytes]

# Offset and bytes, all of which must be there; the first row that fits is meant.
_TABLE: Final[tuple[tuple[tuple[_Pattern, ...], str], ...]] = (
    (((0, b"\xff\xd8\xff"),), "image/jpeg"),
    (((0, b"\x89PNG\r\n\x1a\n"),), "image/png"),
    (((0, b"GIF87a"),), "image/gif"),
    (((0, b"GIF89a"),), "image/gif"),
    (((0, b"RIFF"), (8, b"WEBPVP")), "image/webp"),
    (((0, b"RIFF"), (8, b"WAVE")), "audio/wav"),
    (((0, b"RIFF"), (8, b"AVI ")), "video/avi"),
    (((0, b"FORM"), (8, b"AIFF")), "audio/aiff"),
    (((0, b"ID3"),), "audio/mpeg"),
    (((0, b"fLaC"),), "audio/flac"),
    (((0, b"#!AMR"),), "audio/amr"),
    (((4, b"ftypM4A"),), "audio/mp4"),
    (((4, b"ftypqt  "),), "video/quicktime"),
    (((4, b"ftyp3g"),), "video/3gpp"),
    (((4, b"ftypiso"),), "video/mp4"),
    (((4, b"ftypmp4"),), "video/mp4"),
    (((4, b"ftypavc1"),), "video/mp4"),
    (((4, b"ftypM4V"),), "video/mp4"),
    (((4, b"ftypMSNV"),), "video/mp4"),
)
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def media_type(head: bytes) -> str:
    """Judge by the first SNIFFED_BYTES, or by all there are."""
    for patterns, found in _TABLE:
        if all(head.startswith(wanted, offset) for offset, wanted in patterns):
            return found
    return next((found for fits, found in _BY_RULE if fits(head[:SNIFFED_BYTES])), OPAQUE)


def is_image(found: str) -> bool:
    return found in _IMAGES


def _is_webm(head: bytes) -> bool:
    return head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head


def _is_ogg_audio(head: bytes) -> bool:
    return head.startswith(b"OggS") and any(codec in head for codec in (b"OpusHead", b"vorbis", b"Speex"))


def _is_mpeg_audio(head: bytes) -> bool:
    """Tell a frame header: layer III, of a bit rate and a sampling rate that exist."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] >> 4 not in (0, 15)
        and head[2] & 0x0C != 0x0C
    )


def _is_adts(head: bytes) -> bool:
    """Tell AAC frames as phones record them: sync word and layer 0 (ISO/IEC 14496-3, 1.A.3.2)."""
    return len(head) >= 7 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 0x0F <= 12


_BY_RULE: Final[tuple[tuple[Callable[[bytes], bool], str], ...]] = (
    (_is_webm, "video/webm"),
    (_is_ogg_audio, "audio/ogg"),
    (_is_mpeg_audio, "audio/mpeg"),
    (_is_adts, "audio/aac"),
)
