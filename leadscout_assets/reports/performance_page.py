"""The performance history as one self-contained HTML page: per asset its verdict, charts per kind of run, and what stands out.

Judged before it gets here. The look is that of the batch reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Protocol

from leadscout_assets.reports.history_chart import Mark, Point, draw_history
from leadscout_assets.reports.html import POLICY, Markup, element, page_style
from leadscout_assets.runs.judge import SLOW, Judgement, Verdict
from leadscout_assets.terms import TIME_ZONE, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

NEWEST = 60
"""Runs in a chart, the newest; more would be a blur at this width."""

LISTED = 12
"""Runs that stand out, in the table of an asset."""

KINDS, LEAST_CHARTED = 3, 3
"""Kinds of runs of an asset that get charts: those with the most runs, and at least so many."""

WORDS: dict[Verdict | None, str] = {
    Verdict.REGRESSION: "regression",
    Verdict.IMPROVED: "faster than before",
    Verdict.NOTE: "slow once",
    Verdict.OK: "as usual",
    Verdict.INSUFFICIENT_HISTORY: "too few runs to judge",
    Verdict.NOT_JUDGED: "not judged",
    None: "no runs yet",
}

MARKS = {Verdict.REGRESSION: Mark.WORSE, Verdict.NOTE: Mark.NOTE}

LEGEND = (
    (Mark.USUAL, "a run"),
    (Mark.NOTE, "slow this once"),
    (Mark.WORSE, "regression"),
    (Mark.FAILED, "failed or cancelled"),
    (Mark.INCIDENT, "incident, left out"),
)


class Decision(Protocol):
    """A new normal that a person accepted."""

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def actor(self) -> str:
        """Who."""
        ...

    @property
    def reason(self) -> str:
        """Why."""
        ...


class History(Protocol):
    """One asset's judged runs, the oldest first."""

    @property
    def asset(self) -> str:
        """Name of the asset."""
        ...

    @property
    def judgements(self) -> Sequence[Judgement]:
        """Its runs."""
        ...

    @property
    def accepted(self) -> Sequence[Decision]:
        """The new normals, the newest last."""
        ...

    @property
    def verdict(self) -> Judgement | None:
        """What is said of it now."""
        ...


def render_performance(histories: Sequence[History], *, now: datetime) -> str:
    """Return the whole page."""
    worse = [h.asset for h in histories if h.verdict is not None and h.verdict.verdict is Verdict.REGRESSION]
    told = f"Worse than their own history: {', '.join(worse)}" if worse else "No asset is worse than its own history"
    head = (
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'),
        element("title", "LeadScout: performance"),
        element("style", page_style()),
    )
    header = element(
        "header",
        element("p", "LeadScout", class_="brand"),
        element("h1", "Performance"),
        element("p", f"Every recorded run, judged against its own history. Written {_moment(now)}", class_="when"),
        element("p", told, class_="verdict fails" if worse else "verdict holds", role="status"),
    )
    sections = (_overview(histories), *(_section(history) for history in histories if history.judgements))
    footer = element("footer", element("p", "Made by LeadScout. This page holds no lead."))
    body = element("body", header, element("main", *sections), footer)
    return f"<!DOCTYPE html>\n{element('html', element('head', *head), body, lang='en-ZA')}\n"


def _overview(histories: Sequence[History]) -> Markup:
    rows = [
        (h.asset, WORDS[h.verdict.verdict if h.verdict else None], h.verdict.sentence if h.verdict else "")
        for h in histories
    ]
    explained = (
        f"A run is compared with the last runs of its kind: the same asset, order of magnitude of rows and of batches, "
        f"class of machine, cold or warm. It is slow where it took {SLOW.ratio:g} times the median or more and lies {SLOW.z:g} "
        "usual spreads above it; a regression where two of three runs are. The band in the charts reaches that far."
    )
    return element(
        "section",
        element("h2", "All assets"),
        element("p", explained),
        _legend(),
        _table(("Asset", "Verdict", "Why"), rows),
    )


