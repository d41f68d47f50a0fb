"""What the letters of a token say, learned from the lexicon alone: one source of evidence, and the only one for rare names.

A softmax regression over character n-grams, in numpy, a head per role. No labelled names go in, so cases stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.lexicon import ORIGINS, Kind, Lexicon

N_GRAMS = (1, 2, 3, 4, 5)
"""Lengths of the n-grams, in letters, with one mark before and after each token."""
MIN_COUNT = 2
"""Tokens an n-gram must occur in to be learned."""
STEPS, RATE, PENALTY = 60, 0.25, 1e-5
"""Training: full-batch steps, step size, L2 penalty."""
BALANCE = 0.5
"""Power of the inverse class frequency by which rare origins count more: 0 as found, 1 all equal."""
MIN_LETTERS = 3
"""Letters below which n-grams say nothing."""
READABLE = 0.4
"""Share of a token's runs of three letters, its ends included, that the model must have met: else it is no name that letters tell
anything of. Of 54,039 surnames of the lexicon none has less (2 of 35,026 given names), of the elements that a head was not made from 1 in 1,700
at the most; of letters drawn at random half of the tokens have, of consonants alone nine in ten."""
_MARK = 27  # before and after a token; a to z are 1 to 26
_BASE = 32

ROLES: tuple[Kind, ...] = ("surname", "given")


@dataclass(frozen=True)
class NgramModel:
    """One role's head: sorted n-gram codes (k), weights (k x 6) and bias (6), all in log-odds."""

    codes: NDArray[np.int32]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def can_read(self, tokens: list[str]) -> NDArray[np.bool_]:
        """Tell which folded tokens are spelled as names are: `sithole` and `szymanski`, but not `qwrtp` or `xqz`."""
        grams, owners, counts = n_grams(tokens, (3,))
        met = np.bincount(owners, _found(self.codes, grams), len(tokens))
        long = np.fromiter((len(token) >= MIN_LETTERS for token in tokens), bool, len(tokens))
        return long & (met >= READABLE * counts)

    def can_read_one(self, token: str) -> bool:
        """Tell it of a single token."""
        if len(token) < MIN_LETTERS:
            return False
        grams = n_grams_of_one(token)
        start = 2 * len(token) + 1  # behind those of one letter and of two
        runs = np.array(grams[start : start + len(token)], np.int32)
        return bool(_found(self.codes, runs).sum() >= READABLE * len(runs))

    def log_shares(self, tokens: list[str]) -> NDArray[np.float64]:
        """Return the logarithm of each origin's probability for each folded token: len(tokens) x 6."""
        if not tokens:
            return np.zeros((0, len(ORIGINS)))
        grams, owners, counts = n_grams(tokens)
        places = np.minimum(np.searchsorted(self.codes, grams), len(self.codes) - 1)
        hit = self.codes[places] == grams
        rows = self.weights[places[hit]].astype(np.float64)
        scores = _summed(rows, owners[hit], len(tokens)) / np.sqrt(counts)[:, None] + self.bias
        peak = scores.max(1, keepdims=True)
        found: NDArray[np.float64] = scores - peak - np.log(np.exp(scores - peak).sum(1, keepdims=True))
        return found

    def scores_of_one(self, token: str) -> list[float]:
        """Return a single token's log-odds per origin (6), from which `log_shares` are made; it has one letter at least."""
        codes = n_grams_of_one(token)
        grams = np.array(codes, np.int32)
        places = self.codes.searchsorted(grams)
        hit = self.codes.take(places, mode="clip") == grams
        rows = self.weights[places[hit]].astype(np.float64)
        scores: list[float] = (np.add.reduce(rows, axis=0) / len(codes) ** 0.5 + self.bias).tolist()
        return scores


