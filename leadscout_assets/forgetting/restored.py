"""The settings of a home that was restored somewhere, while its own settings are still those of another place."""

from __future__ import annotations

from pathlib import Path

from leadscout_assets.database.engine import is_postgres_url
from leadscout_assets.settings import Settings


def settings_of(settings: Settings, folder: Path) -> Settings:
    """Return the settings with everything of the home in `folder`; a PostgreSQL database and the backups stay where they are."""
    elsewhere = settings.database_url is not None and is_postgres_url(settings.database)
    return settings.model_copy(
        update={
            "home": folder,
            "inbox": None,
            "log_dir": None,
            "backup_dir": settings.backups_dir,
            "database_url": settings.database_url if elsewhere else None,
        }
    )
