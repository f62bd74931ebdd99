"""What every Conversations keeps to. How far back the embedded one looks is tested beside its source."""

from dataclasses import replace

import pytest

from contracts.stores import APP_STREAM, SqliteStores, dispatch, recalling, user
from laba.model.attendance import Seat, Stay
from laba.model.campaign import Received
from laba.model.conversation import Listed, Page, Reading, Shelf
from laba.model.dispatch import Audience, Conversation, ConversationType
from laba.model.flags import Flags
from laba.model.stream import Stream
from laba.model.targets import Targets

pytestmark = pytest.mark.anyio

ANN = Seat("app-1", "ann", "phone")
PASSING = Flags(stored=False, counted=False, pushed=False, updates_last=False)
GRACE_MS = 30
START_MS = 1_000
LONG_AGO_MS = 1
SYSTEM = ConversationType.SYSTEM
WINDOW_MS = 600


def of(sender, kind=ConversationType.APP):
    return Conversation(kind, sender)


def reading(limit=20, before=0, *, name="ann", since_ms=0, app_uuid="app-1"):
    return Reading(app_uuid, name, since_ms, GRACE_MS, limit, before)


def stay(begin=0, end=0, ended_at_ms=None, seat=ANN):
    return Stay(seat, begin, end, 0, 1, ended_at_ms)


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


class Book:
    """A store in which messages appear, the n-th with the offset n, 10 ms after the one before."""

    def __init__(self, store):
        self.store = store
        self.read = store.conversations

    async def send(self, *senders, app_uuid="app-1", **rest):
        for sender in senders:
            number = await self.store.last_id() + 1
            sent = dispatch(number, START_MS + number * 10, sender=sender, app_uuid=app_uuid, **rest)
            await self.store.append(sent)
            await self.store.streams.append(Stream(app_uuid, "app"), [sent])

    async def attend(self, *stays):
        await self.store.stays.write(stays)

    async def offsets(self, sender="bob", **how):
        """Tell of which messages a conversation consists, newest first; the dispatches are numbered like them."""
        return [message.id for message in (await self.read.messages(reading(**how), of(sender))).messages]

    async def listed(self, **how):
        """Tell what is in the list: (sender, unread, last message's number, newest message's offset)."""
        return [
            (one.conversation.id, one.unread, one.last_message and one.last_message.id, one.offset)
            for one in (await self.read.shelf(reading(**how))).listed
        ]


@pytest.fixture
async def book(stores):
    async with stores.open() as store:
        yield Book(store)


# --- who has what --------------------------------------------------------------------------------------------------


async def test_a_list_tells_each_conversation_once_with_the_newest_first(book):  # A2 S5
    """Its count, its last message as it was sent, and when that was."""
    await book.attend(stay())
    await book.send("bob", "eve", "bob", "admin")
    shelf = await book.read.shelf(reading())
    assert shelf.next == 0
    assert await book.listed() == [("admin", 1, 4, 4), ("bob", 2, 3, 3), ("eve", 1, 2, 2)]
    assert shelf.listed[1] == Listed(of("bob"), 2, shelf.listed[1].last_message, START_MS + 30, 3)
    assert shelf.listed[1].last_message.dispatch == dispatch(3, START_MS + 30, sender="bob")


async def test_a_message_is_in_the_list_of_who_was_there_and_of_nobody_else(book):  # A2
    """Before it came, after it had left for longer than the grace: not there. Another user and another app: never."""
    await book.send("bob", "bob")
    await book.attend(stay(begin=2, end=3, ended_at_ms=START_MS + 35))
    await book.send(*["bob"] * 6)
    assert await book.offsets() == [6, 5, 4, 3]
    assert await book.listed(name="carl") == []
    assert await book.listed(app_uuid="app-2") == []


@pytest.mark.parametrize(("ended_at_ms", "got"), [(9, []), (10, [1]), (19, [1]), (20, [2, 1])])
async def test_the_grace_is_over_after_its_last_millisecond(book, ended_at_ms, got):  # A2
    """What was accepted while a drop could still be one is in the list, whether the client came back or not."""
    await book.attend(stay(ended_at_ms=START_MS + ended_at_ms - GRACE_MS))
    await book.send(*["bob"] * 4)
    assert await book.offsets() == got


