"""What a plain split conformal predictor would make of the same probabilities: for the model card, beside what is shipped.

`python -m leadscout_assets.names.conformal CASES`. A set holds every origin above a threshold of its own; it may have one member, or none.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.calibrating import put_right
from leadscout_assets.names.cases import CALIBRATE, TEST, read_cases
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evaluation import judged
from leadscout_assets.names.evidence import Log
from leadscout_assets.names.learning import SET_COVERAGE, held_back_shares
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.measuring import wilson


def thresholds(shares: Log, truth: NDArray[np.int64], coverage: float) -> Log:
    """Return for each origin the least probability at which it is in a set: its finite-sample quantile among its own names.

    Of an origin without names: above 1, never in a set.
    """
    found = np.full(shares.shape[1], 2.0)
    for origin in range(shares.shape[1]):
        own = np.sort(shares[truth == origin, origin])[::-1]
        if len(own):
            place = int(np.ceil((len(own) + 1) * coverage)) - 1
            found[origin] = own[place] if place < len(own) else 0.0
    return found


def coverage_of(members: NDArray[np.bool_], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return the share of names whose set holds the truth, in all and by origin, with intervals, and how many sets have which size."""
    held = members[np.arange(len(truth)), truth]
    by_origin = {ORIGINS[at]: _share(held[truth == at]) for at in sorted(set(truth.tolist()))}
    return {"all": _share(held), "by_origin": by_origin, "sizes": np.bincount(members.sum(1)).tolist()}


def _share(held: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = wilson(int(held.sum()), len(held))
    return {"share": round(float(held.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(held)}


def main() -> None:
    """Print coverage and sizes of the sets on the test half, thresholds found on the calibration half, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    cases, classifier = read_cases(parser.parse_args().cases), load_classifier()
    held_back, truth = held_back_shares([one for one in cases if one.part == CALIBRATE], classifier.knowledge)
    least = thresholds(put_right(held_back, classifier.weights.settings), truth, SET_COVERAGE)
    found = judged([one for one in cases if one.part == TEST], classifier)
    print(json.dumps(coverage_of(found.shares >= least, found.truth), indent=1))  # noqa: T201  # a command's result


if __name__ == "__main__":
    main()
