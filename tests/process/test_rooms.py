"""Rooms as a back end, and a user with its own token, manage them over REST."""

import pytest

from process_server import call, serving

pytestmark = pytest.mark.anyio

GONE = (404, "resource_not_found")


@pytest.fixture
async def users(app):
    """Three registered users."""
    answer = await app.call("POST", "/users", [{"username": name} for name in ("ann", "bob", "cid")])
    assert answer.status == 200, answer


@pytest.fixture(params=["app-id", "org/app"])
def ask(request, app, users):
    """Call a path under each of its two forms; gives the status and the document."""

    async def ask(method, path, body=b"", token=None):
        proof = token or app.app_token
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {proof}"}
        answer = await call(app.server.port, method, f"{app.prefixes[request.param]}{path}", body, headers)
        return answer.status, answer.json

    return ask


async def data(answer):
    status, document = await answer
    assert status == 200, document
    return document["data"]


async def refused(answer):
    status, document = await answer
    return status, document["error"]


async def test_a_room_from_its_making_to_its_end(ask):  # S3, S11, vendor-apis.md 3.1
    """By the app's token, in both forms of every path."""
    new = {
        "name": "live",
        "description": "d",
        "maxusers": 3,
        "owner": "Ann",
        "members": ["ann", "bob"],
        "custom": "c",
    }
    room = (await data(ask("POST", "/chatrooms", new)))["id"]
    assert room.isdecimal()
    path = f"/chatrooms/{room}"
    [shown] = await data(ask("GET", path))
    assert shown.items() >= {"id": room, "name": "live", "owner": "ann", "custom": "c", "maxusers": 3}.items()
    assert shown["affiliations"] == [{"owner": "ann"}, {"member": "bob"}]
    assert room in [each["id"] for each in await data(ask("GET", "/chatrooms?limit=100"))]
    assert (await data(ask("POST", f"{path}/users/cid")))["result"] is True
    _, document = await ask("GET", f"{path}/users?pagenum=2&pagesize=2")
    assert (document["data"], document["count"]) == ([{"member": "cid"}], 1)
    assert document["params"] == {"pagesize": ["2"], "pagenum": ["2"]}
    assert [each["id"] for each in await data(ask("GET", "/users/cid/joined_chatrooms"))] == [room]
    muted = await data(ask("POST", f"{path}/mute", {"mute_duration": -1, "usernames": ["bob", "cid"]}))
    assert [(each["user"], each["result"]) for each in muted] == [("bob", True), ("cid", True)]
    assert await data(ask("DELETE", f"{path}/mute/bob%2Ccid")) == [
        {"result": True, "user": name} for name in ("bob", "cid")
    ]
    assert await data(ask("GET", f"{path}/mute")) == []
    assert [await data(ask(method, f"{path}/ban")) for method in ("POST", "DELETE")] == [
        {"mute": True},
        {"mute": False},
    ]
    assert await data(ask("PUT", path, {"name": "new", "maxusers": 9})) == {"groupname": True, "maxusers": True}
    assert await data(ask("PUT", path, {"newowner": "bob"})) == {"newowner": True}
    parted = await data(ask("DELETE", f"{path}/users/ann%2Cbob,cid"))
    assert [(each["user"], each["result"]) for each in parted] == [("ann", True), ("bob", False), ("cid", True)]
    assert await data(ask("DELETE", path)) == {"success": True, "id": room}
    assert await refused(ask("GET", path)) == (404, "service_resource_not_found")
    assert await refused(ask("DELETE", path)) == GONE


