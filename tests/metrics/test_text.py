"""Samples as text: what Prometheus' own parser reads back, and what is refused."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscout_assets.errors import Defect
from leadscout_assets.metrics.families import BY_NAME, Sample
from leadscout_assets.metrics.text import MOST_SERIES, render


def parsed(*samples: Sample) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return values by name and labels, the bound of a bucket last."""
    families = text_string_to_metric_families(render(samples).decode())
    return {
        (s.name, tuple(value for _, value in sorted(s.labels.items(), key=lambda label: label[0] == "le"))): s.value
        for family in families
        for s in family.samples
    }


def test_counters_gauges_and_histograms_read_back():
    buckets = len(BY_NAME["http_request_seconds"].buckets) + 1
    counts = (1, 2, *[0] * (buckets - 3), 4)
    found = parsed(
        Sample("runs_ended_total", 3, ("lead_chain", "failed")),
        Sample("batches", 7),
        Sample("daemon_heartbeat_age_seconds", float("inf"), ("sensor",)),
        Sample("http_request_seconds", 1.5, ("/ready",), counts),
    )
    assert found["leadscout_runs_ended_total", ("lead_chain", "failed")] == 3
    assert found["leadscout_batches", ()] == 7
    assert found["leadscout_daemon_heartbeat_age_seconds", ("sensor",)] == float("inf")
    assert found["leadscout_http_request_seconds_bucket", ("/ready", "0.01")] == 3
    assert found["leadscout_http_request_seconds_bucket", ("/ready", "+Inf")] == 7
    assert found["leadscout_http_request_seconds_count", ("/ready",)] == 7
    assert found["leadscout_http_request_seconds_sum", ("/ready",)] == 1.5


def test_nothing_gives_an_empty_text():
    assert render([]) == b""


@pytest.mark.parametrize(
    "sample",
    [
        Sample("no_such_family", 1),
        Sample("batches", 1, ("surplus",)),
        Sample("runs", 1),
        Sample("runs", 1, ("thandi nkosi",)),
        Sample("runs", 1, ("a" * 65,)),
        Sample("runs", 1, ("",)),
    ],
)
def test_what_does_not_fit_the_registry_is_refused(sample):
    with pytest.raises(Defect, match=sample.family):
        render([sample])


def test_a_family_that_grows_without_bound_is_refused_before_it_fills_prometheus():
    with pytest.raises(Defect, match="more than"):
        render([Sample("runs", 1, (str(n),)) for n in range(MOST_SERIES + 1)])


def test_a_series_that_comes_twice_is_refused():
    with pytest.raises(Defect, match="twice"):
        render([Sample("batches", 1), Sample("batches", 2)])
