"""Opening the ledger: one engine, whose transactions are durable and serial."""

import os
import sqlite3
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    create_engine,
    create_mock_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.files import FILE_MODE, FOLDER_MODE
from ledger.settings import Settings
from ledger.tables import SCHEMA_VERSION, ledger_version, metadata

Row = dict[str, Any]
"""One ledger row, column name to value."""
CONNECT_SECONDS = 15
"""How long a PostgreSQL server may take to answer the first call of a connection."""

_WAITS = {
    "connect_timeout": CONNECT_SECONDS,
    # The system finds a dead connection within a minute; libpq itself would wait for hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

ANSWER_SECONDS = 60.0
"""How long a PostgreSQL server may take over one statement: a stopped server keeps its connections open for ever."""


PREPARING = 0x6A6966656E
"""The advisory lock of PostgreSQL under which tables are made and migrated: `jifen` in ASCII."""


class NotPossibleError(ValueError):
    """What a person asked for cannot be done as asked; nothing was changed. The message says why."""

    exit_code = 2


class LedgerUnreadableError(RuntimeError):
    """The ledger cannot be opened: not there, not readable, damaged, of a newer jifen, or its server refuses us."""


def database_error(error: Exception) -> str:
    """The first line of a database's error, without the statement and the links that SQLAlchemy adds."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def now() -> str:
    """This instant, UTC, as ISO 8601 text: the ledger's only form of time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def open_ledger(settings: Settings, *, is_bound: bool = True) -> Engine:
    """Open the ledger that the settings name; make its tables where there are none, migrate those of an older version.

    Any number of processes may do so at once. Raises `LedgerUnreadableError` for a ledger that cannot be opened, and
    `LedgerForeignError` for one that is not bound to the data folder, unless `is_bound` is False: then the caller
    binds it.
    """
    # Imported here, since `ledger.binding` imports this module.
    from ledger.binding import require_bound

    url = settings.resolved_ledger_url
    try:
        if url.startswith("sqlite:///"):
            _make_file(Path(url.removeprefix("sqlite:///")), settings.data_dir)
        engine = _engine(url)
        found = version_of(engine)
        if found is None or found < SCHEMA_VERSION:
            found = _prepare(engine, url, settings.data_dir)
        if found == SCHEMA_VERSION and is_bound:
            require_bound(engine, settings.data_dir)
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError, ValueError) as error:
        raise LedgerUnreadableError(_why(settings, error)) from None
    if found > SCHEMA_VERSION:
        raise LedgerUnreadableError(
            f"the ledger at {engine.url!r} is of version {found}, this jifen knows versions up to {SCHEMA_VERSION}. "
            "Whose: config. Next: use the jifen that wrote it, or a newer one, or name another JIFEN_DATA_DIR."
        )
    return engine


def _make_file(path: Path, folder: Path) -> None:
    """Make the file of a new ledger, readable by its owner alone; none in a folder whose ledger is lost."""
    from ledger.binding import require_new

    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if not path.exists():
        require_new(path, folder)
        with suppress(OSError):  # SQLite reports more precisely why it cannot be made
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE))


def version_of(engine: Engine) -> int | None:
    """The version of a ledger's tables, or None where there are none."""
    with engine.begin() as connection:
        return _version(connection)


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(ledger_version.name):
        return None
    return connection.execute(select(ledger_version.c.version)).scalar_one_or_none()


def _prepare(engine: Engine, url: str, folder: Path) -> int:
    """Make the tables, or migrate them; returns their version. Of several processes one does it, the others wait."""
    preparing = _engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(preparing, "connect", lambda raw, _: raw.execute("pragma foreign_keys = off"))
    try:
        with preparing.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(PREPARING)))
            found = _version(connection)
            if found is None:
                for statement in _tables_of(engine.dialect.name):
                    connection.exec_driver_sql(statement)
                connection.execute(insert(ledger_version).values(version=SCHEMA_VERSION))
            elif found < SCHEMA_VERSION:
                from ledger.binding import require_related
                from ledger.migrations import migrate  # Importing Alembic takes long, and is rarely needed.

                require_related(connection, folder)
                migrate(connection, found)
            return max(found or 0, SCHEMA_VERSION)
    finally:
        preparing.dispose()


