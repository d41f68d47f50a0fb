"""Columns that a person named for a sender's lists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "column_mappings",
        sa.Column("sender", sa.Text, nullable=False, comment="a name that a person gave it"),
        sa.Column("header", sa.Text, nullable=False, comment="digest of the headers of the lists it is for"),
        sa.Column(
            "columns",
            sa.JSON().with_variant(JSONB(), "postgresql"),
            nullable=False,
            comment="field by header, as a person named them",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sender", name="pk_column_mappings"),
        sa.UniqueConstraint("header", name="uq_column_mappings_header"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("column_mappings")
