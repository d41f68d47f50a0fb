"""Reviews of classifications, and the questions that they answer. Not append-only: a person's answers can be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "review_questions",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("question_id", sa.Text, nullable=False, comment="stands in the file beside the name"),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("lead_id", sa.Text, nullable=False),
        sa.Column("name_hash", sa.Text, nullable=False, comment="keyed hash of the name as shown"),
        sa.Column("full_name", sa.Boolean, nullable=False, comment="whether an answer may count for the name"),
        sa.Column("sampled", sa.Boolean, nullable=False, comment="from the random sample of the decided"),
        sa.Column(
            "origin_set", sa.Text, nullable=False, comment="the model's answer when asked, blank where it abstained"
        ),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_review_questions"),
        sa.UniqueConstraint("question_id", name="uq_review_questions_question_id"),
    )
    op.create_table(
        "reviews",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("question_id", sa.Text, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("lead_id", sa.Text, nullable=False),
        sa.Column("name_hash", sa.Text, comment="keyed hash of the full name; null where it counts for this lead only"),
        sa.Column("origin", sa.Text, nullable=False, comment="or cannot_tell"),
        sa.Column("language", sa.Text),
        sa.Column("kind", sa.Text, nullable=False, comment="reviewer or self_declared"),
        sa.Column("reviewer", sa.Text, nullable=False, comment="who reviewed, or who recorded a person's own word"),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("note", sa.Text, comment="a code"),
        sa.PrimaryKeyConstraint("number", name="pk_reviews"),
    )
    for table in ("review_questions", "reviews"):
        op.create_index(f"ix_{table}_lead_id", table, ["lead_id"])
        op.create_index(f"ix_{table}_name_hash", table, ["name_hash"])


def downgrade() -> None:
    """Drop both; the reviews are lost."""
    op.drop_table("reviews")
    op.drop_table("review_questions")
