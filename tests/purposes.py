"""The purpose under which tests classify names: an entry of a register of their own, as settings and as environment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from leadscout_assets.governance.gate import Grant
from leadscout_assets.governance.purposes import read_register

REGISTER = Path(__file__).with_name("purposes.toml")
PURPOSE = "tests"

IN_TESTS = {"classification_purpose": PURPOSE, "purposes": REGISTER}
ENVIRONMENT = {"LEADSCOUT_CLASSIFICATION_PURPOSE": PURPOSE, "LEADSCOUT_PURPOSES": str(REGISTER)}

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def granted() -> Grant:
    """Return the grant of the tests' purpose."""
    return Grant(PURPOSE, read_register(REGISTER)[PURPOSE])
