import asyncio
import hashlib
import time
from dataclasses import replace

import pytest

from builders import BROADCASTING, NOW_MS, OTHER_UUID, Ticker, app
from houses import LIFETIMES, opened
from laba.core.signing import SKEW_MS
from laba.core.tokens import Token
from laba.model.app import Feature
from laba.model.calls import Grant, TokenIssued, TokenRequest
from laba.model.identity import Identity, SignedHead
from laba.model.refusal import Code
from laba.model.user import User
from laba.model.usercalls import DeleteUser, SetActivation
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio

EXCHANGE = TokenRequest(Grant.EXCHANGE)


async def test_an_app_s_own_token_opens_its_app(house):
    """Whoever signed it: laba, or the app's back end."""  # A10
    assert house.access.objection(house.app_token(), house.app) is None
    assert house.access.objection(house.foreign_token(), house.app) is None


async def test_what_is_no_app_token_of_the_app_opens_nothing(house):
    """Each fault has its own code, for the vendors have words for each."""  # A10
    ann = await house.registered()
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    faults = {
        None: Code.TOKEN_MISSING,
        "": Code.TOKEN_CORRUPT,
        "nonsense": Code.TOKEN_CORRUPT,
        "007nonsense": Code.TOKEN_CORRUPT,
        house.app_token(of=other): Code.TOKEN_MISMATCH,
        house.user_token(ann): Code.TOKEN_MISMATCH,
        house.foreign_token("ann"): Code.TOKEN_MISMATCH,
        Token(house.app.uuid, 1).signed(house.app.keys.token_key): Code.TOKEN_EXPIRED,
        Token(house.app.uuid, 0).signed(b"another key"): Code.TOKEN_UNKNOWN,
    }
    assert {proof: house.access.objection(proof, house.app).code for proof in faults} == faults


async def test_a_token_that_came_before_is_judged_as_at_first(house):
    """By its end, and by the keys that the app has now."""  # A10
    ending = Token(house.app.uuid, NOW_MS + 1000).signed(house.app.keys.token_key)
    lasting = house.app_token()
    for _ in range(2):
        assert house.access.objection(ending, house.app) is None
        assert house.access.objection(lasting, house.app) is None
    house.clock.pass_ms(1000)
    assert house.access.objection(ending, house.app).code is Code.TOKEN_EXPIRED
    assert house.access.objection(lasting, house.app) is None
    keys = replace(house.app.keys, token_key=b"another key", app_certificate="another")
    house.tenants.apps = house.tenants.apps.replacing(replace(house.app, keys=keys))
    assert house.access.objection(lasting, house.app).code is Code.TOKEN_UNKNOWN


async def test_any_user_of_the_app_opens_what_is_for_all_its_users(house):
    """And the app itself, whoever signed the token."""  # E12
    ann = await house.registered()
    for proof in (house.app_token(), house.user_token(ann), house.foreign_token("ann"), house.foreign_token()):
        assert await house.access.objection_to_any_user(proof, house.app) is None


async def test_who_is_no_user_of_the_app_does_not(house):
    """Gone, deactivated, revoked, another app's, or nobody at all."""  # E12
    ann = await house.registered()
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    foreign = Token(other.uuid, 0, "ann", 0).signed(other.keys.token_key)
    faults = {
        None: Code.TOKEN_MISSING,
        "nonsense": Code.TOKEN_CORRUPT,
        foreign: Code.TOKEN_MISMATCH,
        house.app_token(of=other): Code.TOKEN_MISMATCH,
        house.user_token(replace(ann, epoch=ann.epoch + 1)): Code.TOKEN_UNKNOWN,
        house.user_token(replace(ann, name="nobody")): Code.USER_UNKNOWN,
        house.foreign_token("nobody"): Code.USER_UNKNOWN,
    }
    told = {proof: (await house.access.objection_to_any_user(proof, house.app)).code for proof in faults}
    assert told == faults
    await house.users.remove(DeleteUser("ann"), house.app)
    refusal = await house.access.objection_to_any_user(house.user_token(ann), house.app)
    assert refusal.code is Code.USER_UNKNOWN


