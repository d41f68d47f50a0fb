"""The store of the one rule that must work when the application database does not: a small JSON file in the home.

Holds states and an outbox like `store`, with the same promises; only for the few rules that say `outside_database`.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from leadscout_assets.alerts.engine import Key, State
from leadscout_assets.alerts.messages import Message
from leadscout_assets.alerts.store import CLAIM, Queued
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private

NAME = "outside-database.json"

MOMENTS = ("pending_since", "fired_at", "cleared_since", "told_at")

KEPT = timedelta(days=7)


class FileStore:
    """States and outbox in one file, replaced whole under a lock. A damaged file counts as empty: better told twice than never."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when something is stored."""
        self._folder = folder

    def states(self) -> dict[Key, State]:
        """Return every state that is not over."""
        found = [_state(value) for value in self._read()["states"]]
        return {state.key: state for state in found}

    def save(
        self,
        *,
        now: datetime,
        states: Sequence[State] = (),
        over: Sequence[Key] = (),
        messages: Sequence[Message] = (),
        channels: Sequence[str] = (),
    ) -> None:
        """Store one evaluation whole."""
        with self._changing() as content:
            known = {(one["rule"], one["root"]): one for one in content["states"]}
            known.update({state.key: _plain(state) for state in states})
            content["states"] = [one for key, one in known.items() if key not in set(over)]
            there = {(one["body"]["key"], one["channel"]) for one in content["outbox"]}
            for message in messages:
                for channel in channels:
                    if (message.key, channel) not in there:
                        content["number"] += 1
                        content["outbox"].append(
                            {
                                "number": content["number"],
                                "channel": channel,
                                "body": message.to_json(),
                                "created_at": now.isoformat(),
                                "attempts": 0,
                                "next_attempt_at": now.isoformat(),
                                "sent_at": None,
                                "error": None,
                            }
                        )
            content["outbox"] = [
                one
                for one in content["outbox"]
                if one["next_attempt_at"] or datetime.fromisoformat(one["created_at"]) > now - KEPT
            ]

    def claim(self, now: datetime, channels: Sequence[str], limit: int = 100) -> list[Queued]:
        """Take what is due, as `DatabaseStore.claim` does."""
        if not any(one["next_attempt_at"] for one in self._read()["outbox"]):
            return []
        found: list[Queued] = []
        with self._changing() as content:
            for one in content["outbox"]:
                due = one["next_attempt_at"]
                if due and datetime.fromisoformat(due) <= now and one["channel"] in channels and len(found) < limit:
                    created = datetime.fromisoformat(one["created_at"])
                    found.append(
                        Queued(one["number"], one["channel"], Message.from_json(one["body"]), created, one["attempts"])
                    )
                    one["attempts"] += 1
                    one["next_attempt_at"] = (now + CLAIM).isoformat()
        return found

    def settle(self, number: int, *, sent_at: datetime | None, again_at: datetime | None, error: str | None) -> None:
        """Note how an attempt ended, as `DatabaseStore.settle` does."""
        with self._changing() as content:
            for one in content["outbox"]:
                if one["number"] == number and not one["sent_at"]:
                    one["sent_at"] = sent_at.isoformat() if sent_at else None
                    one["next_attempt_at"] = again_at.isoformat() if again_at else None
                    one["error"] = error

    def _read(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"states": [], "outbox": [], "number": 0}
        try:
            content = json.loads((self._folder / NAME).read_text(encoding="utf-8"))
            return content if isinstance(content, dict) and set(content) == set(empty) else empty
        except (OSError, ValueError):
            return empty

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        try:
            make_private(self._folder)
            with (self._folder / f".{NAME}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                content = self._read()
                yield content
                handle, fresh = tempfile.mkstemp(prefix=f".{NAME}.", dir=self._folder)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                Path(fresh).replace(self._folder / NAME)
        except OSError as error:
            raise EdgeFailed(f"the file of the alerts in the home cannot be written: {error.strerror}") from None


def _plain(state: State) -> dict[str, Any]:
    return {
        field.name: value.isoformat() if isinstance(value := getattr(state, field.name), datetime) else value
        for field in fields(state)
    }


def _state(value: dict[str, Any]) -> State:
    moments = {name: datetime.fromisoformat(value[name]) if value[name] else None for name in MOMENTS}
    return State(**{**value, **moments})
