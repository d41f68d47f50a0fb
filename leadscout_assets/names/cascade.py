"""Classifies names: distinct parts through the stages, combined, decided, and written as a frame.

The only module of `names/` that knows of leads and of the purpose gate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.names import combining, deciding
from leadscout_assets.names.calibration import ABSTAINED, ANSWERED, Calibration, read_calibration
from leadscout_assets.names.combining import PartEvidence, folded_shares, part_evidence, pooled
from leadscout_assets.names.deciding import Decisions, decide
from leadscout_assets.names.lexicon import ORIGINS, load_lexicon
from leadscout_assets.names.stages import STAGES, UNKNOWN, Models
from leadscout_assets.names.statistical import load_statistical
from leadscout_assets.terms import Method

NO_PURPOSE = "no purpose recorded"
REVERSED = "order:reversed; "
STAGE_NAMES = ("unknown", *(method.value for method, _ in STAGES))

FOLDED_LANGUAGES: dict[str, str | None] = {
    "hebrew": "other_european",
    "urdu": "other_indian",
    "arabic": None,
    "cape_malay": None,
}
"""Languages that reveal religion, and what is answered instead: a group with other members, or no language."""


@dataclass(frozen=True)
class Classifier:
    """The models and their calibration: everything that decides an answer."""

    models: Models
    calibration: Calibration

    @cached_property
    def version(self) -> str:
        """Content hash (12 hex digits) of lexicon, model arrays, weights, thresholds and calibration."""
        digest = hashlib.sha256(self.models.lexicon.source)
        for name, array in self.models.statistical.arrays().items():
            digest.update(name.encode() + array.tobytes())
        for module in (combining, deciding):
            settings = {key: value for key, value in vars(module).items() if key.isupper()}
            digest.update(repr(sorted((key, str(value)) for key, value in settings.items())).encode())
        digest.update(self.calibration.to_csv().encode())
        return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def load_classifier() -> Classifier:
    """Return the classifier of the package's data files, read once per process (about 0.15 s)."""
    data = files("leadscout_assets.names").joinpath("data")
    statistical = load_statistical(data.joinpath("statistical.npz").read_bytes())
    calibration = read_calibration(data.joinpath("calibration.csv").read_text("utf-8"))
    return Classifier(Models(load_lexicon(), statistical), calibration)


def classify_leads(leads: pa.Table, classifier: Classifier, *, purpose: str | None, reveal_religion: bool) -> pa.Table:
    """Return one classification per lead, in the order of `leads`, fitting `contracts.CLASSIFICATIONS`.

    `leads` fits `contracts.LEADS` and may hold many batches. Without a purpose (None or blank) every lead abstains
    with the method `no_purpose`, and no name is looked at.
    """
    if purpose is None or not purpose.strip():
        found = _without_purpose(leads.num_rows)
    else:
        found = classify_names(
            leads["director_given_names"], leads["director_surname"], classifier, reveal_religion=reveal_religion
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
) -> pa.Table:
    """Return one row per name: origin, confidence, origin_set, language, method, p_<origin> (0..1), evidence.

    `given` and `surname` are aligned strings as `split_names` gives them, either of them null. Each distinct pair is
    decided once. Names without a usable part abstain.
    """
    given_ids, given_names = _encoded(given)
    surname_ids, surnames = _encoded(surname)
    pairs = pa.array(surname_ids * len(given_names) + given_ids).dictionary_encode()
    codes = pairs.dictionary.to_numpy()
    decided = _decided_pairs(
        codes // len(given_names), codes % len(given_names), surnames, given_names, classifier, reveal_religion
    )
    return decided.take(pairs.indices)


