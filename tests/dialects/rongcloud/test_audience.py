"""P4, as a table: what each combination of criteria means."""

import pytest

from laba.dialects.rongcloud.audience import chosen
from laba.dialects.rongcloud.members import Members
from laba.dialects.unacceptable import Unacceptable
from laba.model.dispatch import Audience
from laba.model.refusal import Code
from laba.model.targets import Targets

BOTH = frozenset({"ios", "android"})
EVERYBODY = (Audience.ALL_USERS, Targets(platforms=BOTH))
MANY = [f"u{number}" for number in range(1001)]
TAGS = [f"t{number}" for number in range(21)]


def choice(audience, platform=("iOS", "Android")):
    return chosen(Members({"platform": list(platform), "audience": audience}))


def by(**criteria):
    return (Audience.TARGETS, Targets(platforms=BOTH, **criteria))


def fault(audience, **rest):
    with pytest.raises(Unacceptable) as caught:
        choice(audience, **rest)
    return (caught.value.refusal.code, caught.value.refusal.field)


# P4
@pytest.mark.parametrize(
    ("audience", "meant"),
    [
        # Everybody, which voids all criteria: also those that are wrong, and those that are too many.
        ({"is_to_all": True}, EVERYBODY),
        ({"is_to_all": "true"}, EVERYBODY),
        ({"is_to_all": True, "tag": ["a"], "tag_or": ["b"], "userid": ["u"], "packageName": "p"}, EVERYBODY),
        ({"is_to_all": True, "tag": TAGS, "tag_or": TAGS, "userid": MANY}, EVERYBODY),
        ({"is_to_all": True, "tag": 5, "userid": {}, "packageName": []}, EVERYBODY),
        # Users by name, who void the other criteria and the platform.
        ({"is_to_all": False, "userid": ["u", "v", "u"]}, (Audience.TARGETS, Targets(users=frozenset({"u", "v"})))),
        ({"userid": ["u"], "tag": ["a"], "packageName": "p"}, (Audience.TARGETS, Targets(users=frozenset({"u"})))),
        ({"userid": ["u"], "tag": TAGS, "tag_or": TAGS}, (Audience.TARGETS, Targets(users=frozenset({"u"})))),
        ({"userid": MANY[:1000]}, (Audience.TARGETS, Targets(users=frozenset(MANY[:1000])))),
        ({"userid": [*MANY[:1000], "u0"]}, (Audience.TARGETS, Targets(users=frozenset(MANY[:1000])))),
        # Criteria, which must all hold.
        ({"tag": ["a", "b"]}, by(tags=frozenset("ab"))),
        ({"tag_or": ["a", "b"]}, by(any_tags=frozenset("ab"))),
        ({"packageName": "p"}, by(package="p")),
        ({"tag": ["a"], "tag_or": ["b"]}, by(tags=frozenset("a"), any_tags=frozenset("b"))),
        ({"tag": ["a"], "tag_or": ["b"], "packageName": "p", "is_to_all": "false"},
         by(tags=frozenset("a"), any_tags=frozenset("b"), package="p")),
        ({"tag": TAGS[:20], "tag_or": TAGS[1:]}, by(tags=frozenset(TAGS[:20]), any_tags=frozenset(TAGS[1:]))),
        # What is empty asks for nothing (P11).
        ({"userid": [], "tag": [], "tag_or": None, "packageName": "p"}, by(package="p")),
        ({"tag": ["a"], "packageName": ""}, by(tags=frozenset("a"))),
        ({"tag": ["a"], "packageName": None, "tagItems": []}, by(tags=frozenset("a"))),
    ],
)  # fmt: skip
def test_the_audience_is_who_the_rules_say(audience, meant):
    """Everybody, or users by name, or users by all of the criteria."""
    assert choice(audience) == meant


# P4
@pytest.mark.parametrize(
    ("audience", "code", "field"),
    [
        ({}, Code.AUDIENCE_EMPTY, "audience"),
        ({"is_to_all": False}, Code.AUDIENCE_EMPTY, "audience"),
        ({"userid": [], "tag": [], "tag_or": [], "packageName": ""}, Code.AUDIENCE_EMPTY, "audience"),
        ({"userid": MANY}, Code.LIST_SIZE_WRONG, "audience.userid"),
        ({"tag": TAGS}, Code.LIST_SIZE_WRONG, "audience.tag"),
        ({"tag_or": TAGS}, Code.LIST_SIZE_WRONG, "audience.tag_or"),
        ({"tag": ["a"], "tag_or": TAGS}, Code.LIST_SIZE_WRONG, "audience.tag_or"),
        ({"is_to_all": 1}, Code.FIELD_INVALID, "audience.is_to_all"),
        ({"is_to_all": None}, Code.FIELD_INVALID, "audience.is_to_all"),
        ({"is_to_all": "yes"}, Code.FIELD_INVALID, "audience.is_to_all"),
        ({"userid": "u"}, Code.FIELD_INVALID, "audience.userid"),
        ({"userid": ["u", 5]}, Code.FIELD_INVALID, "audience.userid[1]"),
        ({"tag": [""]}, Code.FIELD_INVALID, "audience.tag[0]"),
        ({"tag_or": {}}, Code.FIELD_INVALID, "audience.tag_or"),
        ({"packageName": 5}, Code.FIELD_INVALID, "audience.packageName"),
        ({"tag": ["a"], "tagItems": [{"tags": ["b"]}]}, Code.FIELD_INVALID, "audience.tagItems"),
        ("all", Code.FIELD_INVALID, "audience"),
        (None, Code.FIELD_MISSING, "audience"),
    ],
)
def test_what_is_nobody_or_too_many_is_refused(audience, code, field):
    """By the criterion at fault."""
    assert fault(audience) == (code, field)


# P3
@pytest.mark.parametrize(
    ("platform", "platforms"),
    [
        (["ios"], {"ios"}),
        (["IOS", "Android", "android"], BOTH),
        # Newer SDKs list more (vendor-apis.md 3.2).
        (["iOS", "HarmonyOS"], {"ios", "harmonyos"}),
    ],
)
def test_platforms_are_known_in_lower_case(platform, platforms):
    """In any case, each once."""
    assert choice({"is_to_all": True}, platform)[1] == Targets(platforms=frozenset(platforms))


# P3
@pytest.mark.parametrize(
    ("platform", "code", "field"),
    [
        (None, Code.FIELD_MISSING, "platform"),
        ([], Code.FIELD_EMPTY, "platform"),
        ("ios", Code.FIELD_INVALID, "platform"),
        ([5], Code.FIELD_INVALID, "platform[0]"),
        ([""], Code.FIELD_INVALID, "platform[0]"),
        ([str(number) for number in range(21)], Code.LIST_SIZE_WRONG, "platform"),
    ],
)
def test_at_least_one_platform_is_named(platform, code, field):
    """As an array; but where users are named it is void, whatever it is (P4)."""
    for audience in ({"is_to_all": True}, {"tag": ["a"]}):
        with pytest.raises(Unacceptable) as caught:
            chosen(Members({"platform": platform, "audience": audience}))
        assert (caught.value.refusal.code, caught.value.refusal.field) == (code, field)
    named = Members({"platform": platform, "audience": {"userid": ["u"]}})
    assert chosen(named) == (Audience.TARGETS, Targets(users=frozenset("u")))
