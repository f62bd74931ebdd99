import json
import time

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main
from laba.cli.roomreporting import room_lines

MINUTE_MS = 1_700_000_040_000


def counts(**changes):
    levels = dict.fromkeys(("high", "normal", "low"), 0)
    reasons = {level: {} for level in levels}
    deliveries = {"offered": levels, "reached": levels, "lost": reasons, "under_way": 0}
    plain = {"accepted": levels, "to_nobody": levels, "placed": levels, "rejected": levels, "shed": reasons}
    return (
        plain
        | {"raised": 0, "directed": 0, "waiting": 0, "deliveries": deliveries | changes.pop("deliveries", {})}
        | changes
    )


def report(*minutes, **totals):
    return {"room": "lobby", "totals": counts(**totals), "minutes": list(minutes)}


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["report", *words, "--data", str(tmp_path)])

    return run


def test_a_room_is_asked_for_by_its_app_and_id(laba, tmp_path):  # X2
    """The last hour, unless another stretch was named."""
    with answering(tmp_path, (200, json.dumps(report()).encode())) as server:
        result = laba("--room", "lobby", "--app", "acme/chat", "--json")
        laba("--room", "lobby", "--app", "acme/chat", "--minutes", "5")
    paths = [path for path, _ in server.seen]
    assert paths == [f"/v1/apps/acme/chat/rooms/lobby/report?minutes={minutes}" for minutes in (60, 5)]
    assert (result.exit_code, json.loads(result.stdout)) == (0, report())


def test_the_sums_are_told_in_lines_and_the_minutes_in_rows(laba, tmp_path):  # E4 X2
    accepted = {"high": 20, "normal": 30, "low": 40}
    minute = {"at": MINUTE_MS} | counts(accepted=accepted, shed={"high": {}, "normal": {}, "low": {"pressure": 7}})
    with answering(tmp_path, (200, json.dumps(report(minute, accepted=accepted)).encode())):
        result = laba("--room", "lobby", "--app", "acme/chat")
    lines = result.stdout.splitlines()
    assert lines[1].split(maxsplit=1) == ["accepted", "90  (high 20, normal 30, low 40)"]
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(MINUTE_MS / 1000))
    assert lines[-1].split("\t") == [at, "90", "0", "7", "0", "0", "0"]


def test_every_reason_has_its_line():  # E4 X2
    """What did not happen has none."""
    lines = room_lines(
        report(
            raised=3,
            to_nobody={"high": 0, "normal": 2, "low": 0},
            shed={"high": {}, "normal": {"pressure": 1}, "low": {"pressure": 5, "queue_full": 6}},
            waiting=4,
            deliveries={"lost": {"high": {"slow": 8}, "normal": {}, "low": {}}, "under_way": 9},
        )
    )
    nothing = "0  (high 0, normal 0, low 0)"
    assert lines == [
        ("room", "lobby"),
        ("accepted", nothing),
        ("raised", "3"),
        ("to nobody", "2  (high 0, normal 2, low 0)"),
        ("placed", nothing),
        ("shed: normal, pressure", "1"),
        ("shed: low, pressure", "5"),
        ("shed: low, queue_full", "6"),
        ("waiting", "4"),
        ("deliveries offered", nothing),
        ("deliveries reached", nothing),
        ("deliveries lost: high, slow", "8"),
        ("under way", "9"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("7", "--room", "lobby", "--app", "acme/chat"),
        ("--room", "lobby"),
        ("--app", "acme/chat"),
        ("--room", "", "--app", "acme/chat"),
        ("--room", "lobby", "--app", "acme"),
        ("--room", "lobby", "--app", "acme/chat", "--follow"),
        ("--room", "lobby", "--app", "acme/chat", "--minutes", "1441"),
    ],
)
def test_a_broadcast_or_a_room_is_named_and_never_both(laba, words):
    assert laba(*words).exit_code == 2


def test_without_a_server_the_command_looks_into_the_data_itself(laba):
    """Of an app that is not there it says so."""
    result = laba("--room", "lobby", "--app", "acme/chat")
    assert (result.exit_code, result.stderr) == (1, "Error: there is no app acme/chat\n")


def test_what_anti_spam_rejected_has_a_line_where_there_is_any():  # N7
    rejected = {"high": 0, "normal": 2, "low": 1}
    assert ("rejected", "3  (high 0, normal 2, low 1)") in room_lines(report(rejected=rejected))
    assert "rejected" not in dict(room_lines(report()))
