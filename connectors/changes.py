"""The changes of a batch against what is held: records added, vanished and changed, by column, counted by DuckDB.

The SQL names only columns of the source file (`^[a-z][a-z0-9_]*$`) and our own; paths and values never stand in it.
"""

# ruff: noqa: S608  # see above

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from math import isnan
from pathlib import Path
from typing import Any

from connectors.change_limits import declared, may_be, shipped
from connectors.columns import is_code
from connectors.settle import Db, column_list, count_of, database, values_of
from connectors.spec import DAYS, NUMBERS, Column, Dataset, Move

EXAMPLES = 5
ENOUGH = 100
"""Of fewer enterprises a share of those that differ from their own last record says little."""


@dataclass(frozen=True)
class Changes:
    """The counted changes, of how many held records.

    `counts` by what and column (`changed:grade`); `drift` of new records against held ones (`kin.median:sales_cny`), a
    factor or a share; `moves` of categories by column (`A → M`); `medians` of numbers, of held records and of new ones.
    `periods`, where the key holds one: of each count every period with more than may be, `[count, records, period]`, or
    that with the largest share. `revised` are records held that say something else now or are gone (what was empty may
    be filled in, but for moves that the source file names), `revised_first` the first of their keys.
    """

    held: int
    counts: dict[str, int] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)
    moves: dict[str, dict[str, int]] = field(default_factory=dict)
    medians: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    periods: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)
    revised: int = 0
    revised_first: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shape:
    """The parts of a dataset that a comparison goes by.

    `version` is the part of the key by which a correction follows what it corrects, `periods` those that say of which
    time a record is, `entity` the rest: of whom or what.
    """

    key: tuple[str, ...]
    version: str | None
    periods: tuple[str, ...]
    facts: tuple[Column, ...]
    day: str | None

    @property
    def subject(self) -> tuple[str, ...]:
        """The key without the version: what a correction and its original have in common."""
        return tuple(name for name in self.key if name != self.version)

    @property
    def entity(self) -> tuple[str, ...]:
        """The key without version and periods: whom a record is about, where that recurs."""
        return tuple(name for name in self.subject if name not in self.periods)


def kind_of(column: Column) -> str:
    """How a column is counted: as number, category, date or text."""
    if column.kind in NUMBERS:
        return "number"
    if column.kind in DAYS:
        return "date"
    return "category" if column.values or column.kind == "boolean" else "text"


def shape_of(dataset: Dataset) -> Shape:
    """Take a dataset apart by its key, its freshness and its types."""
    timed = [
        column.name for column in dataset.columns if column.name in dataset.key and column.kind in ("integer", *DAYS)
    ]
    fresh = getattr(dataset.freshness, "column", None)
    by_freshness = fresh if fresh in timed and len(timed) > 1 else None
    version = declared(dataset).version or by_freshness
    periods = tuple(name for name in timed if name != version)
    dated = [column.name for column in dataset.columns if column.kind in DAYS and column.required]
    own = [fresh, dataset.valid.from_column if dataset.valid else None, *dated]
    facts = tuple(column for column in dataset.columns if column.name not in dataset.key)
    whole = periods if len(periods) < len(dataset.key) - (version is not None) else ()
    return Shape(dataset.key, version, whole, facts, next((name for name in own if name), None))


def compare(dataset: Dataset, held: Sequence[Path], fresh: Path, total: int, as_of: date) -> Changes:
    """Count what the batch `fresh` changes of the landed files `held` (of a snapshot the last alone), `total` records.

    Memory is bounded: what is equal on both sides is set aside by hash, and only the rest is looked into.
    """
    shape = shape_of(dataset)
    with _side_by_side(dataset, held, fresh) as (db, facts):
        counts = values_of(db, _counts(_conditions(dataset, facts)), "pairs")
        counts |= {"vanished": count_of(db, "select count(*) from gone"), **_added(db, dataset, shape, facts, as_of)}
        moves = _moves(db, facts)
        drift, medians = _drift(db, shape, facts)
        periods = _by_period(db, dataset, shape, facts)
        revised = _revised(db, dataset, facts)
    return Changes(total, {name: n for name, n in counts.items() if n}, drift, moves, medians, periods, *revised)


