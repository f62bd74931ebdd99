import pytest

from laba.model.calls import Grant, TokenRequest
from laba.model.refusal import Code, Refusal
from laba.model.usercalls import ChangeProfile, GetStatuses, GetTags, GetUser, SetTags

TOKEN = "/user/getToken.json"
REFRESH = "/user/refresh.json"
INFO = "/user/info.json"
ONLINE = "/user/checkOnline.json"
SET = "/user/tag/set.json"
BATCH = "/user/tag/batch/set.json"
GET = "/user/tags/get.json"
TAGS = [f"t{number}" for number in range(21)]


@pytest.fixture
def fault(read):
    """Read a call that is refused."""

    def fault(path, body):
        refusal = read(path, body)
        assert isinstance(refusal, Refusal)
        return (refusal.code, refusal.field)

    return fault


# S1, S11
def test_a_token_registers_its_user(read):
    """It never expires, as the vendor's; what is said of the user is noted."""
    assert read(TOKEN, {"userId": "Ann 喇", "name": "Ann", "portraitUri": "http://x/y"}) == TokenRequest(
        Grant.DIRECT, username="Ann 喇", ttl_seconds=0, register=True, nickname="Ann", portrait="http://x/y"
    )
    assert read(TOKEN, {"userId": "u", "name": ""}) == TokenRequest(
        Grant.DIRECT, username="u", ttl_seconds=0, register=True
    )


# S11
def test_users_are_asked_about_by_name(read):
    """Each call has its own."""
    assert read(REFRESH, {"userId": "u", "name": "n"}) == ChangeProfile("u", "n")
    assert read(REFRESH, {"userId": "u", "portraitUri": "p"}) == ChangeProfile("u", None, "p")
    assert read(INFO, {"userId": "u"}) == GetUser("u")
    assert read(ONLINE, {"userId": "u"}) == GetStatuses(("u",))


@pytest.mark.parametrize("path", [TOKEN, REFRESH, INFO, ONLINE])
def test_a_user_has_1_to_64_bytes(read, fault, path):
    """Of anything."""
    assert not isinstance(read(path, {"userId": "喇" * 21 + "x"}), Refusal)
    assert fault(path, {"userId": "喇" * 21 + "xx"}) == (Code.FIELD_INVALID, "userId")
    assert fault(path, {"userId": ""}) == (Code.FIELD_EMPTY, "userId")
    assert fault(path, {}) == (Code.FIELD_MISSING, "userId")


@pytest.mark.parametrize("path", [TOKEN, REFRESH])
def test_what_is_said_of_a_user_has_bounds(fault, path):
    """In bytes."""
    assert fault(path, {"userId": "u", "name": "x" * 129}) == (Code.FIELD_INVALID, "name")
    assert fault(path, {"userId": "u", "portraitUri": "x" * 1025}) == (Code.FIELD_INVALID, "portraitUri")


# S2, S11
def test_tags_are_set_for_one_or_many(read):
    """Each once; an empty array takes all away."""
    assert read(SET, {"userId": "u", "tags": ["b", "a", "b"]}) == SetTags(("u",), ("b", "a"))
    assert read(SET, {"userId": "u", "tags": []}) == SetTags(("u",), ())
    assert read(SET, {"userId": "u", "tags": TAGS[:20]}) == SetTags(("u",), tuple(TAGS[:20]))
    assert read(BATCH, {"userIds": ["u", "v", "u"], "tags": ["喇" * 13]}) == SetTags(("u", "v"), ("喇" * 13,))
    assert len(read(BATCH, {"userIds": [str(number) for number in range(1000)], "tags": []}).names) == 1000


# S2, S11
@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        (SET, {"tags": []}, Code.FIELD_MISSING, "userId"),
        (SET, {"userId": 5, "tags": []}, Code.FIELD_INVALID, "userId"),
        (SET, {"userId": "x" * 65, "tags": []}, Code.FIELD_INVALID, "userId"),
        (SET, {"userId": "u"}, Code.FIELD_MISSING, "tags"),
        (SET, {"userId": "u", "tags": None}, Code.FIELD_MISSING, "tags"),
        (SET, {"userId": "u", "tags": "a"}, Code.FIELD_INVALID, "tags"),
        (SET, {"userId": "u", "tags": ["a", ""]}, Code.FIELD_INVALID, "tags[1]"),
        (SET, {"userId": "u", "tags": ["喇" * 13 + "xx"]}, Code.FIELD_INVALID, "tags[0]"),
        (SET, {"userId": "u", "tags": TAGS}, Code.LIST_SIZE_WRONG, "tags"),
        (BATCH, {"userIds": [], "tags": []}, Code.FIELD_EMPTY, "userIds"),
        (BATCH, {"userIds": [str(number) for number in range(1001)], "tags": []}, Code.LIST_SIZE_WRONG, "userIds"),
        (BATCH, {"userIds": ["u"]}, Code.FIELD_MISSING, "tags"),
        (GET, {}, Code.FIELD_MISSING, "userIds"),
        (GET, {"userIds": [str(number) for number in range(51)]}, Code.LIST_SIZE_WRONG, "userIds"),
    ],
)
def test_tags_have_bounds(fault, path, body, code, field):
    """Twenty of them, of forty bytes each."""
    assert fault(path, body) == (code, field)


# S11
def test_tags_are_asked_of_at_most_fifty_users(read):
    """One more is refused above."""
    names = [str(number) for number in range(50)]
    assert read(GET, {"userIds": [*names, "0"]}) == GetTags(tuple(names))