def _section(history: History) -> Markup:
    told = history.verdict
    said = f"{WORDS[told.verdict]}: {told.sentence}" if told else WORDS[None]
    parts: list[Markup] = [element("h2", history.asset), element("p", said)]
    kinds: dict[object, list[Judgement]] = {}
    for judgement in history.judgements:
        kinds.setdefault(judgement.entry.record.kind, []).append(judgement)
    charted = [runs for runs in sorted(kinds.values(), key=len, reverse=True) if len(runs) >= LEAST_CHARTED][:KINDS]
    parts += [_charts(runs, history.accepted) for runs in charted]
    if left := len(kinds) - len(charted):
        parts.append(element("p", f"Other kinds of runs, with too few for a chart: {left}", class_="when"))
    notable = [j for j in history.judgements if j.verdict in (Verdict.REGRESSION, Verdict.NOTE, Verdict.IMPROVED)]
    notable += [j for j in history.judgements if j.entry.incident or j.entry.record.outcome is not Outcome.SUCCEEDED]
    events = [(j.entry.at, _event(j), j.sentence) for j in notable]
    events += [(d.at, "new normal accepted", f"{d.reason} ({d.actor})") for d in history.accepted]
    if events:
        newest = sorted(events, key=lambda event: event[0], reverse=True)[:LISTED]
        parts.append(_table(("When", "What", "Why"), [(_moment(at), what, why) for at, what, why in newest]))
    return element("section", *parts)


def _event(judgement: Judgement) -> str:
    if judgement.entry.incident:
        return "incident"
    outcome = judgement.entry.record.outcome
    return WORDS[judgement.verdict] if outcome is Outcome.SUCCEEDED else str(outcome)


def _charts(runs: Sequence[Judgement], accepted: Sequence[Decision]) -> Markup:
    newest = runs[-NEWEST:]
    record = newest[-1].entry.record
    starts = {sum(run.entry.at < decision.at for run in newest) for decision in accepted}
    steps = sorted(start for start in starts if 0 < start <= len(newest))
    ends = _ends(newest[0].entry.at, newest[-1].entry.at)

    def figure(title: str, value: Callable[[Judgement], float], *, band: bool = False) -> Markup:
        points = [_point(run, value(run), band=band) for run in newest]
        chart = Markup(draw_history(title, points, steps, ends))
        return element("figure", chart, element("figcaption", title))

    about = f"{len(runs)} runs of {record.kind_in_words}, on {record.machine_class or 'an unknown machine'}"
    return element(
        "div",
        element("h3", about),
        element(
            "div",
            figure("Seconds", lambda run: run.entry.record.seconds, band=True),
            figure("Rows per second", lambda run: run.entry.record.rows_per_second),
            figure("Peak memory, MB", lambda run: run.entry.record.peak_memory_mb),
            class_="three",
        ),
    )


def _point(run: Judgement, value: float, *, band: bool) -> Point:
    record = run.entry.record
    mark = MARKS.get(run.verdict, Mark.USUAL)
    if record.outcome is not Outcome.SUCCEEDED:
        mark = Mark.FAILED
    elif run.entry.incident:
        mark = Mark.INCIDENT
    told = f"{_moment(run.entry.at)}, {record.rows_in:,} rows: {run.sentence}"
    base = run.baseline
    if not band or base is None:
        return Point(value, mark, told)
    reach = max(SLOW.z * base.scale, (SLOW.ratio - 1) * base.centre)
    return Point(value, mark, told, max(base.centre - reach, 0.0), base.centre, base.centre + reach)


def _legend() -> Markup:
    items = [
        element("span", Markup(f'<i style="background:{mark}"></i>'), f" {words}", class_="key")
        for mark, words in LEGEND
    ]
    return element("p", *items, class_="legend")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = element("thead", element("tr", *(element("th", heading, scope="col") for heading in headings)))
    body = element("tbody", *(element("tr", *(element("td", cell, class_="words") for cell in row)) for row in rows))
    return element("div", element("table", head, body), class_="scroll")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}"


def _ends(first: datetime, last: datetime) -> tuple[str, str]:
    """Return what stands at both ends of an axis: days, or the times of one day."""
    form = "%H:%M" if first.date() == last.date() else "%Y-%m-%d"
    return first.astimezone(TIME_ZONE).strftime(form), last.astimezone(TIME_ZONE).strftime(form)
