"""What stands between laba and a service: proofs, faults, patience, and the way back (S8).

The services are fakes that speak the true protocols, and time moves when told to.
"""

import json
from dataclasses import replace

import jwt
import pytest
from structlog.testing import capture_logs

from builders import NOW_MS, OTHER_UUID, Clock, app, counted, ground, to_targets
from laba.adapters.push.sender import PushSender, trusting
from laba.assembly.outside import FORMS
from laba.model.attendance import Seat
from laba.model.provider import Account, Provider
from laba.model.push import JobState, Push
from laba.model.pushcalls import PutProvider
from laba.model.targets import Targets
from laba.service.pushlanes import UNPROVEN_REST_MS, Lane, Tools
from push_callers import other_key
from push_rig import (
    HELLO,
    PACKAGE,
    apns,
    device,
    devices,
    fcm,
    pushed,
    pushing_house,
    put,
    received,
    report,
    rounds,
    send,
    sending,
    web_push,
)
from push_services import apns_serving, web_push_serving
from scripted_peer import peering

pytestmark = pytest.mark.anyio

MINUTE = 60
BUSY = (503, "ServiceUnavailable")


@pytest.fixture
async def apple():
    """Give an APNs that takes no second token within 20 minutes."""
    async with apns_serving(updates_allowed=0) as fake:
        yield fake


def ios(key, fake, url=None):
    """Give a provider with a key, or a URL, that is not the fake's."""
    return Provider("ios", "apns", Account(key, fake.key_id, fake.team_id, url or fake.url), PACKAGE)


def mistaken(fake):
    return ios(other_key(), fake)


def warnings(logs):
    return [line["fault"] for line in logs if line["log_level"] == "warning"]


# --- proofs --------------------------------------------------------------------------------------------------------


async def test_apns_is_shown_one_proof_for_as_long_as_it_may_be(tmp_path, apple):
    """Renewed no oftener than every 20 minutes, and never older than an hour; a restart does not renew it."""  # S8
    clock = Clock()
    for _ in range(4):
        async with pushing_house(tmp_path, apple, clock=clock) as house:
            await put(house, apns(apple))
            await device(house, "ann")
            for _ in range(10):
                clock.pass_ms(7 * MINUTE * 1000)
                sent = len(apple.attempts)
                await pushed(house)
                claims = jwt.decode(
                    apple.attempts[sent].headers["authorization"].removeprefix("bearer "),
                    options={"verify_signature": False},
                )
                assert 0 <= clock() / 1000 - claims["iat"] < 60 * MINUTE
    assert len(apple.pushes) == len(apple.attempts) == 40
    assert 5 <= len({push.headers["authorization"] for push in apple.pushes}) <= 10


async def test_fcm_is_asked_for_an_access_token_before_the_last_one_ends(tmp_path, google):  # S8
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        await device(house, "ann", kind="fcm")
        for _ in range(12):
            await pushed(house)
            house.clock.pass_ms(10 * MINUTE * 1000)
        assert len(google.pushes) == len(google.attempts) == 12
        assert len(google.grants) == 2


async def test_many_pushes_at_once_ask_for_one_access_token(tmp_path, google):
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        await devices(house, 50, "fcm")
        assert (await pushed(house)).counts.accepted == 50
        assert len(google.grants) == 1


