"""Reviews as they are stored: added and never changed, the same twice is once, and deleted without a trace."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscout_assets.database.engine import Database
from leadscout_assets.database.reviews import Reviews, Stored
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.reviews.checking import Given
from leadscout_assets.reviews.standing import remembered, standing
from leadscout_assets.terms import ReviewKind
from tests.reviews.samples import BATCH, NAME_HASH, START, lead_id, question

ONE, TWO, INITIALS = question(1, "sipho dlamini", "african"), question(2, "ann nel"), question(3, "j nel", full=False)


@pytest.fixture
def reviews(database: Database) -> Reviews:
    found = Reviews(database)
    found.ask([ONE, TWO, INITIALS])
    return found


def said(question, origin="african", language=None, note=None) -> Given:
    return Given(question, origin, language, note)


def by_ann(reviews: Reviews, *answers: Given) -> Stored:
    return reviews.store(answers, kind=ReviewKind.REVIEWER, reviewer="Ann", at=START)


def test_questions_come_back_as_they_were_asked_and_asking_again_changes_nothing(reviews):
    reviews.ask([ONE])
    assert list(reviews.questions().values()) == [ONE, TWO, INITIALS]
    assert reviews.questions([TWO.question_id, "0000000000-9"]) == {TWO.question_id: TWO}
    assert reviews.questions([]) == {}


def test_an_answer_comes_back_with_who_when_and_what_it_answers(reviews):
    assert by_ann(reviews, said(ONE, language="isizulu", note="several_possible")) == Stored(1, 0)
    (review,) = reviews.all()
    assert (review.question_id, review.batch_id, review.lead_id) == (ONE.question_id, BATCH, lead_id(1))
    assert (review.origin, review.language, review.note) == ("african", "isizulu", "several_possible")
    assert (review.kind, review.reviewer, review.at) == (ReviewKind.REVIEWER, "Ann", START)
    assert review.name_hash == NAME_HASH("sipho dlamini")
    assert reviews.answered_leads() == {lead_id(1)}


def test_the_same_answers_again_add_nothing_and_a_changed_mind_is_a_new_row(reviews):
    by_ann(reviews, said(ONE), said(TWO))
    assert by_ann(reviews, said(ONE), said(TWO, "european")) == Stored(1, 1)
    assert [(review.lead_id, review.origin) for review in reviews.all()] == [
        (lead_id(1), "african"),
        (lead_id(2), "african"),
        (lead_id(2), "european"),
    ]


def test_reviewers_are_told_apart_and_a_person_s_own_word_is_one_source(reviews):
    by_ann(reviews, said(ONE))
    for who, kind, stored in (
        ("Ben", ReviewKind.REVIEWER, Stored(1, 0)),
        ("desk", ReviewKind.SELF_DECLARED, Stored(1, 0)),
        ("another desk", ReviewKind.SELF_DECLARED, Stored(0, 1)),
    ):
        assert reviews.store([said(ONE)], kind=kind, reviewer=who) == stored


def test_a_name_that_is_not_full_is_stored_without_its_hash(reviews):
    by_ann(reviews, said(INITIALS))
    assert reviews.all()[0].name_hash is None


def test_four_who_store_the_same_at_once_store_it_once(reviews):
    done: list[Stored] = []
    threads = [threading.Thread(target=lambda: done.append(by_ann(reviews, said(ONE), said(TWO)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.new for one in done) == [0, 0, 0, 2]
    assert len(reviews.all()) == 2


def test_forgetting_deletes_answers_and_questions_of_the_leads_alone_and_names_their_batches(reviews):
    by_ann(reviews, said(ONE), said(ONE, "indian"), said(TWO))
    gone = reviews.forget([lead_id(1)])
    assert (gone.reviews, gone.questions, gone.batches) == (2, 1, (BATCH,))
    assert [review.lead_id for review in reviews.all()] == [lead_id(2)]
    assert set(reviews.questions()) == {TWO.question_id, INITIALS.question_id}
    again = reviews.forget([lead_id(1), lead_id(99)])
    assert (again.reviews, again.questions, again.batches) == (0, 0, ())


def test_forgetting_by_name_deletes_what_was_said_of_everybody_of_that_name(reviews):
    by_ann(reviews, said(ONE), said(TWO))
    assert reviews.forget([], [NAME_HASH("ann nel")]).reviews == 1
    assert [review.lead_id for review in reviews.all()] == [lead_id(1)]


def test_questions_on_a_batch_can_go_while_what_people_said_stays(reviews):
    by_ann(reviews, said(ONE))
    assert reviews.forget_questions([BATCH]) == 3
    assert (reviews.questions(), len(reviews.all())) == ({}, 1)


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_of_what_was_forgotten_is_left_in_any_file_of_the_database(sqlite):
    """Free pages, cells of pages in use, and the write-ahead log keep what a delete alone takes out of sight."""
    folder, reviews = Path(str(sqlite.url.database)).parent, Reviews(sqlite)
    many = [question(n, f"name {n}") for n in range(400)]
    reviews.ask(many)
    reviews.store([said(one) for one in many], kind=ReviewKind.REVIEWER, reviewer="Ann")
    gone, kept = many[137], many[138]
    traces = (gone.lead_id, gone.name_hash, gone.question_id)
    assert all(trace.encode() in bytes_below(folder) for trace in traces)
    reviews.forget([gone.lead_id])
    left = bytes_below(folder)
    assert [trace for trace in traces if trace.encode() in left] == []
    assert kept.lead_id.encode() in left
    assert len(reviews.all()) == 399


def test_a_reader_that_stays_keeps_the_log_and_the_failure_says_so(sqlite, monkeypatch):
    monkeypatch.setattr("leadscout_assets.database.engine.BUSY_SECONDS", 0.1)
    impatient = Database(sqlite.url.render_as_string())
    reviews = Reviews(impatient)
    reviews.ask([ONE])
    with sqlite.read() as connection:
        connection.execute(sa.text("SELECT * FROM review_questions")).all()
        with pytest.raises(EdgeFailed, match="SQLITE_BUSY"):
            reviews.forget([lead_id(1)])
    assert reviews.forget([lead_id(1)]).questions == 0
    assert lead_id(1).encode() not in bytes_below(Path(str(sqlite.url.database)).parent)
    impatient.close()


@pytest.mark.postgres
def test_postgres_writes_the_tables_anew_without_what_was_forgotten(postgres_url):
    from leadscout_assets.database.engine import upgrade

    database = Database(postgres_url)
    upgrade(database)
    reviews = Reviews(database)
    reviews.ask([ONE, TWO])

    def pages() -> tuple[str, str]:
        with database.read() as connection:
            row = connection.execute(
                sa.text("SELECT pg_relation_filenode('reviews'), pg_relation_filenode('review_questions')")
            ).one()
            return tuple(row)

    before = pages()
    reviews.forget([lead_id(1)])
    assert not set(before) & set(pages())
    database.close()


answer = st.tuples(
    st.sampled_from([ONE, TWO, INITIALS]),
    st.sampled_from(["african", "indian", "cannot_tell"]),
    st.sampled_from(["Ann", "Ben"]),
)


@given(st.lists(answer, max_size=6))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_storing_any_history_s_last_answers_again_adds_nothing(sqlite, history):
    reviews = Reviews(sqlite)
    with sqlite.begin() as connection:
        connection.execute(sa.text("DELETE FROM reviews"))
    last: dict[tuple[str, str], tuple] = {}
    for asked, origin, who in history:
        reviews.store([said(asked, origin)], kind=ReviewKind.REVIEWER, reviewer=who)
        last[asked.lead_id, who] = (asked, origin, who)
    before = reviews.all()
    for asked, origin, who in last.values():
        assert reviews.store([said(asked, origin)], kind=ReviewKind.REVIEWER, reviewer=who) == Stored(0, 1)
    assert reviews.all() == before
    assert len(remembered(before, str).verified) == len(standing(before).counts)
