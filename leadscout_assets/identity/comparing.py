"""What leads are compared by: their names, numbers and places in one spelling. How alike two of them are is weighing.py's."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import over_distinct, plain

COMPARED_COLUMNS = (
    "batch_id", "lead_id", "source_row", "entity_name", "trading_as_name", "director_given_names", "director_surname",
    "director_cell", "contact_number", "cell_number", "email_address", "address", "city", "postal_code",
)  # fmt: skip
"""What a comparison needs of the table leads."""

TEXTS = ("business", "trading", "given", "surname", "cell", "contact", "mobile", "email", "street", "town", "postcode")


def comparable(leads: pa.Table) -> pa.Table:
    """Return what each lead is compared by, row by row: the columns of `TEXTS`, empty where there is nothing to compare.

    Names are words of A-Z and 0-9 between single spaces, without `and`; numbers, e-mail and postcode are as in leads.
    """
    return pa.table(
        {
            "business": _words(leads["entity_name"], without_and=True),
            "trading": _words(leads["trading_as_name"], without_and=True),
            "given": _words(leads["director_given_names"]),
            "surname": _words(leads["director_surname"]),
            "cell": _said(leads["director_cell"]),
            "contact": _said(leads["contact_number"]),
            "mobile": _said(leads["cell_number"]),
            "email": _said(leads["email_address"]),
            "street": _words(leads["address"]),
            "town": _words(leads["city"]),
            "postcode": _said(leads["postal_code"]),
        }
    )


def _said(column: pa.ChunkedArray) -> pa.Array:
    return pc.fill_null(column.combine_chunks(), "")


def _words(column: pa.ChunkedArray, *, without_and: bool = False) -> pa.Array:
    def work(values: pa.Array) -> pa.Array:
        found = pc.replace_substring(plain(values), "'", "")
        found = pc.replace_substring_regex(found, "[^A-Z0-9]+", " ")
        if without_and:
            found = pc.replace_substring_regex(found, r"\b(?:AND|EN|N)\b", " ")
            found = pc.replace_substring_regex(found, " +", " ")
        return pc.utf8_trim(found, " ")

    return pc.fill_null(over_distinct(column, work), "")
