"""Reasons that are kept for good: who types one is told if it names a person, since an erasure could not take it out again."""

from __future__ import annotations

import re
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.logs.masking import mask

_WORD = re.compile(r"[^\W\d_]{3,}")


def kept_reason(home: Home, reason: str) -> str:
    """Return a reason as it is kept in the audit trail.

    Raises `BadInput`, without quoting it, where it holds a number or an address, or two words of one director's name.
    """
    if mask(reason) != reason:
        raise BadInput("--reason holds what looks like a number or an address; it is kept for good: write it without")
    words = sorted(set(_WORD.findall(reason.lower())))
    if len(words) > 1 and _names_a_director(home, words):
        raise BadInput(
            "--reason names a director of a delivered list; it is kept for good, even if they are erased: write it without"
        )
    return reason


def _names_a_director(home: Home, words: list[str]) -> bool:
    try:
        batches = [record.batch_id for record in home.records.all()]
        names = home.tables.read(RAW_LEADS, batches, ["director_name"], ordered=False)["director_name"]
    except EdgeFailed:
        return False  # tables that are away are what an operator wants to silence an alert for
    names = pc.utf8_lower(pc.drop_null(pc.unique(names)))
    held = [pc.match_substring_regex(names, rf"\b{word}\b") for word in words]
    count = reduce(pc.add, [pc.cast(one, pa.int8()) for one in held])
    return bool((pc.max(count).as_py() or 0) > 1)