async def test_what_was_written_to_it_is_its_own_whenever_it_was_accepted(book):  # A2
    """A message may wait for its place; who gets it then was there."""
    await book.send(*["bob"] * 4)
    await book.attend(stay(begin=1, end=3, ended_at_ms=LONG_AGO_MS))
    assert await book.offsets() == [3, 2]


async def test_who_is_there_now_has_everything_since_it_came(book):  # A2
    """An open stay has no end."""
    await book.send("bob")
    await book.attend(stay(begin=1))
    await book.send("bob", "bob")
    assert await book.offsets() == [3, 2]


async def test_two_devices_at_a_time_count_a_message_once(book):  # A2 S5
    """However their stays overlap, touch or lie apart."""
    tablet = ANN._replace(device="tablet")
    await book.send(*["bob"] * 9)
    stays = [
        stay(0, 4, LONG_AGO_MS),
        stay(2, 5, LONG_AGO_MS, tablet),
        stay(5, 6, LONG_AGO_MS, ANN._replace(device="tv")),
    ]
    await book.attend(*stays, stay(8, 9, LONG_AGO_MS, tablet))
    assert await book.offsets() == [9, 6, 5, 4, 3, 2, 1]
    assert await book.listed() == [("bob", 7, 9, 9)]


async def test_one_broadcast_to_many_costs_one_row_and_none_per_recipient(book):  # A2
    """A thousand are there, each has it in its list, and what was written is the ledger's row."""
    people = [Seat("app-1", f"user{number}", "") for number in range(1_000)]
    await book.attend(*(stay(seat=seat) for seat in people))
    commits = book.store.commits
    await book.send("bob")
    assert book.store.commits == commits + 2  # kept, and placed
    for number in (0, 500, 999):
        assert await book.listed(name=f"user{number}") == [("bob", 1, 1, 1)]
    assert await book.store.stays.of_seat(people[500], 10) == (stay(seat=people[500]),)


# --- flags ---------------------------------------------------------------------------------------------------------


async def test_a_command_is_in_no_list(book):  # A2
    """It is neither stored nor counted nor the last message; alone it makes no conversation."""
    await book.attend(stay())
    await book.send("bob")
    await book.send("bob", "eve", flags=PASSING)
    assert await book.listed() == [("bob", 1, 1, 1)]
    assert await book.offsets() == [1]
    assert await book.offsets("eve") == []


async def test_what_is_not_counted_is_not_unread(book):  # S5
    """It is the last message all the same."""
    await book.attend(stay())
    await book.send("bob")
    await book.send("bob", flags=Flags(stored=True, counted=False, pushed=False, updates_last=True))
    assert await book.listed() == [("bob", 1, 2, 2)]


async def test_what_does_not_update_the_last_message_leaves_it(book):  # S5 A2
    """It counts, and the conversation moves up."""
    await book.attend(stay())
    quiet = Flags(stored=True, counted=True, pushed=False, updates_last=False)
    await book.send("bob", "eve")
    await book.send("bob", flags=quiet)
    await book.send("carl", flags=quiet)
    assert await book.listed() == [("carl", 1, None, 4), ("bob", 2, 1, 3), ("eve", 1, 2, 2)]


# --- reading -------------------------------------------------------------------------------------------------------


async def test_what_was_read_is_not_unread(book):  # S5
    """In that conversation, for that user; what comes later is."""
    bob = ANN._replace(user="bob")
    await book.attend(stay(), stay(seat=bob))
    await book.send("bob", "eve", "bob")
    await book.read.mark_read("app-1", "ann", of("bob"))
    assert await book.listed() == [("bob", 0, 3, 3), ("eve", 1, 2, 2)]
    assert await book.listed(name="bob") == [("bob", 2, 3, 3), ("eve", 1, 2, 2)]
    await book.send("bob")
    assert await book.listed() == [("bob", 1, 4, 4), ("eve", 1, 2, 2)]
    await book.read.mark_read("app-1", "ann", of("bob"))
    assert await book.listed() == [("bob", 0, 4, 4), ("eve", 1, 2, 2)]


