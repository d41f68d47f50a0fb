"""Learns the weights of the sources from labelled cases, and measures when to answer and how wide a set must be.

A multinomial logistic regression by Newton steps: convex, a hundred weights, a second. Runs when the model is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.calibrating import curves, put_right
from leadscout_assets.names.cases import Case, surname_key
from leadscout_assets.names.contradiction import SETTINGS
from leadscout_assets.names.deciding import FOLD_INTO, folded
from leadscout_assets.names.engine import Classifier, Gathered, judge, turned_round
from leadscout_assets.names.evidence import LEXICON, SOURCES, STATES, Log, token_evidence
from leadscout_assets.names.knowledge import Knowledge
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.parts import parts_of
from leadscout_assets.names.variants import VARIANTS, variant
from leadscout_assets.names.weighing import Weights, names_of_weights
from leadscout_assets.terms import Origin

PENALTY = 1.0
"""L2 penalty on every weight, in cases. Chosen by cross-validation on the calibration half, as is all below."""
STEPS = 8
"""Newton steps; the weights stand still after six."""
DIRECTORS = {"african": 0.48, "european": 0.27, "indian": 0.11, "coloured": 0.09, "cape_malay": 0.025, "chinese": 0.025}
"""Estimate of the origins of directors of South African companies, from general knowledge; no count exists. The cases hold more
of the rarer origins, so that these can be measured."""
TOWARDS_DIRECTORS = 0.25
"""How far the cases are weighed towards that estimate: 0 as they are, 1 all the way. A quarter (in log-odds), because the
estimate is one, lists of other people are classified too, and nearer to it more coloured names were called European."""
VARIANT_WEIGHT = 0.5
"""Weight of a case written in a dirty way, against 1 for the case as it is: lists hold some of each."""
FOLDS = 5
ANSWER_AT = 0.74
"""Probability from which one origin is the answer. Below it, a set says more than a guess. The highest at which nearly
nine in ten cases held back were answered."""
SET_COVERAGE = 0.95
"""Share of the names without an answer whose set must hold the true origin."""
SET_COVERAGE_PER_ORIGIN = 0.92
"""The same for the names of each origin by itself; lower, because it must hold for origins with few such names too."""
MIN_REACH, MAX_REACH = 0.70, 0.995
"""Bounds of the reach: what cases with two likely origins allow would be too little for names like none of them."""


def learn(cases: Sequence[Case], knowledge: Knowledge) -> Weights:
    """Return the weights that the cases teach, with the settings measured on cases held back in turn."""
    names, truth, weight, fold = _samples(cases)
    table = design(names, knowledge)
    found = fitted(table, truth, weight)
    values = dict(zip(names_of_weights(), map(float, found), strict=True))
    clean = np.arange(len(names)) < len(cases)
    held_back = _held_back(table, truth, weight, fold)[clean]
    return Weights(values, measured(folded(held_back), _folded_truth(truth[clean])))


def held_back_shares(cases: Sequence[Case], knowledge: Knowledge) -> tuple[Log, NDArray[np.int64]]:
    """Return folded probabilities of cases, each by weights that were learned without its fold, and their folded origins.

    Not put right by any curve: `calibrating.put_right` does that.
    """
    names, truth, weight, fold = _samples(cases)
    clean = np.arange(len(names)) < len(cases)
    shares = _held_back(design(names, knowledge), truth, weight, fold)[clean]
    return folded(shares), _folded_truth(truth[clean])


def _held_back(table: Log, truth: NDArray[np.int64], weight: Log, fold: NDArray[np.int64]) -> Log:
    found = np.zeros((len(truth), len(ORIGINS)))
    for one in range(FOLDS):
        rest = fold != one
        found[~rest] = _probabilities(table[~rest], fitted(table[rest], truth[rest], weight[rest]))
    return found


def measured(shares: Log, truth: NDArray[np.int64]) -> dict[str, float]:
    """Return the settings of decisions: curves, reach and floors that folded probabilities of cases held back teach, and `SETTINGS`."""
    found = curves(shares, truth)
    righted = put_right(shares, found)
    reach = conformal_reach(righted, truth, ANSWER_AT)
    return {
        "answer_at": ANSWER_AT,
        "set_reach": round(reach, 4),
        **SETTINGS,
        **found,
        **set_floors(righted, truth, ANSWER_AT),
    }


def fitted(table: Log, truth: NDArray[np.int64], weight: Log) -> Log:
    """Return the weights that maximise the penalised likelihood of the true origins: Newton's method, convex."""
    size, origins = table.shape[1:]
    found = np.zeros(size)
    flat = table.transpose(0, 2, 1).reshape(-1, size)
    hits = np.eye(origins)[truth]
    for _ in range(STEPS):
        shares = _probabilities(table, found)
        slope = flat.T @ ((shares - hits) * weight[:, None]).ravel() + PENALTY * found
        root = flat * np.sqrt(shares * weight[:, None]).ravel()[:, None]
        means = np.einsum("npk,nk->np", table, shares) * np.sqrt(weight)[:, None]
        found = found - np.linalg.solve(root.T @ root - means.T @ means + PENALTY * np.eye(size), slope)
    return found


