"""Takes a language model's answers into classifications, as evidence of its own weight. Asks nobody.

An answer adds log-odds to what the other sources said, and the sum is decided as always, its confidence capped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadscout_assets.names.calibrating import SMALLEST, shares_of
from leadscout_assets.names.deciding import ABSTAINED, ANSWERED, Decisions, decide, probabilities_of
from leadscout_assets.names.engine import Classifier, judge
from leadscout_assets.names.evidence import LEXICON, Log
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.terms import Method, Origin

MOST_CERTAIN = 0.85
"""Highest confidence that rests on a language model: the word for it is "likely", and never more."""


@dataclass(frozen=True)
class Opinion:
    """An answer: the origin, how often such answers are right (0..1, measured), the language if it was told, and who said so."""

    origin: Origin
    right: float
    language: str | None
    model: str


def undecided_rows(methods: pa.ChunkedArray | Sequence[str], leads: pa.Table) -> NDArray[np.int64]:
    """Return the rows without any answer that have a surname. A narrowed set is an answer, and so is what people confirmed."""
    column = methods if isinstance(methods, pa.ChunkedArray) else pa.chunked_array([pa.array(methods, pa.string())])
    abstained = pc.equal(column, Method.ABSTAINED.value)
    named = pc.greater(pc.utf8_length(pc.fill_null(leads["director_surname"], "")), 0)
    return np.flatnonzero(np.asarray(pc.and_(abstained, named)))


def full_names(leads: pa.Table, rows: NDArray[np.int64]) -> list[str]:
    """Return given names and surname of some leads, as one string each."""
    some = leads.select(["director_given_names", "director_surname"]).take(pa.array(rows))
    columns = (some[name].to_pylist() for name in some.column_names)
    return [" ".join(filter(None, pair)) for pair in zip(*columns, strict=True)]


def with_opinions(
    classified: pa.Table,
    leads: pa.Table,
    opinions: Mapping[int, Opinion],
    classifier: Classifier,
    *,
    reveal_religion: bool,
) -> tuple[pa.Table, set[int]]:
    """Return the classifications with `opinions`, given by row, taken in, and the rows that are decided by that."""
    if not opinions:
        return classified, set()
    rows = np.array(sorted(opinions), np.int64)
    some = leads.select(["director_given_names", "director_surname"]).take(pa.array(rows))
    given, surname = (
        ["" if value is None else value for value in some[name].to_pylist()] for name in some.column_names
    )
    judged = judge(surname, given, np.arange(len(rows)), np.arange(len(rows)), classifier)
    settings = classifier.weights.settings
    # The curves are those of our own evidence; how often an answer is right was measured by itself.
    ours = np.log(np.maximum(shares_of(judged.scores, settings, reveal_religion=True), SMALLEST))
    scores = ours + np.stack([_added(opinions[row]) for row in rows.tolist()])
    shares = _capped(probabilities_of(scores, reveal_religion=reveal_religion))
    decisions = decide(shares, np.full(len(rows), LEXICON, np.int8), settings)
    decided = {int(row) for row, outcome in zip(rows, decisions.outcome, strict=True) if outcome != ABSTAINED}
    before = classified.take(pa.array(rows)).to_pylist()
    replaced = [
        row | _taken_in(row, opinions[int(at)], decisions, place) if int(at) in decided else row
        for place, (at, row) in enumerate(zip(rows, before, strict=True))
    ]
    places = np.arange(classified.num_rows)
    places[rows] = classified.num_rows + np.arange(len(rows))
    return pa.concat_tables([classified, pa.Table.from_pylist(replaced, schema=classified.schema)]).take(
        places
    ), decided


def _added(opinion: Opinion) -> Log:
    """Return the log-odds of an answer: how much likelier it is where the origin is right than with any one of the others."""
    right = min(max(opinion.right, 0.01), 0.99)
    added = np.zeros(len(ORIGINS))
    added[ORIGINS.index(opinion.origin.value)] = np.log(right / (1 - right) * (len(ORIGINS) - 1))
    return added


def _capped(shares: Log) -> Log:
    top = shares.argmax(1)
    best = np.take_along_axis(shares, top[:, None], 1)
    over = best > MOST_CERTAIN
    others = np.where(over, (1 - MOST_CERTAIN) / np.maximum(1 - best, 1e-12), 1.0)
    found: Log = shares * others
    np.put_along_axis(found, top[:, None], np.where(over, MOST_CERTAIN, best), 1)
    return found


def _taken_in(row: Mapping[str, Any], opinion: Opinion, decisions: Decisions, place: int) -> dict[str, Any]:
    single = decisions.outcome[place] == ANSWERED
    shares = decisions.probabilities[place].tolist()
    return {
        "origin": ORIGINS[decisions.best[place]] if single else None,
        "confidence": float(decisions.confidence[place]),
        "origin_set": [origin for origin, held in zip(ORIGINS, decisions.members[place], strict=True) if held],
        "language": opinion.language or row["language"],
        "method": Method.LLM.value,
        **{f"p_{origin}": share for origin, share in zip(ORIGINS, shares, strict=True)},
        "evidence": f"{row['evidence']}; llm:{opinion.origin}={opinion.right:.2f}; model:{opinion.model}",
    }
