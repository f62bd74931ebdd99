"""A user's conversations, for whoever asks: by rpc or by REST (A2, S5)."""

from dataclasses import dataclass

from laba.model.app import App, Feature
from laba.model.conversation import Listed, Reading
from laba.model.recordcalls import (
    ConversationsListed,
    HistoryRead,
    ListConversations,
    MarkedRead,
    MarkRead,
    ReadHistory,
    Shown,
)
from laba.model.refusal import Refusal
from laba.model.user import User
from laba.ports import Conversations
from laba.service.attending import Attending
from laba.service.press import Envelope
from laba.service.users import Users


@dataclass(frozen=True, slots=True)
class Spans:
    """How long a drop counts as no leaving, and how long what is for whoever comes in time waits (A1, R5)."""

    grace_ms: int
    window_ms: int


class Reader:
    """Reads for one user at a time. Who has just come online is in its own list at once."""

    def __init__(
        self, conversations: Conversations, users: Users, attending: Attending, envelope: Envelope, spans: Spans
    ) -> None:
        self._conversations = conversations
        self._users = users
        self._attending = attending
        self._envelope = envelope
        self._spans = spans

    async def list(self, call: ListConversations, app: App) -> ConversationsListed | Refusal:
        user = await self._user(call.user, app)
        if isinstance(user, Refusal):
            return user
        shelf = await self._conversations.shelf(self._reading(user, call.limit, call.before))
        return ConversationsListed(tuple(map(self._shown, shelf.listed)), shelf.next)

    async def history(self, call: ReadHistory, app: App) -> HistoryRead | Refusal:
        """Give what a conversation held; nothing where the app does not roam."""
        user = await self._user(call.user, app)
        if isinstance(user, Refusal):
            return user
        if not app.policy.has(Feature.ROAMING):
            return HistoryRead((), 0, roaming=False)
        page = await self._conversations.messages(self._reading(user, call.limit, call.before), call.conversation)
        return HistoryRead(tuple(map(self._envelope, page.messages)), page.next, roaming=True)

    async def mark_read(self, call: MarkRead, app: App) -> MarkedRead | Refusal:
        user = await self._user(call.user, app)
        if isinstance(user, Refusal):
            return user
        await self._conversations.mark_read(app.uuid, user.name, call.conversation)
        return MarkedRead(call.conversation)

    async def _user(self, name: str, app: App) -> User | Refusal:
        user = await self._users.known(app, name)
        if isinstance(user, User):
            await self._attending.write()
        return user

    def _reading(self, user: User, limit: int, before: int) -> Reading:
        spans = self._spans
        return Reading(
            user.app_uuid, user.name, user.created_at_ms, spans.grace_ms, limit, before, window_ms=spans.window_ms
        )

    def _shown(self, listed: Listed) -> Shown:
        last = None if listed.last_message is None else self._envelope(listed.last_message)
        return Shown(listed.conversation, listed.unread, last, listed.updated_at_ms, listed.offset)
