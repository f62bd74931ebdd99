import hashlib
import json
from dataclasses import replace
from typing import get_args

import pytest

from builders import OTHER_UUID, app, counted, submission
from houses import opened
from laba.core.tokens import Token
from laba.dialects.easemob.dialect import EasemobDialect
from laba.dialects.native.dialect import NativeDialect
from laba.model import calls, filecalls, hookcalls, pushcalls, recordcalls, roomcalls, usercalls
from laba.model.app import AppName, AppPolicy, Feature, QuotaName
from laba.model.calls import (
    Accepted,
    AppShown,
    AppsListed,
    Claim,
    Endpoint,
    Grant,
    Right,
    TokenIssued,
    TokenRequest,
)
from laba.model.dispatch import Conversation, ConversationType, Level
from laba.model.hook import Hook
from laba.model.http import RequestHead
from laba.model.identity import SignedHead
from laba.model.quota import Quota
from laba.model.refusal import Code, Refusal
from laba.model.room import room_stream
from laba.model.usercalls import NewUser, SetPassword
from laba.service.door import Door

ADMIN = Conversation(ConversationType.APP, "admin")

pytestmark = pytest.mark.anyio

BROADCAST = "/v1/apps/org/app/broadcasts"
HELLO = {"kind": "txt", "content": {"text": "hello"}}
ADMIN = Conversation(ConversationType.APP, "admin")


class Body:
    """A request's body that knows whether it was read, and with which bound."""

    def __init__(self, content=b"", refusal=None):
        self.content = content
        self.refusal = refusal
        self.limits = []

    async def read(self, limit_bytes):
        self.limits.append(limit_bytes)
        return self.refusal or self.content


def door(house, desk=None):
    return Door((NativeDialect(),), house.tenants, house.access, desk or house.desk, house.files, house.ground)


def head(method, path, token=None, media_type="application/json", *, operator=False, **more):
    headers = {"content-type": media_type} if media_type else {}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return RequestHead(method, path, headers=headers | more, operator=operator)


async def asked(entrance, request, content=None, body=None):
    """Ask, and give the status with the code of the refusal or the document of the answer."""
    body = body or Body(json.dumps(content).encode())
    response = await entrance.answer(request, body)
    document = json.loads(response.body)
    return response.status, document["error"]["code"] if "error" in document else document


async def test_a_broadcast_is_answered_when_it_is_kept(house):
    """With the id under which every client will see it."""  # G3
    status, answer = await asked(door(house), head("POST", BROADCAST, house.app_token()), HELLO)
    (kept,) = await house.store.waiting(10)
    assert (status, answer["id"]) == (200, str(kept.id))


async def test_an_app_is_found_by_its_id_too(house):
    """The first dialect that knows the path takes the call; an id of no app is told like a name of none."""  # A1
    entrance = Door(
        (NativeDialect(), EasemobDialect()), house.tenants, house.access, house.desk, house.files, house.ground
    )
    content = json.dumps({"msg": {"type": "txt", "msg": "hello"}}).encode()
    answers = []
    for app_id in (house.app.keys.app_id, "0" * 32):
        request = head("POST", f"/app-id/{app_id}/messages/users/broadcast", house.app_token())
        answers.append((await entrance.answer(request, Body(content))).status)
    assert answers == [200, 404]


async def test_a_path_that_no_dialect_knows_is_no_ones(house):
    """None, not a refusal: the web adapter has words for it."""
    assert await door(house).answer(head("GET", "/somewhere"), Body()) is None


# --- the order of the checks ---------------------------------------------------------------------------------------


