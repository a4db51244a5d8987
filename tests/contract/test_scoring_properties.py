"""What holds of every score, whatever the values: bounds, direction, and parts that add up to the total."""

import random
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contract.district_night import DistrictNight

SCORING = (
    *("indicator_values", "peer_positions", "placed_values", "mean_scores", "scores", "totals", "ranks", "explained"),
    *("reasons", "top_reasons", "points", "class_totals", "peer_medians", "verdicts"),
)
MILLIONTH = Decimal("0.000001")
EDGE = Decimal(999_999_999_999)
Values = Mapping[str, Decimal | None]

SEEDS = st.integers(0, 10**6)

MANY = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def boundaries(night: DistrictNight) -> dict[str, list[Decimal]]:
    """Every value at which a rule turns, with its neighbours on both sides, by indicator."""
    found: dict[str, set[Decimal]] = {}
    for code, lo in night.rows("select indicator_code, coalesce(lo, hi, 0) from rules"):
        found.setdefault(code, {-EDGE, EDGE, Decimal(0)}).update((lo - MILLIONTH, lo, lo + MILLIONTH, lo * 2 + 1))
    return {code: sorted(values) for code, values in found.items()}


def as_measures(codes: list[str], rows: Mapping[str, Values]) -> str:
    """The relation `measures` with these rows; a value of None was not supplied."""

    def cell(code: str, value: Decimal | None) -> str:
        figure, status = ("null", 3) if value is None else (str(value), 0)
        return f"{figure}::decimal(18, 6) as {code}, {status}::tinyint as {code}_status"

    return " union all ".join(
        f"select '{uscc}' as uscc, " + ", ".join(cell(code, values.get(code)) for code in codes)
        for uscc, values in rows.items()
    )


def as_staged(stages: Mapping[str, str]) -> str:
    return " union all ".join(
        f"select {number} as enterprise_id, '{uscc}' as uscc, '{stage}' as stage, 'C39' as industry_code"
        for number, (uscc, stage) in enumerate(stages.items(), start=1)
    )


def drawn_rows(
    chance: random.Random, turns: Mapping[str, list[Decimal]], count: int
) -> dict[str, dict[str, Decimal | None]]:
    return {
        f"E{number:03d}": {
            code: None if chance.random() < 0.15 else chance.choice(values) for code, values in turns.items()
        }
        for number in range(count)
    }


@MANY
@given(seed=SEEDS)
def test_points_are_within_their_bounds_and_add_up_to_the_total(night: DistrictNight, seed: int) -> None:
    turns = boundaries(night)
    rows = drawn_rows(random.Random(seed), turns, 30)
    stages = {uscc: ("startup", "growth", "stable")[place % 3] for place, uscc in enumerate(rows)}
    with night.replayed(
        given={"measures": as_measures(sorted(turns), rows), "int_enterprises__staged": as_staged(stages)}, only=SCORING
    ) as connection:
        outside = connection.execute(
            "select * from points where points is not null and not points between points_minimum and points_maximum"
        ).fetchall()
        apart = connection.execute(
            "select t.uscc from totals t join points p using (uscc) "
            "group by t.uscc, t.points_total, t.points_available "
            "having t.points_total <> coalesce(sum(p.points), 0) "
            "or t.points_available <> coalesce(sum(p.points_maximum) filter (where p.is_counted), 0)"
        ).fetchall()
        by_class = connection.execute(
            "select t.uscc from totals t join class_totals c using (uscc) where c.parent_class is null "
            "group by t.uscc, t.points_total having t.points_total <> sum(c.points)"
        ).fetchall()
        lost = connection.execute(
            "select t.uscc from totals t join reasons r using (uscc) "
            "group by t.uscc, t.points_total, t.points_available "
            "having t.points_available - t.points_total <> sum(r.points_lost)"
        ).fetchall()
        scores = connection.execute("select score from totals where score is not null").fetchall()
        unstated = connection.execute("select * from reasons where reason_zh is null or reason_en is null").fetchall()
    assert (outside, apart, by_class, lost, unstated) == ([], [], [], [], [])
    assert all(0 <= score <= 100 for (score,) in scores)


