import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.contracts import FIELDS, LEADS, RAW_LEADS, REJECTED_LEADS
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.validation import REJECTIONS, RULES, WARNINGS, validate
from leadscout_assets.terms import Reason, Warn
from tests import scenario

KEY = b"a key of the tests"
BATCH = "2024-03-01_list_0123abcd"
OTHER_BATCH = "2024-03-02_list_0123abcd"
Row = Mapping[str, Any]

FEW = settings(max_examples=25)
"""Each example here is many rows through the whole of validation."""

# Few values, so that rows repeat each other, and dirt of every column.
BUSINESSES = st.sampled_from(
    ["KUDU TRADING CC", "Kudu  Trading", "SABLE FUEL", "N/A", "TOTAL", "60", "", None]
) | st.text(max_size=9)
DIRECTORS = st.sampled_from(
    ["THANDI NKOSI", "NKOSI, THANDI", "JOHN SMITH", "Madonsela", "TBC", "61", "", None]
) | st.text(max_size=9)
CELLS = st.sampled_from(["0850000001", "850000001", "0850000002 / 0850000003", "123", "N/A", None]) | st.text(
    max_size=9
)
ANYTHING = st.none() | st.text(max_size=9)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "batch_id": st.sampled_from([BATCH, OTHER_BATCH]),
            "entity_name": BUSINESSES,
            "director_name": DIRECTORS,
            "director_cell": CELLS,
            "contact_number": CELLS,
            **{field: ANYTHING for field in FIELDS if field.startswith(("registered", "keyword", "trading", "email"))},
            "extra": st.none() | st.just('{"Agent":"A"}'),
            "defect": st.sampled_from([None, None, None, None, "too_few_cells"]),
        }
    ),
    max_size=25,
)


def _raw(rows: Sequence[Row]) -> pa.Table:
    """One frame of RAW_LEADS from what the rows name; numbered from 2 within their batch."""
    seen: dict[object, int] = {}
    full = []
    for row in rows:
        batch = row.get("batch_id", BATCH)
        seen[batch] = seen.get(batch, 1) + 1
        blank: dict[str, object] = dict.fromkeys(RAW_LEADS.schema.names)
        full.append({**blank, "batch_id": batch, "source_row": seen[batch], "source_line": seen[batch], **row})
    return pa.Table.from_pylist(full, schema=RAW_LEADS.schema)


def _row(business: str | None = "KUDU TRADING", director: str | None = "THANDI NKOSI", **other: Any) -> Row:
    return {"entity_name": business, "director_name": director, **other}


def _leads(*rows: Row) -> list[dict[str, Any]]:
    return [dict(row) for row in validate(_raw(rows), KEY)[0].to_pylist()]


def _rejected(*rows: Row) -> list[dict[str, Any]]:
    return [dict(row) for row in validate(_raw(rows), KEY)[1].to_pylist()]


def _warnings(**cells: Any) -> list[str]:
    (lead,) = _leads(_row(**cells))
    return list(lead["warnings"])


@pytest.fixture(params=["csv", "xlsx"])
def delivered(request: pytest.FixtureRequest, tmp_path: Path) -> pa.Table:
    write = scenario.scenario_csv if request.param == "csv" else scenario.scenario_xlsx
    path = write(tmp_path / f"leads.{request.param}")
    return read_lead_list(path, batch_id=scenario.BATCH_ID, limits=scenario.LIMITS)


def test_every_row_of_the_scenario_ends_as_expected(delivered: pa.Table) -> None:
    leads, rejected = validate(delivered, KEY)
    got: dict[int, tuple[str, ...]] = dict.fromkeys(leads["source_row"].to_pylist(), ())
    got |= {row["source_row"]: tuple(row["reasons"]) for row in rejected.to_pylist()}
    assert got == {number: tuple(map(str, reasons)) for number, reasons in scenario.expected_by_row().items()}