async def test_faults_are_told_in_their_order(house):
    """The app, the proof, the media type, the body, the feature, the quota; the body is read only when all before
    it was right."""  # A7 A9 A10 G1
    entrance, token = door(house), house.app_token()
    nowhere, text = BROADCAST.replace("org/app", "org/nobody"), "text/plain"
    off = house.app.with_policy(AppPolicy(frozenset(), {QuotaName.USERS_BROADCAST: Quota.parse("1/day")}))
    house.tenants.apps = house.tenants.apps.replacing(off)
    told, read = [], []
    for request, content in (
        (head("POST", "/v1/nothing", None, text), b"{"),
        (head("PUT", nowhere, None, text), b"{"),
        (head("POST", nowhere, None, text), b"{"),
        (head("POST", BROADCAST, None, text), b"{"),
        (head("POST", BROADCAST, "nonsense", text), b"{"),
        (head("POST", BROADCAST, token, text), b"{"),
        (head("POST", BROADCAST, token), b"{"),
        (head("POST", BROADCAST, token), b'{"kind":"txt","content":{"text":1}}'),
        (head("POST", BROADCAST, token), json.dumps(HELLO).encode()),
    ):
        body = Body(content)
        told.append(await asked(entrance, request, body=body))
        read.append(len(body.limits))
    assert told == [
        (404, "endpoint_unknown"),
        (405, "method_wrong"),
        (404, "app_unknown"),
        (401, "token_missing"),
        (401, "token_corrupt"),
        (415, "media_type_unsupported"),
        (400, "body_broken"),
        (400, "field_invalid"),
        (403, "feature_off"),
    ]
    assert read == [0, 0, 0, 0, 0, 0, 1, 1, 1]
    on = off.with_policy(AppPolicy(frozenset({Feature.USERS_BROADCAST}), off.policy.quotas))
    house.tenants.apps = house.tenants.apps.replacing(on)
    good = head("POST", BROADCAST, token)
    assert [(await asked(entrance, good, HELLO))[0] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_a_body_of_another_type_is_not_read(house, media_type):
    """Nor one that does not say."""  # A10
    body = Body()
    request = head("POST", BROADCAST, house.app_token(), media_type)
    assert await asked(door(house), request, body=body) == (415, "media_type_unsupported")
    assert body.limits == []


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_read_however_it_is_called(house, media_type):
    """Case and parameters do not matter."""  # A10
    request = head("POST", BROADCAST, house.app_token(), media_type)
    assert (await asked(door(house), request, HELLO))[0] == 200


async def test_a_compressed_body_is_not_read(house):
    """It could grow to anything; `identity` is none."""  # A10
    token = house.app_token()
    packed = head("POST", BROADCAST, token, **{"content-encoding": "gzip"})
    plain = head("POST", BROADCAST, token, **{"content-encoding": "identity"})
    assert await asked(door(house), packed, HELLO) == (415, "media_type_unsupported")
    assert (await asked(door(house), plain, HELLO))[0] == 200


async def test_a_body_is_read_up_to_its_endpoint_s_bound(house):
    """What the reader refuses, the dialect answers."""
    body = Body(refusal=Refusal(Code.BODY_TOO_LARGE, "too large"))
    request = head("POST", BROADCAST, house.app_token())
    assert await asked(door(house), request, body=body) == (413, "body_too_large")
    assert body.limits == [65_536]


async def test_an_endpoint_without_a_body_reads_none(house):
    """And asks for no media type."""
    body = Body()
    request = head("GET", "/v1/apps/org/app", house.app_token(), None)
    status, answer = await asked(door(house), request, body=body)
    assert (status, answer["app_name"], body.limits) == (200, "app", [])


# --- who may -------------------------------------------------------------------------------------------------------


OPERATORS = [("POST", "/v1/apps"), ("GET", "/v1/apps"), ("PATCH", "/v1/apps/org/app")]


@pytest.mark.parametrize(("method", "path"), OPERATORS)
async def test_what_is_the_operator_s_is_nobody_else_s(house, method, path):
    """Not even the app's, with its token."""  # A9 S9
    assert await asked(door(house), head(method, path, house.app_token()), {}) == (403, "operator_only")


@pytest.mark.parametrize(("method", "path"), [*OPERATORS, ("GET", "/v1/apps/org/app"), ("POST", BROADCAST)])
async def test_the_operator_needs_no_token(house, method, path):
    """Its socket lies in the data directory, and is proof enough."""  # S9
    content = {"org_name": "org", "app_name": "new"} if (method, path) == OPERATORS[0] else HELLO
    content = {} if method == "PATCH" else content
    status, _ = await asked(door(house), head(method, path, operator=True), content)
    assert status in (200, 201)


async def test_another_app_s_token_and_a_user_s_open_nothing(house):
    """Each is genuine, and not enough."""  # A10
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    ann = await house.registered()
    for token in (house.app_token(of=other), house.user_token(ann)):
        assert await asked(door(house), head("POST", BROADCAST, token), HELLO) == (401, "token_mismatch")
    ended = Token(house.app.uuid, 1).signed(house.app.keys.token_key)
    assert await asked(door(house), head("POST", BROADCAST, ended), HELLO) == (401, "token_expired")
    assert await house.store.waiting(10) == ()


# --- signed calls --------------------------------------------------------------------------------------------------


PUBLISH = Endpoint("publish", "POST", "/publish", Right.APP, ("application/json",))
OF_OPERATOR = replace(PUBLISH, name="rule", pattern="/rule", right=Right.OPERATOR)


class Signing(NativeDialect):
    """Signs its calls, each with the nonce 1: the head `app-key` says of which app, `signature` is the digest."""

    def claim(self, head):
        endpoint = OF_OPERATOR if head.path == "/rule" else PUBLISH
        digest = head.headers.get("signature")
        signed = None if digest is None else SignedHead("1", "1700000000", digest, 0)
        return Claim(endpoint, head.path, app_key=head.headers["app-key"], proof=head.bearer, signed=signed)

    def read(self, claim, request, app, now_ms):
        return TokenRequest(Grant.DIRECT, username="ann", register=True)


def signature(tenant):
    return hashlib.sha1(f"{tenant.keys.app_secret}11700000000".encode()).hexdigest()


async def signed(house, tenant, token=None, path="/publish", media_type="application/json", **headers):
    """Ask for a token by a signed call; `headers` stand in place of those that are right."""
    entrance = Door((Signing(),), house.tenants, house.access, house.desk, house.files, house.ground)
    right = {"app-key": tenant.keys.app_key, "signature": signature(tenant)}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in (right | given).items() if value is not None}
    return await asked(entrance, head("POST", path, token, media_type, **kept), {})


