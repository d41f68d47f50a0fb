"""Progress counts forwards, knows its pace and its end, costs next to nothing, and its file is always whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.errors import EdgeFailed, Stopped, TookTooLong
from leadscout_assets.progress import announce, cancel_all, current, stop_all, tracked
from leadscout_assets.progress.files import TOGETHER
from leadscout_assets.progress.tracking import BEAT_SECONDS, RATE_SECONDS, Progress, Writer
from leadscout_assets.settings import Settings
from tests.progress.schema import SCHEMA, faults

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is set, and a calendar that goes its own way."""

    def __init__(self) -> None:
        self.at, self.day = 100.0, START

    def progress(self, **options) -> Progress:
        return Progress("run", clock=lambda: self.at, now=lambda: self.day, **options)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def told(settings: Settings, name: str = f"run-{os.getpid()}") -> dict:
    return json.loads((settings.progress_dir / f"{name}.json").read_text())


class TestCounting:
    def test_nothing_is_known_at_the_start(self, clock):
        found = clock.progress().to_json()
        assert (found["processed"], found["total"], found["percentage"], found["eta_seconds"]) == (0, None, None, None)

    def test_stages_are_stretches_of_one_way(self, clock):
        progress = clock.progress(total=1000)
        progress.stage("one", 0.2)
        progress.tell(0.5)
        assert progress.to_json()["processed"] == 100
        progress.stage("two", 0.7)
        assert progress.to_json()["processed"] == 200
        progress.tell(1.0)
        assert progress.to_json()["percentage"] == 70.0

    def test_a_stage_of_open_length_takes_nothing_for_done(self, clock):
        progress = clock.progress(total=100)
        progress.stage("files")
        progress.advance(30)
        progress.stage("tables")
        assert progress.to_json()["processed"] == 30

    def test_an_operation_without_stages_goes_its_whole_way(self, clock):
        progress = clock.progress(total=10)
        progress.tell(0.5)
        assert progress.to_json()["processed"] == 5

    def test_success_is_all_of_it(self, clock):
        progress = clock.progress(total=10)
        progress.end("succeeded")
        found = progress.to_json()
        assert (found["processed"], found["percentage"], found["eta_seconds"]) == (10, 100.0, None)

    def test_the_first_word_on_how_it_ended_stands(self, clock):
        progress = clock.progress(total=10)
        progress.end("cancelled")
        progress.end("succeeded")
        assert progress.to_json()["state"] == "cancelled"

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("tell"), st.floats(-1, 2)),
                st.tuples(st.just("advance"), st.integers(0, 50)),
                st.tuples(st.just("stage"), st.one_of(st.none(), st.floats(0, 1))),
                st.tuples(st.just("expect"), st.integers(0, 500)),
                st.tuples(st.just("wait"), st.floats(0, 100)),
                st.tuples(st.just("step"), st.floats(-1e6, 1e6)),
            ),
            max_size=40,
        )
    )
    def test_whatever_happens_it_never_falls_and_always_fits_the_schema(self, doings):
        clock = Clock()
        progress = clock.progress(total=100)
        before = (0, 0.0)
        for what, value in doings:
            if what == "wait":
                clock.at += value
            elif what == "step":
                clock.day = START + timedelta(seconds=value)
            elif what == "stage":
                progress.stage("next", value)
            else:
                getattr(progress, what)(value)
            found = progress.to_json()
            assert faults(found | {"pid": 1, "host": "here"}) == []
            assert (found["processed"], found["percentage"]) >= before
            before = (found["processed"], found["percentage"])


