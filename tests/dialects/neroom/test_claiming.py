import pytest

from laba.dialects.neroom.claiming import NONCE_MAX_CHARS, claim
from laba.dialects.neroom.endpoints import BODY_LIMIT_BYTES, ENDPOINTS, Family, family_of
from laba.model.calls import Claim, Right
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.refusal import Code

SIGNED = {"appkey": "key", "nonce": "n1", "curtime": "1700000000", "checksum": "c1"}
BROADCAST = "/neroom/v1/broadcast"


def claimed(path=BROADCAST, method="POST", **headers):
    return claim(RequestHead(method, path, headers={**SIGNED, **headers}))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_is_claimed_for_the_app_of_its_key(endpoint):  # N1, S11
    found = claimed(endpoint.pattern.replace("{room}", "r1"))
    assert isinstance(found, Claim)
    assert (found.endpoint, found.app_key) == (endpoint, "key")
    assert (endpoint.right, endpoint.body_limit_bytes) == (Right.APP, BODY_LIMIT_BYTES) == (Right.APP, 524_288)


def test_the_proof_is_taken_as_it_came_and_must_be_fresh():  # S10
    assert claimed().signed == SignedHead("n1", "1700000000", "c1", 1_700_000_000_000, must_be_fresh=True)


@pytest.mark.parametrize("stamp", ["", "then", "17000000001234", "-1", "1.5", "１７"])
def test_a_time_that_is_no_second_is_none(stamp):
    """It may be signed rightly, and is never fresh; without any there is no proof."""
    signed = claimed(curtime=stamp).signed
    assert signed is None if stamp == "" else signed.stamped_at_ms is None


@pytest.mark.parametrize("missing", ["nonce", "curtime", "checksum"])
def test_a_proof_that_lacks_something_is_none(missing):
    assert claimed(**{missing: ""}).signed is None


def test_a_nonce_has_at_most_128_characters():  # vendor-apis.md 1.5
    assert NONCE_MAX_CHARS == 128
    assert claimed(nonce="n" * 128).signed.nonce == "n" * 128
    assert claimed(nonce="n" * 129).signed is None


@pytest.mark.parametrize("path", ["/neroom/", "/neroom/v9/x", "/nimserver/any.action", "/im/v2/x", "/im/v2.1/x/y"])
def test_every_path_of_the_vendor_s_is_claimed_served_or_not(path):  # G4: its SDKs read no other status than 200
    refusal = claimed(path)
    assert (refusal.code, refusal.subject) == (Code.ENDPOINT_UNKNOWN, path)
    assert family_of(path) is not None


@pytest.mark.parametrize(
    "path", ["/", "/neroom", "/nimserver", "/im/v1/x", "/acme/chat/users", "/v1/apps", "/push.json"]
)
def test_other_paths_are_somebody_else_s(path):
    assert claimed(path) is None
    assert family_of(path) is None


def test_another_method_is_told_which_is_served():
    refusal = claimed(method="GET")
    assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, BROADCAST)
    assert "POST" in refusal.reason


def test_without_a_key_there_is_no_app():
    refusal = claimed(appkey="")
    assert (refusal.code, refusal.subject) == (Code.APP_KEY_MISSING, BROADCAST)


def test_each_platform_has_its_paths():
    assert [family_of(endpoint.pattern) for endpoint in ENDPOINTS].count(Family.NEROOM) == 4
