"""What commands print: delivered text may neither steer a terminal nor reorder a line."""

from __future__ import annotations

import pytest

from leadscout_assets.cli.printing import print_pairs, print_table


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x1b]0;x\x07", "a\rb", "a\nb", "\u202eLTD", "\u2028", "\x9b31m", "\u200b"]
)
def test_characters_that_steer_a_terminal_are_shown_as_escapes(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_pairs({"file": text})
    print_table([{"file": text}], ["file"])
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 3
    assert all(line.isprintable() for line in printed.splitlines())
    assert "\\" in printed


@pytest.mark.parametrize("text", ["RENÉ LÖTTER", "JOHN\u00a0SMITH", "名单", "C:\\x"])
def test_every_other_text_is_shown_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_pairs({"file": text})
    assert capsys.readouterr().out == f"file  {text}\n"
