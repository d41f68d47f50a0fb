"""The platform behind `leadscout up`: one code server, one webserver and one daemon, started, watched and stopped.

Knows processes and files, not leads. Dagster is imported only by `defs.orphans`, inside the functions that need it.
"""

from leadscout_assets.supervisor.instance import Instance, prepare_instance
from leadscout_assets.supervisor.lock import running_pid
from leadscout_assets.supervisor.platform import up

__all__ = ["Instance", "prepare_instance", "running_pid", "up"]
