"""The register of purposes: what names may be classified for, on which ground, for how long. Read and validated here.

Whether a batch may be classified for one of them is `gate`'s to say.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from leadscout_assets.errors import BadSetting

ID = r"[a-z][a-z0-9_-]{0,63}"

GENERATED = "generated"
"""Ground of a purpose that is valid for generated lists only: the information is nobody's."""

GROUNDS: Mapping[str, str] = {
    "s27(1)(a)": "consent of the data subject",
    "s27(1)(b)": "establishment, exercise or defence of a right or obligation in law",
    "s27(1)(c)": "an obligation of international public law",
    "s27(1)(d)": "historical, statistical or research purposes",
    "s27(1)(e)": "information that the data subject has deliberately made public",
    "s27(1)(f)": "a special authorisation under sections 28 to 33",
    "s29": "identification where that is essential, or the advancement of persons disadvantaged by unfair discrimination",
    GENERATED: "none is needed: nobody in the list exists",
}
"""The grounds that an entry may name, by section of POPIA, in short. The Act's own words count, not these."""

SCORE = "score"
"""Use of an entry under which the score may count that a likely origin is known, if the operator switches that on."""

USED_FOR = ("statistics", "evaluation", "demonstration", SCORE)
"""What an entry may use the answers for."""

GROUNDS_OF_SCORE = ("s27(1)(a)", "s27(1)(f)", "s29", GENERATED)
"""Grounds on which a person may be looked at one by one; research and what somebody made public are none of them."""

REFUSED_USES: Mapping[str, str] = {
    "exclusion": "leaving leads out, or ranking them down, by the origin of a name",
    "credit": "deciding on credit",
    "hiring": "deciding on employment",
    "pricing": "setting prices",
}
"""Uses that no register can allow: a guess about a name is no basis for them (POPIA, sections 5(g) and 71)."""

LONGEST_RETENTION = 36_500


class Covers(StrEnum):
    """What an entry may be used on."""

    LEADS = "leads"
    GENERATED_LEADS = "generated_leads"
    NAMES = "names"


def _allowed_use(use: str) -> str:
    if use in REFUSED_USES:
        raise ValueError(f"LeadScout is not used for {REFUSED_USES[use]}, whatever the register says")
    if use not in USED_FOR:
        raise ValueError(f"there is no use {use}; there are {', '.join(USED_FOR)}")
    return use


def _known_ground(ground: str) -> str:
    if ground not in GROUNDS:
        raise ValueError(f"name the section of POPIA: one of {', '.join(GROUNDS)}")
    return ground


Text = Annotated[str, Field(min_length=3, max_length=500, pattern=r"\S")]


class Purpose(BaseModel):
    """One entry. `retention_days` count from a batch's delivery; `valid_until` is the last day on which it may be used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=f"^{ID}$")
    purpose: Text
    ground: Annotated[str, AfterValidator(_known_ground)]
    responsible: Text
    used_for: tuple[Annotated[str, AfterValidator(_allowed_use)], ...] = Field(min_length=1)
    covers: tuple[Covers, ...] = Field(min_length=1)
    row_level: bool = Field(strict=True)
    retention_days: int = Field(ge=1, le=LONGEST_RETENTION, strict=True)
    valid_until: date
    llm: bool = Field(False, strict=True)

    @model_validator(mode="after")
    def _together(self) -> Purpose:
        if (self.ground == GENERATED) != (self.covers == (Covers.GENERATED_LEADS,)):
            raise ValueError("ground: `generated` is the ground of generated_leads, and of nothing else")
        if SCORE in self.used_for and self.ground not in GROUNDS_OF_SCORE:
            raise ValueError(f"used_for: `{SCORE}` needs one of the grounds {', '.join(GROUNDS_OF_SCORE)}")
        return self

    @cached_property
    def digest(self) -> str:
        """What tells this entry from any other and from itself after a change, 16 hex digits."""
        told = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def ground_code(self) -> str:
        """The ground as the audit trail writes it, which holds no brackets: `s27-1-d`."""
        return re.sub(r"[()]+", "-", self.ground).strip("-")

    @property
    def sentence(self) -> str:
        """The entry as a report shows it."""
        ground = GROUNDS[self.ground] if self.ground == GENERATED else f"POPIA {self.ground}, {GROUNDS[self.ground]}"
        return (
            f"{self.id}. {self.purpose} Ground: {ground}. Responsible: {self.responsible}. "
            f"What was inferred is deleted {self.retention_days} days after delivery."
        )

    def expired(self, today: date) -> bool:
        """Say whether it may not be used any more."""
        return today > self.valid_until

    def kept_until(self, delivered: date) -> date:
        """Return the last day on which what was inferred about a batch may be kept."""
        return delivered + timedelta(days=self.retention_days)


Register = Mapping[str, Purpose]
"""Purposes by id."""


def shipped() -> Register:
    """Return the purposes that come with LeadScout."""
    text = files("leadscout_assets.governance").joinpath("purposes.toml").read_text(encoding="utf-8")
    return _entries(text, "purposes.toml")


def read_register(path: Path | None) -> Register:
    """Return the shipped purposes and those of the register at `path`.

    Raises `BadSetting` naming the entry and the field at fault.
    """
    own: Register = {}
    if path is not None:
        try:
            own = _entries(path.read_text(encoding="utf-8"), "LEADSCOUT_PURPOSES")
        except (OSError, UnicodeDecodeError):
            raise BadSetting("LEADSCOUT_PURPOSES: the register cannot be read; check path and permissions") from None
    always = shipped()
    if taken := sorted(set(own) & set(always)):
        raise BadSetting(f"LEADSCOUT_PURPOSES, purpose {taken[0]}: id: this one comes with LeadScout; take another")
    return {**always, **own}


def registered(register: Register, purpose: str) -> Purpose:
    """Return the entry of an id. Raises `BadSetting` for any other text: it may be a purpose, but nobody has registered it."""
    if purpose in register:
        return register[purpose]
    named = f"{purpose} is" if re.fullmatch(ID, purpose) else "a free text is"
    raise BadSetting(
        f"{named} no registered purpose; there are {', '.join(sorted(register))}. Register yours, with its ground and who "
        "is responsible, in the file that LEADSCOUT_PURPOSES names, and give its id: docs/compliance.md"
    )


def _entries(text: str, where: str) -> Register:
    try:
        tables: Mapping[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{where}: the register is no TOML: {error}") from None
    return {name: _entry(name, fields, where) for name, fields in tables.items()}


def _entry(name: str, fields: object, where: str) -> Purpose:
    if not isinstance(fields, dict):
        raise BadSetting(f"{where}: {name} stands outside of an entry; begin each with its id in brackets: [{ID}]")
    if "id" in fields:
        raise BadSetting(f"{where}, purpose {name}: id: it stands in the brackets, and nowhere else")
    try:
        return Purpose(id=name, **fields)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc'])) + ': ' if e['loc'] else ''}{_said(e['msg'])}" for e in error.errors()
        )
        raise BadSetting(f"{where}, purpose {name}: {faults}") from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")
