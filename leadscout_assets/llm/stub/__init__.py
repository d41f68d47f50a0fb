"""A stand-in for language models: a local server with the vendors' protocols and faults. For tests, benchmarks and demonstrations.

It has no ability that the vendors lack: a call that is sent twice is answered twice, and charged twice.
"""

from leadscout_assets.llm.stub.faults import FAULTS, Faults
from leadscout_assets.llm.stub.server import StubServer

__all__ = ["FAULTS", "Faults", "StubServer"]
