"""Personal values that occur nowhere else go through a platform whose ticks fail and whose runs crash: they lie with the data alone.

What shows in one process is in tests/defs/test_canary.py.
"""

from __future__ import annotations

import pytest

from tests.e2e.canary import FILE_NAME, canary_list, traces_below, traces_in
from tests.waiting import until


@pytest.mark.processes
@pytest.mark.timeout(900)
class TestInRealProcesses:
    def test_nothing_of_a_delivery_is_told_by_a_platform_whose_ticks_fail_and_whose_runs_crash_and_fail(
        self, terminal, faults, tmp_path
    ):
        before = {run["runId"] for run in terminal.runs()}

        def statuses() -> list[str]:
            return sorted(run["status"] for run in terminal.runs() if run["runId"] not in before)

        for fault in ("tick", "crash", "quote"):
            (faults / fault).touch()
        source = tmp_path / FILE_NAME
        source.write_text(canary_list())
        terminal.drop(source)
        until(lambda: "SUCCESS" in statuses() and terminal.rest(), "the report, after all faults")
        assert statuses() == ["FAILURE", "FAILURE", "SUCCESS"]
        assert list(faults.iterdir()) == []
        said = [terminal.type("batches"), terminal.type("deliver", str(source)), terminal.type("doctor")]
        terminal.stop()
        assert traces_in(terminal.said) == []
        assert [one for one in said if traces_in(one.stdout + one.stderr)] == []
        assert traces_below(terminal.home) == []
