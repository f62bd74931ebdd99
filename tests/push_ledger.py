"""What the fakes of push services have in common: what was pushed, who is dead, and what is answered next."""

import asyncio
from dataclasses import dataclass, field


class RefusalError(Exception):
    """Why a request is refused: the status, the service's own word, and what else is said."""

    def __init__(self, status, reason, text="", headers=None):
        super().__init__(f"{status} {reason} {text}")
        self.status, self.reason, self.text, self.headers = status, reason, text, headers or {}


def insist(held, status, reason, text=""):
    """Refuse unless that holds."""
    if not held:
        raise RefusalError(status, reason, text)


@dataclass
class Push:
    """One push as it arrived. A refused one has the status and the reason of the refusal, an accepted one 2xx."""

    token: str
    headers: dict
    payload: object
    status: int = 200
    reason: str = ""


@dataclass(kw_only=True)
class Ledger:
    """A service's memory. `attempts` are all the right and wrong pushes in the order of their arrival.

    `dead` are tokens that are no device's any more. `moods` maps a token, or "*" for any, to what is answered to the
    next right pushes to it, each a (status, reason) or (status, reason, headers); after them it accepts.
    """

    attempts: list = field(default_factory=list)
    pushes: list = field(default_factory=list)
    dead: set = field(default_factory=set)
    moods: dict = field(default_factory=dict)
    url: str = ""
    ca_file: str = ""
    server: object = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def connections(self):
        """Tell how many connections were made to it."""
        return self.server.connections

    async def until(self, count, *, attempts=False):
        """Wait until so many pushes were accepted, or attempted; at most 30 seconds."""
        among = self.attempts if attempts else self.pushes
        async with asyncio.timeout(30):
            while len(among) < count:
                self._news.clear()
                await self._news.wait()

    def note(self, push):
        """Remember an accepted or a refused push."""
        self.attempts.append(push)
        if push.status < 300:
            self.pushes.append(push)
        self._news.set()

    def obey_mood(self, token):
        """Refuse a right push if the next one to this token is to be refused."""
        for key in (token, "*"):
            if waiting := self.moods.get(key):
                status, reason, *headers = waiting.pop(0)
                raise RefusalError(status, reason, "told to", *headers)
