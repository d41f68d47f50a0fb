"""Synthetic deliveries of the shape and dirt of real ones, for demonstrations, benchmarks and tests.

How a single cell comes about is synthetic_columns.py's; the words are data files, the rates of dirt are all here.
"""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from leadscout_assets.errors import BadInput
from leadscout_assets.leads.marker import MARKER, MARKER_COLUMN
from leadscout_assets.leads.synthetic_columns import Dice, businesses, cells, contacts, directors, emails, places
from leadscout_assets.pace import Tell, part, told, untold

if TYPE_CHECKING:
    import xlsxwriter.worksheet

RATES = MappingProxyType(
    {
        # Shares of all rows, 0..1, after a real delivery of 20,000 rows.
        "trading_as_empty": 0.88,
        "keyword_empty": 0.02,
        "contact_number_empty": 0.97,
        "cell_number_empty": 0.80,
        "email_empty": 0.97,
        "address_empty": 0.03,
        "mixed_case": 0.03,
        "double_space": 0.02,
        "no_break_space": 0.01,
        "space_at_end": 0.03,
        # The rows that do not become leads: together below 1 %, with the totals row.
        "duplicate": 0.004,
        "director_unusable": 0.001,
        # One person with several businesses: director and cell of an earlier row.
        "same_director": 0.010,
        # The director's name.
        "surname_first": 0.05,
        "title": 0.02,
        "initials": 0.05,
        "hyphenated": 0.01,
        "backtick": 0.005,
        "single_name": 0.004,
        # The director's cell; what is left is ten digits with the leading zero.
        "cell_plus_27": 0.14,
        "cell_lost_zero": 0.16,
        "cell_27": 0.02,
        "cell_spaced": 0.02,
        "cell_dashed": 0.005,
        "cell_0027": 0.003,
        "cell_trunk_zero": 0.003,
        "cell_float": 0.004,
        "cell_two": 0.004,
        "cell_unusable": 0.004,
        "cell_missing": 0.02,
        # E-mail addresses: shares of those that are filled.
        "email_free": 0.40,
        "email_capitals": 0.20,
        "email_unusable": 0.05,
        # Town and province.
        "city_empty": 0.03,
        "city_digits": 0.02,
        "city_province": 0.02,
        "province_empty": 0.03,
        "province_spelled": 0.22,
        "province_postcode": 0.02,
        "province_city": 0.03,
        # In XLSX only: of the ten-digit cells, those that are numbers shown with the format 0000000000.
        "cell_zero_format": 0.30,
    }
)

COLUMNS = (
    "EntityName", "TradingAsName", "Keyword", "ContactNumber", "CellNumber", "EmailAddress", "RegisteredAddress",
    "RegisteredAddressCity", "RegisteredAddressProvince", "DirectorName", "DirectorCell",
)  # fmt: skip
WORK_COLUMNS = ("Agent", "Date Called", "Outcome", "Call Back", "Notes", "Status")
"""Empty columns that the people who call the leads fill in. Behind them stands the mark of generated rows, `marker`."""

_UNTIDY = ("EntityName", "TradingAsName", "RegisteredAddress", "RegisteredAddressCity", "DirectorName")
_ZERO_FORMAT = "0000000000"
_ROWS_AT_ONCE = 20_000


def generate(rows: int, seed: int) -> pa.Table:
    """Return a delivery of `rows` rows, the last one its column totals, as text; null where a cell is empty.

    The same rows and seed give the same table with the same release of LeadScout. Raises `BadInput` below one row.
    """
    if rows < 1:
        raise BadInput("a delivery needs at least one row: ask for --rows 1 or more")
    leads = max(rows - 1, 1)
    dice = Dice(np.random.default_rng(seed), leads, RATES)
    person = directors(dice)
    names = businesses(dice, person.surnames)
    place = places(dice)
    cell = cells(dice)
    contact, mobile = contacts(dice)
    columns = [*names, contact, mobile, emails(dice), *place, person.names, cell]
    columns = _repeated(dice, columns)
    columns = [dice.untidy(made) if name in _UNTIDY else made for name, made in zip(COLUMNS, columns, strict=True)]
    columns += [pa.nulls(leads, pa.string())] * len(WORK_COLUMNS)
    table = pa.table(columns, names=[*COLUMNS, *WORK_COLUMNS])
    table = pa.concat_tables([table, _totals(table)]) if rows > 1 else table
    return table.append_column(MARKER_COLUMN, pa.repeat(pa.scalar(MARKER), table.num_rows))


