import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.roomreports import told
from laba.model.calls import Claim
from laba.model.http import HttpRequest, RequestHead
from laba.model.recordcalls import GetRoomReport, RoomReportShown
from laba.model.refusal import Code, Refusal
from laba.model.roomreport import RoomMinute

PATH = "/v1/apps/acme/chat/rooms/lobby/report"


def read(**query):
    dialect, head = NativeDialect(), RequestHead("GET", PATH, query)
    claim = dialect.claim(head)
    assert isinstance(claim, Claim)
    return dialect.read(claim, HttpRequest(head, b""), None, 0)


def test_a_room_s_report_is_of_the_last_hour():  # X2
    assert read() == GetRoomReport("lobby", 60)


def test_another_stretch_may_be_asked_for():  # X2
    assert [read(minutes=text) for text in ("1", "1440")] == [GetRoomReport("lobby", 1), GetRoomReport("lobby", 1440)]


@pytest.mark.parametrize("text", ["", "0", "1441", "-5", "1.5", "ten", "٣", "9" * 5000])
def test_a_stretch_that_cannot_be_is_refused_by_its_name(text):  # G4
    refusal = read(minutes=text)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "minutes")


def test_every_level_is_told_and_the_reasons_that_there_were():  # E4 X2
    """The sums are those of the minutes; what waits and what is under way is told by the difference."""
    minutes = (
        RoomMinute(
            "app-1", "lobby", 2, {"accepted.high": 5, "accepted.low": 4, "placed.high": 5, "shed.low.pressure": 1}
        ),
        RoomMinute("app-1", "lobby", 3, {"accepted.low": 1, "to_nobody.low": 1, "raised": 2, "directed": 3}),
        RoomMinute(
            "app-1", "lobby", 4, {"offered.high": 50, "reached.high": 40, "lost.high.slow": 1, "lost.high.left": 2}
        ),
    )
    answer = told(RoomReportShown("lobby", minutes))
    nothing = {"high": 0, "normal": 0, "low": 0}
    assert answer["totals"] == {
        "accepted": {"high": 5, "normal": 0, "low": 5},
        "raised": 2,
        "directed": 3,
        "to_nobody": nothing | {"low": 1},
        "placed": nothing | {"high": 5},
        "shed": {"high": {}, "normal": {}, "low": {"pressure": 1}},
        "rejected": nothing,
        "waiting": 3,
        "deliveries": {
            "offered": nothing | {"high": 50},
            "reached": nothing | {"high": 40},
            "lost": {"high": {"left": 2, "slow": 1}, "normal": {}, "low": {}},
            "under_way": 7,
        },
    }
    assert [each["at"] for each in answer["minutes"]] == [120_000, 180_000, 240_000]
    assert [each["raised"] for each in answer["minutes"]] == [0, 2, 0]


def test_a_room_of_which_nothing_is_known_has_no_minutes():  # X2
    """Every figure is there, and is 0."""
    answer = told(RoomReportShown("lobby", ()))
    assert (answer["room"], answer["minutes"], answer["totals"]["accepted"]["low"]) == ("lobby", [], 0)
