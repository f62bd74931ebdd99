"""Chromium, unmodified: it subscribes with laba's key, and its service worker shows what laba pushed."""

import asyncio
import json
import shutil
import struct
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from playwright.async_api import async_playwright

from http1_server import http1_serving
from process_pushes import native, put, trusting, until_over, web_push_of
from process_server import HOST, serving
from push_services import web_push_serving

pytestmark = pytest.mark.anyio

SITE = Path(__file__).parents[1] / "clients" / "webpush"
TYPES = {".html": "text/html", ".js": "text/javascript"}
NAMES = ("chromium", "chromium-browser", "google-chrome")
# What Chromium itself names in a subscription, by its channel.
GOOGLES = "fcm.googleapis.com,jmt17.google.com"
SHOWN = """async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data }));
}"""


def browser_file():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "These tests run a browser: install Chromium, for instance with apt-get install chromium."
    return found


class Site:
    """The page's site; and in the closed network of the tests it is Google, too, where Chromium asks for a token."""

    def __init__(self):
        self.asked_for = []

    def answer(self, method, path, headers, body):
        path = path.partition("?")[0]
        if (method, path) == ("POST", "/checkin"):
            # stats_ok, time_msec, android_id and security_token of Chromium's checkin.proto.
            said = b"\x08\x01\x18\x01\x39" + struct.pack("<Q", 1) + b"\x41" + struct.pack("<Q", 2)
            return 200, {"Content-Type": "application/x-protobuf"}, said
        if (method, path) == ("POST", "/register"):
            self.asked_for.append(parse_qs(body.decode())["sender"][0])
            return 200, {"Content-Type": "text/plain"}, b"token=a-token-of-google"
        file = SITE / path.removeprefix("/")
        return 200, {"Content-Type": TYPES[file.suffix]}, file.read_bytes()


@asynccontextmanager
async def page_at(url, profile):
    """Open the page in a Chromium that may show notifications, with a profile: incognito it has no Web Push."""
    googles = [f"--gcm-checkin-url={url}/checkin", f"--gcm-registration-url={url}/register"]
    flags = ["--no-sandbox", *googles, "--gcm-mcs-endpoint=https://127.0.0.1:1"]
    async with async_playwright() as playwright:
        how = {"executable_path": browser_file(), "args": flags}
        context = await playwright.chromium.launch_persistent_context(profile, **how)
        try:
            await context.grant_permissions(["notifications"], origin=url)
            yield await context.new_page()
        finally:
            await context.close()


@asynccontextmanager
async def worker_of(page):
    """Give what hands a payload to the page's service worker, as the browser does once it has decrypted a push.

    It returns when the worker is done with it, and tells how Chromium says that this went.
    """
    devtools = await page.context.new_cdp_session(page)
    workers, ends = asyncio.Queue(), asyncio.Queue()

    def note(told):
        event = told["backgroundServiceEvent"]
        if event["eventName"] == "Push event completed":
            ends.put_nowait(event["eventMetadata"])

    devtools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda told: [*map(workers.put_nowait, told["registrations"])]
    )
    devtools.on("BackgroundService.backgroundServiceEventReceived", note)
    await devtools.send("BackgroundService.startObserving", {"service": "pushMessaging"})
    await devtools.send("BackgroundService.setRecording", {"service": "pushMessaging", "shouldRecord": True})
    await devtools.send("ServiceWorker.enable")
    async with asyncio.timeout(30):
        worker = await workers.get()

    async def deliver(payload):
        where = {"origin": worker["scopeURL"], "registrationId": worker["registrationId"]}
        await devtools.send("ServiceWorker.deliverPushMessage", {**where, "data": json.dumps(payload)})
        async with asyncio.timeout(30):
            assert await ends.get() == [{"key": "Status", "value": "Success"}]

    yield deliver
    await devtools.detach()


