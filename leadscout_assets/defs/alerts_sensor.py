"""The sensor that tells people. It evaluates the alerts, which `leadscout alerts run` does as well; it starts no run."""

import dagster as dg

from leadscout_assets.alerts.watch import Evaluation, Watch
from leadscout_assets.defs.alert_sources import sources
from leadscout_assets.defs.ticking import ticking
from leadscout_assets.home import Home

TICK_SECONDS = 10
"""With the daemon's own loop of 5 s, what breaks is told within a quarter of a minute."""


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Judges the event log, the platform and the machine by the rules of the alerts, and tells people what changed.",
)
def alerts_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Evaluate one tick. The cursor lies in the application database, where the command line shares it."""
    with ticking(context) as (instance, home):
        return dg.SkipReason(summary(evaluate(instance, home)))


def evaluate(instance: dg.DagsterInstance, home: Home) -> list[Evaluation]:
    """Evaluate the alerts of a home."""
    return Watch(home.settings, lambda: home.database, sources(instance)).run()


def summary(done: list[Evaluation]) -> str:
    """Say in one line what was done."""
    if not done:
        return "another process evaluates the alerts"
    events, news = sum(one.events for one in done), [one for each in done for one in each.news]
    told = ", ".join(f"{one.rule.name} {one.kind} ({one.root})" for one in news) or "nothing to tell"
    faults = "; ".join(done[-1].faults)
    return f"{events} events read; {told}" + (f"; not measured: {faults}" if faults else "")
