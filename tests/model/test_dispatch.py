from dataclasses import fields

from builders import submission
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Again, Dispatch, Level
from laba.model.flags import Flags
from laba.model.tags import Tag


def test_a_dispatch_says_all_that_its_submission_said():
    """Nothing of it is lost at admission; feature and sizes were for the judgement only."""
    asked = submission(
        sender="ann",
        content=Content(Kind.CMD, {"action": "run"}),
        flags=Flags(stored=False, counted=False, pushed=True, updates_last=True),
        original=Original("easemob", "cmd", {"action": "run", "more": 1}),
        ext={"k": "v"},
        level=Level.HIGH,
        client_id="c-1",
        members=Tag("vip"),
        again=Again.DROPPED,
        budgeted=True,
    )
    admitted = Dispatch.admitted(asked, dispatch_id=7, app_uuid="app-1", now_ms=9)
    assert (admitted.id, admitted.app_uuid, admitted.accepted_at_ms) == (7, "app-1", 9)
    carried = {field.name for field in fields(Dispatch)} - {"id", "app_uuid", "accepted_at_ms", "copies", "verdict"}
    assert {name: getattr(admitted, name) for name in carried} == {name: getattr(asked, name) for name in carried}


def test_a_raised_dispatch_is_high_whatever_its_budget_and_a_demoted_one_normal():  # E5, N6
    asked = submission(level=Level.HIGH, budgeted=True)
    high = Dispatch.admitted(asked, dispatch_id=7, app_uuid="app-1", now_ms=9)
    assert (high.raised().level, high.raised().budgeted) == (Level.HIGH, False)
    assert (high.demoted().level, high.demoted().id) == (Level.NORMAL, 7)
