"""The asset checks of the lead assets: one verdict per batch and check, none of them blocking.

What is checked stands in `checks` and `contracts`; here verdicts become evaluations that the UI shows per batch.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from leadscout_assets.batch_overview import facts_of
from leadscout_assets.checks import CHECKS, Check, Verdict, limits_from
from leadscout_assets.contract_check import judge_contract
from leadscout_assets.defs.instance import materializations, newest_ids
from leadscout_assets.defs.partitions import LEAD_BATCH
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.run_log import followed, in_its_log
from leadscout_assets.defs.table_io import CONTRACTS
from leadscout_assets.logs import operation, private_errors

CONTRACT_CHECK = "schema_contract"

Verdicts = Mapping[str, Verdict]
"""One verdict per batch id."""

Results = Iterator[dg.AssetCheckEvaluation | dg.AssetCheckResult]


def evaluations(
    context: dg.AssetCheckExecutionContext, asset: str, name: str, verdicts: Verdicts, *, warns: bool
) -> Results:
    """Yield a check's verdicts the way the UI shows them per batch.

    A run asked for by partition key takes one `AssetCheckResult`. A range, even of one batch, takes an evaluation per
    batch, each tied to the materialization it judged (without that the UI shows no status), and a result for the whole.
    """
    severity = dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR
    if context.has_partition_key:
        (verdict,) = verdicts.values()
        yield _result(asset, name, verdict.passed, severity, verdict.sentence, verdict.figures)
        return
    judged = _judged(context, asset, verdicts.keys())
    for batch, verdict in verdicts.items():
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset),
            check_name=name,
            passed=verdict.passed,
            severity=severity,
            description=verdict.sentence,
            metadata=verdict.figures,
            target_materialization_data=judged.get(batch),
            partition=batch,
        )
    failed = sum(not verdict.passed for verdict in verdicts.values())
    yield _result(
        asset, name, failed == 0, severity, f"{failed} of {len(verdicts)} batches fail", {"failed_batches": failed}
    )


def _result(
    asset: str,
    name: str,
    passed: bool,
    severity: dg.AssetCheckSeverity,
    sentence: str,
    figures: Mapping[str, int | float],
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset, check_name=name, passed=passed, severity=severity, description=sentence, metadata=figures
    )


def _judged(context: dg.AssetCheckExecutionContext, asset: str, batches: Collection[str]) -> dict[str, Target]:
    """Return what each batch's verdict is about: the newest materialization of the asset.

    Several checks of a run judge the same one, which is fetched for the first of them.
    """
    newest, known = newest_ids(context.instance, asset, batches), _fetched(context.run.run_id)
    for record in materializations(context.instance, asset, [at for at in newest.values() if at not in known]):
        known[record.storage_id] = Target(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
    return {batch: known[at] for batch, at in newest.items() if at in known}


@lru_cache(maxsize=1)
def _fetched(_run_id: str) -> dict[int, Target]:
    """Return, by storage id, the materializations that the checks of one run have been told of so far."""
    return {}


def _spec(asset: str, name: str, means: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset, description=means, partitions_def=LEAD_BATCH)


def _checks_of(asset: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name=f"{asset}_checks", specs=[_spec(asset, check.name, check.means) for check in checks])
    def judge(context: dg.AssetCheckExecutionContext, platform: Platform) -> Results:
        home, batches = platform.home, sorted(context.partition_keys)
        bounds = limits_from(home.settings)
        judging = operation("checks", level="debug", batches=len(batches))
        with in_its_log(context, asset), private_errors(), judging, followed(context, "checks"):
            found = facts_of(home, [asset], batches)
        for check in checks:
            verdicts = {batch.batch_id: check.judge(batch, bounds) for batch in found}
            yield from evaluations(context, asset, check.name, verdicts, warns=check.warns)

    return judge


LEAD_CHECKS = [_checks_of(asset, [c for c in CHECKS if c.asset == asset]) for asset in CONTRACTS]


@dg.multi_asset_check(
    name=CONTRACT_CHECK,
    specs=[_spec(name, CONTRACT_CHECK, f"every row of {name} fits its contract") for name in CONTRACTS],
    can_subset=True,
)
def schema_contracts(context: dg.AssetCheckExecutionContext, platform: Platform) -> Results:
    """Check every table's rows against its contract; last in a run, since it alone loads pandas and pandera."""
    batches = sorted(context.partition_keys)
    for key in sorted(context.selected_asset_check_keys):
        contract = CONTRACTS[key.asset_key.to_user_string()]
        with private_errors(), followed(context, CONTRACT_CHECK):
            rows = platform.home.tables.read(contract, batches, ordered=False)
            verdicts = judge_contract(contract, rows, batches)
        yield from evaluations(context, contract.name, CONTRACT_CHECK, verdicts, warns=False)
