"""One row for each key: a batch compared with the landed rows by DuckDB, in bounded memory.

The SQL names only columns of the source file (`^[a-z][a-z0-9_]*$`) and our own; paths and values never stand in it.
"""

# ruff: noqa: S608  # see above

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.file_order import AGES
from connectors.spec import Dataset, FileRequest, NoGap, ReplaceBy, Tombstone

Db = duckdb.DuckDBPyConnection
MEMORY_LIMIT = "128MB"
"""Datasets settle side by side, in a process that stays within 512 MB (decision 0007); what does not fit spills."""

_OF_FEW_VALUES = (pa.date32(), pa.int32())
FEW = 10
"""From so many new records on, a column without a value is reported where nearly all held records have one."""
_PERIODS: Final = {"year": 4, "month": 7, None: 10_000}
"""How many characters of a value as text are its period; without periods, all of them."""
_AHEAD: Final = timedelta(days=1)
"""So far ahead of now may a stamp lie: a day of the zone begins before that of UTC, and clocks differ."""
ROWS_AT_ONCE = 65_536
"""Rows of a row group in a landed file, and of a batch on the way there."""


@dataclass(frozen=True)
class Loss:
    """What a delivery would take away: of which part of the dataset, how many records, and of how many."""

    of: str
    gone: int
    before: int


@dataclass(frozen=True)
class Settled:
    """What settling found. `total` is how many records the dataset holds with this batch, deletions left out.

    `conflicts` are (page sequence, position) of records refused because another of the same key contradicts them and
    none is the later one. `losses` are of each value or whole from which more than one record would go, `thin` what
    each new day or year has less than those before it, `emptied` the columns without a single value in a delivery,
    and how many of the records held before had one.
    """

    total: int
    total_before: int
    repeats_across_pages: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    conflicts: tuple[tuple[int, int], ...] = ()
    losses: tuple[Loss, ...] = ()
    thin: tuple[Loss, ...] = ()
    emptied: dict[str, int] = field(default_factory=dict)
    keys: Loss = Loss("the keys", 0, 0)


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
    ages: pa.Table | None = None,
) -> Settled:
    """Write to `target`, in key order, what the batch `staged` adds to the landed files `known`.

    A snapshot lands whole. An upsert lands only what is new, what differs from the newest row of its key, and what it
    says or implies is deleted (`_deleted`). `ages` ranks pages that are files: a later file has a higher age.
    """
    with database(target.parent) as db:
        db.from_parquet(str(staged)).create_view("staged")
        db.register("ages", AGES.empty_table() if ages is None else ages)
        db.execute(
            """create temp view batch as select staged.*, coalesce(ages._age, staged._sequence) as _age, ages._moment
            from staged left join ages using (_batch, _sequence)"""
        )
        _open_known(db, dataset, known, schema)
        replaced = 0
        db.execute("create temp table replaced as select * from batch limit 0")
        if isinstance(dataset.deletes, ReplaceBy) and ages is not None and ages.num_rows and not unknown_keys:
            replaced = _leave_out_replaced(db, dataset, dataset.deletes)
        notes, repeats, conflicts = _one_per_key(db, dataset)
        _make_news(db, dataset, notes)
        emptied = _emptied(db, dataset)
        losses: tuple[Loss, ...] = ()
        thin: tuple[Loss, ...] = ()
        if isinstance(dataset.deletes, ReplaceBy):
            thin = _thin(db, dataset, dataset.deletes.column)
            losses = _add_deletions(db, dataset, dataset.deletes, refused_keys, unknown_keys, schema, notes)
        if replaced:
            notes["superseded_in_batch"] = notes.get("superseded_in_batch", 0) + replaced
        before = count_of(db, "select count(*) from known where not _deleted")
        if isinstance(dataset.deletes, Tombstone):
            losses = _buried(db, dataset, before)
        total = _total_after(db, dataset)
        write_rows(target, schema, _in_order(db, dataset, schema))
    return Settled(total, before, repeats, notes, conflicts, losses, thin, emptied)


def database(folder: Path) -> Db:
    """A database in memory that spills into a folder."""
    # One thread: memory grows with threads, and what is picked among equals is the same each time.
    db = duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "threads": 1})
    return db.execute("set temp_directory = $folder", {"folder": str(folder / ".settling")})


