"""Known leads in their tables: whatever the order, the interruptions and the repetitions, the same; and undone, as before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings

from leadscout_assets.contracts import KNOWN_LEAD_INDEX, KNOWN_LEAD_LINKS, KNOWN_LEADS, LEADS
from leadscout_assets.known_leads import Comparison, Joined, Removal, compare, join, remove, what_removal_does
from leadscout_assets.lead_tables import KNOWN_TABLES
from leadscout_assets.tables import Tables
from tests.identity.batches import OTHER, PERSON, batch_id, delivered, leads_of

MOVED = PERSON | {"registered_address": "1 Aloe Road, Paarl, 7646", "registered_address_city": "Paarl",
                  "registered_address_province": "WC"}  # fmt: skip
MISTYPED = PERSON | {"entity_name": "Baobab Plumbng CC"}
BRIDGE = PERSON | {"director_name": "Tandi Nkosi", "director_cell": None}


def take(tables: Tables, number: int, rows) -> Joined:
    """Deliver a batch as the chain does: its leads first, then what is known."""
    leads = leads_of(number, rows)
    tables.replace(LEADS, leads, [batch_id(number)])
    return join(tables, leads, delivered(number))


def stored(tables: Tables) -> list[list[dict[str, object]]]:
    """Return all that is known, in an order of its own."""
    frames = [tables.select(contract, []) for contract in KNOWN_TABLES]
    return [sorted(frame.to_pylist(), key=str) for frame in frames]


@pytest.fixture
def tables(tmp_path) -> Tables:
    return Tables(tmp_path / "tables")


class TestJoining:
    def test_the_first_batch_makes_every_lead_known(self, tables):
        assert take(tables, 1, [PERSON, OTHER]) == Joined(leads=2, first=2, exact=0, near=0)
        links = tables.read(KNOWN_LEAD_LINKS, [batch_id(1)])
        assert links["known_lead_id"].equals(links["lead_id"])

    def test_the_same_names_again_are_the_same_known_lead_and_a_typing_error_is_near(self, tables):
        take(tables, 1, [PERSON, OTHER])
        assert take(tables, 2, [MISTYPED, OTHER]) == Joined(leads=2, first=0, exact=1, near=1)
        (near,) = [row for row in tables.read(KNOWN_LEAD_LINKS, [batch_id(2)]).to_pylist() if row["how"] == "near"]
        assert near["score"] > 0.9
        assert {"business_close", "director_same", "cell_same", "place_same"} <= set(near["evidence"])
        assert tables.read(KNOWN_LEADS, [batch_id(1)]).num_rows == 2

    def test_the_newest_delivered_value_wins_also_when_the_older_batch_is_run_later(self, tables):
        take(tables, 3, [MOVED])
        take(tables, 1, [PERSON | {"keyword": "Plumber"}])
        (known,) = tables.select(KNOWN_LEADS, []).to_pylist()
        assert (known["city"], known["keyword"], known["batch_id"]) == ("Paarl", "Plumber", batch_id(1))
        assert known["source_batches"] == [batch_id(3), batch_id(1)]
        assert (known["place_source"], known["keyword_source"]) == (0, 1)

    def test_what_a_list_does_not_say_it_does_not_take_away(self, tables):
        take(tables, 1, [PERSON])
        take(tables, 2, [{name: PERSON[name] for name in ("entity_name", "director_name")}])
        (known,) = tables.select(KNOWN_LEADS, []).to_pylist()
        assert (known["director_cell"], known["city"]) == ("+27850000001", "Durban")

    def test_a_relative_in_the_same_business_is_another(self, tables):
        take(tables, 1, [PERSON])
        assert take(tables, 2, [PERSON | {"director_name": "Sipho Nkosi"}]).first == 1

    def test_a_company_of_the_same_owner_is_another(self, tables):
        take(tables, 1, [PERSON | {"entity_name": "Acacia Trading 245 CC"}])
        assert take(tables, 2, [PERSON | {"entity_name": "Acacia Trading 246 CC"}]).first == 1

    def test_a_batch_that_connects_two_known_leads_makes_them_one_and_taken_out_two(self, tables):
        first, second = PERSON, PERSON | {"director_name": "Tandi Nkosy", "director_cell": "0850000009"}
        take(tables, 1, [first])
        take(tables, 2, [second])
        before = stored(tables)
        assert tables.select(KNOWN_LEADS, []).num_rows == 2
        take(tables, 3, [PERSON | {"director_name": "Tandi Nkosi", "director_cell": None}])
        assert tables.select(KNOWN_LEADS, []).num_rows == 1
        remove(tables, batch_id(3))
        assert stored(tables) == before

    def test_repeating_a_batch_changes_nothing(self, tables):
        take(tables, 1, [PERSON, OTHER])
        take(tables, 2, [MISTYPED])
        before = stored(tables)
        take(tables, 2, [MISTYPED])
        take(tables, 1, [PERSON, OTHER])
        assert stored(tables) == before

    def test_a_batch_whose_rows_changed_leaves_nothing_of_the_old_ones(self, tables):
        take(tables, 1, [PERSON, OTHER])
        take(tables, 1, [OTHER])
        assert tables.select(KNOWN_LEADS, [])["director_surname"].to_pylist() == ["Botha"]

    def test_several_batches_at_once_are_as_one_after_the_other(self, tables, tmp_path):
        rows = {1: [PERSON, OTHER], 2: [MISTYPED], 3: [MOVED]}
        for number, some in rows.items():
            take(tables, number, some)
        together = Tables(tmp_path / "together")
        leads = pa.concat_tables([leads_of(number, some) for number, some in rows.items()])
        together.replace(LEADS, leads, [batch_id(number) for number in rows])
        join(together, leads, delivered(*rows))
        assert stored(together) == stored(tables)

    @pytest.mark.parametrize(
        "order", [(3, 1, 2), *(pytest.param(o, marks=pytest.mark.soak) for o in permutations((1, 2, 3)))]
    )
    def test_the_order_of_runs_does_not_matter(self, tables, tmp_path, order):
        rows = {1: [PERSON, OTHER], 2: [MISTYPED, BRIDGE], 3: [MOVED, OTHER]}
        for number in rows:
            take(tables, number, rows[number])
        other = Tables(tmp_path / "other")
        for number in order:
            take(other, number, rows[number])
        assert stored(other) == stored(tables)


VARIANTS = (PERSON, MOVED, MISTYPED, BRIDGE, OTHER, OTHER | {"director_name": "Botha Petrus"})


BATCHES = st.lists(st.lists(st.sampled_from(VARIANTS), max_size=3), min_size=2, max_size=4)


@settings(max_examples=2)
@given(BATCHES, st.data())
def test_taking_any_batch_out_leaves_what_the_others_alone_make_in_whatever_order_they_came(
    tmp_path_factory, rows, data
):
    _take_out(tmp_path_factory, rows, data)


@pytest.mark.soak
@settings(max_examples=100)
@given(BATCHES, st.data())
def test_the_same_often(tmp_path_factory, rows, data):
    _take_out(tmp_path_factory, rows, data)


def _take_out(tmp_path_factory, rows, data) -> None:
    numbers = list(range(1, len(rows) + 1))
    taken_out = data.draw(st.sampled_from(numbers))
    folder = tmp_path_factory.mktemp("known")
    tables, without = Tables(folder / "with"), Tables(folder / "without")
    for number in data.draw(st.permutations(numbers)):
        take(tables, number, rows[number - 1])
        if number != taken_out:
            take(without, number, rows[number - 1])
    foreseen = what_removal_does(tables, batch_id(taken_out))
    assert remove(tables, batch_id(taken_out)) == foreseen
    assert stored(tables) == (stored(without) if without.root.exists() else [[], [], []])
    assert remove(tables, batch_id(taken_out)) == Removal(0, 0, 0)


class TestRemoving:
    def test_it_says_what_is_forgotten_restored_and_kept(self, tables):
        take(tables, 1, [PERSON, OTHER])
        take(tables, 2, [MOVED, OTHER | {"keyword": "Transport"}, PERSON | {"entity_name": "New Works"}])
        take(tables, 3, [MOVED])
        assert remove(tables, batch_id(2)) == Removal(forgotten=1, restored=1, kept=1)
        cities = tables.select(KNOWN_LEADS, [])["city"].to_pylist()
        assert sorted(cities) == ["Durban", "Paarl"]


class TestComparing:
    def test_it_counts_new_changed_and_unchanged_without_writing(self, tables):
        take(tables, 1, [PERSON, OTHER])
        before = stored(tables)
        leads = leads_of(5, [MOVED, OTHER, PERSON | {"entity_name": "New Works"}])
        assert compare(tables, leads, batch_id(5)) == Comparison(new=1, changed=1, unchanged=1, fields={"place": 1})
        assert stored(tables) == before

    def test_before_the_first_batch_all_are_new_and_nothing_is_made(self, tables):
        assert compare(tables, leads_of(1, [PERSON]), batch_id(1)).new == 1
        assert not tables.root.exists()

    def test_a_list_that_says_less_changes_nothing(self, tables):
        take(tables, 1, [PERSON])
        less = leads_of(5, [{name: PERSON[name] for name in ("entity_name", "director_name")}])
        assert compare(tables, less, batch_id(5)).unchanged == 1


class TestInterruptions:
    @pytest.mark.parametrize(
        "table", [KNOWN_TABLES[1].name, *(pytest.param(t.name, marks=pytest.mark.soak) for t in KNOWN_TABLES)]
    )
    def test_a_kill_between_two_tables_is_made_good_by_whoever_comes_next(self, tmp_path, table):
        whole, torn = Tables(tmp_path / "whole"), Tables(tmp_path / "torn")
        for tables in (whole, torn):
            take(tables, 2, [PERSON])
            tables.replace(LEADS, leads_of(1, [MISTYPED, OTHER]), [batch_id(1)])
        join(whole, leads_of(1, [MISTYPED, OTHER]), delivered(1))
        _kill_while_joining(torn, table)
        assert compare(torn, leads_of(9, [OTHER]), batch_id(9)).unchanged == 1
        assert stored(torn) == stored(whole)

    def test_batches_joined_at_once_are_as_if_one_came_after_the_other(self, tables, tmp_path):
        rows = {number: [PERSON, OTHER, MISTYPED][: number % 3 + 1] for number in range(1, 4)}
        for number, some in rows.items():
            tables.replace(LEADS, leads_of(number, some), [batch_id(number)])

        def joined(number: int) -> None:
            join(Tables(tables.root), leads_of(number, rows[number]), delivered(number))

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(joined, rows))
        orderly = Tables(tmp_path / "orderly")
        for number, some in rows.items():
            take(orderly, number, some)
        assert stored(tables) == stored(orderly)


def _kill_while_joining(tables: Tables, table: str) -> None:
    def killed(contract, frame, batches):
        if contract.name == table:
            raise KeyboardInterrupt
        Tables.replace(tables, contract, frame, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            join(tables, leads_of(1, [MISTYPED, OTHER]), delivered(1))


def test_every_row_fits_its_contract(tables):
    from leadscout_assets.contract_check import judge_contract

    take(tables, 1, [PERSON, OTHER])
    take(tables, 2, [MISTYPED])
    for contract in (KNOWN_LEADS, KNOWN_LEAD_LINKS, KNOWN_LEAD_INDEX):
        rows = tables.select(contract, [])
        verdicts = judge_contract(contract, rows, pc.unique(rows["batch_id"]).to_pylist())
        assert all(verdict.passed for verdict in verdicts.values()), verdicts
