"""Is what people look at up to date, and what they would miss safe? Judged by when a batch was delivered, never by re-runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(minutes=5)
"""How far a moment may lie in the future by the difference of two clocks; beyond, the clock was set back."""


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


def cleansed(now: datetime, received_at: dict[str, datetime], within: timedelta) -> Freshness:
    """Judge whether every list that was once exchanged with the keeper of a registry was so recently; by list, when last."""
    if not received_at:
        return Freshness(True, "no list was ever exchanged with a registry")
    name, oldest = min(received_at.items(), key=lambda item: item[1])
    age = now - oldest
    if age <= within:
        return Freshness(True, f"the list {name} was cleansed {_words(age)} ago, {_words(within)} are allowed")
    return Freshness(
        False,
        f"the list {name} was cleansed {_words(age)} ago, {_words(within)} are allowed: leadscout suppress export, send the "
        "file to the registry, and leadscout suppress import its answer",
    )


def backed_up(now: datetime, taken_at: datetime | None, since: datetime | None, within: timedelta) -> Freshness:
    """Judge the age of the newest backup. Before the first one, what counts is `since` when there is something to lose.

    `since` is when the first delivery was recorded; with nothing delivered there is nothing to lose.
    """
    if taken_at is not None:
        return _aged(now - taken_at, within, "the newest backup", "look at the asset backup, or: leadscout backup")
    return _never(now, since, within, "no backup was taken yet", "leadscout backup")


def restore_proven(now: datetime, proven_at: datetime | None, since: datetime | None, within: timedelta) -> Freshness:
    """Judge how long ago a restore was last proven; before the first proof, as `backed_up` does."""
    if proven_at is not None:
        return _aged(now - proven_at, within, "the last proven restore", "look at the asset restore_drill")
    return _never(now, since, within, "no restore was proven yet", "materialize the asset restore_drill")


def lies_ahead(now: datetime, at: datetime) -> bool:
    """Say whether a moment lies in the future, so that its age cannot be told: the clock was ahead then, or is behind now."""
    return at - now > AHEAD


def _aged(age: timedelta, within: timedelta, what: str, do: str) -> Freshness:
    if -age > AHEAD:
        return Freshness(
            False,
            f"{what} is dated {_words(-age)} ahead of the clock, so that its age cannot be told: see that the clock is "
            f"right, then {do}",
        )
    sentence = f"{what} is {_words(age)} old, {_words(within)} are allowed"
    return Freshness(True, sentence) if age <= within else Freshness(False, f"{sentence}: {do}")


def _never(now: datetime, since: datetime | None, within: timedelta, what: str, do: str) -> Freshness:
    if since is None:
        return Freshness(True, f"{what}, and nothing has been delivered yet")
    waited = now - since
    sentence = f"{what}; the first delivery was recorded {_words(waited)} ago, {_words(within)} are allowed"
    return Freshness(True, sentence) if waited <= within else Freshness(False, f"{sentence}: {do}")


def _words(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0.0)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds:.0f} seconds"
