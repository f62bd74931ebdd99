"""Devices, push providers and reports of a real server, as an app's back end calls for them under /v1."""

import json
from dataclasses import dataclass
from pathlib import Path

from process_server import Tenant, call, eventually
from push_services import FakeApns, FakeFcm, FakeWebPush

PACKAGE = "xxx.rong.xxx"  # of the sample in seeds/004
SENDER = "mailto:ops@example.com"
OVER = {"done", "cancelled", "expired"}


def trusting(folder, *fakes):
    """Give the settings by which a server trusts the fakes, and takes a browser's subscription at one of them."""
    file = folder / "authorities.pem"
    file.write_text("".join(Path(fake.ca_file).read_text() for fake in fakes))
    hosts = ",".join(fake.url.removeprefix("https://") for fake in fakes)
    return {"LABA_PUSH__CA_FILE": str(file), "LABA_PUSH__WEB_HOSTS": hosts}


async def native(app, method, path, body=b""):
    """Call laba's own REST for an app, and give what it answers; it must succeed."""
    headers = {"Authorization": f"Bearer {app.app_token}", "Content-Type": "application/json"}
    answer = await call(app.server.port, method, f"/v1/apps/{app.name}{path}", body, headers)
    assert answer.status < 300, (path, answer)
    return answer.json


def apns_of(apns, **changes):
    """Write a provider whose devices the fake has."""
    account = {"team_id": apns.team_id, "key_id": apns.key_id, "key": apns.key, "topic": apns.topic}
    return {"kind": "apns", "url": apns.url, **account, **changes}


def fcm_of(fcm, **changes):
    return {"kind": "fcm", "url": fcm.url, "service_account": fcm.service_account, **changes}


def web_push_of(web, **changes):
    return {"kind": "webpush", "key": web.key, "subject": SENDER, **changes}


async def put(app, name, provider):
    return await native(app, "PUT", f"/providers/{name}", provider)


async def register(app, user, provider, token, *, device="phone", **about):
    """Have a user with a device that can be pushed to."""
    app.user_token(user)
    body = {"provider": provider, "token": token, **about}
    await native(app, "PUT", f"/users/{user}/devices/{device}", body)


async def until_over(app, message_id):
    """Wait until a push is over with every provider, and give how it stands."""

    async def over():
        found = (await native(app, "GET", f"/broadcasts/{message_id}")).get("push")
        return found and all(one["state"] in OVER for one in found["providers"]) and found

    return await eventually(over, 30)


@dataclass
class Services:
    """One of each kind, and an app of a test's own that pushes by them."""

    apns: FakeApns
    fcm: FakeFcm
    web: FakeWebPush
    app: Tenant = None

    def forget(self):
        for fake in (self.apns, self.fcm, self.web):
            for memory in (fake.pushes, fake.attempts, fake.dead):
                memory.clear()


async def people(services):
    """Have two on iOS, two on Android and one in a browser; gives by what each one's service knows the device."""
    app, browser = services.app, json.loads(services.web.subscribe())
    tokens = {"ann": apple(1), "anton": apple(2), "bob": "token-of-bob", "bert": "token-of-bert"}
    for user, token in tokens.items():
        kind = {"provider": "apns", "platform": "ios"} if user[0] == "a" else {"provider": "fcm"}
        await register(app, user, token=token, package=PACKAGE, **kind)
    await register(app, "cid", "webpush", browser, package=PACKAGE)
    return tokens | {"cid": browser["endpoint"].rpartition("/")[2]}


def apple(number):
    """Give a device token of Apple's."""
    return f"{number:064x}"


def told(fake):
    """Give whom a service was asked to push to, in the order of their names."""
    return sorted(push.token for push in fake.attempts)
