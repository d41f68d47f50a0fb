"""The tables of the application database, as SQLAlchemy Core sees them. Migrations make them; a test holds both equal.

No file name and no personal value has a column here: names lie in the manifest beside each stored file.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment: aware in, aware in UTC out, on SQLite too, which stores no zone. Naive datetimes raise."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware datetime into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite counts up by itself only in a column declared INTEGER."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("number", COUNTER, primary_key=True, comment="counts deliveries in the order recorded"),
    sa.Column("batch_id", sa.Text, nullable=False, unique=True),
    sa.Column("sha256", sa.Text, nullable=False, unique=True, comment="of the delivered file, hex"),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", UtcDateTime, nullable=False, index=True),
    sa.Column("rows_counted", sa.BigInteger, comment="by the second reader; null where it could not read the file"),
    sa.Column("run_key", sa.Text, comment="of the newest run requested; null before the first"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="runs requested so far"),
    sa.Column("reported_at", UtcDateTime, comment="when its report was first seen; null while a run is still owed"),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("batch_id", sa.Text, sa.ForeignKey("deliveries.batch_id"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False, comment="what to do, for people; no personal value"),
    sa.Column("at", UtcDateTime, nullable=False),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("id", COUNTER, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False, comment="who or what acted: a user of the machine, or a part"),
    sa.Column("action", sa.Text, nullable=False, comment="a code such as `names.classified`"),
    sa.Column("subject", sa.Text, index=True, comment="batch id or lead id; null where it is neither"),
    sa.Column("reason", sa.Text, comment="the purpose or reason given"),
    sa.Column(
        "detail",
        sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
        nullable=False,
        comment="ids, codes and counts",
    ),
)

accepted_baselines = sa.Table(
    "accepted_baselines",
    metadata,
    sa.Column("id", COUNTER, primary_key=True),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, comment="records before it no longer count"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True, comment="of a run that no baseline may be made of"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
