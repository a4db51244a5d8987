"""Pulling a table from a relational database by SQLAlchemy URL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    MetaData,
    Select,
    String,
    Table,
    Time,
    create_engine,
    func,
    or_,
    select,
    type_coerce,
    types,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    InternalError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.sql.elements import ColumnElement

from connectors.drivers.database_values import bound_value, rows_as_json
from connectors.drivers.pages import Ask, Page
from connectors.drivers.retry import TryAgainError, call_with_retry
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.spec import DatabaseConnection, DatabaseRequest, SinceColumn
from ledger.settings import read_variable

CONNECT_SECONDS = 20
_CONNECT_ARGS: dict[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": CONNECT_SECONDS},
    "mysql": {"connect_timeout": CONNECT_SECONDS},
    "sqlite": {"timeout": CONNECT_SECONDS},
}
_ASK_WHAT = "ask the agency what it renamed"


def pull(ask: Ask) -> Iterator[Page]:
    """Yield a table, or what changed in it since a moment, some rows a page, in one transaction: one moment of it.

    Without `since` the rows come in key order. With it they are those whose column is not below the bound, or is empty
    (a row that nobody dated must not be passed over), in the order of that column and then of the key. Not resumed page
    by page: pages of two moments would not be one register, and a table is cheap to read again.
    """
    connection, request = ask.source.connection, ask.dataset.request
    if not (isinstance(connection, DatabaseConnection) and isinstance(request, DatabaseRequest)):
        raise ConfigError("is not a database dataset.", ask.dataset.address, "jifen source check")
    engine = _open(read_variable(connection.url.env, ask.source.name), connection.url.env, ask)
    try:
        query = call_with_retry(lambda: _query(engine, ask, request), ask.dataset.address, ask.settings.retry_seconds)
        yield from _stream(engine, query, request.size, ask)
    finally:
        engine.dispose()


def _open(url: str, variable: str, ask: Ask) -> Engine:
    try:
        parsed = make_url(url)
        dialect = parsed.get_backend_name()
        engine = create_engine(parsed, connect_args=_CONNECT_ARGS.get(dialect, {}), hide_parameters=True)
    except (ArgumentError, ImportError, ValueError):
        # The URL itself holds a password: neither it nor the library's message about it is repeated.
        raise ConfigError(
            f"{variable} is not a database URL that we can use.", ask.dataset.address, f"mend {variable}"
        ) from None
    if dialect == "sqlite" and not _is_there(parsed):
        # SQLite would make an empty database of it, and an empty register is no register.
        raise ConfigError(f"{variable} names a file that is not there.", ask.dataset.address, f"mend {variable}")
    if dialect == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def _is_there(url: URL) -> bool:
    name = url.database or ":memory:"
    return name == ":memory:" or name.startswith("file:") or Path(name).exists()


def _query(engine: Engine, ask: Ask, request: DatabaseRequest) -> Select[Any]:
    """The columns of the source file from the table as it is now, in order."""
    table = _table(engine, ask, request)
    wanted = [column.source_field for column in ask.dataset.columns]
    if absent := [field for field in wanted if field not in table.c]:
        raise AgencyError(f"table {request.table} has no column {', '.join(absent)}.", ask.dataset.address, _ASK_WHAT)
    by_name = {column.name: table.c[column.source_field] for column in ask.dataset.columns}
    order = [by_name[key] for key in ask.dataset.key]
    query = select(*(_as_stored(table.c[field], engine) for field in wanted))
    if isinstance(request.since, SinceColumn) and ask.since is not None:
        column = by_name[request.since.column]
        query = query.where(_not_before(column, ask, engine.dialect.name))
        order = [column, *order]
    return query.order_by(*order)


def _not_before(column: Column[Any], ask: Ask, dialect: str) -> ColumnElement[bool]:
    where = f"{ask.dataset.address}, column {column.name}"
    if dialect == "sqlite":
        # A moment is text here, of any length, or a bare number: text is compared by day, and a number is not compared.
        bound = bound_value(ask.since or "", String(), ask.settings.zone, where)
        return or_(type_coerce(column, String) >= bound, func.typeof(column) != "text")
    bound = bound_value(ask.since or "", column.type, ask.settings.zone, where)
    return or_(column >= bound, column.is_(None))


def _table(engine: Engine, ask: Ask, request: DatabaseRequest) -> Table:
    schema, _, name = request.table.rpartition(".")
    try:
        return Table(name, MetaData(), schema=schema or None, autoload_with=engine)
    except NoSuchTableError:
        raise AgencyError(f"there is no table {request.table}.", ask.dataset.address, _ASK_WHAT) from None
    except (OperationalError, InterfaceError) as error:
        raise TryAgainError(f"the database does not answer ({type(error).__name__})") from None
    except SQLAlchemyError as error:
        what = f"table {request.table} cannot be looked at ({type(error).__name__})."
        raise AgencyError(what, ask.dataset.address, "ask the agency for the right to read it") from None


def _as_stored(column: ColumnElement[Any], engine: Engine) -> ColumnElement[Any]:
    """The column; from SQLite, which keeps any text in a date column, as it stands: one bad date is one record."""
    if engine.dialect.name == "sqlite" and isinstance(column.type, (Date, DateTime, Time)):
        return type_coerce(column, types.NullType()).label(str(column.key))
    return column


def _stream(engine: Engine, query: Select[Any], size: int, ask: Ask) -> Iterator[Page]:
    place = 0
    where, again = ask.dataset.address, "run `jifen run` again: a table is read whole or not at all"
    try:
        with engine.connect().execution_options(stream_results=True, yield_per=size) as connection, connection.begin():
            _begin(connection, ask)
            total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
            for rows in connection.execute(query).mappings().partitions(size):
                place += len(rows)
                body = rows_as_json(rows, where)
                yield Page(f"rows up to {place}", body, {"place": place} if place < total else None)
    except (OperationalError, InterfaceError, InternalError) as error:
        # Half a table is not a table: the batch is left unfinished and the next run reads it whole.
        what = f"reading broke off after {place} rows ({type(error).__name__})."
        raise TransientError(what, where, again) from None
    except SQLAlchemyError as error:
        what = f"reading broke off after {place} rows ({type(error).__name__})."
        raise AgencyError(what, where, "call the agency with this table") from None
    if place != total:
        raise TransientError(f"the table held {total} rows and gave {place}.", where, again)
    if total == 0:
        yield Page("no rows", b'{"rows": []}', None)


def _begin(connection: Connection, ask: Ask) -> None:
    """One moment for all statements that follow, and an end to one that hangs."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        milliseconds = str(int(max(ask.settings.retry_seconds, ask.settings.request_timeout_seconds) * 1000))
        connection.execute(select(func.set_config("statement_timeout", milliseconds, True)))
    elif dialect == "sqlite":
        connection.exec_driver_sql("BEGIN")
