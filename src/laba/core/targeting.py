"""Who is meant by targets, and on which of their sessions (P4)."""

from collections.abc import Set as AbstractSet

from laba.model.targets import Targets

NONE: frozenset[str] = frozenset()
# A browser is no device to push to; what it shows is shown all the same.
_EVERYWHERE = "web"


def includes(targets: Targets, name: str, tags: AbstractSet[str], packages: AbstractSet[str]) -> bool:
    """Tell whether a user is meant. Names decide alone; else every criterion that is given must hold."""
    if targets.users is not None:
        return name in targets.users
    return (
        targets.tags <= tags
        and (not targets.any_tags or not targets.any_tags.isdisjoint(tags))
        and (targets.package is None or targets.package in packages)
    )


def reaches(targets: Targets | None, platform: str | None) -> bool:
    """Tell whether a session may have it: one that declared `web`, or nothing, always may."""
    if targets is None or not targets.platforms or platform is None:
        return True
    declared = platform.lower()
    return declared == _EVERYWHERE or declared in targets.platforms
