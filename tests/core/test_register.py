from laba.core.register import Register


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


def test_tags_that_rest_gave_are_those_of_who_was_placed():
    """A guest has them only as long as it is in, which is the hall's business; who is placed no more has none."""
    # S3
    register = filled(["ann", "bob"])
    before = register.changes
    register.tag("ann", ("host", "de"))
    register.tag("guest", ("de",))
    assert register.tagged == {"ann": ("host", "de")}
    assert register.changes > before
    register.displace(["ann"])
    assert register.tagged == {}


def test_tags_are_filled_in_with_the_placed():
    register = Register(50)
    register.fill(["ann"], [], {"ann": ("host",)})
    assert register.tagged == {"ann": ("host",)}
