"""Data quality by column, counted by hand."""

from leadscout_assets.contracts import FIELDS
from leadscout_assets.reports.quality import COLUMNS, column_quality
from tests.reports.samples import empty_batch, small_batch


def test_rates_of_the_small_batch() -> None:
    batch = small_batch()
    found = {c.field: (c.filled, c.usable, c.warned) for c in column_quality(batch.raw, batch.leads)}
    assert found["entity_name"] == (5, 4, 0)
    assert found["director_cell"] == (2, 1, 0)
    assert found["registered_address"] == (0, 0, 2)
    assert found["registered_address_province"] == (1, 3, 1)


def test_fill_is_of_the_rows_delivered_and_use_of_the_leads() -> None:
    batch = small_batch()
    cell = next(c for c in column_quality(batch.raw, batch.leads) if c.field == "director_cell")
    assert (cell.heading, cell.fill_rate, cell.usable_rate, cell.warning_rate) == ("DirectorCell", 2 / 6, 1 / 4, 0.0)


def test_without_rows_no_rate_is_given() -> None:
    batch = empty_batch()
    assert {(c.fill_rate, c.usable_rate, c.warning_rate) for c in column_quality(batch.raw, batch.leads)} == {
        (None, None, None)
    }


def test_every_recognised_field_is_measured_once_in_their_order() -> None:
    assert tuple(field for field, _, _ in COLUMNS) == FIELDS
