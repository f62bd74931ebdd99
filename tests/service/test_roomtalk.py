"""What clients say of rooms, on the real services behind it; what they send goes to a list."""

import json

import pytest

from builders import app
from laba.dialects.native.sending import said_in_room
from laba.model.app import Apps
from laba.model.dispatch import Audience
from laba.model.refusal import Code, Refusal
from laba.model.session import (
    Count,
    Counted,
    Denial,
    Denied,
    Join,
    Joined,
    Leave,
    Left,
    Login,
    Look,
    Member,
    Review,
    Reviewed,
    Said,
    Say,
    Seen,
    Subscription,
    Welcome,
)
from laba.model.stream import Position
from laba.service.roomtalk import DENIALS, HISTORY_LIMIT, PRESENCE_LIMIT, RoomTalk, Speech
from roomhouses import EPOCH, opened_rooms

pytestmark = pytest.mark.anyio

TEXT = json.dumps({"kind": "txt", "content": {"text": "hello"}}).encode()


class Lectern:
    """Takes what is said, or refuses it where a refusal is set."""

    def __init__(self):
        self.said = []
        self.refusal = None

    async def __call__(self, submission, app, user):
        self.said.append((submission, app, user))
        return self.refusal


class Tenants:
    apps = Apps((app(),))


@pytest.fixture
async def house(tmp_path):
    async with opened_rooms(tmp_path) as house:
        yield house


@pytest.fixture
def lectern():
    return Lectern()


@pytest.fixture
def talk(house, lectern):
    speech = Speech(said_in_room, lectern, per_second=2)
    return RoomTalk(house.membership, house.logs, Tenants(), speech, house.ground)


def denied(denial, reason=""):
    return Denied(4, denial, reason)


# --- coming and going ----------------------------------------------------------------------------------------------


async def test_to_join_is_answered_with_the_position_and_what_was_missed(house, talk):
    """The position is that from which on the client is written; all that it missed was there."""  # S3, S4
    await house.room()
    await house.entered("bob")
    house.say(1)
    ann = house.session()
    asked = Position(EPOCH, 0)
    assert await talk.answer(ann, Join(4, "7", asked, ("host",))) == Joined(
        4, Subscription("room:7", asked, recovering=True, recovered=True), b"1;"
    )
    assert await talk.answer(house.session("cid"), Join(4, "7")) == Joined(
        4, Subscription("room:7", Position(EPOCH, 1))
    )
    assert house.membership.seen(house.hall(), 1000) == (Member("bob"), Member("ann", ("host",)), Member("cid"))


async def test_why_a_client_may_not_join_is_said_in_the_protocols_words(house, talk):
    """102 for no such room, 106 for what is full."""  # S3
    await house.room("7", max_members=1)
    await house.entered("bob")
    ann = house.session()
    assert await talk.answer(ann, Join(4, "8")) == denied(Denial.UNKNOWN_CHANNEL, "there is no room 8")
    assert await talk.answer(ann, Join(4, "7")) == denied(Denial.LIMIT_EXCEEDED, "the room 7 is full")
    assert set(DENIALS) >= {Code.ROOMS_TOO_MANY, Code.MUTED}


async def test_to_leave_is_answered_whether_the_client_was_in_or_not(house, talk):
    """The SDKs ask no more than that."""  # S3
    await house.room()
    ann = await house.entered()
    assert await talk.answer(ann, Leave(4, "7")) == Left(4)
    assert await talk.answer(ann, Leave(5, "7")) == Left(5)
    assert await talk.answer(ann, Leave(6, "nowhere")) == Left(6)
    assert house.members() == []


async def test_a_welcome_names_the_rooms_its_user_was_put_into(house, talk):
    """Behind the channels that every client has."""  # S4
    await house.room("7", "ann")
    app_channel = Subscription("app", Position("e", 3))
    welcome = await talk.arrived(house.session(), Login(1, "token"), Welcome(1, "s", (app_channel,), 25))
    assert welcome.subscriptions == (app_channel, Subscription("room:7", Position(EPOCH, 0)))


# --- speaking ------------------------------------------------------------------------------------------------------


async def test_what_a_member_says_goes_to_its_room_in_its_own_name(house, talk, lectern):
    """Whatever `from` it gives, and by any of its devices."""  # S3
    await house.room()
    await house.entered()
    other_device = house.session()
    data = json.dumps({"kind": "cmd", "content": {"action": "wave"}, "level": "high", "from": "bob"}).encode()
    assert await talk.answer(other_device, Say(4, "7", data)) == Said(4)
    [(submission, said_in, user)] = lectern.said
    assert (submission.sender, submission.audience, submission.rooms) == ("ann", Audience.ROOMS, ("7",))
    assert (submission.content.fields, submission.level) == ({"action": "wave"}, "high")
    assert (said_in.uuid, user) == (app().uuid, "ann")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the body"),
        (b"[]", "the body"),
        (b'{"kind":"txt","content":{}}', "text"),
        (b'{"kind":"shout","content":{}}', "must be one of"),
        (b'{"kind":"txt","content":{"text":"x"},"ext":null}', "must be an object"),
    ],
)
async def test_what_is_no_message_is_refused_with_a_reason(house, talk, lectern, data, reason):
    """And the session goes on."""  # S3, E8
    await house.room()
    answer = await talk.answer(await house.entered(), Say(4, "7", data))
    assert (answer.denial, lectern.said) == (Denial.BAD_REQUEST, [])
    assert reason in answer.message


