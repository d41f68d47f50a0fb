"""The verdicts on links: each fault is seen in the batch that has it, and in no other."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadscout_assets.identity.judging import every_lead_has_one_link, known_leads_are_linked

BATCHES = ["one", "two"]


def frame(**columns) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


LEADS = frame(batch_id=["one", "one", "two"], lead_id=["a", "b", "a"])
LINKS = frame(batch_id=["one", "one", "two"], lead_id=["a", "b", "a"], known_lead_id=["a", "b", "a"])
KNOWN = frame(batch_id=["one", "one"], known_lead_id=["a", "b"])


def test_one_link_for_each_lead_passes():
    assert all(verdict.passed for verdict in every_lead_has_one_link(LEADS, LINKS, BATCHES).values())


@pytest.mark.parametrize("links", [LINKS.slice(1), pa.concat_tables([LINKS, LINKS.slice(0, 1)])])
def test_a_missing_and_a_doubled_link_fail_their_batch_alone(links):
    found = every_lead_has_one_link(LEADS, links, BATCHES)
    assert (found["one"].passed, found["two"].passed) == (False, True)


def test_links_that_lead_to_known_leads_pass():
    assert all(verdict.passed for verdict in known_leads_are_linked(LINKS, KNOWN, BATCHES).values())


def test_a_link_that_leads_nowhere_fails():
    found = known_leads_are_linked(LINKS, KNOWN.slice(1), BATCHES)
    assert (found["one"].passed, found["two"].passed) == (False, False)
    assert found["two"].figures["dangling"] == 1


def test_a_known_lead_without_links_fails():
    found = known_leads_are_linked(LINKS.slice(1), KNOWN, BATCHES)
    assert found["one"].figures["orphans"] == 1
    assert not found["one"].passed


def test_a_batch_without_links_is_judged_beside_others():
    found = known_leads_are_linked(LINKS, KNOWN, [*BATCHES, "three"])
    assert [found[batch].figures["links"] for batch in (*BATCHES, "three")] == [2, 1, 0]
    assert all(verdict.passed for verdict in found.values())