async def test_a_signed_call_is_the_app_s_whose_key_it_names(house):
    """It needs no token, and may ask for a user's like the app."""  # R1 S1
    status, answer = await signed(house, house.app)
    assert (status, house.access.identify(answer["token"]).user) == (200, "ann")


async def test_a_call_that_is_not_signed_is_nobody_s(house):
    """A token does not help, and nothing is done; who calls is told before how it speaks."""  # R1 S10
    other = replace(app(OTHER_UUID, "org/other"), keys=replace(app(OTHER_UUID, "org/other").keys, app_secret="other"))
    await house.store.add_app(other)
    await house.tenants.load()
    told = [
        await signed(house, house.app, signature=None),
        await signed(house, house.app, house.app_token(), signature=None),
        await signed(house, house.app, signature=signature(other)),
        await signed(house, other, signature=signature(house.app)),
        await signed(house, house.app, media_type="text/plain", signature="0"),
        await signed(house, house.app, media_type="text/plain"),
    ]
    assert told == [
        (401, "signature_missing"),
        (401, "signature_missing"),
        (401, "signature_wrong"),
        (401, "signature_wrong"),
        (401, "signature_wrong"),
        (415, "media_type_unsupported"),
    ]
    assert await house.users.find(house.app, "ann") is None


async def test_a_key_of_no_app_is_told_as_such(house):
    """Before the signature is looked at."""  # R1
    assert await signed(house, house.app, app_key="strange", signature=None) == (404, "app_unknown")


async def test_a_signature_does_not_make_an_operator(house):
    """It is the app's, and no more."""  # A9
    assert await signed(house, house.app, path="/rule") == (403, "operator_only")


# --- a user's own --------------------------------------------------------------------------------------------------


ANN = "/v1/apps/org/app/users/ann"
READ = {"type": "app", "id": "admin"}
OWN = [("GET", f"{ANN}/conversations"), ("POST", f"{ANN}/conversations/read"), ("GET", f"{ANN}/history?type=app")]


