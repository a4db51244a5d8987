"""The district's night: every indicator as the truth has it, and what may not change a point does not."""

# ruff: noqa: S608  # SQL over a test's own tables

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from editions.dictionary import read_dictionary
from editions.export import require_described
from editions.relations import sealed_relations
from ledger.settings import PROJECT_DIR
from tests.contract.district_night import DistrictNight, copied_inputs, rewrite

FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
POINTS = "select uscc, indicator_code, value, supply_status, points, points_maximum from points order by all"
PLACES = (
    "select uscc, points_total, points_available, score, rank_overall, rank_in_stage, rank_in_industry "
    "from rankings order by all"
)
SCORED = ("points", "rankings")
UPSERTS = ("credit.evaluations", "credit.events", "credit.repairs", "talent.headcounts", "talent.persons")


@pytest.fixture
def inputs(night: DistrictNight, tmp_path: Path) -> Iterator[Path]:
    return copied_inputs(night, tmp_path)


def datasets(inputs: Path) -> list[str]:
    return sorted({f"{path.parent.parent.name}.{path.parent.name}" for path in inputs.rglob("*.parquet")})


def scored(connection: duckdb.DuckDBPyConnection) -> tuple[list[tuple], list[tuple]]:
    return connection.execute(POINTS).fetchall(), connection.execute(PLACES).fetchall()


def test_the_dictionary_describes_every_published_column_and_no_other(night: DistrictNight) -> None:
    published = {
        (relation.name, str(column))
        for relation in sealed_relations(night.candidate.target)
        for column, *_ in night.rows(f'describe "{relation.name}"')
    }
    require_described(night.candidate.warehouse, sealed_relations(night.candidate.target))
    named = {column for _, column in published}
    assert {(t, c) for t, c in read_dictionary() if (t, c) not in published and (t or c not in named)} == set()


def test_the_steps_that_the_readme_shows_of_one_firm_are_those_of_the_night(night: DistrictNight) -> None:
    readme = (PROJECT_DIR / "dbt_project" / "README.md").read_text(encoding="utf-8")
    steps, query = re.findall(r"\n## From a filing to points\n(.*?)```sql\n(.*?)```", readme, re.DOTALL)[0]
    with duckdb.connect(str(night.candidate.warehouse), read_only=True) as connection:
        connection.execute(f"set file_search_path = '{night.candidate.inputs.parent}'")
        (row,) = connection.execute(query).fetchall()
    shown = [f"{one:,f}".rstrip("0").rstrip(".") if isinstance(one, Decimal) else str(one) for one in row]
    assert [one for one in shown if one not in steps] == []


def test_the_flags_raised_are_those_that_were_planted(night: DistrictNight) -> None:
    raised: dict[str, list[str]] = {}
    for uscc, rule in night.rows("select uscc, rule from data_flags order by all"):
        raised.setdefault(uscc, []).append(rule)
    assert raised == {uscc: sorted(rules) for uscc, rules in night.truth["flags"].items() if rules}


def test_every_counted_value_names_the_records_it_came_from(night: DistrictNight) -> None:
    unproved = night.rows(
        "select p.uscc, p.indicator_code, p.value from points p left join evidence e using (uscc, indicator_code) "
        "where p.supply_status = 'supplied' and p.value <> 0 and e.uscc is null"
    )
    assert unproved == []


def test_quantities_of_the_evidence_add_up_to_the_value(night: DistrictNight) -> None:
    counted = night.rows(
        "select p.uscc, p.indicator_code, p.value, sum(e.quantity) as quantity "
        "from points p join evidence e using (uscc, indicator_code) "
        "where p.indicator_code in ('L01', 'L02', 'L14', 'L18', 'L22') and e.quantity is not null "
        "group by all having p.value is distinct from sum(e.quantity)"
    )
    assert counted == []


def test_neither_order_nor_a_delivery_sent_twice_changes_anything(night: DistrictNight, inputs: Path) -> None:
    for dataset in datasets(inputs):
        twice = "union all select * replace (_batch || '-again' as _batch) from landed" if dataset in UPSERTS else ""
        rewrite(inputs, dataset, f"select * from (select * from landed {twice}) order by hash(columns(*)::varchar)")
    with night.replayed(inputs, asked=SCORED) as connection:
        points, places = scored(connection)
    assert points == night.rows(POINTS)
    assert places == night.rows(PLACES)


