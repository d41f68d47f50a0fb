"""Finished steps are kept until the run has succeeded, used only for the same input, and never half there."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.kept_steps import FOLDER, KeptSteps, finished_in

BASIS = {"input": "a" * 64}
TABLE = pa.table({"row": [1, 2, 3], "text": ["x", None, "z"]})


def kept(folder, *, basis=BASIS, resume=True) -> KeptSteps:
    return KeptSteps(folder, "a" * 64, basis, resume=resume)


def never() -> tuple[pa.Table, ...]:
    pytest.fail("made again")


@pytest.fixture
def interrupted(tmp_path):
    """A folder with one finished step of two tables."""
    steps = kept(tmp_path)
    steps.about["day"] = "2026-03-02"
    steps.step("one", lambda: (TABLE, TABLE.slice(1)))
    steps.close()
    return tmp_path


def test_a_finished_step_is_not_done_again(interrupted):
    again = kept(interrupted)
    assert again.about == {"day": "2026-03-02"}
    one, two = again.step("one", never)
    assert (one, two) == (TABLE, TABLE.slice(1))
    assert again.used == ["one"]
    again.close()


def test_it_is_done_again_unless_asked_to_go_on(interrupted):
    steps = kept(interrupted, resume=False)
    assert steps.step("one", lambda: (TABLE,)) == (TABLE,)
    assert steps.used == []
    steps.close()


def test_another_input_setting_or_version_uses_nothing(interrupted):
    steps = kept(interrupted, basis={"input": "b" * 64})
    assert (steps.finished, steps.about) == ([], {})
    steps.close()


def test_what_is_no_longer_usable_is_made_again(interrupted):
    steps = kept(interrupted)
    assert steps.step("one", lambda: (TABLE,), usable=lambda _: False) == (TABLE,)
    steps.close()


@pytest.mark.parametrize("bytes_left", [0, 100])
def test_a_file_that_was_cut_is_made_again(interrupted, bytes_left):
    (path,) = interrupted.glob(f"{FOLDER}/*/one-0.arrow")
    path.write_bytes(path.read_bytes()[:bytes_left])
    steps = kept(interrupted)
    assert steps.step("one", lambda: (TABLE,)) == (TABLE,)
    steps.close()


def test_a_state_that_cannot_be_read_keeps_nothing(interrupted):
    (path,) = interrupted.glob(f"{FOLDER}/*/state.json")
    path.write_text("{")
    steps = kept(interrupted)
    assert steps.finished == []
    assert finished_in(path.parent) == []
    steps.close()


def test_nothing_is_left_once_it_has_succeeded(interrupted):
    steps = kept(interrupted)
    assert finished_in(steps.folder) == ["one"]
    steps.remove()
    assert list(interrupted.iterdir()) == []


def test_a_neighbour_keeps_its_own(interrupted):
    other = KeptSteps(interrupted, "b" * 64, BASIS, resume=False)
    other.step("one", lambda: (TABLE,))
    other.remove()
    assert kept(interrupted).finished == ["one"]


def test_nothing_is_written_before_the_first_step_is_done(tmp_path):
    steps = kept(tmp_path / "out")
    steps.remove()
    assert not (tmp_path / "out").exists()


def test_a_second_run_of_the_same_file_works_and_keeps_nothing(tmp_path):
    first, second = kept(tmp_path), kept(tmp_path)
    first.step("one", lambda: (TABLE,))
    assert second.step("one", lambda: (TABLE.slice(2),)) == (TABLE.slice(2),)
    second.remove()
    assert finished_in(first.folder) == ["one"]
    first.close()


def test_what_is_kept_is_for_this_user_alone(interrupted):
    assert all(path.stat().st_mode & 0o077 == 0 for path in interrupted.glob(f"{FOLDER}/*"))


def test_a_full_disk_is_said_in_a_sentence(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    steps = kept(tmp_path)
    monkeypatch.setattr(pa, "OSFile", full)
    with pytest.raises(EdgeFailed, match="No space"):
        steps.step("one", lambda: (TABLE,))
    steps.close()
