"""Opening the ledger: one engine, every transaction durable and serial before it is answered."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.settings import Settings
from ledger.tables import SCHEMA_VERSION, ledger_version, metadata


class LedgerVersionError(RuntimeError):
    """The ledger was written by another version of jifen."""


def now() -> str:
    """This instant, UTC, as ISO 8601 text: the ledger's only form of time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def open_ledger(settings: Settings) -> Engine:
    """Open the ledger that the settings name, and make its tables where there are none.

    Raises `LedgerVersionError` when the tables are of another version: nothing is migrated silently.
    """
    url = settings.resolved_ledger_url
    if url.startswith("sqlite:///"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    with engine.begin() as connection:
        metadata.create_all(connection)
        found = connection.execute(select(ledger_version.c.version)).scalar_one_or_none()
        if found is None:
            connection.execute(insert(ledger_version).values(version=SCHEMA_VERSION))
        elif found != SCHEMA_VERSION:
            raise LedgerVersionError(
                f"the ledger at {engine.url!r} is of version {found}, this jifen writes version {SCHEMA_VERSION}. "
                "Whose: configuration. Use the jifen that wrote it, or name another JIFEN_DATA_DIR."
            )
    return engine


def ledger_if_any(settings: Settings) -> Engine | None:
    """The ledger where there is one: who only asks makes none."""
    url = settings.resolved_ledger_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        return None
    return open_ledger(settings)


def _configure_sqlite(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # isolation_level None hands BEGIN to us; FULL makes a commit survive a power cut, which is what a checkpoint means.
    raw.isolation_level = None
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "busy_timeout = 30000"):
        raw.execute(f"pragma {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A reader that later writes would fail under a second writer; taking the write lock at once makes it wait instead.
    connection.exec_driver_sql("begin immediate")


Row = dict[str, Any]
"""One ledger row, column name to value."""
