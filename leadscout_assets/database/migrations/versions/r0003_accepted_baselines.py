"""New normals of performance that a person accepted, and runs that a person marked as incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "accepted_baselines",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False, comment="records before it no longer count"),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accepted_baselines"),
    )
    op.create_table(
        "incidents",
        sa.Column("run_id", sa.Text, nullable=False, comment="of a run that no baseline may be made of"),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_incidents"),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("incidents")
    op.drop_table("accepted_baselines")
