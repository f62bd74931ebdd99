"""Calls about push providers, devices, and pushes under way (S2, S8)."""

import json
from dataclasses import replace

import pytest

from builders import NOW_MS, OTHER_UUID, app, to_targets
from fake_webpush import FakeWebPush
from laba.model.attendance import Seat
from laba.model.device import DEVICES_MAX, Address, Device, Registration
from laba.model.provider import PROVIDERS_MAX, Account, Provider
from laba.model.push import JobState
from laba.model.pushcalls import (
    CheckProvider,
    DeviceRemoved,
    DevicesShown,
    ListDevices,
    ListProviders,
    ProviderChecked,
    ProviderRemoved,
    ProvidersShown,
    PushSet,
    PutDevice,
    PutProvider,
    RemoveDevice,
    RemoveProvider,
    SetPush,
)
from laba.model.refusal import Code
from push_callers import other_key
from push_rig import HELLO, PACKAGE, apns, device, pushed, pushing_house, report, send, token
from push_services import apns_serving

pytestmark = pytest.mark.anyio

KEY = other_key()
IOS = Provider("ios", "apns", Account(KEY, "KEY1234567", "TEAM123456"), PACKAGE)
WEB = Provider("web", "webpush", Account("", "mailto:ops@example.com"))
PHONE = PutDevice("ann", "phone", "ios", PACKAGE, Address("apns", token("ann phone")))


async def ask(house, call):
    return await house.pushdesk.serve(call, house.app)


async def devices_of(house, user="ann"):
    """Give what is known of a user's devices, by their names."""
    shown = await ask(house, ListDevices(user))
    return {one.device.seat.device: one for one in shown.devices}


def subscription(endpoint):
    """Give a browser's subscription at an endpoint."""
    return json.dumps(json.loads(FakeWebPush(url="https://x").subscribe()) | {"endpoint": endpoint})


# --- providers -----------------------------------------------------------------------------------------------------


async def test_a_provider_is_had_from_its_call_on(house):  # S8
    shown = await ask(house, PutProvider(IOS))
    assert (shown.provider.name, shown.public_key, shown.fault) == ("ios", None, "")
    assert house.app.policy.provider("ios") == IOS
    await house.tenants.load()
    assert house.app.policy.providers == (IOS,)


async def test_no_key_is_in_what_is_shown(house):
    """Nor in how it is written in a log."""  # S8
    answers = [await ask(house, PutProvider(each)) for each in (IOS, WEB)]
    listed = await ask(house, ListProviders())
    assert [one.provider.account.key for one in (*answers, *listed.providers)] == [""] * 4
    assert "PRIVATE" not in repr((answers, listed, house.app, PutProvider(IOS)))


async def test_providers_are_shown_with_how_many_devices_there_are_for_each_kind(house):
    for each in (WEB, IOS):
        await ask(house, PutProvider(each))
    await device(house, "ann"), await device(house, "ann", "tablet"), await device(house, "bob", kind="fcm")
    shown = await ask(house, ListProviders())
    assert ([one.provider.name for one in shown.providers], shown.reach) == (["ios", "web"], {"apns": 2, "fcm": 1})


async def test_a_provider_without_a_key_keeps_the_one_it_had(house):  # S8
    await ask(house, PutProvider(IOS))
    bare = replace(IOS, account=replace(IOS.account, key="", id="OTHER"), per_second=7)
    await ask(house, PutProvider(bare))
    assert house.app.policy.provider("ios") == replace(bare, account=replace(bare.account, key=KEY))


async def test_a_provider_of_browsers_is_given_a_key_and_keeps_it(house):
    """With it pages have subscribed: another would cut them all off."""  # S8
    first = await ask(house, PutProvider(WEB))
    assert len(first.public_key) == 87
    assert (await ask(house, PutProvider(WEB))).public_key == first.public_key
    assert (await ask(house, ListProviders())).providers[0].public_key == first.public_key
    mine = await ask(house, PutProvider(replace(WEB, account=replace(WEB.account, key=KEY))))
    assert mine.public_key != first.public_key


async def test_a_key_is_not_taken_over_from_a_provider_of_another_kind(house):
    await ask(house, PutProvider(IOS))
    made = await ask(house, PutProvider(replace(WEB, name="ios")))
    assert house.app.policy.provider("ios").account.key not in ("", KEY)
    assert made.public_key


@pytest.mark.parametrize("kind", ["apns", "fcm"])
async def test_a_key_that_only_the_service_gives_must_be_given(house, kind):
    refusal = await ask(house, PutProvider(replace(IOS, kind=kind, account=replace(IOS.account, key=""))))
    assert (refusal.code, refusal.field) == (Code.FIELD_MISSING, "key")
    assert house.app.policy.providers == ()


@pytest.mark.parametrize(("kind", "key"), [("apns", "no key"), ("fcm", KEY), ("webpush", KEY[:-40])])
async def test_a_key_that_is_none_is_refused_and_not_quoted(house, kind, key):
    """One of P-256 is none for FCM, which wants RSA."""
    refusal = await ask(house, PutProvider(replace(IOS, kind=kind, account=replace(IOS.account, key=key))))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "key")
    assert key not in refusal.reason
    assert house.app.policy.providers == ()


