"""What a batch's report says, in which words and which order. Figures come from `BatchNumbers`, none is computed here."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from leadscout_assets.names.outcome import ModelOutcome
from leadscout_assets.reports import wording
from leadscout_assets.reports.document import Cell, Chart, Column, Document, Kind, Section, Table, Tile
from leadscout_assets.reports.numbers import BatchNumbers, CodeCount, Tally
from leadscout_assets.reports.quality import rate
from leadscout_assets.terms import ReportKind


def build_document(numbers: BatchNumbers, *, rows_apart: bool) -> Document:
    """Say what the report of these numbers says. `rows_apart`: its rows stand in CSV files, not in the workbook."""
    return Document(
        title="Lead report",
        file_name=numbers.file_name,
        facts=(
            ("File", f"{numbers.file_name} ({wording.size(numbers.size_bytes)})"),
            ("Delivered", wording.moment(datetime.fromisoformat(numbers.delivered_at))),
            ("Batch", numbers.batch_id),
            ("SHA-256", numbers.sha256),
            *((("Rows", _where_rows_are(numbers)),) if rows_apart else ()),
        ),
        tiles=_tiles(numbers),
        totals=asdict(numbers.totals),
        holds=numbers.reconciled,
        verdict=_verdict(numbers),
        sections=tuple(section(numbers) for section in SECTIONS),
    )


def _where_rows_are(numbers: BatchNumbers) -> str:
    files = (f"{numbers.batch_id}.{kind}" for kind in (ReportKind.LEADS_CSV, ReportKind.REJECTED_CSV))
    return f"too many for a workbook: in {' and '.join(files)}, beside it"


def _verdict(numbers: BatchNumbers) -> str:
    failing = sum(not line.holds for line in numbers.reconciliation)
    if failing and numbers.totals.leads + numbers.totals.rejected == 0:
        return "This batch was refused and has no rows: its checks say why, and what to do."
    if failing:
        return f"This batch does not reconcile: {failing} of {len(numbers.reconciliation)} equations fail."
    if numbers.totals.delivered == 0:
        return "The file has no rows below its header."
    return "Every delivered row is accounted for, once."


def _tiles(numbers: BatchNumbers) -> tuple[Tile, ...]:
    totals, scores = numbers.totals, numbers.scores
    yielded = f"{_of(totals.leads, totals.delivered)} of the rows" if totals.delivered else "of no rows"
    return (
        Tile("Rows delivered", wording.count(totals.delivered), "below the header"),
        Tile("Leads", wording.count(totals.leads), yielded),
        Tile("Rejected", wording.count(totals.rejected), f"{wording.count(totals.duplicates)} of them duplicates"),
        Tile("With a mobile", _of(numbers.reach.mobile, totals.leads), "of the leads"),
        Tile("Median score", wording.points(scores.median), "of 100 points"),
    )


def _of(part: int, whole: int) -> str:
    return wording.share(rate(part, whole))


def _reconciliation(numbers: BatchNumbers) -> Section:
    rows = tuple(
        (
            f"{wording.words(line.left)} = {line.right}",
            line.left_rows,
            line.right_rows,
            "holds" if line.holds else "FAILS",
        )
        for line in numbers.reconciliation
    )
    columns = (Column("What must be equal"), Column("Left", Kind.COUNT), Column("Right", Kind.COUNT), Column("Result"))
    return Section(
        "Where every row went",
        ("Each row of the delivered file ends in exactly one place. The first count is taken by a second reader.",),
        Table(columns, rows),
    )


def _codes(counts: Sequence[CodeCount], first: str, share_of: str) -> Table:
    columns = (Column(first), Column("Rows", Kind.COUNT), Column(share_of, Kind.SHARE), Column("What it means"))
    return Table(columns, tuple((wording.words(c.code), c.count, c.share, c.sentence) for c in counts))


def _reasons(numbers: BatchNumbers) -> Section:
    if not numbers.reasons:
        return Section("Why rows were rejected", ("No row was rejected.",))
    totals = numbers.totals
    intro = (
        f"{wording.count(totals.rejected)} of {wording.count(totals.delivered)} rows did not become leads. "
        "A row may count under several reasons. The Rejected sheet, or file, holds each of them as delivered, "
        "to be corrected and sent again."
    )
    return Section("Why rows were rejected", (intro,), _codes(numbers.reasons, "Reason", "Of rows delivered"))


def _warnings(numbers: BatchNumbers) -> Section:
    if not numbers.warnings:
        return Section("Warnings that leads carry", ("No lead carries a warning.",))
    intro = "These leads are kept; something about them is missing, repaired or doubtful. A lead may carry several."
    table = _codes(numbers.warnings, "Warning", "Of leads")
    return Section("Warnings that leads carry", (intro,), table)


def _quality(numbers: BatchNumbers) -> Section:
    columns = (
        Column("Column"),
        Column("Filled", Kind.SHARE),
        Column("Usable", Kind.SHARE),
        Column("Warned", Kind.SHARE),
    )
    rows = tuple((c.heading, c.fill_rate, c.usable_rate, c.warning_rate) for c in numbers.columns)
    intro = (
        "Filled: of the rows delivered. Usable, and warned (with a warning about it): of the leads, after cleaning. "
        "A province can be usable where none was filled in: it then comes from the city or the postcode."
    )
    chart = Chart("Filled and usable, by column", (1, 2), most=1.0) if numbers.totals.delivered else None
    return Section("Data quality by column", (intro,), Table(columns, rows), chart)


def _scores(numbers: BatchNumbers) -> Section:
    scores, leads = numbers.scores, numbers.totals.leads
    if scores.median is None:
        return Section("How leads score", ("No lead was scored.",))
    intro = (
        f"A score says how worthwhile a call is, from 0 to 100. Here the median is {wording.points(scores.median)}, "
        f"the mean {wording.points(scores.mean)}, the best {wording.points(scores.best)} "
        f"and the lowest {wording.points(scores.worst)}."
    )
    weighed = (wording.origin_counts(scores.origin_points),) if scores.origin_points else ()
    last = scores.bands[-1]
    rows = tuple(
        (f"{b.low:.0f} to {'' if b is last else 'under '}{b.high:.0f}", b.count, rate(b.count, leads))
        for b in scores.bands
    )
    columns = (Column("Score"), Column("Leads", Kind.COUNT), Column("Of leads", Kind.SHARE))
    return Section(
        "How leads score", (intro, *weighed), Table(columns, rows), Chart("Leads by score", (1,), upright=True)
    )


def _contributions(numbers: BatchNumbers) -> Section:
    columns = (
        Column("Feature"),
        Column("On average", Kind.POINTS),
        Column("At most", Kind.POINTS),
        Column("What earns points"),
    )
    rows = tuple((wording.words(c.feature), c.mean, c.most, c.sentence) for c in numbers.scores.contributions)
    intro = "A score is the sum of these contributions; the workbook's Leads sheet shows each of them for every lead."
    chart = Chart("Points on average, and at most", (1,), track=2) if numbers.totals.leads else None
    return Section("What the score is made of", (intro,), Table(columns, rows), chart)


def _reach(numbers: BatchNumbers) -> Section:
    reach, leads = numbers.reach, numbers.totals.leads
    ways = (
        ("Mobile number", reach.mobile),
        ("Any telephone number", reach.any_phone),
        ("E-mail address", reach.email),
        ("Neither number nor e-mail", reach.neither),
    )
    columns = (Column("Leads with"), Column("Leads", Kind.COUNT), Column("Of leads", Kind.SHARE))
    rows = tuple((label, number, rate(number, leads)) for label, number in ways)
    kinds = ", ".join(f"{wording.PHONE_KINDS.get(k.value, k.value)} {wording.count(k.count)}" for k in reach.kinds)
    found = (
        f"Numbers found in the three telephone columns, by kind: {kinds}." if kinds else "No usable number was found."
    )
    chart = Chart("Leads that can be reached", (2,), most=1.0) if leads else None
    return Section("How leads can be reached", (found,), Table(columns, rows), chart)


def _tally_table(first: str, tallies: Sequence[Tally], labels: dict[str, str]) -> Table:
    columns = (Column(first), Column("Leads", Kind.COUNT), Column("Of leads", Kind.SHARE))
    return Table(columns, tuple((labels.get(t.value, t.value), t.count, t.share) for t in tallies))


def _provinces(numbers: BatchNumbers) -> Section:
    if not numbers.provinces:
        return Section("Where the businesses are", ("There are no leads.",))
    intro = "From the province's own spelling, else from the city, else from the postcode."
    table = _tally_table("Province", numbers.provinces, wording.PROVINCES)
    return Section("Where the businesses are", (intro,), table, Chart("Leads by province", (1,)))


def _keywords(numbers: BatchNumbers) -> Section:
    if not numbers.keywords:
        return Section("Lines of business", ("No keyword is shared by five leads or more.",))
    intro = "The commonest keywords as delivered. A keyword is named where five leads or more share it."
    table = _tally_table("Keyword", numbers.keywords, {})
    return Section("Lines of business", (intro,), table, Chart("Leads by keyword", (1,)))


def _origins(numbers: BatchNumbers) -> Section:
    heading, origins, totals = "Name origin", numbers.origins, numbers.totals
    if origins.purpose is None:
        if origins.why_not:
            return Section(heading, (f"{origins.why_not[0].upper()}{origins.why_not[1:]}.",))
        return Section(heading, ("No purpose was recorded, so nothing was inferred about any name.",))
    methods = ", ".join(f"{wording.METHODS[m].lower()} {wording.count(n)}" for m, n in origins.methods)
    paragraphs = (
        f"Recorded purpose: {origins.purpose}",
        "The likely linguistic and cultural origin of directors' names, in aggregate. It can be wrong for any person, "
        f"says nothing about anyone's race and is no evidence of B-BBEE status. {_in_the_score(numbers)} "
        f"Groups of fewer than {origins.min_group} leads are not named, nor is a group from which one of them could "
        "be worked out.",
        "Answered: one origin. Narrowed: two or three origins remain. Abstained: the name does not tell. "
        f"What decided: {methods or 'nothing'}.",
        *_asked(numbers.asked),
    )

    def row(answer: str, label: str, number: int) -> tuple[Cell, ...]:
        return (label, number, rate(number, totals.leads), answer)

    def named(group: tuple[str, ...]) -> str:
        return " or ".join(wording.ORIGINS[origin] for origin in group)

    rows = [row("Answered", named(g.origins), g.count) for g in origins.answered]
    if origins.other_answered:
        rows.append(row("Answered", "Others, not named", origins.other_answered))
    rows += [row("Narrowed", named(g.origins), g.count) for g in origins.narrowed]
    if origins.other_narrowed:
        rows.append(row("Narrowed", "Other sets, not named", origins.other_narrowed))
    rows.append(row("Abstained", "No answer", totals.abstained))
    columns = (Column("Origin"), Column("Leads", Kind.COUNT), Column("Of leads", Kind.SHARE), Column("Answer"))
    chart = Chart("Directors' names by likely origin", (2,), most=1.0) if totals.leads else None
    return Section(heading, paragraphs, Table(columns, tuple(rows)), chart)


def _in_the_score(numbers: BatchNumbers) -> str:
    points = numbers.scores.origin_points
    return wording.origin_counts(points) if points else "It plays no part in the score."


def _asked(asked: ModelOutcome | None) -> tuple[str, ...]:
    """Say what a language model decided, and what a decided name cost; nothing where none was asked."""
    if asked is None or not asked.names:
        return ()
    cost = wording.cost(asked.cost_usd / asked.decided) if asked.decided else "none was decided"
    spent = wording.cost(asked.cost_usd)
    return (
        f"{wording.sentence(asked.in_words())} Booked for this batch: {spent}. Cost per decided name: {cost}.",
        f"{wording.sentence(asked.calls.in_words())} {wording.count(asked.cached)} of the names had an answer from an earlier call.",
    )


SECTIONS = (
    _reconciliation,
    _scores,
    _reach,
    _provinces,
    _keywords,
    _quality,
    _contributions,
    _reasons,
    _warnings,
    _origins,
)
"""The report's sections, in order. A new one is a function from the numbers to a `Section` and an entry here."""
