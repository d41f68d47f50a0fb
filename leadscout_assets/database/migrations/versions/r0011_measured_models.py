"""How language models fared on the golden set: one that did not pass is asked about nobody's name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = "intended, submitted, done or failed"
ALL_STATES = "intended, submitted, done, deleted (at the vendor, too) or failed"


def upgrade() -> None:
    """Make the table, and name the state of a job that was left out."""
    op.create_table(
        "llm_evaluations",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False, comment="kind of the provider"),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_hash", sa.Text, nullable=False),
        sa.Column("schema_hash", sa.Text, nullable=False),
        sa.Column("golden_hash", sa.Text, nullable=False, comment="of the golden set that it was asked"),
        sa.Column("names", sa.Integer, nullable=False, comment="how many it was asked about"),
        sa.Column("answered", sa.Integer, nullable=False, comment="of these with an origin"),
        sa.Column("correct", sa.Integer, nullable=False, comment="of these with an origin that is right"),
        sa.Column("could_not_tell", sa.Integer, nullable=False),
        sa.Column("told", sa.Float, nullable=False, comment="share of the clear names that were given an origin"),
        sa.Column(
            "bands",
            sa.JSON().with_variant(JSONB(), "postgresql"),
            nullable=False,
            comment="by the model's own word: right, all, share, calibrated",
        ),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("p50_seconds", sa.Float, nullable=False, comment="of its calls"),
        sa.Column("p95_seconds", sa.Float, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_llm_evaluations"),
    )
    _comment(ALL_STATES, before=STATES)


def downgrade() -> None:
    """Drop the table; every model then waits to be measured again."""
    _comment(STATES, before=ALL_STATES)
    op.drop_table("llm_evaluations")


def _comment(text: str, *, before: str) -> None:
    if op.get_context().dialect.supports_comments:  # SQLite keeps none
        op.alter_column("llm_jobs", "state", comment=text, existing_comment=before)
