"""Tables: exactly the named batches are replaced, whatever else is written at the same time, and faults keep values in."""

from __future__ import annotations

import json
import multiprocessing
import operator
import os
import random
import shutil
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from deltalake import DeltaTable, TableFeatures, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets import contracts
from leadscout_assets.contracts import CLASSIFICATIONS, LEAD_REPORTS, REJECTED_LEADS
from leadscout_assets.errors import ContractBroken, EdgeFailed
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.tables import Tables

ONE, TWO, THREE = ("2026-01-01_list_00000001", "2026-01-02_list_00000002", "2026-01-03_list_00000003")


def rejected(batch: str, *source_rows: int, row: str = "{}") -> pa.Table:
    rows = [{"batch_id": batch, "source_row": n, "reasons": ["totals_row"], "row": row} for n in source_rows]
    return pa.Table.from_pylist(rows, REJECTED_LEADS.schema)


def rows_of(tables: Tables, *batches: str) -> list[tuple[str, int]]:
    frame = tables.read(REJECTED_LEADS, batches)
    return list(zip(frame["batch_id"].to_pylist(), frame["source_row"].to_pylist(), strict=True))


def newest_commit(tables: Tables) -> int:
    return DeltaTable(tables.root / REJECTED_LEADS.name).version()


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "tables")


def test_what_was_never_written_reads_as_no_rows_in_the_contracts_types(tables):
    frame = tables.read(REJECTED_LEADS, [ONE])
    assert frame.num_rows == 0
    assert frame.schema == REJECTED_LEADS.schema
    assert tables.rows(REJECTED_LEADS, [ONE]) == {}


def test_reading_no_batches_gives_no_rows(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    assert tables.read(REJECTED_LEADS, []).num_rows == 0


def test_rows_come_back_sorted_by_key_in_the_contracts_types_and_order(tables):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(TWO, 9, 10, 2), rejected(ONE, 3)]), [ONE, TWO])
    frame = tables.read(REJECTED_LEADS, [TWO, ONE])
    assert frame.schema == REJECTED_LEADS.schema
    assert rows_of(tables, TWO, ONE) == [(ONE, 3), (TWO, 2), (TWO, 9), (TWO, 10)]


def test_chosen_columns_come_in_the_order_asked_for_and_sorted_by_key_where_it_is_among_them(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 30, 4), [ONE])
    frame = tables.read(REJECTED_LEADS, [ONE], ["row", "source_row", "batch_id"])
    assert frame.column_names == ["row", "source_row", "batch_id"]
    assert frame["source_row"].to_pylist() == [4, 30]


def test_columns_without_the_key_are_all_that_is_read(tables, monkeypatch):
    """Counting a million leads does not read their ids, nor sort them."""
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 30, 4), rejected(TWO, 2)]), [ONE, TWO])
    asked = []
    dataset = tables._dataset

    def watched(*of):
        found = dataset(*of)
        return SimpleNamespace(to_table=lambda columns: asked.append(columns) or found.to_table(columns=columns))

    monkeypatch.setattr(tables, "_dataset", watched)
    frame = tables.read(REJECTED_LEADS, [ONE, TWO], ["row", "batch_id"])
    assert frame.schema == pa.schema([REJECTED_LEADS.schema.field(name) for name in ("row", "batch_id")])
    assert sorted(frame["batch_id"].to_pylist()) == [ONE, ONE, TWO]
    assert asked == [["row", "batch_id"]]


def without_data(tables: Tables) -> None:
    for part in (tables.root / "rejected_leads").rglob("*.parquet"):
        part.write_bytes(b"not parquet")


def test_rows_are_counted_from_the_tables_log_without_reading_data(tables):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2, 3), rejected(TWO, 2)]), [ONE, TWO])
    tables.replace(REJECTED_LEADS, rejected(THREE, *range(2, 9)), [THREE])
    tables.replace(REJECTED_LEADS, rejected(TWO, 5, 6, 7), [TWO])
    without_data(tables)
    assert tables.rows(REJECTED_LEADS, [THREE, ONE, TWO]) == {ONE: 2, TWO: 3, THREE: 7}
    assert tables.rows(REJECTED_LEADS, [TWO]) == {TWO: 3}


