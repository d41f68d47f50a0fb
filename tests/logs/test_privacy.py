"""What lines leave out: personal values by key and by pattern, and what errors quote."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import Defect, EdgeFailed, UnreadableFile, is_interruption
from leadscout_assets.logs import (
    REMOVED,
    LeadIds,
    clean,
    describe,
    get_logger,
    is_personal,
    mask,
    private_errors,
)
from tests.logs.lines import BATCH, CANARY, Lines, log_as


def test_every_field_of_a_lead_list_is_removed_by_its_key(lines):
    fields = {field: CANARY for field in FIELDS if field != "keyword"}
    get_logger("leadscout_assets.x").info("row", **fields)
    (line,) = lines.json
    assert {line[field] for field in fields} == {REMOVED}


@pytest.mark.parametrize(
    "key",
    [
        "name",
        "DirectorName",
        "director-surname",
        "CellNumber",
        "e_mail email",
        "entityName",
        "file_name",
        "filename",
        "path",
        "source_file",
        "contact",
        "row",
        "password",
        "api_key",
        "Home.Address",
        "firstname",
        "LASTNAME",
        "fullname",
        "directorname",
        "username",
        "emailaddress",
        "cellno",
        "phoneNumber",
        "phonenumber",
        "forename",
        "street",
        "passport",
        "company",
        "business_names",
        "tradingAsName",
        "id_number",
    ],
)
def test_a_personal_key_is_known_in_any_spelling(key):
    assert is_personal(key)
    assert clean(CANARY, personal=is_personal(key)) == REMOVED


@pytest.mark.parametrize(
    "key",
    [
        "batch_id",
        "lead_id",
        "run_id",
        "asset",
        "step",
        "rows",
        "leads",
        "sha256",
        "size_bytes",
        "run_key",
        "code",
        "table_name",
        "seconds",
        "surnamed_batches",
        "hostname",
        "jobname",
        "directory",
        "phonetic",
        "lexicon",
        "profile",
        "filed",
    ],
)
def test_a_key_of_the_platform_is_not_personal(key):
    assert not is_personal(key)


def test_personal_values_are_removed_however_deep_and_counts_stay(lines):
    get_logger("leadscout_assets.x").info(
        "nested",
        reasons={"missing_director_name": 3, "duplicate": 2},
        batch={"rows": [{"director": [CANARY, {"any": CANARY}]}]},
        director_cell=821234567,
    )
    (line,) = lines.json
    assert line["reasons"] == {"missing_director_name": 3, "duplicate": 2}
    assert CANARY not in lines.text
    assert "821234567" not in lines.text


@pytest.mark.parametrize(
    "value",
    [
        "z.quagga@example.co.za",
        "Z_Q+list@mail.example.org",
        "082 123 4567",
        "0821234567",
        "+27 82 123 4567",
        "27821234567",
        "0027821234567",
        "+27(0)82-123-4567",
        "(011) 555-0123",
        "082\u2011123\u20114567",
        "821234567",
        "082\u00a0123\u00a04567",
        "+44 20 7946 0018",
        "8001015009087",
        "800101 5009 087",
        "tel_0821234567",
        "8001 0150 0908 7",
        "80-01-01-5009-087",
        "800101 5009 08 7",
        "082_123_4567",
        "082,123,4567",
        "0821, 234, 567",
        "082|123|4567",
        "082*123*4567",
        "27_82_123_4567",
        "z.quagga @ mail . co . za",
    ],
)
def test_a_number_or_address_is_masked_anywhere_in_a_text(lines, value):
    for text in (value, f"row 5: {value}.", f"'{value}'", f"{value}\n"):
        assert value.split("@")[0] not in mask(text)
        assert REMOVED in mask(text)
    get_logger("leadscout_assets.x").info("said %s", value, note=f"about {value}", many=[value], by={value: 1})
    logging.getLogger("other").warning("said %s", value)
    assert value not in lines.text
    assert value not in lines.text.encode().decode("unicode_escape")


@pytest.mark.parametrize(
    "text",
    [
        BATCH,
        "0123456789abcdef",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "0" * 64,
        "123e4567-0821-4456-9266-014174000000",
        "2026-03-02T10:15:30.123456+02:00",
        "2026-03-02 10:15:30",
        "read 20000 rows in 1.25 s",
        "3.11.7",
        "127.0.0.1:3000",
        "12345678 bytes",
        "0.123456789",
        "27,821,234,567 bytes",
        "read 8001 of 0150, 0908 of 7",
        "8001 0150 0908 8",
        "[82,123,4567]",
    ],
)
def test_ids_times_and_figures_are_left_alone(text):
    assert mask(text) == text


def test_a_password_in_a_url_is_masked():
    assert mask("postgresql+psycopg://user:hidden@db/leads") == f"postgresql+psycopg://{REMOVED}@db/leads"


def test_a_line_stays_one_line_and_sends_nothing_to_the_terminal():
    lines = Lines()
    log_as("INFO", "console", lines.stream)
    get_logger("leadscout_assets.x").info("a\nfake line\x1b[2J\u202e", code="b\r\nc", **{"k\ney": 1})
    assert len(lines.text.splitlines()) == 1
    assert "\x1b" not in lines.text
    assert "\u202e" not in lines.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (pa.table({"x": [CANARY]}), "<Table>"),
        (CANARY.encode(), "<bytes>"),
        (Path(CANARY), REMOVED),
        (ValueError(CANARY), "<ValueError>"),
        (EdgeFailed("the disk is full"), "EdgeFailed: the disk is full"),
        (np.int64(5), 5),
        (np.float32(0.5), 0.5),
        (10**30, str(10**30)),
        (8001015009087, REMOVED),
        (8001015009087.0, REMOVED),
        (Decimal("8001015009087"), REMOVED),
        (np.float64(8001015009087), REMOVED),
        (102035009087, REMOVED),
        (27821234567, REMOVED),
        (27821234567.0, REMOVED),
        (8001015009088, 8001015009088),
        (27921234567, 27921234567),
        (27821234567.5, 27821234567.5),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+999999"), "1E+999999"),
        (float("inf"), None),
        (("director_name", CANARY), ["director_name", REMOVED]),
        ({"changes": [["email", CANARY]]}, {"changes": [["email", REMOVED]]}),
        (["director_name", "surname"], ["director_name", "surname"]),
        (["read", "written"], ["read", "written"]),
        (float("nan"), None),
        (Decimal("1.50"), "1.50"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02T00:00:00+00:00"),
        ((1, "a", None, True), [1, "a", None, True]),
        (frozenset({1}), [1]),
        ("\ud800", "\\ud800"),
    ],
)
def test_any_value_becomes_something_harmless_that_json_can_hold(lines, value, shown):
    get_logger("leadscout_assets.x").info("value", it=value)
    assert [line["it"] for line in lines.json] == [shown]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(json_like)
def test_whatever_is_logged_comes_out_as_json(value):
    orjson.dumps(clean(value, personal=False))
    clean(value, personal=True)


@given(st.integers(1, 8), st.integers(0, 10**8 - 1), st.sampled_from(["", " ", "-", ".", " - "]))
def test_no_south_african_number_survives_in_any_grouping(first, rest, gap):
    digits = f"{first}{rest:08}"
    grouped = gap.join((digits[:2], digits[2:5], digits[5:]))
    for prefix in ("0", "+27", "27", "0027", f"+27{gap}(0)"):
        after = " " if (prefix, gap) == ("0", ".") else gap  # 0.1 is a fraction
        text = mask(f"call {prefix}{after}{grouped}, please")
        assert text == f"call {REMOVED}, please"


def test_a_nest_too_deep_to_follow_is_only_named():
    value: object = CANARY
    for _ in range(2_000):
        value = [value]
    assert CANARY not in str(clean(value, personal=False))


# --- errors


def _fail() -> None:
    director = CANARY
    known: dict[str, int] = {}
    try:
        known[director]
    except KeyError as error:
        raise EdgeFailed("the table cannot be read") from error


def test_a_traceback_shows_where_and_neither_locals_nor_values(lines):
    try:
        _fail()
    except EdgeFailed:
        get_logger("leadscout_assets.x").exception("gone")
        logging.getLogger("other").exception("gone")
    assert CANARY not in lines.text
    for line in lines.json:
        told = str(line["exception"])
        assert "test_privacy.py" in told
        assert "in _fail" in told
        assert told.index("KeyError") < told.index("EdgeFailed: the table cannot be read")


def test_the_cause_that_was_suppressed_stays_away():
    def fail() -> None:
        try:
            raise ValueError(CANARY)
        except ValueError:
            raise UnreadableFile("empty", "Send a file with rows.") from None

    with pytest.raises(UnreadableFile) as caught:
        fail()
    assert "ValueError" not in describe(caught.value)
    assert "UnreadableFile: Send a file with rows." in describe(caught.value)


class PanicException(BaseException):
    """What a panic in a library written in Rust becomes; Python's `Exception` is not among its bases."""