def test_ragged_rows_are_rejected_for_that_alone(tmp_path: Path) -> None:
    path = scenario.scenario_csv(tmp_path / "leads.csv", ragged=True)
    raw = read_lead_list(path, batch_id=scenario.BATCH_ID, limits=scenario.LIMITS)
    rejected = validate(raw, KEY)[1].to_pylist()
    got = {row["source_row"]: tuple(row["reasons"]) for row in rejected}
    expected = {number: reasons for number, reasons in scenario.expected_by_row(ragged=True).items() if reasons}
    assert got == {number: tuple(map(str, reasons)) for number, reasons in expected.items()}


@FEW
@given(ROWS)
def test_every_row_becomes_a_lead_or_a_rejected_row_and_a_duplicate_names_an_earlier_lead(rows: list[Row]) -> None:
    raw = _raw(rows)
    leads, rejected = validate(raw, KEY)
    assert LEADS.fit(leads).num_rows + REJECTED_LEADS.fit(rejected).num_rows == raw.num_rows

    def keys(frame: pa.Table) -> set[tuple[str, int]]:
        return set(zip(frame["batch_id"].to_pylist(), frame["source_row"].to_pylist(), strict=True))

    assert keys(leads) | keys(rejected) == keys(raw)
    assert all(rejected["reasons"].to_pylist())
    assert len({(row["batch_id"], row["lead_id"]) for row in leads.to_pylist()}) == leads.num_rows
    for row in rejected.to_pylist():
        assert (Reason.DUPLICATE in row["reasons"]) == (row["duplicate_of"] is not None)
        if row["duplicate_of"] is not None:
            assert row["duplicate_of"] < row["source_row"]
            assert (row["batch_id"], row["duplicate_of"]) in keys(leads)


@FEW
@given(ROWS)
def test_batches_together_give_what_they_give_alone(rows: list[Row]) -> None:
    raw = _raw(rows)
    together = validate(raw, KEY)
    for batch in (BATCH, OTHER_BATCH):
        alone = validate(raw.filter(pc.equal(raw["batch_id"], batch)), KEY)
        for frame, part in zip(together, alone, strict=True):
            assert frame.filter(pc.equal(frame["batch_id"], batch)).to_pylist() == part.to_pylist()


def test_no_rows_give_no_rows() -> None:
    leads, rejected = validate(_raw([]), KEY)
    assert (leads.num_rows, rejected.num_rows) == (0, 0)


def test_a_chunked_frame_gives_what_a_whole_one_gives() -> None:
    rows = [_row(), _row("SABLE", "JOHN SMITH"), _row(), _row(None)]
    raw = _raw(rows)
    chunked = pa.concat_tables([raw.slice(0, 1), raw.slice(1, 2), raw.slice(3)])
    assert [frame.to_pylist() for frame in validate(chunked, KEY)] == [
        frame.to_pylist() for frame in validate(raw, KEY)
    ]


def test_all_reasons_that_apply_are_listed() -> None:
    (row,) = _rejected(_row("TBC", "", keyword="PLUMBERS"))
    assert row["reasons"] == [Reason.UNUSABLE_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME]


