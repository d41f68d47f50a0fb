"""Samples as the text that Prometheus reads. Refuses what is not in the registry, and a label that is not a plain word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from leadscout_assets.errors import Defect
from leadscout_assets.metrics.families import BY_NAME, COUNTER, FAMILIES, HISTOGRAM, PREFIX, Family, Sample

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LABEL = re.compile(r"[A-Za-z0-9_./+-]{1,64}")
"""What a label's value may be. A batch id would fit, and is kept out by the tests of those who make samples."""

MOST_SERIES = 500
"""Series of one family: far more than the definitions can make; what has more is a defect, and would fill Prometheus' memory."""


def render(samples: Iterable[Sample]) -> bytes:
    """Return the text of all families that have samples, in the registry's order. Raises `Defect` for a sample that does not fit."""
    from prometheus_client import CollectorRegistry, generate_latest

    found: dict[str, list[Sample]] = {}
    for sample in samples:
        _check(sample)
        found.setdefault(sample.family, []).append(sample)
    for name, of_family in found.items():
        if len(of_family) > MOST_SERIES or len({sample.labels for sample in of_family}) < len(of_family):
            raise Defect(f"metric {name}: a series comes twice, or there are more than {MOST_SERIES}")

    class _Samples:
        def collect(self) -> Iterator[Metric]:
            for family in FAMILIES:
                if family.name in found:
                    yield _metric(family, found[family.name])

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Samples())
    return bytes(generate_latest(registry))


def _check(sample: Sample) -> None:
    family = BY_NAME.get(sample.family)
    if family is None:
        raise Defect(f"metric {sample.family}: not in the registry of families")
    if len(sample.labels) != len(family.labels) or not all(LABEL.fullmatch(label) for label in sample.labels):
        raise Defect(f"metric {sample.family}: its labels are {', '.join(family.labels) or 'none'}, each a plain word")


def _metric(family: Family, samples: Iterable[Sample]) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    name, labels = PREFIX + family.name, list(family.labels)
    if family.kind == HISTOGRAM:
        histogram = HistogramMetricFamily(name, family.means, labels=labels)
        bounds = [*map(str, family.buckets), "+Inf"]
        for sample in samples:
            added_up = zip(bounds, accumulate(sample.counts), strict=True)
            histogram.add_metric(sample.labels, list(added_up), sum_value=sample.value)
        return histogram
    kind = CounterMetricFamily if family.kind == COUNTER else GaugeMetricFamily
    metric = kind(name, family.means, labels=labels)
    for sample in samples:
        metric.add_metric(list(sample.labels), sample.value)
    return metric