def column_list(names: Sequence[str], table: str = "") -> str:
    """Column names for SQL, in quotation marks and with commas between them; `table` is a prefix such as `known.`."""
    return ", ".join(f'{table}"{name}"' for name in names)


def _age(dataset: Dataset, table: str = "") -> str:
    """SQL of a value that is greater for a later record: the rank of its file, or its stamp.

    A stamp in the future does not say when its record changed, and must not win over every later one.
    """
    if dataset.since is None:
        return f"{table}_age"
    limit = (datetime.now(UTC) + _AHEAD).replace(tzinfo=None).isoformat(" ")
    stamp = f'{table}"{dataset.since.column}"'
    return f"case when {stamp} <= timestamp '{limit}' then {stamp} end"


def _facts(dataset: Dataset) -> list[str]:
    return [column.name for column in dataset.columns]


def count_of(db: Db, query: str) -> int:
    """The first value of a query as a whole number; 0 for null and for no row."""
    row = db.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def values_of(db: Db, columns: Mapping[str, str], table: str) -> dict[str, Any]:
    """What these expressions give over all of a table, by name."""
    row = db.execute(f"select {', '.join(columns.values())} from {table}").fetchone() if columns else ()
    return dict(zip(columns, row or (), strict=True))


def _open_known(db: Db, dataset: Dataset, known: Sequence[Path], schema: pa.Schema) -> None:
    """The newest landed row of each key; a column that older files lack is null in theirs."""
    if not known or dataset.load == "snapshot":
        db.register("nothing_known", schema.empty_table())
        db.execute("create temp view known as select *, null::bigint as _age from nothing_known")
        return
    landed = db.from_parquet([str(path) for path in known], union_by_name=True)
    landed.create_view("landed")
    declared, held = db.from_arrow(schema.empty_table()), set(landed.columns)
    columns = ", ".join(
        f'cast({column_list([name]) if name in held else "null"} as {kind}) as "{name}"'
        for name, kind in zip(declared.columns, declared.types, strict=True)
    )
    db.execute(
        f"""create temp table known as select newest.*, ages._age from (
            select {columns} from landed qualify row_number() over (
                partition by {column_list(dataset.key)} order by _learned_on desc, _batch desc) = 1
        ) as newest left join ages using (_batch, _sequence)"""
    )


def _leave_out_replaced(db: Db, dataset: Dataset, deletes: ReplaceBy) -> int:
    """Of two files of one batch that are whole for one value the later one counts; answers how many rows go.

    Files that share a key of that value are two versions of it; those that share none are its parts, and all count. The
    rows of the earlier version are in `replaced`, and no longer in `batch`.
    """
    key, value = column_list(dataset.key), f'"{deletes.column}"'
    same_key = " and ".join(f'early."{name}" = late."{name}"' for name in dataset.key)
    db.execute(
        f"""create temp table outdone as
        with again as (select * from batch semi join (
            select {key} from batch group by all having count(distinct _sequence) > 1) using ({key}))
        select distinct early.{value} as _covered, early._sequence from again as early join again as late
            on {same_key} and early.{value} = late.{value} and early._age < late._age"""
    )
    db.execute(
        f"""insert into replaced select batch.* from batch semi join outdone
        on batch.{value} = outdone._covered and batch._sequence = outdone._sequence"""
    )
    gone = count_of(db, "select count(*) from replaced")
    if gone:
        db.execute("alter view batch rename to whole_batch")
        db.execute(
            f"""create temp view batch as select * from whole_batch anti join outdone
            on whole_batch.{value} = outdone._covered and whole_batch._sequence = outdone._sequence"""
        )
    return gone


