"""What deliveries are made with: a message is written once, and around it once for each codec that is spoken here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from laba.core.membertags import Choice, Choices
from laba.model.dispatch import Dispatch, Message
from laba.model.stream import Position
from laba.service.ground import Ground
from laba.service.outgoing import Outgoing
from laba.service.reporting import Reporting
from laba.service.strain import Strain

# (channel as its client calls it, the message's position, the message as `envelope` wrote it) -> bytes for the wire,
# framing included.
Encoder = Callable[[str, Position, bytes], bytes]

# The canonical message as JSON (design.md section 4).
Envelope = Callable[[Message], bytes]

# Writes that may wait for the writing loop. Then the bus waits, and behind it the ledger and the lanes hold the rest.
_OUTGOING_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Codecs:
    """How messages are written: once as `envelope`, and around it once for each codec that somebody here speaks."""

    envelope: Envelope
    encoders: Mapping[str, Encoder]


@dataclass(frozen=True, slots=True)
class Press:
    """What deliveries are made with, and where they go."""

    codecs: Codecs
    outgoing: Outgoing[Any]
    reporting: Reporting
    ground: Ground
    choices: Choices

    @classmethod
    def of(cls, codecs: Codecs, reporting: Reporting, ground: Ground) -> "Press":
        return cls(codecs, Outgoing(_OUTGOING_LIMIT, Strain()), reporting, ground, Choices())

    def choice(self, dispatch: Dispatch) -> Choice | None:
        """Give which members may see a message, where not all of them may (N8)."""
        return None if dispatch.members is None else self.choices.of(dispatch.members)


class Encoded(dict[str, bytes]):
    """One message in the codecs that were asked for so far."""

    __slots__ = ("_channel", "_codecs", "_data", "_position")

    def __init__(self, channel: str, position: Position, data: bytes, codecs: Codecs) -> None:
        super().__init__()
        self._channel = channel
        self._position = position
        self._data = data
        self._codecs = codecs

    def __missing__(self, codec: str) -> bytes:
        frame = self[codec] = self._codecs.encoders[codec](self._channel, self._position, self._data)
        return frame


class Framed(Protocol):
    """What has its bytes for each codec: a message in a log, or a part of a batch."""

    @property
    def frames(self) -> Mapping[str, bytes]: ...


class Joined(dict[str, bytes]):
    """Several of these as one bytes object, in the codecs that were asked for so far."""

    __slots__ = ("_framed",)

    def __init__(self, framed: Sequence[Framed]) -> None:
        super().__init__()
        self._framed = framed

    def __missing__(self, codec: str) -> bytes:
        frame = self[codec] = b"".join(one.frames[codec] for one in self._framed)
        return frame