def _encoded(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return an index per row into the distinct strings; null is the empty string, which always comes last."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = chunk.cast(pa.string()).dictionary_encode()
    strings = [*encoded.dictionary.to_pylist(), ""]
    return encoded.indices.fill_null(len(strings) - 1).to_numpy().astype(np.int64), strings


def _decided_pairs(
    surname_at: NDArray[np.int64],
    given_at: NDArray[np.int64],
    surnames: Sequence[str],
    given_names: Sequence[str],
    classifier: Classifier,
    reveal_religion: bool,
) -> pa.Table:
    """Classify distinct pairs, given as places in the distinct surnames and given names."""
    models = classifier.models
    known_surnames = part_evidence(list(surnames), "surname", models)
    known_given = part_evidence(list(given_names), "given", models)
    # `Nkosi Brian`: each part is known in the other's place only, so the name is read the other way round.
    swapped = known_surnames.misplaced[surname_at] & known_given.misplaced[given_at]
    if swapped.any():
        surname_at, given_at, known_surnames, known_given = _reread(
            swapped, surname_at, given_at, surnames, given_names, known_surnames, known_given, models
        )
    if not reveal_religion:
        known_surnames, known_given = _without_religion(known_surnames), _without_religion(known_given)
    shares = pooled(_at(known_surnames, surname_at), _at(known_given, given_at))
    if not reveal_religion:
        # Pooling gives every origin a little, also one that holds nothing.
        shares = folded_shares(shares)
    if not reveal_religion:
        # Pooling gives every origin a little; the folded ones must have nothing.
        shares = folded_shares(shares)
    stage = known_surnames.stage[surname_at]
    decisions = decide(shares, stage, classifier.calibration.confidences(reveal_religion))
    evidence = pc.binary_join_element_wise(
        pa.array(np.where(swapped, REVERSED, "").astype(object), pa.string()),
        pa.array(_described("surname", known_surnames)).take(pa.array(surname_at)),
        pa.array([f"; {text}" if name else "" for name, text in _named(given_names, known_given)]).take(
            pa.array(given_at)
        ),
        "",
    )
    return _frame(decisions, stage, known_surnames.language[surname_at], evidence)


def _reread(
    swapped: NDArray[np.bool_],
    surname_at: NDArray[np.int64],
    given_at: NDArray[np.int64],
    surnames: Sequence[str],
    given_names: Sequence[str],
    known_surnames: PartEvidence,
    known_given: PartEvidence,
    models: Models,
) -> tuple[NDArray[np.int64], NDArray[np.int64], PartEvidence, PartEvidence]:
    """Return places and evidence in which the swapped pairs' parts have changed roles."""
    from_given, new_surname = np.unique(given_at[swapped], return_inverse=True)
    from_surname, new_given = np.unique(surname_at[swapped], return_inverse=True)
    more_surnames = part_evidence([given_names[at] for at in from_given], "surname", models)
    more_given = part_evidence([surnames[at] for at in from_surname], "given", models)
    surname_at, given_at = surname_at.copy(), given_at.copy()
    surname_at[swapped] = len(known_surnames.stage) + new_surname
    given_at[swapped] = len(known_given.stage) + new_given
    return surname_at, given_at, _joined(known_surnames, more_surnames), _joined(known_given, more_given)


def _joined(one: PartEvidence, two: PartEvidence) -> PartEvidence:
    return PartEvidence(
        np.concatenate([one.shares, two.shares]),
        np.concatenate([one.stage, two.stage]),
        np.concatenate([one.language, two.language]),
        np.concatenate([one.misplaced, two.misplaced]),
    )


def _at(evidence: PartEvidence, places: NDArray[np.int64]) -> PartEvidence:
    return PartEvidence(
        evidence.shares[places], evidence.stage[places], evidence.language[places], evidence.misplaced[places]
    )


def _without_religion(evidence: PartEvidence) -> PartEvidence:
    language = np.array([FOLDED_LANGUAGES.get(one, one) for one in evidence.language], dtype=object)
    return PartEvidence(folded_shares(evidence.shares), evidence.stage, language, evidence.misplaced)


def _described(part: str, evidence: PartEvidence) -> list[str]:
    """Return `part:stage:origin=share` per string: what was found, never the string."""
    best, top = evidence.shares.argmax(1), evidence.shares.max(1)
    return [
        f"{part}:{STAGE_NAMES[stage]}:{ORIGINS[at]}={share:.2f}" if stage != UNKNOWN else f"{part}:unknown"
        for stage, at, share in zip(evidence.stage, best, top, strict=True)
    ]


def _named(given_names: Sequence[str], evidence: PartEvidence) -> list[tuple[str, str]]:
    described = _described("given", evidence)
    # Strings that re-reading added stand behind the given names, and always have one.
    names = [*given_names, *(["-"] * (len(described) - len(given_names)))]
    return list(zip(names, described, strict=True))


def _frame(
    decisions: Decisions, stage: NDArray[np.int8], language: NDArray[np.object_], evidence: pa.Array
) -> pa.Table:
    abstained = decisions.outcome == ABSTAINED
    methods = np.array(STAGE_NAMES, dtype=object)[stage]
    methods[abstained] = Method.ABSTAINED.value
    origins = np.array(ORIGINS, dtype=object)[decisions.best]
    origins[decisions.outcome != ANSWERED] = None
    sets = pa.array([[o for at, o in enumerate(ORIGINS) if code >> at & 1] for code in range(2 ** len(ORIGINS))])
    set_codes = (decisions.members << np.arange(len(ORIGINS))).sum(1)
    columns: dict[str, Any] = {
        "origin": pa.array(origins, pa.string()),
        "confidence": pa.array(decisions.confidence, mask=abstained),
        "origin_set": sets.take(pa.array(set_codes)),
        "language": pa.array(language, pa.string()),
        "method": pa.array(methods, pa.string()),
    }
    for at, origin in enumerate(ORIGINS):
        columns[f"p_{origin}"] = pa.array(decisions.probabilities[:, at], mask=abstained)
    return pa.table(columns | {"evidence": evidence})


def _without_purpose(rows: int) -> pa.Table:
    columns: dict[str, Any] = {
        "origin": pa.nulls(rows, pa.string()),
        "confidence": pa.nulls(rows, pa.float64()),
        "origin_set": pa.array([[]] * rows, pa.list_(pa.string())),
        "language": pa.nulls(rows, pa.string()),
        "method": pa.repeat(pa.scalar(Method.NO_PURPOSE.value), rows),
    }
    columns |= {f"p_{origin}": pa.nulls(rows, pa.float64()) for origin in ORIGINS}
    return pa.table(columns | {"evidence": pa.repeat(pa.scalar(NO_PURPOSE), rows)})
