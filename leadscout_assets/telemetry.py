"""Errors to Sentry and traces to OpenTelemetry, for whoever has them: off without an address, and not even imported then.

What leaves is cleaned as log lines are: classes and places of errors, ids, counts and times; no messages of libraries, no
values of variables, no names of people, files or machines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID

from structlog.contextvars import get_contextvars

from leadscout_assets.errors import BadInput, BadSetting, LeadScoutError, is_interruption
from leadscout_assets.logs import BOUND, clean, mask
from leadscout_assets.logs.following import Closing, follow

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    from leadscout_assets.settings import Settings

SERVICE = "leadscout"

FLUSH_SECONDS = 3.0
"""Longest that the end of a run or a process waits for each of the two receivers."""

REQUESTS = frozenset({"http_request"})
"""Operations that somebody waits for: marked where they are slow."""

KEPT_OF_EVENT = ("event_id", "timestamp", "level", "platform", "release", "environment", "tags", "exception")
"""What is left of an error's report; all else may tell of people, machines or values."""

KEPT_OF_FRAME = ("filename", "function", "lineno", "module", "in_app")

EXPECTED = frozenset({"TyperException", "Abort", "Exit"})
"""Classes of the command line that tell a person of a slip; by name, since not every process has the command line."""

_run: ContextVar[str | None] = ContextVar("leadscout_run", default=None)
"""The Dagster run whose steps this process executes."""


@dataclass
class _Open:
    """What this process reports to."""

    settings: Settings
    sentry: bool = False
    tracer: Tracer | None = None
    provider: TracerProvider | None = None
    run: ExitStack = field(default_factory=ExitStack)
    failures: int = 0
    """Operations that an error ended since the run began."""
    failed_last: set[str] = field(default_factory=set)
    """Those of them that did not succeed when they were tried again."""

    @contextmanager
    def around(self, name: str, context: Mapping[str, object]) -> Iterator[Closing]:
        """Follow one operation: a span around it, and a report of the error that ends it."""
        around, began = get_contextvars(), time.perf_counter()
        context = {**{key: around[key] for key in BOUND if key in around}, **context}
        with self._span(name, context) as span:

            def told(closing: Mapping[str, object]) -> None:
                if span is not None:
                    slow = name in REQUESTS and time.perf_counter() - began > self.settings.slow_request_seconds
                    span.set_attributes(_attributes({**closing, **({"slow": True} if slow else {})}))

            try:
                yield told
                self.failed_last.discard(name)
            except BaseException as error:
                self._report(error, name, context)
                if span is not None and not is_interruption(error):
                    from opentelemetry.trace import Status, StatusCode

                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    self.failures += 1
                    self.failed_last.add(name)
                raise

    def failed(self, error: BaseException, place: str) -> None:
        """Report an error that ended no operation."""
        self._report(error, place, get_contextvars())

    @contextmanager
    def _span(self, name: str, context: Mapping[str, object]) -> Iterator[Span | None]:
        if self.tracer is None:
            yield None
            return
        with self.tracer.start_as_current_span(
            name, attributes=_attributes(context), record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def _report(self, error: BaseException, name: str, context: Mapping[str, object]) -> None:
        # Each operation around it sees the same error; it is one report, of the innermost.
        if not self.sentry or not _is_fault(error) or getattr(error, "_leadscout_reported", False):
            return
        import sentry_sdk

        with sentry_sdk.new_scope() as scope:
            scope.set_tag("operation", name)
            for key in BOUND:
                if key in context:
                    scope.set_tag(key, str(context[key]))
            scope.capture_exception(error)
        with suppress(AttributeError):  # of a class that takes no marks: told twice at worst
            error._leadscout_reported = True  # type: ignore[attr-defined]


_open: _Open | None = None
_opening = threading.Lock()


def setup_telemetry(settings: Settings) -> None:
    """Report from now on to where the settings say; does nothing where they say nothing, and nothing twice.

    Raises `BadSetting` where an address is set that cannot be used, or without the packages.
    """
    global _open  # one process reports to one place
    if settings.sentry_dsn is None and settings.otlp_endpoint is None:
        return
    with _opening:
        if _open is not None and _open.settings == settings:
            return
        _close()
        opened = _Open(settings)
        if settings.sentry_dsn is not None:
            with _installed("LEADSCOUT_SENTRY_DSN"):
                _open_sentry(settings.sentry_dsn.get_secret_value())
            opened.sentry = True
        if settings.otlp_endpoint is not None:
            with _installed("LEADSCOUT_OTLP_ENDPOINT"):
                opened.provider = _open_traces(settings.otlp_endpoint)
            opened.tracer = opened.provider.get_tracer(SERVICE, version(SERVICE))
        _open = opened
        follow(opened)


def begin_run(run_id: str) -> None:
    """Begin the span of a Dagster run in this process: its steps stand below it, in a trace whose id is the run's."""
    if _open is not None and _open.tracer is not None:
        _open.run.enter_context(_running(_open, _open.tracer, run_id))


def end_run() -> None:
    """End the span of the run, and send what waits: a process that executes runs may be ended as soon as they have."""
    if _open is not None:
        _open.run.close()
        flush_telemetry()


@contextmanager
def _running(opened: _Open, tracer: Tracer, run_id: str) -> Iterator[None]:
    from opentelemetry import context, trace

    opened.failures, named = 0, _run.set(run_id)
    opened.failed_last.clear()
    # A run that a command executes has a trace of its own, too: whoever looks for a run has its id.
    alone = trace.set_span_in_context(trace.INVALID_SPAN)
    span = tracer.start_span("run", context=alone, attributes=_attributes({"run_id": run_id}))
    around = context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        context.detach(around)
        span.set_attributes(_attributes({"failed_operations": opened.failures}))
        if opened.failed_last:
            span.set_status(trace.Status(trace.StatusCode.ERROR, ", ".join(sorted(opened.failed_last))))
        span.end()
        _run.reset(named)


def flush_telemetry(seconds: float = FLUSH_SECONDS) -> None:
    """Send what waits, and wait for it no longer than that. A process does so by itself at its end."""
    if _open is not None and _open.provider is not None:
        _open.provider.force_flush(int(seconds * 1000))
    if _open is not None and _open.sentry:
        import sentry_sdk

        sentry_sdk.flush(seconds)


def close_telemetry() -> None:
    """Send what waits, and report no more."""
    with _opening:
        _close()


def _close() -> None:
    global _open
    opened, _open = _open, None
    follow(None)
    if opened is not None and opened.provider is not None:
        opened.provider.shutdown()
    if opened is not None and opened.sentry:
        import sentry_sdk

        sentry_sdk.get_client().close(FLUSH_SECONDS)
        sentry_sdk.get_global_scope().set_client(None)


@contextmanager
def _installed(setting: str) -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise BadSetting(
            f"{setting} is set, but what it needs is not installed: install leadscout[telemetry], or leave the setting out"
        ) from None


def _open_sentry(dsn: str) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.utils import BadDsn

    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"{SERVICE}@{version(SERVICE)}",
            # Nothing is collected by itself: no requests, no log lines, no breadcrumbs, no variables, no names of machines.
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            send_client_reports=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            server_name="",
            before_send=scrubbed,
            shutdown_timeout=FLUSH_SECONDS,
            # Its own callback tells the terminal that it waits.
            integrations=[AtexitIntegration(callback=lambda _pending, _timeout: None)],
        )
    except BadDsn:
        raise BadSetting("LEADSCOUT_SENTRY_DSN is no DSN: copy it from the project's client keys") from None


