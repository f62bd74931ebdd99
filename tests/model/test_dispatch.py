from dataclasses import fields

from builders import submission
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Dispatch, Level
from laba.model.flags import Flags


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
    )
    admitted = Dispatch.admitted(asked, dispatch_id=7, app_uuid="app-1", now_ms=9)
    assert (admitted.id, admitted.app_uuid, admitted.accepted_at_ms) == (7, "app-1", 9)
    carried = {field.name for field in fields(Dispatch)} - {"id", "app_uuid", "accepted_at_ms", "copies"}
    assert {name: getattr(admitted, name) for name in carried} == {name: getattr(asked, name) for name in carried}
