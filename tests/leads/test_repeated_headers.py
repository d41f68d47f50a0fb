"""The header once more between the rows; that it is then rejected for that alone is test_validation.py's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leadscout_assets.contracts import FIELDS
from leadscout_assets.leads.columns import SYNONYMS
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.repeated_headers import repeated_headers
from tests import scenario

PLAIN = dict(zip(FIELDS, scenario.HEADER, strict=False))


def told(*rows: dict[str, Any]) -> list[bool]:
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in (*FIELDS, "extra")}
    return list(repeated_headers(pa.table(columns), pa.array([True] * len(rows))).to_pylist())


@pytest.mark.parametrize(
    "row",
    [
        {"entity_name": "EntityName", "director_name": "DirectorName"},
        {"entity_name": "ENTITY_NAME", "director_name": "DIRECTOR_NAME"},
        {"entity_name": "Company / Business Name", "director_name": "Director\u2019s Name"},
        {"entity_name": "Besigheid", "director_name": "Naam en Van", "contact_number": "Tel.", "director_cell": "Director's Cell"},
        {"entity_name": "Company", "director_name": "Owner", "extra": json.dumps({"Agent": "Agent", "Notes (2)": " NOTES"})},
        {"entity_name": "Company", "director_name": "My own word", "contact_number": "Tel", "cell_number": "Cell"},
        {"entity_name": "My own word", "director_name": "Director", "contact_number": "Tel", "cell_number": "Cell"},
        dict(PLAIN),
    ],
)  # fmt: skip
def test_a_row_of_the_headings_of_its_columns_repeats_the_header(row: dict[str, str]) -> None:
    assert told(row) == [True]


@pytest.mark.parametrize(
    "row",
    [
        {"entity_name": "Company"},
        {"entity_name": "THE COMPANY", "director_name": "Thandi Nkosi"},
        {"entity_name": "Company", "director_name": "Owner", "contact_number": "0850000001"},
        {"entity_name": "DirectorName", "director_name": "EntityName"},
        {"entity_name": "Company", "director_name": "Director", "extra": json.dumps({"Agent": "Thandi", "Notes": "call"})},
        {"director_name": "-", "entity_name": "-"},
        {},
    ],
)  # fmt: skip
def test_a_row_with_anything_of_its_own_does_not(row: dict[str, str]) -> None:
    assert told(row) == [False]


@pytest.mark.parametrize("field", ["entity_name", "director_name"])
def test_every_known_heading_of_a_required_column_is_seen(field: str) -> None:
    other = {"entity_name": "director_name", "director_name": "entity_name"}[field]
    # The other cell is no word that it would be found by.
    beside = {other: "Kolom", "contact_number": "Tel", "cell_number": "Cell"}
    words = [word for name in SYNONYMS[field] for word in (name, name.upper(), f"{name} 1", name.replace(" ", "_"))]
    assert told(*({field: word, **beside} for word in words)) == [True] * len(words)


def test_only_a_candidate_can_repeat_the_header() -> None:
    rows = pa.table({name: pa.array([PLAIN.get(name)] * 2, pa.string()) for name in (*FIELDS, "extra")})
    assert repeated_headers(rows, pa.array([False, True])).to_pylist() == [False, True]


def test_the_header_of_the_delivered_list_is_known_again_whatever_else_it_has(tmp_path: Path) -> None:
    path = scenario.scenario_csv(tmp_path / "leads.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:5], lines[0], *lines[5:]]) + "\n", encoding="utf-8")
    raw = read_lead_list(path, batch_id=scenario.BATCH_ID, limits=scenario.LIMITS)
    found = repeated_headers(raw, pa.array([True] * raw.num_rows)).to_pylist()
    assert [row for row, yes in zip(raw["source_row"].to_pylist(), found, strict=True) if yes] == [6]