@MANY
@given(seed=SEEDS, stage=st.sampled_from(["startup", "growth", "stable"]))
def test_a_better_value_never_gives_fewer_points(night: DistrictNight, seed: int, stage: str) -> None:
    turns = boundaries(night)
    lower_is_better = {
        code for (code,) in night.rows("select indicator_code from indicators where direction = 'lower_is_better'")
    }
    chance = random.Random(seed)
    rows: dict[str, dict[str, Decimal | None]] = {}
    for code, values in turns.items():
        worse, better = sorted(chance.sample(values, 2), reverse=code in lower_is_better)
        rows |= {f"{code}-worse": {code: worse}, f"{code}-better": {code: better}}
    with night.replayed(
        given={
            "measures": as_measures(sorted(turns), rows),
            "int_enterprises__staged": as_staged(dict.fromkeys(rows, stage)),
        },
        only=SCORING,
    ) as connection:
        points = dict(connection.execute("select uscc, points_total from totals").fetchall())
        improved = connection.execute(
            "select r.uscc, r.next_points from reasons r join points p using (uscc, indicator_code) "
            "where r.next_points > p.points_maximum - p.points or r.next_points <= 0"
        ).fetchall()
    assert [code for code in turns if points[f"{code}-better"] < points[f"{code}-worse"]] == []
    assert improved == []


def test_an_english_reason_holds_no_chinese_and_a_chinese_one_no_english_level(night: DistrictNight) -> None:
    said = night.rows(
        "select reason_en, change_en from reasons where "
        "regexp_matches(concat(reason_en, change_en), '[\u3000-\u9fff\uff00-\uffef]') limit 5"
    )
    levels = night.rows(
        "select r.reason_zh from reasons r join points p using (uscc, indicator_code) join rules u "
        "on u.indicator_code = p.indicator_code and u.segment = p.segment "
        "where u.label_en <> u.label and contains(r.reason_zh, u.label_en) limit 5"
    )
    named = night.rows("select count(*) from reasons where contains(reason_en, 'high-tech enterprise')")
    assert (said, levels) == ([], [])
    assert named > [(0,)]


def test_the_costliest_are_the_four_that_cost_most(night: DistrictNight) -> None:
    chosen = night.rows(
        "select uscc, list(points_lost order by loss_rank) from reasons where loss_rank is not null "
        "group by uscc order by 1"
    )
    wanted = night.rows(
        "select uscc, list_slice(list(points_lost order by points_lost desc), 1, 4) from reasons "
        "where points_lost > 0 group by uscc order by 1"
    )
    assert chosen == wanted


def test_what_would_change_a_score_does_change_it(night: DistrictNight) -> None:
    promised = night.rows(
        "select r.uscc, r.indicator_code, r.next_at, r.next_points, p.points, t.stage, u.next_beyond "
        "from reasons r join points p using (uscc, indicator_code) join totals t using (uscc) "
        "join rules u on u.indicator_code = r.indicator_code and u.stage = t.stage and u.segment = p.segment "
        "where r.next_points > 0 and r.uscc in (select uscc from rankings order by uscc limit 40)"
    )
    codes = sorted(boundaries(night))
    beyond = {None: 0, "above": MILLIONTH, "below": -MILLIONTH}
    rows = {f"{uscc}/{code}": {code: at + beyond[side]} for uscc, code, at, _, _, _, side in promised}
    stages = {f"{uscc}/{code}": stage for uscc, code, _, _, _, stage, _ in promised}
    with night.replayed(
        given={"measures": as_measures(codes, rows), "int_enterprises__staged": as_staged(stages)}, only=SCORING
    ) as connection:
        points = dict(connection.execute("select uscc, points_total from totals").fetchall())
    assert len(promised) > 400
    assert [one for one in promised if points[f"{one[0]}/{one[1]}"] != one[3] + one[4]] == []
