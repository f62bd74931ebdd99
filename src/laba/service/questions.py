"""What a client asks by rpc, and what it is answered."""

from typing import Generic, TypeVar

from laba.core.session import Session
from laba.model.session import Ask, Denial, Denied, Told

Link = TypeVar("Link")


class Questions(Generic[Link]):
    """Answers the rpc methods of a session's user."""

    async def answer(self, session: Session[Link], ask: Ask) -> Told | Denied:  # noqa: ARG002
        return Denied(ask.request_id, Denial.METHOD_NOT_FOUND)
