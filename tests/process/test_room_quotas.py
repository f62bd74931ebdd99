"""How often an app may send to rooms, and what it is told beyond that (E3, E10, A8)."""

import pytest

from process_server import serving

pytestmark = pytest.mark.anyio

MESSAGES, DIRECTED, BROADCAST = "/messages/chatrooms", "/messages/chatrooms/users", "/messages/chatrooms/broadcast"
SENT = (200, None, None)
CALLS_FULL = (429, "reach_limit", "This request has reached api limit")
MESSAGES_FULL = (403, "message_send_error", "message send reach limit")
DAY_FULL = (403, "forbidden_op", "broadcast message limit exceeded")
OFF = (403, "forbidden_op", "message broadcast service is unopened")


def new_app(server, name, **quotas):
    """Make an app; hours stand for the vendor's seconds, which a slow machine might not keep within."""
    app = server.new_app(f"quotas/{name}", enable=("users_broadcast", "chatrooms_broadcast"), unlimited=False)
    server.operator("PATCH", f"/v1/apps/{app.name}", {"quotas": quotas})
    return app


async def told(app, path, body):
    answer = await app.call("POST", path, body)
    return answer.status, answer.json.get("error"), answer.json.get("error_description")


async def send(app, rooms=1, path=MESSAGES, **more):
    body = {"to": [f"{number}" for number in range(rooms)], "type": "txt", "body": {"msg": "hello"}, **more}
    return await told(app, path, body)


async def broadcast(app):
    return await told(app, BROADCAST, {"msg": {"type": "txt", "msg": "hello"}})


async def test_the_page_s_two_limits(server):  # E3
    """A hundred messages are 403 for the eleventh call to ten rooms, twenty calls 429 for the twenty-first to one."""
    wide = new_app(server, "wide", room_messages="100/hour", room_calls="20/hour")
    assert [await send(wide, 10) for _ in range(11)] == [SENT] * 10 + [MESSAGES_FULL]
    narrow = new_app(server, "narrow", room_messages="100/hour", room_calls="20/hour")
    assert [await send(narrow) for _ in range(21)] == [SENT] * 20 + [CALLS_FULL]


async def test_where_both_are_passed_429_wins(server):  # E3
    app = new_app(server, "both", room_messages="10/hour", room_calls="2/hour")
    assert [await send(app, 5) for _ in range(3)] == [SENT, SENT, CALLS_FULL]


async def test_a_refused_call_takes_nothing(server):  # G1, E3
    """Neither one in error nor one over a limit."""
    app = new_app(server, "refused", room_messages="10/hour", room_calls="3/hour")
    assert (await send(app, **{"from": ""}))[0] == 400
    assert [await send(app, 9), await send(app, 2), await send(app, 1)] == [SENT, MESSAGES_FULL, SENT]


async def test_directed_messages_are_counted_apart(server):  # E10
    """At both paths together, and only as calls."""
    app = new_app(server, "directed", room_messages="1/hour", room_calls="1/hour", directed_calls="2/hour")
    assert await send(app) == SENT
    assert await send(app, path=DIRECTED, users=["ann"]) == SENT
    assert await send(app, users=["ann"]) == SENT
    for path in (MESSAGES, DIRECTED):
        assert await send(app, path=path, users=["ann"]) == CALLS_FULL


async def test_a_broadcast_to_rooms_has_the_split_of_one_to_users(server):  # A3, A8
    """The minute is 429, the day 403; the default is ten and a hundred."""
    app = new_app(server, "minute")
    assert [await broadcast(app) for _ in range(11)] == [SENT] * 10 + [CALLS_FULL]
    app = new_app(server, "day", chatrooms_broadcast="10/minute,2/day")
    assert [await broadcast(app) for _ in range(3)] == [SENT, SENT, DAY_FULL]


async def test_both_broadcasts_are_off_until_they_are_switched_on(server):  # A9, G2
    """Each by itself."""
    app = server.new_app("quotas/off", enable=("users_broadcast",))
    assert await broadcast(app) == OFF
    server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"chatrooms_broadcast": True}})
    assert await broadcast(app) == SENT


async def test_the_day_of_broadcasts_to_rooms_outlives_a_crash(tmp_path):  # G1, A8
    """They are in the ledger."""
    with serving(tmp_path) as server:
        app = new_app(server, "crash", chatrooms_broadcast="1/day")
        assert await broadcast(app) == SENT
        server.kill()
    with serving(tmp_path) as server:
        assert await broadcast(app.on(server)) == DAY_FULL
