"""What leads are compared by: their names, numbers and places in one spelling. How alike two of them are is weighing.py's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import over_distinct, plain, where_matching

COMPARED_COLUMNS = (
    "batch_id", "lead_id", "source_row", "entity_name", "trading_as_name", "director_given_names", "director_surname",
    "director_cell", "contact_number", "cell_number", "email_address", "address", "city", "postal_code",
)  # fmt: skip
"""What a comparison needs of the table leads."""

THREADS = 2
"""Columns made at once: most of the work is Arrow's, which lets go of the interpreter."""

_COLUMNS = {
    "business": "entity_name",
    "trading": "trading_as_name",
    "given": "director_given_names",
    "surname": "director_surname",
    "cell": "director_cell",
    "contact": "contact_number",
    "mobile": "cell_number",
    "email": "email_address",
    "street": "address",
    "town": "city",
    "postcode": "postal_code",
}

TEXTS = tuple(_COLUMNS)

_NO_WORDS = "[^A-Z0-9 ]|  "
_AND = r"\b(?:AND|EN|N)\b"


def comparable(leads: pa.Table, texts: Sequence[str] = TEXTS) -> pa.Table:
    """Return what each lead is compared by, row by row: the columns `texts`, empty where there is nothing to compare.

    Names are words of A-Z and 0-9 between single spaces, without `and`; numbers, e-mail and postcode are as in leads.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        made = pool.map(lambda text: _MAKERS[text](leads[_COLUMNS[text]]), texts)
        return pa.table(dict(zip(texts, made, strict=True)))


def _said(column: pa.ChunkedArray) -> pa.Array:
    return pc.fill_null(column.combine_chunks(), "")


def _words(column: pa.ChunkedArray, *, without_and: bool = False) -> pa.Array:
    def work(values: pa.Array) -> pa.Array:
        found = pc.replace_substring(plain(values), "'", "")
        found = where_matching(found, _NO_WORDS, lambda some: pc.replace_substring_regex(some, "[^A-Z0-9]+", " "))
        return pc.utf8_trim(where_matching(found, _AND, _dropping_and) if without_and else found, " ")

    return pc.fill_null(over_distinct(column, work), "")


def _dropping_and(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring_regex(values, _AND, " "), " +", " ")


_MAKERS: dict[str, Callable[[pa.ChunkedArray], pa.Array]] = {
    **dict.fromkeys(("given", "surname", "street", "town"), _words),
    **dict.fromkeys(("business", "trading"), partial(_words, without_and=True)),
    **dict.fromkeys(("cell", "contact", "mobile", "email", "postcode"), _said),
}