def _one_per_key(db: Db, dataset: Dataset) -> tuple[dict[str, int], int, tuple[tuple[int, int], ...]]:
    """Make `one`: the same record twice is dropped, a feed keeps its newest, records that contradict are left out."""
    key, facts = column_list(dataset.key), column_list(_facts(dataset))
    newest_first = "0"
    if dataset.load == "upsert":
        newest_first = f"{_age(dataset)} desc nulls last"
        newest_first += f', "{dataset.since.column}" desc nulls last' if dataset.since else ""
    db.execute(f"create temp table twice as select {key} from batch group by all having count(*) > 1")
    if count_of(db, "select count(*) from twice") == 0:
        db.execute("create temp view one as select * from batch")
        return {}, 0, ()
    db.execute(f"create temp table again as select batch.* from batch semi join twice using ({key})")
    db.execute(
        f"""create temp table apart as
        with different as (
            select * from again qualify row_number() over (
                partition by {facts}, _deleted order by _sequence, _position) = 1
        ),
        ranked as (
            select *, rank() over (partition by {key} order by {newest_first}) as newness from different
        )
        select *, count(*) filter (where newness = 1) over (partition by {key}) as rivals from ranked"""
    )
    db.execute(
        f"""create temp view one as
        select * from batch anti join twice using ({key})
        union all by name
        select * exclude (newness, rivals) from apart where newness = 1 and rivals = 1"""
    )
    # A record on two pages: the list moved while it was read, and another record may stand on none.
    repeats = count_of(
        db,
        f"""select sum(copies - 1) from (select count(*) as copies, count(distinct _sequence) as pages
        from again group by {key}) where pages > 1""",
    )
    if isinstance(dataset.request, FileRequest) and _are_parts(db, key):
        repeats = 0
    dropped = count_of(db, "select (select count(*) from again) - (select count(*) from apart)")
    superseded = count_of(db, "select count(*) from apart where newness > 1 and rivals = 1")
    rows = db.execute("select _sequence, _position from apart where rivals > 1 order by all").fetchall()
    by_name = count_of(
        db,
        f"""select count(*) from (
            select * from apart where newness > 1 and rivals = 1
        ) as early join apart as late using ({key})
        where late.newness = 1 and early._moment = late._moment and early._age < late._age""",
    )
    counted = {"duplicate_delivery": dropped, "superseded_in_batch": superseded, "later_by_name": by_name}
    notes = {name: count for name, count in counted.items() if count}
    return notes, repeats, tuple((int(sequence), int(position)) for sequence, position in rows)


def _are_parts(db: Db, key: str) -> bool:
    """Whether the files of a batch are parts of one whole: they share equal records, at most a tenth of each."""
    return not count_of(
        db,
        f"""with shared as (select * from again semi join (
            select {key} from again group by all having count(distinct _sequence) > 1) using ({key}))
        select (select count(*) from (
                select {key} from apart group by all having count(distinct _sequence) > 1))
            + (select count(*) from (select _sequence, count(distinct ({key})) as again from shared group by all)
                join (select _sequence, count(*) as size from batch group by all) using (_sequence)
                where 10 * again > size)""",
    )


def _make_news(db: Db, dataset: Dataset, notes: dict[str, int]) -> None:
    if dataset.load == "snapshot":
        db.execute("create temp view news as select * from one")
        return
    same_key = " and ".join(f'one."{name}" = known."{name}"' for name in dataset.key)
    names = [*_facts(dataset), "_deleted"]
    differs = " or ".join(f'one."{name}" is distinct from known."{name}"' for name in names)
    # A change that is older than the held row comes late and changes nothing.
    db.execute(
        f"""create temp table news as select one.*, known."{dataset.key[0]}" is not null
            and coalesce({_age(dataset, "one.")} < {_age(dataset, "known.")}, false) as _is_late
        from one left join known on {same_key}
        where known."{dataset.key[0]}" is null or ({differs})"""
    )
    late = count_of(db, "delete from news where _is_late")
    if late:
        notes["older_than_held"] = late


def _emptied(db: Db, dataset: Dataset) -> dict[str, int]:
    """The columns that no record of this feed's delivery has a value in, and of which the same records had some.

    Where all that is held has a value, new records without one count as well.
    """
    names = [column.name for column in dataset.columns if not column.required]
    if dataset.load == "snapshot" or not names:
        return {}
    size = count_of(db, "select count(*) from one where not _deleted")
    there = values_of(db, {name: f'count("{name}")' for name in names}, "one where not _deleted")
    found = {}
    for name in (name for name in names if size and not there[name]):
        had = count_of(
            db,
            f"""select count(known."{name}") from known semi join (select {column_list(dataset.key)} from one
            where not _deleted) using ({column_list(dataset.key)}) where not known._deleted""",
        )
        is_always_there = size >= FEW and count_of(
            db,
            f'select count(*) > 0 and count("{name}") >= 0.9 * count(*) from known where not _deleted',
        )
        if had > 1 or is_always_there:
            found[name] = had
    return found


