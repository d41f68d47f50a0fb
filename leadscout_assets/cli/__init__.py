"""The terminal shell: each command parses, calls the library and prints. One file per group of commands."""

import sys


def main() -> None:
    """Run `leadscout`.

    Exit codes: 0 done, 1 done with a failing check, 2 bad input or usage, 3 failed.
    """
    from leadscout_assets.cli.application import run_application

    sys.exit(run_application(sys.argv[1:]))
