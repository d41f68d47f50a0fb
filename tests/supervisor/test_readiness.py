import http.server
import json
import socket
import threading

import pytest

from leadscout_assets.errors import BadSetting
from leadscout_assets.supervisor.readiness import awaited, awaited_in, check_port_is_free, url_of


def answer(location="RepositoryLocation", beats=(("SENSOR", True, 20.0), ("ASSET", False, None))):
    entry = {"name": "leadscout", "loadStatus": "LOADED", "locationOrLoadError": location and {"__typename": location}}
    daemons = [{"daemonType": kind, "required": required, "lastHeartbeatTime": at} for kind, required, at in beats]
    return {
        "workspaceOrError": {"locationEntries": [entry]},
        "instance": {"daemonHealth": {"allDaemonStatuses": daemons}},
    }


def test_loaded_definitions_and_beating_daemons_are_ready():
    assert awaited_in(answer(), since=10.0) is None


@pytest.mark.parametrize("location", [None, "PythonError"])
def test_definitions_that_are_not_loaded_are_awaited(location):
    assert awaited_in(answer(location), since=10.0) == "the definitions"


def test_a_workspace_that_cannot_be_read_is_awaited():
    assert awaited_in({**answer(), "workspaceOrError": {}}, since=10.0) == "the definitions"


def test_a_heartbeat_of_an_earlier_daemon_does_not_count():
    assert awaited_in(answer(), since=30.0) == "a heartbeat of the daemon (SENSOR)"


def test_no_daemon_at_all_is_not_ready():
    assert awaited_in(answer(beats=()), since=0.0) is not None


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", json.dumps({"data": answer()}).encode()])
def test_whatever_a_server_answers_is_judged_and_never_raises(body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        expected = None if b"data" in body else "the UI's answer"
        assert awaited(url_of("127.0.0.1", server.server_port), since=10.0, timeout=60.0) == expected
        server.shutdown()


def test_a_ui_that_does_not_listen_yet_is_awaited():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert awaited(url_of("127.0.0.1", unused.getsockname()[1]), since=0.0) == "the UI's answer"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("leads.example", "http://leads.example:3000"),
    ],
)
def test_the_address_of_the_ui_is_one_that_can_be_opened(host, url):
    assert url_of(host, 3000) == url


def test_a_port_that_is_taken_is_refused_with_the_setting_to_change():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting, match="LEADSCOUT_PORT"):
            check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)


def test_a_host_that_is_not_this_machine_is_refused():
    with pytest.raises(BadSetting, match="LEADSCOUT_HOST"):
        check_port_is_free("192.0.2.1", 3000)