def conformal_reach(shares: Log, truth: NDArray[np.int64], answer_at: float) -> float:
    """Return the summed probability at which sets of unanswered names hold the truth in `SET_COVERAGE` of them.

    Split conformal: the finite-sample quantile of what must be summed, most probable first, until the truth is in.
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    summed = np.cumsum(np.take_along_axis(shares, order, 1), axis=1)
    rank = (order == truth[:, None]).argmax(1)
    # A set has at least two members, so a truth among the first two needs no reach at all.
    before = np.where(rank < 2, 0.0, np.take_along_axis(summed, np.maximum(rank - 1, 0)[:, None], 1)[:, 0])
    needed = np.sort(before[summed[:, 0] < answer_at])
    if not len(needed):
        return MAX_REACH
    place = int(np.ceil((len(needed) + 1) * SET_COVERAGE)) - 1
    return float(np.clip(needed[min(place, len(needed) - 1)] + 1e-4, MIN_REACH, MAX_REACH))


def set_floors(shares: Log, truth: NDArray[np.int64], answer_at: float) -> dict[str, float]:
    """Return for each origin the probability from which sets take it in, so that they hold it where it is the truth.

    Split conformal per origin (Mondrian): the finite-sample quantile of its probability among the unanswered names that
    are of it, one that is among the first two counting as always taken in; where there are too few, the smallest of them.
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    rank = (order == truth[:, None]).argmax(1)
    # What lies among the first two is in the set whatever the floor.
    own = np.where(rank < 2, 1.0, shares[np.arange(len(truth)), truth])
    unanswered = shares.max(1) < answer_at
    found: dict[str, float] = {}
    for origin in ORIGINS:
        counted_as = ORIGINS.index(FOLD_INTO.get(Origin(origin), Origin(origin)).value)
        theirs = np.sort(own[unanswered & (truth == counted_as)])
        place = max(1, int((len(theirs) + 1) * (1 - SET_COVERAGE_PER_ORIGIN)))
        found[f"floor.{origin}"] = round(float(theirs[place - 1]) - 1e-4, 4) if len(theirs) else 1.0
    return found


def folds(cases: Sequence[Case]) -> NDArray[np.int64]:
    """Return a fold per case, the same for one surname."""
    return np.array([hashlib.sha256(surname_key(case.name).encode()).digest()[1] % FOLDS for case in cases])


