"""The lead assets, partitioned by batch: from the file as delivered to its report. Each calls one library function."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pyarrow as pa

from leadscout_assets import pipeline
from leadscout_assets.batch_purposes import told_of
from leadscout_assets.contracts import Contract
from leadscout_assets.defs.partitions import BACKFILL_POLICY, LEAD_BATCH
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.steps import step
from leadscout_assets.defs.table_io import COLUMNS, CONTRACTS
from leadscout_assets.reviewing import confirmed

GROUP = "leads"
OWNERS = ["team:sales-operations", "team:data-engineering"]
MODELS = "language_models"
"""Pool of the steps that may ask a language model. Without a limit, which an operator sets in the UI, it holds back nobody; what
a provider admits in a minute the ledger holds, across processes and machines."""

BEFORE_CHECKS = {"dagster/priority": "1"}
"""Assets of a run go before its checks: the report is there first, and the verdicts on it a moment later."""


def column_schema(contract: Contract) -> dg.TableSchema:
    """Show a contract's columns as Dagster shows table schemas."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                str(column.type),
                description=column.means,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=contract.key == (column.name,)),
            )
            for column in contract.columns
        ],
        constraints=dg.TableConstraints(other=[f"unique: {', '.join(contract.key)}"]),
    )


def _about(name: str, *, kinds: set[str]) -> dict[str, Any]:
    contract = CONTRACTS[name]
    return {
        "description": contract.means,
        "group_name": GROUP,
        "owners": OWNERS,
        "kinds": kinds,
        "metadata": {"dagster/column_schema": column_schema(contract), "dagster/table_name": f"tables/{name}"},
    }


def lead_asset(
    name: str, *, kinds: set[str], deps: tuple[str, ...] = (), pool: str | None = None
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset that is one table, partitioned by batch."""
    decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        **_about(name, kinds=kinds),
        name=name,
        deps=deps,
        ins={
            table: dg.AssetIn(metadata={COLUMNS: list(columns)})
            for table, columns in pipeline.NEEDED.get(name, {}).items()
        },
        partitions_def=LEAD_BATCH,
        backfill_policy=BACKFILL_POLICY,
        op_tags=BEFORE_CHECKS,
        pool=pool,
    )
    return decorator


@lead_asset("raw_leads", kinds={"deltalake", "excel", "csv"})
def raw_leads(context: dg.AssetExecutionContext, platform: Platform) -> pa.Table:
    """Read the delivered files; a batch that cannot be read or does not reconcile is refused."""
    with step(context, platform.home, "raw_leads") as work:
        home = platform.home
        path_of = home.contents(work.deliveries)
        reading = pipeline.read(work.deliveries, path_of, home.settings, home.column_maps())
        raw = home.without_erased(reading.raw)
        work.rows(raw.num_rows, raw.num_rows)
    work.correct(reading.recounted)
    work.refuse(reading.refusals)
    return work.done(raw.num_rows, raw)


@dg.multi_asset(
    name="leads",
    outs={
        "leads": dg.AssetOut(**_about("leads", kinds={"deltalake", "arrow"})),
        "rejected_leads": dg.AssetOut(**_about("rejected_leads", kinds={"deltalake", "arrow"})),
    },
    partitions_def=LEAD_BATCH,
    backfill_policy=BACKFILL_POLICY,
    op_tags=BEFORE_CHECKS,
)
def leads(context: dg.AssetExecutionContext, platform: Platform, raw_leads: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Split the rows as delivered into leads and rejected rows."""
    with step(context, platform.home, "leads") as work:
        found, rejected, refusals = pipeline.validate(raw_leads, platform.home.lead_id_key, platform.home.suppressed)
        work.rows(raw_leads.num_rows, found.num_rows)
    work.refuse(refusals)
    rows, fell = raw_leads.num_rows, rejected.num_rows
    return work.done(rows, found, rejected=fell), work.done(rows, rejected, asset="rejected_leads", rejected=fell)


@lead_asset("classifications", kinds={"deltalake", "numpy"}, deps=("name_lexicon", "name_model"), pool=MODELS)
def classifications(context: dg.AssetExecutionContext, platform: Platform, leads: pa.Table) -> pa.Table:
    """Classify the likely origin of each director's name, where a purpose is recorded."""
    with step(context, platform.home, "classifications") as work:
        # What was spent is told where the step breaks off, too.
        grants, interview = work.ask_purpose(), platform.home.interview(work.figures)
        known = confirmed(platform.home)
        classified = pipeline.classify(leads, platform.home.settings, grants, known, interview=interview)
        work.rows(leads.num_rows, classified.num_rows)
    return work.done(leads.num_rows, classified, told=told_of(grants))


# After the classifications, which the score reads where a purpose allows that a known origin counts.
@lead_asset("lead_scores", kinds={"deltalake", "arrow"}, deps=("classifications",))
def lead_scores(context: dg.AssetExecutionContext, platform: Platform, leads: pa.Table) -> pa.Table:
    """Score each lead."""
    with step(context, platform.home, "lead_scores") as work:
        points = work.weigh_origins()
        classified = platform.home.answers(work.batches) if any(points.values()) else None
        scored = pipeline.score(leads, points, classified)
        work.rows(leads.num_rows, scored.num_rows)
    return work.done(leads.num_rows, scored)


@lead_asset("lead_reports", kinds={"excel", "html", "pdf"})
def lead_reports(
    context: dg.AssetExecutionContext,
    platform: Platform,
    raw_leads: pa.Table,
    leads: pa.Table,
    rejected_leads: pa.Table,
    classifications: pa.Table,
    lead_scores: pa.Table,
) -> pa.Table:
    """Write the report of every batch that was not refused."""
    frames = pipeline.Frames(raw_leads, leads, rejected_leads, classifications, lead_scores)
    settings = platform.home.settings
    with step(context, platform.home, "lead_reports") as work:
        asked = platform.home.asked(work.batches)
        files, refusals = pipeline.report(
            work.accepted, frames, settings.reports_dir, settings, work.purposes(), platform.home.noted, asked=asked
        )
        work.rows(raw_leads.num_rows, files.num_rows)
    work.refuse(refusals)
    work.reported(frames, refusals)
    return work.done(raw_leads.num_rows, files)
