"""What people read: the news of one moment under one root, as one message. Pure; how it is sent is the channels' affair."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadscout_assets.alerts.engine import ESCALATED, FIRED, FORGOTTEN, MORE, REMINDER, RESOLVED, News
from leadscout_assets.alerts.facts import CRITICAL, RANK, WARNING
from leadscout_assets.logs import mask

WORDS: Mapping[str, str] = {
    FIRED: "",
    ESCALATED: "got worse: ",
    MORE: "more of it: ",
    REMINDER: "still so: ",
    RESOLVED: "resolved: ",
    FORGOTTEN: "nobody mended it, and it is not told again: ",
}

OVER = frozenset({RESOLVED, FORGOTTEN})
"""Kinds of news after which nothing more is told of the alert."""

LONGEST = 400
"""Characters of one sentence; a check's description may be a list."""


@dataclass(frozen=True)
class Line:
    """One piece of news: which rule, what kind, how bad, what was measured, what to do and where that is explained."""

    rule: str
    kind: str
    level: str
    sentence: str
    do: str
    page: str
    since: str

    @property
    def text(self) -> str:
        """The news in one line."""
        return f"{WORDS[self.kind]}{self.sentence}"


@dataclass(frozen=True)
class Message:
    """News under one root. `key` is the idempotency key: the same news has the same one, however often it is sent."""

    key: str
    root: str
    at: str
    lines: tuple[Line, ...]

    @property
    def level(self) -> str:
        """critical or warning; where all of it is over forgotten if any of it is, else resolved."""
        wrong = [line.level for line in self.lines if line.kind not in OVER]
        if wrong:
            return max(wrong, key=lambda level: RANK[level])
        return FORGOTTEN if any(line.kind == FORGOTTEN for line in self.lines) else RESOLVED

    @property
    def title(self) -> str:
        """One line for a subject or a notification."""
        rules = ", ".join(dict.fromkeys(line.rule for line in self.lines))
        return f"LeadScout {self.level}: {rules} ({self.root})"

    @property
    def text(self) -> str:
        """Everything, as plain text."""
        blocks = [self.title]
        for line in self.lines:
            told = [f"[{line.kind if line.kind in OVER else line.level}] {line.rule}: {line.text}"]
            if line.kind != RESOLVED:
                told += [f"  do: {line.do}", f"  see: {line.page}", f"  since: {line.since}"]
            blocks.append("\n".join(told))
        return "\n\n".join(blocks)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as they are stored and as a webhook is sent them."""
        lines = [{**vars(line)} for line in self.lines]
        return {
            "key": self.key,
            "root": self.root,
            "at": self.at,
            "level": self.level,
            "title": self.title,
            "alerts": lines,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Message:
        """Read what `to_json` gave."""
        return cls(value["key"], value["root"], value["at"], tuple(Line(**line) for line in value["alerts"]))


def messages(news: Iterable[News]) -> list[Message]:
    """Return one message per root, the worst news of each first."""
    by_root: dict[str, list[News]] = {}
    for one in news:
        by_root.setdefault(one.root, []).append(one)
    return [_message(root, found) for root, found in sorted(by_root.items())]


def trial(channel: str, now: datetime) -> Message:
    """Return the message of `leadscout alerts test`."""
    line = Line("test", FIRED, WARNING, "this is a test; nothing is wrong", "nothing", "docs/alerts.md", _moment(now))
    return Message(_digest([f"test|{channel}|{now.isoformat()}"]), "test", _moment(now), (line,))


def _message(root: str, news: Sequence[News]) -> Message:
    ordered = sorted(news, key=lambda one: (one.kind in OVER, one.level != CRITICAL, one.rule.name))
    lines = tuple(
        Line(
            one.rule.name,
            one.kind,
            one.level,
            mask(one.sentence)[:LONGEST],
            one.rule.do,
            one.rule.page,
            _moment(one.fired_at),
        )
        for one in ordered
    )
    return Message(_digest(sorted(one.key for one in news)), root, _moment(max(one.at for one in news)), lines)


def _digest(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
