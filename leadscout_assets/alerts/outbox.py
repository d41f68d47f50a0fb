"""Delivers what lies in an outbox: at least once, tried again with growing pauses, and never in the way of anybody.

Each channel has a thread of its own, so that a slow one holds up no other, and whoever delivers waits only so long.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Protocol

from leadscout_assets.alerts.channels.base import Channel, NotDelivered
from leadscout_assets.alerts.store import Queued
from leadscout_assets.errors import LeadScoutError
from leadscout_assets.logs import get_logger

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 320, 640, 1_280, 1_800))
"""Before the second attempt, the third, and so on; the last is that before every further one. Up to a quarter is added at
random, so that many senders do not come back at the same moment."""

GIVE_UP_AFTER = timedelta(hours=24)
"""By then a reminder says the same again, and the alert on lag has long told over the other channels."""

WAIT_SECONDS = 15.0
"""Longest that whoever delivers waits for the channels; what is not done by then goes on by itself."""

AT_ONCE = 20
"""Messages of a channel taken at a time; as many attempts as fit into the time that they are claimed for is what counts."""

log = get_logger(__name__)

_busy: dict[str, threading.Thread] = {}
"""By channel, the thread of this process that is sending."""

_guard = threading.Lock()


class Outbox(Protocol):
    """What `DatabaseStore` and `FileStore` offer."""

    def claim(self, now: datetime, channels: Sequence[str], limit: int = ...) -> list[Queued]:
        """Take what is due."""

    def settle(self, number: int, *, sent_at: datetime | None, again_at: datetime | None, error: str | None) -> None:
        """Note how an attempt ended."""


def deliver(
    outboxes: Sequence[Outbox],
    channels: Mapping[str, Channel],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    wait: float = WAIT_SECONDS,
) -> bool:
    """Send what is due on every channel; return whether all channels came to an end within `wait` seconds."""
    started: list[threading.Thread] = []
    with _guard:
        for name, channel in channels.items():
            thread = _busy.get(name)
            if thread is None or not thread.is_alive():
                # Daemons: a channel that hangs must not keep the process from ending. The outbox knows what is not sent.
                # In the caller's context: its ids stand on every line, of the message told above all.
                thread = threading.Thread(
                    target=copy_context().run,
                    args=(_send_due, outboxes, name, channel, clock),
                    name=f"alerts-{name}",
                    daemon=True,
                )
                _busy[name] = thread
                thread.start()
            started.append(thread)
    deadline = time.monotonic() + wait
    for thread in started:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in started)


def _send_due(outboxes: Sequence[Outbox], name: str, channel: Channel, clock: Callable[[], datetime]) -> None:
    for outbox in outboxes:
        try:
            # One at a time: what is claimed and not yet tried would wait for the claim's end if this process were killed.
            for _ in range(AT_ONCE):
                claimed = outbox.claim(clock(), [name], 1)
                if not claimed or not attempt(outbox, claimed[0], channel, clock):
                    break
        except LeadScoutError as error:
            log.error("alert.outbox_failed", channel=name, reason=str(error))


def attempt(outbox: Outbox, queued: Queued, channel: Channel, clock: Callable[[], datetime]) -> bool:
    """Send one message and note how it went; say whether it was delivered. Never raises what the channel raises."""
    try:
        channel.send(queued.message)
    except LeadScoutError as error:
        reason, pause = str(error), error.again_after if isinstance(error, NotDelivered) else None
    except Exception as error:  # noqa: BLE001  whatever a channel does, the message stays in the outbox
        reason, pause = f"a defect of the channel ({type(error).__name__})", None
    else:
        outbox.settle(queued.number, sent_at=clock(), again_at=None, error=None)
        return True
    now = clock()
    again = now + max(pause_after(queued.attempts), timedelta(seconds=pause or 0.0))
    given_up = again > queued.created_at + GIVE_UP_AFTER
    outbox.settle(queued.number, sent_at=None, again_at=None if given_up else again, error=reason)
    about = {"channel": queued.channel, "attempts": queued.attempts + 1, "given_up": given_up, "reason": reason}
    if given_up:
        log.error("alert.not_delivered", **about)
    else:
        log.warning("alert.not_delivered", **about)
    return False


def pause_after(attempts: int) -> timedelta:
    """Return the pause after so many failed attempts before this one."""
    pause = PAUSES[min(attempts, len(PAUSES) - 1)]
    return pause * (1 + secrets.randbelow(250) / 1_000)
