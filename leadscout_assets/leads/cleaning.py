"""Text tidying that every column shares: spacing, accents, placeholders, work over distinct values.

What one column means (a phone, a place, a company) does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Blanks that people paste from web pages and PDFs, and the soft line break of text programs (U+000B); RE2's \s knows
# ASCII only, and not that one.
_BLANK = r"[\s\x{000B}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
# No width at all: zero-width characters, soft hyphen, byte order mark, text direction marks, control characters.
_INVISIBLE = r"[\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}\x{FEFF}\x{0000}-\x{0008}\x{000E}-\x{001F}\x{007F}]"
_UNTIDY = r"^\s|\s$|\s\s|[^ -~]"
_MARKS = r"\p{M}+"
# Ranges, not the classes of Unicode: those take RE2 a millisecond to compile at each call.
_PUNCTUATION = (
    r"^[ -/:-@\[-`{-~\x{00A1}-\x{00A9}\x{00AB}-\x{00B4}\x{00B6}-\x{00BF}"
    r"\x{2010}-\x{206F}\x{20A0}-\x{20CF}\x{2190}-\x{2BFF}\x{3001}-\x{3020}\x{FFFD}]*$"
)

# Letters that Unicode does not take apart, and typed quotes, as plain ASCII.
_FOLDED = (
    ("[\u2018\u2019\u201b\u2032\u00b4`]", "'"),
    ("[\u201c\u201d\u201e\u2033]", '"'),
    ("[\u2010-\u2015\u2212]", "-"),
    ("[\u00d8\u00f8]", "o"),
    ("\u00df", "ss"),
    ("[\u00c6\u00e6]", "ae"),
    ("[\u0141\u0142]", "l"),
)

# What people type where they have nothing to say. Compared in capitals, inner spaces taken out.
PLACEHOLDERS: tuple[str, ...] = (
    "N/A", "NA", "N.A", "N.A.", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#DIV/0!", "NVT", "N.V.T", "N.V.T.",
    "NONE", "NIL", "NULL", "NAN", "NO", "NOTAPPLICABLE", "NOTAVAILABLE", "NOTPROVIDED", "NOTSUPPLIED", "NOTKNOWN",
    "UNKNOWN", "UNKOWN", "ONBEKEND", "GEEN", "BLANK", "EMPTY", "UNDEFINED", "MISSING", "PENDING",
    "TBA", "TBC", "TBD", "TOBECONFIRMED", "TOBEADVISED", "TEST", "TESTING", "DUMMY", "SAMPLE",
    "X", "XX", "XXX", "XXXX", "ASD", "ASDF", "0", "00", "0.0", "?", "??", "???",
)  # fmt: skip

_LONGEST_PLACEHOLDER = max(map(len, PLACEHOLDERS)) + 3  # with blanks between its words
_KEPT = np.isin(np.arange(256), list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the column as one string array, whatever its chunks."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array if array.type == pa.string() else array.cast(pa.string())


def distinct(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return the column's distinct values, null not among them, and for each row the position of its value or null."""
    encoded = flat(column).dictionary_encode()
    return encoded.dictionary, encoded.indices


