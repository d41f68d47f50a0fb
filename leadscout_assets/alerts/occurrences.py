"""Events become occurrences: of each subject the newest event counts, in whatever order they are read. Pure.

So events may be read newest first, and read again, as PostgreSQL's late commits demand: what was seen changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from leadscout_assets.alerts.facts import Signal

Subject = tuple[str, str]
"""(rule, subject)"""


@dataclass(frozen=True)
class Occurrence:
    """The newest event on a subject; open while `level` is set. `opened_id`: first bad event since the last good one."""

    rule: str
    subject: str
    root: str
    level: str | None
    sentence: str
    event_id: int
    opened_id: int
    at: datetime

    @property
    def key(self) -> Subject:
        """Rule and subject."""
        return self.rule, self.subject


def merge(known: Mapping[Subject, Occurrence], signals: Iterable[Signal], *, keep_good: bool) -> list[Occurrence]:
    """Return the occurrences to store after `signals`.

    A good event on a subject without an occurrence is only worth a row while older events are still unread (`keep_good`):
    a failure found among them later is then known to be over.
    """
    changed: dict[Subject, Occurrence] = {}
    for signal in sorted(signals, key=lambda one: one.event_id):
        key = (signal.rule, signal.subject)
        before = changed.get(key) or known.get(key)
        if before is not None and before.event_id >= signal.event_id:
            continue
        if before is None and signal.level is None and not keep_good:
            continue
        goes_on = before is not None and before.level is not None and signal.level is not None
        changed[key] = Occurrence(
            signal.rule,
            signal.subject,
            signal.root,
            signal.level,
            signal.sentence,
            signal.event_id,
            before.opened_id if goes_on and before is not None else signal.event_id,
            signal.at,
        )
    return list(changed.values())
