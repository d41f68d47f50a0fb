"""The whole chain as plain functions over frames: read -> validate -> classify -> score -> report.

Each step takes any number of batches and decides refusal per batch. No Dagster, no tables, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from structlog.contextvars import bound_contextvars

from leadscout_assets import contracts
from leadscout_assets.errors import EdgeFailed, Stopped, TookTooLong, TooManyRows, UnreadableFile
from leadscout_assets.frames import by_batch, rows_by_batch, without
from leadscout_assets.governance.gate import NO_PURPOSE, Grant, Grants, decide
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.leads.reading import ReadLimits, read_lead_list
from leadscout_assets.logs import describe, get_logger
from leadscout_assets.logs.following import tell_failure
from leadscout_assets.pace import Tell, part
from leadscout_assets.progress import current
from leadscout_assets.terms import Method

if TYPE_CHECKING:
    from leadscout_assets.llm.interview import Interview
    from leadscout_assets.names.outcome import ModelOutcome
    from leadscout_assets.names.remembered import Remembered
    from leadscout_assets.settings import Settings

STEPS = ("raw_leads", "leads", "classifications", "lead_scores", "lead_reports")
"""The steps in order, each named after the asset that it makes."""

NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "classifications": {"leads": ("batch_id", "lead_id", "director_given_names", "director_surname")},
    "lead_reports": {
        "raw_leads": ("batch_id", *contracts.FIELDS),
        "classifications": ("batch_id", "origin", "origin_set", "method"),
    },
}
"""What a step needs of a table where that is not all of it: at a million rows, reading the rest takes seconds."""

STAGES = (Method.LEXICON, Method.PHONETIC, Method.STATISTICAL)
"""The stages that look at a name, in the order in which they are tried."""

CLASSIFIED_AT_ONCE = 200_000
"""Leads; between two such pieces the work can be ended, and says how far it is."""

BEFORE_ASKING = 0.2
"""Share of the way that classifying is where a language model is asked as well: what takes time is to wait for it."""

REPORT_THREADS = 2
"""Typst works outside Python's lock, so that one thread sets a PDF while the other writes a workbook."""


RowsOf: TypeAlias = Callable[[pa.Table], "npt.NDArray[np.bool_]"]
"""Tells of each raw row whether something holds of it."""


@dataclass(frozen=True)
class Refusal:
    """Why a batch may not go on: it has no rows from `step` on. The sentence says what to do."""

    batch_id: str
    step: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Frames:
    """The tables of some batches, as far as the chain has come."""

    raw_leads: pa.Table
    leads: pa.Table
    rejected_leads: pa.Table
    classifications: pa.Table
    lead_scores: pa.Table


def read_limits(settings: Settings) -> ReadLimits:
    """Return the limits that guard reading, from the settings of the same names."""
    return ReadLimits(
        max_workbook_bytes=settings.max_workbook_bytes,
        max_unpacked_bytes=settings.max_unpacked_bytes,
        max_compression_ratio=settings.max_compression_ratio,
        max_workbook_entries=settings.max_workbook_entries,
        max_columns=settings.max_columns,
        max_csv_bytes=settings.max_csv_bytes,
    )


def check_run_size(deliveries: Sequence[Delivery], max_rows: int) -> None:
    """Raise `TooManyRows` where the batches together hold more rows than one run may."""
    rows = sum(delivery.rows_counted or 0 for delivery in deliveries)
    if rows > max_rows:
        raise TooManyRows(
            f"{len(deliveries)} batches with {rows} rows are more than the {max_rows} rows of one run: "
            "take fewer batches at once, or raise LEADSCOUT_MAX_ROWS_PER_RUN if memory allows"
        )


@dataclass(frozen=True)
class Reading:
    """What reading gave: the raw_leads frame, the batches refused, and rows delivered where they had to be counted anew."""

    raw: pa.Table
    refusals: list[Refusal]
    recounted: dict[str, int]


