"""The gate of the purpose: whether the names of a batch, or of a file, may be classified, under which entry, else why not.

Decides; what was decided is recorded by whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import pyarrow as pa

from leadscout_assets.errors import BadInput, BadSetting
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.governance.purposes import ID, SCORE, Covers, Purpose, read_register, registered
from leadscout_assets.leads.marker import unmarked
from leadscout_assets.settings import Settings
from leadscout_assets.terms import TIME_ZONE

RawExtras = Callable[[Sequence[str]], pa.Table]
"""Gives `batch_id` and `extra` of every row of some batches as delivered."""


class Refused(StrEnum):
    """Why a purpose does not hold for a batch or a file."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    NOT_FOR_LEADS = "not_for_leads"
    NOT_FOR_NAMES = "not_for_names"
    NOT_ROW_LEVEL = "not_row_level"
    MARKER_MISSING = "marker_missing"
    PAST_RETENTION = "past_retention"
    NOT_FOR_SCORE = "not_for_score"


SENTENCES: Mapping[Refused, str] = {
    Refused.UNKNOWN: "it stands in no register: register it in the file that LEADSCOUT_PURPOSES names",
    Refused.EXPIRED: "its last day is over: have whoever is responsible decide anew, and register that",
    Refused.NOT_FOR_LEADS: "it does not cover lead lists",
    Refused.NOT_FOR_NAMES: "it does not cover files of names",
    Refused.NOT_ROW_LEVEL: "it does not allow answers row by row",
    Refused.MARKER_MISSING: "it is for generated lists only, and not every row of this one was generated",
    Refused.PAST_RETENTION: "what it allows to infer may not be kept any more, so long ago was the batch delivered",
    Refused.NOT_FOR_SCORE: "it does not allow that a known origin counts in the score",
}


@dataclass(frozen=True)
class Grant:
    """What the gate said. `asked` is the id asked for, None where no purpose is set; `entry` the one that holds, else None."""

    asked: str | None = None
    entry: Purpose | None = None
    refusal: Refused | None = None
    told: str | None = None
    """What a report says where the entry is not there any more: of a batch classified under it earlier."""
    deleted: bool = False
    """Whether what was inferred has been deleted since, its retention being over."""

    @property
    def sentence(self) -> str | None:
        """Why nothing is inferred, although a purpose was asked for; None where something is, or none was asked for."""
        if self.deleted:
            return f"what was inferred for the purpose {self.asked} has been deleted, its retention being over"
        return f"the purpose {self.asked} is refused: {SENTENCES[self.refusal]}" if self.refusal else None

    @property
    def stated(self) -> str | None:
        """The purpose as a report shows it; None where nothing is inferred."""
        if self.sentence:
            return None
        return self.entry.sentence if self.entry else self.told

    @property
    def code(self) -> str:
        """What a classification that was not made says in its evidence."""
        return f"purpose refused: {self.refusal}" if self.refusal else "no purpose recorded"


NO_PURPOSE = Grant()

Grants = Mapping[str, Grant]
"""What the gate said, by batch id."""


def check_setting(settings: Settings) -> None:
    """Raise `BadSetting` where the register cannot be used, the purpose of the settings is no entry of it, or it does not allow
    what they switch on.
    """
    register = read_register(settings.purposes)
    asked = asked_for(settings)
    entry = registered(register, asked) if asked else None
    if settings.origin_weight and (entry is None or SCORE not in entry.used_for):
        said = f"the purpose {entry.id} does not allow that" if entry else "there is no purpose"
        raise BadSetting(
            f'LEADSCOUT_ORIGIN_WEIGHT: {said}: a known origin counts in the score only for a purpose with "{SCORE}" among '
            "its used_for; set it to 0, or name such a purpose: docs/compliance.md"
        )


def asked_for(settings: Settings, purpose: str | None = None) -> str | None:
    """Return the id of the purpose asked for: `purpose`, else the setting's; None where neither says anything."""
    return (purpose or settings.classification_purpose or "").strip() or None


def decide(
    settings: Settings, delivered: Mapping[str, datetime], extras: RawExtras, *, now: datetime
) -> dict[str, Grant]:
    """Say of each batch, given with its delivery, whether the purpose of the settings holds for it.

    The register is read anew at each call: who changes it need not start anything again. Rows are asked for only where
    the purpose is for generated lists. Raises `BadSetting` where the register cannot be used.
    """
    asked = asked_for(settings)
    if asked is None:
        return dict.fromkeys(delivered, NO_PURPOSE)
    entry = read_register(settings.purposes).get(asked)
    if entry is None and not re.fullmatch(ID, asked):
        asked = "free_text"  # which may hold anything, and is shown and kept nowhere
    today = now.astimezone(TIME_ZONE).date()
    general = _in_general(entry, today)
    if entry is None or general:
        return dict.fromkeys(delivered, Grant(asked, None, general))
    unproven: Collection[str] = ()
    if Covers.LEADS not in entry.covers:
        rows = extras(list(delivered))
        unproven = {*unmarked(rows), *(set(delivered) - set(rows_by_batch(rows)))}

    def one(batch: str, at: datetime) -> Grant:
        if entry.kept_until(at.astimezone(TIME_ZONE).date()) < today:
            return Grant(asked, None, Refused.PAST_RETENTION)
        return Grant(asked, None, Refused.MARKER_MISSING) if batch in unproven else Grant(asked, entry)

    return {batch: one(batch, at) for batch, at in delivered.items()}


def origin_points(settings: Settings, grant: Grant, *, today: date) -> int:
    """Return what a known origin counts in the scores of a batch, points: what the operator has set where its purpose allows
    that, else 0.
    """
    entry = grant.entry
    allowed = entry is not None and SCORE in entry.used_for and not entry.expired(today)
    return settings.origin_weight if allowed else 0


def allow_names(settings: Settings, purpose: str | None, *, today: date) -> Purpose:
    """Return the entry under which a file of names may be classified row by row.

    Raises `BadInput` where no purpose is named, and `BadSetting` where the one that is does not hold.
    """
    asked = asked_for(settings, purpose)
    if asked is None:
        raise BadInput(
            "no purpose: name a registered one with --purpose ID or LEADSCOUT_CLASSIFICATION_PURPOSE; "
            "`leadscout purposes` lists them"
        )
    entry = registered(read_register(settings.purposes), asked)
    refusal: Refused | None = None
    if entry.expired(today):
        refusal = Refused.EXPIRED
    elif Covers.NAMES not in entry.covers:
        refusal = Refused.NOT_FOR_NAMES
    elif not entry.row_level:
        refusal = Refused.NOT_ROW_LEVEL
    if refusal:
        raise BadSetting(str(Grant(asked, None, refusal).sentence))
    return entry


def _in_general(entry: Purpose | None, today: date) -> Refused | None:
    """Return why an entry holds for no batch at all."""
    if entry is None:
        return Refused.UNKNOWN
    if entry.expired(today):
        return Refused.EXPIRED
    return Refused.NOT_FOR_LEADS if entry.covers == (Covers.NAMES,) else None
