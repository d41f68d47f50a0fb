"""The lead assets and all their checks as definitions that do nothing: what Dagster itself costs over the same partitions."""

from typing import Any

import dagster as dg

from leadscout_assets.checks import Verdict
from leadscout_assets.defs.known_lead_assets import known_lead_checks, known_leads
from leadscout_assets.defs.lead_assets import classifications, lead_reports, lead_scores, leads, raw_leads
from leadscout_assets.defs.lead_checks import LEAD_CHECKS, evaluations, schema_contracts
from leadscout_assets.defs.table_io import CONTRACTS


def noop_job() -> dg.JobDefinition:
    """Return a job of the lead assets and all their checks, that do nothing but tell Dagster that they did."""
    assets = [
        _noop_assets(real) for real in (raw_leads, leads, classifications, lead_scores, lead_reports, known_leads)
    ]
    checks = [_noop_checks(real) for real in (*LEAD_CHECKS, schema_contracts, known_lead_checks)]
    everything = dg.define_asset_job("noop", selection=dg.AssetSelection.all())
    found = dg.Definitions(assets, asset_checks=checks, jobs=[everything], executor=dg.in_process_executor)
    return found.resolve_job_def("noop")


def _noop_assets(real: dg.AssetsDefinition) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            spec.key,
            deps=[dep.asset_key for dep in spec.deps if _is_lead_asset(dep.asset_key)],
            partitions_def=real.partitions_def,
        )
        for spec in real.specs
    ]

    @dg.multi_asset(name=f"{real.op.name}_noop", specs=specs, backfill_policy=real.backfill_policy)
    def nothing() -> Any:
        for spec in specs:
            yield dg.MaterializeResult(asset_key=spec.key)

    return nothing


def _is_lead_asset(key: dg.AssetKey) -> bool:
    return key.to_user_string() in CONTRACTS


def _noop_checks(real: dg.AssetChecksDefinition) -> dg.AssetChecksDefinition:
    specs = list(real.check_specs)

    @dg.multi_asset_check(name=f"{real.op.name}_noop", specs=specs)
    def nothing(context: dg.AssetCheckExecutionContext) -> Any:
        verdicts = {batch: Verdict(True, "nothing was looked at") for batch in sorted(context.partition_keys)}
        for spec in specs:
            yield from evaluations(context, spec.asset_key.to_user_string(), spec.name, verdicts, warns=False)

    return nothing
