"""The ledger's tables, as SQLAlchemy Core: the same on SQLite and PostgreSQL."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 2

metadata = MetaData()

ledger_version = Table("ledger_version", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("as_of", Text, nullable=False),
    Column("driver", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("edition_id", Text),
    Column("report", JSON),
    CheckConstraint("state in ('running', 'published', 'nothing_new', 'blocked', 'failed', 'source_missing')"),
)

batches = Table(
    "batches",
    metadata,
    Column("source", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("batch", Text, primary_key=True),
    Column("as_of", Text, nullable=False),
    Column("spec_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("origin", Text, nullable=False, default="pull"),
    Column("since", Text),
    Column("same_as", Text),
    Column("content_sha256", Text),
    Column("rows_received", Integer),
    Column("rows_landed", Integer),
    Column("rows_refused", Integer),
    Column("counts", JSON),
    Column("high_water", Text),
    Column("error", Text),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    CheckConstraint("state in ('open', 'pulled', 'landed', 'unchanged', 'refused', 'abandoned')"),
    CheckConstraint("origin in ('pull', 'replay')"),
)

pages = Table(
    "pages",
    metadata,
    Column("source", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("batch", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("raw_sha256", Text, nullable=False),
    Column("raw_bytes", Integer, nullable=False),
    Column("next_cursor", JSON),
    Column("voided", Boolean, nullable=False, default=False),
    Column("fetched_at", Text, nullable=False),
    ForeignKeyConstraint(
        ["source", "dataset", "batch"], ["batches.source", "batches.dataset", "batches.batch"], ondelete="CASCADE"
    ),
)

quarantine_decisions = Table(
    "quarantine_decisions",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("as_of", Text, nullable=False),
    Column("batch", Text),
    CheckConstraint("action in ('replayed', 'discarded')"),
)

returns = Table(
    "returns",
    metadata,
    Column("return_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("recipient", Text),
    Column("as_of", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("received", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("last_error", Text),
    Column("created_at", Text, nullable=False),
    Column("sent_at", Text),
    CheckConstraint("state in ('kept', 'pending', 'sent', 'superseded')"),
)

editions = Table(
    "editions",
    metadata,
    Column("edition_id", Text, primary_key=True),
    Column("as_of", Text, nullable=False),
    Column("recipe_sha256", Text, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("ruleset_id", Text, nullable=False),
)

publications = Table(
    "publications",
    metadata,
    Column("publication_no", Integer, primary_key=True, autoincrement=False),
    Column("edition_id", Text, ForeignKey("editions.edition_id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("supersedes", Text, ForeignKey("editions.edition_id")),
    Column("run_id", Text, ForeignKey("runs.run_id"), nullable=False),
    Column("published_at", Text, nullable=False),
    UniqueConstraint("edition_id", "sequence"),
)

published_rulesets = Table(
    "published_rulesets",
    metadata,
    Column("ruleset_id", Text, primary_key=True),
    Column("content_sha256", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("edition_id", Text, ForeignKey("editions.edition_id"), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("edition_id", Text, ForeignKey("editions.edition_id"), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("send_date", Text),
    Column("file_name", Text),
    Column("sha256", Text),
    Column("rows", Integer),
    Column("denied", Integer),
    Column("last_error", Text),
    Column("created_at", Text, nullable=False),
    Column("sent_at", Text),
    CheckConstraint("state in ('pending', 'sent', 'superseded')"),
)

denials = Table(
    "denials",
    metadata,
    Column("delivery_id", Text, ForeignKey("deliveries.delivery_id"), primary_key=True),
    Column("consent_id", Text, primary_key=True),
    Column("uscc", Text, nullable=False),
    Column("reason", Text, nullable=False),
)


def _messages(name: str, about: Column[str]) -> Table:
    """A table of messages that are owed to channels, each about one row of another table."""
    return Table(
        name,
        metadata,
        Column("message_id", Text, primary_key=True),
        about,
        Column("recipient", Text, nullable=False),
        Column("event", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False, default=0),
        Column("last_error", Text),
        Column("created_at", Text, nullable=False),
        Column("sent_at", Text),
        CheckConstraint("state in ('pending', 'sent')"),
    )


outbox = _messages("outbox", Column("edition_id", Text, ForeignKey("editions.edition_id"), nullable=False))
# A table of its own: a night that failed may leave no edition. A ledger that has none gets it when it is opened.
alerts = _messages("alerts", Column("run_id", Text, ForeignKey("runs.run_id"), nullable=False))
