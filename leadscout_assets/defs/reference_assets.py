"""The reference assets that names are classified with: the lexicon and the model."""

import dagster as dg

REFERENCE_GROUP = "reference"


@dg.asset(group_name=REFERENCE_GROUP, kinds={"text"}, owners=["team:data-engineering"])
def name_lexicon() -> None:
    """Name elements."""


@dg.asset(group_name=REFERENCE_GROUP, kinds={"numpy"}, owners=["team:data-engineering"], deps=[name_lexicon])
def name_model() -> None:
    """Name model."""
