"""Every hostile file through `leadscout run`: one sentence, or a report in which nothing is alive. None crashes, none hangs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import opened
from tests.hostile.cells import PAYLOADS
from tests.hostile.chain import Commands, Outcome
from tests.hostile.kinds import CANARY, REFUSED
from tests.hostile.registry import FILES, HostileFile

EVERY = 10
"""Of the files that end in a report, which takes time to make and to open, one in so many; `make soak` has them all."""


def _in_time() -> Iterator[HostileFile]:
    reported = 0
    for file in FILES:
        reported += file.kind.code != REFUSED
        if file.kind.code == REFUSED or reported % EVERY == 0:
            yield file


QUICK = frozenset(file.name for file in _in_time())


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    running = Commands(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()


def check_refused(outcome: Outcome, file: HostileFile, out: Path) -> None:
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert re.search(file.kind.says, outcome.err), outcome.err
    assert "defect of LeadScout" not in outcome.err
    assert not out.exists()


def check_reported(outcome: Outcome, file: HostileFile) -> None:
    found = outcome.json
    assert found["rows"] == found["leads"] + found["rejected"]
    assert file.kind.rows in (None, found["rows"])
    reports = {kind: Path(path) for kind, path in found["reports"].items()}
    assert set(reports) == {"xlsx", "html", "pdf"}
    assert opened.live_in_workbook(reports["xlsx"]) == []
    assert opened.live_in_page(reports["html"]) == []
    assert opened.live_in_pdf(reports["pdf"]) == []
    assert opened.rows_of_workbook(reports["xlsx"]) == found["rows"]


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, id=file.name, marks=() if file.name in QUICK else pytest.mark.soak) for file in FILES],
)
def test_a_hostile_file_ends_in_one_sentence_or_in_a_report_without_life(
    commands: Commands, tmp_path: Path, file: HostileFile
) -> None:
    source, out = tmp_path / "in" / file.kind.file_name, tmp_path / "out"
    source.parent.mkdir()
    source.write_bytes(file.content())
    outcome = commands.run("run", source, "--out", out, "--json", "--delivered", "2026-03-02")
    assert outcome.died == ""
    assert outcome.code == file.kind.code, outcome.err
    assert not any(word in outcome.out + outcome.err for word in CANARY.split())
    if outcome.code == REFUSED:
        check_refused(outcome, file, out)
    else:
        check_reported(outcome, file)


def test_at_least_two_hundred_files_are_tried_each_time_and_no_two_are_called_alike() -> None:
    assert len(QUICK) >= 200
    assert len({file.name for file in FILES}) == len(FILES)


def test_the_same_seed_gives_the_same_files_and_another_seed_gives_others() -> None:
    some = [file for file in FILES if file.kind.variants > 1]
    assert [file.content() for file in some] == [file.content() for file in some]
    assert sum(file.content() != file.content(seed=1) for file in some) > len(some) // 2


def test_classified_names_are_no_formulas_whatever_separator_a_program_expects(
    commands: Commands, tmp_path: Path
) -> None:
    source, out = tmp_path / "names.csv", tmp_path / "out.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "other"])
        writer.writerows([payload, "x"] for payload in PAYLOADS.values())
    outcome = commands.run("classify", source, "--column", "name", "--out", out, "--purpose", "evaluation")
    assert (outcome.code, outcome.died) == (0, ""), outcome.err
    assert opened.live_in_csv(out) == []
    with out.open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == len(PAYLOADS)


def test_a_process_that_dies_or_hangs_is_told_apart_from_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Commands(tmp_path)
    try:
        assert running.run("--help").code == 0
        assert running._process is not None
        running._process.kill()
        running._process.wait()
        with pytest.raises(BrokenPipeError):
            running.run("--help")
        running.close()
        monkeypatch.setattr("tests.hostile.chain.PATIENCE", 0.001)
        assert "hung" in running.run("--help").died
    finally:
        running.close()
