"""A value is found however it is written and wherever it is packed, and what is not there is not found."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadscout_assets.governance.searching import Needles, search

VALUE = "Zoë O'Quagga & Sons"


def _database(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA secure_delete=OFF")
        database.execute("CREATE TABLE t (v TEXT)")
        database.execute("INSERT INTO t VALUES (?)", [VALUE])
        database.commit()
        database.execute("DELETE FROM t")
        database.commit()


def _column_file(path):
    pq.write_table(pa.table({"v": [VALUE] * 50, "l": [["x", VALUE]] * 50}), path, compression="zstd")


def _archive(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.xml", f"<t>{VALUE.replace('&', '&amp;')}</t>")


WRITERS = {
    "text": lambda path: path.write_text(f"a {VALUE} b", encoding="utf-8"),
    "capitals": lambda path: path.write_text(VALUE.upper(), encoding="utf-8"),
    "wide": lambda path: path.write_text(VALUE, encoding="utf-16-le"),
    "wide, the other way": lambda path: path.write_text(VALUE, encoding="utf-16-be"),
    "json": lambda path: path.write_text(json.dumps({"v": VALUE})),
    "log, compressed": lambda path: path.write_bytes(gzip.compress(VALUE.encode())),
    "workbook": _archive,
    "columns": _column_file,
    "deleted from a database": _database,
}


@pytest.mark.parametrize("how", WRITERS)
def test_a_value_is_found_in(tmp_path, how):
    path = tmp_path / "file"
    WRITERS[how](path)
    (hit,) = list(search(tmp_path, Needles([VALUE, "somebody else"])))
    assert (hit.path, hit.value) == (path, 0)
    assert hit.count > 0


def test_names_of_files_and_folders_count_and_folders_left_out_do_not(tmp_path):
    (tmp_path / VALUE.lower()).mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text(VALUE)
    assert [hit.path.name for hit in search(tmp_path, Needles([VALUE]), apart_from=[tmp_path / "out"])] == [
        VALUE.lower()
    ]


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x1f\x8b\x08", b"PAR1", b"ARROW1\0\0"])
def test_a_damaged_container_is_searched_as_bytes(tmp_path, head):
    (tmp_path / "file").write_bytes(head + b"broken " + VALUE.encode())
    assert [hit.count for hit in search(tmp_path, Needles([VALUE]))] == [1]


def test_a_file_that_goes_away_holds_nothing(tmp_path):
    assert not Needles([VALUE]).in_content(tmp_path / "gone")
