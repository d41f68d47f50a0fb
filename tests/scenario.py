"""The one shared scenario of awkward leads: rows as people send them, what is awkward about each, what becomes of it.

Everyone here is invented: combined from common names, on telephone numbers and e-mail domains that reach nobody.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.terms import Reason

HEADER = (
    "EntityName", "TradingAsName", "Keyword", "ContactNumber", "CellNumber", "EmailAddress", "RegisteredAddress",
    "RegisteredAddressCity", "RegisteredAddressProvince", "DirectorName", "DirectorCell", "Agent", "Notes",
)  # fmt: skip

LEAD = "lead"
BLANK = "blank"
"""A row without a filled cell: not delivered, but it counts in the numbers of the rows below it."""

LIMITS = ReadLimits(
    max_workbook_bytes=25_000_000,
    max_unpacked_bytes=250_000_000,
    max_compression_ratio=100.0,
    max_workbook_entries=1_000,
    max_columns=1_000,
    max_csv_bytes=1_000_000_000,
)
BATCH_ID = "2024-03-01_list_0123abcd"


@dataclass(frozen=True)
class AwkwardRow:
    """One row of the scenario: its cells in the header's order, what is awkward, and LEAD, BLANK or the reasons."""

    why: str
    cells: tuple[str, ...]
    expect: str | tuple[Reason, ...]

    @property
    def is_lead(self) -> bool:
        """Whether the row becomes a lead."""
        return self.expect == LEAD

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons for which the row is rejected; none for a lead or a blank row."""
        return () if isinstance(self.expect, str) else self.expect


def _row(
    why: str, business: str, director: str, *, expect: str | tuple[Reason, ...] = LEAD, **other: str
) -> AwkwardRow:
    named = {"EntityName": business, "DirectorName": director, **other}
    return AwkwardRow(why, tuple(named.get(name, "") for name in HEADER), expect)


def _refused(*reasons: Reason) -> tuple[Reason, ...]:
    return reasons


ROWS: tuple[AwkwardRow, ...] = (
    # Plain, and everything filled
    _row("everything filled", "BAOBAB CENTRE PLUMBING (PTY) LTD", "THANDI NKOSI", TradingAsName="BAOBAB PLUMBING",
         Keyword="PLUMBERS", ContactNumber="0110123456", CellNumber="0850000001", EmailAddress="info@example.co.za",
         RegisteredAddress="12 PROTEA STREET, SANDTON, 2196", RegisteredAddressCity="SANDTON",
         RegisteredAddressProvince="GAUTENG", DirectorCell="0850000002", Agent="A", Notes="call back"),
    _row("nothing but the two names", "MARULA TRADING", "JOHANNES VAN DER MERWE"),
    # Business names
    _row("company type in capitals without brackets", "KUDU TRANSPORT PTY LTD", "PETRUS BOTHA", DirectorCell="0850000003"),
    _row("Afrikaans company type", "PROTEA BOERDERY (EDMS) BPK", "HENDRIK PRETORIUS", DirectorCell="0850000004"),
    _row("close corporation", "IBIS CATERING CC", "PRECIOUS MOKOENA", DirectorCell="0850000005"),
    _row("ring-fenced company", "SOLAR HILL ONE (RF) (PTY) LTD", "ANIL MOODLEY", DirectorCell="0850000006"),
    _row("non-profit company", "LESEDI LEARNING NPC", "PALESA TAU", DirectorCell="0850000007"),
    _row("registered under its number", "K2014123456 (SOUTH AFRICA) (PTY) LTD", "SIPHO DUBE", DirectorCell="0850000008"),
    _row("shelf company with a number", "ACACIA TRADING 245 CC", "ZANELE KHUMALO", DirectorCell="0850000009"),
    _row("ampersand, apostrophe and brackets", "O'BRIEN & SONS (CAPE) LTD", "SEAN O'BRIEN", DirectorCell="0850000010"),
    _row("quotes and a comma", 'THE "BEST" BAKERY, BUTCHERY', "GRACE NDLOVU", DirectorCell="0850000011"),
    _row("trading name within the name", "DUNE HOLDINGS T/A CORNER CAFE", "LEBO MOLEFE", DirectorCell="0850000012"),
    # Directors
    _row("surname first", "FERN LOGISTICS", "MTHEMBU, SIBUSISO", DirectorCell="0850000013"),
    _row("title", "HERON MEDICAL INC", "DR NALEDI RADEBE", DirectorCell="0850000014"),
    _row("Afrikaans title with stop", "OLIVE FARMING BK", "MNR. J.P. DU TOIT", DirectorCell="0850000015"),
    _row("initials", "ORYX ROADS", "S B ZULU", DirectorCell="0850000016"),
    _row("hyphens", "IRIS BEAUTY", "ANNE-MARIE SMITH-JONES", DirectorCell="0850000017"),
    _row("backtick for apostrophe", "EMBER STEEL", "PATRICK O`REILLY", DirectorCell="0850000018"),
    _row("typographic apostrophe", "PALM EVENTS", "KEVIN O\u2019DONNELL", DirectorCell="0850000019"),
    _row("accents", "DISA WINES", "RENÉ LÖTTER", DirectorCell="0850000020"),
    _row("seven words", "NOVA CIVILS", "JAN HENDRIK PETRUS JANSE VAN RENSBURG SNR", DirectorCell="0850000021"),
    _row("one word", "NYALA TOURS", "MADONSELA", DirectorCell="0850000022"),
    _row("mixed case", "Zebra Signs", "Fatima Ebrahim", DirectorCell="0850000023"),
    _row("double spaces", "QUARTZ  CLEANING   SERVICES", "BONGANI  DAVID   SITHOLE", DirectorCell="0850000024"),
    _row("no-break spaces", "RAVEN\u00a0SECURITY", "JOHN\u00a0SMITH", DirectorCell="0850000025"),
    _row("spaces around", "  SABLE FUEL ", " WEI CHEN ", DirectorCell=" 0850000026 "),
    _row("zero-width space", "TERRA\u200b WASTE", "AYANDA\u200b CELE", DirectorCell="0850000027"),
    # Director cells
    _row("lost its zero", "CORAL PRINTERS", "MARY ADAMS", DirectorCell="850000028"),
    _row("+27", "DELTA TYRES", "RAJESH NAIDOO", DirectorCell="+27850000029"),
    _row("27 without plus", "ECHO MOTORS", "TSHEPO MODISE", DirectorCell="27850000030"),
    _row("0027", "AMBER PHARMACY", "YUSUF KHAN", DirectorCell="0027850000031"),
    _row("+27(0)", "APEX PAINTERS", "GERT KRUGER", DirectorCell="+27(0)850000032"),
    _row("number with a decimal tail", "LILAC SHOES", "NOMSA GUMEDE", DirectorCell="0850000033.0"),
    _row("spaces and dashes", "LOTUS GARDENS", "SUSAN BAKER", DirectorCell="085 000-0034"),
    _row("two numbers in one cell", "OPAL ROOFING", "DUMISANI NGCOBO", DirectorCell="0850000035 / 0850000036"),
    _row("landline as director's cell", "ONYX ATTORNEYS", "ILSE FOURIE", DirectorCell="0110123457"),
    _row("unusable cell", "JADE COURIERS", "KAREN MILLER", DirectorCell="123"),
    _row("placeholder cell", "RUBY FUNERALS", "JOSEPH MABASO", DirectorCell="N/A"),
    # E-mails
    _row("e-mail in capitals", "TOPAZ SCHOOL", "LINDIWE NXUMALO", EmailAddress="OFFICE@EXAMPLE.ORG", DirectorCell="0850000037"),
    _row("free mail", "TULIP CRECHE", "CHANTEL PETERSEN", EmailAddress="tulip@gmail.com", DirectorCell="0850000038"),
    _row("unusable e-mail", "SIERRA IT", "DEEPA PILLAY", EmailAddress="info at example", DirectorCell="0850000039"),
    # Places
    _row("province in one of 300 spellings", "UMOYA MINING", "THEMBA BUTHELEZI", RegisteredAddressCity="DURBAN",
         RegisteredAddressProvince="KWA - ZULU NATAL", DirectorCell="0850000040"),
    _row("postcode as province", "VISTA PROPERTIES", "PIETER NEL", RegisteredAddressCity="PAARL",
         RegisteredAddressProvince="7646", DirectorCell="0850000041"),
    _row("city as province", "KAROO STONE", "WILLEM STEYN", RegisteredAddressProvince="BLOEMFONTEIN",
         DirectorCell="0850000042"),
    _row("digits as city", "SUMMIT POULTRY", "LERATO MOTAUNG", RegisteredAddressCity="0002",
         RegisteredAddressProvince="GAUTENG", DirectorCell="0850000043"),
    _row("province as city", "CANYON BUTCHERY", "MPHO MALULEKE", RegisteredAddressCity="LIMPOPO",
         RegisteredAddressProvince="LIMPOPO", DirectorCell="0850000044"),
    _row("province and city disagree", "HARBOUR PANEL BEATERS", "TREVOR HENDRICKS", RegisteredAddressCity="CAPE TOWN",
         RegisteredAddressProvince="GAUTENG", DirectorCell="0850000045"),
    _row("postcode that lost its zero", "CRYSTAL HOLDINGS", "ELSIE MAHLANGU", RegisteredAddressCity="PRETORIA",
         RegisteredAddress="5 ALOE ROAD, PRETORIA, 2", RegisteredAddressProvince="GP", DirectorCell="0850000046"),
    _row("no province anywhere", "ELAND PROJECTS", "VUSI MASONDO", DirectorCell="0850000047"),
    # Blank rows in between
    AwkwardRow("blank row", ("",) * len(HEADER), BLANK),
    AwkwardRow("row of spaces only", (" ", "\u00a0", *("",) * (len(HEADER) - 2)), BLANK),
    # Same person, same business
    _row("same director, other business", "ELAND LOGISTICS", "VUSI MASONDO", DirectorCell="0850000047"),
    _row("repeats the second row in other case and spacing", "Marula  Trading", "johannes van der merwe",
         expect=_refused(Reason.DUPLICATE)),
    _row("repeats it with the surname first", "MARULA TRADING", "VAN DER MERWE, JOHANNES",
         expect=_refused(Reason.DUPLICATE)),
    _row("same business, other director", "MARULA TRADING", "ANNA VAN DER MERWE"),
    # Rows that are no leads
    _row("no business", "", "GLORIA SEEMA", DirectorCell="0850000048", expect=_refused(Reason.MISSING_BUSINESS_NAME)),
    _row("no director", "PEBBLE SUPPLIES", "", DirectorCell="0850000049", expect=_refused(Reason.MISSING_DIRECTOR_NAME)),
    _row("neither", "", "", DirectorCell="0850000050",
         expect=_refused(Reason.MISSING_BUSINESS_NAME, Reason.MISSING_DIRECTOR_NAME)),
    _row("placeholder for a business", "N/A", "PAUL TLOU", expect=_refused(Reason.UNUSABLE_BUSINESS_NAME)),
    _row("placeholder for a director", "SPARROW CLOTHING", "UNKNOWN", expect=_refused(Reason.UNUSABLE_DIRECTOR_NAME)),
    _row("registration number for a business", "2014/123456/07", "LANCE TITUS",
         expect=_refused(Reason.UNUSABLE_BUSINESS_NAME)),
    _row("number for a director", "PELICAN FURNITURE", "12345", expect=_refused(Reason.UNUSABLE_DIRECTOR_NAME)),
    _row("formula-like note", "CEDAR HARDWARE", "ANDREW COOPER", DirectorCell="0850000051", Notes="=1+1"),
    # The last row of such deliveries
    _row("column totals", "60", "61", TradingAsName="1", Keyword="1", ContactNumber="1", CellNumber="1",
         EmailAddress="4", RegisteredAddress="2", RegisteredAddressCity="8", RegisteredAddressProvince="9",
         DirectorCell="54", expect=_refused(Reason.TOTALS_ROW)),
)  # fmt: skip

RAGGED: tuple[tuple[str, str], ...] = (
    ("too few cells", "CUT OFF TRADING,THABO"),
    ("too many cells", ",".join(["SHIFTED TRADING"] * (len(HEADER) + 2))),
)
"""What is awkward, and the physical line, of rows that only a CSV can have; each is rejected as `ragged_row`."""


def delivered_rows(*, ragged: bool = False) -> int:
    """Return how many rows with a filled cell the scenario has below its header."""
    return sum(row.expect != BLANK for row in ROWS) + (len(RAGGED) if ragged else 0)


def lead_rows() -> int:
    """Return how many of them become leads."""
    return sum(row.is_lead for row in ROWS)


def expected_by_row(*, ragged: bool = False) -> dict[int, tuple[Reason, ...]]:
    """Return, by `source_row`, the reasons for which each delivered row is rejected; empty for a lead."""
    between = [(Reason.RAGGED_ROW,) for _ in RAGGED] if ragged else []
    reasons = [*(None if row.expect == BLANK else row.reasons for row in ROWS[:-1]), *between, ROWS[-1].reasons]
    return {number: codes for number, codes in enumerate(reasons, 2) if codes is not None}


def scenario_csv(path: Path, *, ragged: bool = False, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """Write the scenario as CSV and return its path; with `ragged`, the ragged rows stand before the totals."""
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(HEADER)
        writer.writerows(row.cells for row in ROWS[:-1])
        if ragged:
            stream.writelines(line.replace(",", delimiter) + "\r\n" for _, line in RAGGED)
        writer.writerow(ROWS[-1].cells)
    return path


def scenario_xlsx(path: Path) -> Path:
    """Write the scenario as a workbook of text cells, blank ones left out, and return its path."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("Leads")
        sheet.write_row(0, 0, HEADER)
        for number, row in enumerate(ROWS, 1):
            for column, cell in enumerate(row.cells):
                if cell:
                    sheet.write_string(number, column, cell)
    return path
