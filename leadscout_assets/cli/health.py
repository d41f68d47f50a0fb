"""`leadscout health` and `leadscout exporter`: is the platform well, asked once or by HTTP."""

from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json
from leadscout_assets.settings import current_settings

FAILING = 1


def health(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    expect_platform: Annotated[
        bool, typer.Option("--expect-platform", help="A platform that is not running is a failure, not a warning.")
    ] = False,
) -> int:
    """Look whether the platform can work, within seconds; exits 1 where it cannot."""
    from leadscout_assets.health import Examiner

    found = Examiner(current_settings()).examine(expect_platform=expect_platform)
    if as_json:
        print_json(found.to_json())
    else:
        for name, state in found.states.items():
            print(f"{state.state:<7}  {name}: {state.sentence}")
    return 0 if found.ready else FAILING


def exporter(
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Default LEADSCOUT_EXPORTER_PORT.")] = None,
) -> None:
    """Answer GET /health, /ready and /metrics until Ctrl-C or SIGTERM. `leadscout up` starts one, too."""
    from leadscout_assets.exporter import serve

    settings = current_settings()
    chosen = settings if port is None else settings.model_copy(update={"exporter_port": port})
    serve(
        chosen, on_ready=lambda url: print(f"LeadScout answers: {url}/health, {url}/ready, {url}/metrics", flush=True)
    )
