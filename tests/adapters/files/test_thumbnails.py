import io
import struct
import zlib

import pytest
from PIL import Image

from laba.adapters.files.thumbnails import Thumbnails
from laba.model.filecalls import Box

pytestmark = pytest.mark.anyio


@pytest.fixture
def thumbnails():
    with Thumbnails.open(1_000_000) as thumbnails:
        yield thumbnails


def picture(form, size=(400, 200), mode="RGB", colour="red", **options):
    drawn = io.BytesIO()
    Image.new(mode, size, colour).save(drawn, form, **options)
    return drawn.getvalue()


async def drawn(thumbnails, tmp_path, content, box=Box(100, 100)):  # noqa: B008 - frozen
    """Draw, and give the thumbnail as an image."""
    path = tmp_path / "image"
    path.write_bytes(content)
    made = await thumbnails.drawn(path, box)
    return None if made is None else Image.open(io.BytesIO(made))


def bomb(width, height):
    """Give a PNG that says such a size, in a few bytes."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
async def test_it_fits_into_the_box(thumbnails, tmp_path, form):  # E12
    """In its own proportions."""
    assert (await drawn(thumbnails, tmp_path, picture(form))).size == (100, 50)
    assert (await drawn(thumbnails, tmp_path, picture(form, (200, 400)))).size == (50, 100)


async def test_it_is_never_larger_than_the_image(thumbnails, tmp_path):
    assert (await drawn(thumbnails, tmp_path, picture("PNG", (30, 20)))).size == (30, 20)


async def test_what_is_transparent_becomes_white(thumbnails, tmp_path):
    """JPEG knows no transparency; nor may what was hidden be seen."""
    for mode, colour in (("RGBA", (255, 0, 0, 0)), ("LA", (0, 0))):
        thumbnail = await drawn(thumbnails, tmp_path, picture("PNG", mode=mode, colour=colour))
        assert thumbnail.convert("RGB").getpixel((50, 25)) == (255, 255, 255)


async def test_it_stands_upright_and_says_nothing_of_where_it_was_taken(thumbnails, tmp_path):
    """A phone says in EXIF how it was held, and much besides."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010E] = "at home"
    thumbnail = await drawn(thumbnails, tmp_path, picture("JPEG", exif=exif))
    assert thumbnail.size == (50, 100)
    assert not thumbnail.getexif()


async def test_an_image_of_too_many_pixels_is_not_drawn(thumbnails, tmp_path, capfd):
    """Its head is enough to know, and nothing is said on standard error."""
    assert await drawn(thumbnails, tmp_path, bomb(60_000, 60_000)) is None
    assert await drawn(thumbnails, tmp_path, picture("PNG", (1001, 1000))) is None
    assert (await drawn(thumbnails, tmp_path, picture("PNG", (1000, 1000)))).size == (100, 100)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        picture("PNG")[:100],
        picture("JPEG")[:300],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        picture("BMP"),
        picture("TIFF"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["nothing", "text", "half a PNG", "half a JPEG", "EPS", "BMP", "TIFF", "SVG"],
)
async def test_what_is_broken_or_of_another_kind_is_not_drawn(thumbnails, tmp_path, content):
    """Only the four kinds that browsers show reach a decoder."""
    assert await drawn(thumbnails, tmp_path, content) is None


async def test_who_waits_too_long_goes_without(tmp_path):
    """The next one is drawn all the same."""
    path = tmp_path / "image"
    path.write_bytes(picture("PNG"))
    with Thumbnails.open(1_000_000, seconds=0) as thumbnails:
        assert await thumbnails.drawn(path, Box()) is None