def own(method, path, token=None, **rest):
    path, _, query = path.partition("?")
    query = {"type": "app", "id": "admin"} if query else {}
    return replace(head(method, path, token, **rest), query=query)


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_a_user_s_own_is_opened_by_its_token_its_app_s_and_by_the_operator(house, method, path):
    """A token of any dialect: the one its app's back end signed will do, too."""  # S5 A10
    ann = await house.registered()
    tokens = (house.user_token(ann), house.app_token(), house.foreign_token("ann"), house.foreign_token())
    requests = [own(method, path, token) for token in tokens]
    statuses = [
        (await asked(door(house), request, READ))[0] for request in (*requests, own(method, path, operator=True))
    ]
    assert statuses == [200] * 5


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_a_user_s_own_is_opened_by_nobody_else(house, method, path):
    """Another user, another app, another app's user of the same name, nobody, and nonsense."""  # S5 A10
    ann, eve = await house.registered(), await house.registered("eve")
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    their_ann = Token(OTHER_UUID, 0, "ann", ann.epoch).signed(other.keys.token_key)
    tokens = (house.user_token(eve), house.app_token(of=other), their_ann, None, "", "nonsense")
    told = [await asked(door(house), own(method, path, token), READ) for token in tokens]
    assert told == [
        (401, "token_mismatch"),
        (401, "token_mismatch"),
        (401, "token_mismatch"),
        (401, "token_missing"),
        (401, "token_corrupt"),
        (401, "token_corrupt"),
    ]


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_a_token_that_holds_no_more_does_not_open_a_user_s_own(house, method, path):
    """One that ended, one of who was removed, one of who was removed and registered again."""  # S5 S1 A10
    ann = await house.registered()
    token = house.user_token(ann)
    ended = own(method, path, house.user_token(ann, expires_at_ms=house.clock.now_ms))
    told = [await asked(door(house), ended, READ)]
    await house.users.remove(usercalls.DeleteUser("ann"), house.app)
    told.append(await asked(door(house), own(method, path, token), READ))
    await house.registered()
    told.append(await asked(door(house), own(method, path, token), READ))
    assert told == [(401, "token_expired"), (404, "user_unknown"), (401, "token_unknown")]


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_who_is_deactivated_may_not_look_at_its_own(house, method, path):
    """Its app may, and finds no user where there is none."""  # S5 S2
    ann = replace(await house.registered("bob"), name="ann", activated=False)
    await house.store.add_users([ann])
    told = [
        (await asked(door(house), own(method, path, token), READ))[0]
        for token in (house.user_token(ann), house.app_token())
    ]
    assert told == [404, 200]
    nobody = own(method, path.replace("ann", "nobody"), house.app_token())
    assert await asked(door(house), nobody, READ) == (404, "user_unknown")


async def test_a_report_is_shown_to_its_app_and_to_the_operator(house):
    """Another app's does not exist for it; an id that no store could hold is refused before that."""  # X2
    _, answer = await asked(door(house), head("POST", BROADCAST, house.app_token()), HELLO)
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    named, theirs = f"{BROADCAST}/{answer['id']}", f"/v1/apps/org/other/broadcasts/{answer['id']}"
    for request in (
        head("GET", named, house.app_token()),
        head("GET", named, operator=True),
        head("GET", f"/v1/broadcasts/{answer['id']}", operator=True),
    ):
        status, report = await asked(door(house), request)
        assert (status, report["id"], report["status"]) == (200, answer["id"], "waiting")
    refused = (
        head("GET", theirs, house.app_token(of=other)),
        head("GET", f"{BROADCAST}/{2**63}", house.app_token()),
        head("GET", f"/v1/broadcasts/{answer['id']}", house.app_token()),
    )
    told = [await asked(door(house), request) for request in refused]
    assert told == [(404, "broadcast_unknown"), (400, "field_invalid"), (403, "operator_only")]


