"""The lines that tell of a batch: begun, done, refused."""

from __future__ import annotations

from leadscout_assets.logs.setup import ROOT, get_logger

_LOGGER = f"{ROOT}.batches"


def batch_started(batch: str, rows_delivered: int | None) -> None:
    """Tell that the work on a batch begins."""
    get_logger(_LOGGER).info("batch.started", batch_id=batch, rows_delivered=rows_delivered)


def batch_done(batch: str, *, leads: int, rejected: int, run_leads: int, seconds: float) -> None:
    """Tell that a batch has its report.

    `leads`, `rejected`: of this batch. `run_leads`: of all batches of the run, which go through each step together, and
    `seconds`, since the run began: their quotient is the rate.
    """
    total = leads + rejected
    get_logger(_LOGGER).info(
        "batch.done",
        batch_id=batch,
        success_rate=round(leads / total, 4) if total else 1.0,
        total_processed=total,
        leads=leads,
        rejected=rejected,
        leads_per_second=round(run_leads / seconds, 1) if seconds > 0 else 0.0,
        seconds=round(seconds, 3),
    )


def batch_refused(batch: str, code: str, sentence: str) -> None:
    """Tell that a batch may not go on; the sentence, which says what to do, names nobody."""
    get_logger(_LOGGER).error("batch.refused", batch_id=batch, code=code, reason=sentence)
