"""Measures the classifier on labelled cases: everything that docs/model-card.md promises, with intervals.

`python -m leadscout_assets.names.evaluation CASES [--half calibrate|test] [--freeze] [--card FILE]`. Nothing here runs when names are classified.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.baseline import frozen
from leadscout_assets.names.calibrating import shares_of
from leadscout_assets.names.card import write_card
from leadscout_assets.names.cases import CALIBRATE, TEST, Case, read_cases
from leadscout_assets.names.deciding import ANSWERED, NARROWED, Decisions, decide
from leadscout_assets.names.engine import Classifier, judge, load_classifier
from leadscout_assets.names.evidence import LEXICON, Log
from leadscout_assets.names.learning import prior_weights
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.measuring import (
    bootstrap,
    calibration_bins,
    calibration_error,
    calibration_interval,
    f1_by_class,
    macro_f1,
    wilson,
)
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.parts import tokens_of
from leadscout_assets.names.variants import VARIANTS, variant

AFRICAN, EUROPEAN, INDIAN, COLOURED, CAPE_MALAY, CHINESE = (
    ORIGINS.index(one) for one in ("african", "european", "indian", "coloured", "cape_malay", "chinese")
)
THREE = (AFRICAN, INDIAN, EUROPEAN)
FOUR = (*THREE, COLOURED)
DATA = Path(__file__).parent / "data"
SURE = 0.9
"""Confidence from which an answer counts as sure."""
MIN_PER_ORIGIN = 100
"""Cases below which an origin's calibration says nothing."""


@dataclass(frozen=True)
class Judgement:
    """Cases with what the classifier makes of them, religion folded unless said otherwise."""

    cases: Sequence[Case]
    truth: NDArray[np.int64]
    shares: Log
    decisions: Decisions
    unknown: NDArray[np.bool_]

    @property
    def best(self) -> NDArray[np.int64]:
        """Most probable origin of each case."""
        found: NDArray[np.int64] = self.shares.argmax(1)
        return found

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the most probable origin is the true one."""
        found: NDArray[np.bool_] = self.best == self.truth
        return found

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the answer is, or the set holds, the true origin."""
        found: NDArray[np.bool_] = self.decisions.members[np.arange(len(self.truth)), self.truth]
        return found


def judged(
    cases: Sequence[Case],
    classifier: Classifier,
    *,
    written: Sequence[str] | None = None,
    reveal_religion: bool = False,
) -> Judgement:
    """Classify cases, or the same cases written otherwise."""
    parts = [split_name(name) for name in written or [case.name for case in cases]]
    places = np.arange(len(cases))
    found = judge(
        [part.surname or "" for part in parts], [part.given_names or "" for part in parts], places, places, classifier
    )
    settings = classifier.weights.settings
    shares = shares_of(found.scores, settings, reveal_religion=reveal_religion)
    truth = np.array([ORIGINS.index(case.origin) for case in cases])
    if not reveal_religion:
        truth = np.where(truth == CAPE_MALAY, COLOURED, truth)
    decisions = decide(shares, found.state, settings)
    return Judgement(cases, truth, shares, decisions, found.state != LEXICON)


def report(cases: Sequence[Case], classifier: Classifier) -> dict[str, Any]:
    """Return every figure of the model card, by name."""
    found = judged(cases, classifier)
    revealed = judged(cases, classifier, reveal_religion=True)
    english = african_with_english_given(cases, classifier)
    return {
        "model_version": classifier.version,
        "elements": classifier.knowledge.size,
        "settings": dict(classifier.weights.settings),
        "cases": len(cases),
        "surname_unknown_share": _proportion(found.unknown),
        "macro_f1_three": _macro_three(found, np.ones(len(cases), bool)),
        "macro_f1_three_surname_unknown": _macro_three(found, found.unknown),
        "macro_f1_coloured_apart": _macro(found, FOUR, np.ones(len(cases), bool)),
        "macro_f1_coloured_apart_surname_unknown": _macro(found, FOUR, found.unknown),
        "f1_by_origin": _f1s(found),
        "f1_by_origin_religion_revealed": _f1s(revealed),
        "answered": _proportion(found.decisions.outcome == ANSWERED),
        "answered_or_set_of_two": _proportion(_size(found) <= 2, _size(found) > 0),
        "answered_error": _proportion(~found.right[found.decisions.outcome == ANSWERED]),
        "sure": _proportion(_confidence(found) >= SURE),
        "sure_error": _proportion(~found.right[_confidence(found) >= SURE]),
        "sure_error_by_origin": {
            origin: _proportion(~found.right[(_confidence(found) >= SURE) & (found.truth == at)])
            for at, origin in enumerate(ORIGINS)
            if (found.truth == at).any()
        },
        "calibration_error": _calibration(found, np.ones(len(cases), bool)),
        "calibration_error_by_answer": {
            ORIGINS[at]: _calibration(found, found.best == at)
            for at in range(len(ORIGINS))
            if (found.best == at).sum() >= MIN_PER_ORIGIN
        },
        "african_with_english_given_called_european": _proportion(found.best[english] == EUROPEAN),
        "european_answers_that_are_african_with_english_given": _proportion(english[found.best == EUROPEAN]),
        "set_coverage": _proportion(found.covered[found.decisions.outcome == NARROWED]),
        "set_coverage_by_origin": _by_origin(found, found.decisions.outcome == NARROWED),
        "answer_or_set_coverage": _proportion(found.covered),
        "answer_or_set_coverage_by_origin": _by_origin(found, np.ones(len(cases), bool)),
        "variants": _variants(cases, classifier, found),
        "like_directors": _like_directors(found),
        "by_group": _by_group(found),
        "surname_unknown": _figures(found, found.unknown),
        "reliability": calibration_bins(_confidence(found), found.right),
        "confusion": _confusion(found),
        "coverage_against_error": _coverage_against_error(found),
    }