async def test_a_room_s_report_is_shown_to_its_app_and_to_the_operator(house):
    """Another app's room of that name is another room; without a proof nothing is told."""  # X2 A10
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    house.reporting.rooms.tally(room_stream(house.app.uuid, "lobby"), house.clock.now_ms).accepted(Level.LOW)
    path = "/v1/apps/org/app/rooms/lobby/report"
    seen = [
        (await asked(door(house), request))[1]["totals"]["accepted"]["low"]
        for request in (
            head("GET", path, house.app_token()),
            head("GET", path, operator=True),
            head("GET", path.replace("org/app", "org/other"), house.app_token(of=other)),
        )
    ]
    assert seen == [1, 1, 0]
    refused = [await asked(door(house), head("GET", path, token)) for token in (None, house.app_token(of=other))]
    assert refused == [(401, "token_missing"), (401, "token_mismatch")]


async def test_an_app_looks_after_its_rooms_in_laba_s_own_words(house):
    """From their making to their end; each fault is told by its code."""  # S3 G4
    for name in ("ann", "bob", "cid"):
        await house.registered(name)
    path, lobby = "/v1/apps/org/app/rooms", "/v1/apps/org/app/rooms/lobby"
    entrance, token = door(house), house.app_token()

    async def told(method, where, content=None):
        return await asked(entrance, head(method, where, token), content)

    assert await told("POST", path, {"id": "lobby", "owner": "eve"}) == (404, "user_unknown")
    assert (await told("POST", path, {"id": "lobby", "owner": "ann", "max_members": 2}))[0] == 200
    assert await told("POST", path, {"id": "lobby"}) == (409, "room_exists")
    added = await told("POST", f"{lobby}/members", {"users": ["ann", "bob"]})
    assert added == (200, {"users": ["ann", "bob"], "new": ["bob"]})
    assert await told("POST", f"{lobby}/members", {"users": ["cid"]}) == (403, "room_full")
    assert await told("POST", f"{lobby}/members", {"users": ["eve"]}) == (404, "user_unknown")
    assert (await told("PUT", f"{lobby}/members/bob/tags", {"tags": ["vip"]}))[0] == 200
    assert await told("PUT", f"{lobby}/members/cid/tags", {"tags": ["vip"]}) == (400, "member_unknown")
    assert await told("GET", f"{lobby}/members") == (
        200,
        {"members": [{"user": "ann", "tags": []}, {"user": "bob", "tags": ["vip"]}], "after": None},
    )
    assert await told("DELETE", f"{lobby}/members/ann") == (403, "owner_stays")
    assert await told("DELETE", f"{lobby}/members/bob") == (200, {"user": "bob"})
    assert await told("DELETE", f"{lobby}/members/bob") == (400, "member_unknown")
    assert await told("DELETE", lobby) == (200, {"id": "lobby"})
    gone = [("DELETE", lobby, None), ("GET", f"{lobby}/members", None)]
    gone += [("DELETE", f"{lobby}/members/bob", None), ("PUT", f"{lobby}/members/bob/tags", {"tags": []})]
    gone += [("POST", f"{lobby}/members", {"users": ["bob"]})]
    assert {await told(*each) for each in gone} == {(404, "room_unknown")}


async def test_an_app_looks_after_its_callbacks_and_words_and_no_other_app_s(house):
    """Each fault is told by its code."""  # S6 S7 A10 G4
    path, other = "/v1/apps/org/app", app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    entrance, main = door(house), f"{path}/callbacks/main"
    asks = [("GET", f"{path}/callbacks", None), ("PUT", main, {"url": "http://a/"}), ("DELETE", main, None)]
    asks += [("GET", f"{main}/dead", None), ("POST", f"{main}/dead/resend", {})]
    asks += [("GET", f"{path}/words", None), ("PUT", f"{path}/words", {"words": ["bad"]})]
    for token, fault in ((None, (401, "token_missing")), (house.app_token(of=other), (401, "token_mismatch"))):
        assert {await asked(entrance, head(method, where, token), content) for method, where, content in asks} == {
            fault
        }
    token = house.app_token()
    unknown = [await asked(entrance, head(method, where, token), content) for method, where, content in asks[2:5]]
    assert unknown == [(404, "hook_unknown")] * 3
    for number in range(20):
        put = head("PUT", f"{path}/callbacks/h{number}", token)
        assert (await asked(entrance, put, {"url": f"http://h{number}.example/"}))[0] == 200
    assert await asked(entrance, head("PUT", main, token), {"url": "http://a/"}) == (403, "hooks_too_many")
    twice = {"url": "http://h1.example/"}
    assert await asked(entrance, head("PUT", f"{path}/callbacks/h0", token), twice) == (400, "field_invalid")