async def test_no_two_providers_are_for_the_same_devices(house):  # S8
    await ask(house, PutProvider(IOS))
    refusal = await ask(house, PutProvider(replace(IOS, name="rival")))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "package")
    for other in (replace(IOS, name="dev", sandbox=True), replace(IOS, name="two", package="com.two")):
        assert (await ask(house, PutProvider(other))).provider.name == other.name


async def test_an_app_has_so_many_providers_and_no_more(house):
    for number in range(PROVIDERS_MAX):
        await ask(house, PutProvider(replace(IOS, name=f"p{number}", package=f"com.p{number}")))
    assert (await ask(house, PutProvider(IOS))).code is Code.PROVIDERS_TOO_MANY
    changed = replace(IOS, name="p0", package="com.p0", per_second=5)
    assert (await ask(house, PutProvider(changed))).provider.per_second == 5


async def test_a_provider_is_removed(house):
    await ask(house, PutProvider(IOS))
    assert await ask(house, RemoveProvider("ios")) == ProviderRemoved("ios")
    assert await ask(house, ListProviders()) == ProvidersShown(())


@pytest.mark.parametrize("call", [RemoveProvider("none"), CheckProvider("none")])
async def test_a_provider_that_there_is_not_is_unknown(house, call):
    await ask(house, PutProvider(IOS))
    refusal = await ask(house, call)
    assert (refusal.code, refusal.subject) == (Code.PROVIDER_UNKNOWN, "none")
    assert house.app.policy.providers == (IOS,)


async def test_what_hinders_a_provider_is_shown_until_it_is_put_anew(tmp_path):  # S8
    async with apns_serving() as fake, pushing_house(tmp_path, fake) as house:
        right = apns(fake)
        await ask(house, PutProvider(replace(right, account=replace(right.account, key=KEY))))
        await device(house, "ann")
        await pushed(house)
        fault = "the credentials are not accepted: InvalidProviderToken"
        assert (await ask(house, ListProviders())).providers[0].fault == fault
        assert await ask(house, CheckProvider("ios")) == ProviderChecked("ios", fault)
        assert (await ask(house, PutProvider(right))).fault == ""
        assert await ask(house, CheckProvider("ios")) == ProviderChecked("ios", "")


# --- devices -------------------------------------------------------------------------------------------------------


async def test_a_device_is_known_with_all_that_was_said_of_it(house):  # S2
    await house.registered("ann")
    call = replace(PHONE, address=replace(PHONE.address, sandbox=True), locale="zh-CN", time_zone="Asia/Shanghai")
    shown = await ask(house, call)
    known = Device(Seat(house.app.uuid, "ann", "phone"), "ios", PACKAGE)
    assert shown == DevicesShown((Registration(known, call.address, "zh-CN", "Asia/Shanghai", NOW_MS),))
    assert await ask(house, ListDevices("ann")) == shown
    assert token("ann phone") not in repr(shown)


async def test_what_a_device_runs_on_stays_as_it_was_unless_it_is_said(house):  # S2
    await house.registered("ann")
    await ask(house, PHONE)
    other = Address("apns", "ab" * 32)
    await ask(house, PutDevice("ann", "phone", address=other))
    assert (await devices_of(house))["phone"].device == Device(Seat(house.app.uuid, "ann", "phone"), "ios", PACKAGE)
    await ask(house, PutDevice("ann", "phone", "ipados", "com.two", other))
    assert (await devices_of(house))["phone"].device.package == "com.two"


async def test_a_device_without_a_token_is_not_pushed_to_any_more(house):
    await house.registered("ann")
    await ask(house, PHONE)
    await ask(house, replace(PHONE, address=None))
    assert (await devices_of(house))["phone"].address is None
    assert (await ask(house, ListProviders())).reach == {}


async def test_a_token_is_one_devices(house):
    """A phone that changes hands shows nothing of its last owner's."""  # S8
    await house.registered("ann"), await house.registered("bob")
    await ask(house, PHONE)
    await ask(house, replace(PHONE, user="bob"))
    known = (await devices_of(house))["phone"]
    assert (known.address, known.dead) == (None, "moved")
    assert (await devices_of(house, "bob"))["phone"].address == PHONE.address


async def test_a_user_has_so_many_devices_and_one_more_takes_the_place_of_the_oldest(house):  # S2
    await house.registered("ann")
    for number in reversed(range(1, DEVICES_MAX + 1)):
        house.clock.now_ms += 1
        address = Address("apns", f"{number:064x}")
        await ask(house, PutDevice("ann", f"d{number:02}", "ios", PACKAGE, address))
    await ask(house, PutDevice("ann", "d00", "ios"))
    known = await devices_of(house)
    assert {*known} == {f"d{number:02}" for number in range(DEVICES_MAX)}
    await ask(house, PutDevice("ann", "d00", "ipados"))
    assert (await devices_of(house)).keys() == known.keys()


