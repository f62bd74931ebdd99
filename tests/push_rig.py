"""A house that pushes through fakes of the services, and what a push is made of."""

from contextlib import asynccontextmanager

from builders import Clock, to_targets
from houses import opened
from laba.adapters.courier import HttpCourier
from laba.adapters.push.sender import PushSender, trusting
from laba.model.attendance import Seat
from laba.model.device import Address, Device, Registration
from laba.model.notification import Notification
from laba.model.provider import Account, Provider
from laba.model.pushcalls import PutProvider
from laba.model.user import User

HELLO = Notification("hello")
PACKAGE = "com.example.app"


@asynccontextmanager
async def sending(*fakes):
    """Give a sender that trusts these fakes."""
    contexts = [trusting(None), trusting(None)]
    for fake in fakes:
        for context in contexts:
            context.load_verify_locations(fake.ca_file)
    async with HttpCourier.open(contexts[1]) as fallback, PushSender.open(contexts[0], fallback) as sender:
        yield sender


@asynccontextmanager
async def pushing_house(tmp_path, *fakes, clock=None, sender=None, **how):
    """Open a house that pushes through these fakes. They go by its clock, too."""
    clock = clock or Clock()
    for fake in fakes:
        fake.clock = lambda: clock() / 1000
    async with sending(*fakes) as usual, opened(tmp_path, clock, sender=sender or usual, **how) as house:
        yield house


def apns(fake, name="ios", package=PACKAGE, **rest):
    account = Account(fake.key, fake.key_id, fake.team_id, fake.url)
    return Provider(name, "apns", account, package, **rest)


def fcm(fake, name="android", package=PACKAGE, **rest):
    account = Account(fake.key, fake.email, fake.project, fake.url, fake.token_url)
    return Provider(name, "fcm", account, package, **rest)


def web_push(fake, name="web", package="", **rest):
    return Provider(name, "webpush", Account(fake.key, "mailto:ops@example.com"), package, **rest)


async def put(house, *providers):
    for provider in providers:
        await house.pushdesk.serve(PutProvider(provider), house.app)


def token(name):
    """Give the token of a device that is called so: hexadecimal, as Apple's are."""
    return name.encode().hex().rjust(64, "0")


async def device(house, user, name="phone", kind="apns", **rest):
    """Have a user with a device; gives its token."""
    tags, app_uuid, now_ms = tuple(rest.pop("tags", ())), rest.pop("app", house.app).uuid, house.clock.now_ms
    await house.store.add_users([User(app_uuid, user, f"uuid of {user}", now_ms, now_ms, 1, tags=tags)])
    pushed_to = rest.pop("token", None) or token(f"{user} {name}")
    platform = rest.pop("platform", None if kind == "webpush" else "ios" if kind == "apns" else "android")
    described = Device(Seat(app_uuid, user, name), platform, rest.pop("package", PACKAGE))
    address = Address(kind, pushed_to, rest.pop("sandbox", False))
    await house.store.devices.register(Registration(described, address, registered_at_ms=now_ms))
    return pushed_to


async def devices(house, count, kind="apns"):
    """Have so many users with a device each; gives their tokens in the order in which a push goes."""
    return [await device(house, f"u{number:04}", kind=kind) for number in range(count)]


async def send(house, notification=HELLO, **how):
    """Accept a push and give it its place; gives its id."""
    accepted = await house.intake.accept(to_targets(notification=notification, **how), house.app)
    await house.dispatcher.turn()
    return accepted.dispatch.id


async def rounds(house, seconds=0):
    """Have all rounds that are due, and those of so many seconds, one after the other."""
    for passed in range(seconds + 1):
        house.clock.pass_ms(1000 if passed else 0)
        while await house.pushing.turn():
            pass


async def report(house, dispatch_id, provider=None):
    """Tell how a push stands with its one provider, or with that of a name."""
    found = {one.provider: one for one in await house.pushing.reports(house.app.uuid, dispatch_id)}
    return found[provider or next(iter(found))]


async def pushed(house, notification=HELLO, *, seconds=0, provider=None, **how):
    """Push, have the rounds of so many seconds, and give the push's report with a provider."""
    dispatch_id = await send(house, notification, **how)
    await rounds(house, seconds)
    return await report(house, dispatch_id, provider)


def received(fake):
    """Give the tokens to which pushes were accepted, in that order."""
    return [push.token for push in fake.pushes]
