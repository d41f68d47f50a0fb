"""Folders of the home that lie elsewhere and are linked to: backed up like the others, whatever the link leads to."""

from __future__ import annotations

import shutil

import pytest

from leadscout_assets.errors import EdgeFailed
from tests.recovery.conftest import ONE, contents


def paths(living) -> set[str]:
    return {file.path for file in living.repository.newest().files}


@pytest.mark.parametrize(
    "folder", ["deliveries", "reports", f"reports/{ONE}", "tables", "tables/rejected_leads", "dagster/history", "keys"]
)
def test_a_folder_that_was_moved_to_another_disk_and_linked_back_is_in_the_backup(living, tmp_path, folder):
    living.back_up()
    before = paths(living)
    moved = tmp_path / "another disk"
    shutil.move(living.root / folder, moved)
    (living.root / folder).symlink_to(moved, target_is_directory=True)
    assert living.back_up().lost.sentence is None
    assert paths(living) == before
    living.restore(tmp_path / "restored")
    assert contents(tmp_path / "restored").keys() == {path for path in before if not path.endswith((".db", ".sqlite"))}
    assert not (tmp_path / "restored" / folder).is_symlink()


def test_a_link_back_to_a_folder_that_holds_it_is_not_followed(living):
    living.back_up()
    before = paths(living)
    for name, target in (("all", living.root), ("same", living.root / "reports"), ("saved", living.repository.root)):
        (living.root / "reports" / name).symlink_to(target, target_is_directory=True)
    (living.root / "dagster" / "history" / "again").symlink_to(living.root / "dagster")
    living.back_up()
    assert paths(living) == before


@pytest.mark.parametrize(
    "link", ["deliveries", "reports", f"reports/{ONE}/2026", "dagster/history/older", "tables", "tables/leads"]
)
def test_a_link_that_leads_nowhere_makes_no_backup(living, tmp_path, link):
    """A disk that is not mounted: its files would be missing in the backup, without a word."""
    shutil.rmtree(living.root / link, ignore_errors=True)
    (living.root / link).symlink_to(tmp_path / "not mounted")
    with pytest.raises(EdgeFailed, match=f"^{link.rpartition('/')[2]} is a link that leads nowhere"):
        living.back_up()
    assert living.repository.ids() == []