async def test_client_credentials_give_an_app_token(house):
    """For the vendor's default of 60 days, or as long as is asked."""  # S1
    keys = house.app.keys
    call = TokenRequest(Grant.CLIENT_CREDENTIALS, client_id=keys.client_id, client_secret=keys.client_secret)
    issued = await house.access.issue(call, house.app)
    assert (issued.expires_in_seconds, issued.user) == (LIFETIMES.app_seconds, None)
    assert issued.expires_at_ms == NOW_MS + LIFETIMES.app_seconds * 1000
    assert house.access.objection(issued.token, house.app) is None
    short = await house.access.issue(replace(call, ttl_seconds=60), house.app)
    house.clock.pass_ms(60_000)
    assert house.access.objection(short.token, house.app).code is Code.TOKEN_EXPIRED


async def test_a_ttl_of_0_never_ends(house):
    """The answer says 0, too."""  # S1
    keys = house.app.keys
    call = TokenRequest(Grant.CLIENT_CREDENTIALS, keys.client_id, keys.client_secret, ttl_seconds=0)
    issued = await house.access.issue(call, house.app)
    assert (issued.expires_in_seconds, issued.expires_at_ms) == (0, 0)
    house.clock.pass_ms(10**15)
    assert house.access.objection(issued.token, house.app) is None


async def test_wrong_credentials_say_which(house):
    """As the vendor's two errors do."""  # S1
    keys = house.app.keys
    wrong_id = TokenRequest(Grant.CLIENT_CREDENTIALS, client_id="x", client_secret=keys.client_secret)
    wrong_secret = TokenRequest(Grant.CLIENT_CREDENTIALS, client_id=keys.client_id, client_secret="ü")
    refusals = [await house.access.issue(call, house.app) for call in (wrong_id, wrong_secret)]
    assert [refusal.code for refusal in refusals] == [Code.CLIENT_ID_WRONG, Code.CLIENT_SECRET_WRONG]


async def test_a_password_gives_its_user_a_token(house):
    """With the user's data, and for a day unless said otherwise."""  # S1 S2
    ann = await house.registered("ann", "secret")
    call = TokenRequest(Grant.PASSWORD, username="ann", password="secret")
    issued = await house.access.issue(call, house.app)
    assert issued.user == replace(ann, token_at_ms=NOW_MS)
    assert issued.expires_in_seconds == LIFETIMES.user_seconds
    assert house.access.identify(issued.token).user == "ann"
    assert house.access.identify(issued.token).epoch == ann.epoch


async def test_a_wrong_password_and_an_unknown_user_are_refused_alike(house):
    """So is a user without a password: nobody learns who exists."""  # S1
    await house.registered("ann", "secret")
    await house.registered("bob")
    calls = [("ann", "Secret"), ("ann", ""), ("bob", ""), ("bob", "secret"), ("eve", "secret"), ("", "")]
    refusals = [
        await house.access.issue(TokenRequest(Grant.PASSWORD, username=name, password=password), house.app)
        for name, password in calls
    ]
    assert {refusal.code for refusal in refusals} == {Code.PASSWORD_WRONG}
    assert len(set(refusals)) == 1


async def test_an_unknown_user_costs_as_much_as_a_wrong_password(house):
    """Nor does the time tell: the same work is done, and it is much."""  # S1
    await house.registered("ann", "secret")

    async def cost(name):
        call = TokenRequest(Grant.PASSWORD, username=name, password="wrong")
        started = time.process_time()
        await house.access.issue(call, house.app)
        return time.process_time() - started

    known = min([await cost("ann") for _ in range(3)])
    unknown = min([await cost("eve") for _ in range(3)])
    assert 0.5 < unknown / known < 2


async def test_a_user_who_is_not_active_has_no_password(house):
    """It is refused as if it were wrong."""  # S1
    ann = await house.registered("ann", "secret")
    sleeper = replace(ann, name="sleeper", activated=False)
    await house.store.add_users([sleeper])
    call = TokenRequest(Grant.PASSWORD, username="sleeper", password="secret")
    assert (await house.access.issue(call, house.app)).code is Code.PASSWORD_WRONG


async def test_more_checks_than_may_wait_are_refused(house):
    """Each costs a core 50 ms: the 201st is told to come back, as often as there are 200; later it may."""
    call = TokenRequest(Grant.PASSWORD, username="eve", password="x")
    async with house.hashing._turns, house.hashing._turns:
        for _ in range(2):
            waiting = [asyncio.create_task(house.access.issue(call, house.app)) for _ in range(200)]
            await asyncio.sleep(0)
            assert not any(task.done() for task in waiting)
            refusal = await house.access.issue(call, house.app)
            assert (refusal.code, refusal.retry_after_seconds) == (Code.OVERLOADED, 5)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
    assert (await house.access.issue(call, house.app)).code is Code.PASSWORD_WRONG


