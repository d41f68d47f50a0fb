"""Deliveries, refusals, and audit events that can only be added to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)

SQLITE_APPEND_ONLY = (
    """
    CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events can only be added to'); END
    """,
    """
    CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events can only be added to'); END
    """,
    # INSERT OR REPLACE deletes the old row without firing the delete trigger.
    """
    CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
    WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'audit_events can only be added to'); END
    """,
)

POSTGRES_APPEND_ONLY = (
    """
    CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit_events can only be added to'; END $$
    """,
    """
    CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()
    """,
    """
    CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()
    """,
)


def upgrade() -> None:
    """Make the three tables and the triggers."""
    op.create_table(
        "deliveries",
        sa.Column("number", COUNTER, nullable=False, comment="counts deliveries in the order recorded"),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the delivered file, hex"),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=False),
        sa.Column("rows_counted", sa.BigInteger, comment="by the second reader; null where it could not read the file"),
        sa.Column("run_key", sa.Text, comment="of the newest run requested; null before the first"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="runs requested so far"),
        sa.Column("reported_at", MOMENT, comment="when its report was first seen; null while a run is still owed"),
        sa.PrimaryKeyConstraint("number", name="pk_deliveries"),
        sa.UniqueConstraint("batch_id", name="uq_deliveries_batch_id"),
        sa.UniqueConstraint("sha256", name="uq_deliveries_sha256"),
    )
    op.create_index("ix_deliveries_delivered_at", "deliveries", ["delivered_at"])
    op.create_table(
        "refusals",
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False, comment="what to do, for people; no personal value"),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "step", name="pk_refusals"),
        sa.ForeignKeyConstraint(["batch_id"], ["deliveries.batch_id"], name="fk_refusals_batch_id"),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False, comment="who or what acted: a user of the machine, or a part"),
        sa.Column("action", sa.Text, nullable=False, comment="a code such as `names.classified`"),
        sa.Column("subject", sa.Text, comment="batch id or lead id; null where it is neither"),
        sa.Column("reason", sa.Text, comment="the purpose or reason given"),
        sa.Column(
            "detail",
            sa.JSON().with_variant(JSONB(), "postgresql"),
            nullable=False,
            comment="ids, codes and counts",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
    op.create_index("ix_audit_events_subject", "audit_events", ["subject"])
    statements = POSTGRES_APPEND_ONLY if op.get_bind().dialect.name == "postgresql" else SQLITE_APPEND_ONLY
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Drop everything, triggers with their table."""
    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_refuse()")
    op.drop_table("refusals")
    op.drop_table("deliveries")
