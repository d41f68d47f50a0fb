"""The machine: figures that make sense, and nothing where it tells nothing."""

from __future__ import annotations

from pathlib import Path

import psutil

from leadscout_assets.metrics.machine import machine_samples
from leadscout_assets.metrics.text import render


def test_memory_disk_processors_and_traffic_are_told(tmp_path):
    found = {(s.family, s.labels): s.value for s in machine_samples(tmp_path)}
    assert 0 < found["memory_bytes", ("available",)] <= found["memory_bytes", ("total",)]
    assert 0 < found["disk_bytes", ("free",)] <= found["disk_bytes", ("total",)]
    assert found["cpu_seconds_total", ("user",)] > 0
    assert found["exporter_resident_bytes", ()] > 1_000_000
    assert ("network_bytes_total", ("received",)) in found
    assert render(machine_samples(tmp_path))


def test_a_disk_that_is_not_there_or_does_not_count_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    families = {s.family for s in machine_samples(Path(tmp_path / "away"))}
    assert families.isdisjoint({"disk_bytes", "disk_io_bytes_total"})
