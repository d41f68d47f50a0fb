"""The registry of metric families: what each is called, what it means, its unit and its labels.

Labels take their values from the definitions or the rules, never from data: no batch, no lead, no name, no message. A new
family is one entry here and one place that yields samples of it; docs/monitoring.md lists them, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "leadscout_"

GAUGE, COUNTER, HISTOGRAM = "gauge", "counter", "histogram"


@dataclass(frozen=True)
class Family:
    """One family of metrics. The name of a counter ends in `_total`. `buckets`: upper bounds of a histogram, in its unit."""

    name: str
    kind: str
    means: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One value of a family, with the values of its labels in the family's order.

    Of a histogram: the counts by bucket, not yet added up, the last one for what lies above all bounds; `value` is the sum.
    """

    family: str
    value: float
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


STEP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _gauge(name: str, means: str, *labels: str) -> Family:
    return Family(name, GAUGE, means, labels)


def _counter(name: str, means: str, *labels: str) -> Family:
    return Family(name, COUNTER, means, labels)


# fmt: off
FAMILIES = (
    # What the exporter itself did.
    _gauge("build_info", "always 1; the version is the label", "version"),
    _gauge("source_up", "whether the newest reading of a source succeeded: 1, else 0", "source"),
    _gauge("source_age_seconds", "seconds since a source was last read with success", "source"),
    _gauge("source_reading_seconds", "seconds that the newest reading of a source took", "source"),
    _counter("http_requests_total", "requests answered by the exporter", "route", "method", "status"),
    Family("http_request_seconds", HISTOGRAM, "seconds that the exporter took for an answer", ("route",), REQUEST_BUCKETS),
    # Dagster's instance.
    _gauge("runs", "runs that the instance holds, by state", "state"),
    _gauge("queue_oldest_seconds", "seconds that the oldest run waits in the queue; 0 for an empty queue"),
    _counter("runs_ended_total", "runs that ended since the exporter began to look", "dagster_job", "outcome"),
    _counter("ticks_total", "ticks of sensors and schedules that ended since the exporter began to look", "name", "outcome"),
    _gauge("ticks_failing", "newest ticks of a sensor or schedule that failed in a row, at most 10", "name"),
    _counter("check_results_total", "verdicts of checks since the exporter began to look", "asset", "check", "verdict"),
    _gauge("daemon_heartbeat_age_seconds", "seconds since a daemon of the platform last beat", "daemon"),
    _gauge("availability_ratio", "share of the observed time in which all daemons' heartbeats were fresh, 0 to 1"),
    _gauge("availability_observed_seconds", "seconds over which the availability was observed, at most a day"),
    _gauge("materialization_age_seconds", "seconds since an asset was last materialized, of whatever batch", "asset"),
    # Deliveries.
    _gauge("batches", "batches on record"),
    _gauge("batches_owed", "batches on record whose report is still owed"),
    _gauge("newest_delivery_age_seconds", "seconds since the newest batch was delivered"),
    # Run records: totals over all that are on record, so that a restart of the exporter takes nothing back.
    _counter("steps_total", "steps that ended, by asset", "asset", "outcome"),
    Family("step_seconds", HISTOGRAM, "seconds of work of the steps that succeeded, by asset", ("asset",), STEP_BUCKETS),
    _counter("step_cpu_seconds_total", "seconds of processor time of all steps, by asset", "asset"),
    _gauge("step_last_seconds", "seconds of work of the newest step that succeeded, by asset", "asset"),
    _gauge("step_last_rows_per_second", "rows per second of the newest step that succeeded, by asset", "asset"),
    _gauge("step_last_peak_memory_bytes", "peak memory of the process during the newest step that succeeded, by asset", "asset"),
    _counter("rows_in_total", "rows that steps were given, by asset", "asset"),
    _counter("rows_out_total", "rows that steps made, by asset", "asset"),
    _counter("rows_rejected_total", "rows that became no leads"),
    _counter("lead_warnings_total", "warnings that leads carry"),
    _counter("leads_classified_total", "leads by what the classification says: answered, narrowed or abstained", "answer"),
    _counter("reports_total", "batches that got their report"),
    _counter("step_retries_total", "attempts at steps that had failed before, by asset", "asset"),
    _counter("network_calls_total", "calls to services outside, by asset", "asset"),
    _counter("tokens_total", "tokens that language models were sent and answered, by asset", "asset"),
    _counter("tokens_out_total", "of these tokens, those that were answered, by asset", "asset"),
    _counter("cost_usd_total", "what services outside charge, US dollars, by asset", "asset"),
    _counter("model_names_total", "names that a language model might be asked about, by what became of them", "result"),
    _counter("model_cache_hits_total", "of these names, those with an answer from an earlier call"),
    _counter("model_call_retries_total", "calls about names that an earlier call of the same step was about"),
    _counter("model_call_refusals_total", "calls that a language model declined"),
    _gauge("model_call_median_seconds", "median duration of the calls of the newest step that made some"),
    _gauge("model_call_p95_seconds", "seconds within which 95 of 100 of those calls ended"),
    # The judge.
    _gauge("performance_verdict", "the judge's verdict on an asset: 1 for the one that holds, else 0", "asset", "verdict"),
    _gauge("baseline_seconds", "median seconds of the runs that the newest one was held against", "asset"),
    _gauge("baseline_runs", "runs in that baseline", "asset"),
    _gauge("baseline_ratio", "the newest run as a multiple of its baseline", "asset"),
    # Alerts.
    _gauge("alerts_firing", "alerts that fire, by rule and level", "rule", "level"),
    _gauge("alert_lag_seconds", "how late news was read, or waits to be sent, the worst of the last quarter of an hour"),
    _gauge("notifications_waiting", "messages of alerts that wait to be sent"),
    # Recovery.
    _gauge("backup_age_seconds", "seconds since the newest backup was taken; infinite where it is dated ahead of the clock"),
    _gauge("proven_restore_age_seconds", "seconds since a restore was last proven; infinite likewise"),
    # Databases.
    _gauge("database_up", "whether a database of the platform answers: 1, else 0", "database"),
    _gauge("database_probe_seconds", "seconds that a database took to answer one question", "database"),
    _gauge("database_bytes", "size of a database", "database"),
    _gauge("database_connections_free", "connections that the PostgreSQL server still grants"),
    _gauge("database_pool_connections", "connections of the exporter's own pool, by state", "state"),
    _gauge("database_pool_limit", "connections that the exporter's own pool may open"),
    _counter("database_queries_total", "queries of the exporter to the application database"),
    _counter("database_query_seconds_total", "seconds that those queries took"),
    _counter("database_slow_queries_total", "those of them that took longer than LEADSCOUT_SLOW_QUERY_MS"),
    # The machine.
    _gauge("cpus", "processors of the machine"),
    _counter("cpu_seconds_total", "seconds of processor time of the machine, by what they were spent on", "mode"),
    _gauge("memory_bytes", "memory of the machine", "kind"),
    _gauge("disk_bytes", "bytes of the disk that holds the home", "kind"),
    _counter("network_bytes_total", "bytes over all network interfaces but loopback", "direction"),
    _counter("disk_io_bytes_total", "bytes read from and written to all disks", "direction"),
    _gauge("exporter_resident_bytes", "memory of the exporter's process"),
)
# fmt: on

BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}
