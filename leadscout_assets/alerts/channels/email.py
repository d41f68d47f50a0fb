"""E-mail through a mail server: one plain text message, to all addresses at once."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from leadscout_assets.alerts.channels.base import ATTEMPT_SECONDS, NotDelivered, secret
from leadscout_assets.alerts.messages import Message
from leadscout_assets.errors import BadSetting
from leadscout_assets.logs import get_logger
from leadscout_assets.settings import Settings

log = get_logger(__name__)


class Email:
    """Sends through the mail server of the settings."""

    def __init__(self, settings: Settings, seconds: float = ATTEMPT_SECONDS) -> None:
        """`seconds`: longest that an attempt may take."""
        self._settings, self._seconds = settings, seconds

    def send(self, message: Message) -> None:
        """Send the message; it is delivered where one address at least was taken: sent again, it would reach that one twice."""
        addresses = recipients(self._settings)
        late = threading.Event()
        open_now: list[socket.socket] = []

        def end() -> None:
            late.set()
            for one in open_now:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

        watch = threading.Timer(self._seconds, end)
        watch.daemon = True
        watch.start()
        try:
            with self._connected(open_now) as server:
                refused = server.send_message(self._mail(message), to_addrs=addresses)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise NotDelivered(f"the mail server did not answer within {self._seconds:.0f} s") from None
            raise NotDelivered(f"the mail server did not take the message ({_kind(error)})") from None
        finally:
            watch.cancel()
        for number, address in enumerate(addresses, start=1):
            if address in refused:
                # By its place in the setting: the address itself is somebody's.
                log.warning(
                    "alert.recipient_refused", recipient=number, recipients=len(addresses), code=refused[address][0]
                )

    def _connected(self, open_now: list[socket.socket]) -> smtplib.SMTP:
        settings = self._settings
        host, port = settings.alert_smtp_host or "", settings.alert_smtp_port
        kind = _Encrypted if settings.alert_smtp_security == "tls" else _Plain
        server = kind(open_now, host, port, self._seconds)
        try:
            if settings.alert_smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
                if server.sock is not None:
                    open_now.append(server.sock)
            if settings.alert_smtp_user:
                server.login(settings.alert_smtp_user, secret(settings, "smtp_password") or "")
        except BaseException:  # whatever ends it, also an interruption: the connection must not stay open
            server.close()
            raise
        return server

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = self._settings.alert_email_from
        mail["To"] = ", ".join(recipients(self._settings))
        mail["Date"] = format_datetime(datetime.fromisoformat(message.at))
        # Mail programs show a second one with the same id once.
        mail["Message-ID"] = f"<{message.key}@leadscout.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def recipients(settings: Settings) -> list[str]:
    """Return the addresses that alerts are sent to."""
    return [one.strip() for one in (settings.alert_email_to or "").split(",") if one.strip()]


def email_channel(settings: Settings) -> Email | None:
    """Return the channel where a mail server is set. Raises `BadSetting` where sender or addresses are missing or unfit."""
    if not settings.alert_smtp_host:
        return None
    for setting, addresses in (
        ("LEADSCOUT_ALERT_EMAIL_FROM", [settings.alert_email_from or ""]),
        ("LEADSCOUT_ALERT_EMAIL_TO", recipients(settings) or [""]),
    ):
        if any("@" not in one or any(c.isspace() or not c.isprintable() for c in one) for one in addresses):
            raise BadSetting(f"{setting}: write the address, as name@example.org")
    if settings.alert_smtp_user and settings.alert_smtp_security == "none":
        raise BadSetting("LEADSCOUT_ALERT_SMTP_SECURITY: a password is not sent unencrypted; choose starttls or tls")
    return Email(settings)


class _Plain(smtplib.SMTP):
    def __init__(self, open_now: list[socket.socket], host: str, port: int, seconds: float) -> None:
        self._open_now = open_now
        super().__init__(host, port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in the stubs
        self._open_now.append(made)
        return made


class _Encrypted(smtplib.SMTP_SSL):
    def __init__(self, open_now: list[socket.socket], host: str, port: int, seconds: float) -> None:
        self._open_now = open_now
        super().__init__(host, port, timeout=seconds, context=ssl.create_default_context())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in the stubs
        self._open_now.append(made)
        return made


def _kind(error: BaseException) -> str:
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__}{f' {code}' if code else ''}"
