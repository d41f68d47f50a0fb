"""What assets, checks and sensors are handed: the home and the tables. Opened once per process."""

from functools import lru_cache

import dagster as dg
from structlog.contextvars import bind_contextvars, unbind_contextvars

from leadscout_assets.defs.table_io import TableIOManager
from leadscout_assets.home import Home
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import Settings, current_settings
from leadscout_assets.telemetry import begin_run, end_run, setup_telemetry


@lru_cache(maxsize=1)
def home_of(settings: Settings) -> Home:
    """Return the home of these settings; every tick of a sensor shares its database pool."""
    return Home(settings)


class Platform(dg.ConfigurableResource[None]):
    """Gives the code below `defs/` the home of this process."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Set up logs and telemetry in the processes that Dagster starts; the run's id is on all they tell until its end."""
        setup_logging(current_settings(), files=True)
        setup_telemetry(current_settings())
        if context.run is not None:
            bind_contextvars(run_id=context.run.run_id)
            begin_run(context.run.run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Take the run's id off again: a process may execute several runs, one after the other."""
        if context.run is not None:
            end_run()
            unbind_contextvars("run_id")

    @property
    def home(self) -> Home:
        """The home of the environment's settings."""
        return home_of(current_settings())


@dg.definitions
def resources() -> dg.Definitions:
    """Bind the resources."""
    return dg.Definitions(resources={"platform": Platform(), "io_manager": TableIOManager()})
