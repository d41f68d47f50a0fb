"""The line of a call of an external service."""

from __future__ import annotations

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.logs.calls import api_call
from tests.logs.lines import CANARY


def test_a_call_is_told_with_its_tokens_and_its_cost(lines):
    with api_call("provider", "model-1", attempt=2) as found:
        found |= {"tokens_in": 120, "tokens_out": 8, "cost_usd": 0.00042, "status": 200}
    (line,) = lines.json
    assert (line["event"], line["level"], line["success"], line["attempt"]) == ("api.call", "debug", True, 2)
    assert (line["tokens_in"], line["tokens_out"], line["cost_usd"], line["status"]) == (120, 8, 0.00042, 200)
    assert line["processing_time_ms"] >= 0


@pytest.mark.parametrize("error", [ValueError(CANARY), KeyboardInterrupt(), EdgeFailed("the limit is reached")])
def test_a_call_that_fails_is_a_warning_with_what_it_cost_until_then(lines, error):
    with pytest.raises(type(error)), api_call("provider", "model-1") as found:
        found["tokens_in"] = 120
        raise error
    (line,) = lines.json
    assert (line["level"], line["success"], line["error"]) == ("warning", False, type(error).__name__)
    assert (line["tokens_in"], line["tokens_out"], line["cost_usd"]) == (120, 0, 0.0)
    assert line.get("reason") == ("the limit is reached" if isinstance(error, EdgeFailed) else None)
    assert CANARY not in lines.text
