"""Synthetic deliveries: their shape, their dirt, and that they can be read."""

import hashlib
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from leadscout_assets.errors import BadInput
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.marker import MARKER_COLUMN
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.synthetic import COLUMNS, RATES, WORK_COLUMNS, generate, write_delivery
from leadscout_assets.leads.validation import validate
from tests.scenario import BATCH_ID, LIMITS

ROWS = 3_000


@pytest.fixture(scope="module")
def delivery() -> pa.Table:
    return generate(ROWS, seed=7)


def test_a_delivery_has_seventeen_columns_of_which_six_are_empty_work_columns_and_the_mark_of_generated_rows(
    delivery: pa.Table,
) -> None:
    assert delivery.column_names == [*COLUMNS, *WORK_COLUMNS, MARKER_COLUMN]
    assert len(COLUMNS) == 11
    empty = [name for name in delivery.column_names if delivery[name].null_count >= ROWS - 1]
    assert empty == list(WORK_COLUMNS)


def test_the_last_row_is_the_column_totals(delivery: pa.Table) -> None:
    assert delivery.num_rows == ROWS
    last = delivery.slice(ROWS - 1).to_pylist()[0]
    assert (last["EntityName"], last["Status"]) == (str(ROWS - 1), None)
    assert last["EmailAddress"] == str(ROWS - delivery["EmailAddress"].null_count - 1)


@pytest.mark.parametrize("rows", [1, 2, 3, 50])
def test_small_deliveries_have_the_rows_asked_for(rows: int) -> None:
    assert generate(rows, seed=1).num_rows == rows


def test_no_rows_are_a_usage_error() -> None:
    with pytest.raises(BadInput, match="--rows"):
        generate(0, seed=1)


def test_the_suffix_must_be_one_that_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\.xlsx or a \.csv"):
        write_delivery(tmp_path / "list.ods", 5, seed=1)


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, suffix: str) -> None:
    digests = []
    for number, seed in enumerate((3, 3, 4)):
        path = tmp_path / f"{number}{suffix}"
        write_delivery(path, 40, seed)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_over_99_percent_become_leads_and_the_rest_is_deliberate(tmp_path: Path) -> None:
    write_delivery(tmp_path / "list.csv", ROWS, seed=7)
    raw = read_lead_list(tmp_path / "list.csv", batch_id=BATCH_ID, limits=LIMITS)
    leads, rejected = validate(raw, b"0123456789abcdef")
    assert leads.num_rows + rejected.num_rows == ROWS
    assert leads.num_rows > 0.99 * ROWS
    reasons = pc.value_counts(pc.list_flatten(rejected["reasons"])).to_pylist()
    counts = {reason["values"]: reason["counts"] for reason in reasons}
    assert counts.pop("totals_row") == 1
    assert counts.pop("duplicate") >= round(RATES["duplicate"] * ROWS) * 0.5
    assert set(counts) <= {"unusable_director_name"}


def test_both_formats_hold_the_same_leads(tmp_path: Path) -> None:
    tables = []
    for suffix in (".xlsx", ".csv"):
        path = tmp_path / f"list{suffix}"
        write_delivery(path, 400, seed=5)
        assert count_rows(path, limits=LIMITS) == 400
        tables.append(read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).drop_columns(["source_line"]))
    assert tables[0].equals(tables[1])


def test_directors_cells_of_a_workbook_are_text_numbers_and_numbers_with_zeros(tmp_path: Path) -> None:
    write_delivery(tmp_path / "list.xlsx", 400, seed=5)
    page = openpyxl.load_workbook(tmp_path / "list.xlsx").active
    cells = [page.cell(row, COLUMNS.index("DirectorCell") + 1) for row in range(2, 401)]
    kinds = {(type(cell.value).__name__, cell.number_format) for cell in cells}
    assert {("str", "General"), ("int", "General"), ("int", "0000000000")} <= kinds


def test_the_dirt_is_there_in_about_its_rates(delivery: pa.Table) -> None:
    leads = delivery.slice(0, ROWS - 1)

    def share(column: str, pattern: str) -> float:
        return float(pc.sum(pc.match_substring_regex(leads[column], pattern)).as_py() / leads.num_rows)

    for column, rate in (("ContactNumber", "contact_number_empty"), ("EmailAddress", "email_empty")):
        assert leads[column].null_count / leads.num_rows == pytest.approx(RATES[rate], abs=0.02)
    assert share("DirectorCell", r"^\+27\d{9}$") == pytest.approx(RATES["cell_plus_27"], abs=0.03)
    assert share("DirectorCell", r"^\d{9}$") == pytest.approx(RATES["cell_lost_zero"], abs=0.03)
    assert share("DirectorName", ",") == pytest.approx(RATES["surname_first"], abs=0.02)
    # Only apostrophes became backticks, and hardly any surname has one: there was none in 20,000 rows.
    assert share("DirectorName", "`") == pytest.approx(RATES["backtick"], rel=0.5)
    assert share("RegisteredAddressCity", r"^\d+\s*$") == pytest.approx(RATES["city_digits"], abs=0.02)
    assert share("EntityName", "  ") > 0
    assert share("EntityName", "\u00a0") > 0
    assert share("EntityName", "^[^a-z]+$") > 0.9


def test_provinces_come_in_some_three_hundred_spellings() -> None:
    spellings = set(generate(20_000, seed=1)["RegisteredAddressProvince"].to_pylist())
    assert 250 <= len(spellings) <= 400
    assert {"KWA-ZULU NATAL", "KWA - ZULU NATAL"} <= spellings


def test_telephone_numbers_and_addresses_reach_nobody(delivery: pa.Table) -> None:
    leads = delivery.slice(0, ROWS - 1)
    for cell in leads["DirectorCell"].drop_null().to_pylist():
        digits = "".join(letter for letter in cell.removesuffix(".0") if letter.isdigit())
        assert "85" in digits or len(digits) < 4
    for address in leads["EmailAddress"].drop_null().to_pylist():
        name, _, domain = address.lower().partition("@")
        assert "example" in domain or len(name) <= 5 or not domain
