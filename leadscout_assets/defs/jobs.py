"""The jobs: the whole chain for some batches, and the reference assets."""

import dagster as dg

from leadscout_assets.defs.freshness_checks import freshness
from leadscout_assets.defs.lead_assets import GROUP
from leadscout_assets.defs.reference_assets import REFERENCE_GROUP

lead_chain = dg.define_asset_job(
    name="lead_chain",
    # Freshness is the sensor's to judge: it asks about all deliveries, not about the batches of a run.
    selection=dg.AssetSelection.groups(GROUP) - dg.AssetSelection.checks(freshness),
    description="A lead list from the file as delivered to its report, with the checks of every table.",
)

reference = dg.define_asset_job(
    name="reference",
    selection=dg.AssetSelection.groups(REFERENCE_GROUP),
    description="The name lexicon and the model that names are classified with.",
)
