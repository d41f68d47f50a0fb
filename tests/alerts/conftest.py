"""What the tests of the alerts share: databases, a clock, and messages without anybody's affairs in them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from leadscout_assets.alerts import outbox
from leadscout_assets.alerts.channels.base import NotDelivered
from leadscout_assets.alerts.messages import Line, Message
from tests.database.conftest import database, migrated_postgres

__all__ = ["database", "migrated_postgres"]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A time that moves when it is told to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


class Recorder:
    """A channel that keeps what it is sent, and fails as long as it is told to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.failing: list[Exception] = []

    def send(self, message: Message) -> None:
        if self.failing:
            raise self.failing.pop(0)
        self.sent.append(message)


def refusal(pause: float | None = None) -> NotDelivered:
    return NotDelivered("the webhook answered HTTP 503", pause)


def message(key: str = "key", rule: str = "disk_low", kind: str = "fired", level: str = "warning") -> Message:
    line = Line(rule, kind, level, "5% of the disk are free", "make room", f"docs/alerts.md#{rule}", NOON.isoformat())
    return Message(key, "machine", NOON.isoformat(), (line,))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _no_sender_of_an_earlier_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_busy", {})
    monkeypatch.setenv("no_proxy", "127.0.0.1")


Behaviour = Callable[[BaseHTTPRequestHandler, bytes], None]


@contextmanager
def web_server(behave: Behaviour) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A real HTTP server on the loopback address: yields its address and the (headers by lower-case name, body) of each request."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            try:
                behave(self, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    def behave(request: BaseHTTPRequestHandler, _: bytes) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return behave