async def test_a_user_has_its_own_room(app, ask):  # S1: user level
    """It rules its own room; in others it only looks, comes and goes."""
    ann, bob = app.user_token("ann"), app.user_token("bob")
    room = (await data(ask("POST", "/chatrooms", {"name": "hers"}, ann)))["id"]
    path = f"/chatrooms/{room}"
    assert (await data(ask("GET", path, token=bob)))[0]["owner"] == "ann"
    assert (await data(ask("POST", f"{path}/users/bob", token=bob)))["user"] == "bob"
    assert [each["id"] for each in await data(ask("GET", "/users/bob/joined_chatrooms", token=bob))] == [room]
    illegal = (401, "unauthorized")
    for method, rest, body in (
        ("POST", "/users/cid", b""),
        ("DELETE", "/users/ann", b""),
        ("PUT", "", {"newowner": "bob"}),
        ("POST", "/mute", {"mute_duration": 1000, "usernames": ["ann"]}),
        ("POST", "/ban", b""),
        ("DELETE", "", b""),
    ):
        status, document = await ask(method, f"{path}{rest}", body, bob)
        assert (status, document["error"], document["error_description"]) == (*illegal, "token is illegal.")
    assert await refused(ask("POST", "/chatrooms", {"name": "his", "owner": "ann"}, bob)) == illegal
    assert await refused(ask("GET", "/users/ann/joined_chatrooms", token=bob)) == illegal
    assert (await data(ask("DELETE", f"{path}/users/bob", token=bob)))["result"] is True
    assert await data(ask("PUT", path, {"description": "new"}, ann)) == {"description": True}
    assert (await data(ask("POST", f"{path}/users", {"usernames": ["bob", "cid"]}, ann)))["newmembers"] == [
        "bob",
        "cid",
    ]
    assert await data(ask("DELETE", path, token=ann)) == {"success": True, "id": room}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/chatrooms", b"{", 400, "json_parse"),
        ("POST", "/chatrooms", b'{"name":"a"}', 400, "invalid_parameter"),
        ("POST", "/chatrooms", b'{"name":"a","owner":"eve"}', 404, "resource_not_found"),
        ("POST", "/chatrooms", b'{"name":"a","owner":"ann","maxusers":1e999}', 400, "json_parse"),
        ("POST", "/chatrooms", b'{"name":"a","owner":"ann","members":[[]]}', 400, "invalid_parameter"),
        ("GET", "/chatrooms?limit=many", b"", 400, "invalid_parameter"),
        ("GET", "/chatrooms?cursor=%00", b"", 400, "invalid_parameter"),
        ("GET", "/chatrooms/none", b"", 404, "service_resource_not_found"),
        ("GET", "/chatrooms/%ff%fe", b"", 404, "service_resource_not_found"),
        ("GET", "/chatrooms/%00/users", b"", 404, "service_resource_not_found"),
        ("DELETE", "/chatrooms/none/users/%ff", b"", 404, "resource_not_found"),
        ("DELETE", "/chatrooms/none/mute/%ff", b"", 404, "resource_not_found"),
        ("POST", "/chatrooms/%ED%A0%80/ban", b"", 404, "resource_not_found"),
        ("GET", "/users/%ff/joined_chatrooms", b"", 404, "resource_not_found"),
        ("PATCH", "/chatrooms/none", b"", 405, "method_not_allowed"),
    ],
    ids=repr,
)
async def test_a_nasty_request_is_answered_in_the_vendors_shape(ask, method, path, body, status, error):  # G4
    assert await refused(ask(method, path, body)) == (status, error)


async def test_what_cannot_be_a_member_of_a_room_is_none(ask):  # G4
    """Names that no text can hold, in a room that is there."""
    room = (await data(ask("POST", "/chatrooms", {"name": "live", "owner": "ann"})))["id"]
    path = f"/chatrooms/{room}"
    assert await refused(ask("DELETE", f"{path}/users/%ff")) == (400, "forbidden_op")
    assert [each["result"] for each in await data(ask("DELETE", f"{path}/users/%ff,%00"))] == [False, False]
    assert await refused(ask("DELETE", f"{path}/mute/%ff")) == GONE
    assert await refused(ask("POST", f"{path}/users/%ff")) == GONE


async def test_rooms_outlive_the_server(tmp_path):  # S3, E5
    """With their members, their mutes and what goes first in them."""
    with serving(tmp_path) as server:
        app = server.new_app()
        await app.call("POST", "/users", [{"username": name} for name in ("ann", "bob")])
        new = {"name": "live", "owner": "ann", "members": ["bob"]}
        room = (await app.call("POST", "/chatrooms", new)).json["data"]["id"]
        await app.call("POST", f"/chatrooms/{room}/mute", {"mute_duration": -1, "usernames": ["bob"]})
        server.operator("PATCH", f"/v1/apps/{app.name}/rooms/{room}", {"high_types": ["custom"]})
        server.operator("PATCH", f"/v1/apps/{app.name}", {"high_members": ["ann"]})
        server.kill()
    with serving(tmp_path) as server:
        again = app.on(server)
        assert (await again.call("GET", f"/chatrooms/{room}/users")).json["data"] == [
            {"owner": "ann"},
            {"member": "bob"},
        ]
        [mute] = (await again.call("GET", f"/chatrooms/{room}/mute")).json["data"]
        assert mute["user"] == "bob"
        assert server.operator("GET", f"/v1/apps/{app.name}/rooms/{room}")["high_types"] == ["custom"]
        assert server.operator("GET", f"/v1/apps/{app.name}")["high_members"] == ["ann"]
