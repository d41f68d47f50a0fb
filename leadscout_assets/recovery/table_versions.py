"""Delta tables at one version: which files that version is made of, what its rows are, and one moment for all tables.

Reads only. The writers are in `tables`, and go on meanwhile.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.recovery.content import Content, content_of

if TYPE_CHECKING:
    import pyarrow.dataset

LOG = "_delta_log"
LOG_FILE = re.compile(r"(\d{20})\.(?:json|checkpoint(?:\.\d+\.\d+)?\.parquet)")

LOOKS = 200
PAUSE_SECONDS = 0.01
"""Looks until no table changed between two of them. A look takes a millisecond, a commit twenty."""

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class DataFile:
    """One data file of a version; `path` is below the table's folder."""

    path: str
    fragment: pyarrow.dataset.Fragment
    schema: pyarrow.Schema

    def content(self) -> Content:
        """Read the file and return the content of its rows, the batch they belong to included."""
        return content_of(self.fragment.to_batches(schema=self.schema, batch_size=BATCH_ROWS))


def one_moment(root: Path) -> dict[str, int]:
    """Return the versions that all tables below `root` had at one and the same moment, by name.

    Raises `EdgeFailed` where they never hold still.
    """
    if not root.is_dir():
        return {}
    from leadscout_assets.tables import together

    # Not between two commits of tables that are written as one.
    with together(root):
        before = _versions(root)
        for _ in range(LOOKS):
            now = _versions(root)
            if now == before:
                return now
            before = now
            time.sleep(PAUSE_SECONDS)
    raise EdgeFailed("the tables changed at every look; take the backup when fewer runs are under way")


def data_files(table: Path, version: int) -> list[DataFile]:
    """Return the data files of a version of a table. Raises `EdgeFailed` where its log cannot be read."""
    import pyarrow.fs
    from deltalake import DeltaTable

    with reading(table.name):
        local = pyarrow.fs.SubTreeFileSystem(str(table), pyarrow.fs.LocalFileSystem())
        rows = DeltaTable(table, version=version).to_pyarrow_dataset(filesystem=local)
        return [DataFile(fragment.path, fragment, rows.schema) for fragment in rows.get_fragments()]


def log_files(table: Path, version: int) -> list[str]:
    """Return the files of a table's log up to a version, below the table's folder.

    Without the hint where the newest checkpoint is: it may name one that is newer than the version.
    """
    found = ((LOG_FILE.fullmatch(path.name), path.name) for path in (table / LOG).iterdir())
    return sorted(f"{LOG}/{name}" for match, name in found if match and int(match[1]) <= version)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what storage raises while a table is read into ours, without the values it may quote."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except FileNotFoundError:
        raise
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise EdgeFailed(f"table {name} cannot be read ({type(error).__name__}); see `leadscout doctor`") from None


def _versions(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for log in root.glob(f"*/{LOG}"):
        numbers = [int(match[1]) for path in log.iterdir() if (match := LOG_FILE.fullmatch(path.name))]
        # A writer killed before its first commit leaves a folder without a version.
        if numbers:
            found[log.parent.name] = max(numbers)
    return found