async def test_only_members_speak(house, talk, lectern):
    """103, before anything is read."""  # S3
    await house.room()
    await house.entered("bob")
    for room_id in ("7", "nowhere"):
        answer = await talk.answer(house.session(), Say(4, room_id, TEXT))
        assert answer == denied(Denial.PERMISSION_DENIED, f"join the room {room_id} first")
    assert lectern.said == []


async def test_a_session_says_so_much_in_a_second(house, talk, lectern):
    """111 beyond it; another session has its own count."""  # S3
    await house.room()
    ann, bob = await house.entered(), await house.entered("bob")
    answers = [await talk.answer(ann, Say(4, "7", TEXT)) for _ in range(3)]
    assert answers == [Said(4), Said(4), denied(Denial.TOO_MANY_REQUESTS, "at most 2 messages a second")]
    assert await talk.answer(bob, Say(4, "7", TEXT)) == Said(4)
    house.clock.pass_ms(1000)
    assert await talk.answer(ann, Say(4, "7", TEXT)) == Said(4)
    talk.dropped(ann)
    assert set(talk._paces) == {bob}


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        (Code.MUTED, Denial.PERMISSION_DENIED),
        (Code.NOT_A_MEMBER, Denial.PERMISSION_DENIED),
        (Code.MESSAGE_TOO_LARGE, Denial.BAD_REQUEST),
        (Code.OVERLOADED, Denial.TOO_MANY_REQUESTS),
    ],
)
async def test_what_the_lanes_refuse_is_told(house, talk, lectern, code, denial):
    """In the protocol's codes, with the reason."""  # S3
    await house.room()
    lectern.refusal = Refusal(code, "no")
    assert await talk.answer(await house.entered(), Say(4, "7", TEXT)) == denied(denial, "no")


# --- looking round -------------------------------------------------------------------------------------------------


async def test_who_is_in_sees_who_else_is(house, talk):
    """Users by name, however many devices they have; and the numbers of both."""  # S3
    await house.room("7", "placed")
    ann, _, _ = await house.entered(), await house.entered(), await house.entered("bob", tags=("de",))
    assert await talk.answer(ann, Look(4, "7")) == Seen(4, (Member("ann"), Member("bob", ("de",))))
    assert await talk.answer(ann, Count(4, "7")) == Counted(4, devices=3, users=2)


async def test_so_many_members_are_listed_at_once(house, talk):
    """The first of them; how many there are is another question."""  # S3
    await house.room(max_members=10_000)
    for number in range(PRESENCE_LIMIT + 5):
        last = await house.entered(f"user{number}")
    seen = await talk.answer(last, Look(4, "7"))
    assert [seen.members[0].user, len(seen.members)] == ["user0", PRESENCE_LIMIT]


@pytest.mark.parametrize("question", [Look(4, "7"), Count(4, "7"), Review(4, "7", 10)])
async def test_who_is_not_in_sees_nothing(house, talk, question):
    """Neither who is there nor what was said."""  # S3
    await house.room()
    await house.entered("bob")
    assert (await talk.answer(house.session(), question)).denial is Denial.PERMISSION_DENIED


async def spoken(house, count):
    await house.room()
    ann = await house.entered()
    for offset in range(1, count + 1):
        house.say(offset)
    return ann


async def test_history_is_given_from_either_end(house, talk):
    """Forward behind a position, or the newest first before it; `limit` 0 asks for the position alone."""  # S4
    ann = await spoken(house, 5)

    async def told(*asked):
        answer = await talk.answer(ann, Review(4, "7", *asked))
        assert answer.position == Position(EPOCH, 5)
        assert all(data == str(offset).encode() for offset, data in answer.messages)
        return [offset for offset, _ in answer.messages]

    at_three = Position(EPOCH, 3)
    assert await told(2) == [1, 2]
    assert await told(2, None, True) == [5, 4]
    assert await told(None, at_three) == [4, 5]
    assert await told(None, at_three, True) == [2, 1]
    assert await told(0) == []


async def test_history_is_given_a_hundred_at_a_time(house, talk):
    """What the log holds beyond that is asked for from the last one on."""  # S4
    house.logs._bounds = house.logs._bounds.__class__(600_000, 1_000_000, 1000)
    ann = await spoken(house, HISTORY_LIMIT + 20)
    answer = await talk.answer(ann, Review(4, "7", None))
    assert [len(answer.messages), answer.messages[-1][0]] == [HISTORY_LIMIT, HISTORY_LIMIT]
    answer = await talk.answer(ann, Review(4, "7", 10**9, Position("", HISTORY_LIMIT)))
    assert len(answer.messages) == 20


async def test_history_leaves_out_what_is_not_for_the_asker(house, talk):
    """Its own messages and what was directed to others, like recovery."""  # E6, E10
    ann = await spoken(house, 1)
    house.say(2, sender="ann")
    house.say(3, users=frozenset({"bob"}))
    house.say(4, users=frozenset({"ann"}))
    answer = await talk.answer(ann, Review(4, "7", 10))
    assert [offset for offset, _ in answer.messages] == [1, 4]


async def test_a_position_of_another_epoch_leads_nowhere(house, talk):
    """112: what it counted is gone."""  # S4
    ann = await spoken(house, 1)
    answer = await talk.answer(ann, Review(4, "7", 10, Position("gone", 0)))
    assert answer == denied(Denial.UNRECOVERABLE_POSITION)
    assert isinstance(await talk.answer(ann, Review(4, "7", 10, Position(EPOCH, 0))), Reviewed)