async def test_an_access_token_that_was_withdrawn_is_asked_for_anew_and_nothing_is_wrong(tmp_path, google):
    """Even where hundreds are refused with it at once: it is dropped once, and all of them go out again."""  # S8
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        await devices(house, 50, "fcm")
        await pushed(house)
        google.revoke()
        with capture_logs() as logs:
            told = await pushed(house)
        assert (told.state, told.counts.accepted, told.fault) == (JobState.DONE, 50, "")
        assert (len(google.grants), logs) == (2, [])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((400, {"error": "invalid_grant", "error_description": "Gone"}), "no access token: invalid_grant: Gone"),
        ((503, {"error": "unavailable"}), "no access token: unavailable"),
        ((200, {"expires_in": 3600}), "no access token: the answer holds none"),
    ],
)
async def test_without_an_access_token_nothing_is_pushed_and_nothing_is_lost(tmp_path, google, answer, fault):
    google.token_moods.append(answer)
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        tokens = await devices(house, 3, "fcm")
        dispatch_id = await send(house)
        await rounds(house, 59)
        assert (google.attempts, (await report(house, dispatch_id)).fault) == ([], fault)
        await rounds(house, 2)
        assert sorted(received(google)) == tokens
        assert (await report(house, dispatch_id)).fault == ""


# --- credentials that are not accepted -----------------------------------------------------------------------------


async def test_bad_credentials_are_told_once_and_hold_up_nobody_else(tmp_path, apple, google):
    """They stand in the report and in a check; the devices wait, and go out when the provider is put anew."""  # S8
    async with pushing_house(tmp_path, apple, google) as house:
        await put(house, mistaken(apple), fcm(google))
        tokens = await devices(house, 20)
        await device(house, "ann", kind="fcm")
        with capture_logs() as logs:
            dispatch_id = await send(house)
            await rounds(house, 3 * MINUTE)
        fault = "the credentials are not accepted: InvalidProviderToken"
        assert warnings(logs) == [fault]
        told = await report(house, dispatch_id, "ios")
        assert (told.fault, told.state, told.waiting) == (fault, JobState.UNDER_WAY, 20)
        assert (told.counts.sent, told.counts.rejected) == (0, {})
        assert await house.pushing.check(house.app.uuid, "ios") == fault
        assert (await report(house, dispatch_id, "android")).state is JobState.DONE
        await put(house, apns(apple))
        await rounds(house, 1)
        assert sorted(received(apple)) == tokens
        told = await report(house, dispatch_id, "ios")
        assert (told.state, told.counts.accepted, told.fault) == (JobState.DONE, 20, "")


