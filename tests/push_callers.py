"""Pushes made by hand, without laba: right ones, which a test may change in one place."""

import base64
import json
import ssl
import time
from contextlib import asynccontextmanager

import http_ece
import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from fake_fcm import GRANT, SCOPE
from fake_tls import pem_of

TOKEN = "ab" * 32
ALERT = {"aps": {"alert": {"title": "A", "body": "B"}}}


@asynccontextmanager
async def calling(fake, http="2"):
    context = ssl.create_default_context(cafile=fake.ca_file)
    how = {"http2": http == "2", "http1": http != "2", "trust_env": False}
    async with httpx2.AsyncClient(verify=context, base_url=fake.url, **how) as client:
        yield client


def other_key():
    return pem_of(ec.generate_private_key(ec.SECP256R1()))


def apns_jwt(apns, key=None, kid=None, **claims):
    claims = {"iss": apns.team_id, "iat": int(time.time())} | claims
    return jwt.encode(claims, key or apns.key, "ES256", {"kid": kid or apns.key_id})


def apns_headers(apns, **changes):
    headers = {
        "authorization": f"bearer {apns_jwt(apns)}",
        "apns-topic": apns.topic,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": "0",
        "apns-collapse-id": "c" * 64,
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}


def grant(fcm, key=None, **claims):
    now = int(time.time())
    claims = {"iss": fcm.email, "scope": SCOPE, "aud": fcm.token_url, "iat": now, "exp": now + 3600} | claims
    account = fcm.service_account
    assertion = jwt.encode(claims, key or fcm.key, "RS256", {"kid": account["private_key_id"]})
    return {"grant_type": GRANT, "assertion": assertion}


async def bearer(fcm, client):
    answer = await client.post("/token", data=grant(fcm))
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3599)
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def vapid(push, key=None, public=None, **claims):
    claims = {"aud": push.url, "exp": int(time.time()) + 3600, "sub": "mailto:ops@example.com"} | claims
    return f"vapid t={jwt.encode(claims, key or push.key, 'ES256')}, k={public or push.public}"


def sealed(subscription, payload):
    keys = {name: base64.urlsafe_b64decode(value + "==") for name, value in subscription["keys"].items()}
    own = ec.generate_private_key(ec.SECP256R1())
    return http_ece.encrypt(
        json.dumps(payload).encode(), private_key=own, dh=keys["p256dh"], auth_secret=keys["auth"]
    )


def web_headers(push, **changes):
    headers = {
        "authorization": vapid(push),
        "ttl": "60",
        "topic": "c" * 32,
        "urgency": "high",
        "content-encoding": "aes128gcm",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}
