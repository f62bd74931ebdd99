import json
from urllib.parse import quote

import pytest

from laba.dialects.easemob import cursors
from laba.model.refusal import Code
from laba.model.usercalls import (
    DeleteUser,
    DisconnectUser,
    GetResources,
    GetStatus,
    GetStatuses,
    GetUser,
    ListUsers,
    NewUser,
    RegisterUsers,
    SetActivation,
    SetPassword,
)


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


# S11, vendor-apis.md 3.1
def test_each_call_about_one_user_is_by_its_lower_case_name(read):
    """Names are case-insensitive."""
    assert read("GET", "/users/Ann") == GetUser("ann")
    assert read("DELETE", "/users/Ann") == DeleteUser("ann")
    assert read("POST", "/users/Ann/deactivate") == SetActivation("ann", active=False)
    assert read("POST", "/users/Ann/activate") == SetActivation("ann", active=True)
    assert read("GET", "/users/Ann/disconnect") == DisconnectUser("ann")
    assert read("GET", "/users/Ann/status") == GetStatus("ann")
    assert read("GET", "/users/Ann/resources") == GetResources("ann")
    assert read("PUT", "/users/Ann/password", b'{"newpassword": "Geheim"}') == SetPassword("ann", "Geheim")


@pytest.mark.parametrize("name", ["a b", "喇叭", "u" * 65, "\udcff", "u\x00"])
@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", "/password"),
        ("POST", "/deactivate"),
        ("POST", "/activate"),
        ("GET", "/disconnect"),
        ("GET", "/status"),
        ("GET", "/resources"),
    ],
)
def test_an_impossible_user_does_not_exist(read, method, rest, name):
    """What cannot be a name is not looked for."""
    assert read(method, f"/users/{name}{rest}", b'{"newpassword": "p"}').code is Code.USER_UNKNOWN


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, Code.PASSWORD_MISSING),
        ({"password": "p"}, Code.PASSWORD_MISSING),
        ({"newpassword": ""}, Code.PASSWORD_MISSING),
        ({"newpassword": None}, Code.PASSWORD_MISSING),
        ({"newpassword": 5}, Code.PASSWORD_MISSING),
        ({"newpassword": "p" * 65}, Code.PASSWORD_TOO_LONG),
    ],
)
def test_a_new_password_is_there_and_not_too_long(read, body, code):
    """64 characters are the most, as at the registration."""
    refusal = read("PUT", "/users/ann/password", json.dumps(body).encode())
    assert (refusal.code, refusal.field) == (code, "newpassword")
    longest = json.dumps({"newpassword": "密" * 64}).encode()
    assert read("PUT", "/users/ann/password", longest) == SetPassword("ann", "密" * 64)


@pytest.mark.parametrize("path", ["/users/ann/password", "/users/batch/status"])
@pytest.mark.parametrize("body", [b"", b"5", b"[]", b"{"])
def test_other_bodies_are_broken(read, path, body):
    """One object is expected."""
    assert read("PUT" if "password" in path else "POST", path, body).code is Code.BODY_BROKEN


def test_a_password_stands_in_no_repr(read):
    """A call may end up in a log."""
    assert "Geheim" not in repr(read("PUT", "/users/ann/password", b'{"newpassword": "Geheim"}'))


# --- lists ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(read):
    """Read a request for a list."""
    return lambda **query: read("GET", "/users", query=query)


def test_a_list_has_ten_users_unless_it_is_said(listed):
    """From 1 to 100 of them; a cursor that is empty is none."""
    assert listed() == listed(cursor="") == ListUsers(10)
    assert [listed(limit=limit).limit for limit in ("1", "2", "100")] == [1, 2, 100]


@pytest.mark.parametrize("limit", ["", "0", "101", "1000", "-1", "+5", "1.5", "ten", " 5", "٥"])
def test_another_limit_is_refused_by_its_name(listed, limit):
    """The caller learns what it may be."""
    refusal = listed(limit=limit)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "limit")
    assert "from 1 to 100" in refusal.reason


@pytest.mark.parametrize("name", ["a", "ann", "u" * 64, "安"])
def test_a_cursor_leads_on_after_the_last_name(listed, name):
    """What one answer wrote the next request reads."""
    cursor = cursors.written(name)
    assert listed(limit="5", cursor=cursor) == ListUsers(5, name)
    # Fit for a URL as it is.
    assert quote(cursor, safe="") == cursor


@pytest.mark.parametrize(
    "cursor",
    ["ann", "dQ", "dQ==", "dWFubg==", "dWFub g", "dWFub", "dXX/", "喇叭", "\udcff", "YW5u", "d__-", " dWFubg"],
)
def test_a_cursor_that_nobody_gave_is_refused_by_its_name(listed, cursor):
    """Neither half of one, nor one with something added, nor base64 of something else."""
    refusal = listed(cursor=cursor)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "cursor")


# --- status --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(read):
    """Ask for the status of many."""
    return lambda document: read("POST", "/users/batch/status", json.dumps(document).encode())


def test_names_asked_for_are_not_judged(asked):
    """In the order asked, twice if they are asked for twice; nobody has a name that cannot be."""
    names = ["Bob", "ann", "a b", "喇叭", "bob", "", "u" * 65]
    assert asked({"usernames": names}) == GetStatuses(tuple(name.lower() for name in names))


def test_a_hundred_names_are_the_most(asked):
    """One more is refused, in the vendor's words."""
    names = [f"u{n}" for n in range(101)]
    assert len(asked({"usernames": names[:100]}).names) == 100
    refusal = asked({"usernames": names})
    assert (refusal.code, refusal.field) == (Code.USERS_TOO_MANY, "usernames")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "usernames"),
        ({"usernames": []}, "usernames"),
        ({"usernames": "ann"}, "usernames"),
        ({"usernames": None}, "usernames"),
        ({"usernames": ["ann", 5]}, "usernames[1]"),
        ({"usernames": [None]}, "usernames[0]"),
    ],
)
def test_names_are_an_array_of_text(asked, document, field):
    """What is not is named by its place."""
    refusal = asked(document)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, field)
