"""Whom a push is for, as a predicate over users and their devices (P4)."""

from dataclasses import dataclass

# P4: what a call may name at most.
USERS_LIMIT = 1000
TAGS_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Targets:
    """Users by name, or by criteria that must all hold; without either, everybody.

    `tags` are wanted all, of `any_tags` one is enough; an empty set asks for nothing. `package` wants a device or a
    live session of that package. `platforms` are lower case, and choose among the sessions of those users: one that
    declared another is passed over; empty, none is.
    """

    users: frozenset[str] | None = None
    tags: frozenset[str] = frozenset()
    any_tags: frozenset[str] = frozenset()
    package: str | None = None
    platforms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """What of a user its targets are chosen by. `packages` are those of its devices and live sessions."""

    name: str
    tags: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
