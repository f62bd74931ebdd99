"""Metrics for Prometheus, and the form of the log."""

import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from structlog.typing import Processor

# Every metric: what it counts, and its labels. docs/reference/metrics.md holds them all.
COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "laba_broadcasts_accepted_total": ("Broadcasts that are in the ledger", ("audience",)),
        "laba_broadcasts_expired_total": ("Broadcasts given up because their window had passed", ()),
        "laba_room_messages_accepted_total": ("Messages to rooms that were taken by their lanes", ("level",)),
        "laba_deliveries_total": ("Messages whose last byte was handed to a client's socket", ()),
        "laba_deliveries_lost_total": ("Messages that did not reach a client over its connection", ("reason",)),
        "laba_room_messages_shed_total": ("Room messages that were given up in their lane", ("level", "reason")),
        "laba_attendance_given_up_total": ("Stays that were never written, because too many waited", ()),
        "laba_room_reports_given_up_total": ("Minutes of rooms' counts never written, because too many waited", ()),
        "laba_files_expired_total": ("Files removed because their time was over", ()),
        "laba_files_given_total": ("Files given out, whole or in part", ()),
        "laba_files_received_total": ("Files kept", ()),
        "laba_logins_total": ("Clients that logged in", ()),
        "laba_sessions_closed_total": ("Sessions that ended, by reason", ("reason",)),
        "laba_room_moves_shed_total": ("Comings and goings in rooms that a member was not told of", ("reason",)),
        "laba_refusals_total": ("Calls refused, by dialect and code", ("dialect", "code")),
        "laba_store_failures_total": ("Times the store was busy or failed", ()),
        "laba_lasting_lost_total": (
            "Messages to all users dropped from a lasting log by its size",
            (),
        ),
        "laba_delivered_later_total": ("Messages delivered at a login that also reach who was offline", ()),
        "laba_inbox_given_up_total": (
            "Messages to chosen users given up: too many waited for one of them",
            (),
        ),
        "laba_recruits_judged_total": ("Registered users whom walks of campaigns have judged", ()),
        "laba_recruits_enrolled_total": ("Users into whose inboxes walks of campaigns have put a message", ()),
        "laba_repeats_dropped_total": (
            "Resent messages that were not sent again, because they had been accepted",
            (),
        ),
        "laba_room_broadcasts_demoted_total": (
            "Copies of high broadcasts that went to a room as normal, because it had too many high ones",
            (),
        ),
        "laba_callbacks_delivered_total": ("Events that arrived at a receiver", ()),
        "laba_callbacks_failed_total": ("Attempts to deliver an event that failed", ()),
        "laba_callbacks_dead_total": ("Events given up: refused, too old, or too many", ("reason",)),
        "laba_pushes_sent_total": ("Devices that a push service was asked for, every attempt", ("kind",)),
        "laba_pushes_accepted_total": ("Pushes that their service accepted", ("kind",)),
        "laba_pushes_rejected_total": ("Pushes that their service refused for good", ("kind",)),
        "laba_push_tokens_dead_total": (
            "Tokens that their service called dead",
            ("kind",),
        ),
        "laba_push_faults_total": ("Times a push service did not answer, or did not accept who asked", ("kind",)),
        "laba_moderation_verdicts_total": (
            "Messages in which anti-spam found something, or which it passed",
            ("decision", "judge"),
        ),
        "laba_moderation_failures_total": ("Texts on which the checker gave no verdict, by reason", ("reason",)),
        "laba_window_lost_total": ("Messages dropped from a window log by its size", ()),
    }
)
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "laba_pressure": ("How hard this node is pressed: at 1 the budgets of rooms begin to bind", ()),
        "laba_callbacks_waiting": ("Events that wait for their receivers", ()),
        "laba_attendance_unwritten": ("Stays that wait to be written", ()),
        "laba_files_bytes": ("What all files hold together, those on their way in too", ()),
        "laba_sessions": ("Clients logged in on this node", ()),
    }
)


class PrometheusMeter:
    """The port Meter on a registry of its own. An unknown name is a bug, and raises."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(name, text, labels, registry=self._registry) for name, (text, labels) in COUNTERS.items()
        }
        self._counting: dict[tuple[object, ...], Counter] = {}
        self._gauges = {
            name: Gauge(name, text, labels, registry=self._registry) for name, (text, labels) in GAUGES.items()
        }

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        known = (name, *labels.items())
        counter = self._counting.get(known)
        if counter is None:
            counter = self._counters[name]
            # As many as there are label values; to look one up in the library takes longer than to count.
            counter = self._counting[known] = counter.labels(**labels) if labels else counter
        counter.inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def exposed(self) -> bytes:
        """Give the Prometheus text format."""
        return generate_latest(self._registry)


def configure_logs(level: str, form: str) -> None:
    """Log to stderr: JSON lines, or text for people. `auto` is text on a terminal."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    renderer: Processor = (
        # The renderer's own tracebacks show what is in the variables: secrets, it may be.
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # It warns of each bad body, whose sender is told already.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    root.setLevel(max(getattr(logging, level.upper()), logging.WARNING))
