"""Users who are removed, and what becomes of their sessions and tokens."""

import pytest

from process_clients import official_tokens

pytestmark = pytest.mark.anyio

INVALID_TOKEN = 3500
USER_REMOVED = 4501


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