async def test_a_feature_is_switched_without_a_restart(house):
    """By the operator's next call."""  # A7 A9 G2 S9
    entrance, send = door(house), head("POST", BROADCAST, house.app_token())
    change = head("PATCH", "/v1/apps/org/app", operator=True)
    answers = []
    for on in (False, True):
        await asked(entrance, change, {"features": {"users_broadcast": on}})
        answers.append((await asked(entrance, send, HELLO))[0])
    assert answers == [403, 200]


# --- when the store fails ------------------------------------------------------------------------------------------


async def test_a_store_with_too_many_writes_waiting_is_overload(house, tmp_path):
    """The caller is told to come back in a second; the broadcast was not kept."""
    async with opened(tmp_path, writes_waiting_limit=0) as full:
        response = await door(full).answer(
            head("POST", BROADCAST, full.app_token()), Body(json.dumps(HELLO).encode())
        )
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert json.loads(response.body)["error"]["code"] == "overloaded"
        assert counted(full.meter, "laba_refusals_total", '{code="overloaded",dialect="native"}') == 1
        assert await full.store.waiting(10) == ()


async def test_a_medium_that_fails_is_overload_too(house):
    """And is counted, for an operator to see."""

    class Broken:
        async def serve(self, call, app):
            raise OSError("disk full")

    answer = await asked(door(house, Broken()), head("POST", BROADCAST, house.app_token()), HELLO)
    assert answer == (503, "overloaded")
    assert counted(house.meter, "laba_store_failures_total") == 1


async def test_every_refusal_is_counted_by_its_code(house):
    """Those of the claim, of the door and of the services; an answer is none."""
    entrance, token = door(house), house.app_token()
    await asked(entrance, head("GET", "/v1/nothing"))
    await asked(entrance, head("POST", BROADCAST), HELLO)
    await asked(entrance, head("POST", BROADCAST, token), {"kind": "txt", "content": {"text": "x" * 6000}})
    await asked(entrance, head("POST", BROADCAST, token), HELLO)
    codes = ("endpoint_unknown", "token_missing", "message_too_large")
    labels = [f'{{code="{code}",dialect="native"}}' for code in codes]
    assert [counted(house.meter, "laba_refusals_total", each) for each in labels] == [1, 1, 1]
    assert house.meter.exposed().count(b"laba_refusals_total{") == 3


# --- a user among others -------------------------------------------------------------------------------------------


ROOM_PATHS = ("/org/app/chatrooms", f"/app-id/{app().keys.app_id}/chatrooms")


async def rooms(house, request, content=None):
    """Ask in a vendor's words; give the status and the document."""
    entrance = Door((EasemobDialect(),), house.tenants, house.access, house.desk, house.files, house.ground)
    response = await entrance.answer(request, Body(json.dumps(content).encode()))
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("path", ROOM_PATHS)
async def test_a_user_acts_as_itself_and_the_app_as_anybody(house, path):
    """By the token alone: what the user makes is its own."""  # S1
    ann, bob = await house.registered("ann"), await house.registered("bob")
    status, answer = await rooms(house, head("POST", path, house.user_token(ann)), {"name": "hers"})
    assert status == 200
    room = await house.store.rooms.find(house.app.uuid, answer["data"]["id"])
    assert room.owner == "ann"
    one = f"{path}/{room.id}"
    told = [
        (await rooms(house, request))[0]
        for request in (
            head("GET", one, house.user_token(bob)),
            head("POST", f"{one}/users/bob", house.user_token(bob)),
            head("POST", f"{one}/users/ann", house.user_token(bob)),
            head("DELETE", one, house.user_token(bob)),
            head("DELETE", one, house.app_token()),
        )
    ]
    assert told == [200, 200, 401, 401, 200]
    assert (await rooms(house, head("POST", path, house.app_token()), {"name": "whose"}))[0] == 400


