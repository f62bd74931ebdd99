import pytest

from builders import APP_UUID, OTHER_UUID, app
from laba.core.familiar import Familiar
from laba.core.tokens import NEVER
from laba.model.app import Apps
from laba.model.identity import Identity

APPS = Apps((app(),))
FOREVER = Identity(APP_UUID, expires_at_ms=NEVER)


@pytest.fixture
def familiar():
    return Familiar(2)


# A10
def test_a_token_that_was_verified_is_known_again(familiar):
    """And no other is."""
    familiar.keep("token", APPS, FOREVER)
    assert familiar.get("token", APPS, 10**15) == FOREVER
    assert familiar.get("toke", APPS, 0) is None
    assert familiar.get("\udcff", APPS, 0) is None


def test_it_is_known_no_longer_than_it_holds(familiar):
    """To the millisecond."""
    ending = Identity(APP_UUID, expires_at_ms=1000)
    familiar.keep("token", APPS, ending)
    assert familiar.get("token", APPS, 999) == ending
    assert familiar.get("token", APPS, 1000) is None


def test_apps_that_changed_have_every_token_verified_anew(familiar):
    """Each change makes a new snapshot; what was found under the old one is given up."""
    familiar.keep("token", APPS, FOREVER)
    after = APPS.replacing(app(OTHER_UUID, "org/other"))
    assert familiar.get("token", after, 0) is None
    familiar.keep("other", after, FOREVER)
    assert familiar.get("other", after, 0) == FOREVER
    assert familiar.get("token", after, 0) is None


def test_at_the_bound_the_oldest_is_forgotten(familiar):
    """What is forgotten only takes longer."""
    for token in ("one", "two", "three"):
        familiar.keep(token, APPS, FOREVER)
    assert [familiar.get(token, APPS, 0) is not None for token in ("one", "two", "three")] == [False, True, True]
