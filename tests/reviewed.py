"""A home with one classified batch, and reviewers who fill in what they are asked. For tests of review and export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa

from leadscout_assets import contracts, pipeline
from leadscout_assets.home import Home
from leadscout_assets.reviewing import confirmed
from leadscout_assets.scoring import LEAD_SCORES

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PEOPLE = {
    "SIPHO DLAMINI": "african",
    "THANDIWE VILAKAZI": "african",
    "RAJESH NAIDOO": "indian",
    "WEI ZHANG": "chinese",
    "PIETER VAN DER MERWE": "european",
    "THANDIWE VAN DER MERWE": "",
    "DAVID JOHNSON": "",
}
"""Directors, and what the model answers: nothing where it gives a set."""


def lead_list(path: Path, *, mark: str = "ONE", people: tuple[str, ...] = tuple(PEOPLE)) -> Path:
    rows = [f'{mark} TRADING {number},"{name}"' for number, name in enumerate(people)]
    path.write_text("\n".join(["EntityName,DirectorName", *rows, ""]))
    return path


def classified(home: Home, source: Path) -> str:
    """Do what the assets do up to the scores, and return the batch."""
    batch = home.deliver(source, now=NOON).delivery.batch_id
    rerun(home, batch)
    return batch


def rerun(home: Home, batch: str) -> None:
    deliveries = home.deliveries([batch])
    raw = pipeline.read(deliveries, home.store.path, home.settings).raw
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    answers = pipeline.classify(
        leads, home.settings, pipeline.ask_purpose(deliveries, raw, home.settings, NOON), confirmed(home)
    )
    for contract, frame in (
        (contracts.LEADS, leads), (contracts.REJECTED_LEADS, rejected), (contracts.CLASSIFICATIONS, answers),
        (LEAD_SCORES, pipeline.score(leads)),
    ):  # fmt: skip
        home.tables.replace(contract, frame, [batch])


def answers_of(home: Home, batch: str) -> dict[str, dict[str, object]]:
    """Return the classifications of a batch by director, given names first, in capitals."""
    leads = home.tables.read(contracts.LEADS, [batch])
    names = [
        f"{given} {surname}".upper()
        for given, surname in zip(
            leads["director_given_names"].to_pylist(), leads["director_surname"].to_pylist(), strict=True
        )
    ]
    rows: pa.Table = home.tables.read(contracts.CLASSIFICATIONS, [batch])
    by_lead = {row["lead_id"]: row for row in rows.to_pylist()}
    return {name: by_lead[lead] for name, lead in zip(names, leads["lead_id"].to_pylist(), strict=True)}


@dataclass(frozen=True)
class Reviewer:
    """Fills a questionnaire in: `knows` gives the origin for a name in capitals, "" for none."""

    knows: Callable[[str], str]

    def fill(self, path: Path, to: Path | None = None) -> Path:
        book = openpyxl.load_workbook(path)
        for row in book["Review"].iter_rows(min_row=2):
            row[2].value = self.knows(str(row[1].value).upper()) or None
        book.save(to or path)
        return to or path