def _samples(cases: Sequence[Case]) -> tuple[list[str], NDArray[np.int64], Log, NDArray[np.int64]]:
    """Return names, origins, weights and folds: each case as it is, and in one dirty way, in turn."""
    kinds = list(VARIANTS)
    names = [case.name for case in cases]
    dirty = [variant(name, kinds[at % len(kinds)]) for at, name in enumerate(names)]
    truth = np.array([ORIGINS.index(case.origin) for case in cases])
    fold = folds(cases)
    weight = prior_weights(truth)
    return (
        names + dirty,
        np.concatenate([truth, truth]),
        np.concatenate([weight, VARIANT_WEIGHT * weight]),
        np.concatenate([fold, fold]),
    )


def prior_weights(truth: NDArray[np.int64], towards: float = TOWARDS_DIRECTORS) -> Log:
    """Return a weight per case, 1 on average, by which origins are about as common as `DIRECTORS` says."""
    shares = np.bincount(truth, minlength=len(ORIGINS)) / len(truth)
    wanted = np.array([DIRECTORS[origin] for origin in ORIGINS])
    weight = (wanted[truth] / shares[truth]) ** towards
    found: Log = weight / weight.mean()
    return found


def design(names: Sequence[str], knowledge: Knowledge) -> Log:
    """Return what one unit of each weight adds to each name's scores: names x weights x 6."""
    parts = [split_name(name) for name in names]
    surnames, given = [part.surname or "" for part in parts], [part.given_names or "" for part in parts]
    places = np.arange(len(names))
    judged = judge(surnames, given, places, places, Classifier(knowledge, Weights({}, {})))
    read = [
        turned_round(one, other) if turned else (one, other)
        for one, other, turned in zip(surnames, given, judged.turned, strict=True)
    ]
    of_surname, particles = _logs_by_state([one for one, _ in read], "surname", knowledge)
    of_given, _ = _logs_by_state([other for _, other in read], "given", knowledge)
    known = judged.state == LEXICON
    groups = np.stack([of_surname, of_given * known[:, None, None, None], of_given * ~known[:, None, None, None]], 1)
    names_of = names_of_weights()
    table = np.zeros((len(names), len(names_of), len(ORIGINS)))
    pairs = judged.surnames.pair[judged.surname_at], judged.given.pair[judged.given_at]
    for at, name in enumerate(names_of):
        unit = Weights({name: 1.0}, {})
        matrices = unit.matrices
        for group, state, source in np.argwhere(matrices.any(axis=(3, 4))):
            table[:, at] += groups[:, group, state, source] @ matrices[group, state, source]
        table[:, at] += unit.particle * particles
        table[:, at] += unit.bias[(~known).astype(int)] + unit.languages[pairs]
    return table


def _logs_by_state(strings: Sequence[str], role: Kind, knowledge: Knowledge) -> tuple[Log, Log]:
    """Return the log shares by state and source (n x 5 x 4 x 6) and those of particles (n x 6), as parts gather them."""
    split = parts_of(strings, role, knowledge)
    gathered = Gathered.of([part.tokens for part in split])
    known = token_evidence(gathered.tokens, role, knowledge)
    shape = (len(gathered.tokens), len(STATES) + 1, len(SOURCES), len(ORIGINS))
    by_state = np.zeros(shape)
    by_state[np.arange(shape[0]), known.state] = known.logs
    summed = gathered.summed(by_state.reshape(shape[0], -1), gathered.share(role))
    particles = np.zeros((len(strings), len(ORIGINS)))
    rows = np.array([part.particle for part in split], np.int64)
    particles[rows >= 0] = knowledge.log_table[rows[rows >= 0]]
    return summed.reshape(len(strings), *shape[1:]), particles


def _probabilities(table: Log, weights: Log) -> Log:
    scores = np.einsum("npk,p->nk", table, weights)
    powers = np.exp(scores - scores.max(1, keepdims=True))
    found: Log = powers / powers.sum(1, keepdims=True)
    return found


def _folded_truth(truth: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(truth == ORIGINS.index("cape_malay"), ORIGINS.index("coloured"), truth)
