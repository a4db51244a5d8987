"""Writing one relation of a candidate to Parquet, CSV and Excel, sorted, so that equal rows give equal bytes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from editions.descriptors import title_of
from editions.dictionary import Dictionary, described, read_dictionary
from editions.relations import Relation
from editions.sql_text import quoted
from editions.workbook import write_workbook
from ledger.csv_file import CsvFile

# Fixed, since it shapes the bytes. A look-up of one enterprise reads one group: with 65,536 rows it takes 10 ms more.
ROW_GROUP = 16_384
INEXACT = ("FLOAT", "DOUBLE", "REAL")


class ExportError(ValueError):
    """A relation cannot be sealed: it is not there, holds floats, or its key is not unique."""


@dataclass(frozen=True)
class SealedColumn:
    """One column of a sealed table, in both languages; `type` is DuckDB's name for it."""

    name: str
    type: str
    description: str
    description_zh: str


@dataclass(frozen=True)
class Exported:
    """What was written of one relation: its files relative to the edition, its columns and its rows.

    `totals` are the control totals: the exact sum of each decimal column and of each amount in fen; None of no values.
    """

    relation: Relation
    columns: tuple[SealedColumn, ...]
    rows: int
    files: tuple[str, ...]
    totals: dict[str, str | None]


def open_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a candidate's warehouse to read, with UTC as its time zone: an instant reads the same everywhere."""
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set timezone = 'UTC'")
    return connection


def export(
    connection: duckdb.DuckDBPyConnection, relation: Relation, root: Path, dictionary: Dictionary | None = None
) -> Exported:
    """Write `relation` under `root`: Parquet, and CSV too when it is the zone's own.

    Sorted by its key, or by all columns where it has none. Raises `ExportError` when the relation or a key column is
    missing, when the key is not unique (the order of equal keys would be left to chance), or when a column is a binary
    float, and `UndescribedError` for a column that the dictionary lacks; without a dictionary none is described.
    """
    columns = _columns(connection, relation, dictionary)
    _require_exact(relation, columns)
    _require_key(connection, relation, columns)
    order = ", ".join(quoted(name) for name in relation.key or [column.name for column in columns])
    query = f"select * from {_qualified(relation)} order by {order}"  # noqa: S608  # names of the models, quoted
    reader = connection.execute(query).to_arrow_reader(ROW_GROUP)
    stem = f"{relation.folder}/{relation.name}"
    files = [f"{stem}.parquet"] + ([f"{stem}.csv"] if relation.audience == "zone" else [])
    rows, totals = _write(reader, [root / file for file in files])
    if relation.workbook:
        files.append(f"{stem}.xlsx")
        _write_workbook(connection, relation, columns, root / files[-1])
    return Exported(relation, columns, rows, tuple(files), totals)


def _write(reader: pa.RecordBatchReader, paths: list[Path]) -> tuple[int, dict[str, str | None]]:
    rows = 0
    sums: dict[str, Decimal | int | None] = {field.name: None for field in reader.schema if _is_summed(field)}
    with ExitStack() as stack:
        parquet = stack.enter_context(pq.ParquetWriter(paths[0], reader.schema, compression="zstd", version="2.6"))
        texts = [stack.enter_context(CsvFile(path, reader.schema)) for path in paths[1:]]
        for group in _row_groups(reader):
            rows += group.num_rows
            for name, before in sums.items():
                added = pc.sum(group[name]).as_py()
                sums[name] = before if added is None else (before or 0) + added
            parquet.write_table(group, row_group_size=ROW_GROUP)
            for text in texts:
                text.write(group)
    return rows, {name: None if total is None else f"{total:f}" for name, total in sums.items()}


def _is_summed(field: pa.Field) -> bool:
    return bool(pa.types.is_decimal(field.type) or (pa.types.is_integer(field.type) and field.name.endswith("_fen")))


def _write_workbook(
    connection: duckdb.DuckDBPyConnection, relation: Relation, columns: Sequence[SealedColumn], path: Path
) -> None:
    """The same rows for people: sorted by the columns of `relation.workbook`, which come first."""
    names = list(dict.fromkeys([*relation.workbook, *(column.name for column in columns)]))
    order = ", ".join(f"{quoted(name)} nulls last" for name in (*relation.workbook, *relation.key))
    shown = ", ".join(map(quoted, names))
    query = f"select {shown} from {_qualified(relation)} order by {order}"  # noqa: S608  # names of the models, quoted
    by_name = {column.name: column for column in columns}
    header = [f"{title_of(by_name[name].description_zh)}\n{name}" for name in names]
    notes = [(name, by_name[name].description_zh, by_name[name].description) for name in names]
    batches = connection.execute(query).to_arrow_reader(ROW_GROUP)
    rows = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    write_workbook(path, relation.name, header, rows, notes)


def require_described(warehouse: Path, relations: Sequence[Relation]) -> None:
    """Raise as `export` does unless every column that would be published is described; called before the gate."""
    with open_warehouse(warehouse) as connection:
        for relation in relations:
            _columns(connection, relation, read_dictionary())


def _row_groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    # The engine may hand over batches of any size; groups are cut here, so that they never depend on it.
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        held.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP:
            table = pa.Table.from_batches(held, reader.schema)
            yield table.slice(0, ROW_GROUP).combine_chunks()
            held = table.slice(ROW_GROUP).to_batches()
            count -= ROW_GROUP
    if count:
        yield pa.Table.from_batches(held, reader.schema).combine_chunks()


def _columns(
    connection: duckdb.DuckDBPyConnection, relation: Relation, dictionary: Dictionary | None
) -> tuple[SealedColumn, ...]:
    try:
        found = connection.execute(f"describe {_qualified(relation)}").fetchall()
    except duckdb.CatalogException as error:
        raise ExportError(
            f"{relation.name} is tagged to be sealed but is not in the candidate. Whose: config (dbt_project). "
            "See the build's log for whether the model ran."
        ) from error
    types = {str(name): str(kind) for name, kind, *_ in found}
    words = {} if dictionary is None else described(dictionary, relation.name, types)
    return tuple(SealedColumn(name, kind, *reversed(words.get(name, ("", "")))) for name, kind in types.items())


def _require_exact(relation: Relation, columns: tuple[SealedColumn, ...]) -> None:
    inexact = [column.name for column in columns if column.type.startswith(INEXACT)]
    if inexact:
        raise ExportError(
            f"{relation.name}: {', '.join(inexact)} is a binary float, whose sums differ from run to run. "
            "Whose: config (dbt_project). Cast it to a decimal in the model."
        )


def _require_key(connection: duckdb.DuckDBPyConnection, relation: Relation, columns: tuple[SealedColumn, ...]) -> None:
    unknown = sorted({*relation.key, *relation.workbook} - {column.name for column in columns})
    if unknown:
        raise ExportError(
            f"{relation.name}: its meta.key or meta.workbook names {', '.join(unknown)}, which it has not. "
            "Whose: config (dbt_project). Fix the meta of the model."
        )
    if not relation.key:
        return
    key = ", ".join(quoted(name) for name in relation.key)
    doubled = f"group by {key} having count(*) > 1 order by {key} limit 1"
    query = f"select {key} from {_qualified(relation)} {doubled}"  # noqa: S608  # names of the models, quoted
    twin = connection.execute(query).fetchone()
    if twin is not None:
        raise ExportError(
            f"{relation.name}: key ({key}) is not unique, first at {twin}. Whose: data or config (dbt_project). "
            "Fix meta.key, or the join that doubles rows."
        )


def _qualified(relation: Relation) -> str:
    return f"{quoted(relation.schema)}.{quoted(relation.name)}"
