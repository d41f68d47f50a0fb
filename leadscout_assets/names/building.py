"""Builds the two shipped files of the classifier: what is known of tokens, from the lexicon; their weights, from the cases.

`python -m leadscout_assets.names.building CASES` writes both into the package. Nothing here runs when names are classified.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from leadscout_assets.names.cases import CALIBRATE, read_cases
from leadscout_assets.names.engine import Classifier
from leadscout_assets.names.knowledge import build_knowledge, load_knowledge
from leadscout_assets.names.learning import learn
from leadscout_assets.names.lexicon import load_lexicon
from leadscout_assets.names.weighing import read_weights

DATA = Path(__file__).parent / "data"


def build(cases: Path) -> Classifier:
    """Return the classifier that the lexicon and the calibration half of the cases give, as it would be read back."""
    knowledge = load_knowledge(build_knowledge(load_lexicon()).to_bytes())
    weights = learn([case for case in read_cases(cases) if case.part == CALIBRATE], knowledge)
    return Classifier(knowledge, read_weights(weights.to_json()))


def main() -> None:
    """Build and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    built = build(parser.parse_args().cases)
    (DATA / "knowledge.npz").write_bytes(built.knowledge.to_bytes())
    (DATA / "weights.json").write_text(built.weights.to_json(), encoding="utf-8")
    print(f"model version {built.version}, {built.knowledge.size:,} elements")  # noqa: T201  # a command's result


if __name__ == "__main__":
    main()