async def test_the_operator_needs_a_token_in_a_vendor_s_words(house):
    """Its own are under /v1."""  # S9
    assert (await rooms(house, head("GET", ROOM_PATHS[0], operator=True)))[0] == 401
    assert (await rooms(house, head("GET", ROOM_PATHS[0], house.app_token(), operator=True)))[0] == 200


async def test_a_token_that_is_none_opens_no_room(house):
    """Another app's, one that was revoked, and one whose user is gone or may not come in."""  # S1, A10
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    ann = await house.registered("ann")
    foreign = Token(other.uuid, 0, "ann", ann.epoch).signed(other.keys.token_key)
    old, gone = house.user_token(ann), house.user_token(replace(ann, name="zoe"))
    await house.users.set_password(SetPassword("ann", "secret"), house.app)
    words = []
    for token in (None, "nonsense", foreign, house.app_token(of=other), old, gone):
        status, document = await rooms(house, head("GET", ROOM_PATHS[0], token))
        words.append((status, document["error"], document["error_description"]))
    assert words == [
        (401, "unauthorized", "Unable to authenticate (OAuth)"),
        (401, "auth_bad_access_token", "Unable to authenticate due to corrupt access token"),
        (401, "unauthorized", "token is illegal."),
        (401, "unauthorized", "token is illegal."),
        (401, "auth_bad_access_token", "Unable to authenticate"),
        (404, "resource_not_found", "username zoe doesn't exist!"),
    ]


# --- the desk ------------------------------------------------------------------------------------------------------


async def test_every_kind_of_call_is_served(house):
    """Each by the service it belongs to."""  # S1 S2 S9
    served = {
        calls.CreateApp(AppName("org", "new")): AppShown,
        calls.ListApps(): AppsListed,
        calls.GetApp(): AppShown,
        calls.TokenRequest(Grant.DIRECT): TokenIssued,
        usercalls.RegisterUsers((NewUser("ann"),), single=True): usercalls.UsersRegistered,
        usercalls.GetUser("ann"): usercalls.UserFound,
        usercalls.ListUsers(10): usercalls.UsersListed,
        usercalls.SetPassword("ann", "secret"): usercalls.UserChanged,
        usercalls.SetActivation("ann", active=False): usercalls.UserChanged,
        usercalls.DisconnectUser("ann"): usercalls.UserDisconnected,
        usercalls.GetStatus("ann"): usercalls.StatusFound,
        usercalls.GetStatuses(("ann",)): usercalls.StatusesFound,
        usercalls.GetResources("ann"): usercalls.ResourcesFound,
        usercalls.ChangeProfile("ann", "Ann"): usercalls.UserChanged,
        usercalls.SetTags(("ann",), ("vip",)): usercalls.TagsSet,
        usercalls.GetTags(("ann",)): usercalls.TagsFound,
        recordcalls.ListConversations("ann", 10): recordcalls.ConversationsListed,
        recordcalls.MarkRead("ann", ADMIN): recordcalls.MarkedRead,
        recordcalls.ReadHistory("ann", ADMIN, 10): recordcalls.HistoryRead,
        recordcalls.GetRoomReport("lobby", 60): recordcalls.RoomReportShown,
        hookcalls.PutHook(Hook("main", "http://main.example/", "native")): hookcalls.HooksShown,
        hookcalls.ListHooks(): hookcalls.HooksShown,
        hookcalls.ListDeadLetters("main", 10): hookcalls.DeadLettersListed,
        hookcalls.ResendDeadLetters("main"): hookcalls.DeadLettersResent,
        hookcalls.RemoveHook("main"): hookcalls.HookRemoved,
        hookcalls.PutWords(("bad",)): hookcalls.WordsShown,
        hookcalls.GetWords(): hookcalls.WordsShown,
        usercalls.DeleteUser("ann"): usercalls.UserDeleted,
    }
    answers = {type(call): type(await house.desk.serve(call, house.app)) for call in served}
    assert answers == {type(call): answer for call, answer in served.items()}
    changed = await house.desk.serve(calls.ChangeApp(development=True), house.app)
    assert changed.app.policy.development
    accepted = await house.desk.serve(submission(), house.app)
    assert isinstance(accepted, Accepted)
    report = await house.desk.serve(recordcalls.GetReport(accepted.dispatch.id), house.app)
    assert isinstance(report, recordcalls.ReportShown)
    recall = recordcalls.Recall(accepted.dispatch.id, frozenset({accepted.dispatch.audience}))
    assert await house.desk.serve(recall, house.app) == recordcalls.Recalled(accepted.dispatch.id)
    # A client acknowledges over its own connection only; rooms and pushes: test_roomdesk.py, test_pushdesk.py.
    others = {calls.ChangeApp, type(submission()), recordcalls.GetReport, recordcalls.Acknowledge, recordcalls.Recall}
    # Files go past the desk: test_chatfiles.py.
    others |= {filecalls.Upload, filecalls.GetFile}
    assert {*answers, *others, *get_args(roomcalls.RoomCall), *get_args(pushcalls.PushCall)} == set(
        get_args(calls.Call)
    )


