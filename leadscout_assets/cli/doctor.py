"""`leadscout doctor`: what is set up, what is missing, how to mend it."""

from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json
from leadscout_assets.settings import current_settings

FAILED = 1


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> int:
    """Look over the installation; exits 1 where something needs mending."""
    from leadscout_assets.diagnosis import diagnose

    findings = diagnose(current_settings())
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'MEND'}  {finding.what}: {finding.found}")
            if not finding.ok:
                print(f"      {finding.fix}")
    return 0 if all(finding.ok for finding in findings) else FAILED
