"""Pushes on their way, in the same file: a row for each push and provider, and one for each device to try again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import pushstatements as statements
from laba.adapters.store import rows
from laba.adapters.store.statements import Hot
from laba.adapters.store.worker import Worker
from laba.model.dispatch import Dispatch
from laba.model.provider import Provider
from laba.model.push import Counts, JobHead, JobState, Progress, PushJob, PushReport, PushTarget

_JOB: Final = len(statements.JOB_COLUMNS)
_TARGETS: Final = msgspec.json.Decoder(list[tuple[str, str, str, str | None, str | None, int, int]])
_NAMES: Final = msgspec.json.Decoder(frozenset[str])
_COUNTS: Final = msgspec.json.Decoder(dict[str, int])
_NONE: Final[frozenset[str]] = frozenset()


class SqlitePushes:
    """`ports.pushing.Pushes` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader
        self._page = Hot(statements.PAGE)
        self._page_of_users = Hot(statements.PAGE_OF_USERS)
        self._due = Hot(statements.DUE)
        self._jobs = Hot(statements.JOBS)
        self._job = Hot(statements.JOB)

    # --- beginning and ending --------------------------------------------------------------------------------------

    async def unopened(self, limit: int) -> tuple[tuple[int, str], ...]:
        def read(connection: Connection) -> tuple[tuple[int, str], ...]:
            return tuple(
                (dispatch, app) for dispatch, app in connection.execute(statements.UNOPENED, {"most": limit})
            )

        return await self._reader.do(read)

    async def open(self, dispatch_id: int, providers: Sequence[str]) -> None:
        begun = {"dispatch": dispatch_id, "providers": _json(list(providers))}

        def write(connection: Connection) -> None:
            if connection.execute(statements.OPENED, {"dispatch": dispatch_id}).rowcount:
                connection.execute(statements.BEGIN_JOBS, begun)

        await self._writer.do(write)

    async def jobs(self) -> tuple[JobHead, ...]:
        def read(connection: Connection) -> tuple[JobHead, ...]:
            return tuple(map(_head, self._jobs.run(connection, {})))

        return await self._reader.do(read)

    async def job(self, number: int) -> PushJob | None:
        def read(connection: Connection) -> PushJob | None:
            row = self._job.run(connection, {"job": number}).fetchone()
            return None if row is None else _job(row)

        return await self._reader.do(read)

    async def end(self, job: PushJob, state: JobState) -> None:
        def write(connection: Connection) -> None:
            connection.execute(statements.END_JOB, {"job": job.number, "state": state.value})
            connection.execute(statements.FORGET_RETRIES_OF_JOB, {"job": job.number})

        await self._writer.do(write)

    async def set_state(self, dispatch_id: int, state: JobState) -> int:
        def write(connection: Connection) -> int:
            return _set_state(connection, dispatch_id, state)

        return await self._writer.do(write)

    # --- the walk --------------------------------------------------------------------------------------------------

    async def page(
        self, job: PushJob, provider: Provider, others: Sequence[str], limit: int
    ) -> tuple[PushTarget, ...]:
        (user, device), targets = job.cursor, job.dispatch.targets
        package = provider.package or (targets.package if targets is not None else None) or ""
        asked: dict[str, object] = {
            "app_uuid": job.dispatch.app_uuid,
            "kind": provider.kind,
            "sandbox": provider.sandbox,
            "package": package,
            "others": _json(list(others)),
            "user": user,
            "device": device,
            "most": limit,
        }
        statement = self._page
        if targets is not None and targets.users is not None:
            statement = self._page_of_users
            asked["names"] = rows.names_text(targets.users)
        return await self._reader.do(lambda connection: _targets(connection, statement, asked))

    async def due(self, job: PushJob, provider: Provider, now_ms: int, limit: int) -> tuple[PushTarget, ...]:
        asked = {"app_uuid": job.dispatch.app_uuid, "job": job.number, "now_ms": now_ms, "most": limit}
        asked |= {"kind": provider.kind, "sandbox": provider.sandbox, "package": provider.package}
        return await self._reader.do(lambda connection: _targets(connection, self._due, asked))

    async def next_due_ms(self, job: PushJob) -> int | None:
        def read(connection: Connection) -> int | None:
            due_ms: int | None = connection.execute(statements.NEXT_DUE, {"job": job.number}).scalar_one()
            return due_ms

        return await self._reader.do(read)

    async def advance(self, job: PushJob, progress: Progress) -> JobState:
        return await self._writer.do(lambda connection: _advance(connection, job, progress))

    # --- what became of it -----------------------------------------------------------------------------------------

    async def reports(self, dispatch_id: int) -> tuple[PushReport, ...]:
        def read(connection: Connection) -> tuple[PushReport, ...]:
            return tuple(map(_report, connection.execute(statements.REPORTS, {"dispatch": dispatch_id})))

        return await self._reader.do(read)

    async def reach(
        self, app_uuid: str, served: Sequence[tuple[str, str, bool]]
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        asked = {"app_uuid": app_uuid, "served": msgspec.json.encode(served).decode()}

        def read(connection: Connection) -> tuple[Mapping[str, int], Mapping[str, int]]:
            found = connection.execute(statements.REACH, asked).all()
            return {row.kind: row.devices for row in found}, {row.kind: row.strays for row in found if row.strays}

        return await self._reader.do(read)


def queue_push(connection: Connection, dispatch: Dispatch) -> None:
    """Have a dispatch that has its place, or is done with, pushed, where it has anything to show."""
    if dispatch.notification is not None:
        connection.execute(statements.QUEUE, {"dispatch": dispatch.id, "app_uuid": dispatch.app_uuid})


def cancel_push(connection: Connection, dispatch_id: int) -> None:
    """End the push of a dispatch that is withdrawn, or never begin it."""
    connection.execute(statements.OPENED, {"dispatch": dispatch_id})
    _set_state(connection, dispatch_id, JobState.CANCELLED)


def _set_state(connection: Connection, dispatch_id: int, state: JobState) -> int:
    given = {"dispatch": dispatch_id, "state": state.value}
    changed: int = connection.execute(statements.SET_STATE, given).rowcount
    if state is JobState.CANCELLED:
        connection.execute(statements.FORGET_RETRIES, {"dispatch": dispatch_id})
    return changed


def _advance(connection: Connection, job: PushJob, progress: Progress) -> JobState:
    counts = progress.counts
    state, text = connection.execute(statements.COUNTED, {"job": job.number}).one()
    rejected = _COUNTS.decode(text)
    for reason, count in counts.rejected.items():
        rejected[reason] = rejected.get(reason, 0) + count
    user, device = progress.cursor or (None, None)
    moved = {
        "job": job.number,
        "user": user,
        "device": device,
        "walked": progress.walked,
        "targeted": counts.targeted,
        "sent": counts.sent,
        "accepted": counts.accepted,
        "retried": counts.retried,
        "rejected": _json(rejected),
    }
    connection.execute(statements.ADVANCE, moved)
    if progress.settled:
        connection.execute(statements.SETTLE, {"job": job.number, "rows": _json(progress.settled)})
    if progress.retries:
        retries = [(one.user, one.device, one.attempts, one.due_at_ms) for one in progress.retries]
        connection.execute(statements.POSTPONE, {"job": job.number, "rows": _json(retries)})
    for dead in progress.dead:
        buried = {name: getattr(dead, name) for name in ("user", "device", "token", "reason", "since_ms")}
        connection.execute(statements.BURY_TOKEN, {"app_uuid": job.dispatch.app_uuid, **buried})
    return JobState(state)


def _targets(connection: Connection, statement: Hot, asked: Mapping[str, object]) -> tuple[PushTarget, ...]:
    (text,) = statement.run(connection, asked).fetchone()
    # Of many users most have the same tags: each text is read once.
    tags: dict[str | None, frozenset[str]] = {None: _NONE}
    found = []
    for user, device, token, platform, held, since_ms, attempts in _TARGETS.decode(text):
        if held not in tags:
            tags[held] = _NAMES.decode(held or "[]")
        found.append(PushTarget(user, device, token, platform or "", tags[held], since_ms, attempts))
    return tuple(found)


def _head(row: Sequence[Any]) -> JobHead:
    number, dispatch, app_uuid, provider, accepted_at_ms, walked = row
    return JobHead(number, dispatch, app_uuid, provider, accepted_at_ms, bool(walked))


def _job(row: Sequence[Any]) -> PushJob:
    """Give the job of a row of its partners, JOB_COLUMNS and DISPATCH_COLUMNS."""
    partners, row = _NAMES.decode(row[0]), row[1:]
    number, provider, user, device, walked = row[:_JOB]
    return PushJob(number, provider, rows.dispatch_of(row[_JOB:]), (user, device), bool(walked), partners)


def _report(row: Sequence[Any]) -> PushReport:
    provider, state, targeted, sent, accepted, retried, rejected, waiting = row
    counts = Counts(targeted, sent, accepted, retried, _COUNTS.decode(rejected))
    return PushReport(provider, JobState(state), counts, waiting)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
