"""How worthwhile a call is: named features with weights, each with its contribution; nothing hidden.

A feature reads the leads alone. Of name origin at most one thing is ever read, and only where a purpose allows it: whether one is
known. Which one it is may not decide on whom one calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import lead_scores
from leadscout_assets.leads.duplicates import codes
from leadscout_assets.terms import PhoneKind, Province, Warn

MOST_ORIGIN_POINTS = 5
"""Most that a known origin may ever count, points of 100: no lead falls or rises by more, and none is left out."""

NAME_ORIGIN = "name_origin"

Share = npt.NDArray[np.float64]
"""How far each lead has a feature, 0..1."""

# Kinds of number on which somebody at the business answers at the usual rate.
_ANSWERED = (PhoneKind.MOBILE, PhoneKind.LANDLINE, PhoneKind.VOIP, PhoneKind.SHARECALL, PhoneKind.TOLL_FREE)
# A free-mail address reaches somebody, but says less about the business than its own domain.
_FREE_MAIL = 0.6
# Only the warnings that cast doubt on what is there; what is missing already costs points as contactability and
# completeness, and a repaired postcode is right.
_DOUBTS = (
    Warn.SAME_DIRECTOR_AS,
    Warn.DIRECTOR_SINGLE_NAME,
    Warn.CONTACT_NUMBER_UNUSABLE,
    Warn.CELL_NUMBER_UNUSABLE,
    Warn.DIRECTOR_CELL_UNUSABLE,
    Warn.EMAIL_UNUSABLE,
    Warn.CITY_UNUSABLE,
    Warn.PROVINCE_DISAGREES,
    Warn.COMPANY_TYPE_CONFLICT,
)
_LOST_PER_DOUBT = 1 / 3
# By how much a company type speaks for a business that buys, 0..1; one that is not listed counts as no type. A judgement
# to be replaced by results once there are some.
_COMPANY_TYPES: dict[str, float] = {
    "(Pty) Ltd": 1.0,
    "(Edms) Bpk": 1.0,
    "(RF) (Pty) Ltd": 1.0,
    "(RF) (Edms) Bpk": 1.0,
    "Ltd": 1.0,
    "Bpk": 1.0,
    "(RF) Ltd": 1.0,
    "(RF) Bpk": 1.0,
    "(RF)": 1.0,
    "Inc": 1.0,
    "Ing": 1.0,
    "CC": 0.8,
    "BK": 0.8,
    "LLP": 0.8,
    "Partnership": 0.8,
    "Vennootskap": 0.8,
    "Trust": 0.6,
    "Co-operative": 0.6,
    "Co-operative Ltd": 0.6,
    "Koöperasie": 0.6,
    "Koöperasie Bpk": 0.6,
    "SOC Ltd": 0.4,
    "NPC": 0.4,
    "(RF) NPC": 0.4,
    "MSW": 0.4,
}
_NO_TYPE = 0.3


def director_cell(leads: pa.Table) -> Share:
    """1 for a South African mobile number of the director, 0.5 for any other number there."""
    return np.where(_kind_in(leads, "director_cell", (PhoneKind.MOBILE,)), 1.0, _has(leads, "director_cell") * 0.5)


def business_number(leads: pa.Table) -> Share:
    """1 for a contact or cell number on which the business answers, 0.5 for any other number there."""
    answered = _kind_in(leads, "contact_number", _ANSWERED) | _kind_in(leads, "cell_number", _ANSWERED)
    return np.where(answered, 1.0, np.maximum(_has(leads, "contact_number"), _has(leads, "cell_number")) * 0.5)


def email(leads: pa.Table) -> Share:
    """1 for an e-mail address under the business's own domain, 0.6 for free mail."""
    free = _true(leads["email_is_free"])
    return np.where(free, _FREE_MAIL, _has(leads, "email_address"))


def address(leads: pa.Table) -> Share:
    """A third each for the street address, the city and the postcode."""
    return (_has(leads, "address") + _has(leads, "city") + _has(leads, "postal_code")) / 3


def province(leads: pa.Table) -> Share:
    """1 where the province is known."""
    return _true(pc.not_equal(leads["province"], Province.UNKNOWN.value)).astype(np.float64)


def director_name(leads: pa.Table) -> Share:
    """1 for a director with given names and surname."""
    return _has(leads, "director_given_names")


def trading_as_name(leads: pa.Table) -> Share:
    """1 where the trading name is known."""
    return _has(leads, "trading_as_name")


def data_quality(leads: pa.Table) -> Share:
    """1 less a third for each warning that casts doubt on what is there, at least 0."""
    lists = _flat(leads["warnings"])
    doubtful = np.asarray(pc.is_in(lists.flatten(), pa.array([str(code) for code in _DOUBTS])), dtype=np.float64)
    doubts = np.bincount(np.asarray(pc.list_parent_indices(lists)), weights=doubtful, minlength=len(lists))
    return np.asarray(np.maximum(0.0, 1.0 - doubts * _LOST_PER_DOUBT), dtype=np.float64)