async def test_a_call_about_an_app_without_one_is_a_bug(house):
    """A dialect's table of endpoints would be wrong."""
    with pytest.raises(TypeError, match="names none"):
        await house.desk.serve(calls.GetApp(), None)
    with pytest.raises(TypeError, match="no service for"):
        await house.desk.serve(object(), house.app)


# --- files ---------------------------------------------------------------------------------------------------------


class Poured(Body):
    """A multipart body that knows whether it was asked for, and hands on its one file."""

    poured = 0

    async def pour(self, part, limit_bytes, into):
        self.poured += 1
        return await into(self.content) or filecalls.Arrived("a.txt", len(self.content))


async def uploaded(house, body, token, media_type="multipart/form-data", **headers):
    """Hand a file in by the vendor's path, and give the status and the vendor's error."""
    entrance = Door((EasemobDialect(),), house.tenants, house.access, house.desk, house.files, house.ground)
    request = head("POST", "/org/app/chatfiles", token, media_type, **headers)
    response = await entrance.answer(request, body)
    return response.status, json.loads(response.body).get("error")


async def test_who_may_is_decided_before_a_byte_of_a_file_is_read(house):
    """Token, media type, and what the head says; then the body is handed on, and never read as a whole."""  # E12
    body = Poured(b"hello")
    refused = {"restrict-access": "maybe"}
    told = [
        await uploaded(house, body, None),
        await uploaded(house, body, "nonsense"),
        await uploaded(house, body, house.foreign_token("nobody")),
        await uploaded(house, body, house.app_token(), "application/json"),
        await uploaded(house, body, house.app_token(), **refused),
    ]
    assert told == [
        (401, "unauthorized"),
        (401, "auth_bad_access_token"),
        (401, "unauthorized"),
        (415, "web_application"),
        (400, "illegal_argument"),
    ]
    assert (body.poured, body.limits) == (0, [])
    assert await uploaded(house, body, house.app_token()) == (200, None)
    assert (body.poured, body.limits) == (1, [])


async def test_a_file_that_cannot_be_kept_is_told_so(house, tmp_path):
    """A disk that fails is the server's fault, and passes."""  # G4
    body = Poured(b"hello")

    async def failing(part, limit_bytes, into):
        raise OSError("full")

    body.pour = failing
    assert await uploaded(house, body, house.app_token()) == (503, "service_unavailable")
    assert counted(house.meter, "laba_store_failures_total") == 1


async def test_a_file_is_fetched_without_a_token(house):
    """Its bytes come as content behind the head; the whole of it is in no answer."""  # E12
    kept = await house.files.take(filecalls.Upload("file"), house.app, Poured(b"hello"))
    entrance = Door((EasemobDialect(),), house.tenants, house.access, house.desk, house.files, house.ground)
    response = await entrance.answer(head("GET", f"/org/app/chatfiles/{kept.file.uuid}", media_type=None), Body())
    assert (response.status, response.body) == (200, b"")
    assert await response.content.read() == b"hello"
    await response.content.close()
