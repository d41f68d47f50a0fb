"""Every hostile file there is: all kinds, each in its variants, made from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.hostile.cells import CELLS
from tests.hostile.containers import CONTAINERS
from tests.hostile.kinds import Kind
from tests.hostile.texts import TEXTS
from tests.hostile.workbooks import WORKBOOKS

SEED = 20_261

REGISTRY: tuple[Kind, ...] = (*TEXTS, *CONTAINERS, *WORKBOOKS, *CELLS)


@dataclass(frozen=True)
class HostileFile:
    """One hostile file to be: a kind and the number of its variant."""

    kind: Kind
    variant: int

    @property
    def name(self) -> str:
        """The kind's name, with the variant's number where there are several."""
        return f"{self.kind.name} ({self.variant + 1})" if self.kind.variants > 1 else self.kind.name

    def content(self, seed: int = SEED) -> bytes:
        """Return the file's bytes, the same for the same seed."""
        return self.kind.make(random.Random(f"{seed} {self.name}"))


FILES: tuple[HostileFile, ...] = tuple(
    HostileFile(kind, variant) for kind in REGISTRY for variant in range(kind.variants)
)
