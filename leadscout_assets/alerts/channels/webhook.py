"""A webhook of one's own: the message as JSON, signed, so that the receiver knows who sent it and that it is not replayed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable

from leadscout_assets.alerts.channels.base import NotDelivered, secret
from leadscout_assets.alerts.channels.http import check_url, post
from leadscout_assets.alerts.messages import Message
from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import Settings

SIGNATURE, TIMESTAMP, KEY = "X-LeadScout-Signature", "X-LeadScout-Timestamp", "Idempotency-Key"


class Webhook:
    """Posts `Message.to_json`."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970."""
        self._settings, self._now = settings, now

    def send(self, message: Message) -> None:
        """Post the message; any 2xx counts as taken."""
        url = check_url(secret(self._settings, "webhook_url") or "", "LEADSCOUT_ALERT_WEBHOOK_URL")
        body = json.dumps(message.to_json(), sort_keys=True).encode()
        stamp = str(int(self._now()))
        key = secret(self._settings, "webhook_secret")
        if key is None:
            raise BadSetting(MISSING)
        headers = {
            "Content-Type": "application/json",
            KEY: message.key,
            TIMESTAMP: stamp,
            SIGNATURE: sign(key, stamp, body),
        }
        answer = post(url, body, headers)
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"the webhook answered HTTP {answer.status}")


MISSING = "LEADSCOUT_ALERT_WEBHOOK_SECRET is not set: the receiver could not tell our alerts from anybody's; set one"
"""No colon behind the name: a log line would take what follows for the secret, and remove it."""


def sign(key: str, timestamp: str, body: bytes) -> str:
    """Return `v1=` and the HMAC-SHA256 of `timestamp.body` in hex. The receiver computes it too, and refuses old timestamps."""
    return "v1=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def webhook_channel(settings: Settings) -> Webhook | None:
    """Return the channel where an address is set. Raises `BadSetting` where the key to sign with is missing."""
    if not secret(settings, "webhook_url"):
        return None
    if not secret(settings, "webhook_secret"):
        raise BadSetting(MISSING)
    return Webhook(settings)
