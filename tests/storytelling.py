"""A server's life as a story: told with a clock that moves when told to, on real services and a real store."""

from contextlib import AsyncExitStack, asynccontextmanager

from builders import Clock, submission, to_all_users, to_recent_users, to_targets
from houses import Clients, opened
from laba.model.dispatch import Audience, Conversation, ConversationType
from laba.model.recordcalls import ListConversations, MarkRead, Recall
from laba.model.stream import Position
from laba.model.targets import Targets
from laba.model.usercalls import SetTags

ADMIN = Conversation(ConversationType.APP, "admin")
SECOND = 1000


class Story:
    """One server's life after the other on one data directory; everyone logs in by name."""

    def __init__(self, directory):
        self.clock = Clock()
        self._directory = directory
        self._lives = AsyncExitStack()
        self._sent = 0

    async def begin(self):
        """Start a server; an earlier one is simply not there any more, as after kill -9."""
        self.house = await self._lives.enter_async_context(opened(self._directory, self.clock))
        self.clients = Clients(self.house)
        self._bus = self.house.bus.subscribe()

    async def end(self):
        await self._lives.aclose()

    def later(self, seconds):
        self.clock.pass_ms(round(seconds * SECOND))

    async def login(self, user, device="phone", had=None, **described):
        """Log a user's device in, with the position behind the last message it had, or with none."""
        position = None
        if had is not None:
            position = Position((await self.clients.fanout.open_app(self.house.app)).position.epoch, had)
        return await self.clients.entered(self.house.foreign_token(user), position, device, **described)

    def drop(self, *sessions):
        for session in sessions:
            self.clients.sessions.leave(session)

    def pong(self, session):
        session.pinged = session.written
        self.clients.sessions.confirm(session)

    async def broadcast(self, made=submission, **how):
        """Accept a broadcast, give it its place and write it to whoever is there; gives its number in the stream."""
        self.accepted = await self.house.intake.accept(made(**how), self.house.app)
        await self.house.dispatcher.turn()
        await self.clients.deliver(await anext(self._bus))
        self._sent += 1
        return self._sent

    async def to_all(self, text="to all"):
        """Broadcast to all users, whoever is there."""
        return await self.broadcast(to_all_users, text=text)

    async def to_recent(self, text="to whoever comes in time"):
        """Broadcast to those online, and to whoever comes within the window."""
        return await self.broadcast(to_recent_users, text=text)

    async def push(self, text="to some", **targets):
        """Send to chosen users, and put it into the inboxes of them all."""
        offset = await self.broadcast_targets(text, **targets)
        await self.walk()
        return offset

    async def broadcast_targets(self, text="to some", **targets):
        """Send to chosen users, and leave the walk through the others for later."""
        return await self.broadcast(to_targets, text=text, targets=Targets(**targets))

    async def walk(self):
        """Walk through the registered users to the end, for every campaign."""
        while await self.house.recruiting.turn():
            pass

    async def tagged(self, tags, *users):
        await self.house.desk.serve(SetTags(users, tags), self.house.app)
        await self.clients.deliver(await anext(self._bus))

    async def recall(self, dispatch_id):
        """Withdraw what was sent, and write the word of it to whoever is there."""
        audiences = frozenset(Audience)
        answer = await self.house.recalling.recall(Recall(dispatch_id, audiences), self.house.app)
        await self.send_the_rest()
        self._sent += 1
        return answer

    async def tidy(self):
        """Write down what a server writes every second, and forget what it forgets after a while."""
        await self.house.attending.write()
        await self.house.inboxes.write()
        self.clients.sessions.trim()
        self.clients.fanout.trim()

    async def accept(self, made=submission):
        """Accept a broadcast that the server does not come to send."""
        await self.house.intake.accept(made(), self.house.app)
        self._sent += 1
        return self._sent

    async def send_the_rest(self):
        await self.house.dispatcher.turn()
        await self.clients.deliver(await anext(self._bus))

    async def conversations(self, user):
        """Give a user's list as (sender, unread, text of the last message)."""
        answer = await self.house.reader.list(ListConversations(user, 20), self.house.app)
        return [(each.conversation.id, each.unread, text_of(each.last_message)) for each in answer.conversations]

    async def has_read(self, user, conversation=ADMIN):
        await self.house.reader.mark_read(MarkRead(user, conversation), self.house.app)

    async def registered(self, *users):
        for user in users:
            await self.house.registered(user)


def text_of(message):
    return None if message is None else message.partition(b'"text":"')[2].partition(b'"')[0].decode()


@asynccontextmanager
async def told(directory):
    """Give a story that has begun, and end it."""
    story = Story(directory)
    await story.begin()
    try:
        yield story
    finally:
        await story.end()