def examples(dataset: Dataset, held: Sequence[Path], fresh: Path, what: Sequence[str]) -> dict[str, list[str]]:
    """The first keys of each of these counts, with what the column was and is."""
    key = _key_in_words(dataset)
    found: dict[str, list[str]] = {}
    with _side_by_side(dataset, held, fresh) as (db, facts):
        conditions = _conditions(dataset, facts)
        for name in what:
            if name in conditions:
                condition, shown = conditions[name]
                columns = f"{key} || ': ' || {' || chr(44) || chr(32) || '.join(map(_was_and_is, shown))}"
                query = f"select {columns} from pairs where {condition}"
            elif name == "respelled":
                query = f"select {key} {_respelled(dataset, shape_of(dataset))}"
            elif name in _OF_ADDED or name == "vanished":
                query = f"select {key} from {'gone' if name == 'vanished' else 'added'}"
            else:
                continue
            rows = db.execute(f"{query} order by {column_list(dataset.key)} limit {EXAMPLES}").fetchall()
            found[name] = [str(text) for (text,) in rows]
    return found


def _key_in_words(dataset: Dataset) -> str:
    return f"concat_ws(' / ', {column_list(dataset.key)})"


_OF_ADDED = ("added", "added_late", "added_periods", "backdated", "copied")


def _respelled(dataset: Dataset, shape: Shape) -> str | None:
    """SQL of the new records whose key is a held one but for letter case or the zeros before it; None without a code.

    A sheet takes the zeros off: `12` beside `0012` is another record, and the correction of none. Where more records
    that are held differ by so little than may come at once, it tells keys apart here, as `aB3` and `ab3`.
    """
    of = [column for column in dataset.columns if column.name in (shape.entity if shape.periods else shape.key)]
    codes = {column.name for column in of if column.kind == "varchar" and is_code(column) and not column.check}
    if not codes:
        return None
    entity = column_list([column.name for column in of])
    folded = ", ".join(f"lower(ltrim(\"{one.name}\", '0'))" if one.name in codes else f'"{one.name}"' for one in of)
    twins = f"from held_files where not _deleted and ({folded}) in (select ({folded}) from added)"
    return f"""from added where ({folded}) in (select ({folded}) {twins})
        and ({entity}) not in (select ({entity}) {twins})
        and (select count(distinct ({entity})) - count(distinct ({folded})) from held_files where not _deleted)
            <= {may_be(dataset, "respelled", 0)}"""


def _as_words(column: str) -> str:
    return f"coalesce(cast(\"{column}\" as varchar), '∅')"


def _was_and_is(column: str) -> str:
    return f"'{column}: ' || {_as_words(f'o_{column}')} || ' → ' || {_as_words(column)}"


@contextmanager
def _side_by_side(dataset: Dataset, held: Sequence[Path], fresh: Path) -> Iterator[tuple[Db, list[Column]]]:
    """A database in which the two stand beside each other, and the facts that both have."""
    with database(fresh.parent) as db:
        db.from_parquet([str(path) for path in held], union_by_name=True).create_view("held_files")
        db.from_parquet(str(fresh)).create_view("fresh_file")
        had, has = (set(db.view(one).columns) for one in ("held_files", "fresh_file"))
        shape = shape_of(dataset)
        facts = [column for column in shape.facts if column.name in had & has]
        _set_apart(db, dataset, shape, facts)
        _pair(db, dataset, shape)
        yield db, facts


def _set_apart(db: Db, dataset: Dataset, shape: Shape, facts: Sequence[Column]) -> None:
    """`came`: rows of the batch that are not word for word held. `was`: rows held that the batch does not have so."""
    names = column_list([*shape.key, *(column.name for column in facts)])
    if dataset.load == "snapshot":
        for one in ("held", "fresh"):
            db.execute(
                f"create temp view {one} as select {names} from {one}_file{'s' * (one == 'held')} where not _deleted"
            )
        for target, one, other in (("came", "fresh", "held"), ("was", "held", "fresh")):
            db.execute(
                f"""create temp table {target} as
                with other as (select hash({names}) as _hash from {other})
                select one.* exclude (_hash) from (select *, hash({names}) as _hash from {one}) as one
                anti join other using (_hash)"""
            )
        return
    key = column_list(shape.key)
    db.execute(
        f"""create temp view held as select {names} from held_files
        qualify row_number() over (partition by {key} order by _learned_on desc, _batch desc) = 1 and not _deleted"""
    )
    db.execute(f"create temp table came as select {names} from fresh_file where not _deleted")
    db.execute(
        f"""create temp table was as select * exclude (_deleted, _learned_on, _batch) from (
            select {names}, _deleted, _learned_on, _batch from held_files semi join fresh_file using ({key}))
        qualify row_number() over (partition by {key} order by _learned_on desc, _batch desc) = 1 and not _deleted"""
    )


