import pytest

from laba.dialects.rongcloud.dialect import READERS, RongCloudDialect
from laba.dialects.rongcloud.endpoints import BODY_LIMIT_BYTES, ENDPOINTS, FORM, JSON
from laba.model.http import HttpRequest, RequestHead
from laba.ports import Dialect


def test_it_is_a_dialect():
    """The verbs are those of the port; mypy checks the types of this assignment."""
    dialect: Dialect = RongCloudDialect()
    assert dialect.name == "rongcloud"


def test_every_endpoint_is_read():
    """No row of the table of endpoints is without its reader, and no two have one name or path."""
    assert set(READERS) == {endpoint.name for endpoint in ENDPOINTS}
    assert len(READERS) == len(ENDPOINTS) == len({endpoint.pattern for endpoint in ENDPOINTS})


# G4, S11, V2, vendor-apis.md 3.2
def test_bodies_are_forms_or_json_of_512_kibibytes():
    """By the vendor's pages; every call has a body."""
    assert {(each.method, each.body_limit_bytes) for each in ENDPOINTS} == {("POST", BODY_LIMIT_BYTES)}
    assert BODY_LIMIT_BYTES == 524_288
    assert {each.pattern for each in ENDPOINTS if each.media_types == JSON} == {
        "/user/tag/set.json",
        "/user/tag/batch/set.json",
        "/push.json",
        "/push/user.json",
        "/push/custom.json",
    }
    assert {each.media_types for each in ENDPOINTS} == {JSON, FORM}


def test_no_endpoint_takes_a_file(claimed):
    """To ask for it is a bug."""
    claim = claimed("/push.json")
    with pytest.raises(ValueError, match="takes no file"):
        RongCloudDialect().receive(claim, RequestHead("POST", "/push.json"), None, 0)


def test_every_call_belongs_to_an_app(claimed):
    """To read one without it is a bug."""
    request = HttpRequest(RequestHead("POST", "/push.json"), b"{}")
    with pytest.raises(ValueError, match="belongs to an app"):
        RongCloudDialect().read(claimed("/push.json"), request, None, 0)
