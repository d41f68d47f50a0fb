"""The lines that tell of classification: each stage in figures, and with DEBUG what was tried for each lead.

Told are lead ids, stages and whether they knew the name; never a name, and never what was inferred about anybody.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.logs.privacy import LeadIds
from leadscout_assets.logs.setup import ROOT, get_logger

LEADS_PER_LINE = 5_000

PARTS = ("surname", "given")
UNKNOWN = "unknown"

INFERRED = r":[a-z_]+=[0-9.]+"
"""What a part of the evidence says of its name, after the stage that said so."""

Known = dict[str, str]
"""For each part of a name the stage that knew it, or `unknown`."""


def tell_attempts(classifications: pa.Table, stages: Sequence[str]) -> None:
    """Tell of the stages that were tried on these classifications; `stages` are their names in the order of the cascade."""
    log = get_logger(f"{ROOT}.classification")
    if not log.isEnabledFor(logging.INFO) or not classifications.num_rows:
        return
    evidence = _encoded(classifications["evidence"])
    # Thousands of strings of evidence, and a dozen once what each part says is out of them.
    ways = pc.replace_substring_regex(evidence.dictionary, INFERRED, "").dictionary_encode()
    known = _known(ways.dictionary.to_pylist(), stages)
    known_at = ways.indices.to_numpy()[evidence.indices.to_numpy()]
    _tell_stages(np.bincount(known_at, minlength=len(known)).tolist(), known, stages)
    if log.isEnabledFor(logging.DEBUG):
        _tell_leads(classifications, known_at, known, stages)


def _tell_stages(counts: list[int], known: list[Known], stages: Sequence[str]) -> None:
    log = get_logger(f"{ROOT}.classification")
    left = sum(count for count, found in zip(counts, known, strict=True) if found)
    reason = (
        "every surname begins here"
        if left
        else "no name was looked at: no purpose is recorded, people confirmed all answers, or none can be read"
    )
    for stage in stages:
        found = sum(count for count, one in zip(counts, known, strict=True) if one.get("surname") == stage)
        log.info("stage.attempted", stage=stage, attempted=left, known=found, passed_on=left - found, reason=reason)
        left -= found
        reason = f"surnames that {stage} and the stages before it do not know" if left else "nothing is left to try"
        if not left:
            return


def _tell_leads(classifications: pa.Table, known_at: np.ndarray, known: list[Known], stages: Sequence[str]) -> None:
    """Write a line for each batch and each way that names went, with the ids of the leads whose names went it."""
    log = get_logger(f"{ROOT}.classification")
    # Few combinations of stages, however many strings of evidence.
    places: dict[tuple[tuple[str, str], ...], int] = {}
    way_at = np.array([places.setdefault(tuple(found.items()), len(places)) for found in known])[known_at]
    distinct = [_attempts(dict(way), stages) for way in places]
    batches, outcomes = _encoded(classifications["batch_id"]), _encoded(_outcomes(classifications))
    of_outcomes = len(outcomes.dictionary)
    groups = (batches.indices.to_numpy() * len(distinct) + way_at) * of_outcomes + outcomes.indices.to_numpy()
    order = np.argsort(groups, kind="stable")
    ids = classifications["lead_id"].take(pa.array(order)).to_pylist()
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
        rest, outcome = divmod(int(groups[order[start]]), of_outcomes)
        batch, way = divmod(rest, len(distinct))
        for first in range(start, end, LEADS_PER_LINE):
            log.debug(
                "classification.attempts",
                batch_id=batches.dictionary[batch].as_py(),
                attempts=distinct[way],
                outcome=outcomes.dictionary[outcome].as_py(),
                leads=LeadIds(ids[first : min(end, first + LEADS_PER_LINE)]),
            )


def _encoded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_encode()


def _known(evidence: Sequence[str | None], stages: Sequence[str]) -> list[Known]:
    """Return which stage knew each part. Only words of ours are taken over: evidence also says what was inferred."""
    words = "|".join(map(re.escape, (*stages, UNKNOWN)))
    known = re.compile(rf"\b({'|'.join(PARTS)}):({words})\b")
    return [dict(known.findall(text or "")) for text in evidence]


def _attempts(known: Known, stages: Sequence[str]) -> list[str]:
    """Return the attempts in words: each stage up to the one that knew the part."""
    told = []
    for part, stage in known.items():
        tried = stages if stage == UNKNOWN else stages[: stages.index(stage) + 1]
        told += [f"{part} {one}: {'known' if one == stage else 'not known'}" for one in tried]
    return told


def _outcomes(classifications: pa.Table) -> pa.ChunkedArray:
    method, origin = classifications["method"], classifications["origin"]
    no_answer = pc.is_in(method, pa.array(["abstained", "no_purpose"]))
    answered = pc.if_else(pc.is_valid(origin), "answered", "narrowed")
    # A person who does not wish to say abstains by the method `verified`.
    return pc.if_else(no_answer, method, pc.if_else(pc.is_valid(classifications["confidence"]), answered, "abstained"))
