"""What the suites of Store and Streams are run against, and the values they keep in it."""

import sys
from pathlib import Path

from laba.adapters.store.sqlite import SqliteStore
from laba.model.app import App, AppKeys, AppName, AppPolicy, QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, ConversationType, Dispatch
from laba.model.flags import Flags
from laba.model.stream import Stream
from laba.model.targets import Targets
from laba.model.user import User

APP_STREAM = Stream("app-1", "app")
EVERYBODY = Targets()

_APPENDING = """
import anyio, os, sys, pathlib

sys.path.insert(0, sys.argv[2])
from contracts.stores import SqliteStore, dispatch

async def caller(store, first):
    for number in range(first, 1_000_000, 20):
        await store.append(dispatch(number))
        print(number, flush=True)

async def main():
    opening = SqliteStore.open(pathlib.Path(sys.argv[1]), entropy=os.urandom)
    async with opening as store, anyio.create_task_group() as callers:
        for first in range(1, 21):
            callers.start_soon(caller, store, first)

anyio.run(main)
"""

_WALKING = """
import anyio, os, sys, pathlib

sys.path.insert(0, sys.argv[2])
from contracts.stores import SqliteStore

async def main():
    async with SqliteStore.open(pathlib.Path(sys.argv[1]), entropy=os.urandom) as store:
        while walking := await store.campaigns.walking():
            page = await store.campaigns.recruits(walking[0], 7)
            names = [recruit.name for recruit in page]
            await store.campaigns.enrol(walking[0], names, names[-1] if names else None)
            print(len(names), flush=True)

anyio.run(main)
"""


class SqliteStores:
    """One SQLite file, opened again and again."""

    def __init__(self, directory):
        self.path = directory / "laba.db"
        self._epochs = iter(range(1, 1000))

    def open(self, **bounds):
        return SqliteStore.open(self.path, entropy=lambda n: next(self._epochs).to_bytes(n, "big"), **bounds)

    def appending_program(self):
        """Give the arguments of a program that keeps dispatches for ever and prints the id of each kept one."""
        return self._program(_APPENDING)

    def walking_program(self):
        """Give the arguments of a program that enrols everybody, seven at a time, and prints how many those were."""
        return self._program(_WALKING)

    def _program(self, text):
        return [sys.executable, "-c", text, str(self.path), str(Path(__file__).parents[1])]


def app(uuid="app-1", name="org/one", policy=None, created_at_ms=1):
    keys = AppKeys(
        app_id=f"id {uuid}",
        app_key="key",
        client_id=f"client {uuid}",
        app_certificate="certificate",
        app_secret="secret",
        client_secret="client secret",
        token_key=bytes(range(32)),
    )
    return App(uuid, AppName.parse(name), keys, created_at_ms, policy or AppPolicy())


def user(name="ann", app_uuid="app-1", **rest):
    return User(
        app_uuid, name, **{"uuid": f"uuid of {name}", "created_at_ms": 1, "modified_at_ms": 2, "epoch": 3} | rest
    )


def dispatch(number, accepted_at_ms=None, **rest):
    return Dispatch(
        **{
            "id": number,
            "app_uuid": "app-1",
            "accepted_at_ms": number if accepted_at_ms is None else accepted_at_ms,
            "sender": "admin",
            "content": Content(Kind.TXT, {"text": "hello"}),
            "flags": Flags(stored=True, counted=True, pushed=True, updates_last=True),
            "audience": Audience.ONLINE_USERS,
            "quota": QuotaName.USERS_BROADCAST,
        }
        | rest
    )


def to_chosen(number, accepted_at_ms=None, *, targets=EVERYBODY, **rest):
    """Give a dispatch to chosen users; without targets, to everybody who is registered."""
    chosen = {"audience": Audience.TARGETS, "quota": QuotaName.PUSH, "conversation": ConversationType.SYSTEM}
    return dispatch(number, accepted_at_ms, targets=targets, **chosen | rest)


def recalling(number, recalled, accepted_at_ms=None, **rest):
    """Give the word that another dispatch is withdrawn, to everybody who may have it."""
    word = {
        "content": Content(Kind.NOTICE, {"operation": "recall", "data": {"id": str(recalled)}}),
        "flags": Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=True),
        "audience": Audience.ALL_USERS,
        "quota": QuotaName.RECALLS,
    }
    return dispatch(number, accepted_at_ms, recalls=recalled, **word | rest)


def ids(dispatches):
    return [dispatch.id for dispatch in dispatches]
