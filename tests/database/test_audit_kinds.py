"""Every kind of audit event is written somewhere, and nothing is written that is no kind."""

from __future__ import annotations

import re
from pathlib import Path

from leadscout_assets.database.audit_kinds import KINDS

PACKAGE = Path(__file__).parent.parent.parent / "leadscout_assets"
CALL = re.compile(r"record_event\((?:[^()]|\([^()]*\))*?action=([^,)]+)")


def written() -> set[str]:
    calls = (call for path in PACKAGE.rglob("*.py") for call in CALL.findall(path.read_text(encoding="utf-8")))
    return {call.strip().strip('"') for call in calls if call.strip().startswith('"')}


def test_every_kind_is_written_by_the_package_and_nothing_else_is():
    assert written() == set(KINDS)


def test_no_action_is_put_together_where_nobody_can_find_it():
    text = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert [call for call in CALL.findall(text) if not re.fullmatch(r'\s*"[a-z_.]+"\s*|\s*str \| None.*', call)] == []
