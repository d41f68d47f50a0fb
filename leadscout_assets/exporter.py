"""The HTTP server that watchers ask: is the process alive, is the platform ready, the metrics. One entry in `ROUTES` per address.

What is well and what is not, `health` decides; what the metrics are, `metrics`. No log-in, so nothing personal is answered here.
"""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from leadscout_assets.errors import BadSetting
from leadscout_assets.health import Examiner
from leadscout_assets.logs import get_logger, operation
from leadscout_assets.metrics.counting import Tally
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.reading import Reader, Source
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


class Asked:
    """What the routes answer from: the checks, the sources of metrics, and the count of the requests themselves."""

    def __init__(self, settings: Settings, sources: Callable[[Settings], Mapping[str, Source]]) -> None:
        """Take the settings; nothing is looked at yet."""
        self.settings = settings
        self.examiner = Examiner(settings)
        self.requests = Tally()
        self.reader = Reader(_Lazily(lambda: sources(settings)))


class _Lazily(Mapping[str, Source]):
    """Sources that are made at the first look: what they import takes seconds and memory that nobody may need."""

    def __init__(self, make: Callable[[], Mapping[str, Source]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Source]:
        return self._make()

    def __getitem__(self, name: str) -> Source:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _every_source(settings: Settings) -> Mapping[str, Source]:
    from leadscout_assets.defs.instance_metrics import InstanceMetrics
    from leadscout_assets.home_metrics import HomeMetrics

    return {**InstanceMetrics(settings).sources(), **HomeMetrics(settings).sources()}


Route = Callable[[Asked], Answer]


def _health(_: Asked) -> Answer:
    """Alive: this process answers. Touches nothing, so that a hung database does not get the process restarted."""
    return _json(200, {"alive": True})


def _ready(asked: Asked) -> Answer:
    found = asked.examiner.examine(expect_platform=True)
    return _json(200 if found.ready else 503, found.to_json())


def _metrics(asked: Asked) -> Answer:
    """What the sources said last, with the machine as it is now."""
    from importlib.metadata import version

    from leadscout_assets.metrics.machine import machine_samples
    from leadscout_assets.metrics.text import CONTENT_TYPE, render

    samples = [
        Sample("build_info", 1, (version("leadscout"),)),
        *machine_samples(asked.settings.home),
        *asked.requests.samples(),
        *asked.reader.samples(),
    ]
    return Answer(200, render(samples), CONTENT_TYPE)


ROUTES: Mapping[str, Route] = {"/health": _health, "/ready": _ready, "/metrics": _metrics}
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
        server.asked.reader.stop()
    log.info("exporter stopped")


def make_server(
    settings: Settings,
    routes: Mapping[str, Route] = ROUTES,
    sources: Callable[[Settings], Mapping[str, Source]] = _every_source,
) -> Server:
    """Return the server, listening already. Raises `BadSetting` where it cannot."""
    asked = Asked(settings, sources)

    class Handler(_Handler):
        pass

    Handler.asked, Handler.routes = asked, routes
    try:
        return Server((settings.exporter_host, settings.exporter_port), Handler, asked)
    except OSError as error:
        raise BadSetting(
            f"LEADSCOUT_EXPORTER_HOST, LEADSCOUT_EXPORTER_PORT: cannot listen on port {settings.exporter_port} "
            f"({error.strerror}); stop the program that uses it, or choose another port"
        ) from None


class Server(ThreadingHTTPServer):
    """The server, and what its routes answer from."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], asked: Asked) -> None:
        """Listen."""
        self.asked = asked
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    asked: Asked
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
        began = time.perf_counter()
        with operation("http_request", level="debug", **about) as found:
            answer = route(self.asked) if route else _json(404, {"error": "there is nothing here"})
            found["status"] = answer.status
        self.asked.requests.add("http_requests_total", 1, about["route"], self.command, str(answer.status))
        self.asked.requests.observe("http_request_seconds", time.perf_counter() - began, about["route"])
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
