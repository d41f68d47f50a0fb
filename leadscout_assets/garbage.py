"""When a process looks for garbage that reference counts do not find. For the entries of processes; imports nothing of LeadScout."""

import gc
import threading

AFTER_SECONDS = 20.0
"""A start takes a few seconds, on a busy machine more. What becomes garbage meanwhile is little."""


def look_later() -> None:
    """Look for none at first: a start makes a million objects that stay, and going through them again and again is a tenth of it.

    Later as often as Python does by default, among what has been made since: what a start leaves would be gone through in vain,
    a fifth of a second each time, and looking seldom is not enough for processes that last.
    """
    gc.disable()
    timer = threading.Timer(AFTER_SECONDS, _look)
    timer.daemon = True
    timer.start()


def _look() -> None:
    gc.freeze()
    gc.enable()
