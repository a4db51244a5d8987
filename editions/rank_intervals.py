"""How far ranks depend on the weights: ranks under many random weights, reported and never used."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[Any]

DRAWS = 1000
SPREAD_PCT = 20
"""Each indicator's weight is drawn evenly from this many percent below to this many above its own."""
SEED = 20240101
QUANTILES = (0.05, 0.5, 0.95)
_AT_ONCE = 50
"""Draws whose scores are in memory together: one matrix of a million enterprises is 400 MB."""
_UNITS = 10_000
"""Weights are drawn in whole ten-thousandths: sums of such products are exact in doubles, in any order."""

_RANKED = """
    select *, row_number() over (order by uscc) - 1 as firm
    from rankings where is_ranked"""

_FIRMS = f"select uscc, stage, rank_overall, rank_in_stage from ({_RANKED}) order by firm"  # noqa: S608  # a constant

_POINTS = f"""
    select ranked.firm, points.indicator_code as code, cast(points.points * 1000000 as bigint) as points,
        cast(points.points_maximum * 1000000 as bigint) as maximum
    from points inner join ({_RANKED}) as ranked on points.uscc = ranked.uscc
    where points.is_counted"""  # noqa: S608  # a constant

# Of several lists in force the first by its id.
_BANDS = """
    select bands.band_no, cast(bands.top_pct * 10000 as bigint) as parts
    from public_list_bands as bands
    inner join public_lists as lists on bands.list_id = lists.list_id and bands.version = lists.version
    cross join ruleset_in_force as in_force
    where in_force.as_of >= lists.valid_from and (lists.valid_to is null or in_force.as_of <= lists.valid_to)
    qualify lists.list_id = min(lists.list_id) over ()
    order by bands.band_no"""


class RankIntervalError(RuntimeError):
    """The points of a candidate do not give its own ranks, so they say nothing of ranks under other weights."""


def fill_rank_intervals(warehouse: Path, work: Path) -> int:
    """Fill the table `rank_intervals` of a candidate; answers how many enterprises have a row.

    A score is the percentage of points in what was available, so a factor for each indicator scales both. Ranks are
    competition ranks; a quantile is the least rank that this share of the draws does not exceed. `band_kept_pct` is how
    many percent of the draws leave an enterprise in its band of the public list, or outside of all bands. The draws
    come from a fixed seed: equal points give equal rows. Memory holds a few draws at a time; the ranks of all wait in a
    file in the folder `work`.
    """
    with duckdb.connect(str(warehouse)) as connection, tempfile.TemporaryFile(dir=work) as file:
        firms = connection.execute(_FIRMS).fetchnumpy()
        count = len(firms["uscc"])
        connection.execute("delete from rank_intervals")
        if count == 0:
            return 0
        points, maximum = _matrices(connection, count)
        _, stages = np.unique(firms["stage"].astype(str), return_inverse=True)
        stages = stages.astype(np.int16)
        published = np.stack([firms["rank_overall"], firms["rank_in_stage"]]).astype(np.int32)
        bands = connection.execute(_BANDS).fetchnumpy()
        unchanged = np.full((1, points.shape[1]), _UNITS, dtype=np.float64)
        _require_same(published, next(_ranks(points, maximum, unchanged, stages)))
        ranks: Numbers = np.memmap(file, dtype=np.int32, shape=(2, DRAWS, count))
        at = 0
        for drawn in _ranks(points, maximum, _factors(points.shape[1]), stages):
            ranks[:, at : at + drawn.shape[1]] = drawn
            at += drawn.shape[1]
        cuts = np.bincount(stages)[:, None] * bands["parts"][None, :] // 1_000_000
        rows = _rows(published, ranks, cuts[stages], bands["band_no"])
        _insert(connection, firms, rows)
    return count


def _matrices(connection: duckdb.DuckDBPyConnection, count: int) -> tuple[Numbers, Numbers]:
    """Points and what they are out of, in millionths: a row for each enterprise, a column for each indicator."""
    found = connection.execute(_POINTS).fetchnumpy()
    codes, columns = np.unique(found["code"].astype(str), return_inverse=True)
    matrices = np.zeros((2, count, len(codes)))
    matrices[0, found["firm"], columns] = found["points"]
    matrices[1, found["firm"], columns] = found["maximum"]
    return matrices[0], matrices[1]


