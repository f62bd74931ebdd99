"""Plays the Autobahn cases, one connection each, and prints one line of JSON per case.

    fuzzer.py CASES PORT [GROUP ...]

Runs in the environment that suite.py prepares. The suite's own driver is not used: it is Python 2, as its cases are,
but large, and what a case needs of it is little.
"""

import importlib
import json
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from octets import ENCODING, octets
from twisted.internet import reactor

_CASE_NAME = re.compile(r"Case(\d+(?:_\d+)+)")
CaseId = tuple[int, ...]


def _classes(base: type) -> Iterator[type]:
    subclasses: list[type] = base.__subclasses__()
    for found in subclasses:
        yield found
        yield from _classes(found)


def load(folder: Path, groups: set[int]) -> dict[CaseId, type]:
    """Give the cases of these groups in order; of all where none is named."""
    sys.path.append(str(folder))
    for path in sorted(folder.glob("case*.py")):
        importlib.import_module(path.stem)
    cases = {}
    for found in _classes(importlib.import_module("case").Case):
        if name := _CASE_NAME.fullmatch(found.__name__):
            number = tuple(map(int, name[1].split("_")))
            if not groups or number[0] in groups:
                cases[number] = found
    return dict(sorted(cases.items()))


class Player(WebSocketClientProtocol):  # type: ignore[misc]
    """One connection, and the `p` of its case: the names in camel case are what the cases call."""

    def __init__(self, case: type, report: Callable[["Player"], None]) -> None:
        super().__init__()
        self.case = case(self)
        self.connectionWasOpen = False
        self.txFrameStats: Counter[int] = Counter()
        self.createWirelog = False
        self.broken = ""
        self._message = bytearray()
        self._expected: deque[bytearray] = deque()
        self._report = report

    # --- what the peer does ----------------------------------------------------------------------------------------

    def onOpen(self) -> None:
        self.connectionWasOpen = True
        self._ask(self.case.onOpen)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # Group 9 looks at no more than the size of what comes back.
        if not self._expected or payload != self._expected.popleft():
            self.broken = "what came back is not what was sent"
        self._ask(self.case.onMessage, payload.decode(ENCODING), isBinary)

    def onPong(self, payload: bytes) -> None:
        self._ask(self.case.onPong, payload.decode(ENCODING))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._ask(self.case.onClose, wasClean, code, reason)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self._ask(self.case.onConnectionLost, self.failedByMe)
        self._report(self)

    def _ask(self, step: Callable[..., None], *arguments: object) -> None:
        # An error here is ours, and must not look like a peer that kept silent.
        try:
            step(*arguments)
        except Exception as error:
            self.broken = f"the case broke: {error!r}"
            self.dropConnection(abort=True)

    # --- what a case does ------------------------------------------------------------------------------------------

    def enableWirelog(self, enable: bool) -> None:
        """Nothing is logged."""

    def continueLater(self, delay: float, step: Callable[[], None], tag: str | None = None) -> None:
        self._later(delay, step)

    def killAfter(self, delay: float) -> None:
        self._later(delay, self._fail_connection)

    def closeAfter(self, delay: float) -> None:
        self._later(delay, self.sendClose)

    def _later(self, delay: float, step: Callable[[], None]) -> None:
        reactor.callLater(delay, self._unless_closed, step)

    def _unless_closed(self, step: Callable[[], None]) -> None:
        if self.state != self.STATE_CLOSED:
            self._ask(step)

    def sendFrame(
        self,
        opcode: int,
        payload: str | bytes = b"",
        fin: bool = True,
        payload_len: int | None = None,
        **rest: Any,
    ) -> None:
        data = octets(payload)
        if payload_len:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        elif payload_len == 0:
            data = b""
        self.txFrameStats[opcode] += 1
        if opcode < 8:
            self._message += data
            if fin:
                self._expected.append(self._message)
                self._message = bytearray()
        super().sendFrame(opcode, data, fin, **rest)

    def sendMessage(self, payload: str | bytes, isBinary: bool = False, **rest: Any) -> None:
        super().sendMessage(octets(payload), isBinary, **rest)

    def sendMessageFrameData(self, payload: str | bytes, **rest: Any) -> None:
        super().sendMessageFrameData(octets(payload), **rest)

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: str | bytes | None = None, isReply: bool = False
    ) -> None:
        super().sendCloseFrame(code, None if reasonUtf8 is None else octets(reasonUtf8), isReply)


class Play(WebSocketClientFactory):  # type: ignore[misc]
    """Plays one case after the other."""

    noisy = False

    def __init__(self, url: str, cases: dict[CaseId, type]) -> None:
        super().__init__(url)
        # The library rounds down when a timeout ends, to the second: its default of one second may be no time at all.
        self.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=3)
        self._waiting = list(cases.items())
        self._number: CaseId = ()
        self._began = 0.0

    def begin(self) -> None:
        if not self._waiting:
            reactor.stop()
            return
        self._number, self._case = self._waiting.pop(0)
        self._began = time.monotonic()
        connectWS(self)

    def buildProtocol(self, addr: object) -> Player:
        player = Player(self._case, self._ended)
        player.factory = self
        return player

    def clientConnectionFailed(self, connector: object, reason: Any) -> None:
        print(f"no connection for case {self._number}: {reason.getErrorMessage()}", file=sys.stderr)
        reactor.stop()

    def _ended(self, player: Player) -> None:
        case = player.case
        result = {
            "id": ".".join(map(str, self._number)),
            "behavior": "BROKEN" if player.broken else case.behavior,
            "closing": case.behaviorClose,
            "result": player.broken or case.result,
            "result_of_closing": case.resultClose,
            "close_code": player.remoteCloseCode,
            "unclean": player.wasNotCleanReason,
            "milliseconds": round((time.monotonic() - self._began) * 1000),
        }
        print(json.dumps(result), flush=True)
        reactor.callLater(0, self.begin)


def main() -> None:
    folder, port, *groups = sys.argv[1:]
    play = Play(f"ws://127.0.0.1:{port}", load(Path(folder), set(map(int, groups))))
    reactor.callWhenRunning(play.begin)
    reactor.run()


if __name__ == "__main__":
    main()
