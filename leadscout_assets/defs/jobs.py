"""The jobs: the whole chain for some batches, and the reference assets."""

import dagster as dg

from leadscout_assets.defs.lead_assets import GROUP
from leadscout_assets.defs.reference_assets import REFERENCE_GROUP

lead_chain = dg.define_asset_job(
    name="lead_chain",
    selection=dg.AssetSelection.groups(GROUP),
    description="A lead list from the file as delivered to its report, with the checks of every table.",
)

reference = dg.define_asset_job(
    name="reference",
    selection=dg.AssetSelection.groups(REFERENCE_GROUP),
    description="The name lexicon and the model that names are classified with.",
)
