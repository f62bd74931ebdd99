import pytest

from laba.core.passwords import NOBODY, equal, hashed, matches

SALT = bytes(range(16))


def test_only_the_password_matches_its_hash():
    """Not a longer one, not one in other letters."""
    stored = hashed("喇叭 pass", SALT)
    assert matches("喇叭 pass", stored)
    assert not any(matches(wrong, stored) for wrong in ("喇叭 pas", "喇叭 pass ", "喇叭 Pass", ""))


def test_a_hash_tells_nothing_of_its_password():
    """Another salt gives another hash of the same password."""
    first, second = hashed("secret", SALT), hashed("secret", bytes(16))
    assert "secret" not in first
    assert first.rpartition("$")[2] != second.rpartition("$")[2]


@pytest.mark.parametrize("password", ["", "0", "\0" * 64])
def test_nobody_has_a_password(password):
    """What stands in for an unknown user lets no one in."""
    assert not matches(password, NOBODY)


def test_nobody_costs_as_much_as_somebody():
    """Salt and hash have the lengths of a real one, so that the same work is done."""
    assert [len(part) for part in NOBODY.split("$")] == [len(part) for part in hashed("x", SALT).split("$")]


def test_secrets_are_equal_only_if_they_are_the_same():
    """Also where they are no ASCII, and of different lengths."""
    assert equal("geheim ü", "geheim ü")
    assert not any(equal(given, "geheim ü") for given in ("geheim u", "geheim", ""))
