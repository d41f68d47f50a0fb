"""Who follows this process's operations and errors besides the logs: telemetry where it is on, else nobody, at no cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Closing = Callable[[Mapping[str, object]], None]
"""Is told what an operation's closing line holds."""


class Follower(Protocol):
    """What is told of every operation, and of every error that nobody expected."""

    def around(self, name: str, context: Mapping[str, object]) -> AbstractContextManager[Closing]:
        """Go around an operation, given its name and context. An error that ends it passes through."""

    def failed(self, error: BaseException, place: str) -> None:
        """Be told of an error that ends no operation, or that leaves `place` for Dagster. The same error may come again."""


_follower: Follower | None = None


def follow(by: Follower | None) -> None:
    """Have every operation of this process followed from now on; by nobody where None."""
    global _follower  # one process has one telemetry
    _follower = by


def followed(name: str, context: Mapping[str, object]) -> AbstractContextManager[Closing]:
    """Return what goes around an operation; nothing where nobody follows."""
    return nullcontext(_nobody) if _follower is None else _follower.around(name, context)


def tell_failure(error: BaseException, place: str) -> None:
    """Tell the follower, where there is one, of an error that the work survives or that is handed on."""
    if _follower is not None:
        _follower.failed(error, place)


def _nobody(_closing: Mapping[str, object]) -> None:
    pass
