"""The figures of the model card as Markdown tables, written between two marks of `docs/model-card.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: make evaluate-names -->", "<!-- end of figures -->"

ASKED: tuple[tuple[str, str, str], ...] = (
    ("macro_f1_three", "macro-F1 of african, indian and european, coloured counted with european", ">= 0.96"),
    ("macro_f1_three_surname_unknown", "the same, surname unknown to the lexicon", ">= 0.92"),
    (
        "macro_f1_coloured_apart",
        "macro-F1 of african, indian, european and coloured, the most probable origin taken",
        ">= 0.92",
    ),
    ("macro_f1_coloured_apart_surname_unknown", "the same, surname unknown to the lexicon", "-"),
    ("answered", "names with one answer", ">= 88 %"),
    ("answered_or_set_of_two", "names with one answer or a set of two", ">= 97 %"),
    ("answered_error", "wrong among answers", "-"),
    ("sure", "names whose most probable origin has 0.9 or more", ">= 75 %"),
    ("sure_error", "wrong among these", "<= 1 %"),
    ("calibration_error", "calibration error, 15 bins of equal mass, debiased", "<= 0.02"),
    (
        "african_with_english_given_called_european",
        "African surname with English given names called European",
        "<= 2 %",
    ),
    ("set_coverage", "sets given that hold the truth", "95 % +- 2"),
    ("answer_or_set_coverage", "names whose answer is, or whose set holds, the truth", "-"),
    ("surname_unknown_share", "names whose surname the lexicon lacks as written", "published"),
)
"""Figure, what it is, and what was asked of it."""


def write_card(path: Path, figures: Mapping[str, Any]) -> None:
    """Replace what stands between the marks of the card by tables of the figures."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{tables(figures)}\n{END}{after}", encoding="utf-8")


def tables(figures: Mapping[str, Any]) -> str:
    """Return all tables of the card."""
    variants = {kind: line for kind, line in figures["variants"].items() if isinstance(line, dict) and kind != "mean"}
    present = list(figures["confusion"])
    answers = sorted({answer for line in figures["confusion"].values() for answer in line})
    directors = figures["like_directors"]
    parts = [
        f"Model version `{figures['model_version']}`, {figures['elements']:,} lexicon elements, {figures['cases']:,} cases of the "
        f"test half; answers from {figures['settings']['answer_at']:.2f} on.",
        _table(
            ("measure", "asked", "figure", "95 %", "n"),
            [(words, asked, *_figure(figures[key])) for key, words, asked in ASKED],
        ),
        "By origin (the most probable origin taken as the answer; `sure`: 0.9 or more; calibration by what was answered):",
        _table(
            (
                "origin",
                "F1",
                "wrong among sure (95 %, n)",
                "calibration error (95 %)",
                "answer or set holds truth",
                "sets hold truth",
            ),
            [
                (
                    origin,
                    f"{figures['f1_by_origin'][origin]:.3f}",
                    _inline(figures["sure_error_by_origin"].get(origin)),
                    _inline(figures["calibration_error_by_answer"].get(origin), counted=False),
                    _inline(figures["answer_or_set_coverage_by_origin"].get(origin)),
                    _inline(figures["set_coverage_by_origin"].get(origin)),
                )
                for origin in present
            ],
        ),
        "With religion revealed, F1: "
        + ", ".join(f"{origin} {value:.3f}" for origin, value in figures["f1_by_origin_religion_revealed"].items())
        + ".",
        "Confusion (rows: true origin; columns: most probable one):",
        _table(
            ("", *answers),
            [(one, *(figures["confusion"][one].get(answer, 0) for answer in answers)) for one in present],
        ),
        "Written in dirty ways, loss of the most probable origin's accuracy in points (macro-F1 of three origins in brackets):",
        _table(
            ("way", "accuracy", "loss"),
            [
                (
                    kind,
                    f"{line['accuracy']:.3f}",
                    f"{line['loss_points']:.2f} ({line['macro_f1_three_loss_points']:.2f})",
                )
                for kind, line in variants.items()
            ],
        ),
        f"Mean loss: {figures['variants']['mean']['loss_points']:.2f} points "
        f"({figures['variants']['mean']['macro_f1_three_loss_points']:.2f}).",
        "Reliability (mean confidence and accuracy of fifteen bins of equal size): "
        + ", ".join(f"{confidence:.3f}/{right:.3f}" for _, confidence, right in figures["reliability"])
        + ".",
        "Coverage against error, if the threshold were another:",
        _table(
            ("threshold", "answered", "wrong among them"),
            [
                (line["threshold"], f"{line['coverage']:.3f}", f"{line['error']:.3f}")
                for line in figures["coverage_against_error"]
            ],
        ),
        "Weighed as if origins were as common as among directors (an estimate): "
        f"accuracy {directors['accuracy']:.3f}, answered {directors['answered']:.3f} with {directors['answered_error']:.3f} wrong, "
        f"sure {directors['sure']:.3f} with {directors['sure_error']:.3f} wrong, mean confidence less accuracy "
        f"{directors['mean_confidence_less_accuracy']:+.3f}.",
        "By group, and all whose surname the lexicon lacks:",
        _table(
            (
                "group",
                "n",
                "most probable right (95 %)",
                "answered",
                "right among these",
                "sets hold truth",
                "abstained",
            ),
            [
                _group(name, line)
                for name, line in [*figures["by_group"].items(), ("surname unknown", figures["surname_unknown"])]
            ],
        ),
    ]
    return "\n\n".join(parts)


def _group(name: str, line: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        name,
        line["n"],
        _inline(line["most_probable_right"], counted=False),
        _value(line["answered"]),
        _value(line["answered_right"]),
        _value(line["sets_holding_truth"]),
        line["abstained"],
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _figure(figure: Mapping[str, Any]) -> tuple[str, str, int]:
    return _value(figure), f"{figure['low']:.3f} to {figure['high']:.3f}", figure["n"]


def _value(figure: Mapping[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.4f}"


def _inline(figure: Mapping[str, Any] | None, *, counted: bool = True) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    cases = f", {figure['n']}" if counted else ""
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f}{cases})"
