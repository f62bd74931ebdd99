"""The message types that an app has defined itself: what each does to the clients that get it (R8)."""

from collections.abc import Mapping
from typing import Any, Final

from laba.dialects.native.members import Members, invalid
from laba.model.app import App
from laba.model.flags import Flags
from laba.model.refusal import Code

# R3: how long a type's name may be.
NAME_MAX: Final = 32
TYPES_MAX: Final = 200
_PROPERTIES: Final = ("stored", "counted", "offline", "pushed")


def read(members: Members, app: App | None) -> dict[str, Flags | None]:
    """Read `types`: by its name each type's properties, or null for the default ones; what is absent is true.

    A type that is stored becomes the conversation's last message. More than 200 in the end are refused.
    """
    types = members.members("types")
    changes = {name: _flags(types, name) for name in types}
    before = {} if app is None else app.policy.types
    after = [flags for flags in {**before, **changes}.values() if flags is not None]
    if changes and len(after) > TYPES_MAX:
        raise invalid("types", f"would be {len(after)} with these: at most {TYPES_MAX}", Code.LIST_SIZE_WRONG)
    return changes


def shown(types: Mapping[str, Flags]) -> dict[str, Any]:
    """Show types as they are read."""
    return {name: {each: getattr(flags, each) for each in _PROPERTIES} for name, flags in sorted(types.items())}


def _flags(types: Members, name: str) -> Flags | None:
    if not 1 <= len(name) <= NAME_MAX:
        raise invalid(types.path(name), f"must have a name of 1 to {NAME_MAX} characters")
    if types.value(name) is None:
        return None
    properties = types.members(name)
    for each in properties:
        if each not in _PROPERTIES:
            raise invalid(properties.path(each), f"is no property: there is {', '.join(_PROPERTIES)}")
    stored, counted, offline, pushed = (_is_on(properties, each) for each in _PROPERTIES)
    return Flags(stored=stored, counted=counted, pushed=pushed, updates_last=stored, offline=offline)


def _is_on(properties: Members, name: str) -> bool:
    return properties.optional_flag(name, otherwise=True)
