"""A receiver of errors and traces on this machine, in place of Sentry and of a collector of OpenTelemetry."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.telemetry import close_telemetry, flush_telemetry


class Receiver(ThreadingHTTPServer):
    """Takes whatever is posted, unpacked, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.taken.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def everything(self) -> str:
        return b"".join(body for _, body in self.taken).decode("utf-8", "replace")

    def errors(self) -> list[dict]:
        flush_telemetry()
        lines = [body.decode().splitlines() for path, body in self.taken if path.endswith("/envelope/")]
        return [json.loads(one[n + 1]) for one in lines for n, line in enumerate(one) if '"type":"event"' in line]

    def spans(self) -> list:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        flush_telemetry()
        told = [ExportTraceServiceRequest.FromString(body) for path, body in self.taken if path == "/v1/traces"]
        return [span for one in told for res in one.resource_spans for scope in res.scope_spans for span in scope.spans]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve one while the block runs; this process reports nowhere afterwards."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            close_telemetry()
            server.shutdown()
            thread.join()


def to(receiver: Receiver, home: Settings, **more: object) -> Settings:
    dsn = f"http://key@{receiver.host}/1"
    return read_settings(home=home.home, sentry_dsn=dsn, otlp_endpoint=f"http://{receiver.host}/", **more)


def attributes(span) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