def test_what_landed_last_stands_whatever_its_stamp(night: DistrictNight, inputs: Path) -> None:
    """A record stamped ahead is corrected like any other: landing has left out already what came late."""
    ((uscc, number),) = night.rows(
        f"select uscc, arg_max(evaluation_no, batch_month) from read_parquet('{inputs}/credit/evaluations/*.parquet') "
        "semi join (from credit_standing where credit_grade in ('A', 'B')) using (uscc) "
        "group by uscc order by uscc limit 1"
    )
    changed = {
        "ahead": "timestamp '2098-01-01' as updated_at",
        "later": "'zzz' as _batch, 'D' as grade",
    }
    parts = [f"select * replace ({to}) from landed where evaluation_no = '{number}'" for to in changed.values()]
    others = f"select * from landed where evaluation_no <> '{number}'"
    rewrite(inputs, "credit.evaluations", " union all ".join([others, *parts]))
    with night.replayed(inputs, asked=("credit_standing",)) as connection:
        found = connection.execute(f"select credit_grade from credit_standing where uscc = '{uscc}'").fetchall()
    assert found == [("D",)]


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_changes_nothing(night: DistrictNight, threads: int) -> None:
    with night.replayed(asked=SCORED, threads=threads) as connection:
        points, places = scored(connection)
    assert points == night.rows(POINTS)
    assert places == night.rows(PLACES)


@FEW
@given(which=st.integers(0, 10**6))
def test_an_enterprise_that_takes_a_new_name_keeps_its_points(
    night: DistrictNight, tmp_path_factory: pytest.TempPathFactory, which: int
) -> None:
    named = night.rows("select distinct uscc from evidence where source = 'patent' order by 1")
    (uscc,) = named[which % len(named)]
    inputs = copied_inputs(night, tmp_path_factory.mktemp("renamed"))
    is_it, day = f"uscc = '{uscc}'", f"date '{night.as_of}'"
    rewrite(
        inputs,
        "science.enterprises",
        f"select * replace (case when {is_it} then '改了名的科技有限公司' else name end as name) from landed",
    )
    rewrite(
        inputs,
        "science.enterprise_names",
        f"select * replace (case when {is_it} and valid_to is null then {day} - 1 else valid_to end as valid_to) "
        f"from landed "
        f"union all by name "
        f"select * replace ('改了名的科技有限公司' as name, {day} as valid_from, null::date as valid_to) "
        f"from landed where {is_it} and valid_to is null",
    )
    with night.replayed(inputs, asked=SCORED) as connection:
        points, places = scored(connection)
        (name,) = connection.execute(f"select enterprise_name from rankings where {is_it}").fetchone() or ("",)
    assert name == "改了名的科技有限公司"
    assert points == night.rows(POINTS)
    assert places == night.rows(PLACES)


@FEW
@given(
    which=st.integers(0, 10**6),
    days=st.integers(0, 60),
    severity=st.sampled_from(["minor", "general", "serious", None]),
)
def test_a_repaired_penalty_gives_the_points_back_on_that_very_day(
    night: DistrictNight, tmp_path_factory: pytest.TempPathFactory, which: int, days: int, severity: str | None
) -> None:
    clean = night.rows("select uscc from points where indicator_code = 'L22' and value = 0 order by 1")
    (uscc,) = clean[which % len(clean)]
    worded = "null" if severity is None else f"'{severity}'"
    day = f"date '{night.as_of}'"
    event = (
        f"select * from landed union all by name "
        f"select 'TEST-1' as event_no, '{uscc}' as uscc, '某公司' as enterprise_name, "
        f"'administrative_penalty' as event_type, {worded} as severity, {day} - {days} as decided_on, "
        f"{day} + 300 as publicity_end_on, timestamp '2025-06-01' as updated_at, "
        f"'b' as _batch, {day} as _learned_on, 1 as _position"
    )
    repair = (
        "select * from landed union all by name select 'TEST-R' as repair_no, 'TEST-1' as event_no, "
        f"{day} - 1 as accepted_on, {day} as decided_on, 'granted' as result, timestamp '2025-06-30' as updated_at, "
        f"'b' as _batch, {day} as _learned_on, 1 as _position"
    )
    inputs = copied_inputs(night, tmp_path_factory.mktemp("penalty"))
    rewrite(inputs, "credit.events", event)
    own = f"select indicator_code, points from points where uscc = '{uscc}' order by all"
    with night.replayed(inputs, asked=SCORED) as connection:
        punished = dict(connection.execute(own).fetchall())
    rewrite(inputs, "credit.repairs", repair)
    with night.replayed(inputs, asked=SCORED) as connection:
        repaired, places = scored(connection)
    before = dict(night.rows(own))
    assert punished["L22"] < before["L22"]
    assert {code: points for code, points in punished.items() if code != "L22"} == {
        code: points for code, points in before.items() if code != "L22"
    }
    assert repaired == night.rows(POINTS)
    assert places == night.rows(PLACES)