@pytest.fixture(scope="module")
async def visited(tmp_path_factory):
    """Give the app, the browser's push service, the site, and the page in which the user has clicked the button."""
    site, folder = Site(), tmp_path_factory.mktemp("browsing")
    async with web_push_serving() as web, http1_serving(site.answer, tls=False) as running:
        trusted = trusting(folder, web)
        trusted["LABA_PUSH__WEB_HOSTS"] += f",{GOOGLES}"
        with serving(folder / "data", **trusted) as server:
            app = server.new_app("acme/chat", enable=["push"])
            key = (await put(app, "web", web_push_of(web)))["public_key"]
            api = f"http://{HOST}:{server.port}/v1/apps/{app.name}"
            account = {"api": api, "user": "ann", "token": app.user_token("ann"), "device": "browser", "key": key}
            async with page_at(running.url, folder / "profile") as page:
                await page.goto(f"{running.url}/index.html?{urlencode(account)}")
                await page.click("button")
                await page.wait_for_function("document.title === 'Registered'")
                yield app, web, site, page


async def devices(app):
    return (await native(app, "GET", "/users/ann/devices"))["devices"]


async def move(app, web):
    """Have the device's subscription at the test's own service, which can be reached and reads what arrives."""
    body = {"provider": "webpush", "token": json.loads(web.subscribe())}
    await native(app, "PUT", "/users/ann/devices/browser", body)


async def pushed(app, web, **push):
    """Push, and give the id and what the browser decrypts."""
    before = len(web.pushes)
    accepted = await native(app, "POST", "/pushes", {"users": ["ann"], "push": push})
    assert (await until_over(app, accepted["id"]))["accepted"] == 1
    [arrived] = web.pushes[before:]
    return accepted["id"], arrived.payload


async def test_chromium_subscribes_with_laba_s_key_and_registers_itself(visited):  # S2, S8
    """With the user's own token, from another origin; laba takes the subscription as the browser gives it."""
    app, web, site, page = visited
    # Chromium asks for tokens of its own, too.
    assert web.public in site.asked_for
    subscription = await page.evaluate(
        "async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()).toJSON()"
    )
    assert subscription["endpoint"].endswith("/a-token-of-google")
    [device] = await devices(app)
    assert (device["device"], device["provider"], device["dead"]) == ("browser", "webpush", None)


async def test_chromium_shows_what_laba_pushed(visited):  # S8
    """Title, text and extras; the same message again in place of the first; one without a title under the app's."""
    app, web, _, page = visited
    await move(app, web)
    extras = {"web": {"extras": {"url": "/live"}}}
    message_id, payload = await pushed(app, web, alert="It begins 🎉", title="Sale", platforms=extras)
    first = {"title": "Sale", "body": "It begins 🎉", "tag": message_id, "data": {"url": "/live"}}
    async with worker_of(page) as deliver:
        for _ in range(2):
            await deliver(payload)
            assert await page.evaluate(SHOWN) == [first]
        second_id, payload = await pushed(app, web, alert="No title")
        await deliver(payload)
    second = {"title": "My app", "body": "No title", "tag": second_id, "data": {}}
    assert sorted(await page.evaluate(SHOWN), key=lambda one: int(one["tag"])) == [first, second]


async def test_a_silent_push_is_told_to_the_page_and_shows_nothing(visited):  # S8
    app, web, _, page = visited
    await move(app, web)
    before = await page.evaluate(SHOWN)
    await page.evaluate("() => { navigator.serviceWorker.onmessage = ({ data }) => { window.told = data; }; }")
    message_id, payload = await pushed(app, web, alert="unseen", platforms={"web": {"silent": True}})
    assert web.pushes[-1].headers["urgency"] == "low"
    async with worker_of(page) as deliver:
        await deliver(payload)
    await page.wait_for_function("window.told")
    assert (await page.evaluate("window.told"))["id"] == message_id
    assert await page.evaluate(SHOWN) == before
