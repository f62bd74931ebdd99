import json

import pytest

from laba.dialects.neroom.endpoints import CREATE_USER
from laba.dialects.neroom.users import create
from laba.model.calls import Claim, Grant, TokenRequest
from laba.model.identity import SignedHead
from laba.model.refusal import Refusal
from laba.model.usercalls import GetStatuses, SetActivation

USERS, CREATE = "/neroom/v3/users", "/nimserver/user/create.action"
ONLINE = "/nimserver/user/userOnlineStatus.action"


def test_a_user_is_registered_with_a_token_that_does_not_end(read):  # S1, S2, S11
    call = read(
        USERS, {"user_uuid": "ann", "user_name": "Ann", "icon": "http://i", "user_token": "x", "im_token": "y"}
    )
    assert call == TokenRequest(
        Grant.DIRECT, username="ann", ttl_seconds=0, register=True, nickname="Ann", portrait="http://i"
    )
    assert read(CREATE, {"accid": "ann", "name": "Ann", "icon": "http://i"}) == call


def test_a_user_without_a_name_gets_one_of_its_call(read):
    name = read(USERS, {}).username
    assert len(name) == 32
    assert read(USERS, {"user_uuid": ""}).username == name


def test_a_token_is_asked_for_anew_of_who_is_registered(read):
    call = read("/nimserver/user/refreshToken.action", {"accid": "ann"})
    assert call == TokenRequest(Grant.DIRECT, username="ann", ttl_seconds=0)
    assert not call.register


def test_a_user_is_blocked_and_let_in_again(read):  # S1
    assert read("/nimserver/user/block.action", {"accid": "ann"}) == SetActivation("ann", active=False)
    assert read("/nimserver/user/unblock.action", {"accid": "ann"}) == SetActivation("ann", active=True)


def test_who_is_online_is_asked_of_up_to_a_hundred(read):  # S2
    assert read(ONLINE, {"accids": '["ann","bob","ann"]'}) == GetStatuses(("ann", "bob"))
    many = [f"user{number}" for number in range(101)]
    assert len(read(ONLINE, {"accids": json.dumps(many[:100])}).names) == 100
    assert read(ONLINE, {"accids": json.dumps(many)}).field == "accids"


@pytest.mark.parametrize("accids", ["", "ann", "{}", "[]", "[1]", '[""]', '{"a":1}'])
def test_names_are_a_json_array(read, accids):
    assert read(ONLINE, {"accids": accids}).field == "accids"


@pytest.mark.parametrize(
    ("path", "name", "most"),
    [(USERS, "user_uuid", 64), (USERS, "user_name", 64), (USERS, "icon", 1024), (USERS, "user_token", 128)],
)
def test_every_limit_holds_to_the_last_character(read, path, name, most):
    assert not isinstance(read(path, {"user_uuid": "ann", name: "x" * most}), Refusal)
    assert read(path, {"user_uuid": "ann", name: "x" * (most + 1)}).field == name


@pytest.mark.parametrize("action", ["create", "refreshToken", "block", "unblock"])
def test_a_call_about_a_user_names_it(read, action):
    path = f"/nimserver/user/{action}.action"
    assert not isinstance(read(path, {"accid": "x" * 64}), Refusal)
    for accid in ({}, {"accid": ""}, {"accid": "x" * 65}):
        assert read(path, accid).field == "accid"


def test_no_two_calls_make_one_name():  # S11
    """Whichever part of the proof they differ in."""
    proofs = [("n", "1", "c"), ("m", "1", "c"), ("n", "2", "c"), ("n", "1", "d"), ("n\n1", "", "c")]
    claims = [Claim(CREATE_USER, CREATE_USER.pattern, signed=SignedHead(*proof)) for proof in proofs]
    assert len({create(b"{}", claim).username for claim in claims}) == len(proofs)