@pytest.mark.parametrize(
    "totals",
    [
        _row("20000", "19987", director_cell="19000"),
        _row("TOTAL", None, keyword="20000"),
        _row("Grand Total", "20000"),
        _row("TOTAL", "TOTAL", keyword="20000"),
        _row("Totaal: 20 000", None),
        _row(None, None, keyword="TOTAL", director_cell="20000"),
        _row(None, None, trading_as_name="12", registered_address_city="8"),
        _row("1,5E+10", None, registered_address="20000"),
        _row("Totaal", None, keyword="R 11.00"),
        _row(None, None, keyword="R 11,00"),
        _row("Total: 2 leads", None),
        _row("Total leads", "1 director"),
        _row("1 lead", None),
        _row("1", "1", extra='{"Amount": "R 11.00"}'),
        _row(None, None, extra='{"Count": "1 lead"}'),
    ],
)
def test_a_last_row_of_totals_is_known_as_such(totals: Row) -> None:
    (row,) = _rejected(_row(), totals)
    assert row["reasons"] == [Reason.TOTALS_ROW]


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        (_row("TOTAL", "THANDI NKOSI"), []),
        (_row("TOTAL ENERGY STATION CC", None), [Reason.MISSING_DIRECTOR_NAME]),
        (_row(None, None, director_cell="0850000001"), [Reason.MISSING_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME]),
        (
            _row("20000", None, registered_address="1 A STREET"),
            [Reason.UNUSABLE_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME],
        ),
        (_row("TOTAL", None, keyword="FUEL STATION"), [Reason.MISSING_DIRECTOR_NAME]),
        (
            _row("20000", None, extra='{"Notes":"see below"}'),
            [Reason.UNUSABLE_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME],
        ),
        (_row("20000", "THANDI NKOSI"), [Reason.UNUSABLE_BUSINESS_NAME]),
    ],
)
def test_a_last_row_with_words_in_it_is_no_totals_row(row: Row, reasons: list[Reason]) -> None:
    assert [reason for rejected in _rejected(_row("SABLE"), row) for reason in rejected["reasons"]] == reasons


@pytest.mark.parametrize(
    "header",
    [
        _row("EntityName", "DirectorName"),
        _row("ENTITY_NAME", "DIRECTOR_NAME", keyword="KEYWORD", director_cell="DIRECTOR_CELL"),
        _row("Company", "Director's Name", contact_number="Tel No", extra='{"Agent": "Agent"}'),
    ],
)
def test_the_header_once_more_is_no_lead_and_is_rejected_for_that_alone(header: Row) -> None:
    """Lists pasted together had a lead "EntityName" with the surname "DirectorName"; the second one was its duplicate."""
    rows = [_row(), header, _row("SABLE"), header]
    rejected = _rejected(*rows)
    assert [(row["source_row"], row["reasons"], row["duplicate_of"]) for row in rejected] == [
        (3, [Reason.REPEATED_HEADER], None),
        (5, [Reason.REPEATED_HEADER], None),
    ]
    assert [lead["entity_name"] for lead in _leads(*rows)] == ["KUDU TRADING", "SABLE"]


AMOUNTS = (_row(extra='{"Amount": "5"}'), _row("SABLE", "JOHN SMITH", extra='{"Amount": "R 1 000,50", "Note": "x"}'))
NAMELESS = [Reason.MISSING_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME]


@pytest.mark.parametrize(
    ("totals", "reasons"),
    [
        (_row(None, None, extra='{"Amount": "1,005.50"}'), [Reason.TOTALS_ROW]),
        (_row(None, None, extra='{"Amount": "2"}'), [Reason.TOTALS_ROW]),
        (_row(None, None, extra='{"Amount": "R 1005.5", "Rank": "7"}'), [Reason.TOTALS_ROW]),
        (_row(None, None, extra='{"Amount": "17"}'), NAMELESS),
        (_row(None, None, extra='{"Amount": "2", "Note": "see below"}'), NAMELESS),
        (_row(None, None, extra='{"Amount": "2"}', registered_address="1 A STREET"), NAMELESS),
        (_row(None, None, extra='{"Rank": "0"}'), NAMELESS),
        (_row("KUDU", None, extra='{"Amount": "2"}'), [Reason.MISSING_DIRECTOR_NAME]),
        (_row("KUDU", "MADONSELA", extra='{"Amount": "2"}'), []),
    ],
)
def test_a_sum_in_a_column_that_is_not_recognised_is_one_of_what_stands_above(
    totals: Row, reasons: list[Reason]
) -> None:
    rows = [{**row, "batch_id": batch} for batch in (BATCH, OTHER_BATCH) for row in (*AMOUNTS, totals)]
    assert [row["reasons"] for row in _rejected(*rows)] == ([reasons] * 2 if reasons else [])


