"""An agency's database: one SQLite file with a table for each dataset, filled anew as the fault plan has it."""

import contextlib
import datetime as dt
import shutil
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from connectors.spec import Column, DatabaseRequest
from editions.sql_text import quoted
from sandbox.standin.drift import required_column, sent_records
from sandbox.standin.faults import PlantedFault
from sandbox.standin.planted import PLANTED, column_of
from sandbox.standin.records import Stock
from sandbox.standin.rows import UsageError
from sandbox.standin.values import decimal_shape

_TYPES: Final = {
    "varchar": "VARCHAR(400)", "integer": "INTEGER", "bigint": "BIGINT", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "DATETIME",
}  # fmt: skip
_REWRITE_SECONDS: Final = 0.02

Rows = list[dict[str, Any]]


@dataclass
class Register:
    """One source's database file."""

    source: str
    path: Path
    stocks: Mapping[str, Stock]
    _stop: threading.Event = field(default_factory=threading.Event)
    _writer: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""
        return f"sqlite:///{self.path.absolute()}"

    def lay_out(self, faults: Mapping[str, Sequence[PlantedFault]]) -> None:
        """Write all tables as the faults of each dataset have them, in one moment."""
        self.close()
        if self.path.is_dir():
            shutil.rmtree(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        struck = {
            name: [f for f in found if f.kind.stage in ("table", "drift") and f.strike()]
            for name, found in faults.items()
        }
        kinds = {fault.name for found in struck.values() for fault in found}
        if "database_gone" in kinds:
            for part in self.path.parent.glob(f"{self.path.name}*"):
                part.unlink()
            self.path.mkdir()
            return
        with contextlib.closing(self._connect()) as connection:
            # Readers keep the moment they began in while another writes.
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = off")
            connection.execute("begin immediate")
            for name, stock in self.stocks.items():
                _fill(connection, stock, struck.get(name, []))
            connection.execute("commit")
        rewritten = [name for name, found in struck.items() if any(f.name == "rows_rewritten" for f in found)]
        if rewritten:
            self._stop = threading.Event()
            self._writer = threading.Thread(target=self._rewrite, args=(rewritten[0],), daemon=True)
            self._writer.start()

    def close(self) -> None:
        """Let go of the file: nothing is rewritten any more."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)

    def _rewrite(self, name: str) -> None:
        """Take every row out and put it in again elsewhere, in one transaction each time."""
        table = quoted(_table(self.stocks[name]))
        with contextlib.closing(self._connect()) as connection:
            while not self._stop.wait(_REWRITE_SECONDS):
                with contextlib.suppress(sqlite3.OperationalError):
                    connection.execute("begin immediate")
                    rows = connection.execute(f"select * from {table} order by random()").fetchall()  # noqa: S608
                    connection.execute(f"delete from {table}")  # noqa: S608 - a quoted name from a checked file
                    marks = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"insert into {table} values ({marks})", rows)  # noqa: S608
                    connection.execute("commit")


def _table(stock: Stock) -> str:
    request = stock.dataset.request
    name = request.table if isinstance(request, DatabaseRequest) else stock.dataset.name
    if "." in name:
        raise UsageError(f"{stock.dataset.address}: a table with a schema ({name}) cannot stand in a SQLite file")
    return name


def _fill(connection: sqlite3.Connection, stock: Stock, faults: Sequence[PlantedFault]) -> None:
    columns = {column.source_field: _sql_type(column) for column in stock.dataset.columns}
    drifts = [fault for fault in faults if fault.kind.stage == "drift"]
    records, _ = sent_records(stock, stock.entries, drifts, 1)
    # Without a type a column keeps what is put into it as it is.
    columns |= {column_of(PLANTED[f.name], stock.dataset, f.seed).source_field: "" for f in drifts}
    rows: Rows = [{name: _stored(record.get(name)) for name in columns} for record in records]
    table = quoted(_table(stock))
    connection.execute(f"drop table if exists {table}")
    for fault in faults:
        if fault.name == "table_gone":
            return
        columns, rows = _struck(stock, columns, rows, fault)
    stated = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"create table {table} ({stated})")
    marks = ", ".join("?" * len(columns))
    connection.executemany(
        f"insert into {table} values ({marks})",  # noqa: S608 - a quoted name from a checked file
        [[row[name] for name in columns] for row in rows],
    )


def _struck(stock: Stock, columns: dict[str, str], rows: Rows, fault: PlantedFault) -> tuple[dict[str, str], Rows]:
    target = fault.target(len(rows), 1)
    match fault.name:
        case "column_gone":
            gone = required_column(stock, fault).source_field
            return {name: kind for name, kind in columns.items() if name != gone}, rows
        case "column_renamed":
            old = required_column(stock, fault).source_field
            named = {name: f"{name}_v2" if name == old else name for name in columns}
            return {named[n]: k for n, k in columns.items()}, [{named[n]: v for n, v in row.items()} for row in rows]
        case "null_in_key":
            key = stock.column(stock.dataset.key[0]).source_field
            return columns, [{**row, key: None} if place == target else row for place, row in enumerate(rows)]
        case "duplicate_rows":
            return columns, [*rows, rows[target]]
    return columns, rows


def _sql_type(column: Column) -> str:
    if column.kind == "decimal":
        precision, scale = decimal_shape(column)
        return f"NUMERIC({precision}, {scale + (4 if column.unit == '万元' else 0)})"
    if column.epoch:
        return "BIGINT"
    return _TYPES["varchar" if column.is_true else column.kind]


def _stored(value: Any) -> Any:
    """As SQLAlchemy stores it in SQLite: instants and days as text of a fixed width, amounts as numbers."""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
