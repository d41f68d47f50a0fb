"""What a channel is, how it fails, and where its secrets come from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from leadscout_assets.alerts.messages import Message
from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.settings import Settings

ATTEMPT_SECONDS = 10.0
"""Longest that one attempt may take, whatever the other side does."""


class NotDelivered(EdgeFailed):
    """One attempt failed. Says what the other side did, never where it is: a webhook's address is a secret.

    `again_after`: seconds that the other side asked to be left alone, None where it did not.
    """

    def __init__(self, message: str, again_after: float | None = None) -> None:
        super().__init__(message)
        self.again_after = again_after


class Channel(Protocol):
    """A way to people."""

    def send(self, message: Message) -> None:
        """Send once; raises `NotDelivered`, and `BadSetting` where the channel cannot be used as it is set up."""


def secret(settings: Settings, name: str) -> str | None:
    """Return a secret of the channels: from its file in LEADSCOUT_ALERT_SECRETS_DIR if there is one, else from the environment.

    Read anew each time, so that one that was changed needs no restart.
    """
    folder: Path | None = settings.alert_secrets_dir
    if folder is not None and (folder / name).exists():
        try:
            text = (folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"LEADSCOUT_ALERT_SECRETS_DIR: the file {name} cannot be read ({type(error).__name__})"
            ) from None
        if not text:
            raise BadSetting(f"LEADSCOUT_ALERT_SECRETS_DIR: the file {name} is empty")
        return text
    given = getattr(settings, f"alert_{name}")
    return given.get_secret_value() if given is not None else None
