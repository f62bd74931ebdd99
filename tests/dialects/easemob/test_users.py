import json

import pytest

from laba.model.calls import DeleteUser, GetUser, NewUser, RegisterUsers
from laba.model.refusal import Code


@pytest.fixture
def registered(read):
    """Read a registration."""

    def registered(document: object):
        return read("POST", "/users", document if isinstance(document, bytes) else json.dumps(document).encode())

    return registered


# S2, vendor-apis.md 3.1
def test_one_user_is_an_object(registered):
    """The web SDK's form; names are known in lower case, and what was not given is None."""
    assert registered({"username": "Ann", "password": "p"}) == RegisterUsers((NewUser("ann", "p"),), single=True)
    assert registered({"username": "bob"}) == RegisterUsers((NewUser("bob"),), single=True)


def test_many_users_are_an_array(registered):
    """An array is a batch, though it has one entry only; unknown members are ignored."""
    assert registered([{"username": "a", "nickname": "A 喇", "age": 5}]) == RegisterUsers(
        (NewUser("a", None, "A 喇"),), single=False
    )


def test_sixty_users_are_the_most(registered):
    """One call registers 60 and no more."""
    many = [{"username": f"u{n}"} for n in range(61)]
    assert len(registered(many[:60]).users) == 60
    assert registered(many).code is Code.USERS_TOO_MANY


def test_the_longest_values_are_accepted(registered):
    """64 bytes of name and 64 characters of password; 100 characters of nickname."""
    new = {"username": "Aa0_.-" + "z" * 58, "password": "密" * 64, "nickname": "喇" * 100}
    assert registered(new).users == (NewUser(new["username"].lower(), new["password"], new["nickname"]),)


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({}, Code.FIELD_INVALID, "username"),
        ({"username": None}, Code.FIELD_INVALID, "username"),
        ({"username": 5}, Code.FIELD_INVALID, "username"),
        ({"username": ""}, Code.USERNAME_ILLEGAL, "username"),
        ({"username": "a b"}, Code.USERNAME_ILLEGAL, "username"),
        ({"username": "ann\n"}, Code.USERNAME_ILLEGAL, "username"),
        ({"username": "喇叭"}, Code.USERNAME_ILLEGAL, "username"),
        ({"username": "u" * 65}, Code.USERNAME_TOO_LONG, "username"),
        ({"username": "u", "password": ""}, Code.PASSWORD_MISSING, "password"),
        ({"username": "u", "password": None}, Code.PASSWORD_MISSING, "password"),
        ({"username": "u", "password": 5}, Code.PASSWORD_MISSING, "password"),
        ({"username": "u", "password": "p" * 65}, Code.PASSWORD_TOO_LONG, "password"),
        ({"username": "u", "nickname": None}, Code.FIELD_INVALID, "nickname"),
        ({"username": "u", "nickname": "n" * 101}, Code.NICKNAME_TOO_LONG, "nickname"),
    ],
)
def test_a_fault_is_named_by_its_field(registered, entry, code, field):
    """Alone by the member, in a batch by its place as well; nothing of the batch is read."""
    alone = registered(entry)
    batched = registered([{"username": "good"}, entry])
    assert (alone.code, alone.field) == (code, field)
    assert (batched.code, batched.field) == (code, f"[1].{field}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "[0]"),
        ([5], "[0]"),
        ([{"username": "u"}, []], "[1]"),
        ([{"username": "u"}, {"username": "U"}], "[1].username"),
    ],
)
def test_a_batch_has_different_users(registered, body, field):
    """At least one, all of them objects, none named twice."""
    refusal = registered(body)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, field)


@pytest.mark.parametrize("body", [b"", b"5", b"null", b'"ann"', b"[{]"])
def test_anything_else_is_broken(registered, body):
    """Neither an object nor an array."""
    assert registered(body).code is Code.BODY_BROKEN


def test_a_user_is_found_and_deleted_by_its_lower_case_name(read):
    """Names are case-insensitive."""
    assert read("GET", "/users/Ann") == GetUser("ann")
    assert read("DELETE", "/users/Ann") == DeleteUser("ann")


@pytest.mark.parametrize("name", ["a b", "喇叭", "u" * 65, "\udcff", "u\x00"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_impossible_user_does_not_exist(read, method, name):
    """What cannot be a name is not looked for."""
    assert read(method, f"/users/{name}").code is Code.USER_UNKNOWN
