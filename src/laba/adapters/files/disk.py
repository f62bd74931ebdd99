"""Files in a local folder.

`arriving/` holds what is on its way in, `kept/ab/` what is kept, by the first two digits of its name, so that no
folder grows without end. A name is one of laba's own uuids, and nothing of any caller's is ever part of a path.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from laba.adapters.files.thumbnails import Thumbnails
from laba.model.chatfile import is_uuid
from laba.model.filecalls import Box, Span
from laba.ports import FilesBusyError

# A client that takes less than this in the time a body may take to go on is cut (adapters/web/http1.py).
PIECE_BYTES = 65536
# Disks do several things at once; a slow one must not hold up what else has a thread to itself.
_THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")


class DiskFiles:
    """`ports.Files` in one folder, which one process uses.

    At the bounds of `drafts_limit` drafts and `open_limit` open files one more raises FilesBusyError.
    """

    def __init__(
        self, directory: Path, threads: ThreadPoolExecutor, thumbnails: Thumbnails, drafts_limit: int, open_limit: int
    ) -> None:
        self._arriving = directory / "arriving"
        self._kept = directory / "kept"
        self._threads = threads
        self._thumbnails = thumbnails
        self._drafts = asyncio.BoundedSemaphore(drafts_limit)
        self._openings = asyncio.BoundedSemaphore(open_limit)

    @classmethod
    @asynccontextmanager
    async def open_folder(
        cls, directory: Path, *, thumbnails: Thumbnails, drafts_limit: int, open_limit: int
    ) -> AsyncIterator["DiskFiles"]:
        """Open the folder, making it, and remove what an earlier process left half done."""
        with ThreadPoolExecutor(_THREADS, "laba-files") as threads:
            files = cls(directory, threads, thumbnails, drafts_limit, open_limit)
            await files.do(_prepared, files._arriving, files._kept)
            yield files

    async def do(self, job: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        """Do something with the disk, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, job, *arguments)

    @asynccontextmanager
    async def draft(self, name: str) -> AsyncIterator["DiskDraft"]:
        if self._drafts.locked():
            raise FilesBusyError
        async with self._drafts:
            draft = DiskDraft(self, name, self._thumbnails)
            try:
                yield draft
            finally:
                await self.do(draft.discard)

    def arriving(self, name: str) -> Path:
        return self._arriving / _checked(name)

    def kept(self, name: str) -> Path:
        return self._kept / _checked(name)[:2] / name

    async def open(self, name: str, span: Span | None = None) -> "DiskContent | None":
        path = self.kept(name)
        if self._openings.locked():
            raise FilesBusyError
        await self._openings.acquire()
        opening = asyncio.ensure_future(self.do(_opened, path))
        content = None
        try:
            descriptor = await asyncio.shield(opening)
            if descriptor is not None:
                content = DiskContent(self, descriptor, span, self._openings.release)
        except asyncio.CancelledError:
            opening.add_done_callback(_closed)
            raise
        finally:
            if content is None:
                self._openings.release()
        return content

    async def remove(self, names: Collection[str]) -> None:
        await self.do(_removed, [self.kept(name) for name in names])

    async def names(self) -> AsyncIterator[tuple[str, ...]]:
        for folder in await self.do(_listed, self._kept):
            yield tuple(name for name in await self.do(_listed, self._kept / folder) if is_uuid(name))


class DiskDraft:
    """`ports.Draft`: files under `arriving`, which move to `kept` when they are whole and on the disk."""

    def __init__(self, files: DiskFiles, name: str, thumbnails: Thumbnails) -> None:
        self._files = files
        self._names = [name]
        self._thumbnails = thumbnails
        self._file: BinaryIO | None = None
        self._is_kept = False
        # A caller that gives up leaves its last write in its thread: the discarding waits for it.
        self._lock = threading.Lock()

    async def write(self, chunk: bytes) -> None:
        await self._files.do(self._write, chunk)

    async def scaled(self, name: str, box: Box) -> int | None:
        await self._files.do(self._flush)
        drawn = await self._thumbnails.drawn(self._files.arriving(self._names[0]), box)
        if drawn is None:
            return None
        self._names.append(name)
        await self._files.do(_written, self._files.arriving(name), drawn)
        return len(drawn)

    async def keep(self) -> None:
        await self._files.do(self._keep)
        self._is_kept = True

    def discard(self) -> None:
        """Close the file, and remove everything where it was not kept."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            if not self._is_kept:
                _removed(map(self._files.arriving, self._names))
                _removed(map(self._files.kept, self._names))

    def _write(self, chunk: bytes) -> None:
        with self._lock:
            self._opened().write(chunk)

    def _flush(self) -> None:
        with self._lock:
            self._opened().flush()

    def _keep(self) -> None:
        with self._lock:
            file = self._opened()
            file.flush()
            os.fsync(file.fileno())
            for name in self._names:
                final = self._files.kept(name)
                final.parent.mkdir(mode=0o700, exist_ok=True)
                self._files.arriving(name).rename(final)
                _synced(final.parent)
                _synced(final.parent.parent)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = _created(self._files.arriving(self._names[0]))
        return self._file


class DiskContent:
    """`model.http.Content`: an open file, which stays readable when its name is removed."""

    def __init__(self, files: DiskFiles, descriptor: int, span: Span | None, closed: Callable[[], None]) -> None:
        self._files = files
        self._descriptor = descriptor
        self._at = span.first if span else 0
        self._end = self._at + span.length if span else None
        self._closed: Callable[[], None] | None = closed
        self._lock = threading.Lock()

    async def read(self) -> bytes:
        piece = await self._files.do(self._read)
        self._at += len(piece)
        return piece

    async def close(self) -> None:
        if self._closed is not None:
            closed, self._closed = self._closed, None
            closed()
            await self._files.do(self._close)

    def _read(self) -> bytes:
        most = PIECE_BYTES if self._end is None else min(PIECE_BYTES, self._end - self._at)
        with self._lock:
            return os.pread(self._descriptor, most, self._at)

    def _close(self) -> None:
        # Never while a thread reads it: its number could be somebody else's by then.
        with self._lock:
            os.close(self._descriptor)


def _opened(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY)
    return None


def _closed(opening: "asyncio.Future[int | None]") -> None:
    """Close what was opened for a caller who has given up meanwhile."""
    if not opening.cancelled() and opening.exception() is None and (descriptor := opening.result()) is not None:
        os.close(descriptor)


def _checked(name: str) -> str:
    if not is_uuid(name):
        raise ValueError("a file is kept under a uuid of our own")
    return name


def _prepared(arriving: Path, kept: Path) -> None:
    for folder in (arriving, kept):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _removed(arriving / name for name in _listed(arriving))
    _synced(arriving.parent)


def _listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _removed(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _synced(folder: Path) -> None:
    """Make the folder's entries survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _created(path: Path) -> BinaryIO:
    """Create a file that is its owner's alone; it must not be there yet."""
    return open(path, "xb", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _written(path: Path, content: bytes) -> None:
    with _created(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
