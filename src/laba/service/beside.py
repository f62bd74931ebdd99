"""What is kept beside messages that pass: what hooks are told of them, and pushes to members who are away (E13)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from laba.core.pushing import wants_push
from laba.model.app import App
from laba.model.dispatch import Dispatch, Submission
from laba.model.letter import Letter
from laba.ports import Rooms, Store
from laba.service.dispatching import Dispatcher
from laba.service.postman import Postman


@dataclass(frozen=True, slots=True)
class Beside:
    """Keeps it in one step, before anything passes: whoever calls again after a fault repeats nothing."""

    store: Store
    rooms: Rooms
    dispatcher: Dispatcher
    postman: Postman

    async def members(self, submission: Submission, app: App) -> Mapping[str, AbstractSet[str]]:
        """Give, for each room, the members who were put into it; no rooms where nothing is pushed."""
        if not wants_push(submission, app):
            return {}
        return {room_id: frozenset(await self.rooms.placed(app.uuid, room_id)) for room_id in submission.rooms}

    async def keep(self, letters: Sequence[Letter], pushes: Sequence[Dispatch]) -> None:
        """Keep both and have them go on. Raises what the store raises: neither was kept."""
        if pushes:
            await self.store.append_all(pushes, letters)
            self.dispatcher.wake()
        elif letters:
            await self.postman.letters.add(letters)
        self.postman.posted(letters)
