"""Under which purpose the names of each delivery were classified, and how long what was inferred may be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

TEXTS = {
    "purpose": "id of the purpose last asked for; null where none was",
    "purpose_entry": "digest of its entry in the register; null where it was refused",
    "purpose_before": "id of the purpose before that, where it was another",
    "purpose_refusal": "why the purpose was refused; null where it holds",
}
RETENTION = "days from delivery for which what was inferred may be kept"
DELETED = "when what was inferred was deleted, its retention over"


def upgrade() -> None:
    """Add the columns; what was classified before was classified under no registered purpose."""
    for name, means in TEXTS.items():
        op.add_column("deliveries", sa.Column(name, sa.Text, comment=means))
    op.add_column("deliveries", sa.Column("retention_days", sa.Integer, comment=RETENTION))
    op.add_column("deliveries", sa.Column("inferred_deleted_at", MOMENT, comment=DELETED))


def downgrade() -> None:
    """Drop them."""
    for name in ("inferred_deleted_at", "retention_days", *reversed(TEXTS)):
        op.drop_column("deliveries", name)
