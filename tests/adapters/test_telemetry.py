"""Metrics as Prometheus reads them, and the log's two forms: X9."""

import json
import logging
import sys
from itertools import pairwise

import pytest
import structlog

from laba.adapters.telemetry import COUNTERS, GAUGES, PrometheusMeter, configure_logs


@pytest.fixture
def logs(capsys):
    """Configure the log in this test alone, and read what it wrote."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configured(*arguments):
        configure_logs(*arguments)
        return lambda: capsys.readouterr().err

    yield configured
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def broken(name="laba"):
    secret = f"{name} in a variable"  # what a traceback with variables would give away
    return len(secret) / 0


def test_counters_and_gauges_are_exposed_by_name_and_label():
    """Counters add up, gauges are set."""
    meter = PrometheusMeter()
    meter.count("laba_logins_total")
    meter.count("laba_logins_total", 2)
    meter.count("laba_sessions_closed_total", reason="slow")
    meter.gauge("laba_sessions", 5)
    meter.gauge("laba_sessions", 4)
    lines = meter.exposed().decode().splitlines()
    assert "laba_logins_total 3.0" in lines
    assert 'laba_sessions_closed_total{reason="slow"} 1.0' in lines
    assert "laba_sessions 4.0" in lines


def test_a_metric_or_label_that_is_not_in_the_table_raises():
    """A misspelt name is a bug, not a new metric."""
    meter = PrometheusMeter()
    with pytest.raises(KeyError):
        meter.count("laba_login_total")
    with pytest.raises(KeyError):
        meter.gauge("laba_logins_total", 1)
    with pytest.raises(ValueError):
        meter.count("laba_sessions_closed_total", why="slow")


def test_every_metric_says_what_it_is_and_two_meters_share_nothing():
    """HELP and TYPE lines for the whole table; no global registry."""
    meter, other = PrometheusMeter(), PrometheusMeter()
    meter.count("laba_logins_total")
    text = other.exposed().decode()
    assert "laba_logins_total 0.0" in text
    for name in (*COUNTERS, *GAUGES):
        assert f"# HELP {name} " in text
        assert name.endswith("_total") == (name in COUNTERS)


def test_json_logs_are_one_object_per_line(logs):
    """Ours and the libraries' alike, with Chinese text as it is."""
    read = logs("info", "json")
    structlog.get_logger().info("listening", port=1, name="喇叭")
    logging.getLogger("uvicorn.error").error("went %s", "wrong")
    logging.getLogger("uvicorn.error").info("chatter")
    ours, theirs = read().splitlines()
    assert "喇叭" in ours
    assert json.loads(ours).items() >= {"event": "listening", "level": "info", "port": 1}.items()
    assert json.loads(theirs).items() >= {"event": "went wrong", "level": "error"}.items()
    assert all(json.loads(line)["timestamp"].endswith("Z") for line in (ours, theirs))


def test_text_logs_name_event_and_values(logs):
    """For people; `auto` is JSON where no terminal reads."""
    read = logs("info", "text")
    structlog.get_logger().info("listening", port=1)
    assert "listening" in read()
    read = logs("info", "auto")
    assert not sys.stderr.isatty()
    structlog.get_logger().info("listening")
    assert json.loads(read())["event"] == "listening"


def test_the_level_is_the_least_that_is_written(logs):
    """Each level lets through itself and what is worse."""
    levels = ("debug", "info", "warning", "error")
    for lower, higher in pairwise(levels):
        read = logs(higher, "json")
        getattr(structlog.get_logger(), lower)("quiet")
        getattr(structlog.get_logger(), higher)("loud")
        assert [json.loads(line)["event"] for line in read().splitlines()] == ["loud"]


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ("json", "ours"),
        ("json", "theirs"),
        ("text", "ours"),
        ("text", "theirs"),
    ],
)
def test_an_exception_is_logged_with_its_traceback_and_without_its_locals(logs, form, source):
    """Where it happened is needed; what was in the variables may be a secret."""
    read = logs("info", form)
    logger = structlog.get_logger() if source == "ours" else logging.getLogger("asyncio")
    try:
        broken()
    except ZeroDivisionError:
        logger.exception("failed")
    written = read()
    assert "return len(secret) / 0" in written
    assert "ZeroDivisionError" in written
    assert "laba in a variable" not in written
