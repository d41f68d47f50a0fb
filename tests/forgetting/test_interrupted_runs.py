"""What `leadscout run` keeps beside its report, outside the home: the home knows where, and a person is taken out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadscout_assets import pipeline
from leadscout_assets.cli.application import run_application
from leadscout_assets.errors import AlreadyRunning
from leadscout_assets.forgetting.forget import forget
from leadscout_assets.forgetting.request import request_of
from leadscout_assets.home import Home
from leadscout_assets.kept_steps import FOLDER
from leadscout_assets.resumable import kept_runs, resumables
from tests.forgetting.conftest import NOW
from tests.forgetting.test_lists import LIST

THANDI = request_of(["Thandi Nkosi"], ["0850000042"])

OTHERS = "EntityName,DirectorName,DirectorCell\nIBIS CATERING,PALESA TAU,0850000051\n"


@pytest.fixture
def platform(home, monkeypatch):
    monkeypatch.setattr("leadscout_assets.settings._in_use", home)
    found = Home(home)
    yield found
    found.database.close()


@pytest.fixture
def interrupt(tmp_path, monkeypatch):
    """Begins runs that are interrupted in a step, each of a list into a folder of its own outside the home."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def begin(name: str, text: str, *, at: str = "report") -> Path:
        (tmp_path / name).write_text(text)
        out = tmp_path / "out" / Path(name).stem
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, at, stop)
            patch.chdir(tmp_path)
            assert run_application(["run", name, "--out", str(out.relative_to(tmp_path))]) == 130
        return out

    return begin


@pytest.fixture
def over(monkeypatch):
    """The processes that began the runs live no more; here it is the test's own."""
    monkeypatch.setattr("leadscout_assets.resumable.is_alive", lambda *_: False)


def test_an_erasure_waits_for_a_run_that_is_under_way_and_has_done_nothing_by_then(platform, interrupt):
    interrupt("leads.csv", LIST)
    with pytest.raises(AlreadyRunning, match="under way"):
        forget(platform, THANDI, now=NOW)
    assert not platform.has_decisions
    assert forget(platform, THANDI, now=NOW, dry_run=True).places.rows == {}


def test_what_holds_the_person_is_removed_and_what_others_keep_can_still_be_gone_on_with(platform, interrupt, over):
    mine, others = interrupt("leads.csv", LIST), interrupt("others.csv", OTHERS)
    assert all((out / FOLDER).is_dir() for out in (mine, others))
    looked = forget(platform, THANDI, now=NOW, dry_run=True)
    assert looked.places.files["interrupted runs"] > 0
    done = forget(platform, THANDI, now=NOW)
    assert (done.changed["interrupted runs"], done.proof.gone) == (1, True)
    assert not (mine / FOLDER).exists()
    assert (others / FOLDER).is_dir()
    (left,) = resumables(platform.settings)
    assert "others.csv" in left.command


def test_one_whose_values_rows_of_others_hold_too_is_found_by_its_rows(platform, interrupt, over, tmp_path):
    out = interrupt("leads.csv", LIST)
    shared = tmp_path / "shared.csv"
    shared.write_text(LIST.replace("THANDI NKOSI", "AGNES NKOSI").replace("Thandi Nkosi", "Agnes Nkosi"))
    platform.deliver(shared, now=NOW)
    assert forget(platform, THANDI, now=NOW).changed["interrupted runs"] == 1
    assert not (out / FOLDER).exists()


def test_a_run_of_a_file_that_is_called_after_the_person_goes_as_well(platform, interrupt, over):
    out = interrupt("nkosi.csv", OTHERS)
    assert forget(platform, THANDI, now=NOW).changed["interrupted runs"] == 1
    assert not (out / FOLDER).exists()
    assert kept_runs(platform.settings) == []


def test_a_run_is_known_before_it_keeps_anything(platform, interrupt):
    out = interrupt("leads.csv", LIST, at="read")
    (known,) = kept_runs(platform.settings)
    assert known.folder.is_relative_to(out)
    assert known.pid is not None


def test_what_cannot_be_removed_is_said_and_the_erasure_is_not_done(platform, interrupt, over, monkeypatch):
    from leadscout_assets.errors import EdgeFailed
    from leadscout_assets.forgetting.forget import check_replayed

    out = interrupt("leads.csv", LIST)

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch, pytest.raises(EdgeFailed, match="Permission denied; mend that and repeat"):
        patch.setattr("leadscout_assets.resumable.shutil.rmtree", refuse)
        forget(platform, THANDI, now=NOW)
    with pytest.raises(EdgeFailed, match="not done in this home"):
        check_replayed(platform)
    assert forget(platform, THANDI, now=NOW).proof.gone
    assert not (out / FOLDER).exists()
