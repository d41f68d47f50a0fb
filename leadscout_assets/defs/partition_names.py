"""The names of the partitions that there are, remembered between two looks at the UI: a part of both event logs of ours.

Dagster reads all of them for each of the dozen questions that a page asks, though they seldom change. Why: ADR 0026.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import sqlalchemy as sa
from dagster._core.storage.event_log import DynamicPartitionsTable, SqlEventLogStorage

_TABLE = DynamicPartitionsTable.c

Mark: TypeAlias = tuple[object, ...]
"""What differs once a partition has come or gone: how many there are, and which is the newest, since when."""


class RemembersPartitions(SqlEventLogStorage):
    """Stands before Dagster's event log among the bases of ours."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the partitions of a kind, the oldest first."""
        mark = self._mark(partitions_def_name)
        read_at, names = self._partitions.get(partitions_def_name, ((), ()))
        if mark != read_at:
            names = tuple(super().get_dynamic_partitions(partitions_def_name))
            self._partitions[partitions_def_name] = mark, names
        return list(names)

    @cached_property
    def _partitions(self) -> dict[str, tuple[Mark, tuple[str, ...]]]:
        """By kind. What another thread brings meanwhile is noticed by the next mark: the names are read after it."""
        return {}

    def _mark(self, kind: str) -> Mark:
        """SQLite gives the number of a row that was the last, and is gone, to the next one: hence its name and time as well."""
        of_kind = _TABLE.partitions_def_name == kind
        number = sa.select(sa.func.count()).where(of_kind).scalar_subquery()
        newest = (
            sa.select(number, _TABLE.id, _TABLE.partition, _TABLE.create_timestamp)
            .where(of_kind)
            .order_by(_TABLE.id.desc())
            .limit(1)
        )
        with self.index_connection() as connection:
            return tuple(connection.execute(newest).first() or (0,))
