"""`sme-tech`: the published step tables of the evaluation of technology SMEs, on both sides of each boundary."""

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from editions.score.run import Place, score
from ledger.settings import PROJECT_DIR

MILLIONTH = Decimal("0.000001")
PUBLISHED = {
    "S01": [(30, 20), (25, 16), (20, 12), (15, 8), (10, 4)],
    "S02": [(6, 50), (5, 40), (4, 30), (3, 20), (2, 10)],
    "S03": [(30, 50), (25, 40), (20, 30), (15, 20), (10, 10)],
    "S04": [(1, 30)],
    "S05": [(4, 24), (3, 18), (2, 12), (1, 6)],
}
"""By indicator the least value of each bin and the points that it gives; below the last there are none."""
SOUND = {"S01": 30, "S02": 6, "S03": 30, "S04": 1, "S05": 4, "N01": 500, "N02": 20000, "N03": 20000, "N04": 0, "N05": 0}
SOUND |= {"N06": 0, "N07": 0, "N08": 0, "N09": 0}
"""The best of everything, and every condition met just so; none of what goes in place of the points."""
ROUTES = {"hnte": "N06", "award": "N07", "institution": "N08", "standard": "N09"}
"""By direct route the indicator that opens it."""
POOR = {"S01": 0, "S02": 0, "S03": 0, "S04": 0, "S05": 0}
"""No points at all, those for staff included."""
FAILING = {
    "staff_points": {"S01": Decimal("9.999999")},
    "staff": {"N01": 501},
    "sales": {"N02": 20000 + MILLIONTH},
    "assets": {"N03": 20000 + MILLIONTH},
    "lists": {"N04": 1},
    "research": {"N05": 1},
    "total": {"S01": 10, "S02": 2, "S03": 0, "S04": 0, "S05": 4},
}


def at_boundaries() -> dict[str, tuple[dict[str, Decimal], int]]:
    """One case on each boundary and one just below it: the values, and the points of that indicator alone."""
    cases: dict[str, tuple[dict[str, Decimal], int]] = {}
    for code, bins in PUBLISHED.items():
        for place, (least, points) in enumerate(bins):
            below = bins[place + 1][1] if place + 1 < len(bins) else 0
            cases[f"{code} at {least}"] = ({code: Decimal(least)}, points)
            cases[f"{code} below {least}"] = ({code: least - MILLIONTH}, below)
    return cases


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict]]:
    """Every case scored by the models, by table."""
    folder = tmp_path_factory.mktemp("sme")
    alone = {name: dict.fromkeys(SOUND, 0) | values for name, (values, _) in at_boundaries().items()}
    cases = {
        **alone,
        "sound": SOUND,
        "nothing known": {},
        **{f"fails {code}": SOUND | values for code, values in FAILING.items()},
        **{f"by {route}": SOUND | POOR | {code: 1} for route, code in ROUTES.items()},
        **{f"by standard but not {code}": SOUND | POOR | {"N09": 1} | FAILING[code] for code in ("lists", "staff")},
        "by two": SOUND | {"N06": 1, "N08": 2},
    }
    lines = [",".join(["id", *SOUND])]
    lines += [",".join([name, *(str(values.get(code, "")) for code in SOUND)]) for name, values in cases.items()]
    (folder / "values.csv").write_text("\n".join(lines), encoding="utf-8")
    score("sme-tech", folder / "values.csv", folder / "out", Place(PROJECT_DIR, folder))
    rows = {
        table: pq.read_table(folder / "out" / f"{table}.parquet").to_pylist()
        for table in ("rankings", "points", "verdicts")
    }
    return {
        "totals": {row["id"]: row for row in rows["rankings"]},
        "points": {(row["id"], row["indicator_code"]): row for row in rows["points"]},
        "verdicts": {(row["id"], row["condition_code"]): row["is_met"] for row in rows["verdicts"]},
    }


def passed(scored: dict, name: str) -> tuple[bool, str | None]:
    """Whether somebody passes, and by which routes."""
    return scored["totals"][name]["is_passed"], scored["totals"][name]["passed_by"]


@pytest.mark.parametrize("name", at_boundaries())
def test_each_published_bin_gives_its_points_on_its_boundary_and_the_next_bin_s_below_it(
    scored: dict, name: str
) -> None:
    _, points = at_boundaries()[name]
    code = name.split(maxsplit=1)[0]
    counted = scored["points"][name, code]
    assert (counted["points"] or 0) == points
    assert scored["totals"][name]["points_total"] == points


def test_the_best_of_everything_is_a_hundred_points_and_passes(scored: dict) -> None:
    assert scored["totals"]["sound"]["points_total"] == 100
    assert scored["totals"]["sound"]["points_available"] == 100
    unmet = {code for (name, code), is_met in scored["verdicts"].items() if name == "sound" and not is_met}
    assert unmet == set(ROUTES)
    assert passed(scored, "sound") == (True, "points")


def test_of_two_ways_to_show_research_and_of_two_classes_of_rights_the_better_one_counts(scored: dict) -> None:
    counted = {code: scored["points"]["sound", code]["is_counted"] for code in ("S02", "S03", "S04", "S05")}
    assert counted == {"S02": True, "S03": False, "S04": True, "S05": False}


@pytest.mark.parametrize("condition", FAILING)
def test_each_condition_of_the_pass_rule_fails_alone(scored: dict, condition: str) -> None:
    met = {code: is_met for (name, code), is_met in scored["verdicts"].items() if name == f"fails {condition}"}
    assert [code for code, is_met in met.items() if not is_met and code not in ROUTES] == [condition]
    assert passed(scored, f"fails {condition}") == (False, None)


@pytest.mark.parametrize("route", ROUTES)
def test_each_direct_route_goes_in_place_of_the_points(scored: dict, route: str) -> None:
    assert scored["totals"][f"by {route}"]["points_total"] == 0
    assert passed(scored, f"by {route}") == (True, route)


@pytest.mark.parametrize("condition", ["lists", "staff"])
def test_no_direct_route_goes_round_the_basic_conditions(scored: dict, condition: str) -> None:
    name = f"by standard but not {condition}"
    assert scored["verdicts"][name, "standard"]
    assert passed(scored, name) == (False, None)


def test_all_routes_that_somebody_passes_by_are_told(scored: dict) -> None:
    assert passed(scored, "by two") == (True, "hnte, institution, points")


def test_what_is_not_known_gives_no_points_and_passes_nobody(scored: dict) -> None:
    assert scored["totals"]["nothing known"]["points_total"] == 0
    assert not any(is_met for (name, _), is_met in scored["verdicts"].items() if name == "nothing known")
    assert passed(scored, "nothing known") == (False, None)
