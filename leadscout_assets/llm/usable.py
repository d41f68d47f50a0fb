"""Whether each provider of the settings could be asked now, and what to mend where not. Sends no question, and costs nothing."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from leadscout_assets.database.engine import Database
from leadscout_assets.errors import LeadScoutError
from leadscout_assets.llm.admitting import held
from leadscout_assets.llm.answered import Offer
from leadscout_assets.llm.booked import Denied
from leadscout_assets.llm.calibration import load_calibration
from leadscout_assets.llm.golden_gate import Standing, standing
from leadscout_assets.llm.measurements import measurements
from leadscout_assets.llm.prices import Estimate, Price, dollars
from leadscout_assets.llm.questions import as_data
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.setup import caps_of, named, offer_of
from leadscout_assets.llm.spend import left_of
from leadscout_assets.settings import Settings

REACHED_WITHIN = 2.0
"""Seconds within which a server of one's own takes a connection."""

USUAL_NAME = "x" * 24
"""As long as most names are: what a call costs at most is reckoned with it."""


@dataclass(frozen=True)
class Usable:
    """One provider: whether it can be asked now, what was found, and what to do where it cannot."""

    provider: str
    ok: bool
    found: str
    fix: str = ""


def usable(settings: Settings, database: Database | None, now: datetime) -> list[Usable]:
    """Look at each provider of the settings, in order. `database`: the application database, None where there is none yet.

    Raises `BadSetting` where the list of providers cannot be read.
    """
    left = left_of(database, caps_of(settings), now) if database else {}
    return [_looked_at(settings, kind, model, database, left, now) for kind, model in named(settings.llm_providers)]


def _looked_at(
    settings: Settings, kind: str, model: str, database: Database | None, left: Mapping[str, int], now: datetime
) -> Usable:
    what, key = f"{kind}/{model}", f"LEADSCOUT_LLM_{kind.upper()}"
    try:
        offer = offer_of(settings, kind, model)
        load_calibration().admit(form(reveal_religion=settings.reveal_religion))
    except LeadScoutError as error:
        return Usable(what, False, "not set up", str(error))
    if offer.price is None:
        fix = f"no price is known, and so nothing is asked: LEADSCOUT_LLM_PRICES={what}=INPUT:OUTPUT, dollars per million tokens"
        return Usable(what, False, "without a price", fix)
    if short := _beyond_a_cap(settings, offer.price, left):
        return Usable(what, False, *short)
    url = getattr(settings, f"llm_{kind}_url")
    if url and not _takes_connections(url):
        return Usable(what, False, "does not answer at its address", f"start the server, or mend {key}_URL")
    if database and _left_alone(database, offer, now):
        fix = "it is tried again once a minute; what it failed with, the log says: leadscout logs"
        return Usable(what, False, "left alone for a while, as it kept failing", fix)
    # Last: it has to answer before it can be measured.
    how, told = _measured(settings, database, offer)
    if how in (Standing.FAILED, Standing.NEVER_MEASURED) and not settings.llm_unmeasured:
        fix = f"measure it: leadscout llm evaluate --provider {what}; or name another one: docs/llm.md"
        return Usable(what, False, f"{told}: no name is sent to it, and nothing that it answered is used", fix)
    return Usable(what, True, _in_words(offer, offer.price, settings, url, told))


def _measured(settings: Settings, database: Database | None, offer: Offer) -> tuple[Standing, str]:
    """Return what is known of a provider's model, and that in words."""
    known = measurements(database, form(reveal_religion=settings.reveal_religion)) if database else {}
    how, found = standing(offer, known), known.get((offer.name, offer.model))
    if how is Standing.SHIPPED:
        return how, "needs no measurement"
    if found is None:
        told = "was never asked about the golden set with this prompt"
    else:
        told = f"{'passed' if found.passed else 'did not pass'} the golden set on {found.at:%Y-%m-%d}, {found.accuracy:.0%} right"
    if how is Standing.PASSED or not settings.llm_unmeasured:
        return how, told
    return how, f"{told}, and is asked all the same: LEADSCOUT_LLM_UNMEASURED"


def _beyond_a_cap(settings: Settings, price: Price, left: Mapping[str, int]) -> tuple[str, str] | None:
    """Return what is found, and the fix, where a usual call is beyond a cap."""
    wanted, caps = form(reveal_religion=settings.reveal_religion), caps_of(settings)
    count = settings.llm_names_per_call
    most = Estimate.of(wanted.prompt, as_data([USUAL_NAME] * count), str(wanted.schema), count)
    cost = price.cost(most.tokens_in, most.tokens_out)
    told = f"a call about {count} names may cost ${dollars(cost):.6f}"
    for what in ("call", "batch", "day", "month"):
        cap: int = getattr(caps, what)
        if cost > cap:
            fix = f"raise LEADSCOUT_LLM_MAX_USD_PER_{what.upper()}, or lower LEADSCOUT_LLM_NAMES_PER_CALL"
            return f"{told}, and a {what} ${dollars(cap):.6f}", fix
        if cost > left.get(what, cap):
            fix = f"wait until the {what} is over, or raise LEADSCOUT_LLM_MAX_USD_PER_{what.upper()}: leadscout spend"
            return f"{told}, and this {what} has ${dollars(max(left[what], 0)):.6f} left", fix
    return None


def _takes_connections(url: str) -> bool:
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        with socket.create_connection((str(parts.hostname), port), timeout=REACHED_WITHIN):
            return True
    except OSError:
        return False


def _left_alone(database: Database, offer: Offer, now: datetime) -> bool:
    with database.read() as connection:
        return isinstance(held(connection, offer.name, now), Denied)


def _in_words(offer: Offer, price: Price, settings: Settings, url: str | None, measured: str) -> str:
    per_million = (
        f"${dollars(price.input * 1_000_000):g} in and ${dollars(price.output * 1_000_000):g} out per million tokens"
    )
    caps = ", ".join(
        f"${getattr(settings, f'llm_max_usd_per_{what}'):g} a {what}" for what in ("call", "batch", "day", "month")
    )
    return "; ".join((
        "takes connections" if url else "key there, not tried",
        per_million,
        f"at most {caps}",
        measured,
    ))  # fmt: skip
