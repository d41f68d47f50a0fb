"""One POST to a webhook within a time limit that holds whatever the other side does. What is sent is the channels' affair."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from leadscout_assets.alerts.channels.base import ATTEMPT_SECONDS, NotDelivered
from leadscout_assets.errors import BadSetting

LONGEST_ANSWER = 65_536
"""Bytes of an answer that are read; a longer one is no webhook's."""

LONGEST_PAUSE = 3_600.0
"""Seconds: who asks to be left alone for longer is asked again all the same."""


@dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    body: bytes


def check_url(url: str, setting: str) -> str:
    """Return the address of a webhook. Raises `BadSetting` unless it is HTTP with a host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadSetting(f"{setting}: not the address of a webhook; write https://...")
    return url


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float = ATTEMPT_SECONDS) -> Answer:
    """Send `body` and return the answer, whatever its status. Follows no redirect: it could lead anywhere.

    Raises `NotDelivered` where nothing, half an answer, or none within `seconds` comes. No message quotes the address.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310  # see check_url
    open_now: list[socket.socket] = []
    late = threading.Event()

    def end() -> None:
        late.set()
        for one in open_now:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    opener = urllib.request.build_opener(_NoRedirect(), *_watched(open_now))
    # A socket's own time-out begins anew with every byte: one that drips would hold us for ever.
    watch = threading.Timer(seconds, end)
    watch.daemon = True
    watch.start()
    try:
        with opener.open(request, timeout=seconds) as answer:
            return Answer(answer.status, _all_of(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise NotDelivered(f"the webhook answered HTTP {error.code}", _pause(error.headers)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if late.is_set() or isinstance(reason, TimeoutError):
            raise NotDelivered(f"the webhook did not answer within {seconds:.0f} s") from None
        raise NotDelivered(f"the webhook cannot be reached, or broke off ({type(reason).__name__})") from None
    finally:
        watch.cancel()


def _all_of(answer: Any) -> bytes:
    body: bytes = answer.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        raise NotDelivered("what answers in place of the webhook sends without end")
    promised = answer.headers.get("Content-Length")
    if promised is not None and promised.isdigit() and int(promised) != len(body):
        raise NotDelivered("the webhook broke off its answer")
    return body


def _pause(headers: Any) -> float | None:
    """Return the seconds that the other side asks to be left alone: it names their number, or a moment by its own clock."""
    text = str(headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_PAUSE)
    until = _moment(text)
    if until is None:
        return None
    now = _moment(str(headers.get("Date") or "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_PAUSE)


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leave the answer as it is: an error with its status."""
        return


def _watched(open_now: list[socket.socket]) -> list[urllib.request.BaseHandler]:
    """Return handlers whose connections put their sockets into `open_now`."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            open_now.append(self.sock)

    class Encrypted(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            open_now.append(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class EncryptedHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Encrypted, req)

    return [PlainHandler(), EncryptedHandler()]
