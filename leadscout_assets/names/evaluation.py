"""Measures the classifier on labelled cases, writes its built data files, and prints the model card's figures.

`python -m leadscout_assets.names.evaluation CASES [--write]`. Nothing here runs when names are classified.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from leadscout_assets.names.calibration import UNMEASURED, Calibration, counted
from leadscout_assets.names.cascade import Classifier, classify_names
from leadscout_assets.names.combining import FOLD_INTO, part_evidence
from leadscout_assets.names.lexicon import load_lexicon
from leadscout_assets.names.normalising import split_names
from leadscout_assets.names.stages import Models
from leadscout_assets.names.statistical import load_statistical, train_statistical
from leadscout_assets.terms import Method, Origin

CALIBRATE, TEST = "calibrate", "test"
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Case:
    """A written name with the origin it was made up for."""

    name: str
    origin: str
    group: str
    part: str


def read_cases(path: Path) -> list[Case]:
    """Read labelled cases: columns name, origin, group, part; lines that start with `#` are comments."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [Case(**row) for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


def classified(cases: Sequence[Case], classifier: Classifier, reveal_religion: bool) -> list[dict[str, Any]]:
    """Classify the cases' names and return the rows, each with `right`: whether the origin is the answer or in the set."""
    parts = split_names(pa.array([case.name for case in cases], pa.string()))
    frame = classify_names(parts["given_names"], parts["surname"], classifier, reveal_religion=reveal_religion)
    rows: list[dict[str, Any]] = frame.to_pylist()
    for case, row in zip(cases, rows, strict=True):
        truth = Origin(case.origin)
        row["truth"] = truth if reveal_religion else FOLD_INTO.get(truth, truth)
        row["right"] = row["truth"] in row["origin_set"]
    return rows


def measure(cases: Iterable[Case], models: Models) -> Calibration:
    """Count how often each method is right on the cases, for answers and narrowed sets, folded and revealed."""
    chosen = list(cases)
    results = [
        (reveal, "answered" if row["origin"] else "narrowed", row["method"], row["right"])
        for reveal in (False, True)
        for row in classified(chosen, Classifier(models, UNMEASURED), reveal)
        if row["method"] != Method.ABSTAINED
    ]
    return counted(results)


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a proportion; (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    z, share = 1.96, right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def report(cases: Sequence[Case], classifier: Classifier, reveal_religion: bool) -> dict[str, Any]:
    """Return figures of the cases by origin and by method, as the model card shows them."""
    rows = classified(cases, classifier, reveal_religion)
    keys = [("origin", str(row["truth"])) for row in rows]
    methods = [("method", row["method"]) for row in rows]
    lines: dict[str, Any] = {}
    for at, kind in ((keys, "by_origin"), (methods, "by_method"), ([("all", "all")] * len(rows), "all")):
        for value in dict.fromkeys(value for _, value in at):
            mine = [row for row, (_, other) in zip(rows, at, strict=True) if other == value]
            lines.setdefault(kind, {})[value] = _figures(mine)
    confused = Counter((str(row["truth"]), row["origin"]) for row in rows if row["origin"] and not row["right"])
    lines["mistakes"] = {f"{truth} answered as {answer}": n for (truth, answer), n in confused.most_common()}
    surnames = split_names(pa.array([case.name for case in cases]))["surname"].to_pylist()
    stages = part_evidence([surname or "" for surname in surnames], "surname", classifier.models).stage
    lines["surnames_not_in_lexicon"] = round(float((stages != 1).mean()), 3)
    return lines


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    answered = [row for row in rows if row["origin"]]
    narrowed = [row for row in rows if not row["origin"] and row["origin_set"]]
    right, inside = sum(row["right"] for row in answered), sum(row["right"] for row in narrowed)
    low, high = wilson(right, len(answered))
    return {
        "n": len(rows),
        "answered": len(answered),
        "answered_right": right,
        "accuracy": round(right / len(answered), 3) if answered else None,
        "accuracy_95": [round(low, 3), round(high, 3)],
        "narrowed": len(narrowed),
        "narrowed_right": inside,
        "abstained": len(rows) - len(answered) - len(narrowed),
    }


def build(cases: Sequence[Case], *, write: bool) -> Classifier:
    """Train the statistical model and measure the calibration; write both below `data/` when asked to."""
    lexicon = load_lexicon()
    # Through bytes, so that what is measured is what will be loaded.
    data = train_statistical(lexicon).to_bytes()
    models = Models(lexicon, load_statistical(data))
    calibration = measure((case for case in cases if case.part == CALIBRATE), models)
    if write:
        (DATA / "statistical.npz").write_bytes(data)
        (DATA / "calibration.csv").write_text(calibration.to_csv(), encoding="utf-8")
    return Classifier(models, calibration)


def main() -> None:
    """Build, optionally write, and print the figures of the test half as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--write", action="store_true", help="write the model and the calibration into the package")
    options = parser.parse_args()
    cases = read_cases(options.cases)
    classifier = build(cases, write=options.write)
    held_out = [case for case in cases if case.part == TEST]
    figures = {
        "model_version": classifier.version,
        "elements": classifier.models.lexicon.size,
        "calibration": [
            vars(cell) | {"confidence": None if math.isnan(cell.confidence) else round(cell.confidence, 3)}
            for cell in classifier.calibration.cells
        ],
        "test_folded": report(held_out, classifier, reveal_religion=False),
        "test_revealed": report(held_out, classifier, reveal_religion=True),
    }
    print(json.dumps(figures, indent=1))  # noqa: T201  # a command's result


if __name__ == "__main__":
    main()