def compare_wholes(dataset: Dataset, held: Path, fresh: Path) -> tuple[tuple[Loss, ...], dict[str, int], Loss]:
    """What a new snapshot lacks of the one that is held: records of each part that is watched, columns, and keys.

    Keys are compared by what is text in them: days and years move on.
    """
    kinds = {column.name: column.kind for column in dataset.columns}
    key = column_list([name for name in dataset.key if kinds[name] == "varchar"] or dataset.key)
    with database(fresh.parent) as db:
        db.from_parquet(str(held)).create_view("held")
        db.from_parquet(str(fresh)).create_view("fresh")
        had, has = (set(db.view(one).columns) for one in ("held", "fresh"))
        db.execute(f"create temp view keys as select distinct {key} from held")
        gone = count_of(db, f"select count(*) from keys anti join fresh using ({key})")
        keys = Loss("the keys", gone, count_of(db, "select count(*) from keys"))
        return _shrunk(db, dataset, had & has), _bare(db, dataset, had), keys


def _shrunk(db: Db, dataset: Dataset, names: AbstractSet[str]) -> tuple[Loss, ...]:
    """The values or periods of the watched column that have more than one record less.

    A window that moves on loses of its first period, and what lies before that: neither is a loss by itself.
    """
    watched = dataset.continuity
    column = getattr(watched, "column", None) or getattr(watched, "by", None)
    if column not in names:
        return ()
    part = f'left(cast("{column}" as varchar), {_PERIODS[getattr(watched, "period", None)]})'
    moves = "(select min(part) from after)" if isinstance(watched, NoGap) else "null"
    rows = db.execute(
        f"""with before as (select {part} as part, count(*) as had from held group by all),
        after as (select {part} as part, count(*) as has from fresh group by all)
        select part, had - coalesce(has, 0) as gone, had from before left join after using (part)
        where gone > 1 and part is not null and coalesce(part > {moves}, true) order by part"""
    ).fetchall()
    return tuple(Loss(f"{column} {value}", gone, before) for value, gone, before in rows)


def _bare(db: Db, dataset: Dataset, held: AbstractSet[str]) -> dict[str, int]:
    """The columns in which no record of the new snapshot has a value, and more than one of the old had."""
    names = [column.name for column in dataset.columns if column.name in held]
    counts = {name: f'count("{name}")' for name in names}
    had, has = (values_of(db, counts, one) for one in ("held", "fresh"))
    if not count_of(db, "select count(*) from fresh"):
        return {}
    return {name: had[name] for name in names if had[name] > 1 and not has[name]}


def _add_deletions(
    db: Db,
    dataset: Dataset,
    deletes: ReplaceBy,
    refused_keys: Sequence[tuple[Any, ...]],
    unknown_keys: int,
    schema: pa.Schema,
    notes: dict[str, int],
) -> tuple[Loss, ...]:
    """Delete held records of the values that this delivery covers and that it lacks; a refused record is not lacking.

    A file that is older than what is held of a value takes nothing away from it.
    """
    key, value = column_list(dataset.key), f'"{deletes.column}"'
    columns = [pa.array([row[place] for row in refused_keys], schema.field(name).type)
               for place, name in enumerate(dataset.key)]  # fmt: skip
    db.register("refused", pa.table(columns, names=list(dataset.key)))
    place = ("_batch", "_learned_on", "_raw_sha256", "_sequence", "_position", "_deleted")
    kept = column_list([name for name in schema.names if name not in place], "known.")
    db.execute(
        f"""create temp table covers as
        select {value} as _covered, min(_batch) as _batch, min(_learned_on) as _learned_on,
            arg_min(_raw_sha256, _sequence) as _raw_sha256, min(_sequence) as _sequence
        from one left join (select {value} as _held, max(_age) as _newest from known group by 1)
            on one.{value} = _held
        group by 1, _newest having coalesce(max(one._age) >= _newest, true)"""
    )
    db.execute(
        f"""create temp table held as
        select {key}, {value} as _covered from known where not _deleted
        union select {key}, {value} from replaced"""
    )
    db.execute(
        f"""create temp table lost as
        select held.* from held semi join covers using (_covered)
        anti join batch using ({key}) anti join refused using ({key})"""
    )
    db.execute(
        f"""create temp table gone as
        select {kept}, covers._batch, covers._learned_on, covers._raw_sha256, covers._sequence,
            0 as _position, true as _deleted
        from known join covers on known.{value} = covers._covered semi join lost using ({key})
        where not known._deleted"""
    )
    count = count_of(db, "select count(*) from gone")
    if count and unknown_keys:
        notes["deletions_withheld"] = count
        return ()
    if count:
        notes["deleted"] = count
        db.execute("insert into news by name select * from gone")
    return _parts_lost(db, key, deletes.column)


