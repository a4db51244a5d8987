"""Pulling a table from a relational database by SQLAlchemy URL."""

import datetime as dt
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL, MappingResult, RowMapping, make_url
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement

from connectors.columns import FIRST_DAY
from connectors.drivers.addresses import is_host
from connectors.drivers.database_values import (
    SinglePrecision,
    UtcMoment,
    bound_value,
    keep_as_text,
    rows_as_json,
)
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.drivers.retry import NoLineError, TryAgainError, budget, call_with_retry, within
from connectors.errors import AgencyError, ConfigError, DataError, TransientError
from connectors.spec import NUMBERS, Column, DatabaseConnection, DatabaseRequest
from ledger.files import names_a_file
from ledger.settings import read_variable

T = TypeVar("T")

CONNECT_SECONDS = 20
HANG_UP_SECONDS = 1
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "oracle": "oracledb"}
"""Backend -> the driver where the URL names none; all but the first come with an extra (mariadb: that of mysql)."""

_ONE_MOMENT = {"postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ", "mariadb": "REPEATABLE READ"}
_ONE_MOMENT |= {"oracle": "SERIALIZABLE"}
"""The isolation in which all statements see the data of one moment; in SQLite every transaction does."""

_REFUSED = (
    *("authentication failed", "no pg_hba.conf entry", "does not exist", "is not permitted to log in"),
    *("Access denied", "Unknown database", "is not allowed to connect", "is blocked", "insecure transport"),
    "Authentication plugin",
    *("permission denied", "command denied", "ORA-01031"),
    *("ORA-01017", "ORA-28000", "ORA-01045", "ORA-12514", "ORA-12505"),
)
"""What a database says where it refuses access, or has no such database: a retry would not help."""

_BY_DAY = "____-__-__%"
"""The text that sorts as its moments do. Any other (a blank before it, the day first) is read each night."""

_FIRST_DATE = {dt.date: FIRST_DAY, dt.datetime: dt.datetime.combine(FIRST_DAY, dt.time()), str: FIRST_DAY.isoformat()}
"""Of each type of bound the first value that is one."""

_UNKNOWN_OPTION = "the URL of the database holds an option that its driver does not know."
_FIX_OPTION = "fix what stands behind the ? of its URL, then jifen source check"
_ASK_WHAT = "ask the agency what it renamed"


def pull(ask: Ask) -> Iterator[Page]:
    """Yield a table, or what changed in it since a moment, some rows a page, in one transaction: one moment of it.

    Without `since` the rows come in key order. With it they are those whose column is not below the bound, or is empty
    (a row without a date must not be passed over), or text of another form, in the order of that column and then of the
    key. Not resumed page by page: pages of two moments would not be one register, and a table is cheap to read again.
    """
    connection, request = ask.source.connection, ask.dataset.request
    if not (isinstance(connection, DatabaseConnection) and isinstance(request, DatabaseRequest)):
        raise ConfigError("is not a database dataset.", ask.dataset.address, "jifen source check")
    engine = _open(read_variable(connection.url.env, ask.source.name), connection.url.env, ask)
    with closing(_DatabaseLine(engine, ask)) as line:
        yield from _stream(line, line.retried(lambda: _query(engine, ask, request)), request.size, ask)


