"""`leadscout code-location`: the definitions and their runs as a service beside others, as a container has it."""

from typing import Annotated

import typer

from leadscout_assets.settings import current_settings


def code_location(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 4000,
) -> int:
    """Serve the definitions to a webserver and a daemon elsewhere, and execute their runs; `up` does all of it at once."""
    from leadscout_assets.batch_purposes import require_registered
    from leadscout_assets.forgetting.forget import check_replayed
    from leadscout_assets.governance.anchors import anchor
    from leadscout_assets.governance.widening import note_widening
    from leadscout_assets.home import Home
    from leadscout_assets.llm.setup import check_models
    from leadscout_assets.supervisor.code_location import serve_code_location

    home = Home(current_settings())
    require_registered(home, "code-location")
    check_models(home.settings)
    home.make_inbox()
    check_replayed(home)
    note_widening(home.database, home.settings)
    anchor(home.settings, home.database, why="up")
    # Before anything is served: two runs that find an old schema would both wait for the same upgrade.
    home.database.close()
    return serve_code_location(home.settings, host, port)
