"""Whatever bytes come: both readers answer with rows or with a refusal, and never with anything else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.reading import read_lead_list
from tests.hostile.kinds import HEADINGS
from tests.hostile.packing import packed, stored
from tests.hostile.workbooks import list_of
from tests.leads.workbooks import MAIN
from tests.scenario import BATCH_ID, LIMITS

PARTS = {
    **list_of(random.Random(1), '<c t="s"><v>0</v></c><c s="1"><v>45000.5</v></c><c t="b"><v>1</v></c><c><f>1+1</f><v>2</v></c>'),
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>x</t></si></sst>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="200" formatCode="yyyy"/></numFmts>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs></styleSheet>',
}  # fmt: skip
TOKENS = st.sampled_from(
    ['"', "<", ">", "&", "=", "<v>", "</c>", "-1", "0", "1e999", "NaN", "4294967296", "99999999999999999999", "A1:XFD1048576",
     'r="A9"', 't="s"', 't="d"', 's="1"', ' state="hidden"', "<row>", "<c>", "<si/>", "<!DOCTYPE x>", "&#x41;", "\0", "\u202e", ""]
)  # fmt: skip
MUTATION = st.tuples(
    st.sampled_from(sorted(PARTS)), st.floats(0, 1), st.integers(0, 40), st.one_of(TOKENS, st.text(max_size=8))
)
MANY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def read(path: Path, content: bytes) -> None:
    """Read a file both ways; anything but rows or a refusal of one line is raised."""
    path.write_bytes(content)
    with refusal_is_one_line():
        assert read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).schema.equals(RAW_LEADS.schema)
    with refusal_is_one_line():
        assert count_rows(path, limits=LIMITS) >= 0


@contextmanager
def refusal_is_one_line() -> Iterator[None]:
    sentence = ""
    try:
        yield
    except UnreadableFile as refusal:
        sentence = str(refusal)
    assert len(sentence.splitlines()) <= 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


def mutated(text: str, at: float, length: int, new: str) -> str:
    start = int(at * len(text))
    return text[:start] + new + text[start + length :]


@MANY
@given(
    st.binary(max_size=3_000),
    st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\xff\xfe", b"\xef\xbb\xbf", b"sep=;\n"]),
)
def test_any_bytes_are_rows_or_a_refusal(path: Path, content: bytes, head: bytes) -> None:
    read(path, head + content)


@MANY
@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252", "utf-32"]))
def test_any_text_below_a_header_is_rows_or_a_refusal(path: Path, text: str, encoding: str) -> None:
    read(path, (",".join(HEADINGS) + "\n" + text).encode(encoding, "replace"))


@MANY
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_any_change_of_a_workbooks_xml_is_rows_or_a_refusal(
    path: Path, mutations: list[tuple[str, float, int, str]]
) -> None:
    contents = dict(PARTS)
    for part, at, length, new in mutations:
        contents[part] = mutated(contents[part], at, length, new)
    read(path, stored({name: text.encode("utf-8", "surrogatepass") for name, text in contents.items()}))


@MANY
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=12)), min_size=1, max_size=3))
def test_any_change_of_a_workbooks_bytes_is_rows_or_a_refusal(
    path: Path, mutations: list[tuple[float, int, bytes]]
) -> None:
    content = packed(PARTS)
    for at, length, new in mutations:
        start = int(at * len(content))
        content = content[:start] + new + content[start + length :]
    read(path, content)
