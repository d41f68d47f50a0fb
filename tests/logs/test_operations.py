"""Operations: one closing line with outcome and time, ids on every line inside."""

from __future__ import annotations

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.logs import (
    REMOVED,
    get_logger,
    operation,
)
from tests.logs.lines import BATCH, CANARY


def test_an_operation_logs_its_start_and_one_closing_line(lines):
    with operation("validate", batch_id=BATCH, rows=3) as found:
        found["leads"] = 2
    start, closing = lines.json
    assert (start["event"], start["level"], start["phase"], start["rows"]) == ("validate", "debug", "started", 3)
    assert (closing["event"], closing["level"], closing["success"]) == ("validate", "info", True)
    assert (closing["batch_id"], closing["rows"], closing["leads"]) == (BATCH, 3, 2)
    assert closing["processing_time_ms"] >= 0


def test_lines_inside_an_operation_carry_its_ids_and_lines_after_it_do_not(lines):
    log = get_logger("leadscout_assets.x")
    with operation("run", run_id="r1", rows=3), operation("validate", step="leads"):
        log.info("inside")
    log.info("after")
    told = {line["event"]: line for line in lines.json}
    assert (told["inside"]["run_id"], told["inside"]["step"]) == ("r1", "leads")
    assert "rows" not in told["inside"]
    assert "run_id" not in told["after"]


def test_an_operation_that_fails_names_the_error_and_goes_on_raising(lines):
    with pytest.raises(ValueError, match="Quagga"), operation("validate"):
        raise ValueError(CANARY)
    closing = lines.json[-1]
    assert (closing["level"], closing["success"], closing["error"]) == ("error", False, "ValueError")
    assert "reason" not in closing
    assert CANARY not in lines.text


def test_only_an_error_of_leadscout_may_say_why(lines):
    with pytest.raises(EdgeFailed), operation("validate"):
        raise EdgeFailed("the disk is full; call 082 123 4567")
    assert lines.json[-1]["reason"] == f"the disk is full; call {REMOVED}"


def test_an_operation_that_is_interrupted_closes_too(lines):
    with pytest.raises(KeyboardInterrupt), operation("validate"):
        raise KeyboardInterrupt
    assert (lines.json[-1]["success"], lines.json[-1]["error"]) == (False, "KeyboardInterrupt")


def test_what_an_operation_finds_may_repeat_its_context(lines):
    with operation("validate", rows=3) as found:
        found["rows"] = 4
    assert [line["rows"] for line in lines.json] == [3, 4]
