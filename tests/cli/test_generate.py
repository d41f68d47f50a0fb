"""`leadscout generate`: the same file for the same seed, and a sentence where there can be none."""

from __future__ import annotations

import pytest

from leadscout_assets.leads.counting import count_rows
from leadscout_assets.pipeline import read_limits


def test_generate_writes_the_same_file_for_the_same_seed(leadscout, tmp_path):
    one, two, other = tmp_path / "a" / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv"
    for path, seed in ((one, 5), (two, 5), (other, 6)):
        found = leadscout("generate", "--rows", 20, "--seed", seed, "--out", path)
        assert (found.code, found.out.strip()) == (0, str(path))
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("name", ["leads", "leads.xls", "leads.txt"])
def test_generate_makes_only_what_it_can(leadscout, tmp_path, name):
    found = leadscout("generate", "--rows", 5, "--out", tmp_path / name)
    assert found.code == 2
    assert not (tmp_path / name).exists()


def test_generate_says_where_it_cannot_write(leadscout, tmp_path):
    (tmp_path / "taken").write_text("a file")
    found = leadscout("generate", "--rows", 5, "--out", tmp_path / "taken" / "leads.csv")
    assert found.code == 2
    assert "--out" in found.err


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_it_makes_as_many_rows_as_asked_for(leadscout, home, tmp_path, ending):
    path = tmp_path / f"leads.{ending}"
    assert leadscout("generate", "--rows", 25, "--out", path).code == 0
    assert count_rows(path, limits=read_limits(home), sheet=None) == 25