def _pair(db: Db, dataset: Dataset, shape: Shape) -> None:
    """`pairs`: a record and what it was (`o_…`), corrections among them. `added`: new keys. `gone`: keys no more."""
    key = column_list(shape.key)
    columns = db.table("came").columns
    before = ", ".join(f'was."{name}" as "o_{name}"' for name in columns)
    db.execute(f"create temp table pairs as select came.*, {before} from came join was using ({key})")
    db.execute(f"create temp table added as select * from came anti join was using ({key})")
    if dataset.load == "snapshot":
        db.execute(f"create temp table gone as select {key} from was anti join came using ({key})")
    else:
        db.execute(
            f"create temp table gone as select {key} from was semi join (from fresh_file where _deleted) using ({key})"
        )
    if shape.version:
        subject = column_list(shape.subject)
        db.execute(
            f"""create temp table prior as select {column_list(columns)} from held
            where ({subject}) in (select ({subject}) from added)
            qualify row_number() over (partition by {subject} order by "{shape.version}" desc) = 1"""
        )
        before = ", ".join(f'prior."{name}" as "o_{name}"' for name in columns)
        db.execute(f"insert into pairs select added.*, {before} from added join prior using ({subject})")
        db.execute(f"create temp table anew as select * from added anti join prior using ({subject})")
        db.execute("drop table added")
        db.execute("alter table anew rename to added")


_Condition = tuple[str, tuple[str, ...]]
"""A condition on a pair, and the columns to show of it."""


def _conditions(dataset: Dataset, facts: Sequence[Column]) -> dict[str, _Condition]:
    """The conditions that are counted on the pairs, by name."""
    return {**_column_conditions(facts), **_move_conditions(dataset, facts)}


def _counts(conditions: Mapping[str, _Condition]) -> dict[str, str]:
    """What counts each of them in a query."""
    return {name: f"count(*) filter ({condition})" for name, (condition, _) in conditions.items()}


def _column_conditions(facts: Sequence[Column]) -> dict[str, _Condition]:
    """What may happen to each column, and to each pair of columns of one kind."""
    found: dict[str, _Condition] = {}
    for column in facts:
        name, kind = column.name, kind_of(column)
        new, old = f'"{name}"', f'"o_{name}"'
        found[f"changed:{name}"] = (f"{new} is distinct from {old}", (name,))
        found[f"emptied:{name}"] = (f"{old} is not null and {new} is null", (name,))
        if kind == "number":
            # Nulls in place of zeros: SQL may evaluate every part of a condition, whatever the others are.
            log = f"log10(abs(cast(nullif({new}, 0) as double) / cast(nullif({old}, 0) as double)))"
            # Within half a per cent of a power of ten: the digits that a larger unit drops do not matter.
            scaled = f"abs({old}) > 1 and {new} <> 0 and abs(round({log})) >= 1 and abs({log} - round({log})) < 0.002"
            # From 1 to 10 may be a plain change: a factor of ten counts only for numbers of 100 and more.
            found[f"scaled:{name}"] = (f"{scaled} and greatest(abs({old}), abs({new})) >= 100", (name,))
            found[f"negated:{name}"] = (f"{new} = -{old} and {new} <> 0", (name,))
    for one, two in _of_one_kind(facts):
        swapped = f'"{one}" is not distinct from "o_{two}" and "{two}" is not distinct from "o_{one}"'
        there = f'"{one}" is distinct from "{two}"'
        found[f"exchanged:{one}+{two}"] = (f"{swapped} and {there}", (one, two))
    return found


def _move_conditions(dataset: Dataset, facts: Sequence[Column]) -> dict[str, _Condition]:
    """The moves that the source file gives a weight of their own."""
    there = {column.name for column in facts}
    return {
        f"move:{name}": (
            " or ".join(f"({_becomes(move, column)})" for column in move.columns if column in there) or "false",
            tuple(column for column in move.columns if column in there),
        )
        for name, move in declared(dataset).moves.items()
    }


