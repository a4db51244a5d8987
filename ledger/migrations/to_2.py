"""Version 2: batches of replayed records, voided pages, decisions about refused records, return files."""

from alembic.operations import Operations
from sqlalchemy import Boolean, Column, Text, false, inspect

from ledger.migrations import make_table
from ledger.tables import among


def upgrade(op: Operations) -> None:
    """Make a ledger of version 2 out of one of version 1, whose batches were all pulled and whose pages all count."""
    op.add_column("batches", Column("origin", Text, nullable=False, server_default="pull"))
    op.add_column("pages", Column("voided", Boolean, nullable=False, server_default=false()))
    if any(column["name"] == "records" for column in inspect(op.get_bind()).get_columns("pages")):
        op.drop_column("pages", "records")
    make_table(
        op,
        "quarantine_decisions",
        "record_id key, source, dataset, action, why, decided_by, decided_at, as_of, batch?",
        among("quarantine_decisions", "action", "replayed", "discarded"),
    )
    make_table(
        op,
        "returns",
        "return_id key, source, recipient?, as_of, state, attempts integer, file_name, sha256, received integer,"
        "accepted integer, refused integer, last_error?, created_at, sent_at?",
        among("returns", "state", "kept", "pending", "sent", "superseded"),
    )
