import pytest

from builders import app
from laba.dialects.neroom.dialect import READERS, NeroomDialect
from laba.dialects.neroom.endpoints import BODY_LIMIT_BYTES, BROADCAST, ENDPOINTS, FORM, JSON, Family, family_of
from laba.model.calls import Claim
from laba.model.http import RequestHead
from laba.ports import Dialect


def test_it_is_a_dialect():
    """The verbs are those of the port; mypy checks the types of this assignment."""
    dialect: Dialect = NeroomDialect()
    assert dialect.name == "neroom"


def test_every_endpoint_is_read():
    """No row of the table of endpoints is without its reader, and no two have one name or path."""
    assert set(READERS) == {endpoint.name for endpoint in ENDPOINTS}
    assert len(READERS) == len(ENDPOINTS) == len({endpoint.pattern for endpoint in ENDPOINTS})


def test_bodies_are_json_or_on_the_older_platform_forms_of_512_kibibytes():  # G4, N1, vendor-apis.md 3.3
    assert BODY_LIMIT_BYTES == 524_288
    for each in ENDPOINTS:
        form = family_of(each.pattern) is Family.IM
        assert (each.method, each.media_types, each.body_limit_bytes) == ("POST", FORM if form else JSON, 524_288)


def test_no_endpoint_takes_a_file():
    """To ask for it is a bug."""
    with pytest.raises(ValueError, match="takes no file"):
        NeroomDialect().receive(Claim(BROADCAST, BROADCAST.pattern), RequestHead("POST", BROADCAST.pattern), app(), 0)
