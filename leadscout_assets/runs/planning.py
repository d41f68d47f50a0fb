"""Which batches go into which run: stretches of adjacent partitions, cut to the row limit. Pure; starts nothing."""

from collections.abc import Iterator, Mapping, Sequence


def plan_runs(
    rows: Mapping[str, int], order: Sequence[str], *, max_rows: int, max_batches: int
) -> list[tuple[str, ...]]:
    """Split the batches in `rows` (batch id -> rows delivered) into runs.

    A run over several partitions is a slice of `order`, the partition keys in insertion order, so that each run must
    be a stretch without gaps. A run holds at most `max_rows` rows and `max_batches` batches; a batch above `max_rows`
    gets a run of its own, whose first step says which setting to raise. Raises `ValueError` for a batch not in `order`.
    """
    place = {batch: position for position, batch in enumerate(order)}
    unknown = [batch for batch in rows if batch not in place]
    if unknown:
        raise ValueError(f"{len(unknown)} batches are not partitions yet")
    wanted = sorted(rows, key=place.__getitem__)
    return list(_stretches(wanted, place, rows, max_rows, max_batches))


def _stretches(
    wanted: Sequence[str], place: Mapping[str, int], rows: Mapping[str, int], max_rows: int, max_batches: int
) -> Iterator[tuple[str, ...]]:
    run: list[str] = []
    held = 0
    for batch in wanted:
        gap = bool(run) and place[batch] != place[run[-1]] + 1
        full = bool(run) and (held + rows[batch] > max_rows or len(run) == max_batches)
        if gap or full:
            yield tuple(run)
            run, held = [], 0
        run.append(batch)
        held += rows[batch]
    if run:
        yield tuple(run)
