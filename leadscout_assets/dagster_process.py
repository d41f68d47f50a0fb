"""`python -m leadscout_assets.dagster_process MODULE ARGUMENTS...`: as `python -m MODULE`, but with less work at the start.

Comes before Dagster in each process of the platform, and in those that execute its runs.
"""

import runpy
import sys

from leadscout_assets.garbage import look_later

# Not only below: this module stays `__main__`, and so what multiprocessing starts imports it before all else.
look_later()

if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
