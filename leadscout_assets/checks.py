"""What must hold for every batch: pure checks on counted facts, one registry from which the asset checks are made.

Counting the facts from tables and files does not belong here; neither do table contracts, which pandera checks.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from leadscout_assets.names.outcome import ModelOutcome

if TYPE_CHECKING:
    from leadscout_assets.settings import Settings

PERCENT = "{:.1%}"


@dataclass(frozen=True)
class Limits:
    """Shares 0..1 beyond which a check fails; each is a setting of the same name."""

    max_reject_rate: float
    max_duplicate_rate: float
    min_classification_coverage: float
    max_warning_rate: float


def limits_from(settings: "Settings") -> Limits:
    """Return the limits from the settings of the same names."""
    return Limits(**{limit.name: getattr(settings, limit.name) for limit in fields(Limits)})


@dataclass(frozen=True)
class ReportFacts:
    """A batch's report as it lies on disk: rows read back from the workbook, and files that are not as recorded."""

    leads: int
    rejected: int
    totals: Mapping[str, int]
    altered_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchFacts:
    """What was counted for one batch, each figure from its own table or file.

    `delivered` is the second reader's count, None where it could not read the file; `refusal` is the sentence with
    which the batch was refused, `purpose_refusal` that with which the purpose of classifying its names was, and
    `purpose_before` the one that the batch was classified under before. `reasons` and `warnings` count rows by code; a row may count under several.
    """

    batch_id: str
    delivered: int | None
    refusal: str | None = None
    raw: int = 0
    leads: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    classifications: int = 0
    answered: int = 0
    narrowed: int = 0
    abstained: int = 0
    without_purpose: int = 0
    scores: int = 0
    report: ReportFacts | None = None
    asked: ModelOutcome | None = None
    """What became of names that a language model may be asked about; None where none is."""
    purpose: str | None = None
    purpose_before: str | None = None
    purpose_refusal: str | None = None
    inferred_deleted: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether a check passed, the sentence that says why, and the figures it was judged on."""

    passed: bool
    sentence: str
    figures: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check of one asset. A failing check that `warns` is worth a look; any other is wrong with the batch."""

    asset: str
    name: str
    means: str
    judge: Callable[[BatchFacts, Limits], Verdict]
    warns: bool = False


def _raw_is_delivered(facts: BatchFacts, _: Limits) -> Verdict:
    return _equal(facts, "rows delivered", facts.delivered, "rows read", facts.raw)


def _leads_and_rejected_are_delivered(facts: BatchFacts, _: Limits) -> Verdict:
    return _equal(facts, "rows delivered", facts.delivered, "leads + rejected", facts.leads + facts.rejected)


def _every_lead_is_classified(facts: BatchFacts, _: Limits) -> Verdict:
    answers = facts.answered + facts.narrowed + facts.abstained
    if answers != facts.classifications:
        return Verdict(False, f"{facts.classifications} classifications, but {answers} answered + narrowed + abstained")
    return _equal(facts, "leads", facts.leads, "classifications", facts.classifications)


def _every_lead_is_scored(facts: BatchFacts, _: Limits) -> Verdict:
    return _equal(facts, "leads", facts.leads, "scores", facts.scores)


def _every_row_is_reported(facts: BatchFacts, _: Limits) -> Verdict:
    if facts.report is None:
        return Verdict(False, facts.refusal or "there is no report: materialize lead_reports for this batch")
    # Each sheet by itself first: a lead in the wrong sheet leaves their sum as it was.
    for sheet, rows, reported in (
        ("leads", facts.leads, facts.report.leads),
        ("rejected rows", facts.rejected, facts.report.rejected),
    ):
        if rows != reported and facts.refusal is None:
            return _equal(facts, sheet, rows, f"{sheet} in the report", reported)
    reported = facts.report.leads + facts.report.rejected
    return _equal(facts, "leads + rejected", facts.leads + facts.rejected, "rows of the report", reported)


