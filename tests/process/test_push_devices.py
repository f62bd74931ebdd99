"""Devices that real clients register on a real server, until the services call them dead (S2, S8)."""

import json
import time

import pytest

from process_pushes import PACKAGE, apple, native, people, register, told, until_over
from process_server import eventually, laba

pytestmark = pytest.mark.anyio


async def until_away(app, user):
    """Wait until the last session of a user is gone."""

    async def is_away():
        answer = await app.call("GET", f"/users/{user}/status")
        return answer.json["data"][user] == "offline"

    await eventually(is_away)


async def test_a_client_registers_its_device_and_is_pushed_to_when_it_is_away(services, sdk):  # S2, S8
    """With what it declared at login; until it deletes its device, after which there is nothing to push to."""
    app, token = services.app, apple(1)
    described = {"device_id": "ann's phone", "platform": "ios", "package": PACKAGE}
    async with sdk(app.websocket, app.user_token("ann"), data=described) as [ann]:
        await ann.until_login()
        assert await ann.rpc("device.set", {"provider": "apns", "token": token, "locale": "zh-CN"}) == {}
        [device] = await devices_of(app, "ann")
        assert device.items() >= {"platform": "ios", "package": PACKAGE, "locale": "zh-CN", "dead": None}.items()
        assert (device["device"], device["provider"]) == ("ann's phone", "apns")
        assert token not in json.dumps(device)
        there = await to_all(app, "while she is there")
        await ann.until_heard(there)
    await until_away(app, "ann")
    gone = await to_all(app, "while she is away")
    assert [push.headers["apns-collapse-id"] for push in services.apns.pushes] == [gone]
    async with sdk(app.websocket, app.user_token("ann"), data=described) as [ann]:
        await ann.until_heard(gone)
        assert await ann.rpc("device.delete", {}) == {}
        _, reason = await ann.rpc_error("device.delete", {})
        assert "has no device" in reason
    await until_away(app, "ann")
    await to_all(app, "to nowhere")
    assert len(services.apns.attempts) == 1


async def to_all(app, alert):
    """Broadcast to all users with a push, and give its id when the push is over."""
    said = {"kind": "txt", "content": {"text": alert}, "audience": "all_users", "push": {"alert": alert}}
    accepted = await native(app, "POST", "/broadcasts", said)
    await until_over(app, accepted["id"])
    return accepted["id"]


async def devices_of(app, user):
    return (await native(app, "GET", f"/users/{user}/devices"))["devices"]


async def test_a_dead_token_is_gone_afterwards_and_why_is_said(services):  # S8
    """In the report, by the command too, and with the device; which lives again with another token."""
    app, tokens = services.app, await people(services)
    services.apns.dead.add(tokens["ann"])
    services.apns.died_ms = time.time_ns() // 1_000_000
    services.fcm.dead.add(tokens["bob"])
    services.web.dead.add(tokens["cid"])
    first = await to_all(app, "first")
    push = (await native(app, "GET", f"/broadcasts/{first}"))["push"]
    rejected = {one["provider"]: one["rejected"] for one in push["providers"]}
    assert rejected == {"ios": {"Unregistered": 1}, "android": {"UNREGISTERED": 1}, "web": {"410": 1}}
    dead = {user: (await devices_of(app, user))[0]["dead"] for user in tokens}
    assert dead == {"ann": "Unregistered", "anton": None, "bob": "UNREGISTERED", "bert": None, "cid": "410"}
    assert (await native(app, "GET", "/providers"))["devices"] == {"apns": 1, "fcm": 1}
    code, stdout, _ = await laba("report", first, "--data", app.server.data)
    lines = {name.strip(): what.strip() for name, _, what in (line.partition("  ") for line in stdout.splitlines())}
    assert code == 0
    assert lines["push by ios"] == "done: 2 devices, 2 asked for"
    assert lines["push by ios: accepted"].startswith("1 ")
    assert lines["push by ios: Unregistered"].startswith("1 ")
    await to_all(app, "second")
    assert told(services.apns) == sorted([tokens["ann"], tokens["anton"], tokens["anton"]])
    await register(app, "ann", "apns", apple(3), package=PACKAGE)
    await to_all(app, "third")
    assert told(services.apns).count(apple(3)) == 1
    assert (await devices_of(app, "ann"))[0]["dead"] is None


async def test_a_phone_that_changes_hands_is_pushed_to_as_its_new_owner_s_alone(services, sdk):  # S2, S8
    app, token = services.app, apple(1)
    for user in ("ann", "bob"):
        async with sdk(app.websocket, app.user_token(user), data={"device_id": f"phone of {user}"}) as [client]:
            await client.until_login()
            await client.rpc("device.set", {"provider": "apns", "token": token})
        await until_away(app, user)
    assert [(each["dead"], each["provider"]) for each in await devices_of(app, "ann")] == [("moved", None)]
    await to_all(app, "once")
    assert told(services.apns) == [token]