def train_ngrams(lexicon: Lexicon, role: Kind, hidden: NDArray[np.bool_] | None = None) -> NgramModel:
    """Learn one role's head from the lexicon's elements, without the `hidden` ones of its sorted tokens. Deterministic."""
    tokens = lexicon.tokens(role)
    if hidden is not None:
        tokens = [token for token, out in zip(tokens, hidden, strict=True) if not out]
    targets = lexicon.shares[[lexicon.rows[role][token] for token in tokens]]
    grams, owners, counts = n_grams(tokens)
    codes, places, frequency = np.unique(grams, return_inverse=True, return_counts=True)
    kept = frequency >= MIN_COUNT
    renumbered = np.cumsum(kept) - 1
    use = kept[places]
    places, owners = renumbered[places[use]], owners[use]
    scale = 1 / np.sqrt(counts)
    importance = targets @ (targets.sum(0) / targets.sum() + 1e-9) ** -BALANCE
    # A row per origin: what is gathered and summed then lies together in memory.
    goals, importance = np.ascontiguousarray(targets.T), importance / importance.sum()
    weights, bias = np.zeros((len(ORIGINS), int(kept.sum()))), np.log(goals.mean(1) + 1e-6)
    # Adam with bincount instead of matrices: n-grams are sparse, and sums in a fixed order give the same model anywhere.
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        scores = _gathered(weights, places, owners, len(tokens)) * scale + bias[:, None]
        error = (_softmax(scores) - goals) * importance
        gradient = _gathered(error * scale, owners, places, weights.shape[1]) + PENALTY * weights
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        bias = bias - error.sum(1)
    return NgramModel(codes[kept].astype(np.int32), weights.T.astype(np.float16), bias.astype(np.float32))


def n_grams(
    tokens: list[str], lengths: tuple[int, ...] = N_GRAMS
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Return the n-gram codes of folded tokens, the token each belongs to, and the n-grams per token (at least 1)."""
    marked = "".join(f"{{{token}{{" for token in tokens)  # "{" follows "z" in ASCII
    marked_lengths = np.array([len(token) + 2 for token in tokens], dtype=np.int64)
    symbols = (np.frombuffer(marked.encode("ascii"), np.uint8).astype(np.int32)) - ord("a") + 1
    owner = np.repeat(np.arange(len(tokens)), marked_lengths)
    codes, owners = [], []
    code = np.zeros(len(symbols), np.int32)
    for n in range(1, max(lengths) + 1):
        size = max(len(symbols) - n + 1, 0)
        code = code[:size] * _BASE + symbols[n - 1 : n - 1 + size]
        if n not in lengths:
            continue
        # An n-gram that would cross from one token into the next is none.
        inside = owner[:size] == owner[n - 1 : n - 1 + size]
        if n == 1:
            inside &= symbols != _MARK
        codes.append(code[inside])
        owners.append(owner[:size][inside])
    joined = np.concatenate(owners)
    counts = np.maximum(np.bincount(joined, minlength=len(tokens)), 1).astype(np.float64)
    return np.concatenate(codes), joined, counts


def n_grams_of_one(token: str) -> list[int]:
    """Return the n-gram codes of a single folded token."""
    symbols = [_MARK, *(letter - ord("a") + 1 for letter in token.encode("ascii")), _MARK]
    code, codes = symbols, symbols[1:-1]
    for n in N_GRAMS[1:]:
        code = [before * _BASE + symbol for before, symbol in zip(code, symbols[n - 1 :], strict=False)]
        codes += code
    return codes


def _found(codes: NDArray[np.int32], grams: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which n-grams are among sorted codes."""
    hit: NDArray[np.bool_] = codes.take(codes.searchsorted(grams), mode="clip") == grams
    return hit


def _summed(values: NDArray[np.float64], groups: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(groups, column, size) for column in np.ascontiguousarray(values.T)], axis=1)


def _gathered(
    rows: NDArray[np.float64], places: NDArray[np.int64], groups: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    return np.stack([np.bincount(groups, row.take(places), size) for row in rows])


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(0))
    found: NDArray[np.float64] = powers / powers.sum(0)
    return found
