"""The connection below both SDKs: a time limit on the whole call and a limit on its length, and what a failure means for the bill."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from leadscout_assets.llm.providers import CallFailed, Reply

LONGEST_REPLY = 50_000_000
"""Bytes: a reply about 50 names has some 6,000, the results of a batch job of 100,000 names some 15 million."""

LONGEST_PAUSE = 3_600.0

UNKNOWABLE = frozenset({408, 502, 504})
"""Statuses of a proxy that gave up waiting: the model behind it may have answered, and then it is charged."""

GONE = 404

TURNED_DOWN = frozenset({503, 529})
"""Statuses of 500 and above by which a vendor says that it did not begin: it has too much to do."""

OF_LIMITS = (
    *(("x-ratelimit-remaining-" + what, "x-ratelimit-reset-" + what) for what in ("requests", "tokens")),
    *(
        (f"anthropic-ratelimit-{what}-remaining", f"anthropic-ratelimit-{what}-reset")
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
)
"""Headers in which the vendors say what is left of a limit, and when it is whole again: as `1m30s`, or as a time."""

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: Any, until: float) -> None:
        self._stream, self._until = stream, until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            size += len(piece)
            # A slow stream sends something just in time for each read, for ever.
            if time.monotonic() > self._until or size > LONGEST_REPLY:
                raise httpx2.ReadTimeout("the reply takes too long")
            yield piece

    def close(self) -> None:
        self._stream.close()


class BoundedTransport(httpx2.HTTPTransport):
    """Ends a reply that is not complete within the time limit of its request, or that is too long."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; its read time limit holds for the whole of it."""
        until = time.monotonic() + float(request.extensions.get("timeout", {}).get("read") or 60.0)
        response = super().handle_request(request)
        response.stream = _Bounded(response.stream, until)
        return response


def bounded_client() -> httpx2.Client:
    """Return a client for an SDK. It follows no redirect, and takes no proxy or certificate from the environment."""
    return httpx2.Client(transport=BoundedTransport(), follow_redirects=False)


def silence(sdk: str) -> None:
    """Have an SDK's own logger say no more than warnings: what it logs while debugging holds what was sent."""
    logging.getLogger(sdk).setLevel(logging.WARNING)


def failure_of(error: BaseException, sdk: Any) -> CallFailed:
    """Say what an SDK's exception means: whether it may be charged, whether to ask again, and when."""
    if isinstance(error, sdk.APITimeoutError):
        connecting = isinstance(error.__cause__, (httpx2.ConnectTimeout, httpx2.PoolTimeout))
        return CallFailed("no_connection" if connecting else "timed_out", charged=not connecting)
    if isinstance(error, sdk.APIConnectionError):
        unsent = isinstance(error.__cause__, (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.InvalidURL))
        return CallFailed("no_connection" if unsent else "connection_lost", charged=not unsent)
    if isinstance(error, sdk.APIStatusError):
        return _of_status(error.status_code, error.response.headers)
    # A complete answer that is no JSON, or not the vendor's: it may have been charged, and nobody can say how much.
    return CallFailed("unreadable", charged=True)


@contextmanager
def looking(sdk: Any) -> Iterator[None]:
    """Turn whatever an SDK raises while something is only looked up into a `CallFailed` that nobody charges."""
    try:
        yield
    except CallFailed:
        raise
    except Exception as error:  # noqa: BLE001  it is looked up again later, and its message may quote names
        failed = failure_of(error, sdk)
        raise CallFailed(failed.code, charged=False, status=failed.status) from None


@contextmanager
def deleting(sdk: Any) -> Iterator[None]:
    """As `looking`, for a deletion: what is not there any more is deleted."""
    try:
        with looking(sdk):
            yield
    except CallFailed as failed:
        if failed.status != GONE:
            raise


def submission(failed: CallFailed) -> CallFailed:
    """Return what a failure means where a job was submitted: after an error of the vendor's own it may be there all the same."""
    if failed.status < 500 or failed.status in TURNED_DOWN:
        return failed
    return CallFailed(failed.code, charged=True, status=failed.status)


def lines_of(content: bytes, read: Callable[[Any], tuple[str, Reply | None]]) -> list[tuple[str, Reply | None]]:
    """Read results line by line. One that cannot be read is left out, and takes none of the others with it."""
    found = []
    for line in content.split(b"\n"):
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found.append(read(json.loads(line)))
    return found


def _of_status(status: int, headers: Any) -> CallFailed:
    pause = retry_after(headers)
    if status in UNKNOWABLE:
        return CallFailed("gateway_gave_up", charged=True, status=status)
    if status == 429:
        return CallFailed("rate_limited", charged=False, retry_after=pause, status=status)
    if status >= 500:
        return CallFailed("vendor_failed", charged=False, retry_after=pause, status=status)
    code = "key_refused" if status in (401, 403) else "request_refused"
    return CallFailed(code, charged=False, fatal=True, status=status)


def retry_after(headers: Any, now: datetime | None = None) -> float | None:
    """Return the seconds for which a vendor asks to be left alone; None where it does not say.

    By `retry-after-ms` or `retry-after`, in seconds or as a date; else until the limits are whole again that are used up.
    """
    at = now or datetime.now(UTC)
    told = [_number(headers.get("retry-after-ms"), 0.001), _number(headers.get("retry-after"))]
    if seconds := [pause for pause in told if pause is not None]:
        return min(seconds[0], LONGEST_PAUSE)
    if (pause := _until(headers.get("retry-after"), at)) is not None:
        return min(pause, LONGEST_PAUSE)
    used_up = [headers.get(reset) for remaining, reset in OF_LIMITS if _number(headers.get(remaining)) == 0]
    pauses = [pause for value in used_up if (pause := _until(value, at)) is not None]
    return min(max(pauses), LONGEST_PAUSE) if pauses else None


def _number(value: str | None, unit: float = 1.0) -> float | None:
    try:
        number = float(value or "") * unit
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(value: str | None, now: datetime) -> float | None:
    """Read a duration or a time as the seconds until it is over."""
    if not value:
        return None
    if match := _DURATION.fullmatch(value):
        return sum(float(part or 0) * unit for part, unit in zip(match.groups(), (3_600, 60, 1, 0.001), strict=True))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(value)
        except ValueError:
            continue
        return max((at - now).total_seconds(), 0.0) if at.tzinfo else None
    return None


def tokens(value: object) -> int | None:
    """Return a count of tokens as the vendor gave it; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
