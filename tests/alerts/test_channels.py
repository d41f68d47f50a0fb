"""Channels against real servers on the loopback address: willing, slow, refusing and lying ones."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from leadscout_assets.alerts.channels import channels_of
from leadscout_assets.alerts.channels.base import NotDelivered
from leadscout_assets.alerts.channels.email import Email
from leadscout_assets.alerts.channels.http import _pause, post
from leadscout_assets.alerts.channels.log import Log
from leadscout_assets.alerts.channels.slack import Slack
from leadscout_assets.alerts.channels.webhook import SIGNATURE, TIMESTAMP, Webhook
from leadscout_assets.alerts.messages import Line, Message
from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import Settings, read_settings
from tests.alerts.conftest import NOON, answer, message, web_server

SECRET = "a key that nobody guesses"


def settings_with(home: Settings, **given: object) -> Settings:
    return read_settings(home=home.home, **given)


def slack(home: Settings, url: str) -> Slack:
    return Slack(settings_with(home, alert_slack_url=url))


def webhook(home: Settings, url: str) -> Webhook:
    return Webhook(settings_with(home, alert_webhook_url=url, alert_webhook_secret=SECRET))


class TestSlack:
    @pytest.mark.parametrize("body", [b"ok", b" OK\n", b'{"ok": true}', b'{"success": true}', b""])
    def test_a_message_that_was_taken_is_delivered(self, home, body):
        with web_server(answer(200, body)) as (url, received):
            slack(home, url).send(message())
        ((headers, sent),) = received
        text = json.loads(sent)["text"]
        assert "disk_low: 5% of the disk are free" in text
        assert "docs/alerts.md#disk_low" in text
        assert headers["idempotency-key"] == "key"

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (200, b"invalid_payload"),
            (200, b"<html>Please log in</html>"),
            (200, b'{"ok": false}'),
            (200, b"[]"),
            (201, b"created"),
        ],
    )
    def test_a_friendly_status_with_another_answer_is_no_delivery(self, home, status, body):
        with web_server(answer(status, body)) as (url, _), pytest.raises(NotDelivered, match=f"HTTP {status}, but not"):
            slack(home, url).send(message())

    def test_nothing_in_a_message_addresses_anybody(self, home):
        line = Line("disk_low", "fired", "warning", "<!channel> @here <https://x|y>", "x", "y", NOON.isoformat())
        with web_server(answer(200, b"ok")) as (url, received):
            slack(home, url).send(Message("key", "machine", NOON.isoformat(), (line,)))
        text = json.loads(received[0][1])["text"]
        assert "<" not in text
        assert "@here" not in text


class TestWebhook:
    def test_the_receiver_can_tell_who_sent_it_and_when(self, home):
        with web_server(answer(204)) as (url, received):
            webhook(home, url).send(message())
        ((headers, body),) = received
        expected = hmac.new(
            SECRET.encode(), headers[TIMESTAMP.lower()].encode() + b"." + body, hashlib.sha256
        ).hexdigest()
        assert headers[SIGNATURE.lower()] == f"v1={expected}"
        assert abs(int(headers[TIMESTAMP.lower()]) - time.time()) < 60
        assert headers["idempotency-key"] == json.loads(body)["key"] == "key"
        assert Message.from_json(json.loads(body)) == message()

    @pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
    def test_a_refusal_is_no_delivery_and_names_only_its_status(self, home, status):
        with web_server(answer(status, b"secret-answer")) as (url, _), pytest.raises(NotDelivered) as caught:
            webhook(home, url).send(message())
        assert f"HTTP {status}" in str(caught.value)
        assert "secret-answer" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)

    @pytest.mark.parametrize(
        ("given", "understood"),
        [("120", 120.0), ("99999999", 3_600.0), ("9" * 400, 3_600.0), ("tomorrow", None), ("-5", None)],
    )
    def test_a_wish_to_be_left_alone_is_heard_within_reason(self, home, given, understood):
        with web_server(answer(429, Retry_After=given)) as (url, _), pytest.raises(NotDelivered) as caught:
            webhook(home, url).send(message())
        assert caught.value.again_after == understood

    @pytest.mark.parametrize(("hours", "least", "most"), [(0.5, 1_790, 1_801), (48, 3_600, 3_600), (-1, 0, 0)])
    def test_a_wish_may_be_a_moment(self, home, hours, least, most):
        moment = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
        with web_server(answer(503, Retry_After=moment)) as (url, _), pytest.raises(NotDelivered) as caught:
            webhook(home, url).send(message())
        assert least <= caught.value.again_after <= most

    def test_a_moment_is_told_by_the_clock_of_who_tells_it(self):
        ahead = {"Retry-After": "Fri, 01 Jan 2100 00:02:00 GMT", "Date": "Fri, 01 Jan 2100 00:00:00 GMT"}
        assert _pause(ahead) == 120

    def test_a_redirect_is_not_followed(self, home):
        with (
            web_server(answer(204)) as (elsewhere, received),
            web_server(answer(302, Location=elsewhere)) as (url, _),
            pytest.raises(NotDelivered, match="HTTP 302"),
        ):
            webhook(home, url).send(message())
        assert received == []

    def test_an_answer_that_breaks_off_is_no_delivery(self, home):
        with (
            web_server(answer(200, b"half", Content_Length="4000")) as (url, _),
            pytest.raises(NotDelivered, match="broke off"),
        ):
            webhook(home, url).send(message())

    def test_an_answer_without_end_is_no_delivery(self, home):
        with (
            web_server(answer(200, b"x" * 100_000)) as (url, _),
            pytest.raises(NotDelivered, match="without end"),
        ):
            webhook(home, url).send(message())

    def test_nobody_there_is_no_delivery(self, home):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(NotDelivered, match="cannot be reached"):
            webhook(home, f"http://127.0.0.1:{port}/hook").send(message())

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "hook", "https://", "http://[", "ftp://example.org/"])
    def test_only_http_is_an_address(self, home, url):
        with pytest.raises(BadSetting, match="LEADSCOUT_ALERT_WEBHOOK_URL"):
            webhook(home, url).send(message())


@pytest.mark.parametrize("kind", ["silent", "dripping headers", "dripping body"])
def test_a_slow_server_costs_no_more_than_the_time_limit(kind):
    ended = threading.Event()

    def behave(request, _body):
        wire = request.wfile
        if kind == "dripping body":
            request.send_response(200)
            request.send_header("Content-Length", "5000")
            request.end_headers()
        while not ended.wait(0.05):
            if kind != "silent":
                wire.write(b"x")
                wire.flush()

    with web_server(behave) as (url, _):
        started = time.monotonic()
        try:
            with pytest.raises(NotDelivered, match=r"within|broke off"):
                post(url, b"{}", {}, seconds=0.5)
        finally:
            ended.set()
        assert time.monotonic() - started < 5


def test_the_log_says_what_how_bad_and_what_to_do(caplog):
    caplog.set_level("INFO", "leadscout_assets")
    Log().send(message(level="critical"))
    Log().send(message(kind="resolved"))
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "INFO"]
    assert "make room" in caplog.text
    assert "resolved: 5% of the disk are free" in caplog.text


class TestSettingUp:
    def test_the_log_alone_is_there_unless_more_is_set(self, home):
        assert list(channels_of(home)) == ["log"]

    def test_each_channel_is_there_when_the_settings_say_where_to(self, home):
        found = settings_with(
            home, alert_slack_url="https://a", alert_webhook_url="https://b", alert_webhook_secret=SECRET,
            alert_smtp_host="mail", alert_email_from="scout@example.org", alert_email_to="a@example.org, b@example.org",
        )  # fmt: skip
        assert list(channels_of(found)) == ["log", "slack", "webhook", "email"]

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"alert_webhook_url": "https://b"}, "ALERT_WEBHOOK_SECRET"),
            ({"alert_smtp_host": "mail", "alert_email_to": "a@example.org"}, "ALERT_EMAIL_FROM"),
            ({"alert_smtp_host": "mail", "alert_email_from": "a@example.org"}, "ALERT_EMAIL_TO"),
            (
                {"alert_smtp_host": "m", "alert_email_from": "a@example.org", "alert_email_to": "b@c\nBcc: x@y"},
                "ALERT_EMAIL_TO",
            ),
            (
                {
                    "alert_smtp_host": "m", "alert_email_from": "a@example.org", "alert_email_to": "b@example.org",
                    "alert_smtp_user": "u", "alert_smtp_security": "none",
                },
                "ALERT_SMTP_SECURITY",
            ),
        ],
    )  # fmt: skip
    def test_what_is_set_up_by_half_is_refused_and_named(self, home, given, named):
        with pytest.raises(BadSetting, match=f"LEADSCOUT_{named}"):
            channels_of(settings_with(home, **given))

    def test_secrets_come_from_files_and_change_without_a_restart(self, home, tmp_path):
        folder = tmp_path / "secrets"
        folder.mkdir()
        with web_server(answer(200, b"ok")) as (url, received):
            (folder / "slack_url").write_text(f"{url}\n")
            channel = channels_of(settings_with(home, alert_secrets_dir=folder))["slack"]
            channel.send(message())
            (folder / "slack_url").write_text("")
            with pytest.raises(BadSetting, match="slack_url is empty"):
                channel.send(message())
        assert len(received) == 1


@contextmanager
def mail_server(*, refuse: str = "", silent: bool = False) -> Iterator[tuple[int, list[str]]]:
    """A real SMTP server that takes one connection after the other; `refuse`: the command it answers with 550."""
    mails: list[str] = []
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as wire:
            connection.settimeout(30)

            def say(line: str) -> None:
                wire.write(f"{line}\r\n".encode())
                wire.flush()

            say("220 stub")
            while line := wire.readline().decode():
                command = line.split()[0].upper().removesuffix(":") if line.split() else ""
                if silent and command == "DATA":
                    ended.wait(30)
                    return
                if refuse and line.upper().startswith(refuse.upper()):
                    say("550 no")
                elif command == "DATA":
                    say("354 go on")
                    body = iter(lambda: wire.readline().decode(), ".\r\n")
                    mails.append("".join(body))
                    say("250 taken")
                elif command == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 fine")

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            try:
                talk(connection)
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], mails
    finally:
        ended.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize("kind", ["fired", "resolved", "forgotten"])
def test_every_kind_of_message_has_a_sign_in_slack_and_a_line_in_the_log(home, kind, caplog):
    with web_server(answer(200, b"ok")) as (url, received):
        slack(home, url).send(message(kind=kind))
    assert json.loads(received[0][1])["text"].startswith(":")
    with caplog.at_level("INFO"):
        Log().send(message(kind=kind))
    assert [one.levelname for one in caplog.records] == ["INFO" if kind == "resolved" else "WARNING"]


class TestEmail:
    def channel(self, home: Settings, port: int, seconds: float = 5.0, **given: object) -> Email:
        settings = settings_with(
            home, **{
                "alert_smtp_host": "127.0.0.1", "alert_smtp_port": port, "alert_smtp_security": "none",
                "alert_email_from": "scout@example.org", "alert_email_to": "one@example.org, two@example.org", **given,
            },
        )  # fmt: skip
        return Email(settings, seconds)

    def test_a_message_is_one_mail_to_all(self, home):
        with mail_server() as (port, mails):
            self.channel(home, port).send(message())
        (mail,) = mails
        assert "Subject: LeadScout warning: disk_low (machine)" in mail
        assert "To: one@example.org, two@example.org" in mail
        assert "Message-ID: <key@leadscout.invalid>" in mail
        assert "do: make room" in mail

    def test_a_refusal_of_one_address_is_noted_and_the_message_delivered_to_the_others(self, home, caplog):
        with mail_server(refuse="RCPT TO:<two@") as (port, mails):
            self.channel(home, port).send(message())
        assert len(mails) == 1
        (line,) = [one for one in caplog.messages if "alert.recipient_refused" in one]
        assert "550" in line
        assert "example.org" not in caplog.text

    @pytest.mark.parametrize("refuse", ["MAIL", "RCPT", "DATA"])
    def test_a_refusal_of_all_is_no_delivery(self, home, refuse):
        with mail_server(refuse=refuse) as (port, _), pytest.raises(NotDelivered) as caught:
            self.channel(home, port).send(message())
        assert "example.org" not in str(caught.value)

    def test_a_server_without_encryption_gets_nothing_when_encryption_is_set(self, home):
        with mail_server() as (port, mails), pytest.raises(NotDelivered):
            self.channel(home, port, alert_smtp_security="starttls").send(message())
        assert mails == []

    def test_a_server_that_falls_silent_costs_no_more_than_the_time_limit(self, home):
        with mail_server(silent=True) as (port, _), pytest.raises(NotDelivered, match="within"):
            self.channel(home, port, seconds=0.5).send(message())

    def test_nobody_there_is_no_delivery(self, home):
        with pytest.raises(NotDelivered):
            self.channel(home, 1).send(message())
