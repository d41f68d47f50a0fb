"""Workbooks made part by part, for what spreadsheet programs and libraries would not write."""

from __future__ import annotations

import zipfile
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER_CELLS = '<c r="A1" t="inlineStr"><is><t>Company</t></is></c><c r="B1" t="inlineStr"><is><t>Director</t></is></c>'
LEAD_CELLS = '<c r="A2" t="inlineStr"><is><t>ACME</t></is></c><c r="B2" t="inlineStr"><is><t>T NKOSI</t></is></c>'


def sheet(*rows: str, before: str = "") -> str:
    """Return the XML of a worksheet with these rows."""
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def two_rows(more: str = "") -> str:
    """Return the XML of a worksheet with a header, one lead, and `more` rows."""
    return sheet(f'<row r="1">{HEADER_CELLS}</row>', f'<row r="2">{LEAD_CELLS}</row>', more)


def parts(worksheet: str, **more: str) -> dict[str, str]:
    """Return the parts of a workbook with one visible sheet; `styles` and `sharedStrings` may be given by name."""
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(
            [("worksheet", "worksheets/sheet1.xml"), *((name, f"{name}.xml") for name in more)], 1
        )
    )
    return {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Leads" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>',
        "xl/worksheets/sheet1.xml": worksheet,
        **{f"xl/{name}.xml": text for name, text in more.items()},
    }


def write(path: Path, contents: dict[str, str]) -> Path:
    """Write the parts as a zip container and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return path