async def test_an_app_token_lets_its_holder_act_for_a_user(house):
    """Only an app token; one who is not there is registered where that is asked."""  # S1
    ann = await house.registered()
    call = TokenRequest(Grant.INHERIT, username="ann", proof=house.app_token())
    assert (await house.access.issue(call, house.app)).user == replace(ann, token_at_ms=NOW_MS)
    eve = replace(call, username="eve")
    assert (await house.access.issue(eve, house.app)).code is Code.USER_UNKNOWN
    issued = await house.access.issue(replace(eve, register=True), house.app)
    assert issued.user == await house.users.find(house.app, "eve")
    assert (await house.access.issue(replace(eve, register=True), house.app)).user == issued.user


@pytest.mark.parametrize("proof", [None, "", "nonsense"])
async def test_nobody_acts_for_a_user_without_proof(house, proof):
    """Nor is anybody registered by the attempt."""  # A10 S1
    call = TokenRequest(Grant.INHERIT, username="ann", register=True, proof=proof)
    assert not isinstance(await house.access.issue(call, house.app), TokenIssued)
    assert await house.users.find(house.app, "ann") is None


async def test_a_user_s_token_does_not_act_for_another(house):
    """Nor for itself."""  # A10 S1
    ann = await house.registered()
    call = TokenRequest(Grant.INHERIT, username="ann", proof=house.user_token(ann))
    assert (await house.access.issue(call, house.app)).code is Code.TOKEN_MISMATCH


async def test_who_needs_no_proof_gets_the_app_s_token_or_a_user_s(house):
    """The door has let only the operator and holders of the app's token come here."""  # S1
    await house.registered()
    for_app = await house.access.issue(TokenRequest(Grant.DIRECT), house.app)
    for_ann = await house.access.issue(TokenRequest(Grant.DIRECT, username="ann"), house.app)
    assert house.access.objection(for_app.token, house.app) is None
    assert house.access.identify(for_ann.token).user == "ann"
    assert (await house.access.issue(TokenRequest(Grant.DIRECT, username="eve"), house.app)).code is Code.USER_UNKNOWN


async def test_a_call_that_was_signed_with_the_app_s_secret_is_the_app_s(house):
    """By default however old it is, and however often it comes."""  # R1 S10
    signed = signed_by(house.app)
    assert [house.access.objection_to_signature(signed, house.app) for _ in range(2)] == [None, None]
    assert house.access.objection_to_signature(None, house.app).code is Code.SIGNATURE_MISSING
    wrong = replace(signed, nonce="2")
    assert house.access.objection_to_signature(wrong, house.app).code is Code.SIGNATURE_WRONG


async def test_what_was_signed_is_remembered_from_call_to_call_where_an_app_asks_for_it(house):
    """With what is fresh, by the clock of the house."""  # S10
    once = house.app.with_policy(replace(BROADCASTING, features=frozenset({Feature.SIGNATURE_ONCE})))
    signed = signed_by(once)
    assert house.access.objection_to_signature(signed, once) is None
    assert house.access.objection_to_signature(signed, once).code is Code.SIGNATURE_REUSED
    house.clock.pass_ms(SKEW_MS + 1)
    assert house.access.objection_to_signature(signed, once).code is Code.SIGNATURE_STALE


def signed_by(tenant, nonce="1", stamp="1700000000"):
    """Sign a call of now."""
    said = f"{tenant.keys.app_secret}{nonce}{stamp}"
    return SignedHead(nonce, stamp, hashlib.sha1(said.encode()).hexdigest(), NOW_MS)


# --- what is known of who has a token ------------------------------------------------------------------------------


async def test_the_first_token_of_a_user_is_noted(house):
    """By whatever grant; a later one changes nothing, and the user is the same as before."""  # P9
    for number, grant in enumerate((Grant.PASSWORD, Grant.INHERIT, Grant.EXCHANGE, Grant.DIRECT)):
        name = f"user{number}"
        before = await house.registered(name, "secret" if grant is Grant.PASSWORD else None)
        house.clock.pass_ms(1000)
        proof = house.foreign_token(name) if grant is Grant.EXCHANGE else house.app_token()
        call = TokenRequest(grant, username=name, password="secret", proof=proof)
        issued = await house.access.issue(call, house.app)
        noted = replace(before, token_at_ms=house.clock.now_ms)
        assert issued.user == await house.users.find(house.app, name) == noted
        house.clock.pass_ms(1000)
        assert (await house.access.issue(call, house.app)).user == noted


