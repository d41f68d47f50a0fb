"""The figures of a batch's scores: their distribution, and what the features add to them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BANDS = 10
"""Number of equal bands of the score distribution; each is 10 points wide, the last includes 100."""


@dataclass(frozen=True)
class Band:
    """Leads with `low` <= score < `high`, points; the last band includes its upper end."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Contribution:
    """What a feature adds to the score: on average in this batch and at most, points."""

    feature: str
    sentence: str
    mean: float
    most: float | None


@dataclass(frozen=True)
class ScoreNumbers:
    """The distribution of the scores, points 0..100; median, mean, best and worst are null where no lead was scored."""

    bands: tuple[Band, ...]
    median: float | None
    mean: float | None
    best: float | None
    worst: float | None
    contributions: tuple[Contribution, ...]
    origin_points: int = 0
    """What a known origin counts in these scores, points; 0 where it does not, as by default."""


def score_numbers(scores: pa.Table) -> ScoreNumbers:
    """Measure one batch's LEAD_SCORES frame, whatever features it has."""
    score = scores["score"].to_numpy()
    edges = np.linspace(0, 100, BANDS + 1)
    counts, _ = np.histogram(score, bins=edges)
    some, counted = scores.num_rows > 0, _origin_points(scores)
    return ScoreNumbers(
        bands=tuple(Band(float(edges[i]), float(edges[i + 1]), int(counts[i])) for i in range(BANDS)),
        median=float(np.median(score)) if some else None,
        mean=round(float(score.mean()), 6) if some else None,
        best=float(score.max()) if some else None,
        worst=float(score.min()) if some else None,
        contributions=_contributions(scores, counted),
        origin_points=counted,
    )


def feature_columns(scores: pa.Table) -> list[str]:
    """Name the contribution columns of a LEAD_SCORES frame: all that stand after `rank`."""
    columns: list[str] = scores.column_names
    return columns[columns.index("rank") + 1 :]


def _origin_points(scores: pa.Table) -> int:
    """Read off the scores themselves what a known origin counted in them: it counts whole for every lead that has one."""
    from leadscout_assets.scoring import NAME_ORIGIN

    if NAME_ORIGIN not in scores.column_names:
        return 0
    return (pc.max(scores[NAME_ORIGIN]).as_py() or 0) // 100


def _contributions(scores: pa.Table, counted: int) -> tuple[Contribution, ...]:
    from leadscout_assets.scoring import FEATURES, NAME_ORIGIN

    known = {feature.name: feature for feature in FEATURES}

    def contribution(column: str) -> Contribution:
        mean = pc.mean(scores[column]).as_py() or 0.0
        feature = known.get(column)
        if feature is None:
            return Contribution(column, "", round(mean / 100, 6), None)
        most = counted if column == NAME_ORIGIN else feature.weight * (100 - counted) / 100
        return Contribution(column, feature.sentence, round(mean / 100, 6), float(most))

    return tuple(contribution(column) for column in feature_columns(scores))
