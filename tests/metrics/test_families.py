"""The registry of metrics: names as Prometheus wants them, labels that nobody's data can fill."""

from __future__ import annotations

import re
from pathlib import Path

from leadscout_assets.metrics.families import BY_NAME, COUNTER, FAMILIES, HISTOGRAM, PREFIX

ROOT = Path(__file__).parents[2]
NO_DATA = {"batch", "batch_id", "lead", "lead_id", "run", "run_id", "file", "actor", "sentence", "partition"}


def test_every_family_has_one_name_a_meaning_and_a_unit_that_is_a_base_unit():
    assert len(BY_NAME) == len(FAMILIES)
    for family in FAMILIES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
        assert family.means
        assert not re.search(r"milli|_ms|hours|minutes|_mb|percent", family.name), family.name


def test_counters_and_nothing_else_end_in_total_and_only_histograms_have_buckets():
    assert [f.name for f in FAMILIES if f.name.endswith("_total") != (f.kind == COUNTER)] == []
    assert [f.name for f in FAMILIES if bool(f.buckets) != (f.kind == HISTOGRAM)] == []
    assert all(list(f.buckets) == sorted(f.buckets) for f in FAMILIES)


def test_no_label_is_made_of_data():
    assert [f.name for f in FAMILIES if NO_DATA & set(f.labels)] == []


def test_the_document_lists_every_family_in_the_words_of_the_registry_and_no_other():
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(leadscout_\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", text, re.MULTILINE)
    expected = [
        (PREFIX + f.name, f.kind, ", ".join(f"`{label}`" for label in f.labels) or "-", f.means) for f in FAMILIES
    ]
    assert rows == expected