def test_a_count_in_a_telephone_column_is_one_of_the_numbers_above() -> None:
    above = (_row(director_cell="0850000001"), _row("SABLE", "JOHN SMITH"))
    assert [row["reasons"] for row in _rejected(*above, _row(None, None, director_cell="1"))] == [[Reason.TOTALS_ROW]]
    assert [row["reasons"] for row in _rejected(*above, _row(None, None, director_cell="2"))] == [NAMELESS]


@pytest.mark.parametrize(
    "footer",
    [
        _row("Prepared by the office", None, source_row=6),
        _row(None, None, keyword="Prepared by the office", source_row=6),
        _row(None, None, extra='{"Note": "Prepared by the office"}', source_row=6),
        _row(None, None, defect="too_few_cells", defect_text="Prepared by the office", source_row=6),
    ],
)
def test_a_footer_may_stand_below_the_totals(footer: Row) -> None:
    totals, below = _rejected(_row(), _row("SABLE", "JOHN SMITH"), _row("2", "2", director_cell="2"), footer)
    assert totals["reasons"] == [Reason.TOTALS_ROW]
    assert Reason.TOTALS_ROW not in below["reasons"]


def test_many_rows_with_one_cell_are_no_footer() -> None:
    reasons = [
        row["reasons"] for row in _rejected(_row(), _row("2", "2"), *[_row(f"KUDU {n}", None) for n in range(6)])
    ]
    assert reasons[0] == [Reason.UNUSABLE_BUSINESS_NAME, Reason.UNUSABLE_DIRECTOR_NAME]


def test_a_business_alone_below_a_row_of_numbers_stays_what_it_is() -> None:
    rows = [_row(), _row("2", "2"), _row("KUDU 7", None, director_cell="0850000001")]
    assert [Reason.TOTALS_ROW in row["reasons"] for row in _rejected(*rows)] == [False, False]


def test_numbers_above_the_last_row_are_unusable_names_not_totals() -> None:
    (row,) = _rejected(_row("60", "61", keyword="1"), _row())
    assert row["reasons"] == [Reason.UNUSABLE_BUSINESS_NAME, Reason.UNUSABLE_DIRECTOR_NAME]


@pytest.mark.parametrize(
    ("business", "director"),
    [
        ("Kudu  Trading", "thandi nkosi"), ("KUDU TRADING (PTY) LTD", "NKOSI, THANDI"), ("KUDU TRADING T/A K", "Thandi  Nkosi"),
        ("KUDU-TRADING", "TH\u00c1NDI NKOSI"), ("KUDU\u00a0TRADING CC", "MS THANDI NKOSI"),
    ],
)  # fmt: skip
def test_a_repeated_business_and_director_are_a_duplicate_however_written(business: str, director: str) -> None:
    (row,) = _rejected(_row("SABLE"), _row(), _row(business, director))
    assert (row["source_row"], row["reasons"], row["duplicate_of"]) == (4, [Reason.DUPLICATE], 3)


def test_only_a_lead_can_be_repeated() -> None:
    rows = [_row(defect="too_few_cells"), _row(), _row()]
    assert [row["duplicate_of"] for row in _rejected(*rows)] == [None, 3]


def test_batches_do_not_repeat_each_other() -> None:
    leads = _leads(_row(), _row(batch_id=OTHER_BATCH))
    assert len(leads) == 2
    assert leads[0]["lead_id"] == leads[1]["lead_id"]


def test_the_same_director_and_cell_under_another_business_is_a_lead_with_a_warning() -> None:
    first, second, third = _leads(
        _row(director_cell="0850000001"),
        _row("SABLE", director_cell="+27850000001"),
        _row("IBIS", director_cell="0850000002"),
    )
    assert (first["same_director_as"], second["same_director_as"], third["same_director_as"]) == (None, 2, None)
    assert Warn.SAME_DIRECTOR_AS in second["warnings"]


