from laba.dialects.easemob.dialect import QUERY_READERS, READERS, EasemobDialect
from laba.dialects.easemob.endpoints import ENDPOINTS
from laba.ports import Dialect


def test_it_is_a_dialect():
    """The verbs are those of the port; mypy checks the types of this assignment."""
    dialect: Dialect = EasemobDialect()
    assert dialect.name == "easemob"


def test_every_endpoint_is_read():
    """No row of the table of endpoints is without its reader."""
    assert set(READERS) | set(QUERY_READERS) == {endpoint.name for endpoint in ENDPOINTS}


# G4
def test_bodies_have_the_dialects_limit():
    """64 KiB on every path with a body, which is JSON; deactivating a user and the like need none."""
    assert {(each.body_limit_bytes, each.media_types) for each in ENDPOINTS if each.media_types} == {
        (65536, ("application/json",))
    }
    bodiless = {each.name for each in ENDPOINTS if each.method in ("POST", "PUT") and not each.media_types}
    assert bodiless == {"deactivate_user", "activate_user", "add_member", "mute_room"}
