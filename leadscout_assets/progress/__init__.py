"""Progress of long operations: counted in the process that works, written to files, judged by whoever reads them.

docs/progress.md explains the files, docs/progress.schema.json is their schema.
"""

from leadscout_assets.progress.reading import Seen, read_all
from leadscout_assets.progress.tracking import (
    LONG_SECONDS,
    Progress,
    amend,
    announce,
    cancel_all,
    current,
    has_begun,
    stop_all,
    tracked,
    withdraw,
)

__all__ = [
    "LONG_SECONDS",
    "Progress",
    "Seen",
    "amend",
    "announce",
    "cancel_all",
    "current",
    "has_begun",
    "read_all",
    "stop_all",
    "tracked",
    "withdraw",
]