class TestPace:
    def test_the_rate_is_the_recent_one(self, clock):
        progress = clock.progress(total=10_000)
        for _ in range(100):
            clock.at += 1
            progress.advance(100)
            progress.to_json()
        for _ in range(20):
            clock.at += 1
            progress.advance(5)
            found = progress.to_json()
        assert found["processed"] == 10_100
        assert found["rate_per_second"] == pytest.approx(5, rel=0.01)

    def test_the_time_left_follows_the_recent_rate(self, clock):
        progress = clock.progress(total=1000)
        clock.at += 2
        progress.advance(100)
        found = progress.to_json()
        assert found["eta_seconds"] == pytest.approx(18, abs=0.1)

    def test_no_time_left_is_guessed_while_nothing_moves(self, clock):
        progress = clock.progress(total=1000)
        progress.advance(100)
        for _ in range(3):
            clock.at += RATE_SECONDS
            found = progress.to_json()
        assert (found["rate_per_second"], found["eta_seconds"]) == (0, None)

    def test_a_clock_that_is_set_changes_no_duration(self, clock):
        progress = clock.progress(total=1000)
        clock.at, clock.day = clock.at + 10, START - timedelta(days=400)
        progress.advance(500)
        found = progress.to_json()
        assert (found["elapsed_seconds"], found["eta_seconds"]) == (10, 10)

    def test_tenths_are_told_once_each_and_only_by_what_lasts(self, clock):
        tenths: list[int] = []
        progress = clock.progress(total=100, on_tenth=tenths.append)
        progress.advance(35)
        assert tenths == []
        clock.at += 3
        for _ in range(13):
            progress.advance(5)
        assert tenths == [40, 50, 60, 70, 80, 90, 100]


class TestEnding:
    def test_a_stopped_operation_ends_at_its_next_word_in_any_thread(self, home):
        with pytest.raises(Stopped), tracked(home, "run", total=10) as progress:
            progress.advance()
            stop_all()
            ended: list[BaseException] = []

            def work() -> None:
                try:
                    current().advance()
                except Stopped as stopped:
                    ended.append(stopped)

            thread = threading.Thread(target=copy_context().run, args=(work,))
            thread.start()
            thread.join()
            assert ended
            current().stage("next")
        assert told(home)["state"] == "cancelled"

    def test_a_time_limit_ends_what_takes_longer_and_names_the_setting(self, clock):
        progress = clock.progress(total=10, limit_seconds=5.0)
        clock.at += 4
        progress.advance()
        clock.at += 2
        with pytest.raises(TookTooLong, match="LEADSCOUT_TIME_LIMITS"):
            progress.advance()

    def test_without_a_limit_nothing_is_too_long(self, clock):
        progress = clock.progress(total=10)
        clock.at += 1e7
        progress.advance()

    def test_a_failure_is_told_as_one(self, home):
        with pytest.raises(EdgeFailed), tracked(home, "run"):
            raise EdgeFailed("the disk is full")
        assert told(home)["state"] == "failed"
        assert "disk" not in json.dumps(told(home))

    def test_a_process_that_ends_without_unwinding_says_so_first(self, home):
        with tracked(home, "run", total=10) as progress:
            progress.advance(4)
            cancel_all()
            assert (told(home)["state"], told(home)["processed"]) == ("cancelled", 4)