def _parts_lost(db: Db, key: str, column: str) -> tuple[Loss, ...]:
    """The loss of each value that a delivery covers, and of each earlier one of two files that share a key."""
    rows = db.execute(
        """select cast(_covered as varchar), count(*) as lost, any_value(size)
        from lost join (select _covered, count(*) as size from held group by 1) using (_covered)
        group by _covered having lost > 1 order by all"""
    ).fetchall()
    parts = db.execute(
        f"""select cast("{column}" as varchar), lost, size
        from (select "{column}", _sequence, count(*) as size from replaced group by all)
        join (select "{column}", _sequence, count(*) as lost from replaced
            anti join batch using ({key}) anti join refused using ({key}) group by all) using ("{column}", _sequence)
        where lost > 1 order by all"""
    ).fetchall()
    found = [Loss(f"{column} {covered}", lost, size) for covered, lost, size in rows]
    # A part that shares a key with another by mistake is small beside its day: it is judged by its own size too.
    found += [Loss(f"{column} {one} in an earlier one of two files that share a key", *of) for one, *of in parts]
    return tuple(found)


def _thin(db: Db, dataset: Dataset, column: str) -> tuple[Loss, ...]:
    """What each new day or year has less than the middle one of the seven before it: a whole list hardly shrinks so.

    Of a first delivery the newest alone is judged: models take it for all that stands.
    """
    if dataset.column(column).kind not in ("date", "integer", "bigint"):
        return ()
    rows = db.execute(
        f"""with sizes as (
            select "{column}" as part, count(*) as size, not bool_or(is_held) as is_new
            from (select "{column}", true as is_held from known where not _deleted
                union all select "{column}", false from one where not _deleted)
            group by all)
        select cast(part as varchar), had - size, had from (
            select
                *,
                quantile_disc(size, 0.5) over (order by part rows between 7 preceding and 1 preceding) as had,
                not bool_and(is_new) over () or part = max(part) over () as is_judged
            from sizes where part is not null)
        where is_new and is_judged and had - size > 1 order by part"""
    ).fetchall()
    return tuple(Loss(f"{column} {part}", less, before) for part, less, before in rows)


def _buried(db: Db, dataset: Dataset, before: int) -> tuple[Loss, ...]:
    key = column_list(dataset.key)
    gone = count_of(
        db,
        f"""select count(*) from news semi join (select {key} from known where not _deleted) using ({key})
        where _deleted""",
    )
    return (Loss("the whole", gone, before),) if gone > 1 else ()


def _total_after(db: Db, dataset: Dataset) -> int:
    key = column_list(dataset.key)
    return count_of(
        db,
        f"""select count(*) from (
            select {key}, _deleted from news
            union all
            select {key}, _deleted from known anti join news using ({key})
        ) where not _deleted""",
    )


def _in_order(db: Db, dataset: Dataset, schema: pa.Schema) -> Iterator[pa.Table]:
    result = db.execute(f"select {column_list(schema.names)} from news order by {column_list(dataset.key)}")
    for batch in result.to_arrow_reader(ROWS_AT_ONCE):
        yield pa.Table.from_batches([batch]).cast(schema)


def write_rows(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
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
