"""The fakes of push services accept what is right, and refuse each wrong thing with the service's own word."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import hpack
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from fake_fcm import GRANT
from fake_tls import pem_of
from fast_hpack import Decoder, encode
from push_callers import (
    ALERT,
    TOKEN,
    apns_headers,
    apns_jwt,
    bearer,
    calling,
    grant,
    other_key,
    sealed,
    vapid,
    web_headers,
)
from push_services import apns_serving, fcm_serving, web_push_serving


def test_apns_accepts_a_right_push_and_remembers_it():
    async def story():
        async with apns_serving() as apns, calling(apns) as client:
            given = "0F3A1B2C-0000-4000-8000-000000000001"
            headers = apns_headers(apns, apns_id=given)
            answer = await client.post(f"/3/device/{TOKEN}", headers=headers, json=ALERT)
            await apns.until(1)
            assert (answer.http_version, answer.status_code, answer.content) == ("HTTP/2", 200, b"")
            assert answer.headers["apns-id"] == given
            (push,) = apns.pushes
            assert (push.token, push.payload) == (TOKEN, ALERT)
            assert push.headers["apns-collapse-id"] == "c" * 64
            silent = {"aps": {"content-available": 1}, "more": "x"}
            headers |= {"apns-push-type": "background", "apns-priority": "5"}
            answer = await client.post(f"/3/device/{TOKEN}", headers=headers, json=silent)
            assert (answer.status_code, apns.connections) == (200, 1)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"authorization": None}, 403, "MissingProviderToken"),
        ({"authorization": "bearer a.b.c"}, 403, "InvalidProviderToken"),
        ({"apns_topic": None}, 400, "MissingTopic"),
        ({"apns_topic": "com.other"}, 400, "TopicDisallowed"),
        ({"apns_push_type": None}, 400, "InvalidPushType"),
        ({"apns_push_type": "background"}, 400, "InvalidPushType"),
        ({"apns_priority": "7"}, 400, "BadPriority"),
        ({"apns_expiration": "soon"}, 400, "BadExpirationDate"),
        ({"apns_collapse_id": "c" * 65}, 400, "BadCollapseId"),
        ({"apns_id": "7"}, 400, "BadMessageId"),
        ({"path": "/3/device/"}, 400, "MissingDeviceToken"),
        ({"path": "/3/device/xyz"}, 400, "BadDeviceToken"),
        ({"path": "/3/devices/" + TOKEN}, 404, "BadPath"),
        ({"method": "PUT"}, 405, "MethodNotAllowed"),
        ({"body": b""}, 400, "PayloadEmpty"),
        ({"body": b"{}"}, 400, "PayloadEmpty"),
        ({"body": b'{"aps":{"alert":"' + b"x" * 4078 + b'"}}'}, 413, "PayloadTooLarge"),
        ({"body": b'{"aps":{"content-available":1}}'}, 400, "InvalidPushType"),
        (
            {"apns_push_type": "background", "body": b'{"aps":{"content-available":1}}'},
            400,
            "BadPriority",
        ),
    ],
)
def test_apns_refuses(changes, status, reason):
    async def story():
        async with apns_serving() as apns, calling(apns) as client:
            changed = dict(changes)
            method, path = changed.pop("method", "POST"), changed.pop("path", f"/3/device/{TOKEN}")
            body = changed.pop("body", json.dumps(ALERT).encode())
            answer = await client.request(method, path, headers=apns_headers(apns, **changed), content=body)
            assert (answer.status_code, answer.json()) == (status, {"reason": reason})
            assert (apns.pushes, [push.reason for push in apns.attempts]) == ([], [reason])

    asyncio.run(story())


def test_apns_takes_4096_bytes():
    async def story():
        async with apns_serving() as apns, calling(apns) as client:
            body = b'{"aps":{"alert":"' + b"x" * (4096 - 20) + b'"}}'
            answer = await client.post(f"/3/device/{TOKEN}", headers=apns_headers(apns), content=body)
            assert (len(body), answer.status_code) == (4096, 200)

    asyncio.run(story())


def test_apns_reads_the_providers_token():
    async def story():
        async with apns_serving() as apns, calling(apns) as client:
            now = int(time.time())

            async def reason(token):
                headers = apns_headers(apns, authorization=f"bearer {token}")
                answer = await client.post(f"/3/device/{TOKEN}", headers=headers, json=ALERT)
                return answer.json()["reason"] if answer.content else answer.status_code

            assert await reason(apns_jwt(apns, key=other_key())) == "InvalidProviderToken"
            assert await reason(apns_jwt(apns, kid="OTHER")) == "InvalidProviderToken"
            assert await reason(apns_jwt(apns, iss="OTHER")) == "InvalidProviderToken"
            assert await reason(apns_jwt(apns, iat=now + 60)) == "InvalidProviderToken"
            assert await reason(apns_jwt(apns, iat=now - 3601)) == "ExpiredProviderToken"
            assert await reason(jwt.encode({"iss": apns.team_id, "iat": now}, "k" * 32, "HS256")) != 200
            first = apns_jwt(apns)
            assert [await reason(first), await reason(first)] == [200, 200]
            assert await reason(apns_jwt(apns, iat=now - 1)) == 200
            assert await reason(apns_jwt(apns, iat=now - 2)) == "TooManyProviderTokenUpdates"
            apns.clock = lambda: time.time() + 1200
            assert await reason(apns_jwt(apns, iat=now - 3)) == 200
            apns.clock = lambda: time.time() + 3602
            assert await reason(first) == "ExpiredProviderToken"

    asyncio.run(story())


def test_apns_has_dead_tokens_and_moods():
    async def story():
        moods = {"cd" * 32: [(429, "TooManyRequests", {"retry-after": "3"}), (503, "Shutdown")]}
        async with apns_serving(dead={TOKEN}, moods=moods) as apns, calling(apns) as client:
            headers = apns_headers(apns)
            answer = await client.post(f"/3/device/{TOKEN}", headers=headers, json=ALERT)
            assert answer.status_code == 410
            assert answer.json() == {"reason": "Unregistered", "timestamp": apns.died_ms}
            answers = [await client.post(f"/3/device/{'cd' * 32}", headers=headers, json=ALERT) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [429, 503, 200]
            assert answers[0].headers["retry-after"] == "3"
            await apns.until(4, attempts=True)
            assert len(apns.pushes) == 1

    asyncio.run(story())


@pytest.mark.parametrize("http", ["2", "1.1"])
def test_fcm_accepts_a_right_push_and_remembers_it(http):
    async def story():
        async with fcm_serving(http=http) as fcm, calling(fcm, http) as client:
            headers = await bearer(fcm, client)
            android = {"priority": "HIGH", "ttl": "3600s", "collapse_key": "c", "notification": {"title": "A"}}
            message = {"token": "device:token-1", "data": {"a": "b"}, "android": android}
            path = f"/v1/projects/{fcm.project}/messages:send"
            answer = await client.post(path, headers=headers, json={"message": message})
            await fcm.until(1)
            assert (answer.status_code, answer.http_version) == (200, f"HTTP/{http}")
            assert answer.json() == {"name": f"projects/{fcm.project}/messages/1"}
            assert (fcm.pushes[0].token, fcm.pushes[0].payload) == ("device:token-1", message)
            assert fcm.connections == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "other@x"}, "invalid_grant"),
        ({"scope": "other"}, "invalid_scope"),
        ({"aud": "https://oauth2.googleapis.com/token"}, "invalid_grant"),
        ({"exp": int(time.time()) + 7200}, "invalid_grant"),
        ({"iat": 1, "exp": 3601}, "invalid_grant"),
        ({"key": pem_of(rsa.generate_private_key(65537, 2048))}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_fcm_grants_no_access_token(claims, error):
    async def story():
        async with fcm_serving(http="1.1") as fcm, calling(fcm, "1.1") as client:
            changed = dict(claims)
            kind = changed.pop("grant_type", GRANT)
            answer = await client.post("/token", data=grant(fcm, **changed) | {"grant_type": kind})
            assert (answer.status_code, answer.json()["error"]) == (400, error)
            assert answer.json()["error_description"]

    asyncio.run(story())


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"token": "device-token-1", "topic": "news"},
        {"token": "device-token-1", "dat": {}},
        {"token": "device-token-1", "data": {"a": 1}},
        {"token": "device-token-1", "data": {"from": "x"}},
        {"token": "device-token-1", "data": {"a": "x" * 4096}},
        {"token": "device-token-1", "notification": {"sound": "x"}},
        {"token": "device-token-1", "android": {"ttl": 5}},
        {"token": "device-token-1", "android": {"priority": "URGENT"}},
        {"token": "device-token-1", "apns": {"payload": {}}},
        {"token": 5},
        {"token": "not a token"},
    ],
)
def test_fcm_refuses_a_message(message):
    async def story():
        async with fcm_serving() as fcm, calling(fcm) as client:
            headers = await bearer(fcm, client)
            path = f"/v1/projects/{fcm.project}/messages:send"
            answer = await client.post(path, headers=headers, json={"message": message})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
            (violation,) = error["details"][-1]["fieldViolations"]
            assert violation["field"].startswith("message")
            assert not fcm.pushes

    asyncio.run(story())


def test_fcm_refuses_who_has_no_right_and_tokens_that_died():
    async def story():
        moods = {"device-token-1": [(503, "UNAVAILABLE", {"retry-after": "9"}), (429, "QUOTA_EXCEEDED")]}
        async with fcm_serving(dead={"device-token-0"}, moods=moods) as fcm, calling(fcm) as client:
            headers = await bearer(fcm, client)

            async def sent(token, project=fcm.project):
                path, content = f"/v1/projects/{project}/messages:send", {"message": {"token": token}}
                answer = await client.post(path, headers=headers, json=content)
                error = answer.json().get("error", {"status": "OK"})
                codes = [detail["errorCode"] for detail in error.get("details", ())]
                return answer.status_code, error["status"], *codes

            assert await sent("device-token-0") == (404, "NOT_FOUND", "UNREGISTERED")
            assert await sent("device-token-1") == (503, "UNAVAILABLE", "UNAVAILABLE")
            assert await sent("device-token-1") == (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
            assert await sent("device-token-1") == (200, "OK")
            assert await sent("device-token-1", "other") == (403, "PERMISSION_DENIED")
            fcm.revoke()
            assert await sent("device-token-1") == (401, "UNAUTHENTICATED")
            fcm.token_moods.append((503, {"error": "internal_failure"}))
            assert (await client.post("/token", data=grant(fcm))).status_code == 503

    asyncio.run(story())


@pytest.mark.parametrize("http", ["2", "1.1"])
def test_web_push_accepts_a_right_push_and_reads_it(http):
    async def story():
        async with web_push_serving(http=http) as push, calling(push, http) as client:
            subscription = json.loads(push.subscribe())
            body = sealed(subscription, {"title": "喇叭"})
            answer = await client.post(subscription["endpoint"], headers=web_headers(push), content=body)
            await push.until(1)
            assert (answer.status_code, answer.http_version) == (201, f"HTTP/{http}")
            assert answer.headers["location"].startswith(push.url)
            assert push.pushes[0].payload == {"title": "喇叭"}
            assert subscription["endpoint"].endswith(push.pushes[0].token)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changes", "status", "errno"),
    [
        ({"authorization": None}, 401, "109"),
        ({"claims": {"aud": "https://other"}}, 401, "109"),
        ({"claims": {"exp": 1}}, 401, "109"),
        ({"claims": {"exp": int(time.time()) + 25 * 3600}}, 401, "109"),
        ({"claims": {"sub": "ops"}}, 401, "109"),
        ({"claims": {"key": other_key()}}, 401, "109"),
        ({"claims": {"public": "BAAA"}}, 403, "109"),
        ({"ttl": None}, 400, "111"),
        ({"ttl": "-1"}, 400, "111"),
        ({"topic": "c" * 33}, 400, "113"),
        ({"topic": "a.b"}, 400, "113"),
        ({"urgency": "now"}, 400, "114"),
        ({"content_encoding": "aesgcm"}, 400, "110"),
        ({"body": b"x" * 200}, 400, "110"),
        ({"body": b"x" * 4097}, 413, "104"),
        ({"path": "/push/none"}, 404, "102"),
    ],
)
def test_web_push_refuses(changes, status, errno):
    async def story():
        async with web_push_serving() as push, calling(push) as client:
            subscription, changed = json.loads(push.subscribe()), dict(changes)
            path, body = changed.pop("path", subscription["endpoint"]), changed.pop("body", None)
            if "claims" in changed:
                changed["authorization"] = vapid(push, **changed.pop("claims"))
            body = body or sealed(subscription, {"a": 1})
            answer = await client.post(path, headers=web_headers(push, **changed), content=body)
            assert (answer.status_code, answer.json()["errno"]) == (status, errno)
            assert not push.pushes

    asyncio.run(story())


def test_web_push_reads_no_push_for_another_browser_and_none_for_one_that_is_gone():
    async def story():
        async with web_push_serving() as push, calling(push) as client:
            one, two = (json.loads(push.subscribe()) for _ in range(2))
            name, headers = urlsplit(one["endpoint"]).path.rpartition("/")[2], web_headers(push)
            answer = await client.post(one["endpoint"], headers=headers, content=sealed(two, {}))
            assert (answer.status_code, answer.json()["errno"]) == (400, "110")
            push.moods[name] = [(429, "201", {"retry-after": "5"})]
            answer = await client.post(one["endpoint"], headers=headers, content=sealed(one, {}))
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
            push.dead.add(name)
            answer = await client.post(one["endpoint"], headers=headers, content=sealed(one, {}))
            assert answer.status_code == 410

    asyncio.run(story())


class Told:
    """What the program wrote to its credentials file."""

    def __init__(self, credentials):
        self.__dict__.update(credentials)


async def _written(file, process):
    """Wait until the program listens: it says so by the name of the file."""
    async with asyncio.timeout(30):
        assert (await process.stdout.readline()).decode().strip() == str(file)
    return Told(json.loads(file.read_text()))


def test_the_bench_has_an_apns_of_its_own(tmp_path):
    async def story():
        file, program = tmp_path / "credentials.json", Path(__file__).with_name("push_services.py")
        how = ["--fast", "--dead-every", "100", "--busy-every", "100", "--credentials-file", str(file)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), "apns", *how, stdout=asyncio.subprocess.PIPE
        )
        apns = await _written(file, process)
        async with calling(apns) as client, httpx2.AsyncClient(trust_env=False) as plain:
            statuses = []
            proof = f"bearer {apns_jwt(apns)}"
            for number in (100, 101, 101, 102, 102, 103):
                headers = apns_headers(apns, authorization=proof, apns_collapse_id=f"c{len(statuses)}")
                answer = await client.post(f"/3/device/{number:064x}", headers=headers, json=ALERT)
                statuses.append(answer.status_code)
            assert statuses == [410, 429, 200, 200, 200, 200]
            stats = (await plain.get(apns.stats_url)).json()
        process.send_signal(signal.SIGTERM)
        last = json.loads((await process.communicate())[0])
        assert last == stats
        assert (stats["pushes"], stats["accepted_tokens"], stats["connections"]) == (4, 3, 1)
        assert stats["per_token_repeats"] == [[f"{102:064x}", 2, 2]]
        assert stats["refused"] == {"Unregistered": 1, "TooManyRequests": 1}

    asyncio.run(story())


def test_header_blocks_are_read_and_written_as_hpack_does():
    writer, reader = hpack.Encoder(), Decoder()
    for number in range(300):
        headers = {
            ":method": "POST",
            ":path": f"/3/device/{number * 7919:064x}",
            "apns-topic": "a.b",
            "x": "é" * number,
        }
        huffman = bool(number % 2)
        assert reader.decode(writer.encode(list(headers.items()), huffman=huffman)) == headers
    for status, value in ((200, "v"), (410, "v" * 126), (200, "v" * 127), (429, "v" * 5000)):
        said = hpack.Decoder().decode(encode(status, {"apns-id": value}))
        assert said == [(":status", str(status)), ("apns-id", value)]
