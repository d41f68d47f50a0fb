"""The machine and the exporter's own process, read at each scrape: processors, memory, disk and what goes in and out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from leadscout_assets.metrics.families import Sample

CPU_MODES = ("user", "system", "idle", "iowait")
"""What is told of processor time; the rest is nothing on most machines, or is part of these."""

LOOPBACK = "lo"


def machine_samples(home: Path) -> list[Sample]:
    """Return what the machine says at this moment; what it does not tell, as disks in some containers, is left out."""
    times, memory = psutil.cpu_times(), psutil.virtual_memory()
    found = [
        Sample("cpus", os.cpu_count() or 1),
        *(Sample("cpu_seconds_total", getattr(times, mode), (mode,)) for mode in CPU_MODES if hasattr(times, mode)),
        Sample("memory_bytes", memory.total, ("total",)),
        Sample("memory_bytes", memory.available, ("available",)),
        Sample("exporter_resident_bytes", psutil.Process().memory_info().rss),
    ]
    return [*found, *_disk(home), *_network(), *_disk_io()]


def _disk(home: Path) -> list[Sample]:
    try:
        disk = shutil.disk_usage(home)
    except OSError:
        return []
    return [Sample("disk_bytes", disk.total, ("total",)), Sample("disk_bytes", disk.free, ("free",))]


def _network() -> list[Sample]:
    outside = [one for name, one in psutil.net_io_counters(pernic=True).items() if not name.startswith(LOOPBACK)]
    return [
        Sample("network_bytes_total", sum(one.bytes_recv for one in outside), ("received",)),
        Sample("network_bytes_total", sum(one.bytes_sent for one in outside), ("sent",)),
    ]


def _disk_io() -> list[Sample]:
    through = psutil.disk_io_counters()
    if through is None:
        return []
    return [
        Sample("disk_io_bytes_total", through.read_bytes, ("read",)),
        Sample("disk_io_bytes_total", through.write_bytes, ("written",)),
    ]
