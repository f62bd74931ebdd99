"""Who is meant by a push: the rules of P4, case by case."""

import pytest

from laba.core.targeting import includes, reaches
from laba.model.targets import Targets

ANN = ("ann", frozenset({"a", "b"}), frozenset({"com.acme.student"}))


def targets(**rest):
    return Targets(**{name: frozenset(value) if isinstance(value, list) else value for name, value in rest.items()})


@pytest.mark.parametrize(
    ("case", "is_meant"),
    [
        (targets(), True),
        (targets(users=["ann", "bob"]), True),
        (targets(users=["bob"]), False),
        (targets(users=[]), False),
        (targets(users=["ann"], tags=["z"], package="other"), True),  # names decide alone
        (targets(tags=["a"]), True),
        (targets(tags=["a", "b"]), True),
        (targets(tags=["a", "c"]), False),  # all of them
        (targets(any_tags=["a", "c"]), True),  # one is enough
        (targets(any_tags=["c"]), False),
        (targets(tags=["a"], any_tags=["b", "z"]), True),
        (targets(tags=["a"], any_tags=["z"]), False),  # both must hold
        (targets(tags=["c"], any_tags=["a"]), False),
        (targets(package="com.acme.student"), True),
        (targets(package="com.acme.teacher"), False),
        (targets(tags=["a"], package="com.acme.student"), True),
        (targets(tags=["c"], package="com.acme.student"), False),
        (targets(tags=["a"], package="com.acme.teacher"), False),
    ],
)
def test_criteria_combine_as_the_vendor_says(case, is_meant):  # P4
    assert includes(case, *ANN) is is_meant


def test_who_has_neither_tags_nor_devices_is_meant_by_name_or_by_nothing_asked():
    nobody = ("zoe", frozenset(), frozenset())
    assert includes(targets(), *nobody)
    assert not includes(targets(any_tags=["a"]), *nobody)
    assert not includes(targets(package="com.acme.student"), *nobody)


@pytest.mark.parametrize(
    ("platforms", "declared", "does"),
    [
        (["ios"], "ios", True),
        (["ios"], "iOS", True),
        (["ios"], "android", False),
        (["ios", "android"], "android", True),
        (["ios"], "web", True),  # a browser always receives
        (["ios"], "Web", True),
        (["ios"], None, True),  # as does who declared nothing
        ([], "android", True),
    ],
)
def test_a_platform_chooses_among_sessions(platforms, declared, does):  # P4
    assert reaches(targets(platforms=platforms), declared) is does


def test_what_has_no_targets_reaches_every_session():
    assert reaches(None, "android")
