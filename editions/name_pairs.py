"""Which names of the register are worth comparing with an open name: those that share its rarest character pairs."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

CANDIDATES = 40
"""So many names are compared with each open name."""
# A pair of characters that one name in so many shares tells nobody apart: 科技, 有限, the city.
_COMMON_SHARE = 20
_COMMON_AT_LEAST, _COMMON_AT_MOST = 50, 2_000

Asked = tuple[int, str, date | None, date | None]
"""An open name: its place, the name, the days of the first and the last record that it stands on."""


def load_names(db: duckdb.DuckDBPyConnection, register: Path, asked: Sequence[Asked]) -> None:
    """Make `asked` (the open names) and `borne` (those of `register`), each with its key and its character pairs."""
    _make_macros(db)
    db.execute("create table given (unique_id bigint, shown varchar, from_day date, to_day date)")
    db.executemany("insert into given values (?, ?, ?, ?)", list(asked))
    db.execute("create table asked as select *, key_of(shown) as key, pairs_of(key_of(shown)) as pairs from given")
    db.execute(
        """create table borne as
        select
            row_number() over (order by borne_by, enterprise_name, valid_from) as unique_id,
            enterprise_name as shown, valid_from as from_day, valid_to as to_day, uscc, borne_by,
            key_of(enterprise_name) as key, pairs_of(key_of(enterprise_name)) as pairs
        from read_parquet($names, hive_partitioning = false)""",
        {"names": register.as_posix()},
    )


def _make_macros(db: duckdb.DuckDBPyConnection) -> None:
    full = "".join(chr(0xFF01 + place) for place in range(94))
    half = "".join(chr(0x21 + place) for place in range(94)).replace("'", "''")
    narrow = (
        f"case when regexp_matches(name, '[０-９Ａ-Ｚａ-ｚ]') then translate(name, '{full}', '{half}') else name end"
    )
    db.execute(
        f"""create macro key_of(name) as
        regexp_replace(upper({narrow}), '[^0-9A-Z\\x{{3400}}-\\x{{9FFF}}]', '', 'g')"""
    )
    db.execute(
        """create macro pairs_of(key) as
        list_sort(list_distinct(list_transform(range(1, length(key)), lambda i: substr(key, i, 2))))"""
    )


def keep_candidates(db: duckdb.DuckDBPyConnection) -> None:
    """Make `likely` (asked_id, borne_id); and on `asked` the list `telling`, its pairs that tell names apart."""
    (total,) = db.execute("select count(*) from borne").fetchone() or (0,)
    common = min(max(total // _COMMON_SHARE, _COMMON_AT_LEAST), _COMMON_AT_MOST)
    db.execute("create table asked_pairs as select unique_id, unnest(pairs) as pair from asked")
    db.execute(
        """create table borne_pairs as
        select unique_id, pair from (select unique_id, unnest(pairs) as pair from borne)
        semi join asked_pairs using (pair)"""
    )
    db.execute("create table frequent as select pair, count(*) as times from borne_pairs group by pair")
    _rank(db, total, common)
    _mark_telling(db, common)


def _rank(db: duckdb.DuckDBPyConnection, total: int, common: int) -> None:
    db.execute(
        """create table likely as
        with shared as (
            select
                asked_pairs.unique_id as asked_id, borne_pairs.unique_id as borne_id,
                -- Counted in whole thousandths: sums of fractions would differ with the order of the rows.
                sum(cast(1000 * ln($total / frequent.times) as bigint)) as weight
            from asked_pairs join frequent using (pair) join borne_pairs using (pair)
            where frequent.times <= $common
            group by all
        ),
        same as (
            select asked.unique_id as asked_id, borne.unique_id as borne_id, 1000000 as weight
            from asked join borne using (key)
        )
        select asked_id, borne_id, max(weight) as weight from (from shared union all from same)
        group by asked_id, borne_id
        qualify row_number() over (partition by asked_id order by max(weight) desc, borne_id) <= $most""",
        {"total": max(total, 1), "common": common, "most": CANDIDATES},
    )


def _mark_telling(db: duckdb.DuckDBPyConnection, common: int) -> None:
    db.execute("alter table asked add column telling varchar[]")
    db.execute(
        """update asked set telling = coalesce(marked.pairs, []) from (
            select asked.unique_id, list(pair order by pair) filter (where coalesce(times, 0) <= $common) as pairs
            from asked left join asked_pairs using (unique_id) left join frequent using (pair)
            group by asked.unique_id
        ) as marked where marked.unique_id = asked.unique_id""",
        {"common": common},
    )