@cache
def _tables_of(database: str) -> tuple[str, ...]:
    """The statements that make all tables; cached, since a process may make hundreds of ledgers."""
    made: list[str] = []
    engine: Any = create_mock_engine(
        "sqlite://" if database == "sqlite" else "postgresql+psycopg://",
        lambda statement, *_, **__: made.append(str(statement.compile(dialect=engine.dialect))),
    )
    metadata.create_all(engine, checkfirst=False)
    return tuple(made)


def _engine(url: str) -> Engine:
    waits = {"connect_args": _WAITS} if url.startswith("postgresql") else {}
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), **waits)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _bound_waits)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _bound_waits(raw: Any, _entry: ConnectionPoolEntry) -> None:
    # Closed before the error is raised: rolling back would wait for the same server again.
    from psycopg import OperationalError

    wait = raw.wait

    def bounded(answer: Any, **_: Any) -> Any:
        begun = time.monotonic()
        try:
            return wait(answer, timeout=ANSWER_SECONDS)
        except OperationalError:
            if time.monotonic() - begun < ANSWER_SECONDS:
                raise
            raw.close()
            raise OperationalError(f"the server gave no answer within {ANSWER_SECONDS:g} s") from None

    raw.wait = bounded


def _why(settings: Settings, error: Exception) -> str:
    """Why the ledger cannot be opened; a URL that cannot be parsed is not shown, since it may hold a password."""
    try:
        url = make_url(settings.resolved_ledger_url)
        # A parameter may be a password too.
        where = repr(url.set(query={}))
        # Of a password that holds an @ the rest would be shown as part of the host, or of the database behind a slash.
        if url.host and "@" in f"{url.host}{url.database}":
            raise ValueError(url.drivername)
    except (SQLAlchemyError, ValueError):
        return (
            "the ledger: JIFEN_LEDGER_URL is no URL of a database. Whose: config. "
            "Next: write it as postgresql+psycopg://user:password@host/database (in a password %40 for @), or unset it"
        )
    follows = (
        f"look at the folder, its rights and its disk, or restore the file from its backup ({settings.data_dir})"
        if settings.ledger_url is None
        else "look at JIFEN_LEDGER_URL, the database server and its account"
    )
    return f"the ledger at {where} cannot be opened: {database_error(error)}. Whose: config. Next: {follows}"


def ledger_if_any(settings: Settings) -> Engine | None:
    """The ledger, or None where there is none yet: commands that only read do not make one."""
    url = settings.resolved_ledger_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    return open_ledger(settings)


def _configure_sqlite(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # isolation_level None leaves BEGIN to us; FULL makes a commit, and so a checkpoint, survive a power cut.
    raw.isolation_level = None
    # The timeout comes first: the first of several processes switches the file to WAL.
    for pragma in ("busy_timeout = 30000", "journal_mode = wal", "synchronous = full", "foreign_keys = on"):
        raw.execute(f"pragma {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A reader that later writes would fail under a second writer; taking the write lock at once makes it wait instead.
    connection.exec_driver_sql("begin immediate")


def rows(ledger: Engine, query: Executable) -> list[Row]:
    """The rows that a query finds, in a transaction of its own."""
    with ledger.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def write(ledger: Engine, *statements: Executable) -> None:
    """Execute statements in one transaction of their own."""
    with ledger.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def next_number(connection: Connection, column: Column[Any], *which: ColumnElement[bool]) -> int:
    """One more than the largest number in a column, of these rows: of two writers that saw the same, one is refused."""
    return (connection.execute(select(func.max(column)).where(*which)).scalar() or 0) + 1


def first_row(ledger: Engine, query: Executable) -> Row | None:
    """The first row that a query finds, or None."""
    return next(iter(rows(ledger, query)), None)
