"""Rank intervals: as a slow computation in whole numbers finds them, and refused for other points."""

import math
import random
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from editions.rank_intervals import DRAWS, SEED, RankIntervalError, fill_rank_intervals
from ledger.settings import PROJECT_DIR

FIRMS, INDICATORS = 40, 5
MODEL = PROJECT_DIR / "dbt_project" / "models" / "programme" / "rank_intervals.sql"
TABLES = """
create table points
(uscc varchar, indicator_code varchar, points decimal(18, 6), points_maximum decimal(18, 6), is_counted boolean);
create table rankings (uscc varchar, stage varchar, rank_overall bigint, rank_in_stage bigint, is_ranked boolean);
create table public_lists (list_id varchar, version varchar, valid_from date, valid_to date);
create table public_list_bands (list_id varchar, version varchar, band_no integer, top_pct decimal(9, 4));
create table ruleset_in_force (as_of date);
create table public_list (band_no integer);
insert into ruleset_in_force values ('2025-06-30');
insert into public_lists values ('list', '1', '2025-01-01', null), ('list', '0', '2024-01-01', '2024-12-31');
insert into public_list_bands values ('list', '1', 1, 10), ('list', '1', 2, 25), ('list', '0', 1, 50);
"""
Points = dict[str, dict[str, tuple[int, int]]]


def made_up_points(seed: int) -> Points:
    """Millionths of points and of their maximum by enterprise and indicator; some are missing, and some are equal."""
    draw = random.Random(seed)
    codes = [f"C{number:02}" for number in range(INDICATORS)]
    firms: Points = {}
    for number in range(FIRMS):
        held = [code for code in codes if draw.random() < 0.8] or codes[:1]
        firms[f"F{number:03}"] = {code: (draw.choice([-1, 0, 2, 5, 5, 10]) * 1_000_000, 10_000_000) for code in held}
    firms["F001"] = firms["F000"]
    return firms


def stage_of(firm: str) -> str:
    return "growth" if firm < "F025" else "start"


def ranks(scores: dict[str, Fraction]) -> dict[str, int]:
    return {firm: 1 + sum(other > score for other in scores.values()) for firm, score in scores.items()}


def scores_of(firms: Points, factor: dict[str, int]) -> dict[str, Fraction]:
    def total(held: dict[str, tuple[int, int]], which: int) -> int:
        return sum(pair[which] * factor[code] for code, pair in held.items())

    return {firm: Fraction(max(total(held, 0), 0), total(held, 1)) for firm, held in firms.items()}


def both_ranks(scores: dict[str, Fraction]) -> dict[str, tuple[int, int]]:
    overall = ranks(scores)
    within: dict[str, int] = {}
    for stage in {stage_of(firm) for firm in scores}:
        within |= ranks({firm: score for firm, score in scores.items() if stage_of(firm) == stage})
    return {firm: (overall[firm], within[firm]) for firm in scores}


@pytest.fixture
def warehouse(tmp_path: Path) -> Callable[[Points], Path]:
    def make(firms: Points) -> Path:
        path = tmp_path / "candidate.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(TABLES)
            names = re.sub(r"{{ ref\('(\w+)'\) }}", r"\1", MODEL.read_text())
            connection.execute(f"create table rank_intervals as {names}")
            for firm, held in firms.items():
                for code, (points, maximum) in held.items():
                    connection.execute(
                        "insert into points values (?, ?, ?, ?, true)",
                        [firm, code, Decimal(points).scaleb(-6), Decimal(maximum).scaleb(-6)],
                    )
            published = both_ranks(scores_of(firms, {f"C{number:02}": 1 for number in range(INDICATORS)}))
            for firm, (overall, within) in published.items():
                row = [firm, stage_of(firm), overall, within]
                connection.execute("insert into rankings values (?, ?, ?, ?, true)", row)
            connection.execute("insert into rankings values ('F999', 'start', null, null, false)")
        return path

    return make


def rows(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select * from rank_intervals order by uscc").fetchall()


def test_the_intervals_are_those_of_a_slow_computation_in_whole_numbers(
    warehouse: Callable[[Points], Path], tmp_path: Path
):
    firms = made_up_points(7)
    path = warehouse(firms)
    assert fill_rank_intervals(path, tmp_path) == FIRMS
    words = np.random.PCG64(SEED).random_raw(DRAWS * INDICATORS)
    factors = [8000 + int(word) % 4001 for word in words]
    drawn: dict[str, list[tuple[int, int]]] = {firm: [] for firm in firms}
    for draw in range(DRAWS):
        some = factors[draw * INDICATORS : (draw + 1) * INDICATORS]
        factor = {f"C{number:02}": some[number] for number in range(INDICATORS)}
        for firm, pair in both_ranks(scores_of(firms, factor)).items():
            drawn[firm].append(pair)
    peers = {stage: sum(stage_of(firm) == stage for firm in firms) for stage in ("growth", "start")}

    def band(firm: str, rank: int) -> int | None:
        return next((no for no, pct in ((1, 10), (2, 25)) if rank <= peers[stage_of(firm)] * pct // 100), None)

    published = both_ranks(scores_of(firms, dict.fromkeys(factor, 1)))
    for uscc, stage, overall, a5, a50, a95, within, s5, s50, s95, band_no, kept, draws in rows(path):
        firm = str(uscc)
        every, in_stage = (sorted(pair[kind] for pair in drawn[firm]) for kind in (0, 1))
        least = [math.ceil(share * DRAWS) - 1 for share in (0.05, 0.5, 0.95)]
        assert (overall, within) == published[firm]
        assert (stage, draws) == (stage_of(firm), DRAWS)
        assert [a5, a50, a95] == [every[at] for at in least]
        assert [s5, s50, s95] == [in_stage[at] for at in least]
        assert band_no == band(firm, published[firm][1])
        same = sum(band(firm, rank) == band_no for rank in in_stage)
        assert kept * 10 == same


def test_the_same_points_give_the_same_rows_and_a_second_time_adds_none(
    warehouse: Callable[[Points], Path], tmp_path: Path
):
    path = warehouse(made_up_points(3))
    fill_rank_intervals(path, tmp_path)
    first = rows(path)
    fill_rank_intervals(path, tmp_path)
    assert rows(path) == first
    assert len(first) == FIRMS
    assert list(tmp_path.iterdir()) == [path]


def test_points_that_do_not_give_the_published_ranks_are_refused(warehouse: Callable[[Points], Path], tmp_path: Path):
    path = warehouse(made_up_points(3))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update points set points = 9 where uscc = 'F010'")
    with pytest.raises(RankIntervalError, match="Whose: config"):
        fill_rank_intervals(path, tmp_path)


def test_a_candidate_that_ranks_nobody_has_no_interval(warehouse: Callable[[Points], Path], tmp_path: Path):
    path = warehouse(made_up_points(3))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update rankings set is_ranked = false")
    assert fill_rank_intervals(path, tmp_path) == 0
    assert rows(path) == []


def test_without_a_list_in_force_nobody_has_a_band(warehouse: Callable[[Points], Path], tmp_path: Path):
    path = warehouse(made_up_points(3))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update ruleset_in_force set as_of = '2023-06-30'")
    fill_rank_intervals(path, tmp_path)
    assert {(row[10], row[11]) for row in rows(path)} == {(None, 100)}
