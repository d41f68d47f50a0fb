"""Folders of personal data are their user's alone, whatever the umask, none that was there is changed, and a walk through one
leaves nothing out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import below, make_private


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_every_folder_that_is_made_on_the_way_is_private(tmp_path):
    make_private(tmp_path / "home" / "tables" / "leads")
    made = [tmp_path / "home", tmp_path / "home" / "tables", tmp_path / "home" / "tables" / "leads"]
    assert [mode(folder) for folder in made] == [0o700] * 3


def test_a_folder_that_is_there_keeps_its_mode_and_so_do_those_above(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    make_private(shared)
    make_private(shared / "reports")
    assert (mode(shared), mode(shared / "reports")) == (0o755, 0o700)


def test_making_it_again_is_no_fault(tmp_path):
    for _ in range(2):
        make_private(tmp_path / "home" / "tables")
    assert mode(tmp_path / "home") == 0o700


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_file_in_the_way_is_an_error_and_stays(tmp_path, folder):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):  # noqa: PT011  which one it is differs by place
        make_private(tmp_path / folder)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_relative_folder_is_made_where_the_process_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_private(Path("var") / "tables")
    assert mode(tmp_path / "var" / "tables") == 0o700


@pytest.fixture
def tree(tmp_path) -> Path:
    for path in ("home/b/file", "home/a/deep/file", "elsewhere/file", "elsewhere/in/file"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path / "home"


def paths(tree: Path, **options: object) -> list[str]:
    return [path.relative_to(tree).as_posix() for path in below(tree, **options)]  # type: ignore[arg-type]


def test_everything_below_is_walked_through_in_order(tree):
    assert paths(tree) == ["a", "a/deep", "a/deep/file", "b", "b/file"]
    assert paths(tree, apart_from=[tree / "a", tree / "missing"]) == ["a", "b", "b/file"]


def test_a_folder_that_is_linked_to_is_walked_through_once_and_no_link_leads_in_a_circle(tree):
    (tree / "a" / "linked").symlink_to(tree.parent / "elsewhere")
    (tree / "again").symlink_to(tree.parent / "elsewhere")
    (tree / "b" / "back").symlink_to(tree)
    (tree.parent / "elsewhere" / "in" / "back").symlink_to(tree / "a")
    linked = ["a/linked", "a/linked/file", "a/linked/in", "a/linked/in/back", "a/linked/in/file"]
    rest = ["again", "b", "b/back", "b/file"]
    assert paths(tree) == ["a", "a/deep", "a/deep/file", *linked, *rest]
    assert paths(tree, apart_from=[tree.parent / "elsewhere"]) == ["a", "a/deep", "a/deep/file", "a/linked", *rest]


def test_a_folder_that_is_not_there_holds_nothing(tree):
    assert paths(tree / "gone") == []


def test_what_cannot_be_looked_at_is_not_left_out_without_a_word(tree, monkeypatch):
    (tree / "b" / "old").symlink_to(tree.parent / "not mounted")
    with pytest.raises(EdgeFailed, match=r"^old is a link that leads nowhere"):
        paths(tree)

    def refuses(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuses)
    with pytest.raises(EdgeFailed, match="the folder home cannot be listed: Permission denied"):
        paths(tree)
