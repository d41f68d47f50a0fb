"""The registry of events: what each line may be called, what it holds, and which file it goes to.

docs/logging.md shows each with an example. A new event is one entry here and one row there; tests hold code, registry,
document and the lines of a real run equal.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

Stream = Literal["always", "json", "never"]
"""Whether standard error is told: `json` where a program reads it, but not a person, who would drown in such lines."""

Kind = Literal["operations", "metrics", "classification", "api-calls", "performance"]

PRODUCTION = ("operations", "errors", "metrics")
"""Files of lines from INFO on; one that is an ERROR goes to `errors`, whatever it is."""

DEBUG = ("classification", "api-calls", "performance")
"""Files of DEBUG lines."""

OUTCOME = ("success", "processing_time_ms")
"""On the closing line of every operation: whether it succeeded, and its wall time, milliseconds."""

WHERE_IT_FAILED = ("error", "reason")
"""On the closing line of a failed operation: the error's class, and its sentence where it is LeadScout's own."""


@dataclass(frozen=True)
class Event:
    """One kind of line. `keys` are on every such line, `may` on some; what stands on all lines is in `files.FRAME`.

    in_ui: told in the Dagster run's own log, too. per_batch: there is one for each batch of a run, so that the UI is told
    only while they are few. stream: whether it is told on standard error, too, or in the files alone.
    """

    name: str
    means: str
    keys: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    kind: Kind = "operations"
    in_ui: bool = False
    per_batch: bool = False
    stream: Stream = "always"


def _operation(name: str, means: str, *keys: str, in_ui: bool = False, stream: Stream = "always") -> Event:
    return Event(name, means, OUTCOME, (*keys, *WHERE_IT_FAILED, "phase"), in_ui=in_ui, stream=stream)


ROWS = ("batches", "rows_in", "rows_out")
"""On the closing line of a step of the chain, of a run over all its batches; rows out are leads where there are two tables."""

OPERATIONS = (
    _operation("raw_leads", "the delivered files of a run were read", *ROWS, in_ui=True),
    _operation("leads", "rows were split into leads and rejected rows", *ROWS, in_ui=True),
    _operation("classifications", "directors' names were classified", *ROWS, in_ui=True),
    _operation("lead_scores", "leads were scored", *ROWS, in_ui=True),
    _operation("lead_reports", "reports were written", *ROWS, in_ui=True),
    _operation("known_leads", "leads were linked with those of other batches", *ROWS, in_ui=True),
    _operation("checks", "the checks of a batch, or of one asset's batches, were judged", "batches"),
    _operation("backup", "the home was backed up", in_ui=True),
    _operation("restore_drill", "a restore was proven", in_ui=True),
    _operation("table_maintenance", "the tables were compacted and cleaned", in_ui=True),
    _operation("retention", "what is kept no longer was removed", in_ui=True),
    _operation("run_performance", "the table of run records was brought up to date"),
    _operation("inbox_tick", "the sensor looked into the inbox; DEBUG", "requests"),
    _operation("command", "a command of the command line ended", "command", "exit_code", stream="json"),
    _operation("http_request", "the exporter answered; DEBUG", "route", "status"),
)
"""What `operation` is called with: the name is that of the closing line."""

LINES = (
    Event(
        "batch.started", "the work on a batch begins", ("rows_delivered",), in_ui=True, per_batch=True, stream="json"
    ),
    Event(
        "batch.done",
        "a batch has its report",
        ("success_rate", "total_processed", "leads", "rejected", "leads_per_second", "seconds"),
        kind="metrics",
        in_ui=True,
        per_batch=True,
        stream="json",
    ),
    Event("batch.refused", "a batch may not go on, and why", ("code", "reason"), in_ui=True),
    Event("batch.defect", "a defect of LeadScout that one batch brings out", ("error",)),
    Event(
        "stage.attempted",
        "a stage of the classification was tried on so many leads' surnames, and why",
        ("stage", "attempted", "known", "passed_on", "reason"),
        kind="metrics",
        in_ui=True,
    ),
    Event(
        "classification.attempts",
        "which stages were tried for each of these leads, and how it ended; DEBUG",
        ("attempts", "outcome", "leads"),
        kind="classification",
        stream="never",
    ),
    Event(
        "api.call",
        "a call of an external service; DEBUG, a failed one WARNING",
        ("provider", "model", *OUTCOME, "tokens_in", "tokens_out", "cost_usd"),
        ("status", "attempt", *WHERE_IT_FAILED),
        kind="api-calls",
    ),
    Event(
        "llm.reply_discarded",
        "entries of a language model's reply that fit no name or not the schema were thrown away; WARNING",
        ("entries", "names"),
    ),
    Event(
        "llm.not_set_up",
        "a language model's provider cannot be called as it is set up, and is passed over; WARNING",
        ("provider", "reason"),
        in_ui=True,
    ),
    Event(
        "llm.not_measured",
        "a language model has not passed the golden set, and is passed over; WARNING",
        ("provider", "model"),
        in_ui=True,
    ),
    Event(
        "llm.asked",
        "what became of the names that nothing else decides",
        ("names", "decided", "cached", "calls", "cost_usd", "reason"),
        kind="metrics",
        in_ui=True,
    ),
    Event(
        "database.slow_query",
        "a query of the application database took longer than LEADSCOUT_SLOW_QUERY_MS; WARNING",
        ("statement", "database", "processing_time_ms", "threshold_ms"),
    ),
    Event(
        "alert.told",
        "an alert fired, grew worse, is remembered or is over; CRITICAL, WARNING, or INFO when it is resolved",
        ("kind", "rule", "root", "alert_level", "sentence", "do", "page", "key"),
    ),
    Event(
        "alert.not_delivered",
        "a message did not reach a channel; it is tried again, WARNING, or given up, ERROR",
        ("channel", "attempts", "given_up", "reason"),
    ),
    Event(
        "alert.recipient_refused",
        "the mail server took a message, but not for this address, the first of the setting is 1; not tried again; WARNING",
        ("recipient", "recipients", "code"),
    ),
    Event("alert.outbox_failed", "the messages that wait could not be read or noted", ("reason",), ("channel",)),
    Event("alert.events_unread", "the event log did not answer; what is unread is read later", ("stream", "reason")),
    Event(
        "alert.event_log_replaced", "the event log is another one than before, and is read from its beginning; WARNING"
    ),
    Event("alert.not_measured", "something that alerts look at could not be measured", ("what", "reason")),
    Event("alert.channel_unusable", "a channel is set up only in part", ("reason",)),
    Event("alert.not_alone", "the lock of the alerts could not be opened", ("reason",)),
    Event("alert.evaluation_void", "somebody else evaluated at the same time, and was first", ("reason",)),
    Event("progress not written", "a progress file could not be written; the operation goes on; WARNING", ("reason",)),
    Event("record.lost", "the run record of a step that broke off could not be stored; WARNING", ("reason",)),
    Event("delivery.taken", "a file of the inbox became a batch", ("rows_counted",)),
    Event("delivery.not_taken", "a file of the inbox could not be stored; it is tried again", ("reason",)),
    Event("delivery.not_moved", "a file that was taken still lies in the inbox; it is tried again", ("reason",)),
    Event("command.failed", "a command ended with a defect of LeadScout", ("error",)),
    Event("health check failed", "a question of the health check had no answer", ("check", "error")),
    Event("metrics not read", "a source of metrics did not answer; it is asked again; WARNING", ("source", "reason")),
    Event("exporter left out", "the exporter's port is taken; the platform goes on without one; WARNING", ("port",)),
    Event("exporter ready", "the exporter answers", ("port",)),
    Event("exporter stopped", "the exporter has ended"),
    Event("platform ready", "the platform answers", ("url",)),
    Event("platform stopping", "the platform was asked to end"),
    Event("platform stopped", "the platform has ended", ("seconds",)),
    Event("code location stopped", "the code location has ended", ("seconds",)),
    Event("process started", "a process of the platform was started", ("process", "pid")),
    Event("process died", "a process of the platform died; WARNING", ("process", "exit_code", "again_in_seconds")),
    Event("process of a killed platform ended", "a process that a killed platform left was ended; WARNING", ("pid",)),
    Event("lost retry asked for again", "a retry that got lost was asked for again; WARNING"),
    Event("run without a process ended", "a run whose process is gone was failed; WARNING"),
    Event("looking for orphaned runs failed", "storage did not answer; it is asked again; WARNING", ("error",)),
    Event("marking interrupted runs failed", "storage did not answer; the next start does it; WARNING", ("error",)),
    Event("looking for run workers failed", "storage did not answer; WARNING", ("error",)),
)
"""All other lines."""

EVENTS = {event.name: event for event in (*OPERATIONS, *LINES)}

_UNKNOWN = Event("", "a line of a library")


def event_of(name: object) -> Event:
    """Return the entry of an event; lines of libraries, whose text is anything, have one in common."""
    return EVENTS.get(name, _UNKNOWN) if isinstance(name, str) else _UNKNOWN


def file_of(event: Event, level: int) -> str:
    """Return the file of a line, `folder/kind`: each line goes to exactly one."""
    if level >= logging.ERROR:
        return "production/errors"
    if level >= logging.INFO:
        return f"production/{event.kind if event.kind in PRODUCTION else 'operations'}"
    return f"debug/{event.kind if event.kind in DEBUG else 'performance'}"
