"""The chart of a history: a point per run, a band where they were expected, nothing from outside the page."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from leadscout_assets.reports.history_chart import FLOOR, TOP, Mark, Point, _round_up, draw_history

SVG = "{http://www.w3.org/2000/svg}"


def usual(value: float) -> Point:
    return Point(value, Mark.USUAL, f"{value} s")


def banded(value: float) -> Point:
    return Point(value, Mark.USUAL, f"{value} s", 8, 10, 12)


def nodes(svg: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}{name}"))


def test_each_run_is_a_point_higher_the_more_it_took_and_tells_itself():
    found = nodes(draw_history("Seconds", [usual(1), usual(2), usual(4)]), "circle")
    heights = [float(node.attrib["cy"]) for node in found]
    assert heights == sorted(heights, reverse=True)
    assert all(TOP <= height <= FLOOR for height in heights)
    assert [node[0].text for node in found] == ["1 s", "2 s", "4 s"]


def test_what_is_told_is_escaped():
    svg = draw_history("a < b", [Point(1, Mark.WORSE, "<script>&")])
    assert "<script" not in svg
    assert nodes(svg, "circle")[0][0].text == "<script>&"


def test_a_band_covers_the_runs_that_had_one_in_as_many_pieces_as_there_are():
    svg = draw_history("Seconds", [usual(9), banded(9), banded(10), usual(9), banded(30)])
    assert svg.count('Z"') == 2


def test_failed_runs_are_crosses_and_incidents_are_hollow():
    svg = draw_history("Seconds", [Point(1, Mark.FAILED, "failed"), Point(1, Mark.INCIDENT, "disk full")])
    (circle,) = nodes(svg, "circle")
    assert circle.attrib["fill"] == "#ffffff"
    assert any("failed" in (title.text or "") for title in nodes(svg, "title"))


def test_an_accepted_step_is_a_line_before_its_first_run():
    svg = draw_history("Seconds", [usual(1), usual(1), usual(2)], steps=[2])
    assert "accepted" in [node.text for node in nodes(svg, "text")]
    assert svg.count("stroke-dasharray") == 1


def test_no_runs_are_no_picture_and_nothing_taken_is_still_one():
    assert draw_history("Seconds", []) == ""
    assert nodes(draw_history("Seconds", [usual(0)]), "circle")


@pytest.mark.parametrize(
    ("value", "end"),
    [(0, 1), (0.0031, 0.005), (0.02, 0.02), (0.9, 1), (1, 1), (7, 10), (23, 25), (999, 1_000), (1_001, 2_000)],
)
def test_an_axis_ends_at_a_round_number(value, end):
    assert _round_up(value) == pytest.approx(end)
