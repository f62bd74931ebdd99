import json
import re

import pytest

from builders import APP_UUID, NOW_MS, app, room, submission
from laba.dialects.neroom.dialect import READERS, NeroomDialect
from laba.dialects.neroom.endpoints import ENDPOINTS
from laba.dialects.neroom.errors import WORDS
from laba.model.calls import Accepted, Claim, Exchange, Grant, Posted, Repeated, TokenIssued
from laba.model.content import Original
from laba.model.dispatch import Dispatch, Level
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.moderation import Decision, Judge, Verdict
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import RoomCreated, RoomDestroyed
from laba.model.user import User
from laba.model.usercalls import StatusesFound, StatusFound, UserChanged

NEROOM, IM, TWIN = (
    "/neroom/v1/broadcast",
    "/nimserver/chatroom/broadcast.action",
    "/im/v2.1/broadcast_notification/actions/chatroom",
)
ANN = User(APP_UUID, "ann", "uuid", 1, 1, 0, "Ann", True, None, "http://i")
DIALECT = NeroomDialect()


def written(answer, path=NEROOM):
    endpoint = next(each for each in ENDPOINTS if each.pattern == path)
    claim = Claim(endpoint, path, app_key="key", signed=SignedHead("n", "1", "c"))
    exchange = Exchange(claim, app(), "http://localhost", NOW_MS - 66, NOW_MS)
    response = DIALECT.write(exchange, answer)
    assert (response.status, response.media_type) == (200, "application/json; charset=utf-8")
    return json.loads(response.body)


def accepted(**rest):
    original = Original("neroom", "0", {"attach": "hi", "ext": "{}"})
    asked = submission(client_id="m1", level=Level.HIGH, original=original)
    return Accepted(Dispatch.admitted(asked, dispatch_id=7, app_uuid=APP_UUID, now_ms=NOW_MS, **rest))


def test_a_broadcast_is_answered_as_the_page_s_sample():  # N9
    body = written(accepted())
    assert re.fullmatch(r"[0-9a-f]{32}", body.pop("request_id"))
    assert body == {"code": 0, "msg": "Success", "ts": NOW_MS, "cost": "66ms"}


def test_a_repeat_and_a_rejected_message_are_answered_like_any_other():  # N2, N7
    rejected = accepted(verdict=Verdict(Decision.REJECTED, Judge.CHECKER, "200 ad"))
    for answer in (Repeated("m1"), rejected, Posted({"r1": 7})):
        body = written(answer)
        assert (body["code"], body["msg"], "data" in body) == (0, "Success", False)


TOLD = {
    "time": str(NOW_MS),
    "fromAvator": "",
    "msgid_client": "m1",
    "fromClientType": "REST",
    "roomId": "",
    "fromAccount": "admin",
    "fromNick": "",
    "attach": "hi",
    "type": "0",
    "ext": "{}",
    "highPriorityFlag": "1",
    "msgAbandonFlag": "0",
}


def test_the_im_platform_describes_what_was_sent():  # S11, V3
    assert written(accepted(), IM) == {"code": 200, "desc": TOLD}
    assert written(accepted(), TWIN) == {"code": 200, "msg": "success", "data": TOLD}
    assert written(Repeated("m1"), IM) == {"code": 200, "desc": {"msgid_client": "m1"}}


def test_users_are_shown_with_their_token():  # S1
    issued = TokenIssued(Grant.DIRECT, "t", 0, 0, ANN)
    assert written(issued, "/neroom/v3/users")["data"] == {
        "user_uuid": "ann",
        "user_token": "t",
        "user_name": "Ann",
        "icon": "http://i",
        "im_token": "t",
    }
    assert written(issued, "/nimserver/user/create.action") == {
        "code": 200,
        "info": {"token": "t", "accid": "ann", "name": "Ann"},
    }


