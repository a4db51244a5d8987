"""The ledger's tables, as SQLAlchemy Core: the same on SQLite and PostgreSQL."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Constraint,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 4
"""Version of the tables below. A change of them needs a migration step: `ledger.migrations`."""

metadata = MetaData()

_TYPES = {"integer": Integer, "json": JSON, "boolean": Boolean}


def _table(name: str, columns: str, *constraints: Constraint) -> Table:
    """A table by its columns: name, `?` where it may be null, type (text otherwise), `key`, `of` a table by its key."""
    return Table(name, metadata, *columns_of(columns), *constraints)


def columns_of(columns: str) -> list[Column[object]]:
    """The columns that such a text describes."""
    return [_column(*column.split()) for column in columns.split(",")]


def _column(name: str, *words: str) -> Column[object]:
    kind = next((_TYPES[word] for word in words if word in _TYPES), Text)
    keys = [key for word in words if word in metadata.tables for key in metadata.tables[word].primary_key]
    return Column(
        name.rstrip("?"),
        kind,
        *(ForeignKey(str(key)) for key in keys),
        primary_key="key" in words,
        nullable=name.endswith("?"),
        autoincrement=False,
    )


def among(table: str, column: str, *words: str) -> CheckConstraint:
    """A check that a column holds one of these words, with the name that PostgreSQL gives to unnamed checks."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=f"{table}_{column}_check")


ledger_version = _table("ledger_version", "version integer key")

# The data folder that a ledger is bound to; one row at most. `turn` grows with each night, in the folder's file too.
data_folder = _table("data_folder", "folder_id key, turn integer, bound_at, bound_by, why")

journal = _table("journal", "sequence integer key, kind, content, at, prev_sha256, sha256")

# `run_no` counts runs in the order in which they began; times do not give it where a clock was put back.
runs = _table(
    "runs",
    "run_id key, run_no? integer, as_of, driver, state, started_at, ended_at?, edition_id?, report? json, host?,"
    "process?, seen_at?",
    among("runs", "state", "running", "published", "nothing_new", "blocked", "failed", "source_missing"),
)

batches = _table(
    "batches",
    "source key, dataset key, batch key, as_of, spec_sha256, state, origin, since?, same_as?, content_sha256?,"
    "rows_received? integer, rows_landed? integer, rows_refused? integer, counts? json, changes? json, high_water?,"
    "error?, opened_at, closed_at?, landed_sha256?, quarantine_sha256?, quarantine_lines? integer",
    among("batches", "state", "open", "pulled", "landed", "unchanged", "held", "refused", "abandoned"),
    among("batches", "origin", "pull", "replay"),
)

pages = _table(
    "pages",
    "source key, dataset key, batch key, sequence integer key, label, raw_sha256, raw_bytes integer, next_cursor? json,"
    "voided boolean, fetched_at",
    ForeignKeyConstraint(
        ["source", "dataset", "batch"], ["batches.source", "batches.dataset", "batches.batch"], ondelete="CASCADE"
    ),
)

quarantine_decisions = _table(
    "quarantine_decisions",
    "record_id key, source, dataset, action, why, decided_by, decided_at, as_of, batch?",
    among("quarantine_decisions", "action", "replayed", "discarded"),
)

# What a person decided about a batch that the change budget held.
held_decisions = _table(
    "held_decisions",
    "source key, dataset key, batch key, decided_at key, action, content_sha256, why, decided_by, as_of",
    among("held_decisions", "action", "accepted", "rejected"),
)

returns = _table(
    "returns",
    "return_id key, source, recipient?, as_of, state, attempts integer, file_name, sha256, received integer,"
    "accepted integer, refused integer, last_error?, created_at, sent_at?",
    among("returns", "state", "kept", "pending", "sent", "superseded"),
)

# `kind` and `signed_by` (the name of a key) are null of editions that were sealed before version 3.
editions = _table("editions", "edition_id key, as_of, recipe_sha256, manifest_sha256, ruleset_id, kind?, signed_by?")

publications = _table(
    "publications",
    "publication_no integer key, edition_id of editions, sequence integer, supersedes? of editions, run_id? of runs,"
    "published_at",
    UniqueConstraint("edition_id", "sequence"),
)

# What a person did to an edition that was published; only ever appended to. `stands` is the edition current after it.
edition_acts = _table(
    "edition_acts",
    "act_no integer key, act, edition_id of editions, stands? of editions, note? json, why, decided_by, decided_at",
    among("edition_acts", "act", "rolled_back", "withdrawn", "corrected"),
)

objections = _table(
    "objections",
    "objection_id key, edition_id of editions, uscc, what, opened_on, due_on, opened_by, opened_at, decision?, why?,"
    "decided_on?, decided_by?, closed_on?, closed_by?, corrected_by? of editions",
    among("objections", "decision", "upheld", "rejected"),
)

# The days in which a list of an edition stands in public; final once it is closed.
publicities = _table(
    "publicities", "edition_id of editions key, list_id key, opened_on, until, opened_by, closed_on?, closed_by?"
)

published_rulesets = _table(
    "published_rulesets", "ruleset_id key, content_sha256, content json, edition_id of editions"
)

# `number` counts a recipient's deliveries from 1 without a gap; null of those that were queued before version 3.
deliveries = _table(
    "deliveries",
    "delivery_id key, edition_id of editions, recipient, state, attempts integer, send_date?, file_name?, sha256?,"
    "rows? integer, denied? integer, last_error?, created_at, sent_at?, number? integer, kind?, due_on?,"
    "manifest_sha256?, note? json, ack_due_on?, ack_state?, ack_reason?, acked_at?",
    among("deliveries", "state", "pending", "sent", "superseded"),
)

denials = _table("denials", "delivery_id key of deliveries, consent_id key, uscc, reason")

# `attempts` counts those of the schedule; without `next_try_at` a message is due. The sending process holds the claim.
_MESSAGE = (
    "recipient, event, state, attempts integer, last_error?, created_at, sent_at?, next_try_at?, claimed_by?,"
    "claimed_until?"
)
_MESSAGE_STATES = ("pending", "sent", "dead", "discarded")

outbox = _table(
    "outbox", f"message_id key, edition_id of editions, {_MESSAGE}", among("outbox", "state", *_MESSAGE_STATES)
)
# A table of its own: a failed night may have no edition, and an alert of a relay belongs to no night.
alerts = _table("alerts", f"message_id key, run_id? of runs, {_MESSAGE}", among("alerts", "state", *_MESSAGE_STATES))

# Each attempt to send a message; no outcome where the process died during it.
message_attempts = _table("message_attempts", "message_id key, number integer key, recipient, at, outcome?")

# The state of a channel: gone for good, not to be called before an instant, and its calls in the last minute.
channels = _table("channels", "recipient key, disabled_at?, disabled_why?, not_before?, called_at? json")

# The relay of each host while it is at work, with its last heartbeat.
relays = _table("relays", "host key, process, started_at, seen_at")
