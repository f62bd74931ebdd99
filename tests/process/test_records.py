"""What laba remembers: conversation lists, read marks, history, and the report of a broadcast."""

import asyncio
import json
import re

import pytest

from process_clients import js
from process_server import call, eventually, laba, serving, steady_port

pytestmark = pytest.mark.anyio


async def native(app, method, path, body=b"", token=None):
    """Call laba's own REST for an app."""
    headers = {"Authorization": f"Bearer {token or app.app_token}", "Content-Type": "application/json"}
    return await call(app.server.port, method, f"/v1/apps/{app.name}{path}", body, headers)


async def conversations(app, user, token=None):
    answer = await native(app, "GET", f"/users/{user}/conversations", token=token)
    assert answer.status == 200, answer
    return [
        (each["type"], each["id"], each["unread"], each["last_message"]["content"]["text"])
        for each in answer.json["conversations"]
    ]


async def test_a_client_reads_its_list_and_marks_it_read_by_rpc(app, sdk):  # A2, S5
    """The same over REST, with the app's token and with its own."""
    token = app.user_token("ann")
    async with sdk(app.websocket, token) as [ann]:
        await ann.until_login()
        await ann.until_heard(await app.broadcast("one"))
        await ann.until_heard(await app.broadcast("two"))
        [listed] = await ann.rpc("conversations", {"limit": 5})
        assert (listed["type"], listed["id"], listed["unread"]) == ("app", "admin", 2)
        assert listed["last_message"] == ann.messages[-1]
        assert listed["updated_at"] == ann.messages[-1]["sent_at"]
        assert await conversations(app, "ann") == [("app", "admin", 2, "two")]
        assert await ann.rpc("read", {"type": "app", "id": "admin"}) == {}
        assert await conversations(app, "ann", token) == [("app", "admin", 0, "two")]


async def test_a_wrong_question_is_answered_with_the_field_and_the_client_stays(app, sdk):  # G4
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        code, message = await ann.rpc_error("conversations", {"limit": "many"})
        assert (code, "limit" in message) == (107, True)
        assert (await ann.rpc_error("no such method", {}))[0] == 104
        await ann.until_heard(await app.broadcast("still here"))


async def test_another_user_s_list_is_not_for_a_user_s_token(app):  # S5, A10
    app.user_token("ann")
    answer = await native(app, "GET", "/users/ann/conversations", token=app.user_token("eve"))
    assert (answer.status, answer.json["error"]["code"]) == (401, "token_mismatch")


async def test_history_is_there_where_the_app_roams(app):  # A2
    """Off by default: the list shows the last message, the history nothing."""
    async with js(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        sent = [await app.broadcast("one"), await app.broadcast("two")]
        await ann.until_heard(sent[-1])
        question = {"type": "app", "id": "admin"}
        assert await ann.rpc("history", question) == {"messages": [], "cursor": None, "roaming": False}
        app.server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"roaming": True}})
        told = await ann.rpc("history", question)
        assert ([each["id"] for each in told["messages"]], told["roaming"]) == (sent[::-1], True)


async def test_after_kill_9_a_list_holds_what_its_user_was_online_for(tmp_path):  # A2
    """ann's line was open at the crash and she never came back; eve was never there."""
    with serving(tmp_path, steady_port()) as server:
        app = server.new_app()
        app.user_token("eve")
        async with js(app.websocket, app.user_token("ann")) as [ann]:
            await ann.until_login()
            await ann.until_heard(await app.broadcast("before"))
            server.kill()
    with serving(tmp_path, server.port) as server:
        app = app.on(server)
        assert await conversations(app, "ann") == [("app", "admin", 1, "before")]
        await app.broadcast("within her grace")

        async def grown():
            return [each for each in await conversations(app, "ann") if each[2] == 2]

        assert await eventually(grown) == [("app", "admin", 2, "within her grace")]
        assert await conversations(app, "eve") == []


# --- reports -------------------------------------------------------------------------------------------------------


async def test_a_report_tells_whom_a_broadcast_reached_and_who_confirmed_it(app, sdk):  # X2
    tokens = [app.user_token(f"user{number}") for number in range(5)]
    async with sdk(app.websocket, *tokens) as listeners:
        for listener in listeners:
            await listener.until_login()
        sent = await app.broadcast("hello")
        for listener in listeners:
            await listener.until_heard(sent)

        async def reached():
            told = (await native(app, "GET", f"/broadcasts/{sent}")).json
            return told if told["status"] == "sent" else None

        told = await eventually(reached)
        assert (told["audience"], told["reached"], told["confirmed"], told["dropped"]) == (5, 5, 0, {})
        assert all(0 <= after < 10_000 for after in told["reached_after_ms"].values())
        for listener in listeners[:3]:
            assert await listener.rpc("ack", {"ids": [sent]}) == {}
        assert (await native(app, "GET", f"/broadcasts/{sent}")).json["confirmed"] == 3


async def test_laba_report_shows_it_and_follows_it(app):  # X2
    """`--follow` ends when the last one has confirmed."""
    async with js(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        sent = await app.broadcast("hello")
        await ann.until_heard(sent)
        data = app.server.data
        following = asyncio.create_task(laba("report", sent, "--follow", "--data", data))
        code, stdout, stderr = await laba("report", sent, "--data", data)
        assert code == 0, stderr
        assert re.search(r"^reached +1  100\.0 %$", stdout, re.MULTILINE)
        assert re.search(r"^confirmed +0  0\.0 %$", stdout, re.MULTILINE)
        await ann.rpc("ack", {"ids": [sent]})
        code, stdout, stderr = await following
        assert code == 0, stderr
        assert json.loads(stdout.splitlines()[-1])["confirmed"] == 1


async def test_a_report_outlives_its_server(tmp_path):  # X2
    """It is in the ledger, and the command reads it there without a server."""
    with serving(tmp_path) as server:
        app = server.new_app()
        async with js(app.websocket, app.user_token("ann")) as [ann]:
            await ann.until_login()
            sent = await app.broadcast("hello")
            await ann.until_heard(sent)
        assert await asyncio.to_thread(server.terminate) == 0
    code, stdout, stderr = await laba("report", sent, "--json", "--data", tmp_path)
    assert code == 0, stderr
    told = json.loads(stdout)
    assert (told["status"], told["audience"], told["reached"], told["confirmed"]) == ("sent", 1, 1, 1)


async def test_a_broadcast_that_is_not_the_app_s_is_unknown(app, server):  # X2
    other = server.new_app("acme/other-reports")
    sent = await other.broadcast("hello")
    answer = await native(app, "GET", f"/broadcasts/{sent}")
    assert (answer.status, answer.json["error"]["code"]) == (404, "broadcast_unknown")
