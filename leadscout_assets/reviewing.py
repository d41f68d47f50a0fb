"""Review from end to end: questions out of a batch, answers into the database, answers into the chain, how right the model is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets import contracts
from leadscout_assets.errors import BadInput
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.home import Home
from leadscout_assets.row_export import check_no_list
from leadscout_assets.terms import ReviewKind

if TYPE_CHECKING:
    from leadscout_assets.database.reviews import Stored
    from leadscout_assets.names.remembered import Remembered
    from leadscout_assets.reviews.agreement import Agreement
    from leadscout_assets.reviews.checking import Fault, Options

LONGEST_REVIEWER = 64
"""Characters of a reviewer's name."""

_COLUMNS = {
    contracts.LEADS: ["batch_id", "lead_id", "director_given_names", "director_surname"],
    contracts.CLASSIFICATIONS: ["batch_id", "lead_id", "origin_set", "method", "model_version"],
}


@dataclass(frozen=True)
class Exported:
    """What was written for reviewers: names in all, and those of them from the random sample of the decided."""

    path: Path
    names: int
    sampled: int


@dataclass(frozen=True)
class Imported:
    """What became of the rows of a file; without faults, or with `partial`, `stored` is what was added."""

    stored: Stored | None
    faults: tuple[Fault, ...]
    open: int


@dataclass(frozen=True)
class ForgottenAnswers:
    """What was deleted, and the batches in which an answer had decided a classification: to be run again."""

    reviews: int
    questions: int
    batches: tuple[str, ...]


def export_review(
    home: Home, batch: str, out: Path | None, *, sample: int, seed: int, purpose: str, actor: str
) -> Exported:
    """Write the questions on one batch to a workbook; the default place is `exports/` of the home.

    Leads of which anything was said already are not asked about again. Raises `UnknownBatch`, and `BadInput` where
    nothing of the batch can be reviewed, or a delivered list lies at `out`.
    """
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.reviews.questionnaire import write_questionnaire
    from leadscout_assets.reviews.questions import ask, name_hashes

    home.records.get(batch)
    leads, answers = (home.tables.read(contract, [batch], columns) for contract, columns in _COLUMNS.items())
    reviews = Reviews(home.database)
    # Whoever is on a suppression list by now is not asked about either.
    known = reviews.answered_leads() | home.leads_on_lists(batch)
    name_hash = name_hashes(home.lead_id_key)
    asked = ask(leads, answers, known=known, sample=sample, seed=seed, name_hash=name_hash)
    if not asked.questions:
        raise BadInput(
            f"batch {batch} has no name to review: it has no classification made for a purpose, or all of it was "
            f"reviewed; leadscout show {batch} says what it has"
        )
    path = out or home.settings.exports_dir / f"{batch}.review.xlsx"
    check_no_list(home, path)
    # Recorded first: names that went out and were not recorded would be worse than the reverse.
    record_event(
        home.database,
        actor=actor,
        action="review.exported",
        subject=batch,
        reason=purpose,
        detail={"row_level": True, "names": len(asked.questions), "sampled": asked.sampled, "seed": seed},
    )
    reviews.ask(asked.questions)
    write_questionnaire(path, asked, _options(home))
    return Exported(path, len(asked.questions), asked.sampled)


def import_review(home: Home, file: Path, *, reviewer: str, kind: ReviewKind, partial: bool, actor: str) -> Imported:
    """Store the answers in a workbook that came back: all of them, or none where a row is at fault unless `partial`.

    Importing the same file again stores nothing. Raises `BadInput` for a file that is no such workbook.
    """
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.pipeline import read_limits
    from leadscout_assets.reviews.checking import check
    from leadscout_assets.reviews.questionnaire import read_questionnaire
    from leadscout_assets.reviews.questions import name_hashes

    name = " ".join(reviewer.split())
    if not name or len(name) > LONGEST_REVIEWER or not name.isprintable():
        raise BadInput(f"--reviewer: say who reviewed, in at most {LONGEST_REVIEWER} characters")
    rows = read_questionnaire(file, read_limits(home.settings))
    reviews = Reviews(home.database)
    questions = reviews.questions([row.question_id for row in rows if row.question_id])
    found = check(rows, questions, _options(home), name_hashes(home.lead_id_key))
    if found.faults and not partial:
        return Imported(None, found.faults, found.open)
    record_event(
        home.database,
        actor=actor,
        action="review.imported",
        reason=home.settings.classification_purpose,
        detail={
            "kind": kind.value,
            "answers": len(found.answers),
            "refused_rows": len(found.faults),
            "batches": sorted({given.question.batch_id for given in found.answers}),
        },
    )
    return Imported(reviews.store(found.answers, kind=kind, reviewer=name), found.faults, found.open)


def forget_answers(home: Home, lead_ids: Collection[str], *, actor: str) -> ForgottenAnswers:
    """Delete everything that was said and asked of these leads, and what their answers decided. Safe to repeat.

    Nothing of it stays in the database's files. Classifications that an answer decided are abstentions until their batches
    are run again.
    """
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.reviews.withdrawing import decided_by_people, withdrawn

    gone = Reviews(home.database).forget(lead_ids)
    batches = [record.batch_id for record in home.records.all()]
    answers = home.tables.read(contracts.CLASSIFICATIONS, batches, ["batch_id", "lead_id", "method"], ordered=False)
    decided = list(rows_by_batch(answers.filter(decided_by_people(answers, lead_ids))))
    for batch in sorted(decided):
        rows = home.tables.read(contracts.CLASSIFICATIONS, [batch])
        home.tables.replace_for_good(contracts.CLASSIFICATIONS, withdrawn(rows, lead_ids), [batch])
    for lead_id in lead_ids:
        record_event(
            home.database,
            actor=actor,
            action="review.forgotten",
            subject=lead_id,
            detail={"reviews": gone.reviews, "questions": gone.questions, "batches": sorted(decided)},
        )
    return ForgottenAnswers(gone.reviews, gone.questions, tuple(sorted(decided)))


def live_accuracy(home: Home) -> Agreement:
    """Compare the model's answers with those of people, over all batches."""
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.reviews.agreement import agreement
    from leadscout_assets.reviews.standing import standing

    reviews = Reviews(home.database)
    given = reviews.all()
    return agreement(reviews.questions().values(), standing(given), {review.question_id for review in given})


def confirmed(home: Home) -> Remembered | None:
    """Return what people confirmed, for the classifier; None where nothing is classified, or nobody said anything yet."""
    purpose = home.settings.classification_purpose
    return confirmed_answers(home) if purpose and purpose.strip() else None


def confirmed_answers(home: Home) -> Remembered | None:
    """Return what people confirmed, whatever the setting of the purpose; a home without a database is not given one."""
    url = home.settings.database
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        return None
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.reviews.questions import name_hashes
    from leadscout_assets.reviews.standing import remembered

    given = Reviews(home.database).all()
    return remembered(given, name_hashes(home.lead_id_key)) if given else None


def _options(home: Home) -> Options:
    from leadscout_assets.names.engine import load_classifier
    from leadscout_assets.reviews.checking import options

    languages = [str(one) for one in load_classifier().knowledge.languages]
    return options(languages, reveal_religion=home.settings.reveal_religion)