class DagsterExecutionInterruptedError(BaseException):
    """Of the name, and the kind, by which Dagster ends a run that was terminated."""


class Stopped(KeyboardInterrupt):
    """An interruption of one's own."""


@pytest.mark.parametrize(
    "error", [ValueError(CANARY), PanicException(CANARY), BaseExceptionGroup(CANARY, [PanicException()])]
)
def test_a_failure_of_any_kind_leaves_a_private_block_without_its_message(error):
    with pytest.raises(Defect, match=type(error).__name__) as raised, private_errors():
        raise error
    assert CANARY not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(), SystemExit(3), GeneratorExit(), asyncio.CancelledError(), Stopped(),
        DagsterExecutionInterruptedError(), EdgeFailed("the disk is full"),
    ],
)  # fmt: skip
def test_an_interruption_and_an_error_of_leadscout_leave_a_private_block_as_they_are(error):
    with pytest.raises(type(error)) as raised, private_errors():
        raise error
    assert raised.value is error


def test_the_interruption_known_by_name_is_the_one_that_dagster_raises():
    from dagster._core.errors import DagsterExecutionInterruptedError

    assert is_interruption(DagsterExecutionInterruptedError())


def test_a_group_of_errors_and_a_ring_of_causes_are_told_once():
    first, second = ValueError(CANARY), EdgeFailed("second")
    first.__cause__, second.__cause__ = second, first
    told = describe(ExceptionGroup(CANARY, [first, second]))
    assert CANARY not in told
    assert told.count("| EdgeFailed: second") == 2


