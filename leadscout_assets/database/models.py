"""The tables of the application database, as SQLAlchemy Core sees them. Migrations make them; a test holds both equal.

No file name and no personal value has a column here: names lie in the manifest beside each stored file.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment: aware in, aware in UTC out, on SQLite too, which stores no zone. Naive datetimes raise."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware datetime into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite counts up by itself only in a column declared INTEGER."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("number", COUNTER, primary_key=True, comment="counts deliveries in the order recorded"),
    sa.Column("batch_id", sa.Text, nullable=False, unique=True),
    sa.Column("sha256", sa.Text, nullable=False, unique=True, comment="of the delivered file, hex"),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", UtcDateTime, nullable=False, index=True),
    sa.Column("rows_counted", sa.BigInteger, comment="by the second reader; null where it could not read the file"),
    sa.Column("run_key", sa.Text, comment="of the newest run requested; null before the first"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="runs requested so far"),
    sa.Column("reported_at", UtcDateTime, comment="when its report was first seen; null while a run is still owed"),
    sa.Column("rewritten_sha256", sa.Text, comment="of the file as stored where rows of it were erased; else null"),
    sa.Column("purpose", sa.Text, comment="id of the purpose last asked for; null where none was"),
    sa.Column("purpose_entry", sa.Text, comment="digest of its entry in the register; null where it was refused"),
    sa.Column("purpose_before", sa.Text, comment="id of the purpose before that, where it was another"),
    sa.Column("purpose_refusal", sa.Text, comment="why the purpose was refused; null where it holds"),
    sa.Column("retention_days", sa.Integer, comment="days from delivery for which what was inferred may be kept"),
    sa.Column("inferred_deleted_at", UtcDateTime, comment="when what was inferred was deleted, its retention over"),
    sa.Column("undone_at", UtcDateTime, comment="when somebody took it out of everything; null while it counts"),
    sa.Column("again_at", UtcDateTime, comment="when it was delivered again after that"),
)
sa.Index(
    "ix_deliveries_unreported",
    deliveries.c.delivered_at,
    deliveries.c.number,
    sqlite_where=deliveries.c.reported_at.is_(None),
    postgresql_where=deliveries.c.reported_at.is_(None),
)

undos = sa.Table(
    "undos",
    metadata,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("batch_id", sa.Text, sa.ForeignKey("deliveries.batch_id"), nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, comment="as given"),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, comment="null while anything of it is still to be done"),
    sa.Column(
        "figures",
        sa.JSON().with_variant(JSONB(), "postgresql"),
        nullable=False,
        comment="what was there when it began: rows by table, known leads, report files",
    ),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("batch_id", sa.Text, sa.ForeignKey("deliveries.batch_id"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False, comment="what to do, for people; no personal value"),
    sa.Column("at", UtcDateTime, nullable=False),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("id", COUNTER, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False, comment="who or what acted: a user of the machine, or a part"),
    sa.Column("action", sa.Text, nullable=False, comment="a code such as `names.classified`"),
    sa.Column("subject", sa.Text, index=True, comment="batch id or lead id; null where it is neither"),
    sa.Column("reason", sa.Text, comment="the purpose or reason given"),
    sa.Column(
        "detail",
        sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
        nullable=False,
        comment="ids, codes and counts",
    ),
    sa.Column(
        "prev_hash", sa.Text, nullable=False, unique=True, comment="hash of the event before; zeros for the first"
    ),
    sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 of this event with prev_hash, hex"),
)

column_mappings = sa.Table(
    "column_mappings",
    metadata,
    sa.Column("sender", sa.Text, primary_key=True, comment="a name that a person gave it"),
    sa.Column("header", sa.Text, nullable=False, unique=True, comment="digest of the headers of the lists it is for"),
    sa.Column(
        "columns",
        sa.JSON().with_variant(JSONB(), "postgresql"),
        nullable=False,
        comment="field by header, as a person named them",
    ),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
)

alert_states = sa.Table(
    "alert_states",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("root", sa.Text, primary_key=True, comment="root asset, job, sensor, or part of the platform"),
    sa.Column("level", sa.Text, nullable=False, comment="warning or critical, as last measured while it was wrong"),
    sa.Column("sentence", sa.Text, nullable=False, comment="what was measured; no personal value"),
    sa.Column("pending_since", UtcDateTime, comment="wrong since, not yet for long enough"),
    sa.Column("fired_at", UtcDateTime, comment="wrong for long enough since"),
    sa.Column("cleared_since", UtcDateTime, comment="right again since, not yet for long enough"),
    sa.Column("told_level", sa.Text, comment="worst level that people were told; null before"),
    sa.Column("told_at", UtcDateTime, comment="when people were last told"),
    sa.Column("told_mark", sa.BigInteger, nullable=False, comment="newest event that people were told of"),
    sa.Column("updates", sa.Integer, nullable=False, comment="times that people were told of newer events"),
)

alert_occurrences = sa.Table(
    "alert_occurrences",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True, comment="job and batch, or asset, check and batch"),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("level", sa.Text, comment="warning or critical; null where the newest event is a good one"),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("event_id", sa.BigInteger, nullable=False, comment="newest event on the subject, in Dagster's event log"),
    sa.Column("opened_id", sa.BigInteger, nullable=False, comment="first bad event since the last good one"),
    sa.Column("at", UtcDateTime, nullable=False, index=True, comment="when the newest event happened"),
)

alert_notifications = sa.Table(
    "alert_notifications",
    metadata,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, comment="idempotency key, the same at every attempt"),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("body", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, comment="what is sent"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", UtcDateTime, comment="null once sent or given up"),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text, comment="why the last attempt failed"),
    sa.UniqueConstraint("key", "channel"),
    sa.Index("ix_alert_notifications_next_attempt_at", "next_attempt_at"),
)

alert_memory = sa.Table(
    "alert_memory",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, comment="cursors and probes"),
    sa.Column("version", sa.BigInteger, nullable=False, comment="of two that save at once, the second is refused"),
)

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False, index=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
)

accepted_baselines = sa.Table(
    "accepted_baselines",
    metadata,
    sa.Column("id", COUNTER, primary_key=True),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, comment="records before it no longer count"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True, comment="of a run that no baseline may be made of"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

review_questions = sa.Table(
    "review_questions",
    metadata,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("question_id", sa.Text, nullable=False, unique=True, comment="stands in the file beside the name"),
    sa.Column("batch_id", sa.Text, nullable=False),
    sa.Column("lead_id", sa.Text, nullable=False, index=True),
    sa.Column("name_hash", sa.Text, nullable=False, index=True, comment="keyed hash of the name as shown"),
    sa.Column("full_name", sa.Boolean, nullable=False, comment="whether an answer may count for the name"),
    sa.Column("sampled", sa.Boolean, nullable=False, comment="from the random sample of the decided"),
    sa.Column("origin_set", sa.Text, nullable=False, comment="the model's answer when asked, blank where it abstained"),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("question_id", sa.Text, nullable=False),
    sa.Column("batch_id", sa.Text, nullable=False),
    sa.Column("lead_id", sa.Text, nullable=False, index=True),
    sa.Column(
        "name_hash", sa.Text, index=True, comment="keyed hash of the full name; null where it counts for this lead only"
    ),
    sa.Column("origin", sa.Text, nullable=False, comment="or cannot_tell"),
    sa.Column("language", sa.Text),
    sa.Column("kind", sa.Text, nullable=False, comment="reviewer or self_declared"),
    sa.Column("reviewer", sa.Text, nullable=False, comment="who reviewed, or who recorded a person's own word"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", sa.Text, comment="a code"),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("entry", sa.Text, primary_key=True, comment="one person or business on a list"),
    sa.Column("kind", sa.Text, primary_key=True, comment="name, number, email, lead, business or domain"),
    sa.Column("hash", sa.Text, primary_key=True, comment="keyed hash of the normalised value"),
    sa.Column("list", sa.Text, nullable=False, comment="erased, or the name of a list"),
    sa.Column("generation", sa.Integer, nullable=False, comment="of the key of suppression"),
    sa.Column("at", UtcDateTime, nullable=False),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("done_at", UtcDateTime, comment="null while it is not finished in this home"),
)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True, comment="number or email"),
    sa.Column("hash", sa.Text, primary_key=True, index=True, comment="keyed hash of the normalised value"),
    sa.Column("generation", sa.Integer, nullable=False, comment="of the key of suppression"),
    sa.Column("at", UtcDateTime, nullable=False, comment="when the person said it"),
    sa.Column("channel", sa.Text, nullable=False, comment="call, sms, email or all"),
    sa.Column("what", sa.Text, nullable=False, comment="consent, objection or approach"),
    sa.Column("wording", sa.Text, comment="what was asked or said, without personal values"),
    sa.Column("source", sa.Text, comment="where it was recorded"),
    sa.Column("actor", sa.Text, nullable=False),
)

cleansings = sa.Table(
    "cleansings",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("list", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False, comment="sent or received"),
    sa.Column("entries", sa.BigInteger, nullable=False, comment="numbers or hashes in the file"),
    sa.Column("sha256", sa.Text, nullable=False, comment="of the file, hex"),
)

llm_calls = sa.Table(
    "llm_calls",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="made before the call; of a batch's request also its custom id"),
    sa.Column(
        "at", UtcDateTime, nullable=False, index=True, comment="when it was reserved, which is before it was sent"
    ),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="call, job or evaluation"),
    sa.Column("job_id", sa.Text, index=True, comment="the batch job that it is a request of"),
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
)

llm_call_batches = sa.Table(
    "llm_call_batches",
    metadata,
    sa.Column("call_id", sa.Text, sa.ForeignKey("llm_calls.id"), primary_key=True),
    sa.Column("batch_id", sa.Text, primary_key=True, index=True),
    sa.Column("names", sa.Integer, nullable=False, comment="names of this batch in the call"),
    sa.Column("booked_nano", sa.BigInteger, nullable=False, comment="its share of what is booked, rounded up"),
)

llm_call_names = sa.Table(
    "llm_call_names",
    metadata,
    sa.Column("call_id", sa.Text, sa.ForeignKey("llm_calls.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, comment="index of the name in the request"),
    sa.Column("question", sa.Text, nullable=False, index=True, comment="keyed hash of the name"),
    sa.Column("answer_key", sa.Text, nullable=False, comment="key of the answer that is asked for"),
)

llm_answers = sa.Table(
    "llm_answers",
    metadata,
    sa.Column("key", sa.Text, primary_key=True, comment="keyed hash of name, model, prompt and schema; never a name"),
    sa.Column("origin", sa.Text, comment="null where the model could not tell"),
    sa.Column("band", sa.Text, nullable=False, comment="the model's own word: high, medium or low"),
    sa.Column("language", sa.Text),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("prompt_hash", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text, sa.ForeignKey("llm_calls.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
)

llm_jobs = sa.Table(
    "llm_jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="made before it was submitted"),
    sa.Column("at", UtcDateTime, nullable=False, comment="when it was about to be submitted"),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column(
        "state", sa.Text, nullable=False, comment="intended, submitted, done, deleted (at the vendor, too) or failed"
    ),
    sa.Column("vendor_id", sa.Text, comment="the vendor's id; null until it is known"),
)

llm_providers = sa.Table(
    "llm_providers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("opened_at", UtcDateTime, comment="when it was given up for a while; null where it is asked"),
    sa.Column("probed_at", UtcDateTime, comment="when it was last tried while given up"),
    sa.Column("hold_until", UtcDateTime, comment="when the vendor wants to be asked again"),
)

llm_outcomes = sa.Table(
    "llm_outcomes",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("names", sa.Integer, nullable=False, comment="distinct undecided names of the batch"),
    sa.Column("decided", sa.Integer, nullable=False, comment="of these answered or narrowed with the model's answer"),
    sa.Column("cached", sa.Integer, nullable=False, comment="of these answered from an earlier call"),
    sa.Column(
        "undecided", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, comment="by code of the reason"
    ),
)

llm_evaluations = sa.Table(
    "llm_evaluations",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
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
)
