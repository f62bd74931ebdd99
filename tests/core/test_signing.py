import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOW_MS, OTHER_UUID, app
from laba.core.signing import MEMORY_MS, NONCES_MAX, SKEW_MS, Nonces, objection
from laba.model.app import AppPolicy, Feature
from laba.model.identity import SignedHead
from laba.model.refusal import Code

PLAIN = app(policy=AppPolicy())
TIMED = app(policy=AppPolicy(frozenset({Feature.SIGNATURE_TIME})))
STALE = Code.SIGNATURE_STALE
ONCE = app(policy=AppPolicy(frozenset({Feature.SIGNATURE_ONCE})))


def signed(nonce="14314", stamp="1408706337", stamped_at_ms=NOW_MS, secret=PLAIN.keys.app_secret):
    """Sign as the vendors' SDKs do: SHA-1 of secret, nonce and time, in lower-case hex (vendor-apis.md 1.4, 1.5)."""
    digest = hashlib.sha1(f"{secret}{nonce}{stamp}".encode()).hexdigest()
    return SignedHead(nonce, stamp, digest, stamped_at_ms)


def judged(head, tenant=PLAIN, now_ms=NOW_MS, nonces=None):
    """Give the code of the objection, None where there is none."""
    refusal = objection(head, tenant, now_ms, Nonces() if nonces is None else nonces)
    return None if refusal is None else refusal.code


def test_who_holds_the_secret_may_call():  # R1 N1
    """Both texts are hashed as they came, whatever they are; the digest may be in capitals."""
    assert judged(signed()) is None
    assert judged(signed("", "")) is None
    assert judged(signed("0" * 128, "1408706337000")) is None
    capitals = SignedHead("14314", "1408706337", signed().digest.upper())
    assert judged(capitals) is None


def test_a_signature_made_elsewhere_holds():  # R1
    """Taken with `printf 'app secret143141408706337' | sha1sum`: not by our own code."""
    published = SignedHead("14314", "1408706337", "15da99d1db0e0db1f6ab8846c23dd009194e7a17")
    assert judged(published) is None


def test_who_does_not_may_not():  # R1 S10
    """No signature at all is another fault than a wrong one."""
    assert judged(None) is Code.SIGNATURE_MISSING
    right = signed()
    for wrong in (
        SignedHead("", "", ""),
        signed(secret="another"),
        SignedHead("14315", right.stamp, right.digest),
        SignedHead(right.nonce, "1408706338", right.digest),
        SignedHead(right.nonce, right.stamp, right.digest[:-1]),
        SignedHead(right.nonce, right.stamp, right.digest + "0"),
    ):
        assert judged(wrong) is Code.SIGNATURE_WRONG


@given(nonce=st.text(), stamp=st.text(), digest=st.text())
def test_no_text_makes_it_raise(nonce, stamp, digest):
    """Nor do halves of characters that no encoding has."""
    for each in (SignedHead(nonce, stamp, digest), SignedHead("\udcff", "\ud800", "\udfff")):
        assert judged(each) is Code.SIGNATURE_WRONG


def test_bytes_that_are_no_ascii_are_hashed_as_they_came():  # R1
    """A head is read as ISO 8859-1 (RFC 9110 section 5.5): one character for each byte of a caller's UTF-8."""
    as_read = SignedHead("喇叭".encode().decode("latin-1"), "1408706337", signed("喇叭").digest)
    assert judged(as_read) is None
    assert judged(signed("喇叭")) is None


# --- freshness -----------------------------------------------------------------------------------------------------


def test_by_default_time_and_nonce_may_be_any_for_ever():  # S10
    """One official SDK uses the same for the life of its process."""
    nonces = Nonces()
    for stamped_at_ms in (NOW_MS, 0, None):
        head = signed(stamped_at_ms=stamped_at_ms)
        assert [judged(head, nonces=nonces) for _ in range(3)] == [None] * 3
    assert len(nonces) == 0