def test_a_broken_log_call_is_reported_without_its_values(capsys):
    logging.getLogger().handlers.clear()  # the test runner's own would raise
    log_as("INFO", "json")
    logging.getLogger("other").warning("%d", CANARY)
    captured = capsys.readouterr()
    assert captured.err == "a log line of other was lost: TypeError\n"


# --- hostile


class Person(NamedTuple):
    """A row of a table, as libraries give them."""

    name: str
    cell: str


@dataclass
class Director:
    """A record, as programs make them."""

    name: str
    seen: int = 1


@pytest.mark.parametrize(
    "value",
    [
        Person(CANARY, "0821234567"),
        [Person(CANARY, "0821234567")],
        Director(CANARY),
        {"any": Director(CANARY)},
        {CANARY: 3},
        {"counts": {CANARY: {"deep": 1}}},
        {(CANARY,): 1},
        {CANARY.encode(): 1},
        OrderedDict(director_name=CANARY),
        MappingProxyType({"entity": [CANARY]}),
        bytearray(CANARY.encode()),
        memoryview(CANARY.encode()),
        io.StringIO(CANARY),
        (line for line in [CANARY]),
        ExceptionGroup(CANARY, [ValueError(CANARY)]),
        KeyError(CANARY),
        pa.scalar(CANARY),
        pa.array([CANARY]),
        np.array([CANARY]),
        np.str_("director_name=" + CANARY),
        {"rows": pa.table({"a": [CANARY]})},
        UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, "invalid start byte"),
        f"director_name={CANARY}",
        f"could not store DirectorName={CANARY}, rows=3",
        f"{{'director': '{CANARY}', 'rows': 3}}",
        f'{{"director_name": "{CANARY}", "rows": 3}}',
        f'"entityName":"{CANARY}"',
        f"director_name: {CANARY}; rows: 3",
        f"names=['{CANARY}', 'another']",
        f"surname={CANARY} rows=3",
        f"name={CANARY}|age=3",
        f"name={CANARY} | age=3",
        f"director_name={CANARY}&x=1",
        f"name={CANARY} = ok",
        f"name={CANARY} M = ok",
        f'{{"entity_name":"The \\"Best\\" {CANARY}"}}',
        f'{{\\"entity_name\\":\\"{CANARY}\\",\\"rows\\":3}}',
        f"surname='O'{CANARY.replace(' ', chr(39))}'",
        f"entity_name=The (Pty) {CANARY}",
        f"name=082 123 4567 {CANARY}",
        f"director={{'given': 'A, B', 'last': '{CANARY}'}}",
        f"names=[['a', 'b'], ['{CANARY}']]",
        f"director: {CANARY}",
        f"surname: {CANARY}, rows: 3",
        f"firstname: {CANARY}",
        ("director_name", CANARY),
        f"password={CANARY}",
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_name_in_hostile_clothes_is_not_told(lines, value):
    log = get_logger("leadscout_assets.x")
    log.info("value", it=value, many=[value], by={"inner": value})
    if isinstance(value, str):
        log.info(value)
        logging.getLogger("other").warning("failed: %s", value)
    assert lines.text
    for word in CANARY.split():
        assert word not in lines.text


@pytest.mark.parametrize(
    "value",
    [
        "ｚ.quagga＠example.co.za",
        "z.quagga\u200b@example.co.za",
        "zoë.quagga@exämple.co.za",
        '"Zanele Quagga"@example.co.za',
        "z.quagga(at)example.co.za",
        "z.quagga [at] example.co.za",
        "z.quagga @ example.co.za",
        "mailto:z.quagga@example.co.za?subject=hello",
        "０８２ １２３ ４５６７",
        "\u0660\u0668\u0662 \u0661\u0662\u0663 \u0664\u0665\u0666\u0667",
        "082\u200b123\u200b4567",
        "0\u00ad8\u00ad2\u00ad1\u00ad2\u00ad3\u00ad4\u00ad5\u00ad6\u00ad7",
        "082\t123\t4567",
        "082/123/4567",
        "(082) 123-4567",
        "+27 (0) 82 123 4567",
        "+27-82-123-4567",
        "0027 82 123 4567",
        "tel:+27821234567",
        "wa.me/27821234567",
        "800101-5009-087",
        "800101.5009.087",
        "ID8001015009087",
        "id:8001015009087",
        "８００１０１５００９０８７",
        "800101 5009\u00a0087",
        "passport, or 8001015009087",
    ],
)
def test_addresses_and_numbers_are_masked_in_any_spelling(lines, value):
    plain = "quagga|8212345|821.?123|5009"
    assert not re.search(plain, mask(f"about {value}, please"), re.IGNORECASE)
    get_logger("leadscout_assets.x").info("said", note=value, many=[value], by={value: 1})
    logging.getLogger("other").warning("said %s", value)
    assert not re.search(plain, lines.text, re.IGNORECASE)
    assert "１２３" not in lines.text


@pytest.mark.parametrize(
    "text",
    [
        "ab8001015009087c",
        "12345678901234567890123456789012345678901234567890123456789012ab",
        "batch 2026-03-02_list_0123abcd is refused: send it again",
        "rows=5 leads=4 rejected=1",
        "emails=12, phones=3",
        "path: the file cannot be read",
        "basic classification, forbearer of none",
        "LEADSCOUT_DATABASE_URL: not a database URL; write sqlite:///FILE or postgresql://...",
        "table leads: 3 batches in the frame are not named for replacement",
        "the key file lead-id.key is damaged: restore it from a backup",
        "SELECT deliveries.batch_id FROM deliveries WHERE deliveries.batch_id IN (?, ?)",
        "1732300000123 bytes",
    ],
)
def test_what_only_looks_similar_is_left_alone(text):
    assert mask(text) == text


def test_lead_ids_pass_as_they_are_and_nothing_else_passes_for_them(lines):
    ids = ["0821234567890123", "8001015009087000", "abcdef0123456789"]
    get_logger("leadscout_assets.x").info("tried", leads=LeadIds(ids))
    assert lines.json[0]["leads"] == ids
    for wrong in ([CANARY], [*ids, "0821234567"], ["ABCDEF0123456789"], ["abcdef012345678 "]):
        with pytest.raises(ValueError, match="not all of these are lead ids") as raised:
            LeadIds(wrong)
        assert CANARY not in str(raised.value)


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text):
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize("key", ["size_bytes", "memory", "processing_time_ms", "beat", "elapsedSeconds"])
def test_a_measure_of_any_size_stays(key, lines):
    get_logger("leadscout_assets.x").info("measured", **{key: 27821234567}, of={key: [8001015009087, 27821234567.0]})
    (line,) = lines.json
    assert (line[key], line["of"]) == (27821234567, {key: [8001015009087, 27821234567.0]})


@pytest.mark.parametrize(
    "text",
    ["Authorization: Bearer sk-secret1234", "sent Bearer secret12345.x-y", "with sk-secret-123456", "password: secret"],
)
def test_a_secret_in_a_text_is_masked(text):
    assert "secret" not in mask(text)


def test_a_key_with_a_space_is_no_field(lines):
    get_logger("leadscout_assets.x").info("counted", **{CANARY: 1, f"{CANARY} the second": 2})
    assert CANARY not in lines.text
    assert sorted(value for key, value in lines.json[0].items() if key.startswith(REMOVED)) == [1, 2]


@pytest.mark.parametrize(
    "tile", ["[", "(", "{'", '"a', "'a", '\\"', "name=", "a ", "[[x]", "  ", "0 ", "|", "@a", "bearer "]
)
def test_no_text_takes_longer_than_its_length_allows(tile):
    text = f"name={tile * 4_000}"
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 2
