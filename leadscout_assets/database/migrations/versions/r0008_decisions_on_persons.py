"""Decisions about persons: suppressions, erasures, consents, exchanges of lists; and what a delivered file was rewritten to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and the column."""
    op.create_table(
        "suppressions",
        sa.Column("entry", sa.Text, nullable=False, comment="one person or business on a list"),
        sa.Column("kind", sa.Text, nullable=False, comment="name, number, email, lead, business or domain"),
        sa.Column("hash", sa.Text, nullable=False, comment="keyed hash of the normalised value"),
        sa.Column("list", sa.Text, nullable=False, comment="erased, or the name of a list"),
        sa.Column("generation", sa.Integer, nullable=False, comment="of the key of suppression"),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("entry", "kind", "hash", name="pk_suppressions"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, comment="null while it is not finished in this home"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="number or email"),
        sa.Column("hash", sa.Text, nullable=False, comment="keyed hash of the normalised value"),
        sa.Column("generation", sa.Integer, nullable=False, comment="of the key of suppression"),
        sa.Column("at", MOMENT, nullable=False, comment="when the person said it"),
        sa.Column("channel", sa.Text, nullable=False, comment="call, sms, email or all"),
        sa.Column("what", sa.Text, nullable=False, comment="consent, objection or approach"),
        sa.Column("wording", sa.Text, comment="what was asked or said, without personal values"),
        sa.Column("source", sa.Text, comment="where it was recorded"),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", "kind", "hash", name="pk_consents"),
    )
    op.create_table(
        "cleansings",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("list", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False, comment="sent or received"),
        sa.Column("entries", sa.BigInteger, nullable=False, comment="numbers or hashes in the file"),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the file, hex"),
        sa.PrimaryKeyConstraint("id", name="pk_cleansings"),
    )
    op.create_index("ix_consents_hash", "consents", ["hash"])
    op.add_column(
        "deliveries",
        sa.Column("rewritten_sha256", sa.Text, comment="of the file as stored where rows of it were erased; else null"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_column("deliveries", "rewritten_sha256")
    op.drop_index("ix_consents_hash", "consents")
    for table in ("cleansings", "consents", "erasures", "suppressions"):
        op.drop_table(table)
