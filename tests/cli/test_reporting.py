import json
import time

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main
from laba.cli.reporting import lines

ACCEPTED_MS = 1_700_000_000_000
WAITING = {
    "id": "7",
    "status": "waiting",
    "accepted_at": ACCEPTED_MS,
    "from": "admin",
    "kind": "txt",
    "level": "normal",
}
REJECTED = {"verdict": {"decision": "rejected", "judge": "words", "label": "bad"}}


def report(status="sent", **counts):
    found = {"audience": 200, "reached": 0, "confirmed": 0, "pending": 0, "dropped": {}}
    times = {"reached_after_ms": {"50%": None, "99%": None, "100%": None}}
    return WAITING | {"status": status} | found | times | counts


def answer(found):
    return (200, json.dumps(found).encode())


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["report", *words, "--data", str(tmp_path)])

    return run


def test_a_report_is_asked_for_by_the_broadcast_s_id_alone(laba, tmp_path):
    """The operator need not know whose it is."""  # X2
    with answering(tmp_path, answer(report())) as server:
        result = laba("7", "--json")
    assert server.seen == [("/v1/broadcasts/7", b"")]
    assert (result.exit_code, json.loads(result.stdout)) == (0, report())


def test_a_report_is_told_in_lines(laba, tmp_path):
    """Every count with its share of the audience, every time that there is, reasons in their order."""  # X2
    found = report(
        reached=150,
        confirmed=20,
        pending=1,
        dropped={"slow": 48, "closed": 1},
        reached_after_ms={"50%": 12, "99%": None, "100%": None},
    )
    with answering(tmp_path, answer(found)):
        result = laba("7")
    accepted = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ACCEPTED_MS / 1000))
    told = [line.split("  ", 1) for line in result.stdout.splitlines()]
    assert [(name, value.strip()) for name, value in told] == [
        ("broadcast", "7"),
        ("status", "sent"),
        ("accepted", accepted),
        ("from", "admin"),
        ("kind", "txt"),
        ("audience", "200"),
        ("reached", "150  75.0 %"),
        ("confirmed", "20  10.0 %"),
        ("pending", "1  0.5 %"),
        ("dropped: closed", "1  0.5 %"),
        ("dropped: slow", "48  24.0 %"),
        ("50% reached", "after 12 ms"),
    ]


def test_what_has_no_report_yet_says_how_far_it_is():
    """No counts are invented."""  # X2
    assert [name for name, _ in lines(WAITING)] == ["broadcast", "status", "accepted", "from", "kind"]


def test_a_push_to_chosen_users_counts_them_too():
    """Also before any session was counted; while more are looked for it says so."""  # P5
    targets = {"targeted": 10, "delivered": 6, "expired": 1, "walking": True}
    told = lines(WAITING | {"targets": targets})
    assert told[5:] == [
        ("targeted users", "10  and counting"),
        ("delivered to users", "6  60.0 %"),
        ("expired to users", "1  10.0 %"),
    ]
    assert dict(lines(report() | {"targets": targets | {"walking": False}}))["targeted users"] == "10"


def test_a_recalled_broadcast_says_so():  # X3
    assert ("recalled", "yes") in lines(report() | {"recalled": True})
    assert "recalled" not in dict(lines(report()))


@pytest.mark.parametrize(
    ("decision", "judge", "label", "told"),
    [
        ("rejected", "words", "加微信", "rejected by a word: 加微信"),
        ("rejected", "checker", "200 ad", "rejected by the checker: 200 ad"),
        ("suspect", "checker", "600 abuse", "suspect by the checker: 600 abuse"),
        ("rejected", "checker", "", "rejected by the checker"),
        ("rejected", "nobody", "timeout", "rejected by no answer of the checker: timeout"),
    ],
)
def test_what_anti_spam_found_is_told_with_who_found_it(decision, judge, label, told):
    """Also of what has no counts, because nobody got it."""  # N7 S7
    verdict = {"verdict": {"decision": decision, "judge": judge, "label": label}}
    assert lines(WAITING | {"status": decision} | verdict)[5:] == [("anti-spam", told)]