def _open_traces(endpoint: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """Gives the traces of a Dagster run the run's id, whatever process they are of."""

        def generate_trace_id(self) -> int:
            try:
                return UUID(_run.get()).int
            except (TypeError, ValueError, AttributeError):
                return super().generate_trace_id()

    # Not the default resource: it tells of the process and its command line.
    about = Resource({"service.name": SERVICE, "service.version": version(SERVICE)})
    provider = TracerProvider(resource=about, id_generator=Ids())
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=FLUSH_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def scrubbed(event: Any, hint: Mapping[str, Any]) -> Any:
    """Return an error's report without anything that may be somebody's: called by Sentry before each is sent."""
    kept = {key: event[key] for key in KEPT_OF_EVENT if key in event}
    kept["tags"] = clean(dict(kept.get("tags") or {}), personal=False)
    exc_info = hint.get("exc_info")
    error = exc_info[1] if exc_info else None
    values = (kept.get("exception") or {}).get("values", ())
    kept["exception"] = {"values": [_scrubbed_value(value, error) for value in values]}
    return kept


def _scrubbed_value(value: Mapping[str, Any], error: BaseException | None) -> dict[str, Any]:
    """Keep an exception's class and places. Only LeadScout's own sentence stays, masked as in a log line."""
    own = isinstance(error, LeadScoutError) and value.get("type") == type(error).__name__
    frames = (value.get("stacktrace") or {}).get("frames", ())
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": mask(str(error)) if own else "",
        "stacktrace": {"frames": [{key: frame[key] for key in KEPT_OF_FRAME if key in frame} for frame in frames]},
    }


def _is_fault(error: BaseException) -> bool:
    """Say whether an error is one to look into: not a person's slip, and not an end that somebody asked for."""
    if is_interruption(error) or isinstance(error, BadInput):
        return False
    return not any(kind.__name__ in EXPECTED for kind in type(error).__mro__)


def _attributes(values: Mapping[str, object]) -> dict[str, Any]:
    cleaned: dict[str, Any] = clean(dict(values), personal=False)
    return {
        f"{SERVICE}.{key}": value if isinstance(value, bool | int | float | str) else str(value)
        for key, value in cleaned.items()
        if value is not None
    }