async def test_a_read_mark_outlives_a_restart(stores):  # S5
    """It was promised when the call returned."""
    async with stores.open() as store:
        book = Book(store)
        await book.attend(stay())
        await book.send("bob")
        await book.read.mark_read("app-1", "ann", of("bob"))
    async with stores.open() as store:
        assert await Book(store).listed() == [("bob", 0, 1, 1)]


async def test_reading_what_is_not_there_is_no_fault(book):  # S5
    """A conversation of a type that nothing is sent to yet, and one in an app of which nobody ever came."""
    await book.attend(stay())
    await book.send("bob")
    await book.read.mark_read("app-1", "ann", of("bob", ConversationType.CHAT))
    await book.read.mark_read("app-2", "ann", of("bob"))
    assert await book.listed() == [("bob", 1, 1, 1)]


async def test_a_user_that_is_registered_again_begins_anew(book):  # S1 A2 S5
    """Neither the stays nor the marks of the earlier bearer of its name are its own."""
    await book.store.add_users([user("ann")])
    await book.attend(stay())
    await book.send("bob")
    await book.read.mark_read("app-1", "ann", of("bob"))
    await book.store.remove_user("app-1", "ann")
    await book.store.add_users([user("ann")])
    assert await book.listed() == []
    await book.attend(stay())
    assert await book.listed() == [("bob", 1, 1, 1)]  # no mark of the earlier one's


@pytest.mark.parametrize("ended_at_ms", [None, START_MS + 99])
async def test_a_stay_that_began_before_the_user_was_registered_is_not_its_own(book, ended_at_ms):  # S1 A2
    """A session outlives its user by a moment: its stay may be written, and even end, behind the removal."""
    await book.attend(Stay(ANN, 0, 0, 0, 50, ended_at_ms))
    await book.send("bob")
    assert await book.listed(since_ms=50) == [("bob", 1, 1, 1)]
    assert await book.listed(since_ms=51) == []


# --- pages ---------------------------------------------------------------------------------------------------------


async def pages(ask, limit):
    """Turn all pages; give their lengths, and what they hold."""
    lengths, held, before = [], [], 0
    while len(lengths) < 20:
        page = await ask(reading(limit, before))
        some = page.messages if isinstance(page, Page) else page.listed
        lengths.append(len(some))
        held += some
        before = page.next
        if not before:
            break
    return lengths, held


