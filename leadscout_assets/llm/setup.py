"""Makes the stage that the settings describe. Where they name no provider, there is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from leadscout_assets.errors import BadSetting
from leadscout_assets.llm.answered import Offer, Pace, Why
from leadscout_assets.llm.calibration import load_calibration
from leadscout_assets.llm.golden_gate import gated
from leadscout_assets.llm.prices import Price, nano, price_of
from leadscout_assets.llm.providers import PROVIDERS, Provider
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stage import Stage
from leadscout_assets.logs import get_logger
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from leadscout_assets.database.engine import Database
    from leadscout_assets.llm.booked import Caps
    from leadscout_assets.llm.jobs import Jobs
    from leadscout_assets.llm.ledger import Ledger

NEEDS_KEY = ("openai", "anthropic")
NEEDS_URL = ("local", "stub")


def caps_of(settings: Settings) -> Caps:
    """Return the caps that the settings name."""
    from leadscout_assets.llm.booked import Caps

    return Caps(
        call=nano(settings.llm_max_usd_per_call),
        batch=nano(settings.llm_max_usd_per_batch),
        day=nano(settings.llm_max_usd_per_day),
        month=nano(settings.llm_max_usd_per_month),
        requests=settings.llm_requests_per_minute,
        tokens=settings.llm_tokens_per_minute,
    )


def ledger_of(settings: Settings, database: Database) -> Ledger:
    """Return the ledger of a home."""
    from leadscout_assets.llm.ledger import Ledger

    return Ledger(database, caps_of(settings))


def stage_of(
    settings: Settings,
    database: Database,
    secret: bytes,
    *,
    kind: str = "call",
    to_measure: bool = False,
    strict: bool = True,
) -> Stage:
    """Return the stage that asks the providers of the settings.

    `to_measure`: a prompt and models that were never measured may be used, and what was answered before is asked again. Else
    a model that has not passed the golden set is passed over, unless the settings let it be asked.

    Raises `BadSetting` where a provider cannot be used as given, which is passed over instead unless `strict`, and
    `LeadScoutError` where the prompt was not admitted.
    """
    from leadscout_assets.llm.measurements import measurements

    wanted = form(reveal_religion=settings.reveal_religion)
    if not to_measure:
        load_calibration().admit(wanted)
    offers = offers_of(settings, strict=strict)
    if not to_measure:
        known = measurements(database, wanted)
        offers = [gated(offer, known, unmeasured=settings.llm_unmeasured) for offer in offers]
        for offer in offers:
            if offer.why_not == Why.NOT_MEASURED and not strict:
                get_logger(__name__).warning("llm.not_measured", provider=offer.name, model=offer.model)
    pace = pace_of(settings)
    return Stage(ledger_of(settings, database), offers, wanted, secret, pace, kind=kind, anew=to_measure)


def pace_of(settings: Settings) -> Pace:
    """Return how many names, calls and seconds the settings allow."""
    return Pace(
        names=settings.llm_names_per_call,
        workers=settings.llm_workers,
        call_seconds=settings.llm_call_seconds,
        total_seconds=settings.llm_run_seconds,
        batch_seconds=settings.llm_batch_seconds or settings.llm_run_seconds,
    )


def jobs_of(settings: Settings, stage: Stage) -> Jobs:
    """Return what asks by the batch APIs of a stage's providers."""
    from leadscout_assets.llm.jobs import Jobs

    def price(kind: str, model: str) -> Price | None:
        return None if kind == "local" else price_of(kind, model, settings.llm_prices, batch=True)

    return Jobs(stage, price)


def check_models(settings: Settings) -> None:
    """Raise `BadSetting` where a language model is switched on that cannot be asked as it is set up."""
    offers_of(settings)


def offers_of(settings: Settings, *, strict: bool = True) -> list[Offer]:
    """Return the providers in order. Raises `BadSetting`; unless `strict`, one that cannot be used says so itself."""
    return [offer_of(settings, *pair, strict=strict) for pair in named(settings.llm_providers)]


def named(providers: str) -> list[tuple[str, str]]:
    """Return kind and model of each provider that LEADSCOUT_LLM_PROVIDERS names. Raises `BadSetting`."""
    found = []
    for each in filter(None, (one.strip() for one in providers.split(","))):
        kind, _, model = each.partition("/")
        if kind not in PROVIDERS or not re.fullmatch(r"[\w.:@/+-]{1,100}", model):
            raise BadSetting(f"LEADSCOUT_LLM_PROVIDERS: write KIND/MODEL; kinds are {', '.join(PROVIDERS)}")
        found.append((kind, model))
    if len({kind for kind, _ in found}) < len(found):
        raise BadSetting("LEADSCOUT_LLM_PROVIDERS: name each kind once; a second model of one kind has no turn")
    return found


def offer_of(settings: Settings, kind: str, model: str, *, strict: bool = True) -> Offer:
    """Return one provider. Raises `BadSetting` where it cannot be used as given; unless `strict`, it says so itself."""
    url, key, why_not = getattr(settings, f"llm_{kind}_url"), None, None
    try:
        key = _key(settings, kind)
        _check(kind, url, key)
    except BadSetting as error:
        if strict:
            raise
        # Whoever starts the platform is told; what is gone since then, as the file of a key, keeps no batch waiting.
        get_logger(__name__).warning("llm.not_set_up", provider=kind, reason=str(error))
        why_not = Why.NOT_SET_UP

    def make() -> Provider:
        return PROVIDERS[kind](model, key, url)

    return Offer(kind, model, price_of(kind, model, settings.llm_prices), make, why_not)


def _check(kind: str, url: str | None, key: SecretStr | None) -> None:
    if kind in NEEDS_URL and not url:
        raise BadSetting(f"LEADSCOUT_LLM_{kind.upper()}_URL: say where the server is, as http://127.0.0.1:8080/v1")
    if kind in NEEDS_KEY and key is None:
        raise BadSetting(
            f"LEADSCOUT_LLM_{kind.upper()}_KEY: set the key, or name a folder by LEADSCOUT_LLM_SECRETS_DIR"
        )
    # Refused here, since below the client nobody could say whether such a call was sent.
    if key is not None and not re.fullmatch(r"[!-~]+", key.get_secret_value()):
        raise BadSetting(f"LEADSCOUT_LLM_{kind.upper()}_KEY: this is no key: it holds a blank, or what is no ASCII")
    if url and not _is_address(url):
        raise BadSetting(f"LEADSCOUT_LLM_{kind.upper()}_URL: this is no address: write it as http://127.0.0.1:8080/v1")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:  # brackets without their other half, a port beyond all
        return False


def _key(settings: Settings, kind: str) -> SecretStr | None:
    if kind not in NEEDS_KEY:
        return None
    given: SecretStr | None = getattr(settings, f"llm_{kind}_key")
    return given or _key_in(settings.llm_secrets_dir, f"{kind}_key")


def _key_in(folder: Path | None, name: str) -> SecretStr | None:
    if folder is None or not (folder / name).is_file():
        return None
    try:
        text = (folder / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"LEADSCOUT_LLM_SECRETS_DIR: {name} cannot be read ({type(error).__name__})") from None
    return SecretStr(text) if text else None
