import pytest

from laba.dialects.rongcloud.claiming import claim
from laba.dialects.rongcloud.endpoints import ENDPOINTS
from laba.model.calls import Claim, Right
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.refusal import Code

BROADCAST = "/message/online/broadcast.json"
# The headers of the vendor's page (seeds/002).
SIGNED = {
    "app-key": "uwd1c0sxdlx2",
    "nonce": "14314",
    "timestamp": "1585127132438",
    "signature": "45beb7cc7307889a8e711219a47b7cf6a5b000e8",
}


def head(path=BROADCAST, method="POST", **headers):
    return RequestHead(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def signed(**headers):
    return claim(RequestHead("POST", BROADCAST, headers={**SIGNED, **headers}))


# R1
def test_the_vendors_sample_is_claimed():
    """Its app is named by its key, and its proof is taken as it came."""
    found = signed()
    assert (found.endpoint.name, found.endpoint.right, found.path) == ("online_broadcast", Right.APP, BROADCAST)
    assert (found.app, found.app_id, found.app_key, found.proof) == (None, None, "uwd1c0sxdlx2", None)
    assert found.signed == SignedHead("14314", "1585127132438", SIGNED["signature"], 1585127132438)


# R1
def test_older_names_of_headers_are_as_good():
    """With the prefix RC-, each by itself."""
    older = {f"rc-{name}": value for name, value in SIGNED.items()}
    assert claim(RequestHead("POST", BROADCAST, headers=older)) == signed()
    mixed = {**SIGNED, "rc-nonce": SIGNED["nonce"]}
    del mixed["nonce"]
    assert claim(RequestHead("POST", BROADCAST, headers=mixed)) == signed()


# S10, vendor-apis.md 0, finding 3
@pytest.mark.parametrize(
    ("stamp", "milliseconds"),
    [
        ("1585127132", 1585127132000),
        ("99999999999", 99999999999000),
        ("1585127132438", 1585127132438),
        ("0", 0),
        ("now", None),
        ("-1", None),
        ("1585127132.5", None),
        ("١٥٨٥", None),
        ("9" * 17, None),
    ],
)
def test_a_time_is_in_seconds_or_milliseconds(stamp, milliseconds):
    """The page writes milliseconds, the SDKs seconds; what was signed is the text as it came."""
    found = signed(timestamp=stamp).signed
    assert (found.stamp, found.stamped_at_ms) == (stamp, milliseconds)


# vendor-apis.md 0, finding 5
def test_a_nonce_may_have_any_length():
    """One SDK sends nineteen digits where the page says eighteen."""
    assert signed(nonce="1" * 19).signed.nonce == "1" * 19


# R1
@pytest.mark.parametrize("name", ["nonce", "timestamp", "signature"])
def test_half_a_proof_is_none(name):
    """Whether it is missing or empty."""
    assert signed(**{name: ""}).signed is None
    headers = {key: value for key, value in SIGNED.items() if key != name}
    assert claim(RequestHead("POST", BROADCAST, headers=headers)).signed is None


@pytest.mark.parametrize("headers", [{}, {"app_key": ""}])
def test_an_app_must_be_named(headers):
    """Refused with the path, which the error body tells."""
    refusal = claim(head(**headers))
    assert (refusal.code, refusal.subject) == (Code.APP_KEY_MISSING, BROADCAST)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_is_found(endpoint):
    """By its exact path."""
    found = claim(head(endpoint.pattern, app_key="k"))
    assert isinstance(found, Claim)
    assert found.endpoint is endpoint


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE"])
def test_another_method_is_refused(method):
    """Whoever calls."""
    refusal = claim(head(method=method))
    assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, BROADCAST)


@pytest.mark.parametrize(
    "path", ["/group/create.json", "/message/private/publish.json", "/user/x.json", "/push/x.json"]
)
def test_the_rest_of_the_vendors_api_is_refused_in_its_words(path):
    """Where the app key says that it is meant; else it is another dialect's."""
    refusal = claim(head(path, app_key="k"))
    assert (refusal.code, refusal.subject) == (Code.ENDPOINT_UNKNOWN, path)
    assert claim(head(path)) is None
    assert claim(head(path, rc_app_key="k")).code is Code.ENDPOINT_UNKNOWN


@pytest.mark.parametrize(
    "path",
    ["/", "", "/v1/apps", "/push", "/push.json/", "/org/app/users.json", "/message/online/broadcast", "x.json"],
)
def test_other_paths_are_not_ours(path):
    """Not even with an app key."""
    assert claim(head(path, app_key="k")) is None
