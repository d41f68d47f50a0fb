"""Is what people look at up to date? Judged by when the newest batch was delivered, never by when something was re-run."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Freshness:
    """A verdict and the one sentence that explains it."""

    fresh: bool
    sentence: str


def deliveries_arrive(now: datetime, newest_delivered_at: datetime | None, every: timedelta) -> Freshness:
    """Judge whether deliveries arrive as often as they should; nothing delivered yet is not late."""
    if newest_delivered_at is None:
        return Freshness(True, "nothing has been delivered yet")
    age = now - newest_delivered_at
    if age <= every:
        return Freshness(True, f"the newest delivery is {_words(age)} old, {_words(every)} are allowed")
    return Freshness(
        False,
        f"the newest delivery is {_words(age)} old, {_words(every)} are allowed: ask the sender, "
        "or set LEADSCOUT_DELIVER_EVERY_HOURS to the real rhythm",
    )


def newest_materialized(
    now: datetime, delivered_at: datetime | None, materialized_at: datetime | None, within: timedelta
) -> Freshness:
    """Judge whether the newest delivered batch reached an asset within the time allowed; until then, waiting is fine.

    `materialized_at` is when it arrived there first. A late arrival stays late until the next delivery is the newest.
    """
    if delivered_at is None:
        return Freshness(True, "nothing has been delivered yet")
    if materialized_at is not None:
        took = materialized_at - delivered_at
        arrived = f"the newest batch arrived here {_words(took)} after its delivery"
        if took <= within:
            return Freshness(True, arrived)
        return Freshness(
            False,
            f"{arrived}, {_words(took - within)} later than allowed: nothing is missing, and the next delivery that "
            "arrives in time clears this; look at what held the run up, or raise LEADSCOUT_MATERIALIZE_WITHIN_MINUTES",
        )
    waited = now - delivered_at
    if waited <= within:
        return Freshness(
            True, f"the newest batch was delivered {_words(waited)} ago and is expected within {_words(within)}"
        )
    return Freshness(
        False,
        f"the newest batch was delivered {_words(waited)} ago and is not here, {_words(within)} are allowed: "
        "look at the failed or queued runs of this batch, then re-run it",
    )


def _words(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0.0)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds:.0f} seconds"