@pytest.mark.parametrize(("limit", "lengths"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
async def test_the_pages_of_a_list_miss_nothing_and_repeat_nothing(book, limit, lengths):  # S5
    """The last one names no next, also where it is full."""
    await book.attend(stay())
    senders = [f"user{number}" for number in range(7)]
    await book.send(*senders, *senders[::-1])
    got, held = await pages(book.read.shelf, limit)
    assert got == lengths
    assert [one.conversation.id for one in held] == senders
    assert {one.unread for one in held} == {2}


async def test_a_list_turned_while_messages_come_shows_none_twice(book):  # S5
    """A conversation that moved up is on the first page again, not on the next."""
    await book.attend(stay())
    await book.send("a", "b", "c", "d")
    first = await book.read.shelf(reading(2))
    await book.send("d", "e")
    second = await book.read.shelf(reading(2, first.next))
    assert [one.conversation.id for one in (*first.listed, *second.listed)] == ["d", "c", "b", "a"]


@pytest.mark.parametrize(("limit", "lengths"), [(1, [1] * 6), (4, [4, 2]), (6, [6])])
async def test_the_pages_of_a_conversation_miss_nothing_and_repeat_nothing(book, limit, lengths):  # S5
    """Newest first, over a gap in which the user was away, and past what others sent."""
    await book.attend(stay(0, 8, LONG_AGO_MS), stay(10))
    await book.send(*["bob", "eve"] * 7)

    async def ask(how):
        return await book.read.messages(how, of("bob"))

    got, held = await pages(ask, limit)
    assert [message.id for message in held] == [13, 11, 7, 5, 3, 1]
    assert got == lengths


async def test_a_conversation_holds_messages_as_they_were_sent(book):  # S5
    """With their own ids and their conversation."""
    await book.attend(stay())
    await book.send("bob", ext={"k": "v"})
    (message,) = (await book.read.messages(reading(), of("bob"))).messages
    assert (message.id, message.conversation) == (1, of("bob"))
    assert message.dispatch == dispatch(1, START_MS + 10, sender="bob", ext={"k": "v"})


async def test_where_nobody_was_and_nothing_was_sent_the_shelf_is_empty(book):  # A2
    """Before the first message, for an app without a stream, and for a type that nothing is sent to yet."""
    assert await book.read.shelf(reading()) == Shelf(())
    await book.store.streams.position(APP_STREAM)
    await book.attend(stay())
    assert await book.read.shelf(reading()) == Shelf(())
    assert await book.read.messages(reading(), of("bob")) == Page(())
    await book.send("bob")
    assert await book.read.messages(reading(), of("bob", ConversationType.SYSTEM)) == Page(())


async def test_a_broadcast_to_rooms_is_in_no_list(stores):  # A2, A8
    """It has no place in the app's stream, and what has one is found beside it as before."""
    async with stores.open() as store:
        book = Book(store)
        await book.store.stays.write([stay()])
        await book.send("bob")
        to_rooms = dispatch(2, START_MS + 20, sender="carl", audience=Audience.ACTIVE_ROOMS)
        await store.append(to_rooms)
        before = await book.read.shelf(reading())
        await store.done(to_rooms)
        await book.send("bob")
        assert [listed.conversation.id for listed in before.listed] == ["bob"]
        shelf = await book.read.shelf(reading())
        assert [(listed.conversation.id, listed.unread) for listed in shelf.listed] == [("bob", 2)]
        assert (await book.read.messages(reading(), of("carl"))).messages == ()


# --- system conversations ------------------------------------------------------------------------------------------


def typed(shelf):
    """Tell what is in a list with the types of its conversations."""
    return [(one.conversation.type, one.conversation.id, one.unread, one.offset) for one in shelf.listed]


async def test_a_system_conversation_is_another_than_the_app_s_of_the_same_sender(book):  # R4 A2
    """In the list, in its messages, and in what was read of it."""
    await book.attend(stay())
    await book.send("bob")
    await book.send("bob", "bob", "eve", conversation=SYSTEM)
    shelf = await book.read.shelf(reading())
    assert typed(shelf) == [(SYSTEM, "eve", 1, 4), (SYSTEM, "bob", 2, 3), (ConversationType.APP, "bob", 1, 1)]
    assert shelf.listed[1].last_message.conversation == of("bob", SYSTEM)
    assert ids_of(await book.read.messages(reading(), of("bob", SYSTEM))) == [3, 2]
    assert await book.offsets("bob") == [1]
    await book.read.mark_read("app-1", "ann", of("bob", SYSTEM))
    assert [one[2] for one in typed(await book.read.shelf(reading()))] == [1, 0, 1]
    await book.read.mark_read("app-1", "ann", of("bob"))
    await book.send("bob", conversation=SYSTEM)
    assert [one[2] for one in typed(await book.read.shelf(reading()))] == [1, 1, 0]


def ids_of(page):
    return [message.id for message in page.messages]


@pytest.mark.parametrize("kind", [ConversationType.ROOM, ConversationType.CHAT])
async def test_a_conversation_of_another_type_holds_nothing(book, kind):  # S5
    """Nothing of the app's stream is in it."""
    await book.attend(stay())
    await book.send("bob")
    assert await book.read.messages(reading(), of("bob", kind)) == Page(())


async def test_a_last_message_may_be_left_as_it_was(book):  # R6
    """It is unread all the same."""
    await book.attend(stay())
    await book.send("bob", conversation=SYSTEM)
    flags = Flags(stored=True, counted=True, pushed=True, updates_last=False, offline=True)
    await book.send("bob", conversation=SYSTEM, flags=flags)
    assert await book.listed() == [("bob", 2, 1, 2)]


# --- messages to chosen users --------------------------------------------------------------------------------------


def to(*names):
    return {
        "audience": Audience.TARGETS,
        "conversation": SYSTEM,
        "targets": Targets(users=frozenset(names)),
    }


async def test_a_message_to_chosen_users_is_in_their_lists_and_in_nobody_else_s(book):  # P5 A2
    """Wherever they were when it was sent; who was there and was not chosen does not have it."""
    await book.store.add_users([user("ann"), user("bob"), user("carl")])
    await book.attend(stay(), stay(seat=ANN._replace(user="carl")))
    await book.send("admin", **to("ann", "bob"))
    await book.send("admin")
    of_chosen = (SYSTEM, "admin", 1, 1)
    of_all = (ConversationType.APP, "admin", 1, 2)
    assert typed(await book.read.shelf(reading())) == [of_all, of_chosen]
    assert typed(await book.read.shelf(reading(name="bob"))) == [of_chosen]
    assert typed(await book.read.shelf(reading(name="carl"))) == [of_all]
    history = [ids_of(await book.read.messages(reading(name=n), of("admin", SYSTEM))) for n in ("ann", "bob", "carl")]
    assert history == [[1], [1], []]


async def test_a_message_enters_a_list_when_the_walk_comes_to_its_user(book):  # P5
    """And is still there when the inbox says that it was delivered."""
    await book.store.add_users([user("ann")])
    await book.attend(stay())
    await book.send("admin", audience=Audience.TARGETS, targets=Targets())
    assert await book.listed() == []
    (campaign,) = await book.store.campaigns.walking()
    await book.store.campaigns.enrol(campaign, ["ann"], None)
    assert await book.listed() == [("admin", 1, 1, 1)]
    await book.store.campaigns.received([Received("app-1", "ann", 1)])
    await book.read.mark_read("app-1", "ann", of("admin"))
    assert await book.listed() == [("admin", 0, 1, 1)]


# --- who comes within the window -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("came_ms", "got"), [(-1, []), (0, [1]), (WINDOW_MS, [1]), (WINDOW_MS + 1, [])])
async def test_what_was_for_whoever_comes_within_the_window_is_in_the_list_of_who_came(book, came_ms, got):  # R5
    """The last millisecond included; what was for those online only is not."""
    await book.send("bob", audience=Audience.RECENT_USERS)
    await book.send("eve")
    await book.attend(Stay(ANN, 2, 2, 0, START_MS + 10 + came_ms))
    within = Reading("app-1", "ann", 0, GRACE_MS, 20, window_ms=WINDOW_MS)
    assert ids_of(await book.read.messages(within, of("bob"))) == got
    assert [one.offset for one in (await book.read.shelf(within)).listed] == got


async def test_when_a_user_came_is_not_forgotten_when_it_comes_back(book):  # R5
    """A stay that goes on tells the last coming; the first one counts. An earlier bearer's coming does not."""
    await book.send("bob", audience=Audience.RECENT_USERS)
    came = Stay(ANN, 1, 1, 0, START_MS + 20)
    await book.attend(came)
    await book.attend(replace(came, since_ms=START_MS + 90_000))
    within = Reading("app-1", "ann", 0, GRACE_MS, 20, window_ms=WINDOW_MS)
    assert ids_of(await book.read.messages(within, of("bob"))) == [1]
    assert ids_of(await book.read.messages(replace(within, user_since_ms=START_MS + 21), of("bob"))) == []


async def test_who_was_there_has_it_once(book):  # R5
    """Who came back within the window, with however many devices, and had it already."""
    await book.attend(stay(0, 1, ended_at_ms=START_MS + 11), stay(1, 1, seat=ANN._replace(device="tablet")))
    await book.send("bob", audience=Audience.RECENT_USERS)
    await book.send("bob")
    await book.attend(Stay(ANN, 2, 2, 0, START_MS + 30))
    assert await book.listed() == [("bob", 2, 2, 2)]


# --- recall --------------------------------------------------------------------------------------------------------


async def test_what_was_recalled_is_in_no_list_and_not_unread(book):  # X3
    """The one before it is the last message again; a conversation of nothing else is gone."""
    await book.store.add_users([user("ann")])
    await book.attend(stay())
    await book.send("bob", "bob")
    await book.send("eve", audience=Audience.ALL_USERS)
    await book.send("carl", audience=Audience.RECENT_USERS)
    await book.send("admin", **to("ann"))
    assert len(await book.listed()) == 4
    for number, recalled in ((6, 2), (7, 3), (8, 4), (9, 5)):
        word = recalling(number, recalled, START_MS + number * 10)
        await book.store.append(word)
        await book.store.streams.append(APP_STREAM, [word])
    assert await book.listed() == [("bob", 1, 1, 1)]
    assert await book.offsets() == [1]
    assert ids_of(await book.read.messages(reading(), of("admin", SYSTEM))) == []
