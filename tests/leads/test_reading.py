"""What a file is, by its content; and what is refused at first sight."""

import zipfile
from pathlib import Path

import pytest

from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.reading import detect, read_lead_list
from tests.scenario import BATCH_ID, LIMITS, scenario_csv, scenario_xlsx

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize("name", ["list", "list.csv", "list.xls", "0123abcd"])
def test_the_suffix_decides_nothing(tmp_path: Path, name: str) -> None:
    assert detect(scenario_xlsx(tmp_path / name)).name == "xlsx"
    assert detect(scenario_csv(tmp_path / name)).name == "csv"


@pytest.mark.parametrize("writer", [scenario_xlsx, scenario_csv])
def test_what_is_read_fits_the_contract(tmp_path: Path, writer: object) -> None:
    path = writer(tmp_path / "list")  # type: ignore[operator]
    raw = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert raw.schema.equals(RAW_LEADS.schema)
    assert set(raw["batch_id"].to_pylist()) == {BATCH_ID}


@pytest.mark.parametrize(
    ("content", "code", "advice"),
    [
        (b"", "empty", "deliver it again"),
        (OLE2 + b"\0" * 600, "old_xls", r"save it as \.xlsx"),
        (OLE2 + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "encrypted", "without"),
        (b"<html><table><tr><td>Company</td></tr></table></html>", "web_page", r"save it as \.xlsx"),
        (b"\xef\xbb\xbf\r\n<?xml version='1.0'?><Workbook/>", "web_page", r"save it as \.xlsx"),
        ("<table>".encode("utf-16"), "web_page", r"save it as \.xlsx"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "web_page", r"save it as \.xlsx"),
        (b"PK\x03\x04" + b"\x14" * 300, "truncated", "copy it again"),
        (b"%PDF-1.7 ...", "pdf", "workbook it was made from"),
        (b"{\\rtf1 ...", "document", r"\.xlsx or CSV"),
        (b"\x89PNG\r\n\x1a\n", "picture", r"\.xlsx or CSV"),
        (b"\x1f\x8b\x08\0\0\0", "archive", "unpack it"),
        (bytes(range(256)) * 20, "binary", r"\.xlsx or CSV"),
    ],
)
def test_what_is_no_list_is_refused_with_one_sentence_that_says_what_to_do(
    tmp_path: Path, content: bytes, code: str, advice: str
) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=advice) as caught:
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert caught.value.code == code
    with pytest.raises(UnreadableFile):
        count_rows(path, limits=LIMITS)


@pytest.mark.parametrize(
    ("entry", "code"),
    [("xl/workbook.bin", "xlsb"), ("content.xml", "ods"), ("word/document.xml", "document"),
     ("Index/Document.iwa", "numbers"), ("leads.csv", "archive")],
)  # fmt: skip
def test_other_containers_are_told_apart(tmp_path: Path, entry: str, code: str) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "x")
    with pytest.raises(UnreadableFile) as caught:
        detect(path)
    assert caught.value.code == code


def test_a_truncated_workbook_is_refused(tmp_path: Path) -> None:
    path = scenario_xlsx(tmp_path / "list.xlsx")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UnreadableFile, match="incomplete"):
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
