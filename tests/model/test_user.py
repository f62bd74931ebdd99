import pytest

from laba.model.user import User


def user(name):
    return User("app-1", name, "uuid", 1, 1, epoch=1, password_hash="scrypt$salt$hash")


@pytest.mark.parametrize("name", ["a", "a" * 64, "喇" * 21])
def test_a_user_name_has_1_to_64_bytes(name):
    """Bytes of UTF-8, not characters."""  # S2
    assert user(name).name == name


@pytest.mark.parametrize("name", ["", "a" * 65, "喇" * 22])
def test_a_user_of_another_name_is_not_born(name):
    """Every later step may rely on it: a token has room for 64."""  # S2
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        user(name)


def test_no_password_stands_in_a_repr():
    """Not even its hash."""
    assert "scrypt" not in repr(user("ann"))
