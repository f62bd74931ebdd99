import pytest

from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import CheckMembers, CloseRooms, FindRooms, OpenRooms, QueryMembers

CREATE = "/chatroom/create.json"
NEW = "/chatroom/create_new.json"
DESTROY = "/chatroom/destroy.json"
QUERY = "/chatroom/query.json"
MEMBERS = "/chatroom/user/query.json"
EXIST = "/chatroom/user/exist.json"
EXIST_MANY = "/chatroom/users/exist.json"
MANY = [str(number) for number in range(1001)]


@pytest.fixture
def fault(read):
    """Read a call that is refused."""

    def fault(path, body):
        refusal = read(path, body)
        assert isinstance(refusal, Refusal)
        return (refusal.code, refusal.field)

    return fault


# S3, S11
def test_rooms_are_made_under_the_callers_ids(read):
    """Many with names, or one of which more is said; without a name the id is it."""
    assert read(CREATE, {"chatroom[r1]": "one", "chatroom[喇]": ""}) == OpenRooms((("r1", "one"), ("喇", "喇")))
    more = {"destroyType": "1", "destroyTime": "60", "isBan": "false", "whiteUserIds": "u", "entryInfo": "{}"}
    assert read(NEW, {"chatroomId": "r1", **more}) == OpenRooms((("r1", "r1"),))


# S11
def test_rooms_are_named_by_their_ids(read):
    """At most a hundred, each once."""
    assert read(DESTROY, {"chatroomId": ["a", "b", "a"]}) == CloseRooms(("a", "b"))
    assert read(QUERY, {"chatroomId": MANY[:100]}) == FindRooms(tuple(MANY[:100]))


# S11
@pytest.mark.parametrize(
    ("asked", "limit", "latest_first"),
    [
        ({}, 500, False),
        ({"count": "10", "order": "1"}, 10, False),
        ({"count": "500", "order": "2"}, 500, True),
        # The vendor's page: at most 500 are given.
        ({"count": "501"}, 500, False),
        ({"count": "", "order": ""}, 500, False),
    ],
)
def test_members_are_given_as_they_came_or_the_latest_first(read, asked, limit, latest_first):
    """As many as are wanted."""
    assert read(MEMBERS, {"chatroomId": "r", **asked}) == QueryMembers("r", limit, latest_first=latest_first)


# S11
def test_it_can_be_asked_whether_users_are_members(read):
    """Of one, or of a thousand."""
    assert read(EXIST, {"chatroomId": "r", "userId": "u"}) == CheckMembers("r", ("u",))
    assert read(EXIST_MANY, {"chatroomId": "r", "userId": MANY[:1000]}) == CheckMembers("r", tuple(MANY[:1000]))


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        (CREATE, {}, Code.FIELD_MISSING, "chatroom"),
        (CREATE, {"chatroom": "r1"}, Code.FIELD_MISSING, "chatroom"),
        (CREATE, {"chatroom[]": "one"}, Code.FIELD_EMPTY, "chatroom"),
        (CREATE, {f"chatroom[{'x' * 65}]": "one"}, Code.FIELD_INVALID, "chatroom"),
        (CREATE, {"chatroom[r]": "x" * 1025}, Code.FIELD_INVALID, "chatroom"),
        (CREATE, {"chatroom[r]": ["one", "two"]}, Code.FIELD_INVALID, "chatroom[r]"),
        (CREATE, {f"chatroom[{name}]": name for name in MANY[:101]}, Code.LIST_SIZE_WRONG, "chatroom"),
        (NEW, {}, Code.FIELD_MISSING, "chatroomId"),
        (NEW, {"chatroomId": "r", "destroyType": "2"}, Code.FIELD_INVALID, "destroyType"),
        (NEW, {"chatroomId": "r", "destroyTime": "soon"}, Code.FIELD_INVALID, "destroyTime"),
        (NEW, {"chatroomId": "r", "isBan": "maybe"}, Code.FIELD_INVALID, "isBan"),
        (DESTROY, {}, Code.FIELD_MISSING, "chatroomId"),
        (DESTROY, {"chatroomId": MANY[:101]}, Code.LIST_SIZE_WRONG, "chatroomId"),
        (QUERY, {"chatroomId": "x" * 65}, Code.FIELD_INVALID, "chatroomId"),
        (MEMBERS, {}, Code.FIELD_MISSING, "chatroomId"),
        (MEMBERS, {"chatroomId": "r", "count": "0"}, Code.FIELD_INVALID, "count"),
        (MEMBERS, {"chatroomId": "r", "order": "3"}, Code.FIELD_INVALID, "order"),
        (EXIST, {"chatroomId": "r"}, Code.FIELD_MISSING, "userId"),
        (EXIST, {"chatroomId": "r", "userId": ["a", "b"]}, Code.FIELD_INVALID, "userId"),
        (EXIST_MANY, {"chatroomId": "r", "userId": MANY}, Code.LIST_SIZE_WRONG, "userId"),
    ],
)
def test_a_fault_is_named_by_its_field(fault, path, body, code, field):
    """Whatever is asked (G4)."""
    assert fault(path, body) == (code, field)
