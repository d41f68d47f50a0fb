"""`leadscout backfill`: which batches, where they are run, and what the exit code says of them."""

from __future__ import annotations

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.supervisor.lock import hold_home
from tests.defs.ground import BROKEN, small_list


@pytest.mark.parametrize(
    "arguments", [(), ("--all", "--since", "2026-01-01"), ("2026-03-02_list_0123abcd", "--all"), ("--until", "2026-01-01"), ("--all", "--until", "2026-01-01")]
)  # fmt: skip
def test_backfill_wants_to_be_told_exactly_once_which_batches(leadscout, arguments):
    found = leadscout("backfill", *arguments)
    assert found.code == 2
    assert "say which batches" in found.err


@pytest.mark.parametrize("arguments", [("2026-03-02_list_0123abcd",), ("--all",), ("--since", "2026-01-01")])
def test_backfill_of_what_was_never_delivered_is_bad_input(leadscout, arguments):
    assert leadscout("backfill", *arguments).code == 2


@pytest.fixture
def delivered(leadscout, tmp_path):
    """Deliver files with these contents; return their batches."""

    def deliver(*contents: str | bytes) -> list[str]:
        batches = []
        for number, content in enumerate(contents):
            path = tmp_path / f"leads {number}.{'csv' if isinstance(content, str) else 'xlsx'}"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            batches.append(leadscout("deliver", path, "--json").json["batch_id"])
        return batches

    return deliver


def test_without_a_platform_the_batches_are_run_in_this_process(leadscout, delivered):
    delivered(small_list(1), small_list(2))
    found = leadscout("backfill", "--all")
    assert (found.code, found.out) == (0, "run 1 of 1: 2 batches done\n")
    assert {batch["state"] for batch in leadscout("batches", "--json").json} == {"reported"}


def test_deliveries_a_backfill_and_its_run_are_in_the_audit_trail(leadscout, delivered):
    batches = delivered(small_list(1), small_list(2))
    assert leadscout("backfill", "--all").code == 0
    told = [(event["action"], event["subject"]) for event in leadscout("audit", "--json").json]
    assert told == [
        ("delivery.recorded", batches[0]), ("delivery.recorded", batches[1]), ("backfill.started", None), ("run.started", None),
    ]  # fmt: skip
    run = leadscout("audit", "--json").json[-1]
    assert sorted(run["detail"]["batches"]) == sorted(batches)


def test_a_backfill_for_a_purpose_that_is_not_registered_is_refused_and_recorded(leadscout, delivered, monkeypatch):
    (batch,) = delivered(small_list(1))
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "market research 2026")
    found = leadscout("backfill", batch)
    assert (found.code, "Register yours" in found.err) == (2, True)
    assert leadscout("audit", "--json").json[-1]["action"] == "purpose.refused"


def test_a_refused_batch_exits_1_and_is_named_with_the_reason_and_the_others_are_reported(leadscout, delivered):
    good, broken = delivered(small_list(1), BROKEN)
    found = leadscout("backfill", good, broken)
    assert (found.code, found.out) == (1, "run 1 of 1: 2 batches done\n")
    assert f"{broken}: " in found.err
    assert good not in found.err
    states = {batch["batch_id"]: batch["state"] for batch in leadscout("batches", "--json").json}
    assert states == {good: "reported", broken: "refused"}


class TestOnThePlatform:
    @pytest.fixture
    def up(self, home, monkeypatch):
        """A platform that takes every run under the name `abc`; holds what it was asked for."""
        asked: list[tuple[str, list[str]]] = []

        def launch(url, batches):
            asked.append((url, list(batches)))
            return "abc"

        monkeypatch.setattr("leadscout_assets.defs.ui.launch_on_platform", launch)
        with hold_home(home.home):
            yield asked

    @staticmethod
    def ends(monkeypatch, result):
        def wait_for(instance, run_id, *, platform_is_up, sleep):
            assert platform_is_up()
            sleep(0.0)
            assert run_id == "abc"
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr("leadscout_assets.defs.execution.wait_for", wait_for)

    def test_it_is_the_platform_that_runs_them(self, leadscout, delivered, monkeypatch, up):
        batches = delivered(small_list(1), small_list(2))
        self.ends(monkeypatch, True)
        assert leadscout("backfill", "--all").out == "run 1 of 1: 2 batches done\n"
        assert up == [("http://127.0.0.1:3000", batches)]

    def test_a_run_that_fails_exits_3(self, leadscout, delivered, monkeypatch, up):
        delivered(small_list(1))
        self.ends(monkeypatch, False)
        found = leadscout("backfill", "--all")
        assert (found.code, found.out) == (3, "run 1 of 1: 1 batches failed\n")

    def test_a_platform_that_ends_meanwhile_exits_3_with_its_sentence(self, leadscout, delivered, monkeypatch, up):
        delivered(small_list(1))
        self.ends(monkeypatch, EdgeFailed("put it right"))
        found = leadscout("backfill", "--all")
        assert (found.code, found.out, found.err) == (3, "", "leadscout: put it right\n")
