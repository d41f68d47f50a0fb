"""Logging: one set-up, lines without personal values, the events they tell of, the files they go to, and how to read those.

What to log is each caller's business; which events there are stands in `events`.
"""

from leadscout_assets.logs.masking import HARMLESS_KEYS, LARGEST_COUNT, PERSONAL_WORDS, REMOVED, is_personal, mask
from leadscout_assets.logs.operations import BOUND, bound, failed_outside, operation
from leadscout_assets.logs.privacy import LeadIds, clean, describe, keep_private, private_errors
from leadscout_assets.logs.setup import ROOT, get_logger, setup_logging
from leadscout_assets.logs.showing import shown_in

__all__ = [
    "BOUND",
    "HARMLESS_KEYS",
    "LARGEST_COUNT",
    "PERSONAL_WORDS",
    "REMOVED",
    "ROOT",
    "LeadIds",
    "bound",
    "clean",
    "describe",
    "failed_outside",
    "get_logger",
    "is_personal",
    "keep_private",
    "mask",
    "operation",
    "private_errors",
    "setup_logging",
    "shown_in",
]