async def test_a_device_is_removed(house):  # S2
    await house.registered("ann")
    await ask(house, PHONE)
    assert await ask(house, RemoveDevice("ann", "phone")) == DeviceRemoved("phone")
    refusal = await ask(house, RemoveDevice("ann", "phone"))
    assert (refusal.code, refusal.subject) == (Code.DEVICE_UNKNOWN, "phone")
    assert await devices_of(house) == {}


async def test_a_device_without_a_name_is_one(house):
    await house.registered("ann")
    await ask(house, replace(PHONE, device=None))
    assert list(await devices_of(house)) == [""]
    assert await ask(house, RemoveDevice("ann", None)) == DeviceRemoved("")


@pytest.mark.parametrize("call", [ListDevices("nobody"), replace(PHONE, user="nobody")])
async def test_a_user_whom_there_is_not_has_no_devices(house, call):
    assert (await ask(house, call)).code is Code.USER_UNKNOWN


@pytest.mark.parametrize(
    "address",
    [
        Address("apns", "xyz"),
        Address("fcm", "not a token"),
        Address("webpush", "{}"),
        Address("webpush", json.dumps({"endpoint": "https://127.0.0.1/x", "keys": {"p256dh": "", "auth": ""}})),
    ],
)
async def test_a_token_that_is_none_is_refused(house, address):  # S8
    await house.registered("ann")
    refusal = await ask(house, replace(PHONE, address=address))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "token")
    assert await devices_of(house) == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8443", "localhost", "LOCALHOST"])
async def test_a_browsers_token_may_name_a_push_service_that_is_known(house, host):  # S8
    await house.registered("ann")
    address = Address("webpush", subscription(f"https://{host}/push/x"))
    assert (await ask(house, replace(PHONE, address=address))).devices[0].address == address


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1/push/x",
        "https://127.0.0.2/push/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/push/x",
        "https://127.0.0.1.evil.net/push/x",
        "https://evil.net/127.0.0.1",
        "https://evil.net?127.0.0.1/",
        "https://evil.net#127.0.0.1/",
        "https://evil.net\\@127.0.0.1/",
        "https://127.0.0.1@evil.net/push/x",
        "https://127.0.0.1:80@evil.net/push/x",
        "https://localhost./push/x",
        "https://127.0.0.1:99999/push/x",
        "https://127.0.0.1:22/push/x",
        "https://127.0.0.1\r\nx: y/",
        "https:///push/x",
        "file:///etc/passwd",
    ],
)
async def test_a_browsers_token_can_not_have_laba_call_anybody_else(house, endpoint):  # S8
    await house.registered("ann")
    refusal = await ask(house, replace(PHONE, address=Address("webpush", subscription(endpoint))))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "token")
    assert await devices_of(house) == {}


# --- pushes under way ----------------------------------------------------------------------------------------------


async def begun(house):
    """Have two providers and a push that is about to begin; gives its id."""
    await ask(house, PutProvider(IOS))
    await ask(house, PutProvider(WEB))
    await device(house, "ann")
    return await send(house)


async def test_a_push_is_paused_resumed_and_cancelled_with_all_its_providers(house):
    """Even before anything was sent of it."""  # S8
    dispatch_id = await begun(house)
    for state in (JobState.PAUSED, JobState.UNDER_WAY, JobState.CANCELLED):
        assert await ask(house, SetPush(dispatch_id, state)) == PushSet(dispatch_id, state, 2)
        assert (await report(house, dispatch_id, "ios")).state is state


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([JobState.CANCELLED, JobState.PAUSED], "be paused"),
        ([JobState.CANCELLED, JobState.UNDER_WAY], "go on"),
        ([JobState.CANCELLED, JobState.CANCELLED], "be cancelled"),
        ([JobState.PAUSED, JobState.PAUSED], "be paused"),
        ([JobState.UNDER_WAY], "go on"),
    ],
)
async def test_a_push_that_is_so_already_or_over_cannot_be_set(house, states, wanted):
    dispatch_id = await begun(house)
    answers = [await ask(house, SetPush(dispatch_id, state)) for state in states]
    assert (answers[-1].code, answers[-1].subject) == (Code.PUSH_OVER, str(dispatch_id))
    assert wanted in answers[-1].reason


async def test_a_push_that_waits_to_go_out_is_not_called_over(house):
    accepted = await house.intake.accept(to_targets(notification=HELLO), house.app)
    refusal = await ask(house, SetPush(accepted.dispatch.id, JobState.CANCELLED))
    assert (refusal.code, "try again in a moment" in refusal.reason) == (Code.PUSH_OVER, True)


async def test_a_broadcast_that_has_no_push_has_none_to_set(house):
    dispatch_id = await send(house, None)
    assert (await ask(house, SetPush(dispatch_id, JobState.PAUSED))).code is Code.PUSH_OVER


async def test_a_push_of_another_app_is_unknown(house):
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    theirs = await house.intake.accept(to_targets(notification=HELLO), other)
    for dispatch_id in (theirs.dispatch.id, 1):
        refusal = await ask(house, SetPush(dispatch_id, JobState.CANCELLED))
        assert (refusal.code, refusal.subject) == (Code.BROADCAST_UNKNOWN, str(dispatch_id))
