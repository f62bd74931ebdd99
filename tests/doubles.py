"""Stand-ins for what takes messages on, for tests of what comes before it."""

from dataclasses import dataclass, field


@dataclass
class Lanes:
    """Collects what it is given, in order: messages with their streams, and broadcasts."""

    messages: list = field(default_factory=list)
    broadcasts: list = field(default_factory=list)
    raised: list = field(default_factory=list)
    rejected: list = field(default_factory=list)

    def put(self, stream, message, *, raised=False):
        self.messages.append((stream, message))
        self.raised.append(raised)

    def reject(self, stream, message):
        self.rejected.append((stream, message))

    async def broadcast(self, dispatch):
        self.broadcasts.append(dispatch)
