"""The reference assets that names are classified with: the lexicon and the model learned from it.

Both are shipped with the package and classify from there; the assets show what is in use and rebuild the model to
prove that it is what the lexicon gives.
"""

import dagster as dg

from leadscout_assets.names.cascade import load_classifier
from leadscout_assets.names.lexicon import KINDS, load_lexicon
from leadscout_assets.names.statistical import differences, train_statistical

REFERENCE_GROUP = "reference"
OWNERS = ["team:data-engineering"]

LOOK_SECONDS = 60
"""The first look after a start leaves the machine to the deliveries that wait; the second one asks for the run."""


@dg.asset(
    group_name=REFERENCE_GROUP,
    owners=OWNERS,
    kinds={"text"},
    description="Elements of South African names, each with the origins that share it, written for this project.",
)
def name_lexicon(context: dg.AssetExecutionContext) -> None:
    """Count what the shipped lexicon holds."""
    lexicon = load_lexicon()
    counts = {f"elements/{kind}": len(lexicon.rows[kind]) for kind in KINDS}
    context.add_asset_metadata({"elements": sum(counts.values()), **counts})


@dg.asset(
    group_name=REFERENCE_GROUP,
    owners=OWNERS,
    kinds={"numpy"},
    deps=[name_lexicon],
    check_specs=[
        dg.AssetCheckSpec(
            "shipped_model", asset="name_model", description="the shipped model is what the lexicon gives"
        )
    ],
    description="The character n-gram model of the statistical stage, learned from the lexicon alone.",
)
def name_model(context: dg.AssetExecutionContext) -> dg.AssetCheckResult:
    """Learn the model anew and hold the shipped one against it."""
    shipped = load_classifier()
    given = shipped.models.statistical.arrays()
    apart = differences(train_statistical(load_lexicon()), shipped.models.statistical)
    context.add_asset_metadata(
        {"model_version": shipped.version, "bytes": sum(array.nbytes for array in given.values())}
    )
    sentence = f"{', '.join(apart)} differ: run `make name-model` and commit the result" if apart else "equal"
    return dg.AssetCheckResult(passed=not apart, description=sentence, metadata={"arrays": len(given)})


@dg.sensor(
    name="reference",
    target=[name_lexicon, name_model],
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Materializes lexicon and model once for each version of them.",
)
def reference_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for the run of a version at the second look at it; a run key that was used before starts nothing."""
    version = load_classifier().version
    if context.cursor != version:
        context.update_cursor(version)
        return dg.SkipReason("a new version; the next look asks for its run")
    return dg.RunRequest(run_key=version)
