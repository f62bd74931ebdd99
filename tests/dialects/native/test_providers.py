import json

import pytest

from hostile import NEVER, NO_FLAG, NO_OBJECT, NO_TEXT, each
from laba.dialects.native.members import TEXT_MAX
from laba.dialects.native.providers import KEY_MAX
from laba.model.provider import Account, Provider
from laba.model.pushcalls import (
    CheckProvider,
    ListProviders,
    ProviderChecked,
    ProviderRemoved,
    ProviderShown,
    ProvidersShown,
    PutProvider,
    RemoveProvider,
)
from laba.model.refusal import Code
from native_wire import APP, fault, read, told

PROVIDER = f"{APP}/providers/main"
APNS = {"kind": "apns", "package": "com.acme", "team_id": "T1", "key_id": "K1", "key": "a key"}
FILE = {
    "type": "service_account",
    "project_id": "p1",
    "client_email": "laba@p1",
    "private_key": "a key",
    "token_uri": "https://x/token",
}
FILE_OF_NOTHING = {"type": "service_account", "client_email": "laba@p1"}
FCM = {"kind": "fcm", "service_account": FILE}
WEB = {"kind": "webpush", "subject": "mailto:ops@acme.com"}


def put(**members):
    return read("PUT", PROVIDER, members)


def test_apns_is_a_team_with_its_key():  # S8
    account = Account("a key", "K1", "T1")
    assert put(**APNS) == PutProvider(Provider("main", "apns", account, "com.acme"))
    more = {"topic": "com.acme.voip", "sandbox": True, "per_second": 7, "url": "https://127.0.0.1:8443"}
    whole = Provider(
        "main",
        "apns",
        Account("a key", "K1", "T1", more["url"]),
        "com.acme",
        "com.acme.voip",
        sandbox=True,
        per_second=7,
    )
    assert put(**APNS, **more) == PutProvider(whole)


def test_fcm_is_the_file_of_a_service_account_as_it_is():
    """Its other members mean nothing here; unless it says so, it begins as gently as Google asks for."""  # S8
    account = Account("a key", "laba@p1", "p1", token_url="https://x/token")
    file = FILE | {"universe_domain": "googleapis.com"}
    whole = Provider("main", "fcm", account, per_second=5000)
    assert put(kind="fcm", service_account=file) == PutProvider(whole, "service_account.private_key")
    assert put(**FCM, per_second=0).provider.per_second == 0
    bare = {"type": "service_account", "project_id": "p1", "client_email": "laba@p1"}
    assert put(kind="fcm", service_account=bare).provider.account == Account("", "laba@p1", "p1")


def test_web_push_needs_only_somebody_to_write_to():
    """Its key may be made here."""  # S8
    assert put(**WEB) == PutProvider(Provider("main", "webpush", Account("", "mailto:ops@acme.com")))
    assert put(**WEB, key="a key").provider.account.key == "a key"
    assert put(kind="webpush", subject="https://acme.com/contact").provider.account.id == "https://acme.com/contact"


def test_either_package_or_topic_names_the_app_to_apns():  # S8
    topic = {name: value for name, value in APNS.items() if name != "package"}
    assert put(**topic, topic="com.acme").provider.topic == "com.acme"
    assert fault(put(**topic)) == (Code.FIELD_INVALID, "topic")


def test_unknown_members_of_a_provider_mean_nothing():
    """Nor do those that are for another kind: its devices would not be found."""  # G5
    assert put(**WEB, colour="red", service_account=5, topic="x", sandbox=True) == put(**WEB)


@pytest.mark.parametrize("url", ["https://x/token", "http://127.0.0.1:1/t", "http://localhost", "http://[::1]:1"])
def test_what_is_signed_with_a_key_travels_in_the_clear_only_within_a_machine(url):  # S8
    assert put(**FCM | {"service_account": FILE | {"token_uri": url}}).provider.account.token_url == url


def test_only_what_laba_can_speak_to_is_a_kind():  # S8
    assert fault(read("PUT", PROVIDER, APNS, frozenset({"webpush"}))) == (Code.FIELD_INVALID, "kind")
    assert "fcm" not in read("PUT", PROVIDER, APNS, frozenset({"webpush"})).reason
    assert fault(put(**WEB | {"kind": "APNS"})) == (Code.FIELD_INVALID, "kind")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "kind"),
        ({"kind": "apns", "key_id": "K1", "package": "x"}, "team_id"),
        ({"kind": "apns", "team_id": "T1", "package": "x"}, "key_id"),
        ({"kind": "webpush"}, "subject"),
        ({"kind": "fcm"}, "service_account"),
        ({"kind": "fcm", "service_account": {}}, "service_account.type"),
        ({"kind": "fcm", "service_account": {"type": "service_account"}}, "service_account.client_email"),
        ({"kind": "fcm", "service_account": FILE_OF_NOTHING}, "service_account.project_id"),
    ],
)
def test_what_a_provider_needs_is_named(given, missing):  # G4
    assert fault(put(**given)) == (Code.FIELD_INVALID, missing)


