"""Under which purpose the names of each delivery were classified, and how long what was inferred may be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

COLUMNS = (
    sa.Column("purpose", sa.Text, comment="id of the purpose last asked for; null where none was"),
    sa.Column("purpose_entry", sa.Text, comment="digest of its entry in the register; null where it was refused"),
    sa.Column("purpose_before", sa.Text, comment="id of the purpose before that, where it was another"),
    sa.Column("purpose_refusal", sa.Text, comment="why the purpose was refused; null where it holds"),
    sa.Column("retention_days", sa.Integer, comment="days from delivery for which what was inferred may be kept"),
    sa.Column("inferred_deleted_at", MOMENT, comment="when what was inferred was deleted, its retention over"),
)


def upgrade() -> None:
    """Add the columns; what was classified before was classified under no registered purpose."""
    for column in COLUMNS:
        op.add_column("deliveries", column.copy())


def downgrade() -> None:
    """Drop them."""
    for column in reversed(COLUMNS):
        op.drop_column("deliveries", column.name)
