from laba.core.register import Register
from laba.model.session import Member


def filled(placed=(), present=()):
    register = Register(50)
    register.fill(placed, present)
    return register


def test_a_member_counts_once_however_it_came():
    """By REST, by itself, or both."""
    # S3
    register = filled(["ann", "bob"], present=["bob", "cid"])
    register.welcome("ann")
    register.welcome("cid")
    register.welcome("dan")
    assert len(register) == 4
    assert [user for user in ("ann", "bob", "cid", "dan", "eve") if user in register] == ["ann", "bob", "cid", "dan"]


def test_who_was_put_in_stays_a_member_when_it_goes_and_a_guest_does_not():
    """Members by REST are members without being there."""
    # S3
    register = filled(["ann"])
    for user in ("ann", "bob"):
        register.welcome(user)
        register.bid_farewell(user)
    assert ("ann" in register, "bob" in register, len(register)) == (True, False, 1)


def test_a_guest_who_is_put_in_and_a_placed_one_who_is_taken_out():
    """Neither counts twice, and who is placed no more is no member until it comes."""
    # S3
    register = filled(["ann"], present=["bob"])
    register.place(["bob", "cid"])
    assert (len(register), register.guests) == (3, set())
    register.displace(["ann", "cid"])
    assert (len(register), "ann" in register) == (1, False)


def test_a_change_meanwhile_is_seen_by_who_reads_the_placed_elsewhere():
    """What was read before it would undo it."""
    register = filled()
    before = register.changes
    register.place(["ann"])
    between = register.changes
    register.displace(["ann"])
    register.renew()
    assert before < between < register.changes
    assert register.is_ready is False


def test_tags_are_kept_until_their_member_goes():
    """A second device without any does not take them away."""
    # S3
    register = filled()
    register.welcome("ann", ("host", "de"))
    register.welcome("ann")
    assert register.member("ann") == Member("ann", ("host", "de"))
    register.bid_farewell("ann")
    register.welcome("ann")
    assert register.member("ann") == Member("ann")