def test_a_batch_without_rows_is_not_among_the_counts(tables):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2), rejected(TWO, 2)]), [ONE, TWO])
    tables.replace(REJECTED_LEADS, REJECTED_LEADS.empty(), [TWO])
    assert tables.rows(REJECTED_LEADS, [ONE, TWO, THREE]) == {ONE: 1}
    assert tables.rows(REJECTED_LEADS, []) == {}


def test_a_batch_of_which_the_log_holds_no_count_is_counted_by_reading_it(tables):
    """As another program may write: one of the batch's two files has no statistics."""
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2, 3), rejected(TWO, 2)]), [ONE, TWO])
    write_deltalake(
        tables.root / "rejected_leads",
        rejected(ONE, 4),
        mode="append",
        configuration={"delta.dataSkippingNumIndexedCols": "0"},
    )
    for commit in (tables.root / "rejected_leads" / "_delta_log").glob("*1.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            line.get("add", {}).pop("stats", None)
        commit.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert tables.rows(REJECTED_LEADS, [ONE, TWO]) == {ONE: 3, TWO: 1}


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 4)), max_size=6))
@settings(max_examples=15)
def test_counts_are_those_of_the_rows_whatever_was_written_in_what_order(writes):
    with tempfile.TemporaryDirectory() as folder:
        tables = Tables(Path(folder))
        for batch, rows in writes:
            tables.replace(REJECTED_LEADS, rejected(batch, *range(2, 2 + rows)), [batch])
        batches = [ONE, TWO, THREE]
        assert tables.rows(REJECTED_LEADS, batches) == rows_by_batch(tables.read(REJECTED_LEADS, batches))


def test_lists_nulls_and_reals_survive_the_way_through_the_table(tables):
    row = {
        "batch_id": ONE, "lead_id": "0" * 16, "origin": None, "confidence": 0.1 + 0.2, "origin_set": ["european", "coloured"],
        "method": "lexicon", "model_version": "1",
    }  # fmt: skip
    bare = row | {"lead_id": "1" * 16, "confidence": None, "origin_set": []}
    frame = pa.Table.from_pylist([row, bare], CLASSIFICATIONS.schema)
    tables.replace(CLASSIFICATIONS, frame, [ONE])
    assert tables.read(CLASSIFICATIONS, [ONE]).equals(frame)


def test_replacing_a_batch_leaves_the_others_as_they_were(tables):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2, 3), rejected(TWO, 2)]), [ONE, TWO])
    tables.replace(REJECTED_LEADS, rejected(ONE, 7), [ONE])
    assert rows_of(tables, ONE, TWO) == [(ONE, 7), (TWO, 2)]


def test_replacing_a_batch_twice_by_the_same_rows_does_not_double_them(tables):
    for _ in range(2):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2, 3), [ONE])
    assert rows_of(tables, ONE) == [(ONE, 2), (ONE, 3)]


def test_a_named_batch_without_rows_is_emptied_and_the_others_stay(tables):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2), rejected(TWO, 2)]), [ONE, TWO])
    tables.replace(REJECTED_LEADS, rejected(TWO, 5), [ONE, TWO])
    assert rows_of(tables, ONE, TWO) == [(TWO, 5)]
    tables.replace(REJECTED_LEADS, REJECTED_LEADS.empty(), [TWO])
    assert rows_of(tables, ONE, TWO) == []


def test_the_first_write_may_be_of_no_rows(tables):
    tables.replace(REJECTED_LEADS, REJECTED_LEADS.empty(), [ONE])
    assert rows_of(tables, ONE) == []
    tables.replace(REJECTED_LEADS, rejected(TWO, 2), [TWO])
    assert rows_of(tables, ONE, TWO) == [(TWO, 2)]


def test_many_batches_are_one_commit(tables):
    batches = [f"2026-01-01_list_{number:08x}" for number in range(60)]
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    before = newest_commit(tables)
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(batch, 2) for batch in batches]), batches)
    assert newest_commit(tables) == before + 1
    assert len(rows_of(tables, *batches)) == len(batches)