def write_delivery(path: Path, rows: int, seed: int, tell: Tell = untold, *, strangers: int = 0) -> None:
    """Write a synthetic delivery to `path`; the suffix `.xlsx` or `.csv` decides the format.

    `strangers`: so many directors get names that no source knows anything of, far apart from each other. The same arguments give the same bytes; `tell` is told how far it is. Raises `BadInput` for another suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in (".xlsx", ".csv"):
        raise BadInput("a synthetic delivery is a .xlsx or a .csv: end the file's name in one of them")
    table = _with_strangers(generate(rows, seed), strangers)
    tell(0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever ends this half-way leaves no list that looks whole.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if suffix == ".xlsx":
            _write_xlsx(temporary, table, np.random.default_rng(seed), part(tell, 0.3, 1.0))
        else:
            _write_csv(temporary, table, part(tell, 0.3, 1.0))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _with_strangers(table: pa.Table, count: int) -> pa.Table:
    """Return the table with some directors' names replaced by ones that are in no lexicon and too short for the model."""
    at = COLUMNS.index("DirectorName")
    column = table.column(at).to_pylist()
    ends = ("Ix", "Oz", "Ub", "Ek", "Yf", "Uj", "Iq", "Ov")
    for number in range(min(count, (len(column) - 1) // 2)):
        # Consonants and vowels in turn: it reads like a name, and is nobody's.
        given = "".join("ZVKMTRLD"[number * 3 % 8 - i] + "aoieu"[(number // 8 + i) % 5] for i in range(3)).capitalize()
        column[(2 * number + 1) * (len(column) // (2 * count))] = f"{given} {ends[number % len(ends)]}"
    return table.set_column(at, table.column_names[at], pa.array(column, pa.string()))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a delivery that `generate` or the like made as CSV."""
    _write_csv(path, table, untold)


def _repeated(dice: Dice, columns: list[pa.Array]) -> list[pa.Array]:
    """Return the columns with some rows repeating an earlier row, or only its director and cell."""
    person = {COLUMNS.index("DirectorName"), COLUMNS.index("DirectorCell")}
    whole = dice.earlier(RATES["duplicate"])
    same = np.where(whole == np.arange(dice.rows), dice.earlier(RATES["same_director"]), whole)
    return [column.take(pa.array(same if index in person else whole)) for index, column in enumerate(columns)]


def _totals(table: pa.Table) -> pa.Table:
    """Return the row that spreadsheets' totals put below a list: how many cells of each column are filled."""
    counts = [len(column) - column.null_count for column in table.columns]
    return pa.table([pa.array([str(n) if n else None]) for n in counts], schema=table.schema)


def _write_csv(path: Path, table: pa.Table, tell: Tell) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(table.column_names)
        batches = table.to_batches(max_chunksize=_ROWS_AT_ONCE)
        for batch in told(batches, len(batches), tell):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _write_xlsx(path: Path, table: pa.Table, dice: np.random.Generator, tell: Tell) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        # A fixed date, so that the same seed gives the same bytes.
        book.set_properties({"created": datetime(2024, 1, 1)})  # noqa: DTZ001  # xlsxwriter takes no zone
        sheet = book.add_worksheet("Leads")
        sheet.freeze_panes(1, 0)
        zeros, bold = book.add_format({"num_format": _ZERO_FORMAT}), book.add_format({"bold": True})
        sheet.write_row(0, 0, table.column_names, bold)
        padded = dice.random(table.num_rows) < RATES["cell_zero_format"]
        last = table.num_rows - 1
        columns = [column.to_pylist() for column in table.columns]
        for row, cells_ in enumerate(zip(*columns, strict=True)):
            if row % _ROWS_AT_ONCE == 0:
                tell(row / table.num_rows)
            for column, value in enumerate(cells_):
                if value is None:
                    continue
                name = table.column_names[column]
                if row == last and value.isdecimal() and name != MARKER_COLUMN:
                    _write_count(sheet, row + 1, column, int(value))
                elif name == "DirectorCell" and len(value) == 9 and value.isdecimal():
                    sheet.write_number(row + 1, column, int(value))
                elif name == "DirectorCell" and padded[row] and len(value) == 10 and value.isdecimal():
                    sheet.write_number(row + 1, column, int(value), zeros)
                else:
                    sheet.write_string(row + 1, column, value)


def _write_count(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: int) -> None:
    from xlsxwriter.utility import xl_rowcol_to_cell

    above = f"{xl_rowcol_to_cell(1, column)}:{xl_rowcol_to_cell(row - 1, column)}"
    sheet.write_formula(row, column, f"=COUNTA({above})", None, value)
