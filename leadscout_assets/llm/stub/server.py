"""The stand-in as an HTTP server on this machine: chat and batches of both vendors, faults, and a bill of its own."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from leadscout_assets.llm.stub.batches import Batches
from leadscout_assets.llm.stub.faults import TURNED_DOWN, Faults
from leadscout_assets.llm.stub.model import reply
from leadscout_assets.llm.stub.protocols import anthropic_data, anthropic_response, openai_data, openai_response

HANGS_SECONDS = 60.0
"""How long a request that is never answered is kept open."""


class Bill:
    """What the stand-in charges: one entry per answer that it made, whether or not it arrived."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: list[dict[str, Any]] = []
        self.requests = 0

    def seen(self) -> int:
        """Count one request and return its number."""
        with self._lock:
            self.requests += 1
            return self.requests

    def charge(self, vendor: str, model: str, tokens_in: int, tokens_out: int, *, batch: bool = False) -> None:
        """Charge one answer."""
        with self._lock:
            entry = {"vendor": vendor, "model": model, "tokens_in": tokens_in, "tokens_out": tokens_out, "batch": batch}
            self.entries.append(entry)

    def usage(self) -> dict[str, Any]:
        """Return the usage report: totals, as the vendors give them."""
        with self._lock:
            sums = {key: sum(entry[key] for entry in self.entries) for key in ("tokens_in", "tokens_out")}
            batch = {
                f"batch_{key}": sum(e[key] for e in self.entries if e["batch"]) for key in ("tokens_in", "tokens_out")
            }
            return {"requests": self.requests, "answers": len(self.entries), **sums, **batch}


class StubServer:
    """The server, in a thread of its own: `with StubServer() as stub: ... stub.url`. Latency in seconds."""

    def __init__(self, *, port: int = 0, latency: float = 0.0, faults: Faults | None = None, seed: int = 0) -> None:
        self.latency, self.faults, self.seed = latency, faults or Faults(), seed
        self.bill, self.received, self.stopping = Bill(), list[dict[str, Any]](), threading.Event()
        # Whichever faults it has by then.
        self.batches = Batches(self.bill, seed, lambda step: self.faults.next(step))
        stub = self

        class Bound(_Handler):
            server_of: ClassVar[StubServer] = stub

        self._http = _Quiet(("127.0.0.1", port), Bound)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Its address, to which the vendors' paths are added."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """The base address for OpenAI's SDK."""
        return f"{self.url}/v1"

    def start(self) -> StubServer:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, and let go of requests that hang."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> StubServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are gone in the middle of a request: they were killed, which is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: ClassVar[StubServer]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests hold names."""

    def do_GET(self) -> None:
        """Answer with the usage report, or a batch."""
        parts = urlsplit(self.path)
        if parts.path == "/stub/usage":
            self._json(200, self.server_of.bill.usage())
            return
        self._batch("GET", parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}, b"")

    def do_DELETE(self) -> None:
        """Delete a file or a batch."""
        self._batch("DELETE", urlsplit(self.path).path, {}, b"")

    def do_POST(self) -> None:
        """Answer a chat request, or take a batch."""
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        if path.endswith("/chat/completions"):
            self._chat(json.loads(sent), "openai")
        elif path.endswith("/messages"):
            self._chat(json.loads(sent), "anthropic")
        else:
            self._batch("POST", path, {}, sent)

    def _chat(self, body: dict[str, Any], vendor: str) -> None:
        stub = self.server_of
        number, fault = stub.bill.seen(), stub.faults.next()
        stub.received.append(body)
        if fault in TURNED_DOWN:
            self._turn_down(fault)
            return
        if stub.latency:
            stub.stopping.wait(stub.latency)
        data = openai_data(body) if vendor == "openai" else anthropic_data(body)
        respond = openai_response if vendor == "openai" else anthropic_response
        response = respond(number, body, reply(data, fault, stub.seed), fault)
        usage = response["usage"]
        counts = (
            usage.get("prompt_tokens", usage.get("input_tokens")),
            usage.get("completion_tokens", usage.get("output_tokens")),
        )
        stub.bill.charge(vendor, body["model"], *counts)
        self._send(fault, json.dumps(response).encode())

    def _send(self, fault: str, body: bytes) -> None:
        """Send what was done, as far as the fault lets it arrive."""
        if fault == "timeout":
            self.server_of.stopping.wait(HANGS_SECONDS)
            self._cut_off()
        elif fault == "gateway":
            self._json(504, {"error": {"message": "upstream timed out", "type": "timeout"}})
        elif fault == "late_error":
            self._json(500, {"error": {"message": "something went wrong", "type": "server_error"}})
        elif fault == "reset":
            self._head(200, len(body))
            self.wfile.write(body[: len(body) // 2])
            self._cut_off()
        elif fault == "slow":
            self._drip(body)
        elif fault == "not_json":
            self._bytes(200, b"<html>welcome to the hotel's network</html>", "text/html")
        else:
            self._bytes(200, body)

    def _turn_down(self, fault: str) -> None:
        if fault == "dropped":
            self._cut_off()
        elif fault == "rate_limited":
            headers = {
                "retry-after": "0.2",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "200ms",
            }
            self._json(429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, headers)
        else:
            status = 529 if fault == "overloaded" else 500
            self._json(status, {"type": "error", "error": {"type": "overloaded_error", "message": "try again"}})

    def _batch(self, method: str, path: str, query: dict[str, str], sent: bytes) -> None:
        batches = self.server_of.batches
        step = batches.step_of(method, path)
        fault = self.server_of.faults.next(step) if step else "ok"
        if fault in TURNED_DOWN:
            self._turn_down(fault)
            return
        status, body = batches.handle(method, path, query, sent, dict(self.headers.items()), fault)
        if status == 200:
            self._send(fault, body)
        else:
            self._bytes(status, body)

    def _drip(self, body: bytes) -> None:
        self._head(200, len(body))
        with suppress(OSError):
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                if self.server_of.stopping.wait(0.05):
                    return

    def _cut_off(self) -> None:
        """Reset the connection: the client gets neither the rest nor an end."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.01)
            self.connection.close()

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(value).encode(), headers=headers)

    def _bytes(
        self, status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        with suppress(OSError):  # a client that does not wait is the client's affair
            self._head(status, len(body), kind, headers)
            self.wfile.write(body)

    def _head(
        self, status: int, length: int, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
