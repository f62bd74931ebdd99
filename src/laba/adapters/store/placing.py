"""What follows from a dispatch's place, in the same transaction: a campaign, a push, or a message is withdrawn."""

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import campaignstatements, statements
from laba.adapters.store.pushes import cancel_push, queue_push
from laba.adapters.store.rows import targets_text
from laba.adapters.store.statements import Hot
from laba.adapters.store.tables import State
from laba.model.dispatch import Audience, Dispatch
from laba.model.targets import Targets

_EVERYBODY = Targets()


class Placing:
    """Gives a dispatch its place, and does what comes with it."""

    def __init__(self) -> None:
        self._place = Hot(statements.PLACE)
        self._begin = Hot(campaignstatements.BEGIN)
        self._enrol = Hot(campaignstatements.ENROL)
        self._recall = Hot(statements.RECALL)
        self._end_walk = Hot(campaignstatements.END_WALK)

    def place(self, connection: Connection, dispatch: Dispatch, stream: int, offset: int) -> bool:
        """Tell whether it was waiting for its place; where it was not, nothing is done."""
        place = {"dispatch": dispatch.id, "place_stream": stream, "place_offset": offset}
        if self._place.run(connection, place | {"state": State.PLACED.value}).rowcount != 1:
            return False
        if dispatch.audience is Audience.TARGETS:
            self._begin_campaign(connection, dispatch, stream, offset)
        queue_push(connection, dispatch)
        if dispatch.recalls is not None:
            cancel_push(connection, dispatch.recalls)
            self._recall.run(connection, {"recalled": dispatch.recalls, "the_app": dispatch.app_uuid})
            self._end_walk.run(connection, {"dispatch": dispatch.recalls})
        return True

    def _begin_campaign(self, connection: Connection, dispatch: Dispatch, stream: int, offset: int) -> None:
        """Where users are named there is nobody to look for: those who are registered have it now."""
        targets = dispatch.targets or _EVERYBODY
        campaign = {
            "dispatch": dispatch.id,
            "app_uuid": dispatch.app_uuid,
            "stream": stream,
            "offset": offset,
            "accepted_at_ms": dispatch.accepted_at_ms,
            "targets": targets_text(targets) if targets.users is None else None,
            "walking": targets.users is None,
        }
        self._begin.run(connection, campaign)
        if targets.users is not None:
            users = msgspec.json.encode(sorted(targets.users)).decode()
            self._enrol.run(connection, {"dispatch": dispatch.id, "users": users})