def _factors(indicators: int) -> Numbers:
    """A row for each draw, a column for each indicator, in ten-thousandths."""
    # Raw words of the generator: unlike its distributions they never change from one version of numpy to another.
    words = np.random.PCG64(SEED).random_raw((DRAWS, indicators))
    width = 2 * _UNITS * SPREAD_PCT // 100
    return (_UNITS - width // 2 + words % (width + 1)).astype(np.float64)


def _ranks(points: Numbers, maximum: Numbers, factors: Numbers, stages: Numbers) -> Iterator[Numbers]:
    """For a few rows of factors at a time: by kind (overall, in the stage), draw and enterprise the rank."""
    for at in range(0, len(factors), _AT_ONCE):
        some = factors[at : at + _AT_ONCE].T
        scores = (100 * np.maximum(points @ some, 0) / (maximum @ some)).T
        yield np.stack([_both_ranks(drawn, stages) for drawn in scores], axis=1)


def _both_ranks(scores: Numbers, stages: Numbers) -> Numbers:
    order = np.argsort(-scores)
    ordered = scores[order]
    found = np.empty((2, len(order)), dtype=np.int32)
    found[0, order] = _places(ordered[1:] != ordered[:-1], np.zeros(len(order) - 1, dtype=bool))
    # Stages are small numbers, which are sorted in one pass; the order of scores stays within each.
    by_stage = np.argsort(stages[order], kind="stable")
    order, ordered = order[by_stage], ordered[by_stage]
    groups = stages[order]
    begins = groups[1:] != groups[:-1]
    found[1, order] = _places(begins | (ordered[1:] != ordered[:-1]), begins)
    return found


def _places(differs: Numbers, begins: Numbers) -> Numbers:
    """Competition ranks of what is ordered, by where it differs from the one before, and where a group begins."""
    at = np.arange(len(differs) + 1, dtype=np.int32)
    last = at.copy()
    last[1:][~differs] = 0
    first = np.zeros_like(at)
    first[1:][begins] = at[1:][begins]
    places: Numbers = np.maximum.accumulate(last) - np.maximum.accumulate(first) + 1
    return places


def _require_same(published: Numbers, found: Numbers) -> None:
    differ = int((published != found[:, 0]).any(axis=0).sum())
    if differ:
        raise RankIntervalError(
            f"the points of {differ} enterprises do not give their published ranks, so rank intervals would be of "
            "another ranking. Whose: config (dbt_project/models/scoring). Next: jifen run after the models of "
            "points and ranks agree"
        )


def _rows(published: Numbers, ranks: Numbers, cuts: Numbers, band_numbers: Numbers) -> dict[str, Numbers]:
    """The columns that are computed, with masks where there is no band."""
    at = [int(np.ceil(share * DRAWS)) - 1 for share in QUANTILES]
    count = published.shape[1]
    quantiles = np.empty((2, len(at), count), dtype=np.int32)
    kept = np.empty(count, dtype=np.int64)
    # A part at a time: a partition is a copy of the ranks of all draws.
    for begin in range(0, count, 4096):
        part = slice(begin, begin + 4096)
        quantiles[:, :, part] = np.partition(ranks[:, :, part], at, axis=1)[:, at]
        in_draws = _band(ranks[1, :, part], cuts[part])
        kept[part] = (in_draws == _band(published[1, part], cuts[part])).sum(axis=0)
    band = _band(published[1], cuts)
    beyond = band == len(band_numbers)
    numbers = np.append(band_numbers, 0)[band] if len(band_numbers) else np.zeros(count, dtype=np.int64)
    names = [f"{kind}_q{round(share * 100)}" for kind in ("rank_overall", "rank_in_stage") for share in QUANTILES]
    return {
        **dict(zip(names, quantiles.reshape(-1, count), strict=True)),
        "band_no": np.ma.masked_array(numbers, beyond),
        "kept": kept,
    }


def _band(ranks: Numbers, cuts: Numbers) -> Numbers:
    """The place of the narrowest band that holds a rank, or how many bands there are for one beyond them all."""
    band: Numbers = (ranks[..., None] > cuts).sum(axis=-1)
    return band


def _insert(connection: duckdb.DuckDBPyConnection, firms: dict[str, Numbers], rows: dict[str, Numbers]) -> None:
    columns = {name: pa.array(firms[name].tolist()) for name in ("uscc", "stage", "rank_overall", "rank_in_stage")}
    computed = pa.table({**columns, **{name: pa.array(values.tolist()) for name, values in rows.items()}})
    connection.register("computed", computed)
    connection.execute(
        f"insert into rank_intervals by name select * exclude (kept), kept * 100.0 / {DRAWS} as band_kept_pct, "  # noqa: S608  # a constant
        f"{DRAWS} as draws from computed"
    )
    connection.unregister("computed")
