"""Files: taken in piece by piece, given out piece by piece, and gone when their time is over (E12)."""

import asyncio
import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from laba.core import fetching, passwords, sniffing
from laba.model.app import App
from laba.model.chatfile import StoredFile, Thumbnail, is_uuid, plain_name
from laba.model.content import Content
from laba.model.filecalls import Arrived, FileGiven, FileKept, FileUnchanged, GetFile, Upload
from laba.model.refusal import Code, Refusal
from laba.ports import Draft, FileRecords, Files, FilesBusyError, StoreBusyError
from laba.service.ground import Ground

# An image that is no larger is its own thumbnail (vendor-apis.md 3.1).
_SMALL_BYTES = 10_240
# How long an expired file is still told from one that never was.
_REMEMBERED_MS = 30 * 86_400_000
_SWEEP_SECONDS = 60.0
_SWEPT_AT_ONCE = 100
_LINKED = re.compile(r"/chatfiles/([0-9A-Fa-f-]{36})(?![0-9A-Fa-f-])")

# Takes the next bytes of a file, or says why it does not.
Take = Callable[[bytes], Awaitable[Refusal | None]]


class PartSource(Protocol):
    """A multipart body, not read yet."""

    async def pour(self, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal: ...


@dataclass(frozen=True, slots=True)
class FileRules:
    """How large a file may be, how long it is kept (0: for ever), how much all may hold together (0: anything)."""

    limit_bytes: int
    keep_ms: int
    total_limit_bytes: int


class _Space:
    """How much all files hold together, those on their way in too; `limit_bytes` 0 is no limit."""

    __slots__ = ("_limit_bytes", "held_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def take(self, size_bytes: int) -> bool:
        """Take some of it, where there is so much."""
        if self._limit_bytes and self.held_bytes + size_bytes > self._limit_bytes:
            return False
        self.held_bytes += size_bytes
        return True


class _Arrival:
    """One file on its way in: its names, its first bytes, and how many there are."""

    def __init__(self, names: tuple[str, str], space: _Space) -> None:
        self.uuid, self.thumbnail_uuid = self.names = names
        self.head = b""
        self.size_bytes = 0
        self.is_kept = False
        self._space = space
        self._draft: Draft | None = None

    @property
    def draft(self) -> Draft:
        if self._draft is None:
            raise RuntimeError("nothing can arrive before there is a draft")
        return self._draft

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self._draft = draft

    async def take(self, chunk: bytes) -> Refusal | None:
        if not self._space.take(len(chunk)):
            return Refusal(Code.FILES_FULL, "there is no room for more files", subject="the space for files")
        self.size_bytes += len(chunk)
        if len(self.head) < sniffing.SNIFFED_BYTES:
            self.head += chunk[: sniffing.SNIFFED_BYTES - len(self.head)]
        await self.draft.write(chunk)
        return None

    def end(self) -> None:
        """Give back the space that was taken, where nothing was kept in it."""
        if not self.is_kept:
            self._space.held_bytes -= self.size_bytes


class ChatFiles:
    """All files of all apps. What it knows of how much they hold begins with `load`."""

    def __init__(self, files: Files, records: FileRecords, rules: FileRules, ground: Ground) -> None:
        self._files = files
        self._records = records
        self._rules = rules
        self._ground = ground
        self._space = _Space(rules.total_limit_bytes)
        # Their bytes may be kept already while the store does not know them yet.
        self._arriving: set[_Arrival] = set()

    async def load(self) -> None:
        self._space.held_bytes = await self._records.bytes_held()
        self._measure()

    # --- in --------------------------------------------------------------------------------------------------------

    async def take(self, upload: Upload, app: App, body: PartSource) -> FileKept | Refusal:
        """Keep a file; when this returns it survives power loss. Raises what the ports raise: nothing is kept."""
        arrival = _Arrival((self._new_uuid(), self._new_uuid()), self._space)
        self._arriving.add(arrival)
        try:
            async with self._files.draft(arrival.uuid) as draft:
                arrival.draft = draft
                arrived = await body.pour(upload.part, self._rules.limit_bytes, arrival.take)
                if isinstance(arrived, Refusal):
                    return arrived
                return FileKept(await self._kept(upload, app, arrived, arrival))
        except FilesBusyError:
            return _busy("taken in")
        finally:
            self._arriving.discard(arrival)
            arrival.end()
            self._measure()

    async def _kept(self, upload: Upload, app: App, arrived: Arrived, arrival: _Arrival) -> StoredFile:
        media_type = sniffing.media_type(arrival.head)
        thumbnail = await self._thumbnail(upload, arrival, media_type)
        now_ms = self._ground.clock()
        file = StoredFile(
            uuid=arrival.uuid,
            app_uuid=app.uuid,
            filename=plain_name(arrived.filename),
            media_type=media_type,
            size_bytes=arrival.size_bytes,
            secret=urlsafe_b64encode(self._ground.entropy(18)).decode(),
            restricted=upload.restricted,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + self._rules.keep_ms if self._rules.keep_ms else None,
            thumbnail=thumbnail,
        )
        # First the bytes, then the record: what is known can be fetched. The other way round is swept (`strays`).
        await arrival.draft.keep()
        try:
            await self._records.add(file)
        except BaseException:
            await self._files.remove(file.names)
            raise
        arrival.is_kept = True
        self._space.held_bytes += file.bytes_held - file.size_bytes
        self._ground.meter.count("laba_files_received_total")
        return file

    async def _thumbnail(self, upload: Upload, arrival: _Arrival, media_type: str) -> Thumbnail | None:
        if not sniffing.is_image(media_type) or arrival.size_bytes <= _SMALL_BYTES:
            return None
        size_bytes = await arrival.draft.scaled(arrival.thumbnail_uuid, upload.box)
        return None if size_bytes is None else Thumbnail(arrival.thumbnail_uuid, size_bytes)

    def _new_uuid(self) -> str:
        return str(UUID(bytes=self._ground.entropy(16), version=4))

    # --- out -------------------------------------------------------------------------------------------------------

    async def give(self, call: GetFile, app: App) -> FileGiven | FileUnchanged | Refusal:
        """Give a file, opened, to whoever may have it. The secret is asked for before anything else is told."""
        uuid = call.uuid.lower()
        file = await self._records.find(uuid) if is_uuid(uuid) else None
        if file is None or file.app_uuid != app.uuid:
            return _unknown(call)
        if file.restricted and not passwords.equal(call.secret or "", file.secret):
            reason = "the file is restricted; send its secret as the header share-secret"
            return Refusal(Code.FILE_SECRET_WRONG, reason, field="share-secret")
        if file.is_expired(self._ground.clock()):
            return Refusal(Code.FILE_EXPIRED, f"the file {uuid} has expired", subject=uuid)
        shown = _thumbnail_of(file) if call.thumbnail else _itself(file)
        return _unknown(call) if shown is None else await self._given(call, shown)

    async def _given(self, call: GetFile, shown: FileGiven) -> FileGiven | FileUnchanged | Refusal:
        if fetching.is_known(call.conditions, shown.name):
            return FileUnchanged(shown.name)
        if not call.content:
            return shown
        span = fetching.span(call.conditions, shown.name, shown.size_bytes)
        if isinstance(span, Refusal):
            return span
        try:
            content = await self._files.open(shown.name, span)
        except FilesBusyError:
            return _busy("given out")
        if content is None:
            return _unknown(call)
        self._ground.meter.count("laba_files_given_total")
        return replace(shown, span=span, content=content)

    # --- gone ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Remove what nobody can fetch, now and every minute, until cancelled."""
        await self._quietly(self.remove_strays)
        while True:
            await self._quietly(self.sweep)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Remove the bytes of what has expired, and in the end all memory of it."""
        while expired := await self._records.expired(self._ground.clock(), _SWEPT_AT_ONCE):
            await self._files.remove([name for file in expired for name in file.names])
            await self._records.mark_gone([file.uuid for file in expired])
            self._space.held_bytes -= sum(file.bytes_held for file in expired)
            self._ground.meter.count("laba_files_expired_total", len(expired))
            self._measure()
        await self._records.forget(self._ground.clock() - _REMEMBERED_MS)

    async def remove_strays(self) -> None:
        """Remove bytes that no record knows: a process ended after it had kept them, and before it had said so."""
        async for names in self._files.names():
            coming = {name for arrival in self._arriving for name in arrival.names}
            strays = set(names) - coming - await self._records.known(names)
            if strays:
                await self._files.remove(strays)

    async def _quietly(self, chore: Callable[[], Awaitable[None]]) -> None:
        try:
            await chore()
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")

    def _measure(self) -> None:
        self._ground.meter.gauge("laba_files_bytes", self._space.held_bytes)


def _itself(file: StoredFile) -> FileGiven:
    return FileGiven(file.uuid, file.filename, file.media_type, file.size_bytes)


def _thumbnail_of(file: StoredFile) -> FileGiven | None:
    if file.thumbnail is not None:
        return FileGiven(file.thumbnail.uuid, file.filename, "image/jpeg", file.thumbnail.size_bytes)
    is_small = sniffing.is_image(file.media_type) and file.size_bytes <= _SMALL_BYTES
    return _itself(file) if is_small else None


def _unknown(call: GetFile) -> Refusal:
    what = "thumbnail of a file" if call.thumbnail else "file"
    return Refusal(Code.FILE_UNKNOWN, f"there is no such {what} of this app", subject=call.uuid)


def _busy(what: str) -> Refusal:
    return Refusal(Code.OVERLOADED, f"as many files are being {what} as may be", retry_after_seconds=1)


# --- what messages say of files ------------------------------------------------------------------------------------

# Where a content names a file, and where its secret belongs.
_LINKS = (("url", "secret"), ("thumbnail_url", "thumbnail_secret"))


async def lacking(records: FileRecords, content: Content, app: App) -> Refusal | None:
    """Refuse a content that names a restricted file of this app without a secret (E7); None where nothing lacks.

    The store is asked only about what looks like a file's address here. `field` is our name of what lacks.
    """
    for link, secret in _LINKS:
        found = _LINKED.search(str(content.fields.get(link, "")))
        if found is None or content.fields.get(secret):
            continue
        file = await records.find(found[1].lower())
        if file is not None and file.restricted and file.app_uuid == app.uuid:
            return Refusal(Code.FILE_SECRET_MISSING, f"is needed: {link} names a restricted file", field=secret)
    return None
