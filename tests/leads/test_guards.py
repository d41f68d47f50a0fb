"""Workbooks that must not be parsed."""

import dataclasses
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads import guards
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.reading import read_lead_list
from tests.leads.workbooks import MAIN, parts, sheet, two_rows, write
from tests.scenario import BATCH_ID, LIMITS, scenario_xlsx


def refusal(path: Path, **limits: Any) -> str:
    """Return the code with which the file is refused."""
    narrowed = dataclasses.replace(LIMITS, **limits)
    with pytest.raises(UnreadableFile) as read:
        read_lead_list(path, batch_id=BATCH_ID, limits=narrowed)
    assert len(str(read.value).splitlines()) == 1
    return read.value.code


@pytest.mark.parametrize(
    ("limit", "value", "code"),
    [
        ("max_workbook_bytes", 1_000, "too_large"),
        ("max_unpacked_bytes", 1_000, "too_large_unpacked"),
        ("max_compression_ratio", 1.1, "compression_ratio"),
        ("max_workbook_entries", 3, "too_many_entries"),
        ("max_columns", 12, "too_many_columns"),
    ],
)
def test_each_limit_refuses_and_names_its_setting(tmp_path: Path, limit: str, value: Any, code: str) -> None:
    path = scenario_xlsx(tmp_path / "list.xlsx")
    assert refusal(path, **{limit: value}) == code
    with pytest.raises(UnreadableFile, match=f"LEADSCOUT_{limit.upper()}"):
        read_lead_list(path, batch_id=BATCH_ID, limits=dataclasses.replace(LIMITS, **{limit: value}))


def test_a_bomb_of_zeros_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.xlsx", {**parts(two_rows()), "xl/media/image1.bin": "0" * 20_000_000})
    assert refusal(path) == "compression_ratio"


def test_an_entry_that_lies_about_its_size_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    contents = parts(two_rows())
    path = write(tmp_path / "list.xlsx", {**contents, "xl/zeros.bin": "0" * 5_000_000})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("xl/zeros.bin")
    directory = data.rindex(b"xl/zeros.bin") - 46
    for at in (entry.header_offset + 22, directory + 24):
        data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    assert refusal(path) == "damaged"


def test_an_entry_whose_checksum_is_wrong_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows()))
    data = path.read_bytes()
    at = data.rindex(b"xl/worksheets/sheet1.xml") - 46 + 16
    path.write_bytes(data[:at] + b"\0\0\0\0" + data[at + 4 :])
    assert refusal(path) == "damaged"


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows()))
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    data[directory + 8] |= 1
    path.write_bytes(data)
    assert refusal(path) == "encrypted"


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows()))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", two_rows())
    assert refusal(path) == "damaged"


def test_another_compression_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, text in parts(two_rows()).items():
            archive.writestr(name, text)
    assert refusal(path) == "damaged"


def test_entities_are_refused_by_both_readers(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    path = write(tmp_path / "list.xlsx", parts(sheet('<row r="1"><c><v>&b;</v></c></row>', before=bomb)))
    assert refusal(path) == "unsafe_xml"
    with pytest.raises(UnreadableFile, match="entities"):
        count_rows(path, limits=LIMITS)


def test_one_stray_cell_far_away_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows('<row r="1048576"><c r="ALK1048576"><v>1</v></c></row>')))
    assert refusal(path) == "too_many_cells"


def test_formatted_but_empty_cells_far_away_are_harmless(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows('<row r="1048576"><c r="XFD1048576" s="0"/></row>')))
    assert read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).num_rows == 1


def test_ten_thousand_columns_are_refused_in_both_formats(tmp_path: Path) -> None:
    cells = "".join(f"<c><v>{number}</v></c>" for number in range(10_000))
    assert refusal(write(tmp_path / "wide.xlsx", parts(sheet(f"<row>{cells}</row>")))) == "too_many_columns"
    path = tmp_path / "wide.csv"
    path.write_text("EntityName,DirectorName" + ",x" * 10_000 + "\nA,B\n")
    assert refusal(path) == "too_many_columns"


def test_a_csv_above_its_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("EntityName,DirectorName\nA,B\n")
    assert refusal(path, max_csv_bytes=10) == "too_large"


@pytest.mark.parametrize("reference", ["A0x", "1", "-", "Ä1"])
def test_references_that_are_none_are_refused(tmp_path: Path, reference: str) -> None:
    path = write(tmp_path / "list.xlsx", parts(sheet(f'<row r="1"><c r="{reference}"><v>1</v></c></row>')))
    assert refusal(path) in ("damaged", "missing_column")


def test_the_declared_limits_are_checked_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("unpacked")

    path = scenario_xlsx(tmp_path / "list.xlsx")
    monkeypatch.setattr(guards, "_unpack", never)
    assert refusal(path, max_unpacked_bytes=1_000) == "too_large_unpacked"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"A" * 10_000_001 + b",B\n", "line_too_long"),
        (b"A,B\n" * 10 + b"," * 10_000_001, "line_too_long"),
        (b"\n" * 5_000_001, "too_many_lines"),
        (b"\r" * 5_000_001, "too_many_lines"),
        (b"A,B\n" + b" " * 9_999_999 + b"\n", ""),
        (b"A,B\r" * 3_000_000, ""),
    ],
)
def test_lines_are_counted_and_measured_before_they_are_taken_apart(body: bytes, code: str) -> None:
    text = b"EntityName,DirectorName\n" + body
    if not code:
        guards.check_lines(text)
        return
    with pytest.raises(UnreadableFile) as refused:
        guards.check_lines(text)
    assert refused.value.code == code


def test_more_shared_strings_than_fit_are_refused_before_room_is_made_for_them(tmp_path: Path) -> None:
    # The value reader ended the whole process here, and with it every batch of the run.
    table = f'<sst xmlns="{MAIN}" uniqueCount="4294967295"><si><t>x</t></si></sst>'
    assert refusal(write(tmp_path / "list.xlsx", parts(two_rows(), sharedStrings=table))) == "damaged"


def test_a_date_before_all_time_is_refused_before_the_value_reader_panics(tmp_path: Path) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    row = '<row r="3"><c r="A3" s="1"><v>-1e300</v></c></row>'
    assert refusal(write(tmp_path / "list.xlsx", parts(two_rows(row), styles=styles))) == "damaged"


@pytest.mark.parametrize("code", ["0" * 256, "[" * 100_000])
def test_a_number_format_that_no_program_writes_changes_nothing(tmp_path: Path, code: str) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts>'
        '<cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
    )
    row = '<row r="3"><c r="A3" s="0"><v>7</v></c><c r="B3" t="inlineStr"><is><t>B</t></is></c></row>'
    path = write(tmp_path / "list.xlsx", parts(two_rows(row), styles=styles, noise=os.urandom(90_000).hex()))
    rows = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).to_pylist()
    assert rows[-1]["entity_name"] == "7"