class _DatabaseLine:
    """A database, each step on it within the budget: a silent one has its connection cut from outside."""

    def __init__(self, engine: sa.Engine, ask: Ask) -> None:
        self.engine, self._where, self._seconds = engine, ask.dataset.address, ask.settings.retry_seconds
        self.connection: sa.Connection | None = None
        self.is_read = False
        self._raw: Any = None
        sa.event.listen(engine, "connect", self._connected)

    def retried(self, work: Callable[[], T]) -> T:
        """The answer of work that may be tried again, within the budget."""

        def attempt() -> T:
            try:
                return within(work, self._silent(), self._cut)
            except TryAgainError as error:
                raise (error if self._raw is not None else NoLineError(str(error))) from None

        return call_with_retry(attempt, self._where, self._seconds)

    def step(self, work: Callable[[], T]) -> T:
        """The answer of work that is done once, within a budget of its own."""
        with budget(self._seconds):
            return within(work, self._silent(), self._cut)

    def close(self) -> None:
        """Close the connection, in whatever state it is, without waiting for the other side."""
        connection = self.connection
        if not self.is_read:
            # What is unread would be read to its end first.
            with suppress(Exception):
                self._cut()
        if connection is not None:
            with suppress(exc.SQLAlchemyError, OSError, TryAgainError), budget(HANG_UP_SECONDS):
                within(connection.close, self._silent(), self._cut)

    def _silent(self) -> str:
        return f"the database is silent, or needs more than {self._seconds:g} s"

    def _connected(self, raw: Any, _record: Any) -> None:
        self._raw = raw
        keep_as_text(raw)

    def _cut(self) -> None:
        # SQLite can be interrupted; psycopg and PyMySQL have a socket, which is shut; python-oracledb cancels.
        raw = self._raw
        if (unread := getattr(raw, "_result", None)) is not None:
            # PyMySQL reads a result to its end before it lets go of it, and prints that it cannot.
            unread.unbuffered_active = False
        if hasattr(raw, "interrupt"):
            raw.interrupt()
        elif hasattr(raw, "fileno") or hasattr(raw, "_sock"):
            with socket.socket(fileno=os.dup(getattr(raw, "_sock", raw).fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        elif hasattr(raw, "cancel"):
            raw.cancel()


def _open(url: str, variable: str, ask: Ask) -> sa.Engine:
    where, seconds = ask.dataset.address, ask.settings.retry_seconds
    # Half a second is none to libpq, and 1 counts as 2.
    connect = max(2, min(CONNECT_SECONDS, int(seconds)))
    timeouts = {"connect_timeout": connect, "read_timeout": seconds, "write_timeout": seconds}
    arguments: dict[str, dict[str, Any]] = {
        "postgresql": {"connect_timeout": connect, "client_encoding": "utf8"},
        "mysql": timeouts,
        "mariadb": timeouts,
        "oracle": {"tcp_connect_timeout": connect},
        "sqlite": {"timeout": min(CONNECT_SECONDS, seconds)},
    }
    backend = ""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        # Of a password that holds an @ the rest would be looked up as a host.
        if parsed.host and "@" in f"{parsed.host}{parsed.database}":
            raise ValueError(backend)
        # libpq takes several; other drivers take more than hosts: a description, an instance.
        hosts = (parsed.host or "localhost").split(",") if backend in ("postgresql", "mysql", "mariadb") else ()
        if not all(map(is_host, hosts)):
            raise ValueError(backend)
        if "+" not in parsed.drivername and backend in _DRIVERS:
            parsed = parsed.set(drivername=f"{backend}+{_DRIVERS[backend]}")
        more = arguments.get(backend, {})
        # No pool: a connection that was cut must not be given to the next dataset.
        engine = sa.create_engine(parsed, connect_args=more, hide_parameters=True, poolclass=NullPool)
    except ImportError:
        extra = "mysql" if backend == "mariadb" else backend
        what = f"{variable} names a database of kind {backend}, whose driver is not installed."
        raise ConfigError(what, where, f".venv/bin/uv pip install -e '.[{extra}]'") from None
    except (exc.ArgumentError, ValueError):
        # The URL itself holds a password: neither it nor the library's message about it is repeated.
        what = f"{variable} is not a database URL that we can use."
        raise ConfigError(what, where, f"fix {variable} (in a password %40 for @), then jifen source check") from None
    if backend == "sqlite" and not _is_there(parsed):
        # SQLite would make an empty database of it.
        what = f"{variable} names a file that is not there, or that this user may not read."
        raise ConfigError(what, where, f"fix {variable}")
    if backend in _ONE_MOMENT:
        return engine.execution_options(isolation_level=_ONE_MOMENT[backend], postgresql_readonly=True)
    return engine


def _is_there(url: URL) -> bool:
    name = url.database or ":memory:"
    return name == ":memory:" or name.startswith("file:") or (names_a_file(name) and os.access(name, os.R_OK))


def _query(engine: sa.Engine, ask: Ask, request: DatabaseRequest) -> sa.Select[Any]:
    """The columns of the source file from the table as it is now, in order."""
    table = _table(engine, ask, request)
    wanted = [column.source_field for column in ask.dataset.columns]
    if absent := [field for field in wanted if field not in table.c]:
        what = f"table {request.table} has no column {', '.join(absent)}; it has {', '.join(table.c.keys())[:200]}."
        raise AgencyError(what, ask.dataset.address, _ASK_WHAT)
    if dated := _days_as_text(table, ask, engine):
        what = (
            f"{', '.join(dated)}: a column of days or times in table {request.table}, and varchar in the source file."
        )
        raise ConfigError(what, ask.dataset.address, "declare data_type date or timestamp, or ask for a view of text")
    if bits := [one.source_field for one in ask.dataset.columns if _is_bits(table, one)]:
        # PostgreSQL writes 101 for five.
        what = f"{', '.join(bits)}: a column of bits in table {request.table}, and a number in the source file."
        raise ConfigError(what, ask.dataset.address, "declare data_type varchar, or ask for a view of numbers")
    by_name = {column.name: table.c[column.source_field] for column in ask.dataset.columns}
    order = [by_name[key] for key in ask.dataset.key]
    query = sa.select(*(_as_stored(table.c[one.source_field], one, ask, engine) for one in ask.dataset.columns))
    if request.since is not None and ask.since is not None:
        column = by_name[request.since.column]
        query = query.where(_not_before(column, ask, engine.dialect.name))
        order = [column, *order]
    return query.order_by(*order)


def _days_as_text(table: sa.Table, ask: Ask, engine: sa.Engine) -> list[str]:
    """The columns of text that hold days or times in the table; a column of SQLite holds text whatever it is called."""
    wanted = [one.source_field for one in ask.dataset.columns if one.kind == "varchar"]
    is_loose = engine.dialect.name == "sqlite"
    return [name for name in wanted if isinstance(table.c[name].type, (sa.Date, sa.DateTime, sa.Time)) and not is_loose]


def _is_bits(table: sa.Table, column: Column) -> bool:
    return isinstance(table.c[column.source_field].type, postgresql.BIT) and column.kind in NUMBERS


def _not_before(column: sa.Column[Any], ask: Ask, dialect: str) -> ColumnElement[bool]:
    where = f"{ask.dataset.address}, column {column.name}"
    if dialect == "sqlite":
        # A moment is text here, of any length, or a bare number: text is compared by day, and a number is not compared.
        bound = bound_value(ask.since or "", sa.String(), ask.settings.zone, where)
        text = sa.type_coerce(column, sa.String)
        return sa.or_(text >= bound, text < _FIRST_DATE[str], text.not_like(_BY_DAY), sa.func.typeof(column) != "text")
    bound = bound_value(ask.since or "", column.type, ask.settings.zone, where)
    if isinstance(column.type, mysql.TIMESTAMP):
        bound = bound.replace(tzinfo=ask.settings.zone).astimezone(dt.UTC).replace(tzinfo=None)
    # 0000-00-00, -infinity and 1900-01-01 stand for no date, as an empty column does.
    plain = sa.or_(column >= bound, column < _FIRST_DATE[type(bound)], column.is_(None))
    return sa.or_(plain, column.not_like(_BY_DAY)) if isinstance(column.type, sa.String) else plain


def _table(engine: sa.Engine, ask: Ask, request: DatabaseRequest) -> sa.Table:
    schema, _, name = request.table.rpartition(".")
    try:
        return sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=engine)
    except exc.NoSuchTableError:
        raise AgencyError(f"there is no table {request.table}.", ask.dataset.address, _ASK_WHAT) from None
    except (TypeError, AttributeError):
        # PyMySQL raises these for a parameter or a charset in the URL that it does not know.
        if not engine.url.query:
            raise
        raise ConfigError(_UNKNOWN_OPTION, ask.dataset.address, _FIX_OPTION) from None
    except AssertionError:
        # SQLAlchemy raises this for a make that only resembles the one in the URL.
        what = "the database is of a make that its URL does not name, and SQLAlchemy cannot read it."
        raise ConfigError(what, ask.dataset.address, "install that make's own dialect and name it in the URL") from None
    except exc.SQLAlchemyError as error:
        _raise_refusal(error, ask)
        if isinstance(error, (exc.OperationalError, exc.InterfaceError)):
            raise TryAgainError(f"the database does not answer ({type(error).__name__})") from None
        if "invalid connection option" in str(error):
            raise ConfigError(_UNKNOWN_OPTION, ask.dataset.address, _FIX_OPTION) from None
        what = f"table {request.table} cannot be looked at ({type(error).__name__})."
        raise AgencyError(what, ask.dataset.address, "ask the agency for the right to read it") from None


def _as_stored(column: ColumnElement[Any], declared: Column, ask: Ask, engine: sa.Engine) -> ColumnElement[Any]:
    """The column as its driver gives it, where SQLAlchemy would make another value of it.

    SQLite keeps any text or number in any column: one bad value is one record. A float would have ten places at
    most, a FLOAT of MySQL has six digits, 00012 of it would be 12, and a time of 100 hours one of 4.
    """
    kind, name = column.type, str(column.key)
    if isinstance(kind, mysql.TIME) or getattr(kind, "zerofill", False):
        return sa.cast(column, sa.String).label(name)
    if isinstance(kind, (mysql.FLOAT, sa.REAL)) and engine.dialect.name in ("mysql", "mariadb", "postgresql"):
        scale = int(declared.data_type[:-1].partition(", ")[2] or 0) if declared.kind in NUMBERS else None
        return sa.type_coerce(column + sa.literal_column("0e0"), SinglePrecision(scale)).label(name)
    if isinstance(kind, mysql.TIMESTAMP):
        return sa.type_coerce(column, UtcMoment(ask.settings.zone)).label(name)
    if isinstance(kind, postgresql.INTERVAL):
        return _interval(column).label(name)
    if engine.dialect.name == "sqlite" or isinstance(column.type, sa.Float):
        return sa.type_coerce(column, sa.types.NullType()).label(name)
    return column


def _interval(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """An interval in seconds; as its text where it counts months, which have no number of seconds."""
    months = sa.extract("year", column) * 12 + sa.extract("month", column)
    seconds = sa.cast(sa.extract("epoch", column), sa.String)
    return sa.case((months != 0, sa.cast(column, sa.String)), else_=seconds)


def _raise_refusal(error: exc.SQLAlchemyError, ask: Ask) -> None:
    """Raise an `AgencyError` where the database refuses access, without its words, which may hold a name.

    For a file that is no database it is a `DataError`.
    """
    text = str(getattr(error, "orig", ""))
    if "file is not a database" in text or "disk image is malformed" in text:
        what = "the file is no SQLite database, or is damaged: maybe it was cut short on its way."
        raise DataError(what, ask.dataset.address, "ask the agency to put the file again") from None
    if sign := next((sign for sign in _REFUSED if sign in text), None):
        variables = ", ".join(ask.source.variables())
        what = f"the database refuses access ({sign})."
        raise AgencyError(
            what, ask.dataset.address, f"check {variables}; if right, ask the agency to grant access"
        ) from None


def _stream(line: _DatabaseLine, query: sa.Select[Any], size: int, ask: Ask) -> Iterator[Page]:
    place, total = 0, 0
    where, again = ask.dataset.address, "run `jifen run` again: a table is read whole or not at all"
    try:
        total, result = line.step(lambda: _begun(line, query, size, ask))
        while rows := line.step(lambda: _taken(result, size, where)):
            place += len(rows)
            body = rows_as_json(rows, where)
            yield Page(f"rows up to {place}", body, {"place": place} if place < total else None)
        line.is_read = True
    except (TryAgainError, exc.OperationalError, exc.InterfaceError, exc.InternalError) as error:
        # Half a table is not a table: the batch is left unfinished and the next run reads it whole.
        why = error if isinstance(error, TryAgainError) else type(error).__name__
        raise TransientError(f"reading broke off after {place} rows ({why}).", where, again) from None
    except (exc.SQLAlchemyError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, exc.SQLAlchemyError):
            _raise_refusal(error, ask)
        what = f"reading broke off after {place} rows: a value cannot be read ({type(error).__name__})."
        raise AgencyError(what, where, "call the agency with this table") from None
    # Both are of one moment, so they agree unless rows were lost on the way.
    if place != total:
        raise TransientError(f"the table held {total} rows and gave {place}.", where, again)
    if total == 0:
        yield Page("no rows", b'{"rows": []}', None)


def _begun(line: _DatabaseLine, query: sa.Select[Any], size: int, ask: Ask) -> tuple[int, MappingResult]:
    """How many rows there are, and the rows themselves as they come, of one moment."""
    line.connection = line.engine.connect().execution_options(stream_results=True, yield_per=size)
    line.connection.begin()
    _begin(line.connection, ask)
    counted = sa.select(sa.func.count()).select_from(query.order_by(None).subquery())
    return line.connection.execute(counted).scalar_one(), line.connection.execute(query).mappings()


def _taken(result: MappingResult, size: int, where: str) -> list[RowMapping]:
    """The next rows, as long as they are no larger than a page may be."""
    rows, held = [], 0
    for row in islice(result, size):
        rows.append(row)
        held += sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
        if held > MAX_BODY_BYTES:
            what = f"{len(rows)} rows hold more than {MAX_BODY_BYTES} bytes."
            raise DataError(what, where, "ask for fewer rows a page (size), or for a view without the long column")
    return rows


def _begin(connection: sa.Connection, ask: Ask) -> None:
    """Give all statements that follow one snapshot of the data, and a time-out."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        milliseconds = str(max(1, int(ask.settings.retry_seconds * 1000)))
        connection.execute(sa.select(sa.func.set_config("statement_timeout", milliseconds, True)))
    elif dialect == "sqlite":
        connection.exec_driver_sql("BEGIN")
    elif dialect in ("mysql", "mariadb"):
        # A `timestamp` is given in the time of the session.
        connection.exec_driver_sql("SET time_zone = '+00:00'")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
