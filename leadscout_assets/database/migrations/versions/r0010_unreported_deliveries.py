"""Deliveries that wait for their report are found without a look at all others: every tick of the inbox asks for them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = sa.text("reported_at IS NULL")


def upgrade() -> None:
    """Index those few."""
    op.create_index(
        "ix_deliveries_unreported",
        "deliveries",
        ["delivered_at", "number"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_deliveries_unreported", "deliveries")
