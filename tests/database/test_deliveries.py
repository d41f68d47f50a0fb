"""The repository of deliveries and refusals."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadscout_assets.database import deliveries as module
from leadscout_assets.database.deliveries import Deliveries, DeliveryRecord, NotedRefusal
from leadscout_assets.errors import BadInput, EdgeFailed, UnknownBatch

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def delivery(number: int, **changes: Any) -> DeliveryRecord:
    sha256 = f"{number:08x}" + "0" * 56
    record = DeliveryRecord(
        batch_id=f"2026-03-02_list_{sha256[:8]}",
        sha256=sha256,
        size_bytes=1000 + number,
        delivered_at=NOON,
        rows_counted=number,
    )
    return replace(record, **changes)


@pytest.fixture
def stored(database):
    return Deliveries(database, now=lambda: NOON)


def test_what_was_recorded_comes_back(stored):
    unreadable = delivery(2, rows_counted=None)
    assert stored.record(delivery(1)) == delivery(1)
    assert stored.record(unreadable) == unreadable
    assert stored.get(delivery(1).batch_id) == delivery(1)
    assert stored.by_sha256(unreadable.sha256) == unreadable
    assert stored.by_sha256("f" * 64) is None


def test_a_file_of_several_gigabytes_fits(stored):
    large = delivery(1, size_bytes=5_000_000_000)
    assert stored.record(large).size_bytes == 5_000_000_000


def test_recording_again_changes_nothing(stored):
    stored.record(delivery(1))
    stored.note_request([delivery(1).batch_id], "run-1")
    again = stored.record(delivery(1, size_bytes=7, delivered_at=NOON + timedelta(days=1)))
    assert again == delivery(1, run_key="run-1", attempts=1)
    assert len(stored.all()) == 1


def test_known_content_under_another_batch_id_is_answered_with_the_batch_it_is(stored):
    stored.record(delivery(1))
    assert stored.record(delivery(1, batch_id="2026-03-09_other_00000001")) == delivery(1)
    assert len(stored.all()) == 1


def test_other_content_under_a_known_batch_id_is_refused(stored):
    stored.record(delivery(1))
    with pytest.raises(BadInput, match="rename the file"):
        stored.record(delivery(2, batch_id=delivery(1).batch_id))
    assert stored.all() == [delivery(1)]


def test_the_same_content_recorded_by_many_at_once_is_one_delivery(stored):
    answers = []

    def record(number: int) -> None:
        answers.append(stored.record(delivery(1, batch_id=f"2026-03-02_list-{number}_00000001")))

    threads = [threading.Thread(target=record, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert len(stored.all()) == 1


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        delivery(1, delivered_at=datetime(2026, 3, 2))  # noqa: DTZ001 - the point of the test


def test_an_unknown_batch_is_named_with_the_fix(stored):
    with pytest.raises(UnknownBatch, match=r"2026-03-02_list_00000001; `leadscout batches`"):
        stored.get(delivery(1).batch_id)


def test_what_is_no_batch_id_is_not_repeated(stored):
    with pytest.raises(UnknownBatch, match="leadscout batches") as caught:
        stored.get("Zanele Quagga.xlsx")
    assert "Zanele" not in str(caught.value)


def test_many_come_in_the_order_asked_and_all_by_delivery_time_then_by_recording(stored):
    late, first, second = delivery(1, delivered_at=NOON + timedelta(hours=1)), delivery(9), delivery(2)
    for record in (late, first, second):
        stored.record(record)
    asked = [second.batch_id, late.batch_id]
    assert list(stored.many(asked).items()) == [(second.batch_id, second), (late.batch_id, late)]
    assert stored.many([]) == {}
    assert stored.all() == [first, second, late]
    assert stored.newest() == late


def test_the_newest_of_equal_times_is_the_one_recorded_last(stored):
    assert stored.newest() is None
    stored.record(delivery(2))
    stored.record(delivery(1))
    assert stored.newest() == delivery(1)


def test_the_first_time_is_that_of_the_oldest_delivery_whenever_it_was_recorded(stored):
    assert stored.first_delivered_at() is None
    stored.record(delivery(2))
    stored.record(replace(delivery(1), delivered_at=delivery(2).delivered_at - timedelta(days=1)))
    assert stored.first_delivered_at() == delivery(2).delivered_at - timedelta(days=1)


def test_many_with_an_unknown_batch_raises(stored):
    stored.record(delivery(1))
    with pytest.raises(UnknownBatch, match="00000002"):
        stored.many([delivery(1).batch_id, delivery(2).batch_id])


def test_more_batches_than_one_statement_takes_are_asked_for_in_parts(stored, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    records = [stored.record(delivery(number)) for number in range(5)]
    ids = [record.batch_id for record in records]
    assert list(stored.many(ids).values()) == records
    stored.note_request(ids, "run-1")
    assert {record.attempts for record in stored.all()} == {1}
    stored.settle("raw_leads", ids, {ids[4]: ("too_large", "Send it in parts.")})
    assert set(stored.refusals(ids)) == {ids[4]}


def test_requests_are_counted_and_the_newest_run_key_kept(stored):
    for number in (1, 2):
        stored.record(delivery(number))
    stored.note_request([delivery(1).batch_id], "run-1")
    stored.note_request([delivery(1).batch_id], "run-2")
    assert stored.get(delivery(1).batch_id) == delivery(1, run_key="run-2", attempts=2)
    assert stored.get(delivery(2).batch_id) == delivery(2)


def test_a_delivery_is_unreported_until_its_report_is_noted_and_the_first_time_stays(stored):
    for number in (1, 2):
        stored.record(delivery(number))
    first, later = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    stored.note_reported([delivery(1).batch_id], first)
    stored.note_reported([delivery(1).batch_id], later)
    assert stored.unreported() == [delivery(2)]
    assert stored.get(delivery(1).batch_id).reported_at == first


def test_a_request_with_an_unknown_batch_notes_nothing(stored):
    stored.record(delivery(1))
    with pytest.raises(UnknownBatch):
        stored.note_request([delivery(1).batch_id, delivery(2).batch_id], "run-1")
    assert stored.get(delivery(1).batch_id).attempts == 0


def test_a_refusal_stands_until_it_is_cleared(stored):
    batch_id = stored.record(delivery(1)).batch_id
    stored.settle("raw_leads", [batch_id], {batch_id: ("encrypted", "Save it without a password.")})
    stored.settle("raw_leads", [batch_id], {batch_id: ("empty", "Send a file with rows.")})
    stored.settle("leads", [batch_id], {batch_id: ("not_reconciled", "Deliver it again.")})
    assert stored.refusals([batch_id, delivery(2).batch_id]) == {
        batch_id: (
            NotedRefusal(batch_id, "leads", "not_reconciled", "Deliver it again.", NOON),
            NotedRefusal(batch_id, "raw_leads", "empty", "Send a file with rows.", NOON),
        )
    }
    stored.settle("raw_leads", [batch_id], {})
    stored.settle("raw_leads", [batch_id], {})
    assert [refusal.step for refusal in stored.refusals([batch_id])[batch_id]] == ["leads"]


def test_settling_decides_about_the_named_batches_alone(stored):
    one, two, three = (stored.record(delivery(number)).batch_id for number in (1, 2, 3))
    for batch_id in (one, two, three):
        stored.settle("leads", [batch_id], {batch_id: ("old", "Old.")})
    stored.settle("leads", [one, two], {two: ("new", "New.")})
    found = stored.refusals([one, two, three])
    assert {batch_id: refusals[0].code for batch_id, refusals in found.items()} == {two: "new", three: "old"}


def test_a_refusal_of_an_unknown_batch_changes_nothing(stored):
    with pytest.raises(UnknownBatch):
        stored.settle("leads", [delivery(1).batch_id], {delivery(1).batch_id: ("old", "Old.")})
    with pytest.raises(ValueError, match="decided about"):
        stored.settle("leads", [], {delivery(1).batch_id: ("x", "X.")})


def test_without_a_schema_the_error_says_what_to_do(empty):
    with pytest.raises(
        EdgeFailed, match="start LeadScout once more" if not empty.is_sqlite else "application database"
    ):
        Deliveries(empty).all()
