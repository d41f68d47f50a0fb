"""Whoever sees a refusal, a red check, a reason or a warning finds in the documents what to do; and they claim no more than is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "leadscout_assets"
# Refusals stand in calls, and in the reader's tables of (magic, code, sentence).
IN_CALLS = re.compile(r'(?:UnreadableFile\(|Refusal\(\s*[a-z_.]+,\s*[a-z_"]+,)\s*"([a-z_]+)"')
IN_TABLES = re.compile(r'^    \(b?"[^"]+", "([a-z_]+)", f?"', re.MULTILINE)


def section(document: str, heading: str) -> str:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)


def test_runbook_explains_every_refusal_and_no_other():
    codes = {code for path in PACKAGE.rglob("*.py") for code in IN_CALLS.findall(path.read_text(encoding="utf-8"))}
    codes |= set(IN_TABLES.findall((PACKAGE / "leads" / "reading.py").read_text(encoding="utf-8")))
    assert set(first_cells(section("runbook.md", "A batch is refused"))) == codes


def test_runbook_explains_every_check_and_no_other():
    from leadscout_assets.definitions import definitions

    keys = definitions().get_repository_def().asset_graph.asset_check_keys
    assert set(first_cells(section("runbook.md", "Checks"))) == {key.name for key in keys}


def test_user_guide_explains_every_reason_and_warning_in_the_words_of_its_rule():
    from leadscout_assets.leads.validation import RULES

    rows = re.findall(
        r"^\| `([a-z_]+)` \| (\w+) \| (.+) \|$", section("user-guide.md", "Reasons and warnings"), re.MULTILINE
    )
    severities = {"reject": "rejected", "warn": "warning"}
    assert rows == [(str(rule.code), severities[rule.severity], rule.sentence) for rule in RULES]


def test_user_guide_names_every_feature_of_the_score_with_its_points():
    from leadscout_assets.scoring import FEATURES

    rows = re.findall(r"^\| (\w+) \| (\d+) \| (.+) \|$", section("user-guide.md", "The score"), re.MULTILINE)
    assert rows == [(feature.name, str(feature.weight), feature.sentence) for feature in FEATURES]


def test_production_readiness_answers_every_line_and_names_only_what_exists():
    text = (ROOT / "docs" / "production-readiness.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (done|partly|not yet) \| ?([^|]*)\|$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 100))
    assert [number for number, answer, shown in rows if answer != "not yet" and not shown.strip()] == []
    files = re.findall(r"`((?:tests|docs|leadscout_assets|\.github)/[\w./-]+)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_compliance_explains_every_kind_of_audit_event_and_every_refusal_of_a_purpose_and_no_other():
    from leadscout_assets.database.audit_kinds import KINDS
    from leadscout_assets.governance.gate import Refused
    from leadscout_assets.governance.purposes import REFUSED_USES, Purpose

    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", section("compliance.md", "The audit trail"), re.MULTILINE)
    assert rows == list(KINDS.items())
    told = section("compliance.md", "Purpose and ground")
    assert set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^(\| `[^|]+) \|", told, re.MULTILINE)))) >= {*Refused}
    assert {*Purpose.model_fields} - {"id"} <= set(first_cells(told))
    assert first_cells(section("compliance.md", "Uses that are refused")) == list(REFUSED_USES)
