"""Batches that were taken out of everything, and delivered again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)

ADDED = {
    "undone_at": "when somebody took it out of everything; null while it counts",
    "again_at": "when it was delivered again after that",
}


def upgrade() -> None:
    """Add the columns, make the table."""
    for name, comment in ADDED.items():
        op.add_column("deliveries", sa.Column(name, MOMENT, comment=comment))
    op.create_table(
        "undos",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, comment="as given"),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, comment="null while anything of it is still to be done"),
        sa.Column(
            "figures",
            sa.JSON().with_variant(JSONB(), "postgresql"),
            nullable=False,
            comment="what was there when it began: rows by table, known leads, report files",
        ),
        sa.PrimaryKeyConstraint("number", name="pk_undos"),
        sa.ForeignKeyConstraint(["batch_id"], ["deliveries.batch_id"], name="fk_undos_batch_id"),
    )
    op.create_index("ix_undos_batch_id", "undos", ["batch_id"])


def downgrade() -> None:
    """Take both away."""
    op.drop_table("undos")
    for name in ADDED:
        op.drop_column("deliveries", name)