@pytest.mark.parametrize("name", ["-x", ".", "x" * 65, "a b", "喇叭", "a\x00"])
def test_a_provider_has_a_name_like_an_app(name):  # G4
    assert fault(read("PUT", f"{APP}/providers/{name}", WEB)) == (Code.FIELD_INVALID, "name")


WORDS = [*NO_TEXT, "a b", "喇叭", "x" * (TEXT_MAX + 1)]
KEYS = [None, 0, True, {}, [], ["a"], "", "x" * (KEY_MAX + 1)]
URLS = [
    "ftp://x",
    "x",
    "https://",
    "https://x/y",
    "https://x?y",
    "https://u@x",
    "http://x:65536",
    "https://[",
    "http://x:-1",
]
RATES = [*NEVER, True, {}, "1", 100_001]


@pytest.mark.parametrize(
    ("name", "value"),
    each(
        kind=NO_TEXT,
        team_id=WORDS,
        key_id=WORDS,
        key=KEYS,
        package=WORDS,
        topic=WORDS,
        url=[*WORDS, *URLS],
        sandbox=NO_FLAG,
        per_second=RATES,
    ),
)
def test_no_member_of_an_apns_provider_is_taken_for_what_it_is_not(name, value):
    """Keys have lines; all else goes into headers and paths as it is."""  # G4
    assert fault(put(**APNS | {name: value})) == (Code.FIELD_INVALID, name)


@pytest.mark.parametrize(
    ("name", "value"),
    each(
        type=[*NO_TEXT, "authorized_user"],
        project_id=[*WORDS, "../x", "p/1", "P1"],
        client_email=WORDS,
        private_key=KEYS,
        token_uri=[*WORDS, "x", "ftp://x", "https://", "http://x", "http://127.0.0.1.x", "http://localhostx/"],
    ),
)
def test_no_member_of_a_service_account_is_taken_for_what_it_is_not(name, value):  # G4
    given = FCM | {"service_account": FILE | {name: value}}
    assert fault(put(**given)) == (Code.FIELD_INVALID, f"service_account.{name}")


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        *((FCM, "service_account", value) for value in NO_OBJECT),
        *((WEB, "subject", value) for value in ["mailto:", "mailto:ops", "mailto:@acme.com", "https://"]),
        *((FCM, "url", value) for value in URLS),
        *((WEB, "subject", value) for value in [*WORDS, "ops@acme.com", "http://acme.com"]),
        *((WEB, "key", value) for value in KEYS),
    ],
)
def test_no_member_of_the_others_is_taken_for_what_it_is_not(given, name, value):  # G4
    assert fault(put(**given | {name: value})) == (Code.FIELD_INVALID, name)


def test_providers_are_listed_removed_and_checked_by_their_names():  # S8
    assert read("GET", f"{APP}/providers") == ListProviders()
    assert read("DELETE", PROVIDER) == RemoveProvider("main")
    assert read("POST", f"{PROVIDER}/check") == CheckProvider("main")


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (APNS, {"kind": "apns", "package": "com.acme", "per_second": 0, "team_id": "T1", "key_id": "K1"}),
        (FCM, {"kind": "fcm", "per_second": 5000, "project_id": "p1", "client_email": "laba@p1"}),
        (WEB, {"kind": "webpush", "per_second": 0, "subject": "mailto:ops@acme.com", "public_key": "BPub"}),
    ],
)
def test_a_provider_is_shown_as_it_is_read_but_for_its_key(given, own):
    """And with why it takes nothing at the moment; a page subscribes with Web Push's public key."""  # S8
    shown = ProviderShown(put(**given).provider, "BPub" if given is WEB else None, "it is away")
    common = {"name": "main", "package": "", "topic": "", "sandbox": False, "url": "", "fault": "it is away"}
    assert told(shown) == common | own
    listed = told(ProvidersShown((shown,), {"apns": 7}, {"apns": 2}))
    assert listed == {"providers": [common | own], "devices": {"apns": 7}, "strays": {"apns": 2}}
    assert "a key" not in json.dumps(listed)


def test_what_was_done_with_a_provider_is_told():  # S8
    assert told(ProviderRemoved("main")) == {"name": "main"}
    assert told(ProviderChecked("main", "")) == {"name": "main", "ok": True, "fault": "", "asked": True}
    unasked = told(ProviderChecked("main", "no", asked=False))
    assert unasked == {"name": "main", "ok": False, "fault": "no", "asked": False}
