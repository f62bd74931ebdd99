import pytest

from laba.model.app import AppPolicy
from laba.model.provider import Account, Proof, Provider

ACCOUNT = Account("a key", "K1", "T1")


def provider(name="main", account=ACCOUNT, kind="apns", **rest):
    return Provider(name, kind, account, **rest)


@pytest.mark.parametrize("name", ["a", "0", "ios-dev_2.x", "x" * 64])
def test_a_provider_has_a_name_like_an_app(name):
    assert provider(name).name == name


@pytest.mark.parametrize("name", ["", ".a", "-a", "_a", "a b", "a/b", "a\n", "喇叭", "x" * 65])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="name is 1 to 64"):
        provider(name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://api.push.apple.com",
        "https://api.push.apple.com:2197",
        "http://127.0.0.1:65535",
        "https://[::1]:443",
        "http://fake_apns",
    ],
)
def test_a_service_may_be_elsewhere(url):
    assert provider(account=Account("a key", "K1", url=url)).account.url == url


@pytest.mark.parametrize(
    "url",
    [
        "x",
        "ftp://x",
        "HTTPS://x",
        "https://",
        "https://x/",
        "https://x/y",
        "https://x?y",
        "https://x#y",
        "https://user@x",
        "https://x y",
        "https://x\n",
        "https://x\r\nhost: y",
        "https://喇叭",
        "https://x\\y",
        "https://x:",
        "https://x:y",
        "https://x:65536",
        "https://x:-1",
        "https://[::1",
        "https://::1",
    ],
)
def test_where_it_is_has_a_host_that_can_be_called_and_nothing_behind_it(url):
    """What is pushed is written behind it."""
    with pytest.raises(ValueError, match="URL"):
        provider(account=Account("a key", "K1", url=url))


def test_a_rate_is_no_less_than_none():
    assert provider(per_second=0).per_second == 0
    with pytest.raises(ValueError, match="rate"):
        provider(per_second=-1)


def test_what_proves_who_asks_is_in_no_repr():
    """Logs and tracebacks show what is in one."""  # S8
    shown = repr(provider(account=Account("a key", "K1", "T1", "https://x", "https://x/token")))
    assert "a key" not in shown
    assert "K1" in shown
    assert "a token" not in repr(Proof("a token", 7))


def test_an_app_has_no_two_providers_of_one_name_or_for_the_same_devices():
    """Those of a package, of one kind, for development or not."""  # S8
    one = provider("a", package="x")
    others = (provider("b"), provider("c", package="x", sandbox=True), provider("d", kind="fcm", package="x"))
    policy = AppPolicy(providers=(one, *others))
    assert (policy.provider("c"), policy.provider("e")) == (others[1], None)
    for other in (provider("a", package="y"), provider("b", package="x", topic="other", per_second=7)):
        with pytest.raises(ValueError, match="no two providers"):
            AppPolicy(providers=(one, other))
