"""Facts are counted anew from each table and file: what is altered on the disk, or lost from a table, shows."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from leadscout_assets import contracts
from leadscout_assets.checks import CHECKS, BatchFacts, Limits
from leadscout_assets.contracts import Contract
from leadscout_assets.facts import NEEDED, gather, record_figures
from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.reports.writing import write_reports
from tests.reports.samples import BATCH, PURPOSE, small_batch

OTHER = "2026-03-03_list_89abcdef"
ABSENT = "2026-03-04_list_00000000"
LIMITS = Limits(max_reject_rate=1, max_duplicate_rate=1, min_classification_coverage=0, max_warning_rate=1)


def moved(frame: pa.Table, batch: str) -> pa.Table:
    return frame.set_column(0, frame.schema.field(0), pa.array([batch] * frame.num_rows, pa.string()))


class Disk:
    """The tables and reports of two equal batches."""

    def __init__(self, reports_dir: Path) -> None:
        batch = small_batch()
        self.deliveries = [batch.delivery, replace(batch.delivery, batch_id=OTHER)]
        self.reports_dir = reports_dir
        frames = dict(
            zip(("raw_leads", "leads", "rejected_leads", "classifications", "lead_scores"), batch.frames(), strict=True)
        )
        self.tables = {name: pa.concat_tables([frame, moved(frame, OTHER)]) for name, frame in frames.items()}
        files = []
        for delivery in self.deliveries:
            own = [moved(frame, delivery.batch_id) for frame in batch.frames()]
            numbers = batch_numbers(delivery, *own, purpose=PURPOSE)
            files.append(write_reports(reports_dir / delivery.batch_id, numbers, *own[1:], max_workbook_rows=1_000))
        self.tables["lead_reports"] = pa.concat_tables(files)
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def read(self, contract: Contract, columns: Sequence[str]) -> pa.Table:
        self.asked.append((contract.name, tuple(columns)))
        return self.tables[contract.name].select(columns)

    def facts(self, assets: Sequence[str] = tuple(NEEDED), refusals: dict[str, str] | None = None) -> list[BatchFacts]:
        return gather(assets, self.deliveries, refusals or {}, self.read, self.reports_dir)

    def failing(self) -> dict[str, set[str]]:
        return {
            found.batch_id: {f"{c.asset}.{c.name}" for c in CHECKS if not c.judge(found, LIMITS).passed}
            for found in self.facts()
        }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    Disk(folder)
    return folder


@pytest.fixture
def disk(tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    shutil.copytree(written, tmp_path / "reports")
    found = Disk.__new__(Disk)
    # Written once for all tests: the same input gives the same bytes.
    monkeypatch.setattr("tests.test_facts.write_reports", lambda folder, *_, **__: _describe(folder))
    found.__init__(tmp_path / "reports")
    return found


def _describe(folder: Path) -> pa.Table:
    import hashlib

    rows = [
        {
            "batch_id": folder.name,
            "kind": path.suffix[1:],
            "path": f"{folder.name}/{path.name}",
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
    ]
    return pa.Table.from_pylist(rows, contracts.LEAD_REPORTS.schema)


def test_each_batch_is_counted_by_itself(disk):
    for batch, found in zip((BATCH, OTHER), disk.facts(), strict=True):
        assert found.batch_id == batch
        assert (found.delivered, found.raw, found.leads, found.rejected, found.scores) == (6, 6, 4, 2, 4)
        assert (found.classifications, found.answered, found.narrowed, found.abstained) == (4, 2, 1, 1)
        assert found.reasons == {"duplicate": 1, "missing_business_name": 1, "unusable_director_name": 1}
        assert found.warnings == {"no_address": 2, "no_phone": 2, "province_unknown": 1}
        assert (found.report.leads, found.report.rejected, found.report.altered_files) == (4, 2, ())
    assert disk.failing() == {BATCH: set(), OTHER: set()}


def test_a_batch_that_no_table_has_counts_nothing(disk):
    disk.deliveries = [replace(disk.deliveries[0], batch_id=ABSENT)]
    (found,) = disk.facts()
    assert (found.raw, found.leads, found.rejected, found.classifications, found.scores) == (0, 0, 0, 0, 0)
    assert (found.reasons, found.warnings, found.report) == ({}, {}, None)


def test_frames_of_no_rows_can_be_counted(disk):
    disk.tables = {name: frame.slice(0, 0) for name, frame in disk.tables.items()}
    assert [found.leads for found in disk.facts()] == [0, 0]


def test_answers_refused_for_want_of_a_purpose_are_counted_apart(disk):
    frame = disk.tables["classifications"]
    place = frame.column_names.index("method")
    methods = pa.array(["no_purpose"] * frame.num_rows, pa.string())
    disk.tables["classifications"] = frame.set_column(place, frame.schema.field(place), methods)
    assert [found.without_purpose for found in disk.facts()] == [4, 4]


def test_a_refusal_is_told_of_its_batch_alone(disk):
    assert [found.refusal for found in disk.facts(refusals={OTHER: "save it anew"})] == [None, "save it anew"]


@pytest.mark.parametrize("asset", NEEDED)
def test_only_what_an_assets_checks_need_is_read(disk, asset):
    disk.facts([asset])
    assert sorted(name for name, _ in disk.asked) == sorted(contract.name for contract in NEEDED[asset])
    assert not [columns for _, columns in disk.asked if {"entity_name", "director_surname", "row"} & set(columns)]


@pytest.mark.parametrize("asset", NEEDED)
def test_the_facts_of_one_asset_suffice_for_its_checks(disk, asset):
    for found in disk.facts([asset]):
        for check in CHECKS:
            if check.asset == asset:
                assert check.judge(found, LIMITS).passed, check


@pytest.mark.parametrize("table", ["raw_leads", "leads", "rejected_leads", "classifications", "lead_scores"])
def test_a_row_lost_from_any_table_fails_the_check_of_its_batch_and_of_no_other(disk, table):
    disk.tables[table] = disk.tables[table].slice(1)
    failing = disk.failing()
    assert f"{table}.conservation" in failing[BATCH]
    assert failing[OTHER] == set()


@pytest.mark.parametrize("table", ["raw_leads", "leads", "rejected_leads", "classifications", "lead_scores"])
def test_a_row_doubled_in_any_table_fails_the_check_of_its_batch(disk, table):
    disk.tables[table] = pa.concat_tables([disk.tables[table], disk.tables[table].slice(0, 1)])
    failing = disk.failing()
    assert f"{table}.conservation" in failing[BATCH]
    assert failing[OTHER] == set()


def file_of(disk: Disk, kind: str, batch: str = BATCH) -> Path:
    return disk.reports_dir / batch / f"{batch}.{kind}"


@pytest.mark.parametrize("kind", ["xlsx", "html", "pdf"])
@pytest.mark.parametrize("change", ["one byte", "cut short", "deleted", "not recorded"])
def test_a_report_file_that_is_not_as_written_is_noticed_and_named(disk, kind, change):
    path = file_of(disk, kind)
    content = path.read_bytes()
    if change == "one byte":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif change == "cut short":
        path.write_bytes(content[:100])
    elif change == "deleted":
        path.unlink()
    else:
        frame = disk.tables["lead_reports"]
        kept = [not (row["batch_id"] == BATCH and row["kind"] == kind) for row in frame.to_pylist()]
        disk.tables["lead_reports"] = frame.filter(pa.array(kept))
    found, other = disk.facts()
    assert found.report.altered_files == (kind,)
    assert other.report.altered_files == ()
    failing = disk.failing()
    assert "lead_reports.report_totals" in failing[BATCH]
    assert failing[OTHER] == set()


def rewritten(disk: Disk, part: str, change) -> None:
    """Change one part of the workbook as a defect of the writer would: recorded with the digest it then has."""
    path = file_of(disk, "xlsx")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    assert change(parts[part]) != parts[part]
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    disk.tables["lead_reports"] = pa.concat_tables([_describe(disk.reports_dir / batch) for batch in (BATCH, OTHER)])


@pytest.mark.parametrize("total", ["delivered", "leads", "rejected", "answered", "narrowed", "abstained"])
def test_a_total_that_the_workbook_gets_wrong_is_noticed(disk, total):
    value = re.compile(rb'(name="leadscout rows ' + total.encode() + rb'"[^>]*><vt:[a-z0-9]+>)\d+')
    rewritten(disk, "docProps/custom.xml", lambda xml: value.sub(rb"\g<1>77", xml))
    assert disk.failing() == {BATCH: {"lead_reports.report_totals"}, OTHER: set()}


def test_a_row_missing_from_a_sheet_is_noticed(disk):
    with zipfile.ZipFile(file_of(disk, "xlsx")) as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
    part = f"xl/worksheets/sheet{names.index('Leads') + 1}.xml"
    rewritten(disk, part, lambda xml: re.sub(rb"(.*)<row .*?</row>", rb"\1", xml, flags=re.DOTALL))
    assert "lead_reports.conservation" in disk.failing()[BATCH]


def test_a_run_record_is_told_the_warnings_the_answers_and_the_reports_of_the_rows_made():
    batch = small_batch()
    leads, classified = batch.leads, batch.classifications
    found = record_figures(classified)
    assert sum(found.values()) == classified.num_rows
    assert set(found) <= {"answered", "narrowed", "abstained"}
    assert found.get("answered", 0) == classified.num_rows - classified["origin"].null_count
    assert record_figures(leads) == {"warnings": sum(map(len, leads["warnings"].to_pylist()))}
    assert record_figures(contracts.LEADS.empty()) == {"warnings": 0}
    files = [
        {"batch_id": b, "kind": k, "path": "p", "bytes": 1, "sha256": "0" * 64}
        for b in (BATCH, OTHER)
        for k in ("pdf", "html")
    ]
    assert record_figures(pa.Table.from_pylist(files, contracts.LEAD_REPORTS.schema)) == {"reports": 2}
    assert record_figures(batch.raw) == {}
