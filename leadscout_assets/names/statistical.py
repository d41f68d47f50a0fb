"""The statistical stage: what the letters of an unknown token say, learned from the lexicon alone.

A softmax regression over character n-grams, in numpy. No labelled names go in, so the cases of the tests stay unseen.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.lexicon import ORIGINS, Kind, Lexicon

N_GRAMS = (1, 2, 3, 4)
"""Lengths of the n-grams, in letters, with one mark before and after each token."""
MIN_COUNT = 2
"""Tokens an n-gram must occur in to be learned."""
STEPS, RATE, PENALTY = 40, 0.25, 3e-5
"""Training: full-batch steps, step size, L2 penalty. More steps did not help on a held-out tenth of the surnames."""
BALANCE = 0.5
"""Power of the inverse class frequency by which rare origins count more: 0 as found, 1 all equal."""
TOLERANCE = 0.02
"""Largest difference of a weight between two equal models, log-odds. Sums in another order on another processor change
the last bits of a half-precision weight; a changed lexicon changes whole weights."""
_MARK = 27  # before and after a token; a to z are 1 to 26
_BASE = 32

ROLES: tuple[Kind, ...] = ("surname", "given")


@dataclass(frozen=True)
class StatisticalModel:
    """Per role: sorted n-gram codes (k), weights (k x 6) and bias (6), all in log-odds."""

    codes: dict[Kind, NDArray[np.int32]]
    weights: dict[Kind, NDArray[np.float16]]
    bias: dict[Kind, NDArray[np.float32]]

    def predict(self, tokens: list[str], role: Kind) -> NDArray[np.float64]:
        """Return the probability of each origin for each folded token: len(tokens) x 6, rows summing to 1."""
        if not tokens:
            return np.zeros((0, len(ORIGINS)))
        grams, owners, counts = n_grams(tokens)
        known = self.codes[role]
        places = np.minimum(np.searchsorted(known, grams), len(known) - 1)
        hit = known[places] == grams
        scores = _summed(self.weights[role].astype(np.float64)[places[hit]], owners[hit], len(tokens))
        return _softmax(scores / np.sqrt(counts)[:, None] + self.bias[role])

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of an `.npz` file."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self.arrays())  # type: ignore[arg-type]  # numpy's stub knows no keyword arrays
        return buffer.getvalue()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays by name, in a fixed order."""
        found: dict[str, NDArray[np.generic]] = {}
        for role in ROLES:
            found[f"{role}_codes"] = self.codes[role]
            found[f"{role}_weights"] = self.weights[role]
            found[f"{role}_bias"] = self.bias[role]
        return found


def load_statistical(data: bytes) -> StatisticalModel:
    """Read a model from the bytes of its `.npz` file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return StatisticalModel(
            {role: found[f"{role}_codes"] for role in ROLES},
            {role: found[f"{role}_weights"] for role in ROLES},
            {role: found[f"{role}_bias"] for role in ROLES},
        )


def differences(one: StatisticalModel, other: StatisticalModel) -> list[str]:
    """Return the names of the arrays in which two models differ by more than `TOLERANCE`; none where they are equal."""
    others = other.arrays()
    return [name for name, array in one.arrays().items() if not _equal(array, others[name])]


def train_statistical(lexicon: Lexicon) -> StatisticalModel:
    """Learn the model from the lexicon's elements. Deterministic; takes some seconds."""
    trained = {role: _train_role(lexicon, role) for role in ROLES}
    return StatisticalModel(
        {role: trained[role][0] for role in ROLES},
        {role: trained[role][1] for role in ROLES},
        {role: trained[role][2] for role in ROLES},
    )


def n_grams(tokens: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Return the n-gram codes of folded tokens, the token each belongs to, and the n-grams per token (at least 1)."""
    marked = "".join(f"{{{token}{{" for token in tokens)  # "{" follows "z" in ASCII
    lengths = np.array([len(token) + 2 for token in tokens], dtype=np.int64)
    symbols = (np.frombuffer(marked.encode("ascii"), np.uint8).astype(np.int32)) - ord("a") + 1
    owner = np.repeat(np.arange(len(tokens)), lengths)
    codes, owners = [], []
    for n in N_GRAMS:
        code = np.zeros(max(len(symbols) - n + 1, 0), np.int32)
        for at in range(n):
            code = code * _BASE + symbols[at : at + len(code)]
        # An n-gram that would cross from one token into the next is none.
        inside = owner[: len(code)] == owner[n - 1 : n - 1 + len(code)]
        if n == 1:
            inside &= symbols != _MARK
        codes.append(code[inside])
        owners.append(owner[: len(code)][inside])
    joined = np.concatenate(owners)
    counts = np.maximum(np.bincount(joined, minlength=len(tokens)), 1).astype(np.float64)
    return np.concatenate(codes), joined, counts


def _train_role(lexicon: Lexicon, role: Kind) -> tuple[NDArray[np.int32], NDArray[np.float16], NDArray[np.float32]]:
    tokens = lexicon.tokens(role)
    targets = lexicon.shares[[lexicon.rows[role][token] for token in tokens]]
    grams, owners, counts = n_grams(tokens)
    codes, places, frequency = np.unique(grams, return_inverse=True, return_counts=True)
    kept = frequency >= MIN_COUNT
    renumbered = np.cumsum(kept) - 1
    use = kept[places]
    places, owners = renumbered[places[use]], owners[use]
    scale = 1 / np.sqrt(counts)
    importance = targets @ (targets.sum(0) / targets.sum()) ** -BALANCE
    importance = (importance / importance.sum())[:, None]
    weights, bias = np.zeros((int(kept.sum()), len(ORIGINS))), np.log(targets.mean(0))
    # Adam with bincount instead of matrices: n-grams are sparse, and sums in a fixed order give the same model anywhere.
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        scores = _summed(weights[places], owners, len(tokens)) * scale[:, None] + bias
        error = (_softmax(scores) - targets) * importance
        gradient = _summed((error * scale[:, None])[owners], places, len(weights)) + PENALTY * weights
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        bias = bias - error.sum(0)
    return codes[kept].astype(np.int32), weights.astype(np.float16), bias.astype(np.float32)


def _equal(one: NDArray[np.generic], other: NDArray[np.generic]) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=TOLERANCE))


def _summed(values: NDArray[np.float64], groups: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(groups, column, size) for column in np.ascontiguousarray(values.T)], axis=1)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return found
