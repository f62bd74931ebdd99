"""What goes first, as the operator of an app decides (E5)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Priorities:
    """What is raised to high, whatever level it asked for: messages of these kinds, and of these senders."""

    high_types: frozenset[str] = frozenset()
    high_members: frozenset[str] = frozenset()

    def raises(self, kind: str, sender: str) -> bool:
        return kind in self.high_types or sender in self.high_members


@dataclass(frozen=True, slots=True)
class PrioritiesChange:
    """What is to go first from now on; what is None stays as it is."""

    high_types: frozenset[str] | None = None
    high_members: frozenset[str] | None = None

    def applied(self, now: Priorities) -> Priorities:
        return Priorities(
            now.high_types if self.high_types is None else self.high_types,
            now.high_members if self.high_members is None else self.high_members,
        )
