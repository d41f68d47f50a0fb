"""The asset of what is known across batches, and its checks. It writes its three tables itself: a batch changes others' rows, too."""

import dagster as dg
import pyarrow as pa

from leadscout_assets.contracts import KNOWN_LEAD_INDEX, KNOWN_LEAD_LINKS, KNOWN_LEADS, LEADS
from leadscout_assets.defs.lead_assets import GROUP, OWNERS, column_schema
from leadscout_assets.defs.lead_checks import Results, evaluations
from leadscout_assets.defs.partitions import BACKFILL_POLICY, LEAD_BATCH
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.retrying import retried
from leadscout_assets.defs.run_log import followed, in_its_log
from leadscout_assets.defs.steps import step
from leadscout_assets.defs.table_io import COLUMNS
from leadscout_assets.identity.judging import every_lead_has_one_link, known_leads_are_linked
from leadscout_assets.identity.resolving import leads_columns
from leadscout_assets.known_leads import join
from leadscout_assets.logs import operation, private_errors

KNOWN = KNOWN_LEADS.name


@dg.asset(
    name=KNOWN,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"deltalake", "arrow"},
    description=f"{KNOWN_LEADS.means} Its links by batch are the table {KNOWN_LEAD_LINKS.name}.",
    metadata={
        "dagster/column_schema": column_schema(KNOWN_LEADS),
        "dagster/table_name": f"tables/{KNOWN}",
        "leadscout/tables": [contract.name for contract in (KNOWN_LEADS, KNOWN_LEAD_LINKS, KNOWN_LEAD_INDEX)],
    },
    ins={LEADS.name: dg.AssetIn(metadata={COLUMNS: list(leads_columns())})},
    partitions_def=LEAD_BATCH,
    # No priority over checks: nobody should wait longer for the report.
    backfill_policy=BACKFILL_POLICY,
)
def known_leads(context: dg.AssetExecutionContext, platform: Platform, leads: pa.Table) -> None:
    """Link each lead to the known lead that it is."""
    with step(context, platform.home, KNOWN) as work, retried(context, platform.home.settings):
        found = join(platform.home.tables, leads, {one.batch_id: one.delivered_at for one in work.deliveries})
        work.rows(leads.num_rows, leads.num_rows)
    work.done(leads.num_rows, leads)
    context.add_asset_metadata({"first": found.first, "exact": found.exact, "near": found.near}, asset_key=KNOWN)


SPECS = {
    "linked": "every lead has exactly one link",
    "known": "every link leads to a known lead, and none is without links",
}


@dg.multi_asset_check(
    name=f"{KNOWN}_checks",
    specs=[
        dg.AssetCheckSpec(name, asset=KNOWN, description=means, partitions_def=LEAD_BATCH)
        for name, means in SPECS.items()
    ],
)
def known_lead_checks(context: dg.AssetCheckExecutionContext, platform: Platform) -> Results:
    """Judge both from the tables."""
    batches, tables = sorted(context.partition_keys), platform.home.tables
    judging = operation("checks", level="debug", batches=len(batches))
    with in_its_log(context, KNOWN), private_errors(), judging, followed(context, "checks"):
        leads = tables.read(LEADS, batches, ["batch_id", "lead_id"], ordered=False)
        linked = ["batch_id", "lead_id", "known_lead_id", "known_batch_id"]
        links = tables.read(KNOWN_LEAD_LINKS, batches, linked, ordered=False)
        homes = sorted({*batches, *links["known_batch_id"].unique().to_pylist()})
        known = tables.read(KNOWN_LEADS, homes, ["batch_id", "known_lead_id"], ordered=False)
        verdicts = {
            "linked": every_lead_has_one_link(leads, links, batches),
            "known": known_leads_are_linked(links, known, batches),
        }
    for name in SPECS:
        yield from evaluations(context, KNOWN, name, verdicts[name], warns=False)