def african_with_english_given(cases: Sequence[Case], classifier: Classifier) -> NDArray[np.bool_]:
    """Tell which cases are African names whose given names are all English ones of the lexicon."""
    knowledge = classifier.knowledge
    english = {"english"}

    def all_english(case: Case) -> bool:
        tokens = list(tokens_of(split_name(case.name).given_names or "", "given", knowledge).tokens)
        rows = knowledge.rows_of(tokens, "given")
        return bool(tokens) and all(row >= 0 and str(knowledge.languages[row]) in english for row in rows)

    return np.array([case.origin == "african" and all_english(case) for case in cases])


def _confidence(found: Judgement) -> Log:
    """Return the probability of the most probable origin, whether or not it is answered."""
    top: Log = found.shares.max(1)
    return top


def _size(found: Judgement) -> NDArray[np.int64]:
    sizes: NDArray[np.int64] = found.decisions.members.sum(1)
    return sizes


def _proportion(which: NDArray[np.bool_], also: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    held = which if also is None else which & also
    right, n = int(held.sum()), len(held)
    low, high = wilson(right, n)
    return {"value": round(right / n, 4) if n else None, "n": n, "low": round(low, 4), "high": round(high, 4)}


def _macro(found: Judgement, classes: tuple[int, ...], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    use = chosen & np.isin(found.truth, classes)
    truth, best = found.truth[use], found.best[use]
    return _interval(macro_f1(truth, best, classes), lambda at: macro_f1(truth[at], best[at], classes), len(truth))


def _macro_three(found: Judgement, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Macro-F1 of african, indian and european, coloured's probability added to european's; other answers are wrong."""
    shares = found.shares.copy()
    shares[:, EUROPEAN] += shares[:, COLOURED]
    shares[:, COLOURED] = 0
    use = chosen & np.isin(found.truth, THREE)
    truth, best = found.truth[use], shares[use].argmax(1)
    return _interval(macro_f1(truth, best, THREE), lambda at: macro_f1(truth[at], best[at], THREE), len(truth))


def _interval(value: float, statistic: Any, n: int) -> dict[str, Any]:
    low, high = bootstrap(statistic, n)
    return {"value": round(value, 4), "n": n, "low": round(low, 4), "high": round(high, 4)}


def _f1s(found: Judgement) -> dict[str, float]:
    present = [at for at in range(len(ORIGINS)) if (found.truth == at).any()]
    values = f1_by_class(found.truth, found.best, present)
    return {ORIGINS[at]: round(value, 4) for at, value in zip(present, values, strict=True)}


def _calibration(found: Judgement, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    confidence, right = _confidence(found)[chosen], found.right[chosen]
    low, high = calibration_interval(confidence, right)
    value = calibration_error(confidence, right)
    return {"value": round(value, 4), "n": len(right), "low": round(low, 4), "high": round(high, 4)}


def _by_origin(found: Judgement, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        ORIGINS[at]: _proportion(found.covered[chosen & (found.truth == at)])
        for at in range(len(ORIGINS))
        if (chosen & (found.truth == at)).any()
    }


def _variants(cases: Sequence[Case], classifier: Classifier, clean: Judgement) -> dict[str, Any]:
    """Return accuracy and macro-F1 (three origins) of each dirty way of writing, and their mean loss in points."""
    every = np.ones(len(cases), bool)
    before = clean.right.mean(), _macro_value(clean)
    lines: dict[str, Any] = {}
    for kind in VARIANTS:
        found = judged(cases, classifier, written=[variant(case.name, kind) for case in cases])
        lines[kind] = {
            "accuracy": round(float(found.right[every].mean()), 4),
            "loss_points": round(100 * float(before[0] - found.right.mean()), 2),
            "macro_f1_three": round(_macro_value(found), 4),
            "macro_f1_three_loss_points": round(100 * (before[1] - _macro_value(found)), 2),
        }
    losses = [line["loss_points"] for line in lines.values()]
    f1_losses = [line["macro_f1_three_loss_points"] for line in lines.values()]
    mean = {
        "loss_points": round(float(np.mean(losses)), 2),
        "macro_f1_three_loss_points": round(float(np.mean(f1_losses)), 2),
    }
    return {"clean_accuracy": round(float(before[0]), 4), "mean": mean, **lines}


def _macro_value(found: Judgement) -> float:
    shares = found.shares.copy()
    shares[:, EUROPEAN] += shares[:, COLOURED]
    shares[:, COLOURED] = 0
    use = np.isin(found.truth, THREE)
    return macro_f1(found.truth[use], shares[use].argmax(1), THREE)


def _like_directors(found: Judgement) -> dict[str, float]:
    """Return main figures with each case weighed so that origins are as common as among directors (an estimate)."""
    origins = np.array([ORIGINS.index(case.origin) for case in found.cases])
    weight = prior_weights(origins, towards=1.0) / len(origins)
    answered = found.decisions.outcome == ANSWERED
    sure = _confidence(found) >= SURE
    return {
        "accuracy": round(float(weight @ found.right), 4),
        "answered": round(float(weight @ answered), 4),
        "answered_error": round(float(weight @ (answered & ~found.right) / (weight @ answered)), 4),
        "sure": round(float(weight @ sure), 4),
        "sure_error": round(float(weight @ (sure & ~found.right) / (weight @ sure)), 4),
        "mean_confidence_less_accuracy": round(float(weight @ (_confidence(found) - found.right)), 4),
    }


def _by_group(found: Judgement) -> dict[str, Any]:
    names = [f"{case.origin}/{case.group}" for case in found.cases]
    return {name: _figures(found, np.array([one == name for one in names])) for name in sorted(set(names))}


def _figures(found: Judgement, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    outcome = found.decisions.outcome[chosen]
    right = found.right[chosen]
    return {
        "n": int(chosen.sum()),
        "most_probable_right": _proportion(right),
        "answered": _proportion(outcome == ANSWERED),
        "answered_right": _proportion(right[outcome == ANSWERED]),
        "sets_holding_truth": _proportion(found.covered[chosen][outcome == NARROWED]),
        "abstained": int(((outcome != ANSWERED) & (outcome != NARROWED)).sum()),
    }


def _confusion(found: Judgement) -> dict[str, dict[str, int]]:
    counts = Counter(zip(found.truth.tolist(), found.best.tolist(), strict=True))
    present = sorted({int(at) for at in found.truth})
    return {ORIGINS[a]: {ORIGINS[b]: counts[a, b] for b in range(len(ORIGINS)) if counts[a, b]} for a in present}


def _coverage_against_error(found: Judgement) -> list[dict[str, float]]:
    """Return the share of names answered and their error if the threshold were each of these."""
    confidence = _confidence(found)
    lines = []
    for threshold in (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98):
        answered = confidence >= threshold
        error = float((~found.right[answered]).mean()) if answered.any() else 0.0
        lines.append({"threshold": threshold, "coverage": round(float(answered.mean()), 4), "error": round(error, 4)})
    return lines


def main() -> None:
    """Print the figures of one half of the cases as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--half", choices=(CALIBRATE, TEST), default=TEST)
    parser.add_argument(
        "--freeze", action="store_true", help="make these figures the baseline; accepted reasons are dropped"
    )
    parser.add_argument("--card", type=Path, help="model card to write the figures into")
    options = parser.parse_args()
    figures = report([case for case in read_cases(options.cases) if case.part == options.half], load_classifier())
    if options.freeze:
        (DATA / "baseline.json").write_text(frozen(figures).to_json(), encoding="utf-8")
    if options.card:
        write_card(options.card, figures)
    print(json.dumps(figures, indent=1))  # noqa: T201  # a command's result


if __name__ == "__main__":
    main()
