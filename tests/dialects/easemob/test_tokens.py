import json

import pytest

from laba.model.calls import Grant, TokenRequest
from laba.model.refusal import Code

CLIENT = {"grant_type": "client_credentials", "client_id": "YXA6", "client_secret": "YXA6secret"}


@pytest.fixture
def asked(read):
    """Read a request for a token."""

    def asked(document: object, **headers: str):
        return read(
            "POST", "/token", document if isinstance(document, bytes) else json.dumps(document).encode(), **headers
        )

    return asked


# S1, vendor-apis.md 1.1
def test_an_app_token_is_asked_for_with_the_clients_secret(asked):
    """The grant of a back end."""
    assert asked(CLIENT) == TokenRequest(
        Grant.CLIENT_CREDENTIALS, client_id="YXA6", client_secret="YXA6secret", ttl_seconds=None
    )


def test_a_user_token_is_asked_for_with_the_users_password(asked):
    """The web SDK's request, with its extra timestamp; user names are known in lower case."""
    body = {"grant_type": "password", "username": "Ann", "password": "Secret", "timestamp": 1699944653964}
    assert asked(body) == TokenRequest(Grant.PASSWORD, username="ann", password="Secret")


@pytest.mark.parametrize(
    ("member", "register"), [({}, False), ({"autoCreateUser": False}, False), ({"autoCreateUser": True}, True)]
)
def test_a_user_token_is_asked_for_with_the_apps_token(asked, member, register):
    """The bearer goes along as proof; the user may be registered on the way."""
    asked_for = asked({"grant_type": "inherit", "username": "Ann", **member}, authorization="Bearer app")
    assert asked_for == TokenRequest(Grant.INHERIT, username="ann", proof="app", register=register)


def test_an_access_token_2_is_exchanged(asked):
    """The bearer is the token to exchange; no other member is needed."""
    assert asked({"grant_type": "agora"}, authorization="Bearer 007x") == TokenRequest(Grant.EXCHANGE, proof="007x")


@pytest.mark.parametrize(
    ("ttl", "seconds"), [(0, 0), ("0", 0), (3600, 3600), ("3600", 3600), (60.0, 60), ("9999999999", 9999999999)]
)
def test_a_life_is_a_number_or_text(asked, ttl, seconds):
    """0 is for ever."""
    assert asked({**CLIENT, "ttl": ttl}).ttl_seconds == seconds


@pytest.mark.parametrize("ttl", [-1, "-1", 1.5, "1.5", "", " 1", "1s", "１", True, None, [], {}, 10**10, "1" * 11])
def test_any_other_life_is_refused(asked, ttl):
    """Negative, fractional, endless or no number at all."""
    refusal = asked({**CLIENT, "ttl": ttl})
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "ttl")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, Code.FIELD_INVALID, "grant_type"),
        ({"grant_type": 5}, Code.FIELD_INVALID, "grant_type"),
        ({"grant_type": "exchange"}, Code.GRANT_UNKNOWN, "grant_type"),
        ({"grant_type": "direct"}, Code.GRANT_UNKNOWN, "grant_type"),
        ({"grant_type": "client_credentials", "client_secret": "s"}, Code.FIELD_INVALID, "client_id"),
        ({"grant_type": "client_credentials", "client_id": "c"}, Code.FIELD_INVALID, "client_secret"),
        ({**CLIENT, "client_secret": 5}, Code.FIELD_INVALID, "client_secret"),
        ({"grant_type": "password", "password": "p"}, Code.FIELD_INVALID, "username"),
        ({"grant_type": "password", "username": "u", "password": None}, Code.FIELD_INVALID, "password"),
        ({"grant_type": "inherit"}, Code.FIELD_INVALID, "username"),
        ({"grant_type": "inherit", "username": "u", "autoCreateUser": "true"}, Code.FIELD_INVALID, "autoCreateUser"),
        ({"grant_type": "inherit", "username": "a b", "autoCreateUser": True}, Code.USERNAME_ILLEGAL, "username"),
        ({"grant_type": "inherit", "username": "u" * 65, "autoCreateUser": True}, Code.USERNAME_TOO_LONG, "username"),
    ],
)
def test_a_fault_is_named_by_its_field(asked, body, code, field):
    """The caller learns which member to mend."""
    refusal = asked(body)
    assert (refusal.code, refusal.field) == (code, field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"grant_type=password"])
def test_what_is_no_json_object_is_broken(asked, body):
    """A form is no JSON."""
    assert asked(body).code is Code.BODY_BROKEN


def test_secrets_stay_out_of_logs(asked):
    """A repr shows neither secret nor password."""
    assert "YXA6secret" not in repr(asked(CLIENT))
