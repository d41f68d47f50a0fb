"""Speed of classification alone: names drawn from the lexicon by seed, a realistic share of them unknown to it.

`python -m benchmarks.names [--names N] [--pool N]` prints one JSON object.
"""

import argparse
import json
import time

import numpy as np
import pyarrow as pa

from leadscout_assets.names.cascade import classify_names
from leadscout_assets.names.engine import Classifier, load_classifier
from leadscout_assets.names.knowledge import Knowledge
from leadscout_assets.names.lexicon import Kind
from leadscout_assets.names.normalising import split_name, split_names
from leadscout_assets.names.single import SingleNames
from leadscout_assets.names.single_deciding import decide_one

TYPO_SHARE = 0.10
"""Share of the tokens of a pool that have one letter changed, so that the later stages have work."""


SINGLE_NAMES = 5_000
"""Names that are judged one by one, no token kept from another run."""


def pool(knowledge: Knowledge, kind: Kind, size: int, random: np.random.Generator) -> np.ndarray:
    """Return `size` tokens of one kind in title case, some with one letter changed; more than are known, with more changed."""
    tokens = [knowledge.tokens[at] for at in np.flatnonzero(knowledge.rows[kind] >= 0)]
    chosen = [tokens[at].title() for at in random.permutation(len(tokens))[: min(size, len(tokens))]]
    # Beyond what is known there are only made-up tokens: a known one and three letters.
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    while len(chosen) < size:
        chosen.append(chosen[len(chosen) % len(tokens)] + "".join(random.choice(letters, 3)))
    for at in np.flatnonzero(random.random(len(chosen)) < TYPO_SHARE):
        place, letter = int(random.integers(1, len(chosen[at]) + 1)), chr(ord("a") + int(random.integers(26)))
        chosen[at] = chosen[at][:place] + letter + chosen[at][place + 1 :]
    return np.array(chosen, dtype=object)


def draw(knowledge: Knowledge, names: int, distinct: int, tokens: int, seed: int) -> tuple[pa.Array, pa.Array]:
    """Return given names and surnames: `names` drawn from `distinct` pairs of `tokens`, common ones more often."""
    random = np.random.default_rng(seed)
    surnames = pool(knowledge, "surname", tokens * 3 // 5, random)
    given = pool(knowledge, "given", tokens * 2 // 5, random)
    first = given[random.integers(len(given), size=distinct)]
    second = np.where(random.random(distinct) < 0.3, " " + given[random.integers(len(given), size=distinct)], "")
    family = surnames[random.integers(len(surnames), size=distinct)]
    drawn = (distinct * random.random(names) ** 2).astype(np.int64)
    return pa.array((first + second)[drawn], pa.string()), pa.array(family[drawn], pa.string())


def one_by_one(classifier: Classifier, names: list[str]) -> dict[str, float]:
    """Return how long single names take, milliseconds, each taken apart and decided by itself."""
    singles, settings = SingleNames(classifier), classifier.weights.settings
    seconds: list[float] = []
    cpu: list[float] = []
    for name in names:
        started, started_cpu = time.perf_counter(), time.thread_time()
        parts = split_name(name)
        judged = singles.judge(parts.surname or "", parts.given_names or "")
        decide_one(judged.scores.tolist(), judged.state, settings, reveal_religion=False)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.thread_time() - started_cpu)
    return {
        f"single_{kind}_p{p}": round(float(np.percentile(values, p)) * 1000, 3)
        for kind, values in (("ms", seconds), ("cpu_ms", cpu))
        for p in (50, 99)
    }


def main() -> None:
    """Measure loading, splitting and classifying, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--pool", type=int, default=250_000, help="distinct full names that are drawn from")
    parser.add_argument("--tokens", type=int, default=10_000, help="distinct words that the names are made of")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.perf_counter()
    classifier = load_classifier()
    loaded = time.perf_counter() - started
    given, surname = draw(classifier.knowledge, options.names, options.pool, options.tokens, options.seed)
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
    single = one_by_one(classifier, full.unique().to_pylist()[:SINGLE_NAMES])
    print(
        json.dumps(
            {
                **single,
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