async def test_a_service_that_does_not_accept_who_asks_is_asked_ever_more_seldom(tmp_path, apple):
    """A page is refused once, not by each of its devices again."""
    async with pushing_house(tmp_path, apple) as house:
        await put(house, mistaken(apple))
        await device(house, "ann")
        await send(house)
        await rounds(house, UNPROVEN_REST_MS // 1000 - 1)
        assert len(apple.attempts) == 1
        await rounds(house, 1)
        assert len(apple.attempts) == 2
        await rounds(house, 20 * MINUTE - 60)
        assert len(apple.attempts) == 11


async def test_a_log_says_when_a_service_works_again(tmp_path, apple):
    apple.moods["*"] = [(403, "Forbidden")]
    async with pushing_house(tmp_path, apple) as house:
        await put(house, apns(apple))
        await device(house, "ann")
        with capture_logs() as logs:
            await pushed(house, seconds=61)
        assert [line["event"] for line in logs] == ["push provider fails", "push provider works again"]
        assert {(line["app"], line["provider"]) for line in logs} == {("org/app", "ios")}
        assert received(apple) == [apple.attempts[0].token]


async def test_another_app_has_troubles_of_its_own(tmp_path, apple):
    async with pushing_house(tmp_path, apple) as house:
        other = app(OTHER_UUID, "org/other")
        await house.store.add_app(other)
        await house.tenants.load()
        await put(house, mistaken(apple))
        await house.pushdesk.serve(PutProvider(apns(apple)), other)
        await device(house, "ann")
        theirs = await device(house, "eve", app=other)
        await house.intake.accept(to_targets(notification=HELLO), other)
        await pushed(house)
        assert received(apple) == [theirs]
        assert house.pushing.fault(house.app.uuid, "ios")
        assert house.pushing.fault(OTHER_UUID, "ios") == ""


# --- faults of the wire --------------------------------------------------------------------------------------------


async def test_who_does_not_listen_is_left_alone_and_loses_nobody(tmp_path, apple):
    """After some failures ever longer. At the right address all of it goes out."""  # S8
    async with pushing_house(tmp_path, apple) as house:
        await put(house, ios(apple.key, apple, "https://127.0.0.1:1"))
        tokens = await devices(house, 10)
        with capture_logs() as logs:
            dispatch_id = await send(house)
            await rounds(house, 600)
        told = await report(house, dispatch_id)
        assert warnings(logs) == [told.fault] == ["no answer: nobody listens there (127.0.0.1:1)"]
        assert (told.waiting, told.counts.sent, told.state) == (10, 0, JobState.UNDER_WAY)
        assert await house.pushing.check(house.app.uuid, "ios") == told.fault
        assert counted(house.meter, "laba_push_faults_total", '{kind="apns"}') <= 10 * 14
        await put(house, apns(apple))
        await rounds(house, 1)
        assert sorted(received(apple)) == tokens


async def test_a_service_whose_certificate_is_not_trusted_is_told_nothing(tmp_path, apple):
    async with (
        PushSender.open(trusting(None), None) as distrustful,
        pushing_house(tmp_path, apple, sender=distrustful) as house,
    ):
        await put(house, apns(apple))
        await device(house, "ann")
        told = await pushed(house)
        assert told.fault.startswith("no answer: its certificate is not trusted: ")
        assert (told.waiting, apple.connections) == (1, 0)


async def test_a_service_whose_certificate_has_expired_is_told_nothing(tmp_path, apple):
    async with (
        peering(days=-1) as expired,
        sending(expired) as sender,
        pushing_house(tmp_path, apple, sender=sender) as house,
    ):
        await put(house, ios(apple.key, apple, f"https://{expired.host}"))
        await device(house, "ann")
        told = await pushed(house)
        assert told.fault == f"no answer: its certificate is not trusted: certificate has expired ({expired.host})"
        assert (told.waiting, told.counts.sent) == (1, 0)


async def test_a_service_that_fails_for_all_gets_patience_and_then_everything(tmp_path, apple):
    """No device loses an attempt by it."""  # S8
    async with pushing_house(tmp_path, apple) as house:
        await put(house, apns(apple))
        tokens = await devices(house, 5)
        apple.moods["*"] = [BUSY] * 40
        dispatch_id = await send(house)
        await rounds(house)
        told = await report(house, dispatch_id)
        assert told.fault == "the service asks for patience: ServiceUnavailable"
        assert (told.waiting, told.counts.sent) == (5, 0)
        await rounds(house, 600)
        told = await report(house, dispatch_id)
        assert (told.state, told.counts.accepted, told.counts.retried, told.fault) == (JobState.DONE, 5, 0, "")
        assert sorted(received(apple)) == tokens


async def test_a_service_that_goes_on_failing_is_asked_ever_more_seldom(tmp_path, apple):  # S8
    async with pushing_house(tmp_path, apple) as house:
        await put(house, apns(apple))
        await device(house, "ann")
        apple.moods["*"] = [BUSY] * 10
        await send(house)
        times = []
        for second in range(600):
            await rounds(house, 1 if second else 0)
            times += [(house.clock() - NOW_MS) // 1000] * (len(apple.attempts) - len(times))
        assert times == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]


async def test_a_service_is_left_alone_for_as_long_as_it_says(tmp_path, apple):  # S8
    apple.moods["*"] = [(503, "Shutdown", {"retry-after": "120"})]
    async with pushing_house(tmp_path, apple) as house:
        await put(house, apns(apple))
        await device(house, "ann")
        dispatch_id = await send(house)
        await rounds(house, 119)
        assert len(apple.attempts) == 1
        await rounds(house, 1)
        assert (await report(house, dispatch_id)).counts.accepted == 1


# --- origins -------------------------------------------------------------------------------------------------------


async def test_a_browsers_service_that_fails_does_not_hold_up_another(tmp_path):
    """One provider, two origins: each has a proof and a rest of its own."""  # S8
    async with web_push_serving() as here, web_push_serving() as there, pushing_house(tmp_path, here, there) as house:
        there.key, there.public, there._public_key = here.key, here.public, here._public_key
        await put(house, web_push(here))
        there.moods["*"] = [BUSY] * 3
        for number in range(6):
            origin = (here, there)[number % 2]
            await device(house, f"u{number}", kind="webpush", token=origin.subscribe())
        dispatch_id = await send(house)
        await rounds(house)
        assert (len(here.pushes), len(there.pushes)) == (3, 0)
        told = await report(house, dispatch_id)
        assert (told.waiting, told.fault) == (3, f"the service asks for patience: 503 ({host_of(there)})")
        await rounds(house, 10)
        assert (len(here.pushes), len(there.pushes)) == (3, 3)
        assert (await report(house, dispatch_id)).fault == ""


# --- refusals that do not say whether they are for all --------------------------------------------------------------


def refusing(fake, token):
    """Have a service not accept the key for one subscription, as where that was made for another."""
    fake.moods[name_of(token)] = [(403, "109")] * 1000
    return token


def host_of(fake):
    return fake.url.removeprefix("https://")


def name_of(token):
    return json.loads(token)["endpoint"].rpartition("/")[2]


@pytest.fixture
async def browsers():
    async with web_push_serving() as fake:
        yield fake


@pytest.mark.parametrize("bad", [0, 3, 7])
async def test_a_browser_that_subscribed_with_another_key_holds_up_no_other(tmp_path, browsers, bad):
    """It is rejected, once another one shows that the key is good."""  # S8
    async with pushing_house(tmp_path, browsers) as house:
        await put(house, replace(web_push(browsers), per_second=4))  # four in a page
        for number in range(8):
            token = browsers.subscribe()
            await device(house, f"u{number}", kind="webpush", token=token)
            if number == bad:
                refusing(browsers, token)
        told = await pushed(house, seconds=62)
        assert (told.state, told.counts.accepted, told.counts.rejected) == (JobState.DONE, 7, {"403": 1})
        assert told.fault == ""
        with capture_logs() as logs:
            told = await pushed(house)
        assert (told.state, told.counts.accepted, told.counts.rejected) == (JobState.DONE, 7, {"403": 1})
        assert logs == []


async def test_a_key_that_nobody_accepts_is_told_and_everybody_waits_for_another(tmp_path, browsers):  # S8
    async with pushing_house(tmp_path, browsers) as house:
        await put(house, replace(web_push(browsers), account=Account(other_key(), "mailto:ops@example.com")))
        for number in range(3):
            await device(house, f"u{number}", kind="webpush", token=browsers.subscribe())
        with capture_logs() as logs:
            dispatch_id = await send(house)
            await rounds(house, 300)
        told = await report(house, dispatch_id)
        assert warnings(logs) == [told.fault] == [f"the credentials are not accepted: 403 ({host_of(browsers)})"]
        assert (told.waiting, told.counts.sent, told.counts.rejected) == (3, 0, {})
        assert len(browsers.attempts) == 3 * 5
        await put(house, web_push(browsers))
        await rounds(house, 5)
        assert (await report(house, dispatch_id)).counts.accepted == 3


async def test_who_is_doubted_alone_is_asked_for_behind_others(tmp_path, browsers):
    """So it keeps nobody waiting longer than its service's first rest."""  # S8
    async with pushing_house(tmp_path, browsers) as house:
        await put(house, web_push(browsers))
        await device(house, "bad", kind="webpush", token=refusing(browsers, browsers.subscribe()))
        first = await send(house)
        await rounds(house, 10)
        await device(house, "good", kind="webpush", token=browsers.subscribe())
        second = await send(house, targets=Targets(users=frozenset({"good"})))
        await rounds(house, 53)
        assert (await report(house, second)).counts.accepted == 1
        assert (await report(house, first)).counts.rejected == {"403": 1}


async def test_what_a_service_met_with_long_ago_is_no_fault_any_more(tmp_path, browsers):
    """Its devices may be gone: nobody will ask it again."""
    async with pushing_house(tmp_path, browsers) as house:
        await put(house, web_push(browsers))
        gone = json.loads(browsers.subscribe()) | {"endpoint": "https://127.0.0.1:1/x"}
        await device(house, "ann", kind="webpush", token=json.dumps(gone))
        assert (await pushed(house)).fault == "no answer: nobody listens there (127.0.0.1:1)"
        await house.store.devices.remove(Seat(house.app.uuid, "ann", "phone"))
        await rounds(house, 5)
        house.clock.pass_ms(301 * 1000)
        assert house.pushing.fault(house.app.uuid, "web") == ""


async def test_a_service_that_gives_access_tokens_is_left_alone_for_as_long_as_it_says(tmp_path, google):  # S8
    google.token_moods.append((503, {"error": "unavailable"}, {"retry-after": "600"}))
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        await device(house, "ann", kind="fcm")
        dispatch_id = await send(house)
        await rounds(house, 599)
        assert google.attempts == []
        await rounds(house, 2)
        assert (await report(house, dispatch_id)).counts.accepted == 1


async def test_of_very_many_services_the_first_is_found_out_anew():
    """A browser's subscription names one: a client can name as many as there are."""
    lane = Lane(app(), Provider("web", "webpush", Account("key", "id")), Tools(FORMS, None, ground()))
    first = lane._scope("https://0.example")
    for number in range(1001):
        lane._scope(f"https://{number}.example")
    assert (len(lane._scopes), lane._scope("https://0.example") is first) == (1000, False)


# --- being asked ---------------------------------------------------------------------------------------------------


async def test_a_check_finds_nothing_where_all_is_well(tmp_path, apple, google):
    """It asks for a device that cannot be: a service first judges who asks."""
    apple.moods[FORMS["apns"].probe] = [(400, "BadDeviceToken")]
    google.moods[FORMS["fcm"].probe] = [(404, "UNREGISTERED")]
    async with web_push_serving() as web, pushing_house(tmp_path, apple, google, web) as house:
        await put(house, apns(apple), fcm(google), web_push(web))
        assert [await house.pushing.check(house.app.uuid, name) for name in ("ios", "android", "web")] == [""] * 3
        assert ([push.status for push in apple.attempts + google.attempts], web.attempts) == ([400, 404], [])
        assert await house.pushing.check(house.app.uuid, "none") == ""


@pytest.mark.parametrize(("status", "reason"), [(403, "BadCertificate"), (503, "Shutdown"), (429, "TooManyTokens")])
async def test_a_check_says_what_hinders_and_changes_nothing(tmp_path, apple, status, reason):
    async with pushing_house(tmp_path, apple) as house, sending(apple) as sender:
        apple.moods["*"] = [(status, reason)]
        lane = Lane(house.app, apns(apple), Tools(FORMS, sender, house.ground))
        with capture_logs() as logs:
            assert reason in await lane.check()
        assert logs == []
        assert (lane.fault, lane.rests_until_ms()) == ("", house.clock())


# --- what was written ----------------------------------------------------------------------------------------------


def test_a_push_is_written_once_and_forgotten_when_it_is_over():
    provider = Provider("ios", "apns", Account("key", "id"), PACKAGE)
    lane = Lane(app(), provider, Tools(FORMS, None, ground()))
    for number in (1, 2):
        written = lane.write(number, "ios", Push(f"push {number}", str(number), NOW_MS))
        assert lane.written(number, "ios") == written
    lane.keep({2})
    assert (lane.written(1, "ios"), lane.written(2, "ios")) == (None, written)
