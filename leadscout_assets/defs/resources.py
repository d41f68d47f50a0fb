"""What assets, checks and sensors are handed: the home and the tables. Opened once per process."""

from functools import lru_cache

import dagster as dg

from leadscout_assets.defs.table_io import TableIOManager
from leadscout_assets.home import Home
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import Settings, current_settings


@lru_cache(maxsize=1)
def home_of(settings: Settings) -> Home:
    """Return the home of these settings; every tick of a sensor shares its database pool."""
    return Home(settings)


class Platform(dg.ConfigurableResource[None]):
    """Gives the code below `defs/` the home of this process."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Set up logging in the processes that Dagster starts; doing it again changes nothing."""
        setup_logging(current_settings())

    @property
    def home(self) -> Home:
        """The home of the environment's settings."""
        return home_of(current_settings())


@dg.definitions
def resources() -> dg.Definitions:
    """Bind the resources."""
    return dg.Definitions(resources={"platform": Platform(), "io_manager": TableIOManager()})
