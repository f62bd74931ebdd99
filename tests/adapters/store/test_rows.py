import json
from dataclasses import replace
from types import MappingProxyType

import pytest

from contracts.stores import dispatch, to_chosen
from laba.adapters.store import rows
from laba.model.app import AppPolicy, Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Again, Level
from laba.model.hook import Hook, Source
from laba.model.moderation import Decision, Judge, Verdict
from laba.model.notification import Notification, Override
from laba.model.tags import All, Either, Pattern, Tag
from laba.model.targets import Targets


def custom(exts):
    return dispatch(1, content=Content(Kind.CUSTOM, MappingProxyType({"event": "e", "exts": exts})))


def test_any_mapping_is_kept_as_an_object():
    """A frozen mapping, at any depth, is JSON like a dict."""
    frozen = MappingProxyType({"a": [MappingProxyType({"b": 1})]})
    assert rows.ledger_row(custom(frozen)) == rows.ledger_row(custom({"a": [{"b": 1}]}))


def test_a_policy_from_before_there_were_priorities_is_read():  # E5
    """Nothing goes first in it."""
    document = '{"features":["push"],"quotas":{},"development":false}'
    assert rows._policy_of(document) == AppPolicy(frozenset({Feature.PUSH}))


def test_a_policy_from_before_there_were_types_is_read():  # R8
    """It has none of its own."""
    document = '{"features":["push"],"quotas":{},"development":false,"high_types":[],"high_members":[]}'
    assert rows._policy_of(document) == AppPolicy(frozenset({Feature.PUSH}))


def test_a_dispatch_from_before_there_were_chosen_users_is_read():  # R8
    """Four flags, and an original that is always an object; what it does not say is as it was then."""
    document = (
        '{"sender":"admin","kind":"txt","fields":{"text":"hello"},"flags":[true,true,true,true],'
        '"audience":"online_users","original":["easemob","txt",{"msg":"hello"}],"level":"high"}'
    )
    read = rows.dispatch_of((1, "app-1", 1, "users_broadcast", document))
    assert read == dispatch(1, original=Original("easemob", "txt", {"msg": "hello"}), level=Level.HIGH)
    assert not read.flags.offline


def test_targets_and_notifications_are_kept_by_these_names():  # P4 P6
    """Whoever renames a member of the model changes what is in the files."""
    before = (
        '{"sender":"admin","kind":"txt","fields":{"text":"hello"},"flags":[true,true,true,true,false],'
        '"audience":"targets","conversation":"system","targets":{"users":null,"tags":["a"],"any_tags":["b"],'
        '"package":"p","platforms":["ios"]},"notification":{"alert":"x","title":"t","platforms":{"ios":'
        '{"alert":null,"extras":{"k":1},"silent":true}}}}'
    )
    document = before.replace('"silent":true', '"silent":true,"title":"T","options":{"sound":"ding"}')
    others = '"others":{"alert":null,"extras":{"e":1},"silent":false,"title":null,"options":{}}'
    document = f"{document.removesuffix('}}')},{others}}}}}"
    one = to_chosen(
        1,
        quota=QuotaName.USERS_BROADCAST,
        targets=Targets(None, frozenset("a"), frozenset("b"), "p", frozenset({"ios"})),
        notification=Notification(
            "x",
            "t",
            {"ios": Override(None, {"k": 1}, silent=True, title="T", options={"sound": "ding"})},
            Override(extras={"e": 1}),
        ),
    )
    plain = replace(one, notification=Notification("x", "t", {"ios": Override(None, {"k": 1}, silent=True)}))
    assert rows.dispatch_of((1, "app-1", 1, "users_broadcast", before)) == plain
    assert rows.dispatch_of((1, "app-1", 1, "users_broadcast", document)) == one
    assert json.loads(json.loads(rows.ledger_row(one))[4]) == json.loads(document)


def test_what_a_room_s_message_says_of_its_members_is_kept_by_these_names():  # N6 N7 N8
    """An expression over tags at any depth, who gets it later, its budget and what was found in it."""
    document = (
        '{"sender":"admin","kind":"txt","fields":{"text":"hello"},"flags":[true,true,true,true,false],'
        '"audience":"online_users","members":["either",[["all",[["tag","vip"],["pattern","d.*"]]],["tag","x"]]],'
        '"again":"dropped","budgeted":true,"verdict":{"decision":"suspect","judge":"checker","label":"600 abuse"}}'
    )
    one = dispatch(
        1,
        members=Either((All((Tag("vip"), Pattern("d.*"))), Tag("x"))),
        again=Again.DROPPED,
        budgeted=True,
        verdict=Verdict(Decision.SUSPECT, Judge.CHECKER, "600 abuse"),
    )
    assert rows.dispatch_of((1, "app-1", 1, "users_broadcast", document)) == one
    assert json.loads(json.loads(rows.ledger_row(one))[4]) == json.loads(document)


@pytest.mark.parametrize("members", [Tag("a"), Pattern("a+"), All((Tag("a"),)), Either((Tag("a"),)), All(())])
def test_every_kind_of_expression_comes_back(members):  # N8
    """Each by itself, one with no parts too."""
    one = dispatch(1, members=members)
    assert rows.dispatch_of(json.loads(rows.ledger_row(one))[:5]) == one


def test_hooks_are_kept_in_this_order():  # S6 N5
    """In the order in which they were given."""
    hooks = (
        Hook("z", "https://example.com/z", "neroom", "secret", "test", frozenset({Source.CLIENT})),
        Hook("a", "http://127.0.0.1:8080/a?b=c", "native"),
    )
    text = rows.policy_text(AppPolicy(hooks=hooks))
    assert json.loads(text)["hooks"] == [
        ["z", "https://example.com/z", "neroom", "secret", "test", ["client"]],
        ["a", "http://127.0.0.1:8080/a?b=c", "native", "", None, ["caller", "client"]],
    ]
    assert rows._policy_of(text) == AppPolicy(hooks=hooks)


def test_what_is_no_json_is_a_bug():
    """A value that could not be read back is never written."""
    with pytest.raises(TypeError, match="complex"):
        rows.ledger_row(custom(1j))
