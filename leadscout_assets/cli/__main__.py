"""`python -m leadscout_assets.cli`: the same as `leadscout`, for processes that start another one."""

from leadscout_assets.cli import main

main()
