"""Pulling a table from a relational database by SQLAlchemy URL."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, MetaData, Select, Table, create_engine, func, select
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchTableError, OperationalError, SQLAlchemyError

from connectors.drivers.pages import Ask, Page
from connectors.drivers.retry import TryAgainError, call_with_retry
from connectors.errors import AgencyError, ConfigError
from connectors.spec import DatabaseConnection, DatabaseRequest, Dataset
from ledger.settings import read_variable


def pull(ask: Ask) -> Iterator[Page]:
    """Yield the whole table in key order, some rows a page, read in one transaction: one moment of the register.

    Not resumed page by page: pages of two moments would not be one register, and a table is cheap to read again.
    """
    connection, request = ask.source.connection, ask.dataset.request
    if not (isinstance(connection, DatabaseConnection) and isinstance(request, DatabaseRequest)):
        raise ConfigError("is not a database dataset.", ask.dataset.address, "jifen source check")
    engine = _open(read_variable(connection.url.env, ask.source.name), connection.url.env, ask)
    try:
        query = call_with_retry(
            lambda: _query(engine, ask.dataset, request), ask.dataset.address, ask.settings.retry_seconds
        )
        yield from _stream(engine, query, request.size, ask.dataset)
    finally:
        engine.dispose()


def _open(url: str, variable: str, ask: Ask) -> Engine:
    try:
        engine = create_engine(url, connect_args={} if url.startswith("sqlite") else {"connect_timeout": 20})
    except (ArgumentError, ModuleNotFoundError):
        # The URL itself holds a password: neither it nor the library's message about it is repeated.
        raise ConfigError(
            f"{variable} is not a database URL that we can use.", ask.dataset.address, f"mend {variable}"
        ) from None
    return (
        engine.execution_options(isolation_level="REPEATABLE READ") if engine.dialect.name == "postgresql" else engine
    )


def _query(engine: Engine, dataset: Dataset, request: DatabaseRequest) -> Select[Any]:
    """The columns of the source file from the table as it is now, in key order."""
    schema, _, name = request.table.rpartition(".")
    try:
        table = Table(name, MetaData(), schema=schema or None, autoload_with=engine)
    except NoSuchTableError:
        raise AgencyError(
            f"there is no table {request.table}.", dataset.address, "ask the agency what it renamed"
        ) from None
    except (OperationalError, InterfaceError) as error:
        raise TryAgainError(f"the database does not answer ({type(error).__name__})") from None
    wanted = [column.source_field for column in dataset.columns]
    if absent := [field for field in wanted if field not in table.c]:
        raise AgencyError(
            f"table {request.table} has no column {', '.join(absent)}.",
            dataset.address,
            "ask the agency what it renamed",
        )
    by_name = {column.name: column.source_field for column in dataset.columns}
    return select(*(table.c[field] for field in wanted)).order_by(*(table.c[by_name[key]] for key in dataset.key))


def _stream(engine: Engine, query: Select[Any], size: int, dataset: Dataset) -> Iterator[Page]:
    place = 0
    try:
        with engine.connect().execution_options(stream_results=True, yield_per=size) as connection, connection.begin():
            total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
            for rows in connection.execute(query).mappings().partitions(size):
                place += len(rows)
                body = json.dumps(
                    {"rows": [dict(row) for row in rows]}, default=_as_text, ensure_ascii=False, sort_keys=True
                )
                yield Page(f"rows up to {place}", body.encode(), {"place": place} if place < total else None)
            if total == 0:
                yield Page("no rows", b'{"rows": []}', None)
    except SQLAlchemyError as error:
        # Half a table is not a table: the batch is left unfinished and the next run reads it whole.
        raise AgencyError(
            f"reading broke off after {place} rows ({type(error).__name__}).", dataset.address, "run `jifen run` again"
        ) from None


def _as_text(value: Any) -> str:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"a database value of type {type(value).__name__} has no form in JSON here")
