"""Broadcasts to all users by a real server: who is offline gets them at the next login, whatever happened between."""

import pytest

from process_clients import SDKS
from process_server import BROADCAST, call, eventually, serving, steady_port

pytestmark = pytest.mark.anyio

ENABLE = ("users_broadcast", "all_users_broadcast")
TO_ALL = "/messages/broadcast"
# As the vendor's page writes it, `appkey` and all.
BODY = {
    "target_type": "users",
    "msg": {"type": "txt", "msg": "send broadcast to all users"},
    "from": "admin",
    "appkey": "acme#all",
    "ext": {"extKey": "extValue"},
}


@pytest.fixture
def everyone(server):
    """An app that may broadcast to all users without a limit."""
    return server.new_app(f"acme/all{len(server.operator('GET', '/v1/apps')['apps'])}", enable=ENABLE)


async def to_all(app):
    """Broadcast to all users, wait until it is out, and give its id."""
    answer = await app.call("POST", TO_ALL, BODY)
    assert answer.status == 200, answer
    message_id = str(answer.json["data"]["id"])

    async def is_out():
        return "audience" in app.server.operator("GET", f"/v1/broadcasts/{message_id}")

    await eventually(is_out)
    return message_id


def words(answer):
    return answer.json["error"], answer.json["error_description"]


async def test_who_is_offline_gets_it_at_the_next_login_once(everyone, sdk):  # V1
    token = everyone.user_token("ann")
    message = await to_all(everyone)
    await everyone.broadcast_out("not for who is offline")
    async with sdk(everyone.websocket, token) as [ann]:
        await ann.until_heard(message)
        assert ann.messages[0]["content"] == {"text": "send broadcast to all users"}
        assert (ann.messages[0]["conversation"], ann.messages[0]["ext"]) == (
            {"type": "app", "id": "admin"},
            {"extKey": "extValue"},
        )
        second = await to_all(everyone)
        await ann.until_heard(second)
        assert await ann.rpc("ack", {"ids": [second]}) == {}
        # As an app that starts anew: without a position, and yet nothing comes again.
        await ann.command("restart")
        await ann.until_login(2)
        last = await everyone.broadcast("last")
        await ann.until_heard(last)
        assert ann.ids == [message, second, last]
        told = await ann.rpc("conversations", {})
        assert [(each["id"], each["unread"]) for each in told] == [("admin", 3)]


async def test_what_is_acknowledged_behind_the_window_does_not_come_again(tmp_path, sdk):  # V1
    """The window is one second here: only the lasting log still knows the message."""
    with serving(tmp_path / "data", LABA_DELIVERY__WINDOW_SECONDS="1") as server:
        app = server.new_app(enable=ENABLE)
        token = app.user_token("ann")
        message = await to_all(app)
        async with sdk(app.websocket, token) as [ann]:
            await ann.until_heard(message)
            assert await ann.rpc("ack", {"ids": [message]}) == {}
            await ann.command("restart")
            await ann.until_login(2)
            last = await app.broadcast("last")
            await ann.until_heard(last)
            assert ann.ids == [message, last]


async def test_kill_9_between_acceptance_and_login_loses_nothing(tmp_path):  # V1
    """Killed right behind the answer, and once more before anybody comes; both SDKs get it, each once."""
    data = tmp_path / "data"
    with serving(data, steady_port()) as server:
        app = server.new_app(enable=ENABLE)
        tokens = {language: app.user_token(language) for language in SDKS}
        answer = await app.call("POST", TO_ALL, BODY)
        server.kill()
    message = str(answer.json["data"]["id"])
    with serving(data, server.port) as server:
        server.kill()
    with serving(data, server.port) as server:
        last = None
        for language, sdk in SDKS.items():
            async with sdk(app.websocket, tokens[language]) as [listener]:
                await listener.until_heard(message)
                last = await app.on(server).broadcast()
                await listener.until_heard(last)
                assert listener.ids == [message, last]


async def test_a_second_call_in_half_an_hour_is_429_and_a_fourth_of_a_day_403(server):  # V1, G1
    """Both forms of the path count together, and a day that is full says so in words of its own."""
    app = server.new_app("acme/limits", enable=ENABLE, unlimited=False)
    proof = {"Authorization": f"Bearer {app.app_token}", "Content-Type": "application/json"}
    paths = [f"{prefix}{TO_ALL}" for prefix in app.prefixes.values()]
    answers = [await call(server.port, "POST", path, BODY, proof) for path in paths]
    assert [answer.status for answer in answers] == [200, 429]
    assert words(answers[1]) == ("reach_limit", "This request has reached api limit")
    assert 1700 < int(answers[1].headers["retry-after"]) <= 1800
    server.operator("PATCH", f"/v1/apps/{app.name}", {"quotas": {"all_users_broadcast": "1/day"}})
    answer = await app.call("POST", TO_ALL, BODY)
    assert (answer.status, words(answer)) == (403, ("forbidden_op", "broadcast message limit exceeded"))


async def test_it_is_off_at_first_and_has_a_switch_and_a_quota_of_its_own(server):  # V1, G2, S9
    app = server.new_app("acme/off", unlimited=False)
    answer = await app.call("POST", TO_ALL, BODY)
    assert answer.status == 403
    assert answer.json["error_description"] == "message broadcast service is unopened"
    server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"all_users_broadcast": True}})
    assert (await app.call("POST", TO_ALL, BODY)).status == 200
    assert (await app.call("POST", BROADCAST, {"msg": BODY["msg"]})).status == 200
