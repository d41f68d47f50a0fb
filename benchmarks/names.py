"""Speed of classification alone: names drawn from the lexicon by seed, a realistic share of them unknown to it.

`python -m benchmarks.names [--names N] [--pool N]` prints one JSON object.
"""

import argparse
import json
import time

import numpy as np
import pyarrow as pa

from leadscout_assets.names.cascade import classify_names, load_classifier
from leadscout_assets.names.lexicon import Lexicon
from leadscout_assets.names.normalising import split_names

TYPO_SHARE = 0.10
"""Share of the tokens of a pool that have one letter changed, so that the later stages have work."""


def pool(lexicon: Lexicon, kind: str, size: int, random: np.random.Generator) -> np.ndarray:
    """Return `size` tokens of one kind in title case, some with one letter changed."""
    tokens = lexicon.tokens("surname" if kind == "surname" else "given")
    chosen = [tokens[at].title() for at in random.permutation(len(tokens))[: min(size, len(tokens))]]
    for at in np.flatnonzero(random.random(len(chosen)) < TYPO_SHARE):
        place, letter = int(random.integers(1, len(chosen[at]) + 1)), chr(ord("a") + int(random.integers(26)))
        chosen[at] = chosen[at][:place] + letter + chosen[at][place + 1 :]
    return np.array(chosen, dtype=object)


def draw(lexicon: Lexicon, names: int, distinct: int, seed: int) -> tuple[pa.Array, pa.Array]:
    """Return given names and surnames: `names` drawn from `distinct` pairs, common ones more often."""
    random = np.random.default_rng(seed)
    surnames, given = pool(lexicon, "surname", 6_000, random), pool(lexicon, "given", 4_000, random)
    first = given[random.integers(len(given), size=distinct)]
    second = np.where(random.random(distinct) < 0.3, " " + given[random.integers(len(given), size=distinct)], "")
    family = surnames[random.integers(len(surnames), size=distinct)]
    drawn = (distinct * random.random(names) ** 2).astype(np.int64)
    return pa.array((first + second)[drawn], pa.string()), pa.array(family[drawn], pa.string())


def main() -> None:
    """Measure loading, splitting and classifying, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--pool", type=int, default=250_000, help="distinct full names that are drawn from")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.perf_counter()
    classifier = load_classifier()
    loaded = time.perf_counter() - started
    given, surname = draw(classifier.models.lexicon, options.names, options.pool, options.seed)
    # Both orders of writing, so that the slow path of splitting is measured too.
    full = pa.array(
        [
            f"{g} {s}" if at % 4 else f"{s.upper()}, {g}"
            for at, (g, s) in enumerate(zip(given.to_pylist(), surname.to_pylist(), strict=True))
        ]
    )
    started = time.perf_counter()
    split_names(full)
    split = time.perf_counter() - started
    started, started_cpu = time.perf_counter(), time.process_time()
    classify_names(given, surname, classifier)
    classified, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    print(
        json.dumps(
            {
                "names": options.names,
                "names_per_second": round(options.names / classified),
                "seconds": round(classified, 3),
                # Wall time suffers from whatever else the machine does; the processor's time does not.
                "names_per_cpu_second": round(options.names / cpu),
                "distinct_names": len(set(zip(given.to_pylist(), surname.to_pylist(), strict=True))),
                "distinct_tokens": len(
                    {
                        word
                        for text in [*given.unique().to_pylist(), *surname.unique().to_pylist()]
                        for word in text.split()
                    }
                ),
                "load_seconds": round(loaded, 3),
                "split_seconds": round(split, 3),
                "split_microseconds_per_distinct_name": round(split / len(full.unique()) * 1e6, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
