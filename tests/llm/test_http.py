"""What a vendor's headers ask for, and that its client says nothing of what was sent."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from leadscout_assets.llm.providers.http import LONGEST_PAUSE, retry_after
from tests.llm.conftest import names, offer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Mon, 02 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "1e9"}, LONGEST_PAUSE),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"}, 0.2),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0.5s"}, 360.5),
        (
            {
                "x-ratelimit-remaining-requests": "12", "x-ratelimit-reset-requests": "1h",
                "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2s",
            },
            2.0,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-03-02T12:00:03Z",
                "anthropic-ratelimit-input-tokens-remaining": "0", "anthropic-ratelimit-input-tokens-reset": "2026-03-02T12:00:05Z",
            },
            5.0,
        ),
        # What the vendor says itself wins over what its limits would allow.
        ({"retry-after": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}, 1.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": ""}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2026-03-02T12:00:03"}, None),
    ],
)  # fmt: skip
def test_a_vendor_is_left_alone_as_long_as_its_headers_say(headers, seconds):
    assert retry_after(headers, NOW) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_the_vendors_client_logs_no_name_even_where_it_was_told_to(make_stage, stub, vendor, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger(vendor).setLevel(logging.DEBUG)
    assert len(make_stage(offer(stub, vendor)).ask(names(3)).answers) == 3
    assert not [name for name in names(3) if name.split()[1] in caplog.text]