def business_type(leads: pa.Table) -> Share:
    """1 for a company, less for other types, 0.3 where none is known."""
    encoded = _flat(leads["company_type"]).dictionary_encode()
    shares = [_COMPANY_TYPES.get(shown, _NO_TYPE) for shown in encoded.dictionary.to_pylist()]
    share_of_code = np.array([*shares, _NO_TYPE], dtype=np.float64)
    return share_of_code.take(np.asarray(pc.fill_null(encoded.indices, len(shares))))


def keyword(leads: pa.Table) -> Share:
    """1 where the line of business is known."""
    return _has(leads, "keyword")


def name_origin(leads: pa.Table) -> Share:
    """Always 0: listed so that everyone can see that the origin of a name does not count. `Origins` can change that."""
    return np.zeros(leads.num_rows)


@dataclass(frozen=True)
class Origins:
    """Of which leads a likely origin is known, and what that counts, 0..5 points; both in the order of the leads.

    Which origin it is does not get here, so that no origin can count more than another.
    """

    known: npt.NDArray[np.bool_]
    points: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raise `ValueError` where the points are more than an origin may ever count."""
        if len(self.points) and not 0 <= self.points.min() <= self.points.max() <= MOST_ORIGIN_POINTS:
            raise ValueError(f"a known origin counts 0 to {MOST_ORIGIN_POINTS} points")


@dataclass(frozen=True)
class Feature:
    """One feature: its column, how far a lead has it (0..1), the points it is worth, and a sentence for readers."""

    name: str
    function: Callable[[pa.Table], Share]
    weight: int
    sentence: str


FEATURES: tuple[Feature, ...] = (
    # Contactability, 50 points together
    Feature("director_cell", director_cell, 28, "The director can be called: a mobile number counts whole."),
    Feature("business_number", business_number, 12, "The business can be called."),
    Feature("email", email, 10, "There is an e-mail address: its own domain counts whole, free mail less."),
    # Completeness, 20 points
    Feature("address", address, 8, "Street address, city and postcode are known, a third each."),
    Feature("province", province, 4, "The province is known."),
    Feature("director_name", director_name, 5, "The director's given names and surname are known."),
    Feature("trading_as_name", trading_as_name, 3, "The trading name is known."),
    # Data quality, 15 points
    Feature("data_quality", data_quality, 15, "Nothing that was delivered is in doubt; each doubt costs a third."),
    # Business type and keyword, 15 points
    Feature("business_type", business_type, 9, "The company type speaks for a business that buys."),
    Feature("keyword", keyword, 6, "The line of business is known."),
    # 0 unless LEADSCOUT_ORIGIN_WEIGHT says otherwise and the purpose of the batch allows it: docs/compliance.md
    Feature(
        NAME_ORIGIN, name_origin, 0, "A likely origin is known, whichever it is: counts 0 unless a purpose allows it."
    ),
)
"""What the score is made of. The weights are points and sum to 100."""

LEAD_SCORES = lead_scores(tuple(feature.name for feature in FEATURES))


def score(leads: pa.Table, origins: Origins | None = None) -> pa.Table:
    """Return score, rank and contributions of each lead, in the order of `leads`; fits `LEAD_SCORES`.

    `leads` fits `contracts.LEADS` and may hold any number of batches; each is ranked by itself, 1 is best, ties by
    source_row. A contribution is share x weight, rounded to hundredths of a point. Where a known origin counts, by `origins`,
    all other weights are as much smaller as keeps the most at 100.
    """
    rest = 100 - (0 if origins is None else origins.points)
    contributions = {f.name: np.rint(f.function(leads) * (f.weight * rest)).astype(np.int32) for f in FEATURES}
    if origins is not None:
        contributions[NAME_ORIGIN] = (origins.known * origins.points * 100).astype(np.int32)
    hundredths = np.stack(list(contributions.values())).sum(axis=0, dtype=np.int64)
    rank = _ranks(codes(leads["batch_id"]), hundredths, np.asarray(leads["source_row"]).astype(np.int64))
    return LEAD_SCORES.fit(
        pa.table(
            {
                "batch_id": leads["batch_id"],
                "lead_id": leads["lead_id"],
                "score": pa.array(hundredths / 100),
                "rank": pa.array(rank),
                **{name: pa.array(points) for name, points in contributions.items()},
            }
        )
    )


def _ranks(
    batch: npt.NDArray[np.int64], hundredths: npt.NDArray[np.int64], source_row: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    order = np.lexsort((source_row, -hundredths, batch))
    starts = np.flatnonzero(np.diff(batch[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes) + 1
    return rank


def _flat(column: pa.Array | pa.ChunkedArray) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _has(leads: pa.Table, column: str) -> Share:
    return np.asarray(pc.is_valid(leads[column])).astype(np.float64)


def _true(mask: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(mask, False), dtype=np.bool_)


def _kind_in(leads: pa.Table, column: str, kinds: tuple[PhoneKind, ...]) -> npt.NDArray[np.bool_]:
    return _true(pc.is_in(leads[f"{column}_kind"], pa.array([str(kind) for kind in kinds])))
