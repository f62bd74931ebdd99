from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import APP_UUID, NOW_MS, OTHER_UUID, app
from laba.core.tokens import NEVER, Token, TokenReader
from laba.model.app import Apps
from laba.model.identity import Identity
from laba.model.refusal import Code, Refusal

OURS, THEIRS = app(), app(OTHER_UUID, "org/other")
APPS = Apps((OURS, THEIRS))
ANN = Token(APP_UUID, NOW_MS + 1000, "ann", epoch=7)


def signed(token, key_of=OURS):
    return token.signed(key_of.keys.token_key)


def recognised(text, now_ms=NOW_MS, apps=APPS):
    return TokenReader().recognise(text, apps, now_ms)


def raw(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(content):
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_user_s_token_names_the_user_and_its_epoch():
    """Whether the epoch is the present one, the login asks the store."""  # S1
    assert recognised(signed(ANN)) == Identity(APP_UUID, "ann", 7, expires_at_ms=NOW_MS + 1000)


def test_an_app_s_token_names_no_user():
    """It has no epoch to revoke."""  # S1
    assert recognised(signed(Token(APP_UUID, NEVER))) == Identity(APP_UUID)


def test_a_token_without_a_user_s_name_is_never_the_app_s_by_mistake():
    """The two would be the same bytes."""
    with pytest.raises(ValueError, match="would be the app's"):
        Token(APP_UUID, NEVER, "")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: len(name.encode()) <= 64))
def test_every_legal_user_name_fits_into_256_characters(name):
    """And comes back as it was."""  # S1
    token = signed(replace(ANN, user=name))
    assert len(token) <= 256
    assert recognised(token).user == name


@pytest.mark.parametrize("token", [ANN, Token(APP_UUID, NEVER)])
def test_no_byte_of_a_token_may_be_changed(token):
    """Not one bit anywhere: neither the form nor the signature survives it."""  # A10 S1
    content = raw(signed(token))
    for index in range(len(content)):
        for bit in range(8):
            tampered = bytearray(content)
            tampered[index] ^= 1 << bit
            assert not isinstance(recognised(text_of(bytes(tampered))), Identity)


def test_a_token_has_one_text():
    """Another last character, strange ones within, or padding behind are other texts."""  # A10
    token = signed(ANN)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=!\n"
    others = {token[:index] + other + token[index + 1 :] for index in range(len(token)) for other in alphabet}
    others |= {token + "=", token + "!", f" {token}", token[:9] + "\n" + token[9:], token[:9] + "!!!!" + token[9:]}
    others.discard(token)
    assert not any(isinstance(recognised(other), Identity) for other in others)


def test_a_token_cut_short_or_continued_is_none():
    """The name has no length of its own to lie about."""  # A10
    content = raw(signed(ANN))
    pieces = [content[:length] for length in range(len(content))] + [content + b"x" * more for more in range(1, 99)]
    assert not any(isinstance(recognised(text_of(piece)), Identity) for piece in pieces)


def test_another_app_s_key_signs_nothing():
    """A token is of the app whose key made it, whatever it says."""  # A10
    refusal = recognised(signed(ANN, key_of=THEIRS))
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.TOKEN_UNKNOWN


def test_a_token_of_an_app_that_is_not_here_is_unknown():
    """As one of another installation would be."""
    assert recognised(signed(ANN), apps=Apps((THEIRS,))).code is Code.TOKEN_UNKNOWN


def test_a_token_ends_with_its_last_millisecond():
    """At the time it names it is over."""  # S1
    assert isinstance(recognised(signed(ANN), NOW_MS + 999), Identity)
    assert recognised(signed(ANN), NOW_MS + 1000).code is Code.TOKEN_EXPIRED


def test_a_forged_token_is_not_called_expired():
    """Nobody is told to fetch a new one in place of what was never ours."""  # A10
    assert recognised(signed(ANN, key_of=THEIRS), NOW_MS + 9999).code is Code.TOKEN_UNKNOWN


def test_a_token_that_never_ends_never_ends():
    """ttl 0 of the vendors."""  # S1
    assert isinstance(recognised(signed(Token(APP_UUID, NEVER)), now_ms=2**62), Identity)


@pytest.mark.parametrize(
    "text",
    ["", "007eJxTYPB9cqRE8Ni", "YWMtabc", "a", "喇叭", "x" * 10_000, text_of(bytes([2]) + bytes(60))],
    ids=["nothing", "AccessToken2", "short", "no Base64", "no ASCII", "too long", "another version"],
)
def test_a_text_of_another_kind_is_left_to_other_readers(text):
    """None, not a refusal: it is not ours to judge."""
    assert recognised(text) is None