def read(
    deliveries: Sequence[Delivery], path_of: Callable[[str], Path], settings: Settings, maps: ColumnMaps = NO_MAPS
) -> Reading:
    """Read the delivered files into one raw_leads frame; `path_of` gives the file of a SHA-256, `maps` what people named columns.

    A batch is refused, and has no rows, where its file cannot be read or the two readers count different rows.
    """
    reading = Reading(contracts.RAW_LEADS.empty(), [], {})
    frames, progress = [reading.raw], current("rows")
    for number, delivery in enumerate(deliveries):
        progress.item(delivery.batch_id)
        with refusing(delivery.batch_id, "raw_leads", reading.refusals):
            rows = _read_one(delivery, path_of(delivery.sha256), settings, maps)
            frames.append(rows)
            if rows.num_rows != delivery.rows_counted:
                reading.recounted[delivery.batch_id] = rows.num_rows
        progress.tell((number + 1) / len(deliveries))
    return replace(reading, raw=pa.concat_tables(frames))


@contextmanager
def refusing(batch: str, step: str, refusals: list[Refusal]) -> Iterator[None]:
    """Turn what goes wrong with one batch into its refusal, so that the others of the run go on.

    What is wrong with the platform (`EdgeFailed`, no memory left) is no batch's fault and is raised.
    """
    with bound_contextvars(batch_id=batch):
        try:
            yield
        except UnreadableFile as unreadable:
            refusals.append(Refusal(batch, step, unreadable.code, str(unreadable)))
        except (EdgeFailed, TookTooLong, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  a defect that one file brings out must not stop its neighbours
            get_logger(__name__).error("batch.defect", asset=step, error=describe(error))
            tell_failure(error, step)
            kind = type(error).__name__
            sentence = f"a defect of LeadScout ({kind}) keeps this batch from going on: report it with the batch id"
            refusals.append(Refusal(batch, step, "defect", sentence))


def _read_one(delivery: Delivery, path: Path, settings: Settings, maps: ColumnMaps) -> pa.Table:
    if not path.is_file():
        raise UnreadableFile("not_stored", "the delivered file is not in the store any more: deliver it again")
    limits = read_limits(settings)
    rows = read_lead_list(path, batch_id=delivery.batch_id, limits=limits, sheet=settings.sheet, maps=maps)
    if rows.num_rows == delivery.rows_counted:
        return rows
    # Counted with other settings, or by an earlier version: only a count made now can tell the two readers apart.
    counted = count_rows(path, limits=limits, sheet=settings.sheet)
    if rows.num_rows != counted:
        raise UnreadableFile(
            "not_reconciled",
            f"one reader found {rows.num_rows} rows and the other {counted}: "
            "save the file anew as .xlsx and deliver it again",
        )
    return rows


def validate(
    raw: pa.Table, lead_id_key: bytes, suppressed: RowsOf | None = None
) -> tuple[pa.Table, pa.Table, list[Refusal]]:
    """Split raw rows into leads and rejected_leads; `suppressed` tells which rows are on a suppression list.

    A batch in which not every row ends in exactly one of the two is refused, and has neither.
    """
    from leadscout_assets.leads.validation import validate as split_rows

    leads, rejected = split_rows(
        raw,
        lead_id_key,
        part(current("rows").tell, 0.0, 0.95),
        suppressed=None if suppressed is None else suppressed(raw),
    )
    batches = list(rows_by_batch(raw))
    cut = (by_batch(frame.select(["batch_id", "source_row"]), batches) for frame in (raw, leads, rejected))
    refusals = [
        Refusal(
            batch,
            "leads",
            "not_reconciled",
            f"{before.num_rows} rows read, {became.num_rows} leads and {fell.num_rows} rejected are not the same rows: "
            "this is a defect of LeadScout, report it with the batch id",
        )
        for batch, before, became, fell in zip(batches, *cut, strict=True)
        if not _same_rows(before, became, fell)
    ]
    refused = [refusal.batch_id for refusal in refusals]
    return without(leads, refused), without(rejected, refused), refusals


def _same_rows(before: pa.Table, became: pa.Table, fell: pa.Table) -> bool:
    after = np.concatenate([became["source_row"].to_numpy(), fell["source_row"].to_numpy()])
    return bool(np.array_equal(np.sort(before["source_row"].to_numpy()), np.sort(after)))


def ask_purpose(deliveries: Sequence[Delivery], raw: pa.Table, settings: Settings, now: datetime) -> Grants:
    """Ask the gate whether the purpose of the settings holds for each delivery, whose rows as delivered are in `raw`."""
    delivered = {delivery.batch_id: delivery.delivered_at for delivery in deliveries}
    return decide(settings, delivered, lambda _: raw.select(["batch_id", "extra"]), now=now)


def classify(
    leads: pa.Table,
    settings: Settings,
    grants: Grants,
    confirmed: Remembered | None = None,
    *,
    interview: Interview | None = None,
) -> pa.Table:
    """Return the classifications of leads, in their order; for a batch without a grant every one is an abstention.

    What people `confirmed` wins over every estimate. `interview`, where there is one, asks a language model about the names
    that nothing else decides.
    """
    from leadscout_assets.logs.attempts import tell_attempts
    from leadscout_assets.names.cascade import classify_leads, load_classifier

    classifier, found, progress = load_classifier(), [contracts.CLASSIFICATIONS.empty()], current("rows")
    tell = progress.tell if interview is None else part(progress.tell, 0.0, BEFORE_ASKING)
    for start in range(0, leads.num_rows, CLASSIFIED_AT_ONCE):
        some = leads.slice(start, CLASSIFIED_AT_ONCE)
        parts = [
            (
                classify_leads(
                    part,
                    classifier,
                    purpose=purpose,
                    reveal_religion=settings.reveal_religion,
                    remembered=confirmed,
                    why_not=why,
                ),
                at,
            )
            for part, at, purpose, why in _by_grant(some, grants)
        ]
        if len(parts) == 1:
            found.append(parts[0][0])
        else:
            order = np.argsort(np.concatenate([at for _, at in parts]), kind="stable")
            found.append(pa.concat_tables([part for part, _ in parts]).take(pa.array(order)))
        tell((start + some.num_rows) / leads.num_rows)
    classified = pa.concat_tables(found)
    if interview is not None:
        tell = part(progress.tell, BEFORE_ASKING, 1.0)
        reveal = settings.reveal_religion
        allowed = {batch for batch, grant in grants.items() if grant.entry is not None and grant.entry.llm}
        classified = interview.decide(classified, leads, classifier, reveal_religion=reveal, allowed=allowed, tell=tell)
    tell_attempts(classified, STAGES)
    return classified


def _by_grant(leads: pa.Table, grants: Grants) -> Iterator[tuple[pa.Table, np.ndarray, str | None, str]]:
    """Cut leads by what the gate said of their batch: the leads, where they stood, the purpose, and why there is none."""
    said = {batch: grants.get(batch, NO_PURPOSE) for batch in rows_by_batch(leads)}
    answers = dict.fromkeys((grant.entry.id if grant.entry else None, grant.code) for grant in said.values())
    for purpose, why in answers:
        batches = [
            b for b, grant in said.items() if (grant.entry.id if grant.entry else None, grant.code) == (purpose, why)
        ]
        if len(answers) == 1:
            yield leads, np.arange(leads.num_rows), purpose, why
            return
        mask = pc.is_in(leads["batch_id"], pa.array(batches, pa.string()))
        yield leads.filter(mask), np.flatnonzero(np.asarray(mask)), purpose, why


def score(leads: pa.Table, points: Mapping[str, int] | None = None, classified: pa.Table | None = None) -> pa.Table:
    """Return the lead_scores of leads.

    `points` says by batch what a known origin counts, which is nothing unless a purpose allows it; `classified` holds
    `batch_id`, `lead_id` and `origin` of the classifications then. In a batch that has no answer at all it counts nothing.
    """
    from leadscout_assets.scoring import Origins
    from leadscout_assets.scoring import score as score_leads

    if classified is None or not points or not any(points.values()):
        return score_leads(leads)
    answered = _lead_keys(classified.filter(pc.is_valid(classified["origin"])))
    known = np.asarray(pc.is_in(_lead_keys(leads), value_set=answered), dtype=np.bool_)
    weighed = {batch: points.get(batch, 0) for batch in rows_by_batch(leads.filter(pa.array(known)))}
    encoded = leads["batch_id"].combine_chunks().dictionary_encode()
    of_batch = np.array([weighed.get(batch, 0) for batch in encoded.dictionary.to_pylist()], dtype=np.int64)
    return score_leads(leads, Origins(known, of_batch.take(np.asarray(encoded.indices))))


def _lead_keys(frame: pa.Table) -> pa.Array:
    """Return what tells each lead of a frame from all others: a lead may stand in several batches."""
    return pc.binary_join_element_wise(frame["batch_id"], frame["lead_id"], " ").combine_chunks()


def report(
    deliveries: Sequence[Delivery],
    frames: Frames,
    reports_dir: Path,
    settings: Settings,
    grants: Grants,
    noted: Callable[[pa.Table], pa.Table] | None = None,
    *,
    asked: Mapping[str, ModelOutcome] | None = None,
) -> tuple[pa.Table, list[Refusal]]:
    """Write the report files of each delivery below `reports_dir`; return the lead_reports frame and the batches refused.

    `grants` is what the gate said of each batch when it was classified. `noted` adds to the leads what is known of them
    besides, the column `may_be_contacted`. `asked`: what became, by batch, of the names that a language model was asked about.
    """
    if noted is not None:
        frames = replace(frames, leads=noted(frames.leads))
    batches = [delivery.batch_id for delivery in deliveries]
    of_batch = [by_batch(getattr(frames, name), batches) for name in Frames.__dataclass_fields__]
    refusals: list[Refusal] = []
    ways = _Ways(len(deliveries))

    def write(context: Context, number: int, delivery: Delivery, *cut: pa.Table) -> pa.Table:
        told = partial(ways.tell, number)
        grant, outcome = grants.get(delivery.batch_id, NO_PURPOSE), (asked or {}).get(delivery.batch_id)
        return context.run(_report_one, delivery, Frames(*cut), reports_dir, settings, grant, outcome, refusals, told)

    contexts = [copy_context() for _ in deliveries]
    with ThreadPoolExecutor(REPORT_THREADS) as pool:
        try:
            written = list(pool.map(write, contexts, range(len(deliveries)), deliveries, *of_batch))
        except BaseException:
            # Whoever ends the run waits for this pool: what is being written ends at its next word, the rest never begins.
            ways.end()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return pa.concat_tables([contracts.LEAD_REPORTS.empty(), *written]), refusals


class _Ways:
    """How far the reports of a run are, written side by side: the sum of their shares is that of the step."""

    def __init__(self, count: int) -> None:
        self._shares, self._progress, self._over = [0.0] * count, current("rows"), False

    def tell(self, number: int, share: float) -> None:
        if self._over:
            raise Stopped
        self._shares[number] = share
        self._progress.tell(sum(self._shares) / len(self._shares))

    def end(self) -> None:
        self._over = True


def _report_one(
    delivery: Delivery,
    frames: Frames,
    reports_dir: Path,
    settings: Settings,
    grant: Grant,
    asked: ModelOutcome | None,
    refusals: list[Refusal],
    tell: Tell,
) -> pa.Table:
    from leadscout_assets.reports.numbers import batch_numbers
    from leadscout_assets.reports.refusal import withdraw_refusal
    from leadscout_assets.reports.writing import write_reports

    written = contracts.LEAD_REPORTS.empty()
    with refusing(delivery.batch_id, "lead_reports", refusals):
        cut = (frames.raw_leads, frames.leads, frames.rejected_leads, frames.classifications, frames.lead_scores)
        current("rows").item(delivery.batch_id)
        tell(0.0)
        numbers = batch_numbers(delivery, *cut, purpose=grant.stated, why_not=grant.sentence, asked=asked)
        folder = reports_dir / delivery.batch_id
        most = settings.max_report_workbook_rows
        written = write_reports(folder, numbers, *cut[1:], max_workbook_rows=most, tell=part(tell, 0.1, 1.0))
        withdraw_refusal(folder)
    return written
