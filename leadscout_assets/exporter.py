"""The HTTP server that watchers ask: is the process alive, is the platform ready. One entry in `ROUTES` per address.

What is well and what is not, `health` decides. No log-in, so nothing personal is answered here.
"""

from __future__ import annotations

import json
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from leadscout_assets.errors import BadSetting
from leadscout_assets.health import Examiner
from leadscout_assets.logs import get_logger, operation
from leadscout_assets.settings import Settings

REQUEST_SECONDS = 10.0
"""A client that sends nothing must not hold a thread for ever."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    kind: str = "application/json"


Route = Callable[[Examiner], Answer]


def _health(_: Examiner) -> Answer:
    """Alive: this process answers. Touches nothing, so that a hung database does not get the process restarted."""
    return _json(200, {"alive": True})


def _ready(examiner: Examiner) -> Answer:
    found = examiner.examine(expect_platform=True)
    return _json(200 if found.ready else 503, found.to_json())


ROUTES: Mapping[str, Route] = {"/health": _health, "/ready": _ready}
"""What can be asked with GET and HEAD; anything else is 404."""


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Answer until SIGTERM or Ctrl-C. Must be called in the main thread. Raises `BadSetting` where the port is taken."""
    server = make_server(settings)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # `shutdown` waits for the loop that this very thread runs: it has to come from another one.
        if not stopping.is_set():
            stopping.set()
            threading.Thread(target=server.shutdown, name="stop").start()

    with _signals(stop), server:
        host, port = server.server_address[:2]
        log.info("exporter ready", port=port)
        if on_ready is not None:
            on_ready(f"http://{host!s}:{port}")
        server.serve_forever(poll_interval=0.1)
    log.info("exporter stopped")


def make_server(settings: Settings, routes: Mapping[str, Route] = ROUTES) -> ThreadingHTTPServer:
    """Return the server, listening already. Raises `BadSetting` where it cannot."""
    examiner = Examiner(settings)

    class Handler(_Handler):
        pass

    Handler.examiner, Handler.routes = examiner, routes
    try:
        return _Server((settings.exporter_host, settings.exporter_port), Handler)
    except OSError as error:
        raise BadSetting(
            f"LEADSCOUT_EXPORTER_HOST, LEADSCOUT_EXPORTER_PORT: cannot listen on port {settings.exporter_port} "
            f"({error.strerror}); stop the program that uses it, or choose another port"
        ) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    examiner: Examiner
    routes: Mapping[str, Route]
    timeout = REQUEST_SECONDS
    server_version = "LeadScout"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer a question without the body."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        route = self.routes.get(path)
        # A request's own id is not taken over: whatever a client sends would stand in the log.
        about = {"request_id": uuid.uuid4().hex[:12], "route": path if route else "unknown"}
        with operation("http_request", level="debug", **about) as found:
            answer = route(self.examiner) if route else _json(404, {"error": "there is nothing here"})
            found["status"] = answer.status
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # the name is the base class's
        """Say nothing: a watcher asks every few seconds."""


def _json(status: int, value: object) -> Answer:
    return Answer(status, json.dumps(value).encode() + b"\n")


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
