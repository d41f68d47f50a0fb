from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.leads.companies import company_types, parse_companies


def _parse(name: str | None) -> dict[str, Any]:
    row: dict[str, Any] = parse_companies(pa.array([name], pa.string())).to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("delivered", "name", "company_type"),
    [
        ("KUDU TRADING (PTY) LTD", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING (PTY)LTD", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING PTY LTD", "KUDU TRADING", "(Pty) Ltd"),
        ("Kudu Trading ( Pty ) Ltd.", "Kudu Trading", "(Pty) Ltd"),
        ("KUDU TRADING PTY(LTD)", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING (PTY) LIMITED", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING PROPRIETARY LIMITED", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING (PROPRIETARY) LIMITED", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING, (PTY) LTD", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU TRADING (EDMS) BPK", "KUDU TRADING", "(Edms) Bpk"),
        ("KUDU TRADING EDMS BEPERK", "KUDU TRADING", "(Edms) Bpk"),
        ("KUDU TRADING CC", "KUDU TRADING", "CC"),
        ("KUDU TRADING C.C.", "KUDU TRADING", "CC"),
        ("KUDU BOERDERY BK", "KUDU BOERDERY", "BK"),
        ("KUDU LTD", "KUDU", "Ltd"),
        ("KUDU LIMITED", "KUDU", "Ltd"),
        ("KUDU BPK", "KUDU", "Bpk"),
        ("KUDU NPC", "KUDU", "NPC"),
        ("KUDU MSW", "KUDU", "MSW"),
        ("KUDU SOC LTD", "KUDU", "SOC Ltd"),
        ("KUDU INC", "KUDU", "Inc"),
        ("KUDU INCORPORATED", "KUDU", "Inc"),
        ("KUDU ING", "KUDU", "Ing"),
        ("KUDU (RF) (PTY) LTD", "KUDU", "(RF) (Pty) Ltd"),
        ("KUDU (RF) LTD", "KUDU", "(RF) Ltd"),
        ("KUDU FAMILY TRUST", "KUDU FAMILY", "Trust"),
        ("KUDU CO-OPERATIVE LIMITED", "KUDU", "Co-operative Ltd"),
        ("KUDU KO\u00d6PERASIE BPK", "KUDU", "Ko\u00f6perasie Bpk"),
        ("KUDU KOOPERASIE BEPERK", "KUDU", "Ko\u00f6perasie Bpk"),
        ("KUDU KO-\u00d6PERASIE", "KUDU", "Ko\u00f6perasie"),
        ("KUDU KO-\u00d6PERASIE BPK", "KUDU", "Ko\u00f6perasie Bpk"),
        ("KUDU KOO\u0308PERASIE BPK", "KUDU", "Ko\u00f6perasie Bpk"),
        ("Kudu Ko-\u00f6p", "Kudu", "Ko\u00f6perasie"),
        ("KUDU {PTY} LTD", "KUDU", "(Pty) Ltd"),
        ("KUDU TRADING {PTY} {LTD}", "KUDU TRADING", "(Pty) Ltd"),
        ("KUDU RF", "KUDU", "(RF)"),
        ("KUDU (RF)", "KUDU", "(RF)"),
        ("KUDU LIMITED (RF)", "KUDU", "(RF) Ltd"),
        ("KUDU (PTY) LTD (IN LIQUIDATION)", "KUDU (IN LIQUIDATION)", "(Pty) Ltd"),
        ("KUDU (PTY) LTD IN BUSINESS RESCUE", "KUDU IN BUSINESS RESCUE", "(Pty) Ltd"),
        ("KUDU CC - IN FINAL DEREGISTRATION", "KUDU - IN FINAL DEREGISTRATION", "CC"),
        ("KUDU BPK [IN LIKWIDASIE]", "KUDU [IN LIKWIDASIE]", "Bpk"),
        ("KUDU (PTY) LTD (IN LIQUIDATION) 2014/123456/07", "KUDU (IN LIQUIDATION)", "(Pty) Ltd"),
        ("KUDU (PTY) LTD 2014/123456/07 (IN LIQUIDATION)", "KUDU (IN LIQUIDATION)", "(Pty) Ltd"),
        ("EXPERTS IN LIQUIDATION", "EXPERTS IN LIQUIDATION", None),
        ("EXPERTS IN BUSINESS RESCUE CC", "EXPERTS IN BUSINESS RESCUE", "CC"),
        ("KUDU LLP", "KUDU", "LLP"),
        ("KUDU  TRADING", "KUDU TRADING", None),
        ("LTD EDITION PRINTS", "LTD EDITION PRINTS", None),
        ("TRUST WATER SERVICES CC", "TRUST WATER SERVICES", "CC"),
        ("KUDU TRUST (PTY) LTD", "KUDU TRUST", "(Pty) Ltd"),
        ("K2014123456 (SOUTH AFRICA) (PTY) LTD", "K2014123456 (SOUTH AFRICA)", "(Pty) Ltd"),
        ("KUDU (PTY) LTD 2014/123456/07", "KUDU", "(Pty) Ltd"),
        ("KUDU (PTY) LTD (REG NO. 2014/123456/07)", "KUDU", "(Pty) Ltd"),
        ("KUDU CC CK2004/123456/23", "KUDU", "CC"),
        ("O'BRIEN & SONS (CAPE) LTD", "O'BRIEN & SONS (CAPE)", "Ltd"),
        ("S\u00eaboa Ing.", "S\u00eaboa", "Ing"),
    ],
)
def test_the_company_type_is_split_from_the_name(delivered: str, name: str, company_type: str | None) -> None:
    parsed = _parse(delivered)
    assert (parsed["name"], parsed["company_type"], parsed["problem"], parsed["conflict"]) == (
        name,
        company_type,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("delivered", "name", "trading_as"),
    [
        ("DUNE HOLDINGS (PTY) LTD T/A CORNER CAFE", "DUNE HOLDINGS", "CORNER CAFE"),
        ("Dune Holdings trading as Corner Cafe", "Dune Holdings", "Corner Cafe"),
        ("DUNE HOLDINGS (T/A CORNER CAFE)", "DUNE HOLDINGS", "CORNER CAFE"),
        ("DUINE BK H/A HOEKKAFEE", "DUINE", "HOEKKAFEE"),
        ("T/A CORNER CAFE", "CORNER CAFE", "CORNER CAFE"),
        ("MTA MOTORS", "MTA MOTORS", None),
        ("TA LOGISTICS", "TA LOGISTICS", None),
    ],
)
def test_the_trading_name_is_split_from_the_name(delivered: str, name: str, trading_as: str | None) -> None:
    parsed = _parse(delivered)
    assert (parsed["name"], parsed["trading_as"]) == (name, trading_as)