_NOTHING_TO_MEND = ("duplicate", "suppressed", "erased", "above_header", "repeated_header")


def _few_rows_are_rejected(facts: BatchFacts, limits: Limits) -> Verdict:
    # Nothing that anybody could mend: a row that repeats another or the header, or stands above it, or a person who may
    # not be contacted, or was erased.
    aside = sum(facts.reasons.get(code, 0) for code in _NOTHING_TO_MEND)
    rows = facts.leads + facts.rejected
    return _at_most(
        "rows rejected for other reasons than repetition",
        max(0, facts.rejected - aside),
        rows,
        limits.max_reject_rate,
        "look at the reasons in the report, correct the rows and deliver them again",
        dict(facts.reasons),
    )


def _few_rows_repeat(facts: BatchFacts, limits: Limits) -> Verdict:
    return _at_most(
        "rows that repeat an earlier row",
        facts.reasons.get("duplicate", 0),
        facts.leads + facts.rejected,
        limits.max_duplicate_rate,
        "ask the sender whether the list was put together twice",
    )


def _no_warning_is_everywhere(facts: BatchFacts, limits: Limits) -> Verdict:
    code, count = max(facts.warnings.items(), key=lambda item: item[1], default=("none", 0))
    return _at_most(
        f"leads with the commonest warning, {code},",
        count,
        facts.leads,
        limits.max_warning_rate,
        "a warning on most leads usually means a column under the wrong heading",
        dict(facts.warnings),
    )


def _enough_names_are_classified(facts: BatchFacts, limits: Limits) -> Verdict:
    if facts.classifications and facts.without_purpose == facts.classifications:
        why = facts.purpose_refusal or "no purpose is recorded (LEADSCOUT_CLASSIFICATION_PURPOSE)"
        return Verdict(True, f"not asked for: {why}")
    decided = facts.answered + facts.narrowed
    share = decided / facts.classifications if facts.classifications else 1.0
    floor = limits.min_classification_coverage
    sentence = f"{decided} of {facts.classifications} names answered or narrowed ({PERCENT.format(share)}), at least {PERCENT.format(floor)} expected"
    fix = "" if share >= floor else ": look whether the director column holds persons' names"
    return Verdict(share >= floor, sentence + fix, {"share": round(share, 4), "limit": floor})


def _the_model_answers(facts: BatchFacts, _: Limits) -> Verdict:
    asked = facts.asked
    if asked is None:
        return Verdict(True, "no language model is asked (LEADSCOUT_LLM_PROVIDERS)")
    if not asked.names:
        return Verdict(True, "every name is decided without a language model")
    figures = {
        "names": asked.names,
        "decided": asked.decided,
        "cached": asked.cached,
        **asked.undecided,
        "cost_usd": asked.cost_usd,
        **asdict(asked.calls),
    }
    fix = ": re-run the batch later, only these names are asked about again; in doubt: --retry-in-doubt"
    return Verdict(not asked.failed, asked.in_words() + (fix if asked.failed else ""), figures)


def _the_purpose_holds(facts: BatchFacts, _: Limits) -> Verdict:
    if facts.inferred_deleted:
        return Verdict(True, facts.purpose_refusal or "what was inferred has been deleted")
    if facts.purpose_refusal is not None:
        return Verdict(False, facts.purpose_refusal)
    if facts.purpose_before is not None:
        return Verdict(
            True, f"run again under another purpose: {facts.purpose or 'none'} now, {facts.purpose_before} before"
        )
    return Verdict(True, f"the purpose is {facts.purpose}" if facts.purpose else "no purpose is recorded")


