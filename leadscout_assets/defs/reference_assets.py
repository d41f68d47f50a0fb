"""The reference assets that names are classified with: the lexicon, the model made of it, and how good that is.

All are shipped with the package and classify from there; the assets show what is in use, rebuild the model to prove that it
is what the lexicon gives, and measure it on the labelled cases.
"""

import dagster as dg

from leadscout_assets.defs.evaluation_page import evaluation_page
from leadscout_assets.defs.run_log import followed
from leadscout_assets.names.baseline import fallen, frozen, load_baseline
from leadscout_assets.names.cases import TEST, find_cases, read_cases
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evaluation import report
from leadscout_assets.names.knowledge import build_knowledge, differences
from leadscout_assets.names.lexicon import KINDS, load_lexicon

REFERENCE_GROUP = "reference"
OWNERS = ["team:data-engineering"]

LOOK_SECONDS = 600
"""The first look after a start shows what is shipped and leaves the machine to the deliveries that wait; the second one asks
for the run that proves it, half a minute of work."""


@dg.asset(
    group_name=REFERENCE_GROUP,
    owners=OWNERS,
    kinds={"text"},
    description="Elements of South African names, each with the origins that share it, written for this project.",
)
def name_lexicon(context: dg.AssetExecutionContext) -> None:
    """Count what the shipped lexicon holds."""
    context.add_asset_metadata(_elements())


def _elements() -> dict[str, int]:
    lexicon = load_lexicon()
    counts = {f"elements/{kind}": len(lexicon.rows[kind]) for kind in KINDS}
    return {"elements": sum(counts.values()), **counts}


@dg.asset(
    group_name=REFERENCE_GROUP,
    owners=OWNERS,
    kinds={"numpy"},
    deps=[name_lexicon],
    check_specs=[
        dg.AssetCheckSpec(
            "shipped_model",
            asset="name_model",
            description="the shipped model is what the lexicon gives",
            blocking=True,
        )
    ],
    description="What is known of name elements: the lexicon compiled, and the character n-gram model learned from it alone.",
)
def name_model(context: dg.AssetExecutionContext) -> dg.AssetCheckResult:
    """Build the model anew and hold the shipped one against it: by hash, and where that differs, by its arrays."""
    shipped = load_classifier()
    with followed(context, "name_model"):
        built = build_knowledge(load_lexicon())
    same = built.content_hash == shipped.knowledge.content_hash
    # Another processor rounds the last bits of learned weights otherwise: that is no other model.
    apart = [] if same else differences(built, shipped.knowledge)
    context.add_asset_metadata(
        {
            "model_version": shipped.version,
            "content_hash": shipped.knowledge.content_hash,
            "bytes": sum(array.nbytes for array in built.arrays().values()),
        }
    )
    sentence = "equal to the last bit" if same else "equal but for rounding"
    if apart:
        sentence = f"{', '.join(apart)} differ: run `make name-model` and commit the result"
    return dg.AssetCheckResult(passed=not apart, description=sentence, metadata={"arrays": len(built.arrays())})


@dg.asset(
    group_name=REFERENCE_GROUP,
    owners=OWNERS,
    kinds={"numpy"},
    deps=[name_model],
    check_specs=[
        dg.AssetCheckSpec(
            "frozen_baseline",
            asset="name_evaluation",
            description="no figure falls below the frozen baseline without an accepted reason",
            blocking=True,
        )
    ],
    description="How right the model is on the test half of the labelled cases, by origin and group, with intervals.",
)
def name_evaluation(context: dg.AssetExecutionContext) -> dg.AssetCheckResult:
    """Measure the shipped model, draw the charts, and hold the figures against the baseline."""
    cases, baseline = find_cases(), load_baseline()
    if cases is None:
        context.add_asset_metadata({"model_version": load_classifier().version, **baseline.figures})
        same = baseline.model_version == load_classifier().version
        sentence = "the labelled cases are not installed here; " + (
            "the figures are those frozen for this very model" if same else "the figures are an older model's"
        )
        return dg.AssetCheckResult(passed=same, severity=dg.AssetCheckSeverity.WARN, description=sentence)
    with followed(context, "name_evaluation"):
        figures = report([case for case in read_cases(cases) if case.part == TEST], load_classifier())
    measured = frozen(figures)
    context.add_asset_metadata(
        {
            "model_version": measured.model_version,
            "cases": measured.cases,
            **measured.figures,
            "charts": dg.MetadataValue.md(evaluation_page(figures)),
        }
    )
    worse = fallen(figures, baseline)
    sentence = "; ".join(worse) or f"none of {len(baseline.figures)} figures has fallen"
    return dg.AssetCheckResult(passed=not worse, description=sentence, metadata={"accepted": dict(baseline.accepted)})


@dg.sensor(
    name="reference",
    target=[name_lexicon, name_model, name_evaluation],
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Shows a new version of lexicon, model and evaluation at once, and materializes them ten minutes later.",
)
def reference_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.RunRequest:
    """Show a new version as it is shipped; at the next look ask for its run. A run key used before starts nothing."""
    version = load_classifier().version
    if context.cursor == version:
        return dg.RunRequest(run_key=version)
    return dg.SensorResult(asset_events=_shipped(version), cursor=version)


def _shipped(version: str) -> list[dg.AssetMaterialization]:
    as_shipped = {"shown": "as shipped; the run that rebuilds and measures it follows"}
    figures = load_baseline().figures
    return [
        dg.AssetMaterialization("name_lexicon", metadata={**_elements(), **as_shipped}),
        dg.AssetMaterialization("name_model", metadata={"model_version": version, **as_shipped}),
        dg.AssetMaterialization("name_evaluation", metadata={"model_version": version, **figures, **as_shipped}),
    ]
