import json

import pytest

from builders import APP_UUID, NOW_MS, said
from laba.dialects.native.dialect import NativeDialect
from laba.model.calls import Claim, Exchange
from laba.model.hook import Hook, Source
from laba.model.hookcalls import (
    DeadLettersListed,
    DeadLettersResent,
    GetWords,
    HookRemoved,
    HooksShown,
    ListDeadLetters,
    ListHooks,
    PutHook,
    PutWords,
    RemoveHook,
    ResendDeadLetters,
    WordsShown,
)
from laba.model.http import HttpRequest, RequestHead
from laba.model.letter import DeadLetter, Letter, Mailbox
from laba.model.refusal import Refusal

HOOKS, WORDS = "/v1/apps/acme/chat/callbacks", "/v1/apps/acme/chat/words"
NATIVE = NativeDialect(frozenset({"native", "other"}))
URL = "https://back.end/told"


def read(method, path, body=None, query=None):
    head = RequestHead(method, path, query=query or {})
    claim = NATIVE.claim(head)
    assert isinstance(claim, Claim), claim
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return NATIVE.read(claim, HttpRequest(head, raw), None, 0)


def put(name="main", **body):
    return read("PUT", f"{HOOKS}/{name}", {"url": URL, **body})


def field(answer):
    assert isinstance(answer, Refusal), answer
    return answer.field


def written(answer):
    claim = NATIVE.claim(RequestHead("GET", HOOKS))
    response = NATIVE.write(Exchange(claim, None, "http://localhost", 0, 0), answer)
    assert response.status == 200
    return json.loads(response.body)


def test_a_hook_needs_a_url_and_has_defaults_for_the_rest():  # S6
    assert put() == PutHook(Hook("main", URL, "native"))
    assert put(form="other", secret="s", env="test", sources=["client"]) == PutHook(
        Hook("main", URL, "other", "s", "test", frozenset({Source.CLIENT}))
    )


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:8080/a?b=c&d", "http://127.0.0.1/", "http://[::1]:80/x", "http://h/" + "x" * 2039]
)
def test_what_can_be_called_is_a_url(url):
    assert put(url=url).hook.url == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        1,
        "",
        "h",
        "ftp://h/",
        "http://",
        "http:///x",
        "http://u:p@h/",
        "http://h/#f",
        "http://h/ x",
        "http://h/" + "x" * 2040,
    ],
)
def test_what_cannot_is_refused(url):
    assert field(put(url=url)) == "url"


@pytest.mark.parametrize("name", ["a", "a" * 64, "A-b_c.9"])
def test_a_name_is_as_an_app_s(name):
    assert put(name).hook.name == name


@pytest.mark.parametrize("name", ["a" * 65, "-a", "a b", "喇"])
def test_another_name_is_refused(name):
    assert field(put(name)) == "name"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"form": "third"}, "form"),
        ({"form": ""}, "form"),
        ({"secret": ""}, "secret"),
        ({"secret": "s" * 257}, "secret"),
        ({"env": "e" * 129}, "env"),
        ({"env": ""}, "env"),
        ({"env": 1}, "env"),
        ({"sources": []}, "sources"),
        ({"sources": "caller"}, "sources"),
        ({"sources": ["caller", "nobody"]}, "sources[1]"),
    ],
)
def test_what_will_not_do_is_named(body, path):  # G4
    assert field(put(**body)) == path


def test_limits_hold_to_the_last_character():
    hook = put(secret="s" * 256, env="e" * 128).hook
    assert (len(hook.secret), len(hook.env)) == (256, 128)


def test_calls_about_hooks_say_which():
    assert read("GET", HOOKS) == ListHooks()
    assert read("DELETE", f"{HOOKS}/main") == RemoveHook("main")
    assert read("GET", f"{HOOKS}/main/dead", query={"limit": "7", "cursor": "42"}) == ListDeadLetters("main", 7, 42)
    assert read("POST", f"{HOOKS}/main/dead/resend", {}) == ResendDeadLetters("main")
    assert read("POST", f"{HOOKS}/main/dead/resend", {"numbers": [3, 1, 3]}) == ResendDeadLetters(
        "main", frozenset({1, 3})
    )


