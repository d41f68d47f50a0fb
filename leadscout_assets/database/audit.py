"""The audit trail: who did what to which batch or lead, when and why. Events are added and read, never changed.

An event holds ids, codes and counts, and the purpose as given. What happened in detail belongs to logs and tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from leadscout_assets.contracts import BATCH_ID, LEAD_ID
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import audit_events

CODE = r"[a-z][a-z0-9_.-]{0,63}"
"""Actions, keys of details and codes in them: lower case, no spaces."""

_HASH_OR_RUN = r"[0-9a-f-]{8,64}"
_MOMENT = r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?"

_SUBJECT = re.compile(f"(?:{BATCH_ID})|(?:{LEAD_ID})")
_DETAIL_TEXT = re.compile(f"(?:{CODE})|(?:{BATCH_ID})|(?:{_HASH_OR_RUN})|(?:{_MOMENT})")


@dataclass(frozen=True)
class AuditEvent:
    """One event. `id` counts up from 1; `at` is UTC; `subject` is a batch id or a lead id, or None."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    reason: str | None
    detail: dict[str, object]


def record_event(
    database: Database,
    *,
    actor: str,
    action: str,
    subject: str | None = None,
    reason: str | None = None,
    detail: Mapping[str, object] | None = None,
    at: datetime | None = None,
) -> int:
    """Add one event and return its id.

    `actor` is the user of the machine or the part that acts; `action` a code such as `names.classified`; `reason`
    the purpose as a person gave it; `detail` holds numbers, booleans, None, ids, codes and dates, also nested; `at`
    is now unless given. Raises `ValueError`, naming the field and not its value, where something else is given.
    """
    if not re.fullmatch(CODE, action):
        raise ValueError("audit event: action is not a lower-case code")
    if not actor.strip():
        raise ValueError("audit event: actor is blank")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise ValueError("audit event: subject is neither a batch id nor a lead id")
    _check_detail(detail or {}, "detail")
    values = {
        "at": at or datetime.now(UTC),
        "actor": actor,
        "action": action,
        "subject": subject,
        "reason": reason,
        "detail": detail or {},
    }
    with database.begin() as connection:
        added = connection.execute(audit_events.insert().values(values).returning(audit_events.c.id))
        return int(added.scalar_one())


def events(
    database: Database,
    since: datetime | None = None,
    *,
    action: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[AuditEvent]:
    """Return the events from `since` on (inclusive), oldest first; with `limit` only the newest so many."""
    query = audit_events.select().order_by(audit_events.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(audit_events.c.at >= since)
    if action is not None:
        query = query.where(audit_events.c.action == action)
    if subject is not None:
        query = query.where(audit_events.c.subject == subject)
    with database.read() as connection:
        found = [AuditEvent(**row._mapping) for row in connection.execute(query)]
    return found[::-1]


def _check_detail(value: object, place: str) -> None:
    """Refuse what could be a personal value: free text anywhere, and keys that are not codes."""
    if value is None or isinstance(value, bool | int | float):
        return
    if isinstance(value, str):
        if not _DETAIL_TEXT.fullmatch(value):
            raise ValueError(f"audit event: {place} is neither an id nor a code")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not (isinstance(key, str) and _DETAIL_TEXT.fullmatch(key)):
                raise ValueError(f"audit event: a key in {place} is neither an id nor a code")
            _check_detail(inner, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_detail(inner, f"an element of {place}")
    else:
        raise ValueError(f"audit event: {place} is of a type that cannot be stored")
