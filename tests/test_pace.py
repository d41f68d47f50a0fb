"""Shares of a part are shares of the whole, and what is told never passes the end."""

from __future__ import annotations

import pytest

from leadscout_assets.pace import part, told, untold


def test_a_part_tells_its_stretch_of_the_whole():
    heard: list[float] = []
    tell = part(part(heard.append, 0.5, 1.0), 0.0, 0.5)
    tell(0.0)
    tell(1.0)
    assert heard == [0.5, 0.75]


def test_items_are_told_after_they_were_worked_on():
    heard: list[float] = []
    for item in told("ab", 2, heard.append):
        assert len(heard) == "ab".index(item)
    assert heard == [0.5, 1.0]


def test_more_items_than_announced_are_not_more_than_all():
    heard: list[float] = []
    assert list(told([1, 2, 3], 2, heard.append)) == [1, 2, 3]
    assert heard == [0.5, 1.0, 1.0]


def test_what_is_told_may_end_the_work():
    def enough(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(told([1, 2], 2, enough))
    untold(1.0)
