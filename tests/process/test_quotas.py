"""What an operator switches and limits while the server runs, with the commands that an operator types."""

import pytest

from process_server import BROADCAST, laba, serving

pytestmark = pytest.mark.anyio

TEXT = {"msg": {"type": "txt", "msg": "hello"}}
EMPTY = {"msg": {"type": "txt", "msg": "hello"}, "from": ""}


async def send(app, body=None):
    """Broadcast, and give the status and the vendor's two words for it."""
    answer = await app.call("POST", BROADCAST, body or TEXT)
    return answer.status, answer.json.get("error"), answer.json.get("error_description")


async def type_change(app, *changes):
    """Run `laba app set` as an operator does."""
    code, _, stderr = await laba("app", "set", app.name, *changes, "--data", app.server.data)
    assert (code, stderr) == (0, "")


def limit(app, quota):
    """Do without the command what it does."""
    app.server.operator("PATCH", f"/v1/apps/{app.name}", {"quotas": {"users_broadcast": quota}})


OFF = (403, "forbidden_op", "message broadcast service is unopened")
MINUTE_FULL = (429, "reach_limit", "This request has reached api limit")
DAY_FULL = (403, "forbidden_op", "broadcast message limit exceeded")
SENT = (200, None, None)


async def test_the_feature_is_off_until_the_operator_switches_it_on_and_off_again(server):  # A7, A9, G2
    app = server.new_app("acme/off", enable=(), unlimited=False)
    assert await send(app) == OFF
    await type_change(app, "users_broadcast=on")
    assert await send(app) == SENT
    await type_change(app, "users_broadcast=off", "quota.users_broadcast=unlimited")
    assert await send(app) == OFF


async def test_a_second_call_within_a_minute_is_429_with_the_vendors_body(server):  # A3
    app = server.new_app("acme/minute", unlimited=False)
    assert await send(app) == SENT
    for prefix in app.prefixes:
        answer = await app.call("POST", BROADCAST, TEXT)
        body = answer.json
        assert isinstance(body.pop("timestamp"), int)
        assert isinstance(body.pop("duration"), int)
        assert answer.status == 429, prefix
        assert body == {
            "error": "reach_limit",
            "exception": "laba.quota_exhausted",
            "error_description": "This request has reached api limit",
        }
        assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_the_daily_limit_is_403_in_words_of_its_own(server):  # A3, G1
    app = server.new_app("acme/day", unlimited=False)
    await type_change(app, "quota.users_broadcast=2/day")
    assert [await send(app) for _ in range(3)] == [SENT, SENT, DAY_FULL]


async def test_where_minute_and_day_are_full_the_minute_is_named(server):  # A3
    app = server.new_app("acme/both", unlimited=False)
    limit(app, "1/minute,1/day")
    assert [await send(app) for _ in range(2)] == [SENT, MINUTE_FULL]


async def test_a_limit_is_lifted_at_once(server):  # G1
    app = server.new_app("acme/lifted", unlimited=False)
    assert [await send(app) for _ in range(2)] == [SENT, MINUTE_FULL]
    limit(app, "unlimited")
    assert [await send(app) for _ in range(3)] == [SENT] * 3


async def test_a_refused_call_takes_nothing_from_the_quota(server):  # G1
    app = server.new_app("acme/refused", unlimited=False)
    assert (await send(app, EMPTY))[0] == 400
    assert (await app.call("POST", BROADCAST, TEXT, token="nonsense")).status == 401
    assert [await send(app) for _ in range(2)] == [SENT, MINUTE_FULL]


async def test_one_apps_quota_is_not_anothers(server):  # G1
    one, other = (server.new_app(f"acme/{name}", unlimited=False) for name in ("one", "other"))
    assert [await send(one), await send(other), await send(one)] == [SENT, SENT, MINUTE_FULL]


async def test_a_quota_is_refilled_from_the_ledger_at_a_restart(tmp_path):  # G1, A3
    """Also behind a kill: who is over the limit does not get round it by a crash."""
    data = tmp_path / "data"
    with serving(data) as server:
        app = server.new_app(unlimited=False)
        limit(app, "2/day")
        assert [await send(app) for _ in range(2)] == [SENT, SENT]
        server.kill()
    with serving(data) as server:
        assert await send(app.on(server)) == DAY_FULL
