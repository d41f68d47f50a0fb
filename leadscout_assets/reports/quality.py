"""Data quality by column: how full a delivered column is, how much of it is usable, how often it carries a warning."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.reports.wording import HEADINGS
from leadscout_assets.terms import Province, Warn

COLUMNS: tuple[tuple[str, str, tuple[Warn, ...]], ...] = (
    # delivered field, column of leads that holds what could be used, warnings about it
    ("entity_name", "entity_name", (Warn.COMPANY_TYPE_CONFLICT,)),
    ("trading_as_name", "trading_as_name", ()),
    ("keyword", "keyword", ()),
    ("contact_number", "contact_number", (Warn.CONTACT_NUMBER_UNUSABLE,)),
    ("cell_number", "cell_number", (Warn.CELL_NUMBER_UNUSABLE,)),
    ("email_address", "email_address", (Warn.EMAIL_UNUSABLE,)),
    ("registered_address", "address", (Warn.NO_ADDRESS, Warn.POSTAL_CODE_UNUSABLE, Warn.POSTAL_CODE_REPAIRED)),
    ("registered_address_city", "city", (Warn.CITY_UNUSABLE,)),
    ("registered_address_province", "province", (Warn.PROVINCE_UNKNOWN, Warn.PROVINCE_DISAGREES)),
    ("director_name", "director_surname", (Warn.DIRECTOR_SINGLE_NAME,)),
    ("director_cell", "director_cell", (Warn.DIRECTOR_CELL_UNUSABLE, Warn.DIRECTOR_CELL_NOT_MOBILE)),
)


@dataclass(frozen=True)
class ColumnQuality:
    """One delivered column. `fill_rate` is of the rows delivered, `usable_rate` and `warning_rate` of the leads, 0..1.

    A rate is null where there is nothing to take it of. Usable can exceed filled: a province may come from the city.
    """

    field: str
    heading: str
    filled: int
    fill_rate: float | None
    usable: int
    usable_rate: float | None
    warned: int
    warning_rate: float | None


def column_quality(raw: pa.Table, leads: pa.Table) -> tuple[ColumnQuality, ...]:
    """Measure each recognised column of one batch's RAW_LEADS and LEADS frames."""
    codes = leads["warnings"].combine_chunks()
    parents = pc.list_parent_indices(codes).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(codes)

    def measure(field: str, column: str, about: tuple[Warn, ...]) -> ColumnQuality:
        filled = raw.num_rows - raw[field].null_count
        usable = leads.num_rows - leads[column].null_count
        if column == "province":
            usable = pc.sum(pc.not_equal(leads["province"], str(Province.UNKNOWN)), min_count=0).as_py()
        hits = pc.is_in(flat, value_set=pa.array([str(code) for code in about], pa.string()))
        warned = len(np.unique(parents[hits.to_numpy(zero_copy_only=False)]))
        return ColumnQuality(
            field=field,
            heading=HEADINGS[field],
            filled=filled,
            fill_rate=rate(filled, raw.num_rows),
            usable=usable,
            usable_rate=rate(usable, leads.num_rows),
            warned=warned,
            warning_rate=rate(warned, leads.num_rows),
        )

    return tuple(measure(*column) for column in COLUMNS)


def rate(part: int, whole: int) -> float | None:
    """Return part / whole, 0..1, or nothing where the whole is nothing."""
    return part / whole if whole else None
