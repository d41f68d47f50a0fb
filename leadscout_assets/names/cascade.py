"""Classifies frames of names: what people confirmed, else the engine's judgement, written as a frame.

The only module of `names/` that knows of leads and of the purpose gate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.names.calibrating import shares_of
from leadscout_assets.names.deciding import ABSTAINED, ANSWERED, FOLD_INTO, Decisions, decide
from leadscout_assets.names.describing import (
    CONTRADICTED,
    FOLDED_LANGUAGES,
    TURNED,
    described,
    languages_of,
    methods_of,
)
from leadscout_assets.names.engine import Classifier, Judged, judge, load_classifier
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.remembered import Answer, Remembered
from leadscout_assets.names.weighing import GIVEN, SURNAME
from leadscout_assets.terms import Method, Origin

__all__ = ["Classifier", "classify_leads", "classify_names", "load_classifier"]

NO_PURPOSE = "no purpose recorded"
CONFIRMED = {Method.VERIFIED: "confirmed for this lead", Method.MEMORY: "confirmed for this name"}
DECLINED = "this person does not wish to say"


def classify_leads(
    leads: pa.Table,
    classifier: Classifier,
    *,
    purpose: str | None,
    reveal_religion: bool,
    remembered: Remembered | None = None,
    why_not: str = NO_PURPOSE,
) -> pa.Table:
    """Return one classification per lead, in the order of `leads`, fitting `contracts.CLASSIFICATIONS`.

    `leads` fits `contracts.LEADS` and may hold many batches. Without a purpose (None or blank) every lead abstains
    with the method `no_purpose`, `why_not` as evidence, and no name is looked at. What people confirmed (`remembered`) wins over every estimate.
    """
    if purpose is None or not purpose.strip():
        found = _without_purpose(leads.num_rows, why_not)
    else:
        given, surname = leads["director_given_names"], leads["director_surname"]
        found = classify_names(
            given,
            surname,
            classifier,
            reveal_religion=reveal_religion,
            remembered=remembered,
            lead_ids=leads["lead_id"],
        )
    version = pa.repeat(pa.scalar(classifier.version), leads.num_rows)
    columns = {"batch_id": leads["batch_id"], "lead_id": leads["lead_id"]}
    columns |= {name: found[name] for name in found.column_names}
    return CLASSIFICATIONS.fit(pa.table(columns | {"model_version": version}))


def classify_names(
    given: pa.Array | pa.ChunkedArray,
    surname: pa.Array | pa.ChunkedArray,
    classifier: Classifier,
    *,
    reveal_religion: bool = False,
    remembered: Remembered | None = None,
    lead_ids: pa.Array | pa.ChunkedArray | None = None,
) -> pa.Table:
    """Return one row per name: origin, confidence, origin_set, language, method, p_<origin> (0..1), evidence.

    `given` and `surname` are aligned strings as `split_names` gives them, either of them null. Each distinct pair is
    decided once. Names without a usable surname abstain. What people confirmed (`remembered`) wins: of a lead where
    `lead_ids` are given, else of the name.
    """
    given_ids, given_names = _encoded(given)
    surname_ids, surnames = _encoded(surname)
    pairs = pa.array(surname_ids * len(given_names) + given_ids).dictionary_encode()
    codes = pairs.dictionary.to_numpy()
    judged = judge(surnames, given_names, codes // len(given_names), codes % len(given_names), classifier)
    settings = classifier.weights.settings
    shares = shares_of(judged.scores, settings, reveal_religion=reveal_religion)
    decisions = decide(shares, judged.state, settings)
    languages = languages_of(classifier.knowledge.languages, reveal_religion=reveal_religion)
    decided = _frame(decisions, judged, languages, _evidence(judged, given_names, reveal_religion))
    found = decided.take(pairs.indices)
    confirmed = remembered.answers(lead_ids, given, surname) if remembered else {}
    return _with_confirmed(found, confirmed, reveal_religion=reveal_religion) if confirmed else found


def _encoded(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return an index per row into the distinct strings; null is the empty string, which always comes last."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = chunk.cast(pa.string()).dictionary_encode()
    strings = [*encoded.dictionary.to_pylist(), ""]
    return encoded.indices.fill_null(len(strings) - 1).to_numpy().astype(np.int64), strings


def _evidence(judged: Judged, given_names: list[str], reveal_religion: bool) -> pa.Array:
    """Return per pair what decided: whether it was turned round, evidence of surname and given names, whether they contradict."""
    of_surnames = described("surname", judged.surnames, SURNAME, reveal_religion=reveal_religion)
    of_given = described("given", judged.given, GIVEN, reveal_religion=reveal_religion)
    turned = pa.array(["", TURNED]).take(pa.array(judged.turned.astype(np.int8)))
    surnames = pa.array(of_surnames, pa.string()).take(pa.array(judged.surname_at))
    # Names that were turned round stand behind the given names, and always have one.
    texts = [f"; {text}" if at >= len(given_names) or given_names[at] else "" for at, text in enumerate(of_given)]
    given = pa.array(texts, pa.string()).take(pa.array(judged.given_at))
    contradicted = pa.array(["", CONTRADICTED]).take(pa.array(judged.contradicted.astype(np.int8)))
    return pc.binary_join_element_wise(turned, surnames, given, contradicted, "")


def _frame(decisions: Decisions, judged: Judged, languages: list[str | None], evidence: pa.Array) -> pa.Table:
    abstained = decisions.outcome == ABSTAINED
    origins = pa.array(ORIGINS).take(pa.array(decisions.best, mask=decisions.outcome != ANSWERED))
    sets = pa.array([[o for at, o in enumerate(ORIGINS) if code >> at & 1] for code in range(2 ** len(ORIGINS))])
    set_codes = decisions.members @ (1 << np.arange(len(ORIGINS)))
    # The row -1 is no language, which comes last.
    rows = judged.surnames.language[judged.surname_at] % len(languages)
    columns: dict[str, Any] = {
        "origin": origins,
        "confidence": pa.array(decisions.confidence, mask=abstained),
        "origin_set": sets.take(pa.array(set_codes)),
        "language": pa.array(languages, pa.string()).take(pa.array(rows)),
        "method": pa.array(methods_of(judged.state, decisions.outcome), pa.string()),
    }
    for at, origin in enumerate(ORIGINS):
        columns[f"p_{origin}"] = pa.array(decisions.probabilities[:, at], mask=abstained)
    return pa.table(columns | {"evidence": evidence})


def _with_confirmed(found: pa.Table, confirmed: dict[int, tuple[Method, Answer]], *, reveal_religion: bool) -> pa.Table:
    """Return the classifications with those rows replaced that people have confirmed."""
    places = np.arange(found.num_rows)
    replaced = np.array(sorted(confirmed), np.int64)
    places[replaced] = found.num_rows + np.arange(len(replaced))
    estimates = found.take(replaced).to_pylist()
    rows = [
        _confirmed(row, *confirmed[at], reveal_religion=reveal_religion)
        for at, row in zip(replaced.tolist(), estimates, strict=True)
    ]
    return pa.concat_tables([found, pa.Table.from_pylist(rows, schema=found.schema)]).take(places)


def _confirmed(estimate: dict[str, Any], method: Method, answer: Answer, *, reveal_religion: bool) -> dict[str, Any]:
    if answer.origin is None:
        nothing = dict.fromkeys(estimate) | {"origin_set": [], "method": method.value}
        return nothing | {"evidence": DECLINED}
    origin = answer.origin if reveal_religion else FOLD_INTO.get(answer.origin, answer.origin)
    language = answer.language if reveal_religion else FOLDED_LANGUAGES.get(answer.language or "", answer.language)
    others = [one for one in Origin if one != origin and (reveal_religion or one not in FOLD_INTO)]
    rest = (1 - answer.confidence) / len(others)
    shares = dict.fromkeys(Origin, 0.0) | dict.fromkeys(others, rest) | {origin: answer.confidence}
    return {
        "origin": origin.value,
        "confidence": answer.confidence,
        "origin_set": [origin.value],
        # The estimate's language belongs to its origin.
        "language": language or (estimate["language"] if estimate["origin"] == origin else None),
        "method": method.value,
        **{f"p_{one}": share for one, share in shares.items()},
        "evidence": CONFIRMED[method],
    }


def _without_purpose(rows: int, why: str) -> pa.Table:
    columns: dict[str, Any] = {
        "origin": pa.nulls(rows, pa.string()),
        "confidence": pa.nulls(rows, pa.float64()),
        "origin_set": pa.array([[]] * rows, pa.list_(pa.string())),
        "language": pa.nulls(rows, pa.string()),
        "method": pa.repeat(pa.scalar(Method.NO_PURPOSE.value), rows),
    }
    columns |= {f"p_{origin}": pa.nulls(rows, pa.float64()) for origin in ORIGINS}
    return pa.table(columns | {"evidence": pa.repeat(pa.scalar(why), rows)})
