"""Which models may be asked: those that passed the golden set with this prompt and schema, those shipped as measured, those that
the operator says may be asked all the same. Decides; asks nobody.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from leadscout_assets.llm.answered import Offer, Why
from leadscout_assets.llm.calibration import load_calibration

if TYPE_CHECKING:
    from leadscout_assets.llm.measurements import Measurements


class Standing(StrEnum):
    """What is known of a model."""

    SHIPPED = "shipped"
    PASSED = "passed"
    FAILED = "failed"
    NEVER_MEASURED = "never_measured"


def standing(offer: Offer, known: Measurements) -> Standing:
    """Return what is known of a provider's model."""
    calibration, what = load_calibration(), f"{offer.name}/{offer.model}"
    if what in calibration.shipped or what in calibration.measured:
        return Standing.SHIPPED
    if (found := known.get((offer.name, offer.model))) is None:
        return Standing.NEVER_MEASURED
    return Standing.PASSED if found.passed else Standing.FAILED


def gated(offer: Offer, known: Measurements, *, unmeasured: bool) -> Offer:
    """Return the provider with what was measured of it, or as one to be passed over; `unmeasured`: the operator lets it be asked."""
    now, found = standing(offer, known), known.get((offer.name, offer.model))
    if now is Standing.SHIPPED:
        return offer
    offer = replace(offer, bands=found.bands if found else None)
    if now is Standing.PASSED:
        return offer
    if unmeasured:
        return replace(offer, unmeasured=True)
    if offer.why_not or offer.price is None:  # it has to be set up before it can be measured
        return replace(offer, trusted=False)
    return replace(offer, trusted=False, why_not=Why.NOT_MEASURED)