def test_a_suspect_broadcast_is_counted_like_any_other():  # N7
    found = report(reached=150) | {"verdict": {"decision": "suspect", "judge": "checker", "label": "200 ad"}}
    assert lines(found)[5:8] == [
        ("anti-spam", "suspect by the checker: 200 ad"),
        ("audience", "200"),
        ("reached", "150  75.0 %"),
    ]


def test_where_anti_spam_found_nothing_nothing_is_said_of_it():  # N7
    assert "anti-spam" not in dict(lines(report()))


def test_of_an_audience_of_nobody_there_are_no_shares():
    """Nothing is divided by it."""  # X2
    assert dict(lines(report(audience=0)))["reached"] == "0"


def test_a_broadcast_that_is_not_there_is_told_so(laba, tmp_path):
    body = b'{"error":{"code":"broadcast_unknown","message":"there is no broadcast 7"}}'
    with answering(tmp_path, (404, body)):
        result = laba("7")
    assert (result.exit_code, result.stderr) == (1, "Error: there is no broadcast 7\n")


def test_without_a_server_the_ledger_itself_is_asked(laba):
    """The command opens it alone: after a crash one can still see what was sent."""  # X2
    result = laba("7")
    assert (result.exit_code, result.stderr) == (1, "Error: there is no broadcast 7\n")


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1" * 20, "0000-8X3N-QGUP"])
def test_what_is_no_id_is_misuse(laba, text):
    assert laba("--", text).exit_code == 2


# --- following -----------------------------------------------------------------------------------------------------


def followed(laba, tmp_path, *found):
    """Follow, while the server answers these one after the other; gives what was printed, and how often was asked."""
    with answering(tmp_path, *map(answer, found)) as server:
        result = laba("7", "--follow")
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()], len(server.seen)


def test_following_ends_when_all_is_confirmed(laba, tmp_path):
    """Not when it is reached; in a pipe each change is one line of JSON, what stands still is none."""  # X2
    waiting, sending = WAITING, report("sending", reached=50, pending=150)
    reached, confirmed = report(reached=200), report(reached=200, confirmed=200)
    shown, looks = followed(laba, tmp_path, waiting, sending, sending, reached, confirmed)
    assert shown == [waiting, sending, reached, confirmed]
    assert looks == 5


def test_following_ends_when_nothing_has_changed_for_long_enough(laba, tmp_path):
    """A client that left without confirming may never come back."""  # X2
    left = report(reached=200, confirmed=199)
    with answering(tmp_path, answer(left)) as server:
        result = laba("7", "--follow", "--patience", "0")
    assert (result.exit_code, len(server.seen)) == (0, 1)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [left]


def test_following_ends_when_what_is_not_confirmed_is_lost(laba, tmp_path):
    """Nothing more can come of it."""  # X2
    over = report(reached=150, confirmed=150, dropped={"slow": 49, "closed": 1})
    shown, looks = followed(laba, tmp_path, over)
    assert (shown, looks) == ([over], 1)


@pytest.mark.parametrize(
    "over", [report(audience=0), WAITING | {"status": "expired"}, WAITING | {"status": "rejected"} | REJECTED]
)
def test_following_what_is_for_nobody_ends_at_once(laba, tmp_path, over):
    """Neither a broadcast to nobody, nor one that came too late, nor a rejected one is ever confirmed."""  # X2 N7
    shown, looks = followed(laba, tmp_path, over)
    assert (shown, looks) == ([over], 1)


def test_following_a_broadcast_that_goes_out_does_not_end_early(laba, tmp_path):
    """All that it reached so far has confirmed it; others are under way."""  # X2
    early = report("sending", audience=0, pending=0)
    over = report(reached=200, confirmed=200)
    shown, _ = followed(laba, tmp_path, early, over)
    assert shown == [early, over]


def test_following_a_push_goes_on_while_users_are_looked_for(laba, tmp_path):
    """All sessions have confirmed it; others of its users may be found yet."""  # P5
    walking = {"targets": {"targeted": 5, "delivered": 0, "expired": 0, "walking": True}}
    early, over = report(audience=0) | walking, report(audience=0)
    shown, looks = followed(laba, tmp_path, early, over)
    assert (shown, looks) == ([early, over], 2)
