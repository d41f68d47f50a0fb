"""Consent, objection and the one approach that POPIA's section 69 allows: what follows from what a person said, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from leadscout_assets.errors import BadInput
from leadscout_assets.governance.keys import Hasher
from leadscout_assets.governance.ledger import CONSENT, Decision, new_id
from leadscout_assets.governance.matching import entry_of
from leadscout_assets.governance.traits import EMAIL, NUMBER, Traits

if TYPE_CHECKING:
    import pyarrow as pa

    from leadscout_assets.database.decisions import Consent

CALL, SMS, MAIL, ALL = "call", "sms", "email", "all"
CHANNELS = (CALL, SMS, MAIL)
GIVEN, OBJECTION, APPROACH = "consent", "objection", "approach"
KINDS = (GIVEN, OBJECTION, APPROACH)


def recorded(
    traits: Traits,
    hasher: Hasher,
    *,
    channel: str,
    what: str,
    wording: str | None,
    source: str | None,
    actor: str,
    at: datetime,
) -> Decision:
    """Return the decision that records what a person said on a channel, or that they were approached.

    Raises `BadInput` for a channel or a kind that there is not, or where neither number nor e-mail address is given.
    """
    if channel not in (*CHANNELS, ALL) or what not in KINDS:
        raise BadInput(f"a channel is one of {', '.join((*CHANNELS, ALL))}; what was said, one of {', '.join(KINDS)}")
    entry = entry_of(traits.only(NUMBER, EMAIL), hasher, id=new_id(), on="")
    if not entry.hashes:
        raise BadInput("a consent is held by number or e-mail address: give --cell or --email")
    about = {
        "generation": entry.generation,
        "hashes": {kind: sorted(known) for kind, known in entry.hashes.items()},
        "channel": channel,
        "what": what,
        "wording": wording,
        "source": source,
        "actor": actor,
    }
    return Decision(CONSENT, entry.id, at, about)


def standing(said: Iterable[Consent], channel: str) -> str:
    """Return what holds on a channel: `allowed`, `refused`, `asked once`, or `may be asked once`.

    The newest word of the person wins; without one, a single approach to ask for consent is what section 69(2) allows.
    """
    heard = sorted((one for one in said if one.channel in (channel, ALL)), key=lambda one: one.at)
    words = [one for one in heard if one.what != APPROACH]
    if words:
        return "allowed" if words[-1].what == GIVEN else "refused"
    return "asked once" if heard else "may be asked once"


def note_on(leads: pa.Table, said: Mapping[str, Sequence[Consent]], hasher: Hasher) -> pa.Table:
    """Return leads with the column `may_be_contacted` (`call refused, email allowed`), null where nothing is recorded.

    `said` is by keyed hash. Without a lead of which something is recorded the frame stays as it is.
    """
    if not said:
        return leads
    notes: list[str | None] = []
    columns = [(NUMBER, name) for name in ("director_cell", "cell_number", "contact_number")] + [
        (EMAIL, "email_address")
    ]
    memory: dict[tuple[str, str], str] = {}
    cells = [leads[name].to_pylist() for _, name in columns]
    for row in zip(*cells, strict=True):
        heard: dict[str, Consent] = {}
        for (kind, _), value in zip(columns, row, strict=True):
            if value is None:
                continue
            if (kind, value) not in memory:
                memory[kind, value] = hasher.hash(kind, value)
            heard |= {one.id: one for one in said.get(memory[kind, value], ())}
        notes.append(
            ", ".join(f"{channel} {word}" for channel, word in standings(heard.values()).items()) if heard else None
        )
    if not any(notes):
        return leads
    from pyarrow import array, string

    return leads.append_column("may_be_contacted", array(notes, string()))


def standings(said: Iterable[Consent]) -> dict[str, str]:
    """Return what holds on every channel."""
    heard = list(said)
    return {channel: standing(heard, channel) for channel in CHANNELS}
