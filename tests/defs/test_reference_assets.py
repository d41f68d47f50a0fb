"""What names are classified with, rebuilt and measured in Dagster."""

import json
import time

import dagster as dg
import pytest

from leadscout_assets.defs import reference_assets
from leadscout_assets.defs.reference_assets import name_evaluation, name_lexicon, name_model, reference_sensor
from leadscout_assets.names.baseline import load_baseline
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.progress.files import all_files


def checks_of(result):
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def metadata_of(result, asset):
    (materialization,) = result.asset_materializations_for_node(asset)
    return materialization.metadata


@pytest.fixture(scope="module")
def whole():
    return dg.materialize([name_lexicon, name_model, name_evaluation])


def test_the_shipped_model_is_rebuilt_and_no_figure_has_fallen(whole):
    assert whole.success
    checks = checks_of(whole)
    assert set(checks) == {"shipped_model", "frozen_baseline"}
    assert all(check.passed for check in checks.values()), {name: one.description for name, one in checks.items()}


def test_metadata_show_version_figures_and_charts_but_no_name(whole):
    shown = metadata_of(whole, "name_evaluation")
    assert shown["model_version"].value == load_classifier().version
    assert shown["macro_f1_three"].value == load_baseline().figures["macro_f1_three"]
    assert "data:image/svg+xml" in shown["charts"].value
    assert metadata_of(whole, "name_lexicon")["elements"].value >= 8_000


def test_where_the_cases_are_not_installed_the_frozen_figures_are_shown(monkeypatch):
    monkeypatch.setattr(reference_assets, "find_cases", lambda: None)
    result = dg.materialize([name_evaluation])
    (check,) = checks_of(result).values()
    assert check.passed
    assert "not installed" in check.description
    assert metadata_of(result, "name_evaluation")["answered"].value == load_baseline().figures["answered"]


def test_a_model_that_the_lexicon_does_not_give_fails_its_check(monkeypatch):
    monkeypatch.setattr(reference_assets, "differences", lambda one, other: ["shares"])
    monkeypatch.setattr(reference_assets, "build_knowledge", lambda lexicon: _Other())
    result = dg.materialize([name_model], raise_on_error=False)
    (check,) = checks_of(result).values()
    assert not check.passed
    assert "make name-model" in check.description


def test_building_the_model_is_seen_while_it_takes_long(home, monkeypatch):
    home.home.mkdir(parents=True)
    monkeypatch.setattr("leadscout_assets.defs.run_log.LONG_SECONDS", 0.01)
    seen: list[str] = []

    def build(_: object) -> None:
        deadline = time.monotonic() + 60
        while not (files := all_files(home.progress_dir)) and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.extend(json.loads(file.read_text())["operation"] for file in files)
        raise ZeroDivisionError

    monkeypatch.setattr(reference_assets, "build_knowledge", build)
    result = dg.materialize([name_model], raise_on_error=False)
    assert seen == ["name_model"]
    (file,) = all_files(home.progress_dir)
    told = json.loads(file.read_text())
    assert (told["state"], told["run_id"]) == ("failed", result.run_id)


class _Other:
    content_hash = "another"

    def arrays(self):
        return {}


def test_a_new_version_is_shown_as_shipped_at_once_and_its_run_asked_for_at_the_next_look():
    with dg.DagsterInstance.ephemeral() as instance:
        first = reference_sensor(dg.build_sensor_context(instance=instance))
        shown = {event.asset_key.to_user_string(): event.metadata for event in first.asset_events}
        assert set(shown) == {"name_lexicon", "name_model", "name_evaluation"}
        assert shown["name_lexicon"]["elements"].value >= 8_000
        assert shown["name_evaluation"]["answered"].value == load_baseline().figures["answered"]
        again = reference_sensor(dg.build_sensor_context(instance=instance, cursor=first.cursor))
        assert again.run_key == load_classifier().version == first.cursor
