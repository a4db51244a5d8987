"""Version 3: the journal, numbered deliveries, batches that are held."""

from alembic.operations import Operations
from sqlalchemy import JSON, Column, Integer, Text

from ledger.migrations import make_table, set_checks
from ledger.tables import among

_MESSAGE = "recipient, event, state, attempts integer, last_error?, created_at, sent_at?"


def upgrade(op: Operations) -> None:
    """Make a ledger of version 3 out of one of version 2, also of the first version 2, which lacks some tables."""
    make_table(op, "published_rulesets", "ruleset_id key, content_sha256, content json, edition_id of editions")
    make_table(op, "alerts", f"message_id key, run_id? of runs, {_MESSAGE}")
    for table in ("outbox", "alerts"):
        for name in ("next_try_at", "claimed_by", "claimed_until"):
            op.add_column(table, Column(name, Text))
    make_table(op, "message_attempts", "message_id key, number integer key, recipient, at, outcome?")
    make_table(op, "channels", "recipient key, disabled_at?, disabled_why?, not_before?, called_at? json")
    make_table(op, "relays", "host key, process, started_at, seen_at")
    op.add_column("editions", Column("kind", Text))
    op.add_column("editions", Column("signed_by", Text))
    with op.batch_alter_table("publications") as batch:
        # A person who rolls back publishes without a run.
        batch.alter_column("run_id", existing_type=Text, nullable=True)
    make_table(
        op,
        "edition_acts",
        "act_no integer key, act, edition_id of editions, stands? of editions, note? json, why, decided_by, decided_at",
        among("edition_acts", "act", "rolled_back", "withdrawn", "corrected"),
    )
    make_table(
        op,
        "objections",
        "objection_id key, edition_id of editions, uscc, what, opened_on, due_on, opened_by, opened_at, decision?,"
        "why?, decided_on?, decided_by?, closed_on?, closed_by?, corrected_by? of editions",
        among("objections", "decision", "upheld", "rejected"),
    )
    make_table(
        op,
        "publicities",
        "edition_id of editions key, list_id key, opened_on, until, opened_by, closed_on?, closed_by?",
    )
    make_table(op, "data_folder", "folder_id key, turn integer, bound_at, bound_by, why")
    make_table(op, "journal", "sequence integer key, kind, content, at, prev_sha256, sha256")
    for name in ("host", "process", "seen_at"):
        op.add_column("runs", Column(name, Text))
    for name in ("landed_sha256", "quarantine_sha256"):
        op.add_column("batches", Column(name, Text))
    op.add_column("batches", Column("quarantine_lines", Integer))
    make_table(
        op,
        "held_decisions",
        "source key, dataset key, batch key, decided_at key, action, content_sha256, why, decided_by, as_of",
        among("held_decisions", "action", "accepted", "rejected"),
    )
    op.add_column("batches", Column("changes", JSON, nullable=True))
    op.add_column("deliveries", Column("number", Integer))
    for name in ("kind", "due_on", "manifest_sha256"):
        op.add_column("deliveries", Column(name, Text))
    op.add_column("deliveries", Column("note", JSON))
    for name in ("ack_due_on", "ack_state", "ack_reason", "acked_at"):
        op.add_column("deliveries", Column(name, Text))
    set_checks(
        op, "runs", among("runs", "state", "running", "published", "nothing_new", "blocked", "failed", "source_missing")
    )
    set_checks(
        op,
        "batches",
        among("batches", "state", "open", "pulled", "landed", "unchanged", "held", "refused", "abandoned"),
        among("batches", "origin", "pull", "replay"),
    )
    set_checks(op, "quarantine_decisions", among("quarantine_decisions", "action", "replayed", "discarded"))
    set_checks(op, "returns", among("returns", "state", "kept", "pending", "sent", "superseded"))
    set_checks(op, "deliveries", among("deliveries", "state", "pending", "sent", "superseded"))
    for table in ("outbox", "alerts"):
        set_checks(op, table, among(table, "state", "pending", "sent", "dead", "discarded"))
    with op.batch_alter_table("alerts") as batch:
        # An alert of a relay belongs to no run.
        batch.alter_column("run_id", existing_type=Text, nullable=True)