def test_a_write_that_names_no_batches_is_refused(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    with pytest.raises(ValueError, match="no batches"):
        tables.replace(REJECTED_LEADS, REJECTED_LEADS.empty(), [])
    assert rows_of(tables, ONE) == [(ONE, 2)]


def test_rows_of_a_batch_that_is_not_named_are_refused(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    frame = pa.concat_tables([rejected(ONE, 5), rejected(TWO, 2)])
    with pytest.raises(ValueError, match="1 batches in the frame are not named"):
        tables.replace(REJECTED_LEADS, frame, [ONE])
    assert rows_of(tables, ONE, TWO) == [(ONE, 2)]


@pytest.mark.parametrize(
    "malformed",
    ["", "x' OR '1'='1", f"{ONE}'", f"{ONE}\n", "2026-01-01_Mokoena_00000001", "2026-01-01_list_0000000g", "*"],
)
def test_a_malformed_batch_id_replaces_nothing(tables, malformed):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    with pytest.raises(ValueError, match="malformed") as raised:
        tables.replace(REJECTED_LEADS, REJECTED_LEADS.empty(), [malformed])
    assert rows_of(tables, ONE) == [(ONE, 2)]
    assert not malformed or malformed not in str(raised.value)


@pytest.mark.parametrize("stranger", ["x' OR '1'='1", f"{ONE}' OR batch_id='{TWO}", "../elsewhere", THREE])
def test_reading_an_id_that_no_batch_has_gives_no_rows(tables, stranger):
    tables.replace(REJECTED_LEADS, pa.concat_tables([rejected(ONE, 2), rejected(TWO, 2)]), [ONE, TWO])
    assert rows_of(tables, stranger) == []


def test_a_frame_that_breaks_its_contract_is_refused_before_anything_is_written(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    with pytest.raises(ContractBroken):
        tables.replace(REJECTED_LEADS, rejected(ONE, 3).drop_columns(["row"]), [ONE])
    assert rows_of(tables, ONE) == [(ONE, 2)]


def _replace(root: Path, batch: str, rows: list[int], times: int) -> None:
    for _ in range(times):
        Tables(root).replace(REJECTED_LEADS, rejected(batch, *rows), [batch])


def test_threads_writing_the_same_batch_leave_the_rows_of_one_of_them(tables):
    attempts = {number: rejected(ONE, *range(2, 2 + number)) for number in (3, 4, 5)}

    def write(frame: pa.Table) -> None:
        for _ in range(3):
            tables.replace(REJECTED_LEADS, frame, [ONE])

    with ThreadPoolExecutor(len(attempts)) as pool:
        list(pool.map(write, attempts.values()))
    assert len(rows_of(tables, ONE)) in attempts
    assert len(set(rows_of(tables, ONE))) == len(rows_of(tables, ONE))


@pytest.mark.processes
def test_processes_writing_at_once_from_the_first_commit_on_lose_and_double_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    jobs = [(ONE, [2, 3]), (ONE, [2, 3]), (TWO, [4]), (THREE, [5, 6, 7])]
    writers = [spawn.Process(target=_replace, args=(tmp_path / "tables", batch, rows, 3)) for batch, rows in jobs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * len(writers)
    expected = [(ONE, 2), (ONE, 3), (TWO, 4), (THREE, 5), (THREE, 6), (THREE, 7)]
    assert rows_of(Tables(tmp_path / "tables"), ONE, TWO, THREE) == expected


def _losing(times: int, error: Exception, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the next `times` commits fail, and return the list of the predicates tried."""
    import deltalake

    write, tried = deltalake.write_deltalake, []

    def losing(*args, predicate: str, **kwargs):
        tried.append(predicate)
        if len(tried) <= times:
            raise error
        write(*args, predicate=predicate, **kwargs)

    monkeypatch.setattr(deltalake, "write_deltalake", losing)
    return tried


@pytest.fixture
def no_waiting():
    import stamina

    with stamina.set_testing(True, attempts=6, cap=True):
        yield


def test_a_commit_lost_to_another_writer_is_tried_again(tables, monkeypatch, no_waiting):
    from deltalake.exceptions import CommitFailedError

    tried = _losing(2, CommitFailedError("a concurrent transaction"), monkeypatch)
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    assert len(tried) == 3
    assert rows_of(tables, ONE) == [(ONE, 2)]


def test_a_commit_that_is_lost_again_and_again_fails_and_leaves_the_table_as_it_was(tables, monkeypatch, no_waiting):
    from deltalake.exceptions import CommitFailedError

    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    _losing(1_000, CommitFailedError("Mokoena"), monkeypatch)
    with pytest.raises(EdgeFailed, match="as it was") as raised:
        tables.replace(REJECTED_LEADS, rejected(ONE, 3), [ONE])
    assert "Mokoena" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert rows_of(tables, ONE) == [(ONE, 2)]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device: Mokoena"), pa.ArrowInvalid("Mokoena")])
def test_a_storage_fault_says_what_to_look_at_and_quotes_nothing(tables, monkeypatch, fault):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    _losing(1, fault, monkeypatch)
    with pytest.raises(EdgeFailed, match="check free space") as raised:
        tables.replace(REJECTED_LEADS, rejected(ONE, 3, row='{"director_name": "Mokoena"}'), [ONE])
    assert "Mokoena" not in str(raised.value)
    assert rows_of(tables, ONE) == [(ONE, 2)]


def test_a_file_in_place_of_the_tables_folder_is_a_storage_fault(tmp_path):
    (tmp_path / "tables").write_text("in the way")
    with pytest.raises(EdgeFailed, match="rejected_leads was not written"):
        Tables(tmp_path / "tables").replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])


def test_a_file_in_place_of_a_data_file_is_a_storage_fault_without_values(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2, row='{"director_name": "Mokoena"}'), [ONE])
    for part in (tables.root / "rejected_leads").rglob("*.parquet"):
        part.write_bytes(b"not parquet")
    with pytest.raises(EdgeFailed, match="rejected_leads cannot be read") as raised:
        tables.read(REJECTED_LEADS, [ONE])
    assert "Mokoena" not in str(raised.value)


def test_a_value_that_storage_gives_in_another_type_than_the_contracts_is_a_fault_without_values(tables, monkeypatch):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    wrong = pa.table({"batch_id": [ONE], "source_row": ["Mokoena"]})
    monkeypatch.setattr(tables, "_dataset", lambda *_: SimpleNamespace(to_table=lambda columns: wrong.select(columns)))
    with pytest.raises(EdgeFailed, match="rejected_leads cannot be read") as raised:
        tables.read(REJECTED_LEADS, [ONE], ["batch_id", "source_row"])
    assert "Mokoena" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_table_with_features_that_files_alone_do_not_show_is_not_read(tables):
    """Rows that another tool marks as deleted beside the files must not come back."""
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    DeltaTable(tables.root / "rejected_leads").alter.add_feature(
        TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    )
    with pytest.raises(EdgeFailed, match="rejected_leads was rewritten by a tool"):
        tables.read(REJECTED_LEADS, [ONE])


def test_a_log_that_cannot_be_read_is_a_storage_fault(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    for commit in (tables.root / "rejected_leads" / "_delta_log").glob("*.json"):
        commit.write_text("Mokoena")
    with pytest.raises(EdgeFailed, match="rejected_leads cannot be read") as raised:
        Tables(tables.root).rows(REJECTED_LEADS, [ONE])
    assert "Mokoena" not in str(raised.value)


def test_the_folders_that_a_first_write_makes_are_private(tables):
    before = os.umask(0)
    try:
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    finally:
        os.umask(before)
    assert stat.S_IMODE(tables.root.stat().st_mode) == 0o700


def test_a_writer_killed_before_the_first_commit_stands_in_nobodys_way(tables):
    (tables.root / "rejected_leads" / "_delta_log").mkdir(parents=True)
    assert tables.read(REJECTED_LEADS, [ONE]).num_rows == 0
    assert tables.rows(REJECTED_LEADS, [ONE]) == {}
    for batch in (ONE, TWO):
        tables.replace(REJECTED_LEADS, rejected(batch, 2), [batch])
    assert rows_of(tables, ONE, TWO) == [(ONE, 2), (TWO, 2)]
    assert rows_of(tables, TWO) == [(TWO, 2)]


def test_each_contract_has_a_table_of_its_own(tables):
    tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
    assert tables.read(LEAD_REPORTS, [ONE]).num_rows == 0


COUNTED = contracts.Contract(
    "counted",
    "A table whose contract grows.",
    ("event_id",),
    (contracts.Column("event_id", contracts.COUNT, "number"),),
)
GROWN = replace(
    COUNTED,
    columns=(
        *COUNTED.columns,
        contracts.Column("answered", contracts.COUNT, "a count"),
        contracts.Column("machine", contracts.STRING, "a text"),
        contracts.Column("cold", contracts.BOOLEAN, "a truth"),
        contracts.Column("note", contracts.STRING, "a text or none", nullable=True),
    ),
)


def test_a_table_takes_the_columns_that_its_contract_got_and_older_rows_have_nothing_there(tables):
    tables.add_new(COUNTED, pa.table({"event_id": [1]}, COUNTED.schema))
    older = {"event_id": 1, "answered": 0, "machine": "", "cold": False, "note": None}
    assert tables.select(GROWN, []).to_pylist() == [older]
    newer = {"event_id": 2, "answered": 5, "machine": "m", "cold": True, "note": "n"}
    assert tables.add_new(GROWN, pa.Table.from_pylist([newer], GROWN.schema)) == 1
    assert sorted(tables.select(GROWN, []).to_pylist(), key=lambda row: row["event_id"]) == [older, newer]
    assert tables.select(GROWN, [("event_id", ">=", 2)], ["answered"]).to_pylist() == [{"answered": 5}]
    assert tables.largest(GROWN, "event_id") == 2
    assert tables.maintain(GROWN, timedelta(days=1)).files == 1


class TestMaintenance:
    """Small files become few, old ones go, and nothing that the window still needs does."""

    def test_small_files_become_one_and_the_rows_stay(self, tables):
        for row in range(1, 6):
            append(tables, ONE, row)
        before = tables.read(REJECTED_LEADS, [ONE])
        done = tables.maintain(REJECTED_LEADS, timedelta(days=30))
        assert (done.files_before, done.files) == (5, 1)
        assert done.bytes > 0
        assert tables.read(REJECTED_LEADS, [ONE]).equals(before)

    def test_every_version_of_the_window_can_still_be_read(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2, 3, 4), [ONE])
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        assert tables.maintain(REJECTED_LEADS, timedelta(days=30)).removed == 0
        versions = [
            DeltaTable(tables.root / REJECTED_LEADS.name, version=version).to_pyarrow_table() for version in (1, 2)
        ]
        assert [version.num_rows for version in versions] == [3, 1]

    def test_what_only_older_versions_need_is_removed(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2, 3, 4), [ONE])
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        assert tables.maintain(REJECTED_LEADS, timedelta(0)).removed == 1
        assert tables.read(REJECTED_LEADS, [ONE]).num_rows == 1
        assert len(list((tables.root / REJECTED_LEADS.name).glob("batch_id=*/*.parquet"))) == 1

    def test_a_file_that_a_writer_has_not_committed_yet_stays_and_one_a_killed_writer_left_goes(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        young, old = (
            tables.root / REJECTED_LEADS.name / f"batch_id={ONE}" / f"{name}.parquet" for name in ("young", "old")
        )
        for file in (young, old):
            file.write_bytes(b"rows")
        os.utime(old, (0, 0))
        tables.maintain(REJECTED_LEADS, timedelta(days=7))
        assert (young.exists(), old.exists()) == (True, False)

    def test_a_table_that_is_not_there_needs_nothing(self, tables):
        assert tables.maintain(REJECTED_LEADS, timedelta(days=1)) is None

    def test_rows_written_meanwhile_are_neither_lost_nor_doubled(self, tables):
        batches = [f"2026-03-02_list_{number:08x}" for number in range(6)]
        for batch in batches:
            append(tables, batch, 1)
            append(tables, batch, 2)
        with ThreadPoolExecutor(2) as pool:
            writing = pool.submit(
                lambda: [tables.replace(REJECTED_LEADS, rejected(batch, 2, 3, 4, 5), [batch]) for batch in batches]
            )
            for _ in range(4):
                tables.maintain(REJECTED_LEADS, timedelta(days=30))
            writing.result()
        assert tables.rows(REJECTED_LEADS, batches) == dict.fromkeys(batches, 4)

    def test_a_storage_that_refuses_is_named(self, tables, monkeypatch):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        monkeypatch.setattr(DeltaTable, "vacuum", lambda *_, **__: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(EdgeFailed, match="check free space"):
            tables.maintain(REJECTED_LEADS, timedelta(days=1))


def append(tables: Tables, batch: str, row: int) -> None:
    """Add a file of one row, as no writer of ours does."""
    path = tables.root / REJECTED_LEADS.name
    if path.exists():
        write_deltalake(path, rejected(batch, row), mode="append")
    else:
        tables.replace(REJECTED_LEADS, rejected(batch, row), [batch])


class TestAnOpenTable:
    def test_what_others_write_is_seen(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        assert rows_of(tables, ONE) == [(ONE, 2)]
        Tables(tables.root).replace(REJECTED_LEADS, rejected(ONE, 3), [ONE])
        assert rows_of(tables, ONE) == [(ONE, 3)]

    def test_a_table_whose_log_was_shortened_meanwhile_is_opened_again(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2), [ONE])
        assert rows_of(tables, ONE) == [(ONE, 2)]
        other = Tables(tables.root)
        for row in range(3, 8):
            other.replace(REJECTED_LEADS, rejected(ONE, row), [ONE])
        newest = DeltaTable(tables.root / "rejected_leads")
        newest.create_checkpoint()
        for commit in (tables.root / "rejected_leads" / "_delta_log").glob("*.json"):
            if int(commit.stem) <= newest.version():
                commit.unlink()
        assert rows_of(tables, ONE) == [(ONE, 7)]

    def test_a_table_made_anew_is_not_mistaken_for_the_old_one(self, tables):
        tables.replace(REJECTED_LEADS, rejected(ONE, 2, 3), [ONE])
        assert rows_of(tables, ONE) == [(ONE, 2), (ONE, 3)]
        shutil.rmtree(tables.root / "rejected_leads")
        assert rows_of(tables, ONE) == []
        Tables(tables.root).replace(REJECTED_LEADS, rejected(ONE, 9), [ONE])
        assert rows_of(tables, ONE) == [(ONE, 9)]


class TestAddingOnly:
    """A table that only grows, by a key of growing numbers."""

    EVENTS = contracts.run_performance(())

    @classmethod
    def events(cls, *ids: int) -> pa.Table:
        rows = [
            {"event_id": n, "recorded_at": datetime.fromtimestamp(n, UTC), "batch_id": None, "batch_rows": n}
            for n in ids
        ]
        return pa.Table.from_pylist(rows, cls.EVENTS.schema)

    def stored(self, tables) -> list[int]:
        return sorted(tables.select(self.EVENTS, [], ["event_id"])["event_id"].to_pylist())

    def test_rows_are_added_once_however_often_they_are_given(self, tables):
        assert tables.add_new(self.EVENTS, self.events(3, 1)) == 2
        assert tables.add_new(self.EVENTS, self.events(1, 2, 3, 4)) == 2
        assert tables.add_new(self.EVENTS, self.events(2, 4)) == 0
        assert self.stored(tables) == [1, 2, 3, 4]

    def test_nothing_new_writes_nothing(self, tables):
        assert tables.add_new(self.EVENTS, self.events()) == 0
        assert not tables.root.exists()
        tables.add_new(self.EVENTS, self.events(1))
        version = DeltaTable(tables.root / self.EVENTS.name).version()
        assert tables.add_new(self.EVENTS, self.events(1)) == 0
        assert DeltaTable(tables.root / self.EVENTS.name).version() == version

    def test_what_does_not_fit_the_contract_is_refused(self, tables):
        with pytest.raises(ContractBroken):
            tables.add_new(self.EVENTS, self.events(1).drop(["batch_rows"]))

    def test_many_writers_of_the_same_rows_add_each_once(self, tables):
        def write(first: int) -> int:
            return sum(tables.add_new(self.EVENTS, self.events(*range(n, n + 10))) for n in range(first, first + 15, 5))

        with ThreadPoolExecutor(4) as pool:
            added = sum(pool.map(write, (1, 4, 7, 10)))
        assert self.stored(tables) == list(range(1, 30))
        assert added == 29

    def test_rows_are_selected_by_all_conditions_and_the_largest_value_is_known_without_reading(self, tables):
        assert tables.largest(self.EVENTS, "event_id") is None
        assert tables.select(self.EVENTS, [("event_id", ">", 1)]).schema == self.EVENTS.schema
        for n in (5, 9, 2):
            tables.add_new(self.EVENTS, self.events(n))
        at = datetime.fromtimestamp(5, UTC)
        found = tables.select(self.EVENTS, [("recorded_at", ">=", at), ("event_id", "<", 9)], ["event_id"])
        assert found["event_id"].to_pylist() == [5]
        assert tables.largest(self.EVENTS, "event_id") == 9
        assert tables.largest(self.EVENTS, "recorded_at") == datetime.fromtimestamp(9, UTC)

    def test_files_are_left_out_by_their_bounds_without_losing_a_row(self, tables):
        """Delta cuts moments off at the millisecond: the rows lie a few microseconds apart."""
        chance, start = random.Random(11), datetime(2026, 3, 2, tzinfo=UTC)
        moments = {n: start + timedelta(microseconds=chance.randrange(4_000)) for n in range(1, 41)}
        for first in range(1, 41, 4):
            rows = self.events(*range(first, first + 4))
            at = pa.array([moments[n] for n in rows["event_id"].to_pylist()], rows.schema.field("recorded_at").type)
            tables.add_new(self.EVENTS, rows.set_column(rows.column_names.index("recorded_at"), "recorded_at", at))
        sides = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
        for _ in range(60):
            number, moment = chance.randrange(42), chance.choice([*moments.values()])
            one, other = chance.choice([*sides]), chance.choice([*sides])
            found = tables.select(
                self.EVENTS, [("event_id", one, number), ("recorded_at", other, moment)], ["event_id"]
            )
            expected = [n for n, at in moments.items() if sides[one](n, number) and sides[other](at, moment)]
            assert sorted(found["event_id"].to_pylist()) == expected
            below = [n for n, at in moments.items() if at < moment]
            assert tables.largest_before(self.EVENTS, "event_id", "recorded_at", moment) == max(below, default=None)

    def test_only_files_that_may_hold_such_rows_are_opened(self, tables):
        for n in (1, 2, 3):
            tables.add_new(self.EVENTS, self.events(n))
        files = DeltaTable(tables.root / self.EVENTS.name).get_add_actions(flatten=True)
        for path, least in zip(*(pa.table(files)[name].to_pylist() for name in ("path", "min.event_id")), strict=True):
            if least < 3:
                (tables.root / self.EVENTS.name / path).write_bytes(b"not parquet")
        assert tables.select(self.EVENTS, [("event_id", ">", 2)], ["event_id"])["event_id"].to_pylist() == [3]
        with pytest.raises(EdgeFailed):
            tables.select(self.EVENTS, [("event_id", ">", 1)], ["event_id"])

    @pytest.mark.parametrize(
        ("files", "limit", "largest"),
        [
            ([(1, 2), (3, 4)], 3, 2),
            ([(1, 2), (3, 4)], 4, 3),
            ([(1, 4), (2, 3)], 4, 3),
            ([(1, 2, 3, 4)], 3, 2),
            ([(3, 4)], 3, None),
            ([(1, 2)], 9, 2),
            ([], 9, None),
        ],
    )
    def test_the_largest_below_a_limit_is_found_whatever_files_its_rows_lie_in(self, tables, files, limit, largest):
        for numbers in files:
            tables.add_new(self.EVENTS, self.events(*numbers))
        at = datetime.fromtimestamp(limit, UTC)
        assert tables.largest_before(self.EVENTS, "event_id", "recorded_at", at) == largest

    def test_no_file_is_read_for_it_where_none_has_rows_on_both_sides(self, tables, monkeypatch):
        for numbers in ((1, 2), (3, 4)):
            tables.add_new(self.EVENTS, self.events(*numbers))
        monkeypatch.setattr(tables, "select", None)
        at = datetime.fromtimestamp(3, UTC)
        assert tables.largest_before(self.EVENTS, "event_id", "recorded_at", at) == 2

    def test_it_is_maintained_like_the_others(self, tables):
        for n in range(1, 6):
            tables.add_new(self.EVENTS, self.events(n))
        upkeep = tables.maintain(self.EVENTS, timedelta(days=1))
        assert (upkeep.files_before, upkeep.files) == (5, 1)
        assert tables.add_new(self.EVENTS, self.events(5, 6)) == 1
        assert self.stored(tables) == [1, 2, 3, 4, 5, 6]

    def test_a_damaged_table_says_which(self, tables):
        tables.add_new(self.EVENTS, self.events(1))
        for file in (tables.root / self.EVENTS.name).glob("*.parquet"):
            file.write_bytes(b"not parquet")
        with pytest.raises(EdgeFailed, match="run_performance"):
            tables.select(self.EVENTS, [])
