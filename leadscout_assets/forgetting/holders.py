"""What holds a person beside the batches, by its own means: each holder takes out what it has of the one found."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.forgetting.finding import Found
from leadscout_assets.home import Home

Holder = Callable[[Home, Found], int]
"""Takes a person out, and returns how many records or files those were. To do so again changes nothing."""


def model_answers(home: Home, found: Found) -> int:
    """Take out that language models were asked about the person's names, and what they answered. What was spent stays."""
    return home.forget_answers(found.names)


def reviews(home: Home, found: Found) -> int:
    """Delete what was asked and said of the person's leads."""
    from leadscout_assets.reviewing import forget_answers

    if not found.every_id:
        return 0
    gone = forget_answers(home, sorted(found.every_id), actor=getpass.getuser())
    return gone.reviews + gone.questions


def questionnaires(home: Home, found: Found) -> int:
    """Remove the questionnaires on the batches in which the person was found: they can be exported anew."""
    files = [file for batch in found.rows for file in home.settings.exports_dir.glob(f"{batch}*")]
    for file in files:
        file.unlink()
    return len(files)


def known_leads(home: Home, found: Found) -> int:
    """Have the batches make anew what they contribute to the known leads, and leave no earlier version of any."""
    from leadscout_assets.contracts import KNOWN_LEAD_LINKS, KNOWN_LEADS, LEADS
    from leadscout_assets.known_leads import JOURNAL, join
    from leadscout_assets.lead_tables import KNOWN_TABLES

    root = home.tables.root
    if not (root / KNOWN_LEADS.name).is_dir() or not found.rows:
        return 0
    batches = sorted(found.rows)
    delivered_at = {record.batch_id: record.delivered_at for record in home.records.many(batches).values()}
    links = home.tables.read(KNOWN_LEAD_LINKS, batches, ["lead_id"], ordered=False)["lead_id"]
    theirs = pc.sum(pc.is_in(links, pa.array(sorted(found.every_id), pa.string())), min_count=0).as_py()
    join(home.tables, home.tables.read(LEADS, batches), delivered_at)
    for left in root.glob(f"{JOURNAL}*"):
        shutil.rmtree(left, ignore_errors=True)
    for contract in KNOWN_TABLES:
        # A known lead lies with the batch that brought it first, which need not be one of these.
        held = [folder.name.removeprefix("batch_id=") for folder in (root / contract.name).glob("batch_id=*")]
        home.tables.scrub(contract, held)
    return int(theirs)


BY_NAME: Mapping[str, Holder] = {"answers of language models": model_answers}
"""Those that go by the names themselves. They come before any row is erased: afterwards nobody knows the names."""

HOLDERS: Mapping[str, Holder] = {
    "reviews and questions": reviews,
    "questionnaires": questionnaires,
    "leads among the known leads": known_leads,
}
"""Those that come after the rows: they go by lead ids and batches, which the ledger knows, or make anew what is left."""
