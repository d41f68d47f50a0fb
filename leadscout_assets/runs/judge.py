"""Is a run worse than its like were? The thresholds, and the verdicts with the sentence that explains each. Pure.

What a baseline is made of stands in `baselines`; where records are kept is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadscout_assets.runs.baselines import LEAST_RUNS, MOST_RUNS, Baseline, baseline_of
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome


@dataclass(frozen=True)
class Level:
    """How far above its baseline a run must be: in scales (z), and as a multiple of the median."""

    z: float
    ratio: float


# What                      z    ratio    Source
# A note, of one run       3.5   1.20     3.5: Iglewicz and Hoaglin (1993) for modified z-scores of single values
# A slow run               2.5   1.25     2.5: 1 in 160 under normal noise; 1.25: what a person would look into
# A fast run               2.5   1/1.25   the mirror image
# A regression: slow, and one more of the two before it as well. Together they are held to the promised error rates by the
# simulation in tests/runs/test_judge.py.
NOTE = Level(3.5, 1.20)
SLOW = Level(2.5, 1.25)
SAME_RUNS, OF_RUNS = 2, 3

LEAST_SECONDS = 0.1
"""Less than this above the median is no verdict: a busy moment of the machine takes as much from a step of milliseconds."""


class Verdict(StrEnum):
    """What a run is against its baseline. Only a regression fails a check or alerts."""

    INSUFFICIENT_HISTORY = "insufficient_history"
    OK = "ok"
    NOTE = "note"
    REGRESSION = "regression"
    IMPROVED = "improved"
    NOT_JUDGED = "not_judged"


class Pace(StrEnum):
    """How one run went by itself, whatever the others did."""

    USUAL = "usual"
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True)
class Entry:
    """One run record in a history. `at` is when it was made; `incident`: a person has said that something else went wrong."""

    record: RunRecord
    at: datetime
    incident: bool = False


@dataclass(frozen=True)
class Judgement:
    """The verdict on one record, with the baseline in seconds that it was held against, and the sentence that says why.

    `z` and `ratio` are those of the figure that decided: of seconds or of seconds per row, whichever speaks less against the run.
    """

    entry: Entry
    verdict: Verdict
    sentence: str
    baseline: Baseline | None = None
    z: float = 0.0
    ratio: float = 1.0


def judge(history: Iterable[Entry], accepted_at: datetime | None = None) -> list[Judgement]:
    """Return the judgement on each record of one asset, oldest first; each is held against earlier ones of its kind only.

    A baseline leaves out the run itself, failed runs, incidents, regressions, and whatever was before `accepted_at`, when
    a person accepted a new normal. Regressions are left out so that one stays one until it is mended or accepted.
    """
    earlier: dict[tuple[object, ...], list[Judgement]] = {}
    found = []
    for entry in sorted(history, key=lambda e: e.at):
        record = entry.record
        if record.outcome is not Outcome.SUCCEEDED:
            found.append(Judgement(entry, Verdict.NOT_JUDGED, f"{record.outcome} after {_seconds(record.seconds)}"))
            continue
        if entry.incident:
            found.append(Judgement(entry, Verdict.NOT_JUDGED, f"{_seconds(record.seconds)}, marked as an incident"))
            continue
        if accepted_at is not None and entry.at < accepted_at:
            found.append(
                Judgement(entry, Verdict.NOT_JUDGED, f"{_seconds(record.seconds)}, before a new normal was accepted")
            )
            continue
        like = earlier.setdefault(record.kind, [])
        like.append(_judge_one(entry, like))
        found.append(like[-1])
    return found


def _judge_one(entry: Entry, earlier: Sequence[Judgement]) -> Judgement:
    """Judge one record against earlier ones of its kind."""
    record = entry.record
    recent = earlier[-(OF_RUNS - 1) :]
    good = [j.entry.record for j in earlier if j.verdict is not Verdict.REGRESSION]
    settled = [j.entry.record for j in earlier[: -len(recent)] if j.verdict is not Verdict.REGRESSION] if recent else []
    # Runs that may be a regression together are held against what was before all of them, where that is enough.
    yardstick = _yardstick(settled) or _yardstick(good)
    if yardstick is None:
        sentence = f"{_seconds(record.seconds)}; {len(good)} earlier runs of its kind, {LEAST_RUNS} are needed to judge"
        return Judgement(entry, Verdict.INSUFFICIENT_HISTORY, sentence)
    look, whole = yardstick.look(record), yardstick.whole
    same = 1 + sum(yardstick.look(j.entry.record).pace is look.pace for j in recent)
    sentence = (
        f"{_seconds(record.seconds)} against a median of {_seconds(whole.centre)} over {whole.runs} runs, "
        f"MAD {_seconds(whole.mad)}{f', {look.ratio:.0%} of the usual per row' if look.by_row else ''}"
    )
    verdict = Verdict.OK
    if look.pace is not Pace.USUAL and same >= SAME_RUNS:
        verdict = Verdict.REGRESSION if look.pace is Pace.SLOW else Verdict.IMPROVED
        sentence += f"; {same} of the last {1 + len(recent)} runs were {look.pace}"
    elif look.far and look.z >= NOTE.z and look.ratio >= NOTE.ratio:
        verdict = Verdict.NOTE
        sentence += "; slow this once"
    return Judgement(entry, verdict, sentence, whole, round(look.z, 2), round(look.ratio, 3))


@dataclass(frozen=True)
class _Look:
    """How one run compares: far enough from the median to matter, by how much, and whether by its rows."""

    far: bool
    z: float
    ratio: float
    by_row: bool

    @property
    def pace(self) -> Pace:
        if self.far and self.z >= SLOW.z and self.ratio >= SLOW.ratio:
            return Pace.SLOW
        if self.far and self.z <= -SLOW.z and self.ratio <= 1 / SLOW.ratio:
            return Pace.FAST
        return Pace.USUAL


@dataclass(frozen=True)
class _Yardstick:
    """Baselines of seconds, and of seconds per row where the runs held different numbers of rows."""

    whole: Baseline
    by_row: Baseline | None

    def look(self, record: RunRecord) -> _Look:
        """Compare by seconds, or by seconds per row where that is nearer to the baseline.

        An order of magnitude of rows is wide: more rows take longer without being slow, and of fewer each takes longer.
        """
        whole, seconds = self.whole, record.seconds
        far = abs(seconds - whole.centre) >= LEAST_SECONDS
        if self.by_row is not None and record.rows_in:
            each = seconds / record.rows_in
            if abs(self.by_row.ratio(each) - 1) < abs(whole.ratio(seconds) - 1):
                return _Look(far, self.by_row.z(each), self.by_row.ratio(each), by_row=True)
        return _Look(far, whole.z(seconds), whole.ratio(seconds), by_row=False)


def _yardstick(like: Sequence[RunRecord]) -> _Yardstick | None:
    newest = like[-MOST_RUNS:]
    whole = baseline_of([record.seconds for record in newest])
    if whole is None:
        return None
    each = [record.seconds / record.rows_in for record in newest if record.rows_in]
    return _Yardstick(whole, baseline_of(each) if len(each) == len(newest) else None)


def _seconds(value: float) -> str:
    if value < 0.1:
        return f"{1_000 * value:.0f} ms" if value >= 0.001 else f"{1_000 * value:.1f} ms"
    return f"{value:.0f} s" if value >= 100 else f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"
