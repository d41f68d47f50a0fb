"""Alerts with their outbox and silences, and the chain of the audit trail, to which the events so far are added."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from leadscout_assets.database.audit_chain import GENESIS, hash_of
from leadscout_assets.database.migrations.versions.r0001_deliveries_refusals_audit import (
    POSTGRES_APPEND_ONLY,
    SQLITE_APPEND_ONLY,
)
from leadscout_assets.database.models import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
VALUE = sa.JSON().with_variant(JSONB(), "postgresql")

EVENTS = sa.table(
    "audit_events",
    sa.column("id", sa.BigInteger),
    sa.column("at", UtcDateTime),
    *(sa.column(name, sa.Text) for name in ("actor", "action", "subject", "reason")),
    sa.column("detail", VALUE),
    sa.column("prev_hash", sa.Text),
    sa.column("hash", sa.Text),
)


def upgrade() -> None:
    """Chain the audit trail, then make the tables of the alerts."""
    _drop_guard()
    op.add_column(
        "audit_events", sa.Column("prev_hash", sa.Text, comment="hash of the event before; zeros for the first")
    )
    op.add_column("audit_events", sa.Column("hash", sa.Text, comment="SHA-256 of this event with prev_hash, hex"))
    _chain()
    with op.batch_alter_table("audit_events") as table:
        table.alter_column("prev_hash", existing_type=sa.Text, nullable=False)
        table.alter_column("hash", existing_type=sa.Text, nullable=False)
        table.create_unique_constraint("uq_audit_events_prev_hash", ["prev_hash"])
    _guard()
    _make_alerts()


def downgrade() -> None:
    """Drop the tables of the alerts and the chain; the events stay, and stay append-only."""
    for table in ("silences", "alert_memory", "alert_notifications", "alert_occurrences", "alert_states"):
        op.drop_table(table)
    _drop_guard()
    with op.batch_alter_table("audit_events") as events:
        events.drop_constraint("uq_audit_events_prev_hash", type_="unique")
        events.drop_column("hash")
        events.drop_column("prev_hash")
    _guard()


def _chain() -> None:
    connection, before = op.get_bind(), GENESIS
    fields = [EVENTS.c[name] for name in ("id", "at", "actor", "action", "subject", "reason", "detail")]
    for row in connection.execute(sa.select(*fields).order_by(EVENTS.c.id)).all():
        event = {**row._mapping, "prev_hash": before}
        after = hash_of(event)
        connection.execute(EVENTS.update().where(EVENTS.c.id == row.id).values(prev_hash=before, hash=after))
        before = after


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _drop_guard() -> None:
    if _is_postgres():
        for trigger in ("no_change", "no_truncate"):
            op.execute(f"DROP TRIGGER audit_events_{trigger} ON audit_events")
        op.execute("DROP FUNCTION audit_events_refuse()")
        return
    for trigger in ("no_update", "no_delete", "no_replace"):
        op.execute(f"DROP TRIGGER audit_events_{trigger}")


def _guard() -> None:
    for statement in POSTGRES_APPEND_ONLY if _is_postgres() else SQLITE_APPEND_ONLY:
        op.execute(statement)


def _make_alerts() -> None:
    op.create_table(
        "alert_states",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("root", sa.Text, nullable=False, comment="root asset, job, sensor, or part of the platform"),
        sa.Column("level", sa.Text, nullable=False, comment="warning or critical, as last measured while it was wrong"),
        sa.Column("sentence", sa.Text, nullable=False, comment="what was measured; no personal value"),
        sa.Column("pending_since", MOMENT, comment="wrong since, not yet for long enough"),
        sa.Column("fired_at", MOMENT, comment="wrong for long enough since"),
        sa.Column("cleared_since", MOMENT, comment="right again since, not yet for long enough"),
        sa.Column("told_level", sa.Text, comment="worst level that people were told; null before"),
        sa.Column("told_at", MOMENT, comment="when people were last told"),
        sa.Column("told_mark", sa.BigInteger, nullable=False, comment="newest event that people were told of"),
        sa.Column("updates", sa.Integer, nullable=False, comment="times that people were told of newer events"),
        sa.PrimaryKeyConstraint("rule", "root", name="pk_alert_states"),
    )
    op.create_table(
        "alert_occurrences",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="job and batch, or asset, check and batch"),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("level", sa.Text, comment="warning or critical; null where the newest event is a good one"),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column(
            "event_id", sa.BigInteger, nullable=False, comment="newest event on the subject, in Dagster's event log"
        ),
        sa.Column("opened_id", sa.BigInteger, nullable=False, comment="first bad event since the last good one"),
        sa.Column("at", MOMENT, nullable=False, comment="when the newest event happened"),
        sa.PrimaryKeyConstraint("rule", "subject", name="pk_alert_occurrences"),
    )
    op.create_index("ix_alert_occurrences_at", "alert_occurrences", ["at"])
    op.create_table(
        "alert_notifications",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="idempotency key, the same at every attempt"),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("body", VALUE, nullable=False, comment="what is sent"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_attempt_at", MOMENT, comment="null once sent or given up"),
        sa.Column("sent_at", MOMENT),
        sa.Column("error", sa.Text, comment="why the last attempt failed"),
        sa.PrimaryKeyConstraint("number", name="pk_alert_notifications"),
        sa.UniqueConstraint("key", "channel", name="uq_alert_notifications_key"),
    )
    op.create_index("ix_alert_notifications_next_attempt_at", "alert_notifications", ["next_attempt_at"])
    op.create_table(
        "alert_memory",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", VALUE, nullable=False, comment="cursors and probes"),
        sa.Column("version", sa.BigInteger, nullable=False, comment="of two that save at once, the second is refused"),
        sa.PrimaryKeyConstraint("name", name="pk_alert_memory"),
    )
    op.create_table(
        "silences",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_silences"),
    )
    op.create_index("ix_silences_rule", "silences", ["rule"])
