"""The services of others that the platform uses, language models and the channels of alerts: does each do its work?

Told by what is on record and by whether a server of one's own takes a connection. Nothing is sent, and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from leadscout_assets.alerts.channels import faults_of, usable_channels
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.database.engine import HEAD, Database, current_revision, database_of
from leadscout_assets.settings import Settings


@dataclass(frozen=True)
class Service:
    """One service, and what keeps it from its work with what to do; None where it does it, as far as is known."""

    name: str
    fault: str | None = None


def external_services(settings: Settings, now: datetime | None = None) -> list[Service]:
    """Look at every service that the settings name. Raises `EdgeFailed` where the database does not answer."""
    database = database_of(settings)
    try:
        known = database if database.is_there and current_revision(database) == HEAD else None
        return [*_language_models(settings, known, now or datetime.now(UTC)), *_channels(settings, known)]
    finally:
        database.close()


def _language_models(settings: Settings, database: Database | None, now: datetime) -> list[Service]:
    if not settings.llm_is_on:
        return []
    # Prices, prompt and calibration, which whoever asks no model need not read.
    from leadscout_assets.llm.usable import usable

    return [
        Service(each.provider, None if each.ok else f"{each.found} ({each.fix})")
        for each in usable(settings, database, now)
    ]


def _channels(settings: Settings, database: Database | None) -> list[Service]:
    failing = DatabaseStore(database).failing() if database else {}
    named = [name for name in usable_channels(settings)[0] if name != "log"]
    return [
        *(Service("alerts", fault) for fault in faults_of(settings)),
        *(Service(f"alerts by {name}", _in_words(*failing[name]) if name in failing else None) for name in named),
    ]


def _in_words(waiting: int, why: str) -> str:
    return f"{waiting} messages wait to be tried again ({why}; see leadscout alerts list)"