async def test_a_token_that_was_refused_is_not_noted(house):  # P9
    await house.registered("ann", "secret")
    await house.access.issue(TokenRequest(Grant.PASSWORD, username="ann", password="wrong"), house.app)
    assert (await house.users.find(house.app, "ann")).token_at_ms is None


async def test_who_gets_a_token_is_shown_from_then_on_as_the_call_says(house):
    """Registered by it, or before; what is not said, or said already, stays."""  # S1 S11
    call = TokenRequest(Grant.DIRECT, username="ann", register=True, nickname="Ann", portrait="https://x/a.png")
    issued = await house.access.issue(call, house.app)
    ann = await house.users.find(house.app, "ann")
    assert issued.user == ann
    assert (ann.nickname, ann.portrait, ann.token_at_ms) == ("Ann", "https://x/a.png", NOW_MS)
    house.clock.pass_ms(1000)
    plain = TokenRequest(Grant.DIRECT, username="ann")
    for same in (plain, replace(plain, nickname="Ann"), call):
        assert (await house.access.issue(same, house.app)).user == ann
    renamed = (await house.access.issue(replace(call, nickname="Anna"), house.app)).user
    assert renamed == replace(ann, nickname="Anna", modified_at_ms=NOW_MS + 1000)
    assert await house.users.find(house.app, "ann") == renamed


async def test_what_was_revoked_while_a_token_was_issued_is_not_revived_by_it(house):
    """The token is signed for the user as it was judged, not as it is when that was noted."""  # S1
    await house.registered("ann", "secret")
    password = TokenRequest(Grant.PASSWORD, username="ann", password="secret")
    async with house.hashing._turns, house.hashing._turns:
        issuing = asyncio.create_task(house.access.issue(password, house.app))
        await asyncio.sleep(0)
        await house.users.set_activation(SetActivation("ann", active=False), house.app)
    issued = await issuing
    await house.users.set_activation(SetActivation("ann", active=True), house.app)
    objection = await house.access.objection_to_user(issued.token, house.app, "ann")
    assert objection.code is Code.TOKEN_UNKNOWN


async def test_who_is_gone_when_its_token_is_noted_gets_none(house):  # S1
    nobody = User(house.app.uuid, "nobody", "uuid", NOW_MS, NOW_MS, 1)
    assert await house.users.note_token(nobody) is None


async def test_a_token_whose_issue_cannot_be_noted_is_not_issued(house, tmp_path):
    """The caller comes again; whoever has had one is served all the same."""  # P9
    await house.registered("ann")
    await house.registered("bob")
    await house.access.issue(TokenRequest(Grant.DIRECT, username="bob"), house.app)
    async with opened(tmp_path, house.clock, writes_waiting_limit=0) as busy:
        with pytest.raises(StoreBusyError):
            await busy.access.issue(TokenRequest(Grant.DIRECT, username="ann"), busy.app)
        assert isinstance(await busy.access.issue(TokenRequest(Grant.DIRECT, username="bob"), busy.app), TokenIssued)


async def test_no_token_is_longer_than_256_characters(house):
    """Also for the longest name there is."""  # S11, vendor-apis.md 3.2
    call = TokenRequest(Grant.DIRECT, username="喇" * 21 + "x", register=True, ttl_seconds=0)
    issued = await house.access.issue(call, house.app)
    assert (len(issued.token) <= 256, issued.expires_in_seconds) == (True, 0)


# --- exchange ------------------------------------------------------------------------------------------------------


async def test_a_foreign_token_is_exchanged_for_one_of_the_same_right(house):
    """An app's for an app's, a user's for that user's, who is registered by it."""  # S1
    for_app = await house.access.issue(replace(EXCHANGE, proof=house.foreign_token()), house.app)
    for_ann = await house.access.issue(replace(EXCHANGE, proof=house.foreign_token("ann")), house.app)
    assert house.access.identify(for_app.token).user is None
    assert house.access.identify(for_ann.token).user == "ann"
    assert for_ann.user == await house.users.find(house.app, "ann")