@pytest.mark.parametrize(
    ("delivered", "name", "company_type", "trading_as"),
    [
        ("DUNE T/A SHOP (PTY) LTD", "DUNE", "(Pty) Ltd", "SHOP"),
        ("DUNE T/A SHOP (PTY) LTD 2014/123456/07", "DUNE", "(Pty) Ltd", "SHOP"),
        ("DUNE CC T/A SHOP (PTY) LTD", "DUNE", "CC", "SHOP (PTY) LTD"),
        ("DUNE T/A SAVINGS TRUST", "DUNE", None, "SAVINGS TRUST"),
        ("DUNE T/A CC", "DUNE", None, "CC"),
        ("DUNE T/A SHOP", "DUNE", None, "SHOP"),
    ],
)
def test_a_company_type_behind_the_trading_name_is_the_companys(
    delivered: str, name: str, company_type: str | None, trading_as: str
) -> None:
    parsed = _parse(delivered)
    assert (parsed["name"], parsed["company_type"], parsed["trading_as"]) == (name, company_type, trading_as)


def test_a_company_in_liquidation_is_the_same_company() -> None:
    assert _parse("KUDU (PTY) LTD (IN LIQUIDATION)")["key"] == _parse("KUDU (PTY) LTD")["key"]
    assert _parse("KUDU CC (IN LIQUIDATION) 2014/123456/07")["conflict"] is True


@pytest.mark.parametrize("delivered", [None, "", " ", "\u00a0"])
def test_a_blank_name_is_missing(delivered: str | None) -> None:
    assert _parse(delivered)["problem"] == "missing"


@pytest.mark.parametrize(
    "delivered",
    ["N/A", "TBC", "unknown", "Test", "-", ".", "20000", "12 345", "A", "(PTY) LTD", "CC", "2014/123456/07", "\u00e9"],
)
def test_a_name_that_is_none_is_unusable(delivered: str) -> None:
    parsed = _parse(delivered)
    assert (parsed["problem"], parsed["name"], parsed["key"]) == ("unusable", None, None)


@pytest.mark.parametrize("delivered", ["3M", "AB", "K2014123456 (SOUTH AFRICA)", "NA TRADING", "\u00c9lan"])
def test_a_short_or_odd_name_with_a_letter_is_usable(delivered: str) -> None:
    assert _parse(delivered)["problem"] is None


@pytest.mark.parametrize(
    "other",
    [
        "Kudu and Sons",
        "KUDU & SONS CC",
        "KUDU EN SONS BK",
        "KUDU  &  SONS (PTY) LTD T/A KUDU",
        "K\u00fbdu & Sons.",
        "KUDU&SONS",
    ],
)
def test_the_key_does_not_care_for_case_spacing_type_and_words_for_and(other: str) -> None:
    assert _parse(other)["key"] == _parse("KUDU & SONS")["key"]


def test_different_businesses_have_different_keys() -> None:
    assert _parse("KUDU TRADING 1")["key"] != _parse("KUDU TRADING 2")["key"]


@pytest.mark.parametrize(
    ("delivered", "conflict"),
    [
        ("KUDU CC (PTY) LTD", True), ("KUDU (PTY) LTD CC", True), ("KUDU CC 2014/123456/07", True),
        ("KUDU CC 2004/123456/23", False), ("KUDU (PTY) LTD 2004/123456/23", True), ("KUDU TRUST CC", False),
        ("KUDU LTD 2014/123456/06", False), ("KUDU TRUST 2014/123456/07", False), ("KUDU 2014/123456/07", False),
        ("KUDU (PTY) LTD (PTY) LTD", False),
    ],
)  # fmt: skip
def test_two_company_types_or_one_that_the_registration_contradicts_conflict(delivered: str, conflict: bool) -> None:
    assert _parse(delivered)["conflict"] is conflict


@given(
    st.sampled_from(sorted(company_types())),
    st.from_regex(r"[B-DF-HJ-MP-RT-Z]{4,8}( [B-DF-HJ-MP-RT-Z]{4,8})?", fullmatch=True),
)
def test_every_listed_company_type_is_taken_off_any_name(words: str, name: str) -> None:
    parsed = _parse(f"{name} {words}")
    assert (parsed["name"], parsed["company_type"]) == (name, company_types()[words].shown)


@settings(max_examples=40)
@given(st.lists(st.none() | st.text(max_size=20), max_size=8))
def test_any_text_gives_one_row_that_has_either_a_key_or_a_problem(names: list[str | None]) -> None:
    parsed = parse_companies(pa.array(names, pa.string())).to_pylist()
    assert len(parsed) == len(names)
    for row in parsed:
        assert (row["problem"] is None) == (row["key"] is not None) == (row["name"] is not None)
