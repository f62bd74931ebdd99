"""Users as a back end manages them over REST, and what becomes of their sessions and tokens."""

import asyncio

import centrifuge
import pytest

from process_clients import official_tokens
from process_server import call, eventually

pytestmark = pytest.mark.anyio

INVALID_TOKEN = 3500
USER_REMOVED = 4501
USER_DEACTIVATED = 4502
PASSWORD_CHANGED = 4503
DISCONNECTED = 4504


async def ok(answer):
    """Give the JSON of a call that is answered with 200."""
    answer = await answer
    assert answer.status == 200, answer
    return answer.json


async def status(app, user):
    return (await ok(app.call("GET", f"/users/{user}/status")))["data"]


async def test_a_removed_user_is_disconnected_and_its_tokens_hold_no_more(app, sdk):  # S1, S2
    token = app.user_token("ann")
    async with sdk(app.websocket, token, token, app.user_token("bob")) as [phone, tablet, bob]:
        for listener in (phone, tablet, bob):
            await listener.until_login()
        assert (await app.call("DELETE", "/users/ann")).status == 200
        for listener in (phone, tablet):
            assert await listener.until_closed() == USER_REMOVED
        await phone.command("connect")
        await phone.until(lambda phone: len(phone.of("disconnected")) == 2)
        assert await phone.until_closed() == INVALID_TOKEN
        # Another user's session goes on.
        await bob.until_heard(await app.broadcast())
        assert not phone.ids
        assert not tablet.ids


async def test_registering_the_name_again_does_not_revive_its_old_tokens(app, sdk):  # S1, S2
    old = app.user_token("ann")
    await app.call("DELETE", "/users/ann")
    assert (await app.call("POST", "/users", {"username": "ann", "password": "secret"})).status == 200
    async with sdk(app.websocket, old, app.user_token("ann")) as [revoked, ann]:
        assert await revoked.until_closed() == INVALID_TOKEN
        await ann.until_login()


async def test_a_token_that_laba_signed_for_a_user_who_is_gone_does_not_register_it(app, sdk):  # S1
    token = app.user_token("ann")
    await app.call("DELETE", "/users/ann")
    async with sdk(app.websocket, token) as [ann]:
        assert await ann.until_closed() == INVALID_TOKEN
    assert (await app.call("GET", "/users/ann")).status == 404


async def test_a_token_that_the_app_signed_registers_its_user_at_the_first_login(app, sdk):  # S1
    order = {"app_id": app.keys["app_id"], "certificate": app.keys["app_certificate"], "seconds": 600, "user": "Ann"}
    [token] = await official_tokens(order)
    assert (await app.call("GET", "/users/ann")).status == 404
    async with sdk(app.websocket, token) as [ann]:
        await ann.until_login()
    found = await app.call("GET", "/users/ann")
    assert [user["username"] for user in found.json["entities"]] == ["ann"]


# --- ending sessions -----------------------------------------------------------------------------------------------


async def test_a_disconnected_user_is_out_until_it_wants_to_be_in(app, sdk):  # S11
    token = app.user_token("ann")
    async with sdk(app.websocket, token, token, app.user_token("bob")) as [phone, tablet, bob]:
        for listener in (phone, tablet, bob):
            await listener.until_login()
        answer = await ok(app.call("GET", "/users/Ann/disconnect"))
        assert (answer["action"], answer["data"]) == ("get", {"result": True})
        for listener in (phone, tablet):
            assert await listener.until_closed() == DISCONNECTED
        assert await status(app, "ann") == {"ann": "offline"}
        await phone.command("connect")
        await phone.until_login(2)
        message = await app.broadcast()
        for listener in (phone, bob):
            await listener.until_heard(message)
        # The device that nobody asked to has not tried, and another user's session went on.
        assert [len(tablet.of(event)) for event in ("connecting", "connected", "disconnected")] == [1, 1, 1]
        assert not tablet.ids
        assert len(bob.of("connected")) == 1


async def test_a_deactivated_user_is_out_until_it_is_activated(app, sdk):  # S11
    await ok(app.call("POST", "/users", {"username": "ann", "password": "secret"}))
    grant = {"grant_type": "password", "username": "ann", "password": "secret"}
    token = (await ok(app.call("POST", "/token", grant)))["access_token"]
    order = {"app_id": app.keys["app_id"], "certificate": app.keys["app_certificate"], "seconds": 600, "user": "ann"}
    [official] = await official_tokens(order)
    async with sdk(app.websocket, token, official) as [phone, tablet]:
        for listener in (phone, tablet):
            await listener.until_login()
        answer = await ok(app.call("POST", "/users/ann/deactivate"))
        assert (answer["action"], answer["entities"][0]["activated"]) == ("Deactivate user", False)
        for listener in (phone, tablet):
            assert await listener.until_closed() == USER_DEACTIVATED
            # It may ask, and is told why not, whoever signed its token.
            await listener.command("connect")
            await listener.until(lambda listener: len(listener.of("disconnected")) == 2)
            assert await listener.until_closed() == USER_DEACTIVATED
        assert (await app.call("POST", "/token", grant)).json["error"] == "invalid_grant"
        inherit = {"grant_type": "inherit", "username": "ann"}
        refused = (await app.call("POST", "/token", inherit)).json
        assert (refused["error"], refused["error_description"]) == ("invalid_grant", "user ann is deactivated")

        answer = await ok(app.call("POST", "/users/ann/activate"))
        assert (answer["action"], answer["entities"][0]["activated"]) == ("activate user", True)
        # What the app's back end signs holds again; what laba issued before does not.
        await tablet.command("connect")
        await tablet.until_login(2)
        await phone.command("connect")
        await phone.until(lambda phone: len(phone.of("disconnected")) == 3)
        assert await phone.until_closed() == INVALID_TOKEN
    token = (await ok(app.call("POST", "/token", grant)))["access_token"]
    async with sdk(app.websocket, token) as [phone]:
        await phone.until_login()