class TestFile:
    def test_it_holds_what_the_schema_asks_for(self, home):
        with tracked(home, "run", total=100) as progress:
            progress.stage("raw_leads", 0.5)
            progress.advance(10, item="2026-03-02_list_01234567")
            running = told(home)
        ended = told(home)
        for found in (running, ended):
            assert faults(found) == []
        assert set(SCHEMA["required"]) <= set(running)
        assert running["pid"] == os.getpid()
        assert (running["state"], ended["state"]) == ("running", "succeeded")
        assert ended["rss_bytes"] > 1_000_000
        assert ended["open_files"] > 0

    def test_a_step_of_a_run_bears_its_run_id(self, home):
        with tracked(home, "leads", run_id="0af3-77"):
            pass
        assert told(home, "leads-0af3-77")["run_id"] == "0af3-77"

    def test_all_of_them_stand_in_one_file(self, home):
        with tracked(home, "backfill", unit="batches"), tracked(home, "leads", run_id="1"):
            pass
        together = json.loads((home.progress_dir / TOGETHER).read_text())
        assert [(one["operation"], one["state"]) for one in together["operations"]] == [
            ("backfill", "succeeded"),
            ("leads", "succeeded"),
        ]

    def test_what_is_counted_in_another_unit_is_not_counted(self, home):
        with tracked(home, "backfill", total=3, unit="batches") as progress:
            current("bytes").advance(1_000_000)
            current("batches").advance()
            assert progress.to_json()["processed"] == 1

    def test_a_heartbeat_comes_while_the_work_says_nothing(self, home):
        with tracked(home, "run", total=10):
            first = told(home)["beat"]
            deadline = time.monotonic() + 10 * BEAT_SECONDS
            while told(home)["beat"] == first:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def test_it_is_written_at_most_four_times_a_second(self, home, monkeypatch):
        written: list[float] = []
        monkeypatch.setattr(
            "leadscout_assets.progress.files.write_atomically", lambda path, _: written.append(time.monotonic())
        )
        monkeypatch.setattr("leadscout_assets.progress.files.write_together", lambda *_, **__: True)
        began = time.monotonic()
        with tracked(home, "run", total=10**9) as progress:
            while time.monotonic() < began + 1.0:
                progress.advance()
        # On a busy machine it takes longer than the second. The first and the last come beside those of the clock.
        assert 2 <= len(written) <= 4 * (time.monotonic() - began) + 2

    def test_counting_a_million_times_takes_seconds_at_most(self, home):
        # A run says a few hundred words; at two microseconds each they are lost in its noise.
        with tracked(home, "run", total=10**6) as progress:
            started = time.process_time()
            for _ in range(100_000):
                progress.advance()
            assert time.process_time() - started < 3.0

    def test_writing_costs_less_than_a_hundredth_of_one_processor(self, home):
        for number in range(20):  # as after a day's work
            announce(home, "run", 4_000_000 + number, "gone")
        progress = Progress("run", total=10**6)
        writer = Writer(progress, home.progress_dir, home.progress_dir / "run-1.json")
        rounds = 50
        started = time.process_time()
        for _ in range(rounds):  # a second's worth: four writes, one of them with everything
            writer._together = writer._used_at = 0.0
            for _ in range(4):
                progress.advance(10)
                writer.write()
        assert (time.process_time() - started) / rounds < 0.01

    def test_a_folder_that_cannot_be_written_does_not_stop_the_work(self, home, tmp_path):
        home.home.mkdir()
        (home.home / "logs").write_text("a file where a folder should be")
        with tracked(home, "run", total=1) as progress:
            progress.advance()
        assert progress.to_json()["state"] == "succeeded"

    def test_an_operation_about_to_begin_is_seen_and_not_written_over(self, home):
        announce(home, "run", 4_000_000, "gone")
        assert faults(told(home, "run-4000000")) == []
        with tracked(home, "run", total=5) as progress:
            progress.advance(3)
        announce(home, "run", os.getpid(), None)
        assert told(home)["state"] == "succeeded"

    def test_every_one_of_ten_thousand_reads_while_it_is_written_parses(self, home):
        code = (
            "import time\n"
            "from leadscout_assets.progress import files\n"
            "from leadscout_assets.progress.tracking import Progress\n"
            "from leadscout_assets.settings import current_settings\n"
            "from pathlib import Path\n"
            "folder = current_settings().progress_dir\n"
            "files.make_folder(folder)\n"
            "progress = Progress('run', total=10**9)\n"
            "while not (folder / 'enough').exists():\n"
            "    progress.advance(7, item='2026-03-02_list_01234567')\n"
            "    files.write_atomically(files.file_of(folder, 'run', '1'), progress.to_json() | {'pid': 1, 'host': 'here'})\n"
            "    files.write_together(folder, wait=True)\n"
        )
        file, together = home.progress_dir / "run-1.json", home.progress_dir / TOGETHER
        writer = subprocess.Popen([sys.executable, "-c", code])
        try:
            deadline = time.monotonic() + 60
            while not together.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            seen: set[int] = set()
            deadline = time.monotonic() + 120
            # So many; and more where the writer hardly gets to write beside whatever else is at work.
            for number in takewhile(
                lambda n: n < 10_000 or (len(seen) <= 100 and time.monotonic() < deadline), count()
            ):
                found = json.loads((together if number % 10 == 0 else file).read_bytes())
                one = found["operations"][0] if number % 10 == 0 else found
                if number % 500 == 0:
                    assert faults(one) == []
                seen.add(one["processed"])
            # It was written meanwhile, or this has shown nothing.
            assert len(seen) > 100
        finally:
            (home.progress_dir / "enough").touch()
            assert writer.wait(30) == 0


def test_library_functions_speak_to_nobody_where_nothing_is_tracked():
    current().tell(0.5)
    current("bytes").advance(10, item="x")
    current().stage("anything", 0.3)


def test_two_operations_of_one_process_do_not_mix(home: Settings, tmp_path: Path):
    with tracked(home, "backfill", total=2, unit="batches") as outer, tracked(home, "leads", run_id="1", total=50):
        current().advance(20)
        assert outer.to_json()["processed"] == 0
    assert current() is not outer