@pytest.mark.parametrize("tenant", [TIMED, ONCE])
def test_an_app_may_ask_for_a_time_within_five_minutes(tenant):  # S10 N1
    """To the millisecond, on both sides; a text that is no time is none."""
    for off in (-SKEW_MS, 0, SKEW_MS):
        assert judged(signed(stamped_at_ms=NOW_MS + off), tenant) is None
    for stamped_at_ms in (NOW_MS - SKEW_MS - 1, NOW_MS + SKEW_MS + 1, None):
        assert judged(signed(stamped_at_ms=stamped_at_ms), tenant) is Code.SIGNATURE_STALE


def test_with_the_time_alone_a_call_may_come_again():  # S10
    nonces = Nonces()
    assert [judged(signed(), TIMED, nonces=nonces) for _ in range(2)] == [None, None]


def test_an_app_may_ask_that_each_comes_once():  # S10
    """Another nonce, another time and another app are another call."""
    nonces, other = Nonces(), app(OTHER_UUID, "org/other", ONCE.policy)
    assert judged(signed(), ONCE, nonces=nonces) is None
    assert judged(signed(), ONCE, nonces=nonces) is Code.SIGNATURE_REUSED
    assert judged(signed("14315"), ONCE, nonces=nonces) is None
    assert judged(signed(stamp="1408706338"), ONCE, nonces=nonces) is None
    assert judged(signed(), other, nonces=nonces) is None


def test_a_nonce_whose_end_was_moved_into_the_time_is_no_other():  # S10
    """The signature is the same: whoever overheard the call could make this one of it."""
    nonces = Nonces()
    assert judged(signed("140", "1408706337"), ONCE, nonces=nonces) is None
    assert judged(signed("14", "01408706337"), ONCE, nonces=nonces) is Code.SIGNATURE_REUSED


def test_what_was_refused_uses_nothing_up():  # S10
    """Else a stranger could use up the nonces of others."""
    nonces = Nonces()
    right = signed()
    assert judged(SignedHead(right.nonce, right.stamp, "0" * 40, NOW_MS), ONCE, nonces=nonces) is Code.SIGNATURE_WRONG
    assert judged(signed(stamped_at_ms=0), ONCE, nonces=nonces) is Code.SIGNATURE_STALE
    assert judged(right, ONCE, nonces=nonces) is None


def test_a_call_is_remembered_for_as_long_as_it_is_fresh():  # S10
    """Stamped five minutes ahead of us, it could come again until ten minutes later."""
    nonces, head = Nonces(), signed(stamped_at_ms=NOW_MS + SKEW_MS)
    assert judged(head, ONCE, NOW_MS, nonces) is None
    assert judged(head, ONCE, NOW_MS + MEMORY_MS, nonces) is Code.SIGNATURE_REUSED
    assert judged(head, ONCE, NOW_MS + MEMORY_MS + 1, nonces) is Code.SIGNATURE_STALE


def test_memory_is_bounded_by_time_and_by_number():  # S10
    """At the bound the oldest is forgotten."""
    nonces = Nonces(limit=2)
    assert [nonces.take("app", digest, 0) for digest in (b"1", b"2", b"3")] == [True, True, True]
    assert len(nonces) == 2
    assert [nonces.take("app", digest, 0) for digest in (b"3", b"1")] == [False, True]
    assert nonces.take("app", b"4", MEMORY_MS + 1)
    assert len(nonces) == 1
    assert NONCES_MAX == 100_000


def test_a_dialect_that_wants_fresh_calls_gets_them_whatever_the_app_says():  # S10: CurTime, vendor-apis.md 1.5
    """Five minutes off to either side are fresh, a millisecond more is not; nor is what is no time at all."""
    for off_ms, code in [(0, None), (SKEW_MS, None), (-SKEW_MS, None), (SKEW_MS + 1, STALE), (-SKEW_MS - 1, STALE)]:
        assert judged(replace(signed(stamped_at_ms=NOW_MS + off_ms), must_be_fresh=True)) is code
    assert judged(replace(signed(stamped_at_ms=None), must_be_fresh=True)) is STALE
    assert judged(replace(signed(secret="another", stamped_at_ms=None), must_be_fresh=True)) is Code.SIGNATURE_WRONG
