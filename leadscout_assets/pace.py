"""How the domain says how far it has come: a callable that is told shares. Who listens, and what becomes of it, is the caller's."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Tell = Callable[[float], None]
"""Takes the share (0..1) of the call's own work that is done. May raise to stop the work, hence is told between two pieces
of it, never while something is half done."""

Item = TypeVar("Item")


def untold(_share: float) -> None:
    """Listen to nothing: the default of everything that tells."""


def part(tell: Tell, start: float, end: float) -> Tell:
    """Return a `Tell` for a piece of work that is the shares `start` to `end` of the whole."""
    return lambda share: tell(start + (end - start) * share)


def told(items: Iterable[Item], count: int, tell: Tell) -> Iterator[Item]:
    """Give the items, `count` of them, and tell after each was worked on."""
    for number, item in enumerate(items, start=1):
        yield item
        tell(min(1.0, number / max(count, 1)))
