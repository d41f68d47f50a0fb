"""Services of others: what keeps one from its work is told with what to do, and none of it keeps the platform from its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.database.models import llm_providers
from leadscout_assets.external_services import Service, external_services
from leadscout_assets.health import CHECKS, OK, WARN, Examiner, State
from leadscout_assets.home import Home
from leadscout_assets.settings import Settings
from tests.alerts.conftest import message

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WEBHOOK = {
    "alert_webhook_url": SecretStr("https://alerts.example.org/in"),
    "alert_webhook_secret": SecretStr("of nobody's"),
}
MODEL = {"llm_providers": "local/own", "llm_prices": "local/own=0:0", "llm_unmeasured": True}


@pytest.fixture
def listening() -> Iterator[str]:
    """A server of one's own that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


@pytest.fixture
def store(home) -> Iterator[DatabaseStore]:
    opened = Home(home)
    yield DatabaseStore(opened.database)
    opened.database.close()


def checked(settings: Settings) -> State:
    health = Examiner(settings, {"external_services": CHECKS["external_services"]}).examine(
        expect_platform=False, seconds=60
    )
    assert health.ready
    return health.states["external_services"]


def test_a_fresh_home_uses_none_and_gets_no_database_by_being_asked(home):
    assert checked(home) == State(OK, "none in use")
    assert not home.home.exists()


def test_a_channel_whose_messages_wait_after_a_failure_is_told_until_they_are_sent(home, store):
    settings = home.model_copy(update=WEBHOOK)
    store.save(store.memory(), now=NOW, messages=[message("one"), message("two")], channels=["log", "webhook"])
    assert checked(settings) == State(OK, "1 in use, none known to fail")  # they wait for their first attempt
    taken = store.claim(NOW, ["webhook"])
    for one in taken:
        store.settle(one.number, sent_at=None, again_at=NOW, error="the server answered 503")
    found = checked(settings)
    assert found.state == WARN
    assert "alerts by webhook: 2 messages wait to be tried again (the server answered 503" in found.sentence
    assert "leadscout alerts list" in found.sentence
    for one in taken:
        store.settle(one.number, sent_at=NOW, again_at=None, error=None)
    assert checked(settings).state == OK


def test_a_channel_that_is_set_up_by_half_is_told_without_its_address(home):
    settings = home.model_copy(update={"alert_webhook_url": SecretStr("https://alerts.example.org/in")})
    found = checked(settings)
    assert found.state == WARN
    assert "LEADSCOUT_ALERT_WEBHOOK_SECRET" in found.sentence
    assert "example.org" not in found.sentence


def test_a_model_that_takes_no_connection_is_told_with_what_to_do(home, listening):
    settings = home.model_copy(update={**MODEL, "llm_local_url": listening})
    assert external_services(settings) == [Service("local/own")]
    found = checked(settings.model_copy(update={"llm_local_url": "http://127.0.0.1:9/v1"}))
    assert found.state == WARN
    assert "local/own: does not answer at its address" in found.sentence
    assert "LEADSCOUT_LLM_LOCAL_URL" in found.sentence


def test_a_model_that_is_left_alone_after_failures_is_told_while_it_is(home, store, listening):
    settings = home.model_copy(update={**MODEL, "llm_local_url": listening})
    with Home(home).database.begin() as connection:
        connection.execute(llm_providers.insert().values(name="local", failures=3, opened_at=NOW, probed_at=NOW))
    (told,) = external_services(settings, NOW + timedelta(seconds=5))
    assert "left alone for a while" in str(told.fault)
    assert external_services(settings, NOW + timedelta(hours=1)) == [Service("local/own")]


def test_a_database_that_does_not_answer_is_no_reason_of_this_check_to_send_no_work(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://scout:s3cret@127.0.0.1:1/leads?connect_timeout=1")
    from leadscout_assets.settings import read_settings

    found = checked(read_settings())
    assert found.state == WARN
    assert "s3cret" not in found.sentence
