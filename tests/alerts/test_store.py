"""What the alerts keep: all of an evaluation or nothing, on both databases and in the file beside them."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from leadscout_assets.alerts.engine import State
from leadscout_assets.alerts.facts import CRITICAL, WARNING
from leadscout_assets.alerts.file_store import NAME, FileStore
from leadscout_assets.alerts.occurrences import Occurrence
from leadscout_assets.alerts.store import CLAIM, KEPT, DatabaseStore, Memory, SavedByAnother
from leadscout_assets.errors import EdgeFailed
from tests.alerts.conftest import NOON, message

STATE = State("disk_low", "machine", WARNING, "x", fired_at=NOON, told_at=NOON, told_level=WARNING, told_mark=7)


def occurrence(
    number: int, *, rule: str = "run_failed", root: str = "raw_leads", level: str | None = WARNING
) -> Occurrence:
    at = NOON + timedelta(seconds=number)
    return Occurrence(rule, f"job:{number}", root, level, f"run {number} failed", number, number, at)


@pytest.fixture(params=["database", "file"])
def store(request, tmp_path):
    """Either store, as the engine and the outbox see them."""
    if request.param == "file":
        return FileStore(tmp_path / "alerts")
    return DatabaseStore(request.getfixturevalue("sqlite"))


def save(store, **parts) -> None:
    if isinstance(store, FileStore):
        store.save(now=parts.pop("now", NOON), **parts)
    else:
        store.save(store.memory(), now=parts.pop("now", NOON), **parts)


def test_states_come_back_as_they_were_and_go_when_they_are_over(store):
    other = State("disk_low", "other", CRITICAL, "y", pending_since=NOON, updates=3)
    save(store, states=[STATE, other])
    assert store.states() == {STATE.key: STATE, other.key: other}
    save(store, over=[other.key])
    assert store.states() == {STATE.key: STATE}


def test_a_message_waits_once_per_channel_however_often_it_is_decided(store):
    for _ in range(2):
        save(store, messages=[message()], channels=["log", "slack"])
    taken = store.claim(NOON, ["log", "slack"])
    assert [(one.channel, one.message, one.attempts) for one in taken] == [
        ("log", message(), 0),
        ("slack", message(), 0),
    ]


def test_what_is_claimed_is_nobody_elses_until_the_claim_ends(store):
    save(store, messages=[message()], channels=["slack"])
    assert len(store.claim(NOON, ["slack"])) == 1
    assert store.claim(NOON + CLAIM / 2, ["slack"]) == []
    again = store.claim(NOON + CLAIM, ["slack"])
    assert [one.attempts for one in again] == [1]
    store.settle(again[0].number, sent_at=NOON, again_at=None, error=None)
    assert store.claim(NOON + timedelta(days=1), ["slack"]) == []


def test_what_was_sent_stays_sent_also_when_a_late_failure_of_another_attempt_is_noted(store):
    save(store, messages=[message()], channels=["slack"])
    (one,) = store.claim(NOON, ["slack"])
    store.settle(one.number, sent_at=NOON, again_at=None, error=None)
    store.settle(one.number, sent_at=None, again_at=NOON, error="late")
    assert store.claim(NOON + timedelta(days=1), ["slack"]) == []


def test_of_two_that_decide_at_once_the_second_stores_nothing(database):
    store = DatabaseStore(database)
    for _ in range(2):  # the first evaluation ever, and any later one
        seen = store.memory()
        store.save(seen, now=NOON, states=[STATE])
        with pytest.raises(SavedByAnother):
            store.save(seen, now=NOON, over=[STATE.key], messages=[message("second")], channels=["log"])
        assert store.states() == {STATE.key: STATE}
        assert store.claim(NOON, ["log"]) == []


def test_the_memory_comes_back(database):
    store = DatabaseStore(database)
    after = store.save(Memory({"cursors": {"a": {"top": 5}}}), now=NOON)
    assert store.memory() == after == Memory({"cursors": {"a": {"top": 5}}}, 1)


def test_groups_count_what_is_open_and_name_the_newest(database):
    store = DatabaseStore(database)
    rows = [occurrence(1), occurrence(2, level=CRITICAL), occurrence(3, level=None), occurrence(4, root="backup")]
    store.save(store.memory(), now=NOON, occurrences=rows)
    (backup, leads) = sorted(store.groups({"run_failed": NOON})["run_failed"], key=lambda group: group.root)
    assert (leads.open, leads.critical, leads.newest_id, leads.newest) == (2, 1, 2, "run 2 failed")
    assert (backup.root, backup.open) == ("backup", 1)
    assert [g.root for g in store.groups({"run_failed": NOON + timedelta(seconds=3)})["run_failed"]] == ["backup"]
    assert store.groups({"run_failed": NOON + timedelta(days=1)}) == {}


def test_what_is_too_old_is_known_to_be_forgotten_and_goes_when_it_is_told(database):
    store = DatabaseStore(database)
    rows = [occurrence(1), occurrence(2, level=None, root="mended"), occurrence(9), occurrence(3, root="backup")]
    store.save(store.memory(), now=NOON, occurrences=rows)
    since = {"run_failed": NOON + timedelta(seconds=5), "check_failed": NOON + timedelta(seconds=9)}
    leads, backup = ("run_failed", "raw_leads"), ("run_failed", "backup")
    assert store.forgotten(since) == {leads, backup}
    store.save(store.memory(), now=NOON, forgotten={leads: since["run_failed"]})
    assert store.forgotten(since) == {backup}
    assert [group.open for group in store.groups(since)["run_failed"]] == [1]


def test_what_was_open_on_a_batch_that_was_taken_out_is_over_and_stays_so_when_it_is_read_again(database):
    store = DatabaseStore(database)
    one = Occurrence("run_failed", "run:raw_leads:2026_a", "raw_leads", WARNING, "x", 5, 5, NOON)
    rows = [
        one,
        replace(one, subject="run:raw_leads:2026xa"),
        replace(one, rule="check_failed", subject="check:leads:c:2026_a"),
    ]
    store.save(store.memory(), now=NOON, occurrences=rows)
    store.end_batch("2026_a")
    groups = store.groups({"run_failed": NOON, "check_failed": NOON})
    assert [(rule, group.open) for rule, found in groups.items() for group in found] == [("run_failed", 1)]
    assert store.occurrences([one.key])[one.key].event_id == 5


def test_many_occurrences_are_stored_and_found_again(database):
    store = DatabaseStore(database)
    rows = [occurrence(number) for number in range(1_201)]
    store.save(store.memory(), now=NOON, occurrences=rows)
    assert store.occurrences([one.key for one in rows]) == {one.key: one for one in rows}
    store.save(store.memory(), now=NOON, occurrences=[occurrence(5, level=None)])
    assert store.groups({"run_failed": NOON})["run_failed"][0].open == 1_200


def test_what_nobody_asks_for_any_more_is_removed_and_an_unset_channel_given_up(database):
    store = DatabaseStore(database)
    store.save(store.memory(), now=NOON, occurrences=[occurrence(1)], messages=[message()], channels=["log", "slack"])
    assert store.oldest_waiting("alert_lag") == NOON
    assert store.oldest_waiting("disk_low") is None
    (log,) = store.claim(NOON, ["log"])
    store.settle(log.number, sent_at=NOON, again_at=None, error=None)
    store.tidy(NOON, ["log"])
    assert store.oldest_waiting("alert_lag") is None
    assert [row["error"] for row in store.outbox()] == ["the channel is not set up any more", None]
    store.tidy(NOON + KEPT + timedelta(days=1), ["log"])
    assert store.outbox() == []
    assert store.occurrences([occurrence(1).key]) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"states": []}', "null"])
def test_a_damaged_file_counts_as_empty(tmp_path, content):
    store = FileStore(tmp_path)
    save(store, states=[STATE])
    (tmp_path / NAME).write_text(content)
    assert store.states() == {}
    save(store, states=[STATE])
    assert store.states() == {STATE.key: STATE}


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "alerts").write_text("a file where the folder should be")
    with pytest.raises(EdgeFailed, match="cannot be written"):
        FileStore(tmp_path / "alerts").save(now=NOON, states=[STATE])


KILLED_BETWEEN = """
import os, signal, sys
from datetime import datetime
from leadscout_assets.alerts import outbox
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.database.engine import Database
from leadscout_assets.alerts.messages import Message

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
store = DatabaseStore(Database(sys.argv[1]))
store.save(store.memory(), now=NOON, messages=[Message("kept", "machine", "now", ())], channels=["slack"])

class Dying:
    def send(self, message):
        os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "while sending":
    outbox.deliver([store], {"slack": Dying()}, clock=lambda: NOON)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before sending", "while sending"])
def test_a_process_killed_between_deciding_and_sending_loses_nothing(sqlite, moment):
    url = sqlite.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, url, moment], cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL
    (left,) = DatabaseStore(sqlite).claim(NOON + CLAIM, ["slack"])
    assert left.message.key == "kept"
