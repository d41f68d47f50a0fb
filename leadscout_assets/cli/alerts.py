"""`leadscout alerts ...`: evaluate the alerts once, list them, silence a rule, try a channel."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from leadscout_assets.cli.printing import Row, print_json, print_table
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

FIRING = 1

COLUMNS = ("level", "rule", "root", "state", "since", "told_at", "sentence")
RULE_COLUMNS = ("rule", "warning", "critical", "unit", "means")
SILENCE_COLUMNS = ("rule", "until", "reason", "actor")
OUTBOX_COLUMNS = ("created_at", "channel", "title", "sent_at", "attempts", "error")

app = typer.Typer(no_args_is_help=True, help="What people are told, and what they are not.", rich_markup_mode=None)

As_json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def run(as_json: As_json = False) -> None:
    """Evaluate the alerts once and send what is to be told: for cron. The platform's sensor does the same while it is up."""
    from leadscout_assets.alerts.rules import rules_with
    from leadscout_assets.alerts.watch import Watch
    from leadscout_assets.defs.alert_sources import sources
    from leadscout_assets.defs.alerts_sensor import summary
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.home import Home
    from leadscout_assets.supervisor import prepare_instance

    settings = current_settings()
    rules_with(settings.alert_levels)
    home = Home(settings)
    with open_instance(prepare_instance(settings).folder) as instance:
        done = Watch(settings, lambda: home.database, sources(instance)).run()
    if not as_json:
        print(summary(done))
        return
    told = [one for each in done for one in each.news]
    print_json(
        {
            "evaluations": len(done),
            "events": sum(one.events for one in done),
            "lag_seconds": max((one.lag_seconds for one in done if one.lag_seconds is not None), default=None),
            "faults": list(done[-1].faults) if done else [],
            "told": [
                {"rule": n.rule.name, "root": n.root, "kind": n.kind, "level": n.level, "sentence": n.sentence}
                for n in told
            ],
        }
    )


@app.command("list")
def list_alerts(
    rules: Annotated[bool, typer.Option("--rules", help="Every rule with its figures, firing or not.")] = False,
    as_json: As_json = False,
) -> int:
    """List what is wrong, what is silenced and what was sent last; exits 1 where something fires."""
    from leadscout_assets.alerts.file_store import FileStore
    from leadscout_assets.alerts.rules import rules_with
    from leadscout_assets.alerts.silences import silences_at
    from leadscout_assets.alerts.store import DatabaseStore
    from leadscout_assets.home import Home

    settings = current_settings()
    if rules:
        rows = [
            {"rule": r.name, "warning": r.warning, "critical": r.critical, "unit": r.unit, "means": r.means}
            for r in rules_with(settings.alert_levels)
        ]
        print_json(rows) if as_json else print_table(
            [{**row, "warning": f"{row['warning']:.4g}", "critical": f"{row['critical']:.4g}"} for row in rows],
            RULE_COLUMNS,
        )
        return 0
    states = list(FileStore(settings.alerts_dir).states().values())
    silences, outbox, fault = [], [], None
    try:
        database = Home(settings).database
        store = DatabaseStore(database)
        states += store.states().values()
        silences = [vars(one) for one in silences_at(database, datetime.now(UTC))]
        outbox = store.outbox()
    except EdgeFailed as error:
        # What lies outside the database is shown all the same: it is what tells about this very fault.
        fault = str(error)
    alerts = [
        {
            "level": state.level,
            "rule": state.rule,
            "root": state.root,
            "state": "firing" if state.firing else "pending",
            "since": state.fired_at or state.pending_since,
            "told_at": state.told_at,
            "sentence": state.sentence,
        }
        for state in sorted(states, key=lambda one: (not one.firing, one.level, one.rule))
    ]
    if as_json:
        print_json({"alerts": alerts, "silences": silences, "notifications": outbox, "fault": fault})
    else:
        print_table(_shown(alerts), COLUMNS) if alerts else print("nothing is wrong")
        for title, found, columns in (
            ("silenced", silences, SILENCE_COLUMNS),
            ("sent last", outbox, OUTBOX_COLUMNS),
        ):
            if found:
                print(f"\n{title}")
                print_table(_shown(found), columns)
        if fault:
            print(f"\nnot everything could be read: {fault}")
    return FIRING if any(state.firing for state in states) else 0


@app.command()
def silence(
    rule: Annotated[str, typer.Argument(help="Name of the rule, as `leadscout alerts list --rules` shows it.")],
    reason: Annotated[str, typer.Option(help="Why nobody is to be told; goes to the audit trail.")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="End of the silence, South African time."),
    ] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, help="Length of the silence instead.")] = None,
) -> None:
    """Tell nobody about a rule for a while. What still fires at the end is told then."""
    from leadscout_assets.alerts.silences import silence as silence_rule
    from leadscout_assets.forgetting.reasons import kept_reason
    from leadscout_assets.home import Home
    from leadscout_assets.processes import user

    now = datetime.now(UTC)
    if (until is None) == (hours is None):
        raise BadInput("say how long: either --until or --hours")
    try:
        end = until.replace(tzinfo=TIME_ZONE) if until is not None else now + timedelta(hours=hours or 0.0)
    except OverflowError:
        raise BadInput("--hours: that is too long") from None
    home = Home(current_settings())
    silence_rule(home.database, rule, until=end, reason=kept_reason(home, reason), actor=user(), now=now)
    print(f"{rule} is silenced until {_moment(end)}")


@app.command()
def unsilence(rule: Annotated[str, typer.Argument(help="Name of the rule.")]) -> None:
    """End the silences of a rule now."""
    from leadscout_assets.alerts.silences import end_silences
    from leadscout_assets.home import Home
    from leadscout_assets.processes import user

    ended = end_silences(Home(current_settings()).database, rule, actor=user(), now=datetime.now(UTC))
    if not ended:
        raise BadInput(f"{rule} is not silenced; leadscout alerts list shows what is")
    print(f"{rule} is told about again")


@app.command()
def test(channel: Annotated[str, typer.Argument(help="log, slack, webhook or email.")]) -> None:
    """Send a test message through one channel, at once and past the outbox."""
    from leadscout_assets.alerts.channels import CHANNELS, channels_of
    from leadscout_assets.alerts.messages import trial

    if channel not in CHANNELS:
        raise BadInput(f"there is no channel {channel}; there are {', '.join(CHANNELS)}")
    found = channels_of(current_settings()).get(channel)
    if found is None:
        raise BadInput(f"the channel {channel} is not set up: docs/alerts.md says which settings it needs")
    found.send(trial(channel, datetime.now(UTC)))
    print(f"sent through {channel}")


def _shown(rows: Sequence[Row]) -> list[dict[str, object]]:
    return [{k: _moment(v) if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]


def _moment(at: datetime) -> str:
    return at.astimezone(TIME_ZONE).isoformat(timespec="seconds")
