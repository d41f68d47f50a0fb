"""The exporter: alive at once, ready or not in time, nothing else, and gone when asked to be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from leadscout_assets import health
from leadscout_assets.errors import BadSetting
from leadscout_assets.exporter import make_server
from leadscout_assets.health import CHECK_SECONDS
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.reading import Reader
from leadscout_assets.settings import Settings, read_settings
from tests.test_health import answering, platform_says

FREE = {"exporter_port": 0}
"""Port 0: the system chooses one."""


def few_sources(_: Settings) -> dict[str, object]:
    return {"deliveries": lambda: [Sample("batches", 3)]}


@contextmanager
def serving(settings: Settings, sources=few_sources) -> Iterator[str]:
    with make_server(settings.model_copy(update=FREE), sources=sources) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.asked.reader.stop()


def ask(url: str, method: str = "GET") -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method=method), timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch):
    """A busy machine is no check that hangs."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 60.0)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def hung_database(home, silent, monkeypatch) -> Settings:
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", f"postgresql://scout:s3cret@127.0.0.1:{silent.getsockname()[1]}/leads")
    home.home.mkdir()
    return read_settings()


def test_it_is_alive_whatever_the_database_does(hung_database, silent):
    with serving(hung_database) as url:
        started = time.monotonic()
        assert ask(f"{url}/health") == (200, b'{"alive": true}\n')
        assert time.monotonic() - started < 2
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.accept()  # nobody has asked it


def test_a_database_that_hangs_is_answered_within_five_seconds(hung_database, monkeypatch):
    assert CHECK_SECONDS <= 4
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.3)
    with serving(hung_database) as url:
        started = time.monotonic()
        code, body = ask(f"{url}/ready")
        assert time.monotonic() - started < 5
        assert code == 503
        database = json.loads(body)["checks"]["database"]
        # Given up, and not what the connection itself says after ten seconds.
        assert (database["state"], database["sentence"]) == ("failing", "no answer within 0 s")
        assert b"s3cret" not in body


def test_ready_says_200_where_all_is_well_and_503_with_the_reason_where_not(home):
    home.home.mkdir()
    with answering(platform_says()) as port:
        settings = home.model_copy(update={"port": port})
        with serving(settings) as url:
            code, body = ask(f"{url}/ready?from=a-watcher")
            assert (code, json.loads(body)["ready"]) == (200, True)
    with serving(settings) as url:
        code, body = ask(f"{url}/ready")
        assert (code, json.loads(body)["checks"]["webserver"]["state"]) == (503, "failing")


@pytest.mark.parametrize("path", ["/", "/healthy", "/ready/", "/../etc/passwd", "/metrics/x"])
def test_anything_else_is_not_found(home, path):
    with serving(home) as url:
        assert ask(url + path)[0] == 404


def test_it_answers_head_without_a_body_and_takes_nothing(home):
    with serving(home) as url:
        assert ask(f"{url}/health", "HEAD") == (200, b"")
        assert ask(f"{url}/health", "POST")[0] == 501


def test_the_metrics_hold_the_machine_the_sources_and_the_requests(home):
    home.home.mkdir()
    with serving(home) as url:
        ask(f"{url}/health")
        ask(f"{url}/secret/THANDI-NKOSI?page=2")
        with urllib.request.urlopen(f"{url}/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            lines = response.read().decode().splitlines()
    assert "leadscout_batches 3.0" in lines
    assert 'leadscout_source_up{source="deliveries"} 1.0' in lines
    assert 'leadscout_http_requests_total{method="GET",route="/health",status="200"} 1.0' in lines
    assert 'leadscout_http_requests_total{method="GET",route="unknown",status="404"} 1.0' in lines
    assert 'leadscout_http_request_seconds_count{route="/health"} 1.0' in lines
    assert any(line.startswith('leadscout_memory_bytes{kind="total"}') for line in lines)
    assert "NKOSI" not in "\n".join(lines)


def test_nothing_is_read_before_the_first_scrape_and_a_scrape_waits_for_no_source_that_hangs(home, monkeypatch):
    home.home.mkdir()
    asked: list[Settings] = []
    asking, hang = threading.Event(), threading.Event()

    def sources(settings: Settings) -> dict[str, object]:
        asked.append(settings)
        asking.set()
        return {"deliveries": lambda: [Sample("batches", 3)], "assets": lambda: hang.wait(60) and []}

    monkeypatch.setattr("leadscout_assets.exporter.Reader", partial(Reader, first=0.2))
    with serving(home, sources) as url:
        ask(f"{url}/health")
        assert asked == []
        try:
            # `ask` does not wait as long as the source that hangs.
            assert b"leadscout_cpus" in ask(f"{url}/metrics")[1]
            assert asking.wait(30)
            assert len(asked) == 1
        finally:
            hang.set()


def test_it_tells_nothing_of_itself_but_its_name(home):
    with serving(home) as url, urllib.request.urlopen(f"{url}/health") as response:
        assert response.headers["Server"].strip() == "LeadScout"


def test_a_port_that_is_taken_is_told_with_the_setting(home):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadSetting, match="LEADSCOUT_EXPORTER_PORT"):
        make_server(home.model_copy(update={"exporter_port": taken.getsockname()[1]}))


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_asked_to_stop(home, number):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("leadscout")), "exporter", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        try:
            assert f"http://127.0.0.1:{port}/health" in process.stdout.readline()
            assert ask(f"http://127.0.0.1:{port}/health")[0] == 200
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            process.kill()