async def test_a_new_password_shuts_out_who_came_by_the_old_one(app, sdk):  # S11
    await ok(app.call("POST", "/users", {"username": "ann", "password": "old"}))

    async def token(password):
        return await app.call("POST", "/token", {"grant_type": "password", "username": "ann", "password": password})

    old = (await token("old")).json["access_token"]
    async with sdk(app.websocket, old) as [thief]:
        await thief.until_login()
        answer = await ok(app.call("PUT", "/users/ann/password", {"newpassword": "new"}))
        assert answer["action"] == "set user password"
        assert answer["entities"][0]["modified"] > answer["entities"][0]["created"]
        assert await thief.until_closed() == PASSWORD_CHANGED
        await thief.command("connect")
        await thief.until(lambda thief: len(thief.of("disconnected")) == 2)
        assert await thief.until_closed() == INVALID_TOKEN
    assert (await token("old")).json["error"] == "invalid_grant"
    new = (await token("new")).json["access_token"]
    async with sdk(app.websocket, new) as [ann]:
        await ann.until_login()


# --- asking --------------------------------------------------------------------------------------------------------


async def test_a_status_is_what_the_connections_say(app, sdk):  # S2 S11
    await ok(app.call("POST", "/users", [{"username": "bob"}, {"username": "ann"}]))
    asked = {"usernames": ["nobody", "Ann", "bob", "ann"]}
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        assert await status(app, "ann") == {"ann": "online"}
        assert await status(app, "bob") == {"bob": "offline"}
        many = await ok(app.call("POST", "/users/batch/status", asked))
        assert many["action"] == "get batch user status"
        assert many["data"] == [{"nobody": "offline"}, {"ann": "online"}, {"bob": "offline"}, {"ann": "online"}]

    async def gone():
        return await status(app, "ann") == {"ann": "offline"}

    await eventually(gone)


async def test_devices_are_listed_while_they_are_connected(app):  # S11
    client = centrifuge.Client(
        app.websocket, token=app.user_token("ann"), data={"device_id": "7f3a", "platform": "ios"}, proxy=None
    )

    async def devices():
        return (await ok(app.call("GET", "/users/ann/resources")))["data"]

    assert await devices() == []
    await client.connect()
    try:
        await client.ready(10)
        assert await devices() == [{"res": "ios_7f3a", "device_uuid": "7f3a", "device_name": "ios"}]
    finally:
        await client.disconnect()
        await asyncio.gather(*client._background_tasks, return_exceptions=True)

    async def none():
        return await devices() == []

    await eventually(none)


async def test_a_list_of_users_is_read_to_its_end(app):  # S11
    names = [f"u{n:03}" for n in range(120)]
    for start in (60, 0):
        await ok(app.call("POST", "/users", [{"username": name} for name in names[start : start + 60]]))
    for prefix in app.prefixes.values():
        headers = {"Authorization": f"Bearer {app.app_token}"}

        async def page(query, prefix=prefix, headers=headers):
            return await ok(call(app.server.port, "GET", f"{prefix}/users{query}", headers=headers))

        first = await page("")
        assert (first["count"], first["path"], first["params"]) == (10, "/users", {})
        assert first["organization"] == app.keys["org_name"]
        found, seen = await page("?limit=50"), []
        while True:
            seen += [user["username"] for user in found["entities"]]
            if "cursor" not in found:
                break
            assert found["params"]["limit"] == ["50"]
            found = await page(f"?limit=50&cursor={found['cursor']}")
        assert seen == names
    for query, field in (("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")):
        refused = await app.call("GET", f"/users?{query}")
        assert (refused.status, refused.json["error"], refused.json["field"]) == (400, "illegal_argument", field)
        assert refused.json["error_description"].startswith(f"{field} must be ")


async def test_who_is_nobody_is_not_found(app):  # S11
    paths = {
        "/users/eve/deactivate": "POST",
        "/users/eve/activate": "POST",
        "/users/eve/disconnect": "GET",
        "/users/eve/status": "GET",
        "/users/eve/resources": "GET",
    }
    for path, method in paths.items():
        answer = await app.call(method, path)
        assert (answer.status, answer.json["error"]) == (404, "service_resource_not_found"), path
    answer = await app.call("PUT", "/users/eve/password", {"newpassword": "x"})
    assert (answer.status, answer.json["error"]) == (404, "entity_not_found")


async def test_each_path_takes_its_own_methods(app):  # S11
    for method, path, allowed in (
        ("GET", "/users/batch/status", "POST"),
        ("GET", "/users/ann/deactivate", "POST"),
        ("POST", "/users/ann/password", "PUT"),
        ("PUT", "/users", "POST, GET"),
    ):
        answer = await app.call(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


async def test_only_the_app_may_do_so(app):  # A10 S11
    token = app.user_token("ann")
    for method, path in (("GET", "/users"), ("GET", "/users/ann/disconnect"), ("POST", "/users/ann/deactivate")):
        assert (await app.call(method, path, token=token)).status == 401
        refused = await app.call(method, path, token="")
        assert refused.json["error_description"] == "Unable to authenticate (OAuth)"