@pytest.mark.parametrize(
    ("numbers", "path"),
    [
        ([], "numbers"),
        ("all", "numbers"),
        (list(range(1, 1002)), "numbers"),
        ([0], "numbers[0]"),
        ([1, "2"], "numbers[1]"),
        ([True], "numbers[0]"),
        ([2**63], "numbers[0]"),
    ],
)
def test_numbers_are_those_of_dead_letters(numbers, path):
    assert field(read("POST", f"{HOOKS}/main/dead/resend", {"numbers": numbers})) == path
    assert read("POST", f"{HOOKS}/main/dead/resend", {"numbers": list(range(1, 1001))}).numbers


def test_numbers_go_to_the_largest_that_can_be_kept():
    path = f"{HOOKS}/main/dead/resend"
    assert read("POST", path, {"numbers": [1, 2**63 - 1]}).numbers == {1, 2**63 - 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
def test_a_body_that_is_no_object_is_refused(body):  # G4
    for method, path in (("PUT", f"{HOOKS}/main"), ("POST", f"{HOOKS}/main/dead/resend"), ("PUT", WORDS)):
        assert isinstance(read(method, path, body), Refusal)


def test_a_page_of_dead_letters_has_one_to_a_hundred():
    path = f"{HOOKS}/main/dead"
    assert read("GET", path) == ListDeadLetters("main", 20)
    assert [read("GET", path, query={"limit": limit}).limit for limit in ("1", "100")] == [1, 100]
    for limit in ("0", "101", "-1", "x", "9" * 30):
        assert field(read("GET", path, query={"limit": limit})) == "limit"
    for cursor in ("x", "-1", "9" * 30):
        assert field(read("GET", path, query={"cursor": cursor})) == "cursor"


def test_words_are_read_each_once():  # S7
    assert read("GET", WORDS) == GetWords()
    assert read("PUT", WORDS, {"words": ["a", "加微信", "a"]}) == PutWords(("a", "加微信"))
    assert read("PUT", WORDS, {"words": []}) == PutWords(())


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (None, "words"),
        ("bad", "words"),
        ([""], "words[0]"),
        (["ok", " "], "words[1]"),
        ([1], "words[0]"),
        (["x" * 65], "words[0]"),
        ([str(number) for number in range(20_001)], "words"),
    ],
)
def test_words_have_their_limits(words, path):
    assert field(read("PUT", WORDS, {"words": words})) == path


def test_words_at_their_limits_will_do():
    many = [str(number) for number in range(20_000)]
    assert read("PUT", WORDS, {"words": many}).words == tuple(many)
    assert read("PUT", WORDS, {"words": ["x" * 64]}).words == ("x" * 64,)


# --- answers -------------------------------------------------------------------------------------------------------


def test_hooks_are_shown_with_what_waits_for_them():
    hooks = (Hook("a", URL, "native", "s"), Hook("b", "http://b/", "other", env="test"))
    assert written(HooksShown(hooks, {"a": Mailbox(2, 1)})) == {
        "callbacks": [
            {
                "name": "a",
                "url": URL,
                "form": "native",
                "secret": "s",
                "env": None,
                "sources": ["caller", "client"],
                "waiting": 2,
                "dead": 1,
            },
            {
                "name": "b",
                "url": "http://b/",
                "form": "other",
                "secret": "",
                "env": "test",
                "sources": ["caller", "client"],
                "waiting": 0,
                "dead": 0,
            },
        ]
    }


def test_a_dead_letter_is_shown_with_why_it_died():
    letter = Letter("7", APP_UUID, "a", said(7), Source.CALLER, number=42, attempts=8, fault="it answered 400")
    assert written(DeadLettersListed((DeadLetter(letter, 9),), 42)) == {
        "letters": [
            {
                "number": 42,
                "id": "7",
                "message_id": "7",
                "conversation": {"type": "room", "id": "1"},
                "from": "admin",
                "kind": "txt",
                "sent_at": NOW_MS,
                "attempts": 8,
                "fault": "it answered 400",
                "died_at": 9,
            }
        ],
        "cursor": "42",
    }
    assert written(DeadLettersListed(()))["cursor"] is None


def test_the_rest_is_told_in_a_word():
    assert written(HookRemoved("a")) == {"name": "a"}
    assert written(DeadLettersResent(3)) == {"resent": 3}
    assert written(WordsShown(("a", "b"))) == {"words": ["a", "b"]}
