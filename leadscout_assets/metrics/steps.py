"""Run records added up, by asset. Pure: records in, samples out; each record counts once, however many events hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leadscout_assets.metrics.counting import Tally
from leadscout_assets.metrics.families import Sample
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome

MEGABYTE = 1_000_000

_OF_MODELS = {
    "model_cache_hits_total": "cache_hits",
    "model_call_retries_total": "call_retries",
    "model_call_refusals_total": "call_refusals",
}
"""Families of language models that have no label, and the field of a run record that each adds up."""

Key = tuple[str, str, int, str]
"""What makes a record this record: asset, run, attempt and outcome. A run over many batches leaves an event for each."""


def key_of(record: RunRecord) -> Key:
    """Return what two events of the same record share."""
    return record.asset, record.run_id, record.retries, str(record.outcome)


class StepTotals:
    """The totals over all records that were added."""

    def __init__(self, assets: Sequence[str]) -> None:
        """Show each of `assets` from the beginning; records of others are left out, so that the labels stay bounded."""
        self._assets = frozenset(assets)
        self._tally = Tally()
        self._newest: dict[str, RunRecord] = {}
        self._newest_with_calls: RunRecord | None = None
        for asset in assets:
            for outcome in Outcome:
                self._tally.begin("steps_total", asset, str(outcome))
        for answer in ("answered", "narrowed", "abstained"):
            self._tally.begin("leads_classified_total", answer)
        for result in ("decided", "undecided"):
            self._tally.begin("model_names_total", result)
        for family in ("rows_rejected_total", "lead_warnings_total", "reports_total", *_OF_MODELS):
            self._tally.begin(family)

    def add(self, records: Iterable[RunRecord]) -> None:
        """Add records, the oldest first, none of which was added before."""
        for record in records:
            if record.asset in self._assets:
                self._add(record)

    def _add(self, record: RunRecord) -> None:
        tally, asset = self._tally, record.asset
        tally.add("steps_total", 1, asset, str(record.outcome))
        tally.add("step_cpu_seconds_total", record.cpu_seconds, asset)
        tally.add("step_retries_total", 1 if record.retries else 0, asset)
        tally.add("network_calls_total", record.network_calls, asset)
        tally.add("tokens_total", record.tokens, asset)
        tally.add("tokens_out_total", record.tokens_out, asset)
        tally.add("cost_usd_total", record.cost_usd, asset)
        self._add_model(record)
        if record.outcome is not Outcome.SUCCEEDED:
            return
        self._newest[asset] = record
        tally.observe("step_seconds", record.seconds, asset)
        tally.add("rows_in_total", record.rows_in, asset)
        tally.add("rows_out_total", record.rows_out, asset)
        # The one step that rejects leaves its count on both of its tables.
        tally.add("rows_rejected_total", record.rejected if asset == "rejected_leads" else 0)
        tally.add("lead_warnings_total", record.warnings)
        tally.add("reports_total", record.reports)
        for answer in ("answered", "narrowed", "abstained"):
            tally.add("leads_classified_total", getattr(record, answer), answer)

    def _add_model(self, record: RunRecord) -> None:
        tally = self._tally
        tally.add("model_names_total", record.names_decided, "decided")
        tally.add("model_names_total", record.names_asked - record.names_decided, "undecided")
        for family, field in _OF_MODELS.items():
            tally.add(family, getattr(record, field))
        if record.network_calls:
            self._newest_with_calls = record

    def samples(self) -> list[Sample]:
        """Return the totals, and the figures of each asset's newest step that succeeded."""
        found = self._tally.samples()
        if with_calls := self._newest_with_calls:
            found += [
                Sample("model_call_median_seconds", with_calls.call_p50_seconds),
                Sample("model_call_p95_seconds", with_calls.call_p95_seconds),
            ]
        for asset, record in self._newest.items():
            found += [
                Sample("step_last_seconds", record.seconds, (asset,)),
                Sample("step_last_rows_per_second", record.rows_per_second, (asset,)),
                Sample("step_last_peak_memory_bytes", record.peak_memory_mb * MEGABYTE, (asset,)),
            ]
        return found
