"""What scoring does at its edges: ages, deductions, unknown industries, huge values, many segments, no weight."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from editions.score.run import Place, score
from ledger.settings import PROJECT_DIR
from tests.contract.random_rulesets import write_csv, write_folder

LARGEST = Decimal("99999999999999.999999")
SEGMENTS = 200
AGES = {"seedling": "2025-01-15", "young": "2023-06-30", "grown": "2015-06-30", "": ""}
"""By stage the day on which somebody in it was founded, as of 2025-06-30."""


def line(code: str, lo: str, hi: str, low: str, high: str) -> list[dict[str, str]]:
    """A line from one share to another, and flat on both sides of it."""
    ends = (("", lo, low, low), (lo, hi, low, high), (hi, "", high, high))
    names = ("lo", "hi", "share_at_lo", "share_at_hi")
    return [{"indicator_code": code, "function": "linear_capped"} | dict(zip(names, end, strict=True)) for end in ends]


ADDED = {
    "indicators": [
        {"indicator_code": "MANY"},
        {"indicator_code": "PEER"},
        {"indicator_code": "PLUS", "best_of": "either"},
        {"indicator_code": "MINUS", "best_of": "either", "direction": "lower_is_better"},
        {"indicator_code": "HUGE"},
        {"indicator_code": "HEAVY"},
        {"indicator_code": "WIDE"},
        {"indicator_code": "WIDEST"},
    ],
    "weights": [
        {"indicator_code": "MANY", "weight": "20"},
        {"indicator_code": "PEER", "weight": "10"},
        {"indicator_code": "PLUS", "weight": "6"},
        {"indicator_code": "MINUS", "weight": "8", "deduction": "5"},
        {"indicator_code": "HUGE", "weight": "4"},
        # The largest weight, and a share of twelve decimals: what `share` shows of it is a rounded one.
        {"indicator_code": "HEAVY", "weight": "1000000"},
        {"indicator_code": "WIDE", "weight": "10"},
        {"indicator_code": "WIDEST", "weight": "1000000"},
    ],
    # Two age limits that somebody may be under at once: the lower one decides.
    "stages": [
        {"stage": "young", "max_age_months": "36"},
        {"stage": "grown", "max_age_months": ""},
        {"stage": "seedling", "max_age_months": "12"},
    ],
    "rules": [
        *(
            {
                "indicator_code": "MANY",
                "function": "step",
                "lo": str(place) if place else "",
                "hi": str(place + 1) if place < SEGMENTS - 1 else "",
                "share_at_lo": str(Decimal(place) / SEGMENTS),
            }
            for place in range(SEGMENTS)
        ),
        *(
            {
                "indicator_code": "PEER",
                "function": "percentile_in_peer",
                "lo": lo,
                "hi": hi,
                "share_at_lo": share,
                "peer_by": "industry",
                "minimum_peers": "2",
            }
            for lo, hi, share in (("", "50", "0"), ("50", "", "1"))
        ),
        {"indicator_code": "PLUS", "function": "step", "lo": "", "hi": "1", "share_at_lo": "0"},
        {"indicator_code": "PLUS", "function": "step", "lo": "1", "hi": "", "share_at_lo": "1"},
        {"indicator_code": "MINUS", "function": "deduct", "lo": "", "hi": "1", "share_at_lo": "1"},
        {"indicator_code": "MINUS", "function": "deduct", "lo": "1", "hi": "", "share_at_lo": "0"},
        {"indicator_code": "HUGE", "function": "step", "lo": "", "hi": "5", "share_at_lo": "0"},
        {"indicator_code": "HUGE", "function": "step", "lo": "5", "hi": "", "share_at_lo": "1"},
        *line("HEAVY", "0", "100", "0", "0.333333"),
        *line("WIDE", "0", "2000000", "0", "1"),
        *line("WIDEST", "0.000001", "99999999999999.000001", "0.1", "1"),
    ],
    "conditions": [{"condition_code": "huge", "measure": "value:HUGE", "lo": "99999999999999", "inclusive_lo": "true"}],
}
# Stages without any line between them: the file says who is in which.
MEAN = {
    "stages": [{"stage": "large"}, {"stage": "small"}],
    "ruleset": [{"aggregation": "weighted_mean", "points_scale": "100"}],
    "indicators": [{"indicator_code": code} for code in ("A0", "A1", "A2", "A3")],
    "weights": [{"indicator_code": code, "weight": "0" if code == "A0" else "1"} for code in ("A0", "A1", "A2", "A3")],
    "rules": [{"indicator_code": code, "function": "step", "share_at_lo": "1"} for code in ("A0", "A1", "A2", "A3")],
}
NESTED = {
    "ruleset": [{"aggregation": "weighted_mean", "points_scale": "100"}],
    "indicators": [{"indicator_code": code, "class": code[:-1]} for code in ("deep1", "deep2", "inner1", "other1")],
    "groups": [
        {"group_code": "deep", "parent_code": "inner", "weight": "1"},
        {"group_code": "inner", "parent_code": "outer", "weight": "1"},
        {"group_code": "outer", "parent_code": "", "weight": "3", "name_zh": "外", "name_en": "Outer"},
        {"group_code": "other", "parent_code": "", "weight": "1"},
    ],
    "weights": [{"indicator_code": code, "weight": "1"} for code in ("deep1", "deep2", "inner1", "other1")],
    "rules": [row for code in ("deep1", "deep2", "inner1", "other1") for row in line(code, "0", "2000000", "0", "1")],
}


def people() -> list[dict[str, str]]:
    """Who is scored, each for one edge; a column that one has no use for is empty."""
    aged = [{"id": f"aged {stage}", "founded_on": day, "MANY": "1"} for stage, day in AGES.items()]
    best = [
        {"id": "only minus", "MINUS": "3"},
        {"id": "nothing before minus", "PLUS": "0", "MINUS": "3"},
        {"id": "plus before minus", "PLUS": "1", "MINUS": "3"},
        {"id": "full before plus", "PLUS": "1", "MINUS": "0"},
    ]
    industry = [
        {"id": "no industry low", "PEER": "1"},
        {"id": "no industry high", "PEER": "9"},
        {"id": "industry low", "industry": "C39", "PEER": "1"},
        {"id": "industry high", "industry": "C39", "PEER": "9"},
        {"id": "industry alone", "industry": "I65", "PEER": "9"},
    ]
    huge = [{"id": f"huge {value}", "HUGE": str(value)} for value in (LARGEST, LARGEST - 1, -LARGEST)]
    heavy = [{"id": "heavy", "HEAVY": "33.333333"}]
    wide = [{"id": f"wide {value}", "WIDE": value} for value in ("-1", "500000", "500000.4", "1999999.9", "2000000")]
    wide += [{"id": f"widest {value}", "WIDEST": value} for value in ("0", "49999999999999.5", "99999999999999")]
    many = [{"id": f"many {place}", "MANY": str(place)} for place in (0, 126, 127, 128, 129, SEGMENTS - 1)]
    return [{"founded_on": AGES["grown"]} | row for row in (*aged, *best, *industry, *huge, *heavy, *wide, *many)]


def scored_by(folder: Path, tables: dict[str, list[dict[str, str]]], rows: list[dict[str, str]]) -> dict[str, Any]:
    """Score by the real models; each table as rows, `points` by id and code."""
    write_folder(folder / "ruleset", tables)
    write_csv(folder / "values.csv", rows)
    score(str(folder / "ruleset"), folder / "values.csv", folder / "out", Place(PROJECT_DIR, folder), as_of=AS_OF)
    found = {file.stem: pq.read_table(file).to_pylist() for file in (folder / "out").glob("*.parquet")}
    return found | {"points": {(row["id"], row["indicator_code"]): row for row in found["points"]}}


AS_OF = date(2025, 6, 30)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scored_by(tmp_path_factory.mktemp("added"), ADDED, people())


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    whole = {"A0": "1", "A1": "1", "A2": "1", "A3": "1"}
    rows = [
        {"id": "full", "stage": "small", **whole},
        {"id": "worth nothing", "stage": "small", "A0": "1"},
        {"id": "stage not stated", "stage": "", **whole},
    ]
    return scored_by(tmp_path_factory.mktemp("averaged"), MEAN, rows)


def test_of_several_age_limits_the_lowest_decides_and_the_stage_without_one_takes_the_older(added: dict) -> None:
    stages = {row["id"]: (row["stage"], row["stage_basis"]) for row in added["rankings"]}
    assert {stage: stages[f"aged {stage}"] for stage in AGES} == {
        "seedling": ("seedling", "age"),
        "young": ("young", "age"),
        "grown": ("grown", "age"),
        "": (None, None),
    }


@pytest.mark.parametrize(
    ("who", "plus", "minus"),
    [
        ("only minus", None, Decimal(-5)),
        ("nothing before minus", Decimal(0), None),
        ("plus before minus", Decimal(6), None),
        ("full before plus", None, Decimal(8)),
    ],
)
def test_the_best_of_two_counts_though_one_takes_points_away(added: dict, who: str, plus: Any, minus: Any) -> None:
    points = added["points"]
    assert (points[who, "PLUS"]["points"], points[who, "MINUS"]["points"]) == (plus, minus)
    (total,) = [row for row in added["rankings"] if row["id"] == who]
    assert total["points_total"] == (minus if plus is None else plus)
    assert total["points_available"] == 8
    assert total["score"] == max(total["points_total"], 0) / total["points_available"] * 100


def test_an_industry_that_is_not_known_has_no_peers(added: dict) -> None:
    peers = {who: row for (who, code), row in added["points"].items() if code == "PEER" and row["value"] is not None}
    assert {who: (row["position"], row["gap"], row["points"]) for who, row in peers.items()} == {
        "no industry low": (Decimal(1), "too_few_peers", None),
        "no industry high": (Decimal(9), "too_few_peers", None),
        "industry alone": (Decimal(9), "too_few_peers", None),
        "industry low": (Decimal(0), None, Decimal(0)),
        "industry high": (Decimal(100), None, Decimal(10)),
    }


def test_a_value_of_fourteen_digits_goes_through_every_table(added: dict) -> None:
    values = {who: row["value"] for (who, code), row in added["points"].items() if code == "HUGE" and row["value"]}
    assert set(values.values()) == {LARGEST, LARGEST - 1, -LARGEST}
    (median,) = [row for row in added["peer_medians"] if row["indicator_code"] == "HUGE"]
    assert (median["median_value"], median["peers"]) == (LARGEST - 1, 3)
    met = {row["id"]: (row["measured"], row["is_met"]) for row in added["verdicts"] if row["id"].startswith("huge")}
    assert met == {
        f"huge {LARGEST}": (LARGEST, True),
        f"huge {LARGEST - 1}": (LARGEST - 1, False),
        f"huge {-LARGEST}": (-LARGEST, False),
    }


def test_the_largest_weight_is_scored_exactly_and_found_explained(added: dict) -> None:
    # The models' own tests run with them: `every_score_is_explained` let this row pass.
    row = added["points"]["heavy", "HEAVY"]
    exact = 1_000_000 * Decimal("0.333333") * Decimal("33.333333") / 100
    assert row["points"] == exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    assert abs(row["points"] - row["weight"] * row["share"]) > Decimal("0.000002")


def test_a_rule_may_have_more_segments_than_a_byte_counts(added: dict) -> None:
    found = {
        int(row["value"]): (row["segment"], row["points"], row["bin"])
        for (who, code), row in added["points"].items()
        if who.startswith("many") and code == "MANY"
    }
    assert {place: found[place][:2] for place in found} == {
        place: (place + 1, Decimal(20 * place) / SEGMENTS) for place in (0, 126, 127, 128, 129, 199)
    }
    assert found[128][2] == "[128, 129)"
    said = {row["id"]: row["reason_en"] for row in added["reasons"] if row["indicator_code"] == "MANY"}
    assert "in [128, 129): 12.8 of 20 points" in said["many 128"]


def test_what_rounding_leaves_over_never_goes_to_an_indicator_worth_nothing(averaged: dict) -> None:
    maxima = [averaged["points"]["full", code]["points_maximum"] for code in ("A0", "A1", "A2", "A3")]
    assert maxima == [Decimal(0), Decimal("33.333334"), Decimal("33.333333"), Decimal("33.333333")]
    totals = {row["id"]: (row["points_total"], row["score"], row["unranked_reason"]) for row in averaged["rankings"]}
    assert totals == {
        "full": (Decimal(100), Decimal(100), None),
        "worth nothing": (Decimal(0), None, "too_few_points_available"),
        "stage not stated": (Decimal(0), None, "stage_unknown"),
    }


def test_a_line_may_be_millions_wide(added: dict) -> None:
    found = {
        who: row["points"]
        for (who, code), row in added["points"].items()
        if code == "WIDE" and row["value"] is not None
    }
    assert found == {
        "wide -1": Decimal(0),
        "wide 500000": Decimal("2.5"),
        "wide 500000.4": Decimal("2.500002"),
        "wide 1999999.9": Decimal("10.000000"),
        "wide 2000000": Decimal(10),
    }
    widest = [
        added["points"][f"widest {value}", "WIDEST"]["points"] for value in ("0", "49999999999999.5", "99999999999999")
    ]
    assert [round(points, 3) for points in widest] == [Decimal(100_000), Decimal(550_000), Decimal(1_000_000)]


def test_points_that_differ_in_the_fifth_digit_of_the_score_give_two_ranks(added: dict) -> None:
    found = {row["id"]: (row["score"], row["rank_overall"], row["tied_overall"]) for row in added["rankings"]}
    (low, below, alone), (high, above, _) = found["wide 500000"], found["wide 500000.4"]
    assert (low, high, alone) == (Decimal(25), Decimal(25), 1)
    assert below == above + 1


def test_groups_of_every_level_have_totals(tmp_path: Path) -> None:
    rows = [
        {"id": "full", "deep1": "1000000", "deep2": "2000000", "inner1": "1000000", "other1": "0"},
        {"id": "inner alone", "inner1": "2000000"},
    ]
    found = scored_by(tmp_path, NESTED, rows)
    totals = {
        (row["id"], row["class"]): (row["parent_class"], row["points"], row["points_available"])
        for row in found["class_totals"]
    }
    # deep has half of inner, which is all of outer: 3/4 of the whole.
    assert totals == {
        ("full", "deep"): ("inner", Decimal("28.125"), Decimal("37.5")),
        ("full", "inner"): ("outer", Decimal("46.875"), Decimal(75)),
        ("full", "outer"): (None, Decimal("46.875"), Decimal(75)),
        ("full", "other"): (None, Decimal(0), Decimal(25)),
        ("inner alone", "deep"): ("inner", Decimal(0), Decimal(0)),
        ("inner alone", "inner"): ("outer", Decimal(100), Decimal(100)),
        ("inner alone", "outer"): (None, Decimal(100), Decimal(100)),
        ("inner alone", "other"): (None, Decimal(0), Decimal(0)),
    }
    assert {(row["class_zh"], row["class_en"]) for row in found["class_totals"] if row["class"] == "outer"} == {
        ("外", "Outer")
    }
    assert {row["id"]: row["points_total"] for row in found["rankings"]} == {
        "full": Decimal("46.875"),
        "inner alone": Decimal(100),
    }
