"""Encodings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.decoding import read_text, to_utf8
from tests.scenario import LIMITS

TEXT = "Besigheid,Direkteur\r\nCAFÉ ’N BIETJIE,RENÉ VAN DER WESTHUIZEN\r\nLÖTTER & SEUNS – “BK”,ZOË\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_the_usual_encodings_give_the_same_text(encoding: str) -> None:
    assert to_utf8(TEXT.encode(encoding)).decode() == TEXT


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_utf16_with_its_mark_is_read_in_either_order(mark: bytes, encoding: str) -> None:
    assert to_utf8(mark + TEXT.encode(encoding)).decode() == TEXT


def test_bytes_that_windows_leaves_undefined_are_kept() -> None:
    assert to_utf8(b"a\x81b\xe9").decode() == "a\x81bé"


def test_single_windows_lines_in_a_utf8_file_are_mended() -> None:
    lines = ["RENÉ", "ZOË", "ANDRÉ VAN WYK"]
    mixed = b"\n".join([lines[0].encode(), lines[1].encode(), lines[2].encode("cp1252")])
    assert to_utf8(mixed).decode() == "\n".join(lines)


def test_a_windows_line_that_happens_to_be_utf8_does_not_turn_the_file_into_utf8() -> None:
    # É’ is C9 92 in Windows-1252, which is one letter in UTF-8.
    text = "ANDRÉ’S\nRENÉ\nZOË\n"
    assert to_utf8(text.encode("cp1252")).decode() == text


@pytest.mark.parametrize("end", [b"\x1a", b"\x1a\x1a\x1a", b"\x1a\r\n", b"\x1a\n\x1a"])
def test_the_mark_of_old_programs_at_the_very_end_is_no_text(end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a\x1a,b\r\n\r\n" + end)
    assert read_text(path, LIMITS) == b"a\x1a,b\r\n\r\n"


def test_nothing_but_that_mark_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"\x1a")
    with pytest.raises(UnreadableFile) as refused:
        read_text(path, LIMITS)
    assert refused.value.code == "empty"


def test_cut_off_utf16_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="cut off"):
        to_utf8("abc".encode("utf-16")[:-1])


@given(st.text(alphabet=st.characters(codec="cp1252", exclude_characters="\r\n\0"), max_size=80))
def test_windows_text_is_never_lost(text: str) -> None:
    decoded = to_utf8(b"\xe9 " + text.encode("cp1252")).decode()
    assert decoded == "é " + text


@given(st.text(max_size=200).filter(lambda text: "\0" not in text and not text.startswith("\ufeff")))
def test_utf8_text_passes_unchanged(text: str) -> None:
    assert to_utf8(text.encode()).decode() == text


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty"), (b" \r\n\t\n", "empty"), (b"\xef\xbb\xbf", "empty"), (b"abc\0\0\x01\x02 def" * 9, "binary")],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_text(path, LIMITS)
    assert caught.value.code == code
