"""What language models were asked and answered, what that cost or may have cost, and how the providers fare."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "llm_calls",
        sa.Column(
            "id", sa.Text, nullable=False, comment="made before the call; of a batch's request also its custom id"
        ),
        sa.Column("at", MOMENT, nullable=False, comment="when it was reserved, which is before it was sent"),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="call, job or evaluation"),
        sa.Column("job_id", sa.Text, comment="the batch job that it is a request of"),
        sa.Column("state", sa.Text, nullable=False, comment="reserved, settled, released, in_doubt or written_off"),
        sa.Column("outcome", sa.Text, comment="code of how it ended; null while it is under way"),
        sa.Column("names", sa.Integer, nullable=False),
        sa.Column("most_tokens", sa.BigInteger, nullable=False, comment="tokens that it can use at most"),
        sa.Column("most_nano", sa.BigInteger, nullable=False, comment="the most that it can cost, 1e-9 US dollars"),
        sa.Column("booked_nano", sa.BigInteger, nullable=False, comment="what is booked for it now, 1e-9 US dollars"),
        sa.Column("tokens_in", sa.BigInteger, comment="as the vendor counted; null where it did not say"),
        sa.Column("tokens_out", sa.BigInteger),
        sa.Column("seconds", sa.Float),
        sa.Column("prompt_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_llm_calls"),
    )
    op.create_table(
        "llm_call_batches",
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("names", sa.Integer, nullable=False, comment="names of this batch in the call"),
        sa.Column("booked_nano", sa.BigInteger, nullable=False, comment="its share of what is booked, rounded up"),
        sa.ForeignKeyConstraint(["call_id"], ["llm_calls.id"], name="fk_llm_call_batches_call_id"),
        sa.PrimaryKeyConstraint("call_id", "batch_id", name="pk_llm_call_batches"),
    )
    op.create_table(
        "llm_call_names",
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, comment="index of the name in the request"),
        sa.Column("question", sa.Text, nullable=False, comment="keyed hash of the name"),
        sa.Column("answer_key", sa.Text, nullable=False, comment="key of the answer that is asked for"),
        sa.ForeignKeyConstraint(["call_id"], ["llm_calls.id"], name="fk_llm_call_names_call_id"),
        sa.PrimaryKeyConstraint("call_id", "place", name="pk_llm_call_names"),
    )
    op.create_table(
        "llm_answers",
        sa.Column("key", sa.Text, nullable=False, comment="keyed hash of name, model, prompt and schema; never a name"),
        sa.Column("origin", sa.Text, comment="null where the model could not tell"),
        sa.Column("band", sa.Text, nullable=False, comment="the model's own word: high, medium or low"),
        sa.Column("language", sa.Text),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_hash", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["llm_calls.id"], name="fk_llm_answers_call_id"),
        sa.PrimaryKeyConstraint("key", name="pk_llm_answers"),
    )
    op.create_table(
        "llm_jobs",
        sa.Column("id", sa.Text, nullable=False, comment="made before it was submitted"),
        sa.Column("at", MOMENT, nullable=False, comment="when it was about to be submitted"),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="intended, submitted, done or failed"),
        sa.Column("vendor_id", sa.Text, comment="the vendor's id; null until it is known"),
        sa.PrimaryKeyConstraint("id", name="pk_llm_jobs"),
    )
    op.create_table(
        "llm_providers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
        sa.Column("opened_at", MOMENT, comment="when it was given up for a while; null where it is asked"),
        sa.Column("probed_at", MOMENT, comment="when it was last tried while given up"),
        sa.Column("hold_until", MOMENT, comment="when the vendor wants to be asked again"),
        sa.PrimaryKeyConstraint("name", name="pk_llm_providers"),
    )
    op.create_table(
        "llm_outcomes",
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("names", sa.Integer, nullable=False, comment="distinct undecided names of the batch"),
        sa.Column(
            "decided", sa.Integer, nullable=False, comment="of these answered or narrowed with the model's answer"
        ),
        sa.Column("cached", sa.Integer, nullable=False, comment="of these answered from an earlier call"),
        sa.Column(
            "undecided", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, comment="by code of the reason"
        ),
        sa.PrimaryKeyConstraint("batch_id", name="pk_llm_outcomes"),
    )
    op.create_index("ix_llm_calls_at", "llm_calls", ["at"])
    op.create_index("ix_llm_calls_job_id", "llm_calls", ["job_id"])
    op.create_index("ix_llm_call_batches_batch_id", "llm_call_batches", ["batch_id"])
    op.create_index("ix_llm_call_names_question", "llm_call_names", ["question"])
    op.create_index("ix_llm_answers_call_id", "llm_answers", ["call_id"])


def downgrade() -> None:
    """Drop them."""
    for table in (
        "llm_outcomes",
        "llm_providers",
        "llm_jobs",
        "llm_answers",
        "llm_call_names",
        "llm_call_batches",
        "llm_calls",
    ):
        op.drop_table(table)