@pytest.mark.parametrize("ttl_seconds", [None, 0, 1, 1799, 1800, 10**9])
@pytest.mark.parametrize("user", [None, "ann"])
async def test_an_exchange_never_prolongs(house, ttl_seconds, user):
    """What is asked beyond the first token's end is cut off there; asked for nothing, it is that end."""  # S1
    proof = house.foreign_token(user, expire_seconds=1800)
    issued = await house.access.issue(replace(EXCHANGE, proof=proof, ttl_seconds=ttl_seconds), house.app)
    seconds = min(ttl_seconds or 1800, 1800)
    assert (issued.expires_in_seconds, issued.expires_at_ms) == (seconds, NOW_MS + seconds * 1000)
    assert house.access.identify(issued.token).expires_at_ms == issued.expires_at_ms


@pytest.mark.parametrize("passed_ms", [0, 1, 1_799_001, 1_799_500, 1_799_999])
async def test_an_exchange_in_the_last_second_ends_with_the_first_token(house, passed_ms):
    """To the millisecond; and the answer does not say 0, which would be for ever."""  # S1
    proof = house.foreign_token(expire_seconds=1800)
    house.clock.pass_ms(passed_ms)
    issued = await house.access.issue(replace(EXCHANGE, proof=proof), house.app)
    assert issued.expires_at_ms == NOW_MS + 1_800_000
    assert issued.expires_in_seconds == -(-(1_800_000 - passed_ms) // 1000) >= 1


async def test_an_exchange_that_takes_long_does_not_prolong(tmp_path):
    """Time passes while the user is looked for and registered."""  # S1
    async with opened(tmp_path, Ticker(step_ms=333)) as house:
        proof = house.foreign_token("ann", expire_seconds=60)
        ends_at_ms = house.access.identify(proof).expires_at_ms
        issued = await house.access.issue(replace(EXCHANGE, proof=proof, ttl_seconds=59), house.app)
        assert issued.expires_at_ms <= ends_at_ms


async def test_what_has_ended_is_not_exchanged(house):
    """At its end it is over, for this too."""  # S1
    proof = house.foreign_token("ann", expire_seconds=60)
    house.clock.pass_ms(60_000)
    assert (await house.access.issue(replace(EXCHANGE, proof=proof), house.app)).code is Code.TOKEN_EXPIRED
    assert await house.users.find(house.app, "ann") is None


async def test_a_token_that_never_ends_is_exchanged_for_the_default(house):
    """Or for as long as is asked: it could be used itself."""  # S1
    issued = await house.access.issue(replace(EXCHANGE, proof=house.app_token()), house.app)
    assert issued.expires_in_seconds == LIFETIMES.app_seconds
    for_ever = await house.access.issue(replace(EXCHANGE, proof=house.app_token(), ttl_seconds=0), house.app)
    assert (for_ever.expires_in_seconds, for_ever.expires_at_ms) == (0, 0)


async def test_a_revoked_token_is_not_revived_by_an_exchange(house):
    """Neither while its user is gone nor when one of that name is there again; and it registers nobody."""  # S1
    token = house.user_token(await house.registered())
    assert isinstance(await house.access.issue(replace(EXCHANGE, proof=token), house.app), TokenIssued)
    await house.users.remove(DeleteUser("ann"), house.app)
    assert (await house.access.issue(replace(EXCHANGE, proof=token), house.app)).code is Code.USER_UNKNOWN
    assert await house.users.find(house.app, "ann") is None
    await house.registered()
    assert (await house.access.issue(replace(EXCHANGE, proof=token), house.app)).code is Code.TOKEN_UNKNOWN


async def test_another_app_s_token_is_not_exchanged(house):
    """Nor is none at all."""  # A10 S1
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    refusals = [
        await house.access.issue(replace(EXCHANGE, proof=proof), house.app)
        for proof in (house.app_token(of=other), None, "nonsense")
    ]
    assert [refusal.code for refusal in refusals] == [Code.TOKEN_MISMATCH, Code.TOKEN_MISSING, Code.TOKEN_CORRUPT]


async def test_two_who_register_one_user_at_once_get_the_same_user(house):
    """Whoever comes second finds it."""  # S1 S2
    call = TokenRequest(Grant.DIRECT, username="ann", register=True)
    issued = await asyncio.gather(*(house.access.issue(call, house.app) for _ in range(5)))
    assert {one.user for one in issued} == {await house.users.find(house.app, "ann")}
    assert all(isinstance(house.access.identify(one.token), Identity) for one in issued)
