"""The log: every message as one line per piece of news. Always there, and the only channel until another is set up."""

from __future__ import annotations

from leadscout_assets.alerts.engine import RESOLVED
from leadscout_assets.alerts.facts import CRITICAL
from leadscout_assets.alerts.messages import Message
from leadscout_assets.logs import get_logger
from leadscout_assets.settings import Settings


class Log:
    """Writes to the log of this process."""

    def send(self, message: Message) -> None:
        """Write one line per piece of news: CRITICAL, WARNING, or INFO for what is resolved."""
        log = get_logger(__name__)
        for line in message.lines:
            told = {
                "kind": line.kind,
                "rule": line.rule,
                "root": message.root,
                "alert_level": line.level,
                "sentence": line.text,
                "do": line.do,
                "page": line.page,
                "key": message.key,
            }
            if line.kind == RESOLVED:
                log.info("alert.told", **told)
            elif line.level == CRITICAL:
                log.critical("alert.told", **told)
            else:
                log.warning("alert.told", **told)


def log_channel(_: Settings) -> Log:
    """Return the log."""
    return Log()
