"""The pictures: well-formed, whole, and the same for the same cells."""

from xml.etree import ElementTree

import pytest

from leadscout_assets.reports.charts import WIDTH, draw
from leadscout_assets.reports.document import Cell, Chart, Column, Kind, Table

SVG = "{http://www.w3.org/2000/svg}"


def table(*rows: tuple[Cell, ...], kinds: tuple[Kind, ...] = (Kind.COUNT,)) -> Table:
    return Table((Column("What"), *(Column(f"C{i}", kind) for i, kind in enumerate(kinds))), rows)


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str) -> list[float]:
    return [float(node.attrib["width"]) for node in ElementTree.fromstring(svg).iter(f"{SVG}rect")]


def test_each_bar_carries_its_label_and_its_value() -> None:
    svg = draw(table(("Gauteng", 1_200), ("Limpopo", 3)), Chart("By province", (1,)))
    assert texts(svg) == ["Gauteng", "1,200", "Limpopo", "3"]


def test_bars_are_as_long_as_their_values_and_small_ones_still_show() -> None:
    longest, half, sliver = bars(draw(table(("a", 1_000), ("b", 500), ("c", 1), ("d", 0)), Chart("x", (1,))))
    assert half == pytest.approx(longest / 2, abs=0.1)
    assert sliver == 1.5


def test_labels_are_escaped() -> None:
    svg = draw(table(("<script>&\"'", 1)), Chart("a < b", (1,)))
    assert "<script" not in svg
    assert texts(svg)[0] == "<script>&\"'"


def test_a_long_label_is_cut_and_nothing_is_drawn_outside() -> None:
    svg = draw(table(("MANUFACTURING OF STRUCTURAL STEEL AND SUNDRY GOODS", 12_345_678)), Chart("x", (1,)))
    assert texts(svg)[0].endswith("…")
    for node in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        assert float(node.attrib["x"]) >= 0
        assert float(node.attrib["x"]) + float(node.attrib["width"]) < WIDTH


def test_a_table_without_rows_has_no_picture() -> None:
    assert draw(table(), Chart("x", (1,))) == ""


@pytest.mark.parametrize("upright", [True, False])
def test_nothing_but_zeros_is_drawn_without_bars(upright: bool) -> None:
    assert bars(draw(table(("a", 0), ("b", 0)), Chart("x", (1,), upright=upright))) == []


def test_a_pair_of_bars_has_a_legend() -> None:
    svg = draw(table(("a", 0.5, 0.25), kinds=(Kind.SHARE, Kind.SHARE)), Chart("x", (1, 2), most=1.0))
    assert texts(svg)[:2] == ["C0", "C1"]
    assert bars(svg)[2] == pytest.approx(bars(svg)[3] * 2, abs=0.1)


def test_the_same_cells_give_the_same_picture() -> None:
    chart = Chart("x", (1,))
    assert draw(table(("a", 1)), chart) == draw(table(("a", 1)), chart)