def _becomes(move: Move, column: str) -> str:
    new, old = f'"{column}"', f'"o_{column}"'
    return {
        "other": f"{new} is distinct from {old}",
        "empty": f"{old} is not null and {new} is null",
        "filled": f"{old} is null and {new} is not null",
        "later": f"{old} is not null and coalesce({new} > {old}, true)",
        "earlier": f"{old} is not null and {new} < {old}",
    }[move.becomes]


def _of_one_kind(facts: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """Pairs of columns that a slip can exchange: of the same type and, of numbers, the same unit in their name."""
    comparable = [column for column in facts if kind_of(column) in ("number", "date", "text")]
    for one, two in combinations(comparable, 2):
        if kind_of(one) == kind_of(two) and (kind_of(one) != "number" or _unit(one) == _unit(two)):
            yield one.name, two.name


def _unit(column: Column) -> str:
    last = column.name.rpartition("_")[2]
    return last if last in ("cny", "pct") else column.kind


def _revised(db: Db, dataset: Dataset, facts: Sequence[Column]) -> tuple[int, list[str]]:
    """How many held records changed or are gone, and the first of their keys."""
    is_other = [f'("o_{one.name}" is not null and "{one.name}" is distinct from "o_{one.name}")' for one in facts]
    is_other += [f"({condition})" for condition, _ in _move_conditions(dataset, facts).values()]
    key = f"select {_key_in_words(dataset)} as held_key"
    revised = f"({key} from pairs where {' or '.join(is_other) or 'false'} union all {key} from gone)"
    first = db.execute(f"select held_key from {revised} order by held_key limit {EXAMPLES}").fetchall()
    return count_of(db, f"select count(*) from {revised}"), [str(text) for (text,) in first]


def _by_period(
    db: Db, dataset: Dataset, shape: Shape, facts: Sequence[Column]
) -> dict[str, list[tuple[int, int, str]]]:
    """Of each count the periods in which it is more than may be, else the one in which it is the largest share.

    A month of many years is few of all. Of a period with few records a share says nothing.
    """
    if not shape.periods:
        return {}
    of = column_list(shape.periods)
    rows = []
    for table, counts in (("pairs", _counts(_conditions(dataset, facts))), ("gone", {"vanished": "count(*)"})):
        found = db.execute(f"select ({of}), {', '.join(counts.values())} from {table} group by {of}").fetchall()
        rows += [(period, dict(zip(counts, numbers, strict=True))) for period, *numbers in found]
    touched = f"(select {of} from pairs union select {of} from gone)"
    query = f"select ({of}), count(*) from held_files semi join {touched} using ({of}) where not _deleted group by {of}"
    sizes = dict(db.execute(query).fetchall())
    by_name: dict[str, list[tuple[int, int, str]]] = {}
    for period, numbered in sorted(rows, key=lambda row: str(row[0])):
        size = sizes.get(period, 0)
        for name, count in numbered.items():
            if size >= shipped().drift.least and count:
                by_name.setdefault(name, []).append((count, size, _in_words(period)))
    return {name: _worst(dataset, name, some) for name, some in by_name.items()}


def _worst(dataset: Dataset, name: str, some: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    return [one for one in some if one[0] > may_be(dataset, name, one[1])] or [
        max(some, key=lambda one: one[0] / one[1])
    ]


def _in_words(period: Any) -> str:
    return " ".join(map(str, period)) if isinstance(period, tuple) else str(period)


def _added(db: Db, dataset: Dataset, shape: Shape, facts: Sequence[Column], as_of: date) -> dict[str, int]:
    """New keys, and those among them that look like old records under another."""
    count = count_of(db, "select count(*) from added")
    if not count:
        return {}
    respelled = _respelled(dataset, shape)
    found = {"respelled": count_of(db, f"select count(*) {respelled}") if respelled else 0}
    if shape.periods:
        of = column_list(shape.periods)
        # The last period of which at least half has come: of the next one some are early.
        last = f"""(select max(period) from (select ({of}) as period, count(*) as n from held group by period
            qualify 2 * n >= max(n) over ()))"""
        late = count_of(db, f"select count(*) from added where ({of}) < {last}")
        found |= {"added_periods": count, "added_late": late}
        # Of one period two enterprises may well have the same figures, but not the same enterprise twice.
        if len(facts) > 2 and any(column.check or column.is_identifying for column in facts):
            found["copied"] = _copied(db, [*shape.periods, *(column.name for column in facts)])
        return found
    found["added"] = count
    if shape.day is not None:
        limit = (as_of - timedelta(days=shipped().backdated_days)).isoformat()
        found["backdated"] = count_of(db, f"select count(*) from added where \"{shape.day}\" < date '{limit}'")
    # In one or two facts many records are alike without being copies.
    if len(facts) > 2:
        found["copied"] = _copied(db, [column.name for column in facts])
    return found


def _copied(db: Db, columns: Sequence[str]) -> int:
    """How many new records are in these columns word for word one that is held."""
    word_for_word = f"select hash({column_list(columns)}) as _hash from"
    query = f"select count(*) from ({word_for_word} added) semi join ({word_for_word} held) using (_hash)"
    return count_of(db, query)


def _moves(db: Db, facts: Sequence[Column]) -> dict[str, dict[str, int]]:
    """How many records went from which category to which."""
    columns = {
        name: f"""histogram({_as_words(f"o_{name}")} || ' → ' || {_as_words(name)})
        filter ("{name}" is distinct from "o_{name}")"""
        for name in (column.name for column in facts if kind_of(column) == "category")
    }
    return {name: dict(sorted(moves.items())) for name, moves in values_of(db, columns, "pairs").items() if moves}


def _drift(
    db: Db, shape: Shape, facts: Sequence[Column]
) -> tuple[dict[str, float], dict[str, tuple[float | None, float | None]]]:
    """How the new records differ as a whole from those held: of the same enterprises' last period, else from all."""
    least = shipped().drift.least
    if count_of(db, "select count(*) from added") < least:
        return {}, {}
    names = column_list([*shape.key, *(column.name for column in facts)])
    scope = "kin" if shape.periods and shape.entity else "all"
    if scope == "kin":
        entity = column_list(shape.entity)
        latest = ", ".join(f'"{name}" desc' for name in (*shape.periods, *filter(None, [shape.version])))
        db.execute(
            f"""create temp table kin as select {names} from held where ({entity}) in (select ({entity}) from added)
            qualify row_number() over (partition by {entity} order by {latest}) = 1"""
        )
        db.execute(f"create temp view newer as select added.* from added semi join kin using ({entity})")
    else:
        db.execute("create temp view kin as select * from held")
        db.execute("create temp view newer as select * from added")
    before, after = (_profile(db, facts, one) for one in ("kin", "newer"))
    if min(before["rows"], after["rows"]) < least:
        return {}, {}
    drift = dict(_differences(facts, before, after, scope, least))
    if scope == "kin":
        drift.update({**_leaps(db, facts, shape), **_beside_their_own(db, facts, shape, least)})
    medians = {c.name: (before[f"median:{c.name}"], after[f"median:{c.name}"]) for c in facts if kind_of(c) == "number"}
    return {name: round(value, 4) for name, value in drift.items()}, medians


def _profile(db: Db, facts: Sequence[Column], table: str) -> dict[str, Any]:
    """Rows, and by column the values, how many are negative, the median of the others, the categories, the orders."""
    asked = {"rows": "count(*)"}
    for column in facts:
        name = f'"{column.name}"'
        asked[f"count:{column.name}"] = f"count({name})"
        if kind_of(column) == "number":
            asked[f"median:{column.name}"] = f"cast(median(abs({name})) filter ({name} <> 0) as double)"
            asked[f"some:{column.name}"] = f"count(*) filter ({name} <> 0)"
            asked[f"negative:{column.name}"] = f"count(*) filter ({name} < 0)"
        if kind_of(column) == "category":
            asked[f"histogram:{column.name}"] = f"histogram(cast({name} as varchar))"
        if kind_of(column) == "text":
            asked[f"distinct:{column.name}"] = f"approx_count_distinct({name})"
    for one, two in _of_one_kind(facts):
        asked[f"both:{one}+{two}"] = f'count(*) filter ("{one}" <> "{two}")'
        asked[f"order:{one}+{two}"] = f'count(*) filter ("{one}" < "{two}")'
    return values_of(db, asked, table)


def _differences(
    facts: Sequence[Column], before: dict[str, Any], after: dict[str, Any], scope: str, least: int
) -> Iterator[tuple[str, float]]:
    """By measure and column how far two profiles lie apart: shares by their difference, medians by their factor."""

    def apart(part: str, whole: str) -> float:
        one, two = (float(profile[part] or 0) / profile[whole] for profile in (before, after))
        return float(abs(one - two))

    def is_enough(whole: str) -> bool:
        return int(min(before[whole], after[whole])) >= least

    for name, kind in ((column.name, kind_of(column)) for column in facts):
        yield f"{scope}.empty:{name}", apart(f"count:{name}", "rows")
        if kind == "number" and is_enough(f"some:{name}"):
            factor = after[f"median:{name}"] / before[f"median:{name}"]
            yield f"{scope}.median:{name}", max(factor, 1 / factor)
            yield f"{scope}.sign:{name}", apart(f"negative:{name}", f"some:{name}")
        if kind == "category" and is_enough(f"count:{name}"):
            yield f"{scope}.category:{name}", _moved_share(before, after, name)
    for one, two in _of_one_kind(facts):
        # For words that recur (a state, a kind) the order only counts how many there are of each.
        recurs = any(2 * before.get(f"distinct:{name}", before["rows"]) < before["rows"] for name in (one, two))
        if is_enough(f"both:{one}+{two}") and not recurs:
            yield f"{scope}.order:{one}+{two}", apart(f"order:{one}+{two}", f"both:{one}+{two}")


def _moved_share(before: dict[str, Any], after: dict[str, Any], name: str) -> float:
    """Which share of the records would have to move for two columns of categories to be made up alike."""
    count, had, has = f"count:{name}", before[f"histogram:{name}"], after[f"histogram:{name}"]
    apart = [abs(had.get(v, 0) / before[count] - has.get(v, 0) / after[count]) for v in {*had, *has}]
    return float(sum(apart)) / 2


def _leaps(db: Db, facts: Sequence[Column], shape: Shape) -> dict[str, float]:
    """By number how many new records hold some hundred times, or a some hundredth of, the last period's."""
    entity = column_list(shape.entity)
    counted = {
        name: f"""count(*) filter (newer."{name}" <> 0 and kin."{name}" <> 0
            and greatest(abs(newer."{name}"), abs(kin."{name}")) >= 1000
            and abs(ln(abs(nullif(newer."{name}", 0) / nullif(kin."{name}", 0)))) > ln({shipped().leap}))"""
        for name in (column.name for column in facts if kind_of(column) == "number")
    }
    found = values_of(db, counted, f"newer join kin using ({entity})")
    return {f"leapt:{name}": float(n) for name, n in found.items() if n}


def _beside_their_own(db: Db, facts: Sequence[Column], shape: Shape, least: int) -> dict[str, float]:
    """How the new records differ from the last of the same enterprise: in the order of a number, and by how many.

    As a whole they may look as before and still stand beside other enterprises: one sorted column does that.
    """
    entity, found = column_list(shape.entity), dict[str, float]()
    for column in facts:
        name, kind = column.name, kind_of(column)
        pairs = f"""(select kin."{name}" as was, newer."{name}" as now from newer join kin using ({entity})
            where was is not null and now is not null)"""
        if kind == "number":
            ranks = f"""(select rank() over (order by abs(was)) as before, rank() over (order by abs(now)) as after,
                abs(ln(abs(cast(now as double) / was))) > ln({shipped().jump}) as jumps
                from {pairs} where was <> 0 and now <> 0)"""
            asked = "count(*), count(distinct before), 1 - corr(before, after), avg(cast(jumps as integer))"
            ((count, places, rank, jumps),) = db.execute(f"select {asked} from {ranks}").fetchall()
            if count >= least and places >= least:
                # One number for all has no order.
                found[f"kin.rank:{name}"] = 1.0 if rank is None or isnan(rank) else float(rank)
            if count >= ENOUGH:
                found[f"kin.jump:{name}"] = float(jumps)
        elif kind == "category" or column.check or column.is_identifying:
            asked = "count(*), avg(cast(was <> now as integer))"
            ((count, moved),) = db.execute(f"select {asked} from {pairs}").fetchall()
            if count >= ENOUGH:
                found[f"kin.moved:{name}"] = float(moved)
    return found
