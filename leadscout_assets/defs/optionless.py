"""What a class that `dagster.yaml` names must offer Dagster where it has no options there."""

from collections.abc import Mapping
from typing import Any, Self

from dagster._serdes import ConfigurableClassData


class Optionless:
    """Stands before Dagster's class among the bases of one that is made with `inst_data` alone."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the options in `dagster.yaml`: none. A password there would travel with every launched run."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Make what `dagster.yaml` names."""
        return cls(inst_data=inst_data)  # type: ignore[call-arg]  # whoever derives from it takes that
