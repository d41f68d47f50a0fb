"""Reading back: every file in the order of time, what is asked for, and nothing that is not a line."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadscout_assets.errors import BadInput
from leadscout_assets.logs.files import tidy
from leadscout_assets.logs.reading import Found, Stats, Wanted, read_lines, since

DAY = datetime(2026, 11, 22, tzinfo=UTC)


def line(at: datetime, event: str = "x", level: str = "info", **more: object) -> bytes:
    stamp = at.isoformat().replace("+00:00", "Z")
    return json.dumps({"timestamp": stamp, "level": level, "event": event, **more}).encode() + b"\n"


def write(root: Path, kind: str, at: datetime, *lines: bytes) -> Path:
    path = root / f"{kind}-{at.date().isoformat()}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.writelines(lines)
    return path


def events(root: Path, **wanted: object) -> list[str]:
    return [str(one["event"]) for one in read_lines(root, Wanted(**wanted), Found())]


def test_files_of_all_kinds_and_days_are_one_sequence_compressed_or_not(tmp_path):
    second = timedelta(seconds=1)
    write(tmp_path, "production/operations", DAY - 5 * second, line(DAY - 5 * second, "a"), line(DAY - second, "c"))
    write(tmp_path, "production/errors", DAY - 5 * second, line(DAY - 3 * second, "b"))
    write(tmp_path, "production/operations", DAY, line(DAY, "d"), line(DAY + 3 * second, "g"))
    # A process that was a moment slower with its write than with its look at the clock.
    write(tmp_path, "debug/performance", DAY, line(DAY + 2 * second, "f"), line(DAY + timedelta(milliseconds=500), "e"))
    assert events(tmp_path) == list("abcdefg")
    tidy(tmp_path, DAY + timedelta(hours=1), keep_days=30)
    assert len(list(tmp_path.rglob("*.gz"))) == 2
    assert events(tmp_path) == list("abcdefg")


def test_lines_of_one_run_one_batch_one_level_and_one_time_are_found(tmp_path):
    write(
        tmp_path,
        "production/operations",
        DAY,
        line(DAY, "a", run_id="r1", batch_id="b1"),
        line(DAY + timedelta(minutes=1), "b", "warning", run_id="r1", batch_id=None),
        line(DAY + timedelta(minutes=2), "c", "error", run_id="r2", batch_id="b1", reason="not r1"),
    )
    write(tmp_path, "production/operations", DAY - timedelta(days=2), line(DAY - timedelta(days=2), "old", "error"))
    assert events(tmp_path, run="r1") == ["a", "b"]
    assert events(tmp_path, batch="b1") == ["a", "c"]
    assert events(tmp_path, level="warning") == ["old", "b", "c"]
    assert events(tmp_path, since=DAY + timedelta(minutes=1)) == ["b", "c"]
    assert events(tmp_path, run="r1", level="warning") == ["b"]
    assert events(tmp_path, run="r3") == []


def test_torn_and_foreign_lines_are_left_out_and_counted(tmp_path):
    path = write(tmp_path, "production/operations", DAY, line(DAY, "a"))
    with path.open("ab") as file:
        file.write(b'{"timestamp":"2026-11-22T00:00:00Z","level":"info","eve\n')
        file.write(b"Traceback (most recent call last):\n\x00\xff\n7\n[]\nnull\n\n")
        file.write(b'{"level":"info","event":"x"}\n{"timestamp":"2026-11-22","level":"info","event":"x"}\n')
        file.write(b'{"timestamp":"yesterday","level":"loud","event":["x"]}\n')
        file.write(line(DAY, "b") + b'{"timestamp":"2026')
    found = Found()
    assert [one["event"] for one in read_lines(tmp_path, Wanted(), found)] == ["a", "b"]
    assert found.unreadable == 10


def test_a_damaged_compressed_file_gives_what_is_left_of_it(tmp_path):
    folder = tmp_path / "production"
    folder.mkdir()
    packed = gzip.compress(b"".join(line(DAY + timedelta(seconds=n), f"e{n}") for n in range(5000)), mtime=0)
    (folder / "operations-2026-11-22.log.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "errors-2026-11-22.log.gz").write_bytes(b"no gzip at all")
    (folder / "metrics-2026-11-22.log.gz").write_bytes(b"")
    found = Found()
    read = list(read_lines(tmp_path, Wanted(), found))
    assert 100 < len(read) < 5000
    assert [one["event"] for one in read] == [f"e{n}" for n in range(len(read))]
    assert found.unreadable == 2


def test_lines_are_told_once_while_their_file_is_being_compressed(tmp_path):
    path = write(tmp_path, "production/operations", DAY, line(DAY, "a"), line(DAY, "a"), line(DAY, "b"))
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert events(tmp_path) == ["a", "a", "b"]


def test_a_stragglers_file_beside_the_compressed_one_is_read_too(tmp_path):
    path = write(tmp_path, "production/operations", DAY, line(DAY, "a"))
    tidy(tmp_path, DAY + timedelta(days=2), keep_days=30)
    write(tmp_path, "production/operations", DAY, line(DAY, "b"))
    assert path.exists()
    assert events(tmp_path) == ["a", "b"]


def test_where_there_are_no_logs_there_are_no_lines(tmp_path):
    assert events(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30m", DAY - timedelta(minutes=30)),
        ("2h", DAY - timedelta(hours=2)),
        ("7d", DAY - timedelta(days=7)),
        ("90s", DAY - timedelta(seconds=90)),
        ("2026-11-21", datetime(2026, 11, 20, 22, tzinfo=UTC)),
        ("2026-11-21T10:00", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10, tzinfo=UTC)),
    ],
)
def test_since_takes_a_span_or_a_moment_of_johannesburg(text, meant):
    assert since(text, DAY) == meant


@pytest.mark.parametrize("text", ["yesterday", "", "5", "-3h", "99999999999d", "2026-13-01", "0001-01-01"])
def test_any_other_since_is_the_users_mistake(text):
    with pytest.raises(BadInput, match="--since"):
        since(text, DAY)


def test_figures_over_lines_tell_how_often_and_how_long(tmp_path):
    stats = Stats()
    times = (10.0, 20.0, 30.0, 1000.0)
    lines = [
        line(DAY, "leads", "info" if ms < 1000 else "error", success=ms < 1000, processing_time_ms=ms) for ms in times
    ]
    write(tmp_path, "production/operations", DAY, *lines, line(DAY, "batch.started"), line(DAY, "leads", "debug"))
    for one in read_lines(tmp_path, Wanted(), Found()):
        stats.add(one)
    told = stats.to_json()
    assert told["levels"] == {"debug": 1, "info": 4, "error": 1}
    assert told["lines"] == 6
    assert told["events"] == {"leads": 5, "batch.started": 1}
    assert told["operations"] == [
        {
            "operation": "leads", "times": 4, "failed": 1, "median_ms": 25.0, "p95_ms": 854.5, "max_ms": 1000.0,
            "total_ms": 1060.0,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("took", [None, "long", "1.5", [1], {}, True, -1, 10**400, 1e300, float("inf")])
def test_an_operation_that_tells_no_time_counts_without_one(tmp_path, took):
    odd = {"event": "leads", "level": "info", "timestamp": DAY.isoformat(), "success": True, "processing_time_ms": took}
    stats = Stats()
    stats.add(odd)
    (alone,) = stats.to_json()["operations"]
    assert (alone["times"], alone["median_ms"], alone["max_ms"], alone["total_ms"]) == (1, None, None, 0)
    stats.add({**odd, "processing_time_ms": 5, "success": False})
    (both,) = stats.to_json()["operations"]
    assert (both["times"], both["failed"], both["median_ms"], both["total_ms"]) == (2, 1, 5.0, 5.0)