def over_distinct(column: pa.Array | pa.ChunkedArray, work: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Apply `work`, an array function of one value per value, to the distinct values only; null stays null."""
    values, at = distinct(column)
    return work(values).take(at)


def table_over_distinct(column: pa.Array | pa.ChunkedArray, work: Callable[[pa.Array], pa.Table]) -> pa.Table:
    """Apply `work`, which gives one row per value, to the distinct values only; a null gives a row of nulls."""
    values, at = distinct(column)
    return work(values).take(at)


def empty_as_null(values: pa.Array) -> pa.Array:
    """Return the values with empty text as null."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def tidy(values: pa.Array) -> pa.Array:
    """Return each value with every run of blanks as one space, none at its ends; null where nothing is left."""

    def work(some: pa.Array) -> pa.Array:
        some = pc.replace_substring_regex(some, _INVISIBLE, "")
        some = pc.replace_substring_regex(some, _BLANK + "+", " ")
        return pc.utf8_trim(some, " ")

    return empty_as_null(where_matching(values, _UNTIDY, work))


def where_matching(values: pa.Array, pattern: str, work: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Apply `work` to the values that match `pattern` and leave the others: most values are clean already."""
    mask = pc.fill_null(pc.match_substring_regex(values, pattern), False)
    if not pc.any(mask).as_py():
        return values
    return pc.replace_with_mask(values, mask, work(values.filter(mask)))


def plain(values: pa.Array) -> pa.Array:
    """Return each value in capitals without accents, typographic quotes and dashes as ASCII ones."""

    def work(some: pa.Array) -> pa.Array:
        for pattern, replacement in _FOLDED:
            some = pc.replace_substring_regex(some, pattern, replacement)
        return pc.replace_substring_regex(pc.utf8_normalize(some, form="NFKD"), _MARKS, "")

    return pc.utf8_upper(where_matching(values, r"[^ -~]|`", work))


def letters_and_digits(values: pa.Array) -> pa.Array:
    """Return the plain form of each value without anything but A-Z and 0-9, for comparing."""
    return keep_letters_and_digits(plain(values))


def keep_letters_and_digits(values: pa.Array) -> pa.Array:
    """Return each value without anything but A-Z and 0-9: on the bytes, eight times as fast as a pattern."""
    values = pc.fill_null(values, "")
    whole = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    text = np.frombuffer(data, dtype=np.uint8)[whole[0] : whole[-1]] if data else np.empty(0, dtype=np.uint8)
    kept = _KEPT[text]
    before = np.concatenate(([0], np.cumsum(kept, dtype=np.int32))).astype(np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(before[whole - whole[0]]), pa.py_buffer(text[kept]))


def rest_of(values: pa.Array, prefixes: pa.Array) -> pa.Array:
    """Return what each value has behind its prefix, which must be one; null where either is null."""
    nothing = pc.or_(pc.is_null(values), pc.is_null(prefixes))
    values, prefixes = pc.fill_null(values, ""), pc.fill_null(prefixes, "")
    ends = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset + 1 : values.offset + len(values) + 1]
    lengths = np.asarray(pc.subtract(pc.binary_length(values), pc.binary_length(prefixes)))
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    data = values.buffers()[2]
    text = np.frombuffer(data, dtype=np.uint8) if data else np.empty(0, dtype=np.uint8)
    at = np.repeat(ends - lengths - offsets[:-1], lengths) + np.arange(offsets[-1])
    rest = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(text[at]))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), rest)


def is_placeholder(values: pa.Array) -> pa.Array:
    """Tell of each value whether it stands for nothing: `N/A`, `TBC`, `-`, only punctuation. The values are tidy; null gives null."""
    nothing = pc.match_substring_regex(values, _PUNCTUATION)
    short = pc.fill_null(pc.less_equal(pc.binary_length(values), _LONGEST_PLACEHOLDER), False)
    squeezed = pc.replace_substring(pc.utf8_upper(values.filter(short)), " ", "")
    words = pc.replace_with_mask(nothing, short, pc.is_in(squeezed, pa.array(PLACEHOLDERS)))
    return pc.or_(nothing, words)


def said(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the column tidied, with placeholders as null: what the sender really said."""
    return over_distinct(column, said_values)


def said_values(values: pa.Array) -> pa.Array:
    """Return the values tidied, with placeholders as null; `said` for values that are distinct already."""
    values = tidy(values)
    return pc.if_else(is_placeholder(values), pa.scalar(None, pa.string()), values)


def data_lines(name: str) -> Iterator[str]:
    """Yield the lines of a data file of this folder that are neither blank nor a `#` comment."""
    text = (files("leadscout_assets.leads") / "data" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()
