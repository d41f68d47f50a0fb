"""Where messages go: one file per kind of channel, and the registry of those that the settings set up.

A channel sends one message once, within `ATTEMPT_SECONDS`, and raises `NotDelivered`; trying again is the outbox's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from leadscout_assets.alerts.channels.base import Channel, secret
from leadscout_assets.alerts.channels.email import email_channel
from leadscout_assets.alerts.channels.http import check_url
from leadscout_assets.alerts.channels.log import log_channel
from leadscout_assets.alerts.channels.slack import slack_channel
from leadscout_assets.alerts.channels.webhook import webhook_channel
from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import Settings

Maker = Callable[[Settings], Channel | None]

CHANNELS: Mapping[str, Maker] = {
    "log": log_channel,
    "slack": slack_channel,
    "webhook": webhook_channel,
    "email": email_channel,
}
"""Every kind of channel. The log is always there; the others when the settings say where to."""


ADDRESSES = {"slack_url": "LEADSCOUT_ALERT_SLACK_URL", "webhook_url": "LEADSCOUT_ALERT_WEBHOOK_URL"}
"""Secrets that are addresses, and their settings."""


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Return the channels that are set up, by name. Raises `BadSetting` for one that is set up by half."""
    made = {name: make(settings) for name, make in CHANNELS.items()}
    return {name: channel for name, channel in made.items() if channel is not None}


def usable_channels(settings: Settings) -> tuple[dict[str, Channel], list[str]]:
    """Return the channels that can be used, and what is wrong with those that cannot: one typo must not silence all others."""
    usable: dict[str, Channel] = {}
    faults: list[str] = []
    for name, make in CHANNELS.items():
        try:
            channel = make(settings)
        except BadSetting as error:
            faults.append(str(error))
            continue
        if channel is not None:
            usable[name] = channel
    return usable, faults


def faults_of(settings: Settings) -> list[str]:
    """Return what is wrong with the channels as they are set up, addresses that are none included.

    To a channel with such an address messages are queued all the same: they go out once it is mended.
    """
    faults = usable_channels(settings)[1]
    for name, setting in ADDRESSES.items():
        try:
            if address := secret(settings, name):
                check_url(address, setting)
        except BadSetting as error:
            faults += [] if str(error) in faults else [str(error)]
    return faults