def _report_totals_are_the_tables(facts: BatchFacts, _: Limits) -> Verdict:
    if facts.report is None:
        return Verdict(False, facts.refusal or "there is no report: materialize lead_reports for this batch")
    if facts.report.altered_files:
        kinds = ", ".join(facts.report.altered_files)
        return Verdict(False, f"report files are missing or not as written ({kinds}): materialize lead_reports again")
    counted = {
        "delivered": facts.delivered,
        "leads": facts.leads,
        "rejected": facts.rejected,
        "answered": facts.answered,
        "narrowed": facts.narrowed,
        "abstained": facts.abstained,
    }
    if facts.inferred_deleted:
        # The report keeps the aggregates of what the table does not hold any more.
        counted = {name: counted[name] for name in ("delivered", "leads", "rejected")}
    wrong = [name for name, rows in counted.items() if facts.report.totals.get(name) != rows]
    if wrong:
        return Verdict(
            False, f"the report's totals differ from the tables: {', '.join(wrong)}; materialize lead_reports again"
        )
    return Verdict(True, f"{len(counted)} totals equal the tables", {k: v for k, v in counted.items() if v is not None})


CHECKS: tuple[Check, ...] = (
    Check("raw_leads", "conservation", "every delivered row was read", _raw_is_delivered),
    Check("leads", "conservation", "every delivered row is a lead or rejected", _leads_and_rejected_are_delivered),
    Check("leads", "reject_rate", "few rows are rejected, repetitions apart", _few_rows_are_rejected),
    Check("leads", "duplicate_rate", "few rows repeat earlier ones", _few_rows_repeat),
    Check("leads", "row_rules", "no row rule's warning is on most leads", _no_warning_is_everywhere, warns=True),
    Check(
        "rejected_leads", "conservation", "every delivered row is a lead or rejected", _leads_and_rejected_are_delivered
    ),
    Check("classifications", "conservation", "every lead has one classification", _every_lead_is_classified),
    Check(
        "classifications",
        "classification_coverage",
        "most names are answered or narrowed",
        _enough_names_are_classified,
    ),
    Check(
        "classifications",
        "language_model",
        "no name stays undecided because a language model could not be asked",
        _the_model_answers,
        warns=True,
    ),
    Check(
        "classifications",
        "classification_purpose",
        "the purpose asked for holds for the batch",
        _the_purpose_holds,
        warns=True,
    ),
    Check("lead_scores", "conservation", "every lead has one score", _every_lead_is_scored),
    Check("lead_reports", "conservation", "every lead and rejected row stands in the report", _every_row_is_reported),
    Check("lead_reports", "report_totals", "the report's totals equal the tables", _report_totals_are_the_tables),
)


def failing(facts: BatchFacts, limits: Limits) -> list[tuple[Check, Verdict]]:
    """Return the checks that fail for a batch, each with its verdict, in the order of `CHECKS`."""
    judged = [(check, check.judge(facts, limits)) for check in CHECKS]
    return [(check, verdict) for check, verdict in judged if not verdict.passed]


def _equal(facts: BatchFacts, left: str, left_rows: int | None, right: str, right_rows: int) -> Verdict:
    """Judge one equation; a refused batch fails it with the reason of the refusal."""
    if facts.refusal is not None:
        return Verdict(False, facts.refusal)
    if left_rows is None:
        return Verdict(False, f"{left} are not known: deliver the file again")
    figures = {left: left_rows, right: right_rows}
    if left_rows != right_rows:
        return Verdict(False, f"{left_rows} {left}, but {right_rows} {right}: re-run the batch from raw_leads", figures)
    return Verdict(True, f"{left_rows} {left} = {right_rows} {right}", figures)


def _at_most(
    what: str, count: int, rows: int, limit: float, fix: str, figures: Mapping[str, int | float] | None = None
) -> Verdict:
    share = count / rows if rows else 0.0
    sentence = f"{count} of {rows} {what} ({PERCENT.format(share)}), at most {PERCENT.format(limit)} expected"
    passed = share <= limit
    counted = {"share": round(share, 4), "limit": limit, **(figures or {})}
    return Verdict(passed, sentence if passed else f"{sentence}: {fix}", counted)
