from laba.dialects.easemob.dialect import READERS, EasemobDialect
from laba.dialects.easemob.endpoints import ENDPOINTS
from laba.ports import Dialect


def test_it_is_a_dialect():
    """The verbs are those of the port; mypy checks the types of this assignment."""
    dialect: Dialect = EasemobDialect()
    assert dialect.name == "easemob"


def test_every_endpoint_is_read():
    """No row of the table of endpoints is without its reader."""
    assert set(READERS) == {endpoint.name for endpoint in ENDPOINTS}


# G4
def test_bodies_have_the_dialects_limit():
    """64 KiB on every path with a body, which is JSON."""
    assert {(each.body_limit_bytes, each.media_types) for each in ENDPOINTS if each.method == "POST"} == {
        (65536, ("application/json",))
    }
