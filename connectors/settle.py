"""One row for each key: what a batch says, beside what was landed before, worked out by DuckDB in bounded memory.

The SQL names only columns of the source file (`^[a-z][a-z0-9_]*$`) and our own; paths and values never stand in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.spec import Dataset, ReplaceBy

MEMORY_LIMIT = "128MB"
_OF_FEW_VALUES = (pa.date32(), pa.int32())
ROWS_AT_ONCE = 65_536
"""Rows of a row group in a landed file, and of a batch on the way there."""


@dataclass(frozen=True)
class Settled:
    """What settling found. `total` is how many records the dataset holds with this batch, deletions left out.

    `conflicts` are (page sequence, position) of records refused because another of the same key contradicts them and
    none is the later one.
    """

    total: int
    total_before: int
    repeats_across_pages: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    conflicts: tuple[tuple[int, int], ...] = ()


def is_ascending(keys: pa.Table) -> bool:
    """Whether the rows of these key columns strictly ascend: then no key comes twice and they stand in order."""
    if keys.num_rows < 2:
        return True
    rises: Any = False
    ties: Any = True
    for name in keys.column_names:
        column = keys[name].combine_chunks()
        left, right = column.slice(0, len(column) - 1), column.slice(1)
        rises = pc.or_(rises, pc.and_(ties, pc.less(left, right)))
        ties = pc.and_(ties, pc.equal(left, right))
    found: bool = pc.all(rises).as_py()
    return found


class Ascent:
    """Whether the keys of rows that pass, table after table, strictly ascend from the first to the last."""

    def __init__(self, key: Sequence[str]) -> None:
        self._key = list(key)
        self._last: pa.Table | None = None
        self.holds = True

    def see(self, rows: pa.Table) -> None:
        """Look at the next rows; once it holds no more it never does again."""
        if self.holds and rows.num_rows:
            keys = rows.select(self._key)
            self.holds = is_ascending(pa.concat_tables([self._last, keys]) if self._last else keys)
            self._last = keys.slice(keys.num_rows - 1)


def settle(
    dataset: Dataset,
    staged: Path,
    known: Sequence[Path],
    schema: pa.Schema,
    refused_keys: Sequence[tuple[Any, ...]],
    unknown_keys: int,
    target: Path,
) -> Settled:
    """Write to `target`, in key order, what the batch `staged` adds to the landed files `known`.

    A snapshot lands whole. An upsert lands only what is new, what differs from the newest row of its key, and what it
    says or implies is deleted (`_deleted`).
    """
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as db:
        db.execute("set temp_directory = $folder", {"folder": str(target.parent / ".settling")})
        db.from_parquet(str(staged)).create_view("batch")
        if dataset.load == "snapshot" and (rows := _write_if_apart(db, dataset, schema, target)) is not None:
            return Settled(rows, 0)
        _open_known(db, dataset, known, schema)
        notes, repeats, conflicts = _one_per_key(db, dataset)
        _make_news(db, dataset)
        if isinstance(dataset.deletes, ReplaceBy):
            _add_deletions(db, dataset, dataset.deletes, refused_keys, unknown_keys, schema, notes)
        before = _number(db, "select count(*) from known where not _deleted")
        total = _total_after(db, dataset)
        _write(db, dataset, schema, target)
    return Settled(total, before, repeats, notes, conflicts)


def _names(names: Sequence[str], table: str = "") -> str:
    return ", ".join(f'{table}"{name}"' for name in names)


def _facts(dataset: Dataset) -> list[str]:
    return [column.name for column in dataset.columns]


def _number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _open_known(db: duckdb.DuckDBPyConnection, dataset: Dataset, known: Sequence[Path], schema: pa.Schema) -> None:
    """The newest landed row of each key; a column that older files lack is null in theirs."""
    if not known or dataset.load == "snapshot":
        db.register("nothing_known", schema.empty_table())
        db.execute("create temp view known as select * from nothing_known")
        return
    db.from_parquet([str(path) for path in known], union_by_name=True).create_view("landed")
    held = {row[0] for row in db.execute("describe landed").fetchall()}
    db.register("declared", schema.empty_table())
    kinds = {row[0]: row[1] for row in db.execute("describe declared").fetchall()}
    columns = ", ".join(
        f'cast("{name}" as {kinds[name]}) as "{name}"' if name in held else f'cast(null as {kinds[name]}) as "{name}"'
        for name in schema.names
    )
    db.execute(
        f"""create temp table known as select {columns} from landed qualify row_number() over (
            partition by {_names(dataset.key)} order by _learned_on desc, _batch desc) = 1"""  # noqa: S608
    )


def _one_per_key(
    db: duckdb.DuckDBPyConnection, dataset: Dataset
) -> tuple[dict[str, int], int, tuple[tuple[int, int], ...]]:
    """Make `one`: the same record twice is dropped, a feed keeps its newest, records that contradict are left out."""
    key, facts = _names(dataset.key), _names(_facts(dataset))
    age = "0"
    if dataset.load == "upsert":
        age = f'"{dataset.since.column}"' if dataset.since else "_sequence"
    db.execute(f"create temp table twice as select {key} from batch group by all having count(*) > 1")  # noqa: S608
    if _number(db, "select count(*) from twice") == 0:
        db.execute("create temp view one as select * from batch")
        return {}, 0, ()
    db.execute(f"create temp table again as select batch.* from batch semi join twice using ({key})")  # noqa: S608
    db.execute(
        f"""create temp table apart as
        with different as (
            select * from again qualify row_number() over (
                partition by {facts}, _deleted order by _sequence, _position) = 1
        ),
        ranked as (
            select *, rank() over (partition by {key} order by {age} desc nulls last) as newness from different
        )
        select *, count(*) filter (where newness = 1) over (partition by {key}) as rivals from ranked"""  # noqa: S608
    )
    db.execute(
        f"""create temp view one as
        select * from batch anti join twice using ({key})
        union all by name
        select * exclude (newness, rivals) from apart where newness = 1 and rivals = 1"""  # noqa: S608
    )
    repeats = _number(
        db,
        f"""select sum(copies - 1) from (select count(*) as copies, count(distinct _sequence) as pages
        from again group by {key}) where pages > 1""",  # noqa: S608
    )
    dropped = _number(db, "select (select count(*) from again) - (select count(*) from apart)")
    superseded = _number(db, "select count(*) from apart where newness > 1 and rivals = 1")
    rows = db.execute("select _sequence, _position from apart where rivals > 1 order by all").fetchall()
    counted = {"duplicate_delivery": dropped, "superseded_in_batch": superseded}
    notes = {name: count for name, count in counted.items() if count}
    return notes, repeats, tuple((int(sequence), int(position)) for sequence, position in rows)


def _make_news(db: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    if dataset.load == "snapshot":
        db.execute("create temp view news as select * from one")
        return
    same_key = " and ".join(f'one."{name}" = known."{name}"' for name in dataset.key)
    names = [*_facts(dataset), "_deleted"]
    differs = " or ".join(f'one."{name}" is distinct from known."{name}"' for name in names)
    # A change that is older than what is held comes late and changes nothing.
    is_late = f'one."{dataset.since.column}" < known."{dataset.since.column}"' if dataset.since else "false"
    db.execute(
        f"""create temp table news as select one.* from one left join known on {same_key}
        where known."{dataset.key[0]}" is null or (({differs}) and not coalesce({is_late}, false))"""  # noqa: S608
    )


def _add_deletions(
    db: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    deletes: ReplaceBy,
    refused_keys: Sequence[tuple[Any, ...]],
    unknown_keys: int,
    schema: pa.Schema,
    notes: dict[str, int],
) -> None:
    """What we hold of a value that this delivery covers, and it lacks, is deleted; a refused record is not lacking."""
    key = _names(dataset.key)
    columns = [pa.array([row[place] for row in refused_keys], schema.field(name).type)
               for place, name in enumerate(dataset.key)]  # fmt: skip
    db.register("refused", pa.table(columns, names=list(dataset.key)))
    place = ("_batch", "_learned_on", "_raw_sha256", "_sequence", "_position", "_deleted")
    kept = _names([name for name in schema.names if name not in place], "known.")
    db.execute(
        f"""create temp table gone as
        with covered as (
            select "{deletes.column}" as covered, min(_batch) as _batch, min(_learned_on) as _learned_on,
                arg_min(_raw_sha256, _sequence) as _raw_sha256, min(_sequence) as _sequence
            from one group by 1
        )
        select {kept}, covered._batch, covered._learned_on, covered._raw_sha256, covered._sequence,
            0 as _position, true as _deleted
        from known join covered on known."{deletes.column}" = covered.covered
        anti join batch using ({key}) anti join refused using ({key})
        where not known._deleted"""  # noqa: S608
    )
    count = _number(db, "select count(*) from gone")
    if count and unknown_keys:
        notes["deletions_withheld"] = count
        return
    if count:
        notes["deleted"] = count
        db.execute("insert into news by name select * from gone")


def _total_after(db: duckdb.DuckDBPyConnection, dataset: Dataset) -> int:
    key = _names(dataset.key)
    return _number(
        db,
        f"""select count(*) from (
            select {key}, _deleted from news
            union all
            select {key}, _deleted from known anti join news using ({key})
        ) where not _deleted""",  # noqa: S608
    )


def _in_order(db: duckdb.DuckDBPyConnection, relation: str, dataset: Dataset, schema: pa.Schema) -> Iterator[pa.Table]:
    result = db.execute(f"select {_names(schema.names)} from {relation} order by {_names(dataset.key)}")  # noqa: S608
    for batch in result.to_arrow_reader(ROWS_AT_ONCE):
        yield pa.Table.from_batches([batch]).cast(schema)


def _write(db: duckdb.DuckDBPyConnection, dataset: Dataset, schema: pa.Schema, target: Path) -> None:
    write_rows(target, schema, _in_order(db, "news", dataset, schema))


def _write_if_apart(db: duckdb.DuckDBPyConnection, dataset: Dataset, schema: pa.Schema, target: Path) -> int | None:
    """Write a batch in which no key comes twice, as most are, in one go; None where one does."""
    ascent, rows = Ascent(dataset.key), 0

    def until_one_comes_twice() -> Iterator[pa.Table]:
        nonlocal rows
        for table in _in_order(db, "batch", dataset, schema):
            ascent.see(table)
            if not ascent.holds:
                return
            rows += table.num_rows
            yield table

    write_rows(target, schema, until_one_comes_twice())
    return rows if ascent.holds else None


def write_rows(target: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    """Write tables one after the other, in row groups of one size however they were cut: equal rows, equal file."""
    held: list[pa.Table] = []
    # A dictionary pays where values repeat: where a row came from, and what has few values by its type.
    few = [field.name for field in schema if field.name.startswith("_") or field.type in _OF_FEW_VALUES]
    with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=few) as writer:
        for table in tables:
            held.append(table)
            if sum(one.num_rows for one in held) >= ROWS_AT_ONCE:
                whole = pa.concat_tables(held)
                full = whole.num_rows // ROWS_AT_ONCE * ROWS_AT_ONCE
                writer.write_table(whole.slice(0, full), row_group_size=ROWS_AT_ONCE)
                held = [whole.slice(full)]
        whole = pa.concat_tables(held) if held else schema.empty_table()
        writer.write_table(whole, row_group_size=ROWS_AT_ONCE)
