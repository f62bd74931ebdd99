"""Thumbnails, drawn by Pillow in a thread of their own, one at a time.

Of formats only those that browsers show, of an image only so many pixels: a few kilobytes can unfold to gigabytes.
"""

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps

from laba.model.filecalls import Box

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_QUALITY = 85


class Thumbnails:
    """Draws images of at most `limit_pixels`; whoever waits longer than `seconds` goes without."""

    def __init__(self, thread: ThreadPoolExecutor, limit_pixels: int, seconds: float) -> None:
        self._thread = thread
        self._limit_pixels = limit_pixels
        self._seconds = seconds

    @classmethod
    @contextmanager
    def open(cls, limit_pixels: int, seconds: float = 10.0) -> Iterator["Thumbnails"]:
        thread = ThreadPoolExecutor(1, "laba-thumbnails")
        # Pillow's own bound only warns, on standard error; `_drawn` has a stricter one.
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield cls(thread, limit_pixels, seconds)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    async def drawn(self, path: Path, box: Box) -> bytes | None:
        """Give a JPEG that fits into the box; None for what is no image, or would cost too much."""
        drawing = asyncio.get_running_loop().run_in_executor(self._thread, _drawn, path, box, self._limit_pixels)
        try:
            async with asyncio.timeout(self._seconds):
                return await drawing
        except Exception:  # noqa: BLE001 - decoders raise whatever they like, and the image is the caller's
            return None


def _drawn(path: Path, box: Box, limit_pixels: int) -> bytes | None:
    with Image.open(path, formats=_FORMATS) as image:
        if image.width * image.height > limit_pixels:
            return None
        # A JPEG is decoded at an eighth of its size where that is enough; it may still have to be turned.
        longest = max(box.width, box.height)
        image.draft("RGB", (longest, longest))
        ImageOps.exif_transpose(image, in_place=True)
        image.thumbnail((box.width, box.height))
        flat = _on_white(image)
    drawn = io.BytesIO()
    flat.save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """Give the image as JPEG can hold it: without transparency."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    flat = Image.new("RGB", clear.size, "white")
    flat.paste(clear, mask=clear)
    return flat
