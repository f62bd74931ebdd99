"""What a caller can ask about files, and what it is answered (E12, vendor-apis.md 3.1)."""

from dataclasses import dataclass, field

from laba.model.chatfile import StoredFile
from laba.model.http import Content

THUMBNAIL_PIXELS = 170  # vendor-apis.md 3.1
THUMBNAIL_PIXELS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Box:
    """What a thumbnail must fit into."""

    width: int = THUMBNAIL_PIXELS
    height: int = THUMBNAIL_PIXELS

    def __post_init__(self) -> None:
        if not all(1 <= side <= THUMBNAIL_PIXELS_MAX for side in (self.width, self.height)):
            raise ValueError(f"a thumbnail's sides are 1 to {THUMBNAIL_PIXELS_MAX} pixels")


@dataclass(frozen=True, slots=True)
class Upload:
    """Keep a file, which is the part `part` of the body. Where `restricted`, its secret is needed to fetch it."""

    part: str
    restricted: bool = False
    box: Box = Box()


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a body said of a file whose bytes have all come."""

    filename: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """Headers of RFC 9110 sections 13 and 14, as they were sent; None where they were not."""

    none_match: str | None = None
    bytes_wanted: str | None = None
    if_range: str | None = None


@dataclass(frozen=True, slots=True)
class GetFile:
    """Fetch a file, or an image's thumbnail; without `content` only what is known of it."""

    uuid: str
    secret: str | None = field(default=None, repr=False)
    thumbnail: bool = False
    conditions: Conditions = Conditions()
    content: bool = True


FileCall = Upload | GetFile


@dataclass(frozen=True, slots=True)
class Span:
    """Some of a file's bytes, from the one at `first` on."""

    first: int
    length: int


@dataclass(frozen=True, slots=True)
class FileKept:
    """The file is on the disk: it survives a crash from here on."""

    file: StoredFile


@dataclass(frozen=True, slots=True)
class FileGiven:
    """A file, or its thumbnail. `span` is None where it is all of it, `content` where only its head was asked for."""

    name: str
    filename: str | None
    media_type: str
    size_bytes: int
    span: Span | None = None
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class FileUnchanged:
    """The caller has it already (RFC 9110 section 15.4.5)."""

    name: str


FileAnswer = FileKept | FileGiven | FileUnchanged
