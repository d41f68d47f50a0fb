"""One question to the UI: the proxy is not asked, and whatever goes wrong is one kind of fault."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.supervisor.graphql import graphql


@contextmanager
def server(body: bytes, *, status: int = 200, length: int | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Answer every question with `body`; yield the address and what was asked."""
    asked: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()


@pytest.fixture
def proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_behind_a_proxy_the_ui_of_this_machine_is_asked_directly(proxy):
    with server(json.dumps({"data": {"version": "1"}}).encode()) as (url, asked):
        assert graphql(url, "{ version }", {"one": 1}) == {"version": "1"}
    assert json.loads(asked[0]) == {"query": "{ version }", "variables": {"one": 1}}


@pytest.mark.parametrize("answer", [{"data": None, "errors": [{"message": "Zwelibanzi"}]}, {}, {"data": []}])
def test_an_answer_of_errors_alone_has_no_data(answer):
    with server(json.dumps(answer).encode()) as (url, _):
        assert graphql(url, "{ version }") == {}


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"", {}), (b"<html>Zwelibanzi</html>", {}), (b"[1]", {}), (b"\xff", {}), (b"{}", {"status": 500}),
        (b"{}", {"length": 50}),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_fault_that_says_what_to_look_at(body, more):
    with server(body, **more) as (url, _), pytest.raises(EdgeFailed, match="leadscout doctor") as raised:
        graphql(url, "{ version }")
    assert "Zwelibanzi" not in str(raised.value)


def test_a_ui_that_is_not_there_is_a_fault_that_says_what_to_look_at(proxy):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # without listening
        with pytest.raises(EdgeFailed, match=r"does not answer.*refused.*leadscout doctor"):
            graphql(f"http://127.0.0.1:{nobody.getsockname()[1]}", "{ version }")


def test_a_ui_that_takes_too_long_is_a_fault():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"  # takes the connection and says nothing
        with pytest.raises(EdgeFailed, match="does not answer within"):
            graphql(url, "{ version }", timeout=0.05)