def test_a_rejected_row_is_kept_as_delivered() -> None:
    (row,) = _rejected(_row("  TBC ", keyword="PLUMBERS", extra='{"Agent":"A"}'))
    kept = {"entity_name": "  TBC ", "director_name": "THANDI NKOSI", "keyword": "PLUMBERS", "Agent": "A"}
    assert json.loads(str(row["row"])) == kept


def test_a_ragged_row_is_kept_as_text() -> None:
    (row,) = _rejected(_row(None, None, defect="too_few_cells", defect_text="KUDU,THANDI"))
    assert json.loads(str(row["row"])) == {"defect": "too_few_cells", "defect_text": "KUDU,THANDI"}


@pytest.mark.parametrize(
    ("cells", "warning"),
    [
        ({"director_name": "MADONSELA"}, Warn.DIRECTOR_SINGLE_NAME),
        ({"contact_number": "123"}, Warn.CONTACT_NUMBER_UNUSABLE),
        ({"cell_number": "123"}, Warn.CELL_NUMBER_UNUSABLE),
        ({"director_cell": "123"}, Warn.DIRECTOR_CELL_UNUSABLE),
        ({"director_cell": "0110123456"}, Warn.DIRECTOR_CELL_NOT_MOBILE),
        ({}, Warn.NO_PHONE),
        ({"email_address": "info at example"}, Warn.EMAIL_UNUSABLE),
        ({}, Warn.NO_ADDRESS),
        ({"registered_address_city": "LIMPOPO"}, Warn.CITY_UNUSABLE),
        ({}, Warn.PROVINCE_UNKNOWN),
        ({"registered_address_city": "DURBAN", "registered_address_province": "GP"}, Warn.PROVINCE_DISAGREES),
        ({"registered_address_city": "12345"}, Warn.POSTAL_CODE_UNUSABLE),
        ({"registered_address_city": "157"}, Warn.POSTAL_CODE_REPAIRED),
        ({"entity_name": "KUDU CC (PTY) LTD"}, Warn.COMPANY_TYPE_CONFLICT),
    ],
)
def test_each_defect_that_a_lead_survives_is_a_warning(cells: Row, warning: Warn) -> None:
    named = {"business": cells.get("entity_name", "KUDU"), "director": cells.get("director_name", "THANDI NKOSI")}
    assert warning in _warnings(
        **named, **{k: v for k, v in cells.items() if k not in ("entity_name", "director_name")}
    )


def test_a_lead_without_defects_has_no_warning() -> None:
    assert _warnings(
        director_cell="0850000001", email_address="info@example.co.za", registered_address="12 A STREET, SANDTON, 2196",
        registered_address_city="SANDTON", registered_address_province="GAUTENG",
    ) == []  # fmt: skip


def test_further_numbers_of_all_phone_cells_are_kept_once() -> None:
    (lead,) = _leads(
        _row(
            contact_number="0110123456 / 0850000002",
            cell_number="0850000001",
            director_cell="0850000001/0850000002/0850000003",
        )
    )
    assert lead["other_numbers"] == ["+27850000002", "+27850000003"]


def test_the_trading_name_within_the_name_fills_a_blank_trading_name_only() -> None:
    within, given_ = _leads(_row("KUDU T/A CORNER CAFE"), _row("SABLE T/A CORNER CAFE", trading_as_name="SABLE  SHOP"))
    assert (within["trading_as_name"], given_["trading_as_name"]) == ("CORNER CAFE", "SABLE SHOP")


def test_the_frame_that_was_passed_in_is_not_changed() -> None:
    raw = _raw([_row(), _row(None)])
    before = raw.to_pylist()
    validate(raw, KEY)
    assert raw.to_pylist() == before


def test_every_code_has_exactly_one_rule_with_a_sentence() -> None:
    assert [rule.code for rule in REJECTIONS] == list(Reason)
    assert [rule.code for rule in WARNINGS] == list(Warn)
    assert (*REJECTIONS, *WARNINGS) == RULES
    assert all(rule.sentence.endswith(".") and len(rule.sentence) > 20 for rule in RULES)
