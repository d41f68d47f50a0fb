"""A Slack-compatible incoming webhook: Slack itself, Mattermost, Rocket.Chat, Discord's `/slack` address."""

from __future__ import annotations

import json

from leadscout_assets.alerts.channels.base import NotDelivered, secret
from leadscout_assets.alerts.channels.http import check_url, post
from leadscout_assets.alerts.messages import Message
from leadscout_assets.settings import Settings

SIGNS = {
    "critical": ":red_circle:",
    "warning": ":large_yellow_circle:",
    "resolved": ":large_green_circle:",
    "forgotten": ":white_circle:",
}

LONGEST = 3_000
"""Characters that every compatible server takes."""


class Slack:
    """Posts `{"text": ...}`."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet."""
        self._settings = settings

    def send(self, message: Message) -> None:
        """Post the message; only an answer that says it was taken counts."""
        url = check_url(secret(self._settings, "slack_url") or "", "LEADSCOUT_ALERT_SLACK_URL")
        text = f"{SIGNS[message.level]} {escaped(message.text)}"[:LONGEST]
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        answer = post(url, json.dumps({"text": text}).encode(), headers)
        if not _taken(answer.status, answer.body):
            raise NotDelivered(f"the webhook answered HTTP {answer.status}, but not that it took the message")


def escaped(text: str) -> str:
    """Return text in which nothing addresses a person or a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _taken(status: int, body: bytes) -> bool:
    if status == 204:
        return True
    text = body.decode("utf-8", "replace").strip()
    if status != 200 or not text:
        return status == 200
    if text.lower() == "ok":
        return True
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return isinstance(said, dict) and (said.get("ok") is True or said.get("success") is True)


def slack_channel(settings: Settings) -> Slack | None:
    """Return the channel where an address is set."""
    return Slack(settings) if secret(settings, "slack_url") else None