def test_rooms_are_shown_by_their_id():  # S3
    made = RoomCreated(room("r1", owner="ann", description="hi"))
    assert written(made, "/neroom/v4/rooms")["data"] == {"room_archive_id": "r1", "room_uuid": "r1"}
    chatroom = written(made, "/nimserver/chatroom/create.action")["chatroom"]
    assert (chatroom["roomid"], chatroom["creator"], chatroom["announcement"]) == ("r1", "ann", "hi")
    numbered = written(RoomCreated(room("512")), "/nimserver/chatroom/create.action")["chatroom"]
    assert numbered["roomid"] == 512


def test_who_is_online_is_a_number():
    statuses = StatusesFound((StatusFound("ann", online=True), StatusFound("bob", online=False)))
    assert written(statuses, "/nimserver/user/userOnlineStatus.action")["data"] == [
        {"accid": "ann", "status": 1},
        {"accid": "bob", "status": 0},
    ]
    assert written(UserChanged(ANN), "/nimserver/user/block.action") == {"code": 200, "desc": "ok"}


def test_what_no_endpoint_is_answered_is_a_bug():
    for path in (NEROOM, IM, TWIN):
        with pytest.raises(ValueError, match="another dialect writes"):
            written(RoomDestroyed("r1"), path)


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", list(Code))
def test_every_reason_has_its_words_and_http_200(code):  # N9, G4
    assert WORDS.keys() == set(Code)
    refusal = Refusal(code, "the reason", field="a.b")
    body = written(refusal)
    assert list(body) == ["code", "msg", "ts", "request_id", "cost"]
    assert body["code"] == WORDS[code].code != 0
    assert written(refusal, IM) == {"code": WORDS[code].im_code, "desc": "a.b: the reason"}
    assert written(refusal, TWIN) == {"code": WORDS[code].im_code, "msg": "a.b: the reason", "data": {}}


def test_the_page_s_own_words():  # N9
    assert written(Refusal(Code.ROOM_UNKNOWN, "no room"))["msg"] == "Room not found."
    assert written(Refusal(Code.ROOM_UNKNOWN, "no room"))["code"] == 1004
    parameter = written(Refusal(Code.FIELD_INVALID, "must be less", field="attach"))
    assert (parameter["code"], parameter["msg"]) == (400, "Invalid parameter. attach: must be less")
    assert written(Refusal(Code.SIGNATURE_WRONG, "no"))["code"] == 401
    assert written(Refusal(Code.SIGNATURE_STALE, "no"), IM)["code"] == 414


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/neroom/v9/x", {"code", "msg", "ts", "request_id", "cost"}),
        ("/nimserver/x.action", {"code", "desc"}),
        ("/im/v2/x", {"code", "msg", "data"}),
    ],
)
def test_a_path_that_is_not_served_has_its_platform_s_shape(path, members):  # G4
    refusal = DIALECT.claim(RequestHead("POST", path))
    response = DIALECT.refuse(refusal, NOW_MS)
    body = json.loads(response.body)
    assert (response.status, body["code"], body.keys()) == (200, 404, members)


def test_every_endpoint_has_a_reader():
    assert READERS.keys() == {endpoint.name for endpoint in ENDPOINTS}
    with pytest.raises(ValueError, match="takes no file"):
        DIALECT.receive(Claim(ENDPOINTS[0], NEROOM), RequestHead("POST", NEROOM), app(), 0)


def timed(path, digest, started_at_ms):
    endpoint = next(each for each in ENDPOINTS if each.pattern == path)
    claim = Claim(endpoint, path, app_key="key", signed=SignedHead("n", "1", digest))
    return json.loads(DIALECT.write(Exchange(claim, app(), "", started_at_ms, NOW_MS), accepted()).body)


def test_a_clock_that_was_set_back_costs_nothing():  # N9
    assert timed(NEROOM, "c", NOW_MS + 1)["cost"] == "0ms"
    assert timed(NEROOM, "c", NOW_MS - 1)["cost"] == "1ms"


def test_calls_of_one_moment_are_told_apart_by_their_proof():  # N9
    calls = [("c", NOW_MS), ("d", NOW_MS), ("c", NOW_MS - 1)]
    assert len({timed(NEROOM, *call)["request_id"] for call in calls}) == 3
