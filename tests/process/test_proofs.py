"""Who may call and who may log in, with tokens that npm's `agora-token` built and tokens that laba issued."""

import pytest

from process_clients import official_tokens
from process_server import BROADCAST, call, eventually, laba

pytestmark = pytest.mark.anyio

TEXT = {"msg": {"type": "txt", "msg": "hello"}}
SECURITY = "org.apache.usergrid.rest.exceptions.SecurityException"
EXPIRED = ("unauthorized", "Unable to authenticate due to expired access token")
CORRUPT = ("auth_bad_access_token", "Unable to authenticate due to corrupt access token")
STRANGE = ("auth_bad_access_token", "Unable to authenticate")
ILLEGAL = ("unauthorized", "token is illegal.")
INVALID_TOKEN = 3500


def order(app, **given):
    """Order a token with the app's own certificate."""
    return {"app_id": app.keys["app_id"], "certificate": app.keys["app_certificate"], "seconds": 600} | given


async def refused(app, token, words):
    """Check that a broadcast with this token is answered the exact 401 of vendor-apis.md 1.3."""
    for prefix in app.prefixes.values():
        headers = {"Content-Type": "application/json"} | ({"Authorization": token} if token else {})
        answer = await call(app.server.port, "POST", prefix + BROADCAST, TEXT, headers)
        body = answer.json
        assert isinstance(body.pop("timestamp"), int)
        assert isinstance(body.pop("duration"), int)
        error, description = words
        assert (answer.status, body) == (
            401,
            {"error": error, "exception": SECURITY, "error_description": description},
        )
        assert answer.headers["content-type"] == "application/json"


async def test_an_app_token_of_the_official_builder_is_accepted(app):  # A10
    [token] = await official_tokens(order(app))
    for prefix in app.prefixes.values():
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        assert (await call(app.server.port, "POST", prefix + BROADCAST, TEXT, headers)).status == 200


async def test_a_token_made_with_another_certificate_is_refused(app):  # A10
    [token] = await official_tokens(order(app, certificate="0123456789abcdef" * 2))
    await refused(app, f"Bearer {token}", STRANGE)


async def test_a_token_is_refused_once_its_life_is_over(app):  # A10
    [token] = await official_tokens(order(app, seconds=1))

    async def over():
        return (await app.call("POST", BROADCAST, TEXT, token=token)).status == 401

    await eventually(over)
    await refused(app, f"Bearer {token}", EXPIRED)


async def test_a_user_token_is_refused_where_an_app_token_is_needed(app):  # A10
    [official] = await official_tokens(order(app, user="ann"))
    await refused(app, f"Bearer {official}", ILLEGAL)
    await refused(app, f"Bearer {app.user_token('ann')}", ILLEGAL)


async def test_another_apps_token_is_refused(app, server):  # A10
    other = server.new_app(f"other/{app.keys['app_name']}")
    [official] = await official_tokens(order(other))
    await refused(app, f"Bearer {official}", ILLEGAL)
    await refused(app, f"Bearer {other.app_token}", ILLEGAL)


async def test_what_is_no_token_is_refused(app):  # A10
    [token] = await official_tokens(order(app))
    await refused(app, None, EXPIRED)
    await refused(app, "Bearer 007", CORRUPT)
    await refused(app, "Bearer YWMt", CORRUPT)
    await refused(app, f"Bearer {token[:-9]}", CORRUPT)
    await refused(app, "Basic YTpi", CORRUPT)


async def test_a_client_logs_in_with_a_user_token_from_any_issuer(app, server, sdk):  # S1, A10
    """One message reaches clients whose tokens come from five issuers."""
    registered = await app.call("POST", "/users", {"username": "ann", "password": "secret"})
    assert registered.status == 200
    [official, other] = await official_tokens(order(app, user="bob"), order(app, user="eve"))
    password = {"grant_type": "password", "username": "ann", "password": "secret", "timestamp": 1}
    inherit = {"grant_type": "inherit", "username": "carl", "autoCreateUser": True}
    by_password = await app.call("POST", "/token", password, token="")
    by_app = await app.call("POST", "/token", inherit)
    exchanged = await app.call("POST", "/token", {"grant_type": "agora"}, token=other)
    code, printed, _ = await laba("token", app.name, "--user", "dora", "--data", server.data)
    assert code == 0
    issued = [answer.json["access_token"] for answer in (by_password, by_app, exchanged)]
    async with sdk(app.websocket, official, *issued, printed.strip()) as listeners:
        for listener in listeners:
            await listener.until_login()
        message_id = await app.broadcast()
        for listener in listeners:
            await listener.until_heard(message_id)
            assert listener.ids == [message_id]


async def test_an_app_token_by_client_credentials_may_broadcast(app):  # S1
    keys = {name: app.keys[name] for name in ("client_id", "client_secret")}
    issued = await app.call("POST", "/token", {"grant_type": "client_credentials"} | keys, token="")
    assert issued.json["application"] == app.keys["application"]
    await app.broadcast(token=issued.json["access_token"])


async def test_a_client_with_a_token_that_names_no_user_of_the_app_is_turned_away_for_good(app, server, sdk):  # S1
    [app_token, forged] = await official_tokens(
        order(app), order(app, user="ann", certificate="0123456789abcdef" * 2)
    )
    async with sdk(app.websocket, app_token, app.app_token, forged, "nonsense", "") as listeners:
        for listener in listeners:
            assert await listener.until_closed() == INVALID_TOKEN


async def test_a_client_whose_token_has_expired_is_not_let_in(app, sdk):  # S1, A10
    """The SDKs ask the app for a new token; one that has no way to is told that it is unauthorised."""
    [token] = await official_tokens(order(app, user="ann", seconds=0))
    async with sdk(app.websocket, token) as [ann]:
        assert await ann.until_closed() == 1  # the SDKs' own code for "unauthorized"
        assert not ann.of("connected")
