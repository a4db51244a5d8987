"""Random rule sets of every function, and values that hit their boundaries, each a pure function of a seed."""

import csv
import random
from decimal import Decimal
from pathlib import Path

STEP = Decimal("0.000001")
STATUSES = ("value_not_supplied", "record_not_supplied", "source_not_supplied", "not_defined")
FUNCTIONS = ("step", "linear_capped", "log_capped", "percentile_in_peer", "count_weighted", "deduct", "veto")
STAGES = ("small", "large")


def random_ruleset(seed: int, *, is_mean: bool) -> dict[str, list[dict[str, str]]]:
    """The rows of a folder: fourteen indicators, each function twice."""
    chance = random.Random(seed)
    codes = [f"I{number:02}" for number in range(14)]
    functions = dict(zip(codes, FUNCTIONS * 2, strict=True))
    directions = {code: chance.choice(["higher_is_better", "lower_is_better"]) for code in codes}
    groups = ["g1", "g2", "g3"]
    return {
        "ruleset": [{"aggregation": "weighted_mean", "points_scale": "100"} if is_mean else {"aggregation": "points"}],
        "indicators": [
            {"indicator_code": code, "class": chance.choice(groups), "direction": directions[code]} for code in codes
        ],
        "groups": _groups(chance, groups) if is_mean else [],
        "stages": [{"stage": stage} for stage in STAGES],
        "weights": [
            {
                "indicator_code": code,
                "stage": stage,
                "weight": str(Decimal(chance.randint(1, 4000)) / 100),
                "deduction": str(chance.randint(0, 20)) if functions[code] == "deduct" and not is_mean else "",
            }
            for code in codes
            for stage in STAGES
        ],
        "rules": [
            row
            for code in codes
            for row in _segments(chance, code, functions[code], directions[code] == "lower_is_better")
        ],
        "missing": [
            {"supply_status": status, "treatment": chance.choice(["rebase", "rebase", "zero"])}
            for status in (*STATUSES[:3], "too_few_peers")
        ]
        + [{"supply_status": "not_defined", "treatment": "refuse"}],
    }


def _groups(chance: random.Random, leaves: list[str]) -> list[dict[str, str]]:
    """The classes, some of them in groups, of which one is in the other."""
    inner, outer = {"group_code": "inner", "parent_code": "outer"}, {"group_code": "outer", "parent_code": ""}
    rows = [{"group_code": leaf, "parent_code": chance.choice(["", "inner", "outer"])} for leaf in leaves]
    return [row | {"weight": str(chance.randint(1, 9))} for row in (*rows, inner, outer)]


def _segments(chance: random.Random, code: str, function: str, is_falling: bool) -> list[dict[str, str]]:
    top = 100 if function == "percentile_in_peer" else 10 ** chance.randint(1, 7)
    bounds = sorted({Decimal(chance.randint(1, top * 100)) / 100 for _ in range(chance.randint(2, 5))})
    shares = sorted(Decimal(chance.randint(0, 1000)) / 1000 for _ in range(len(bounds) + 1))
    shares = shares[::-1] if is_falling else shares
    is_line = function in ("linear_capped", "log_capped")
    closed = [chance.random() < 0.5 for _ in bounds]
    rows = []
    for place in range(len(bounds) + 1):
        lo = str(bounds[place - 1]) if place else ""
        hi = str(bounds[place]) if place < len(bounds) else ""
        start, end = _ends(shares, place, len(bounds), is_line)
        row = {
            "indicator_code": code,
            "function": function,
            "lo": lo,
            "hi": hi,
            "inclusive_lo": str(not closed[place - 1]).lower() if lo else "",
            "inclusive_hi": str(closed[place]).lower() if hi else "",
            "share_at_lo": str(start),
            "share_at_hi": str(end),
        }
        if function == "log_capped":
            row |= {"log_base": "10", "log_offset": "1"}
        if function == "percentile_in_peer":
            row |= {"peer_by": "stage" if code < "I07" else "all", "minimum_peers": "3" if code < "I07" else "1000"}
        rows.append(row)
    return rows


def _ends(shares: list[Decimal], place: int, last: int, is_line: bool) -> tuple[Decimal, Decimal]:
    """The shares at the ends of a segment: flat at the open ends, and everywhere but on a line."""
    if not is_line:
        return shares[place], shares[place]
    start = shares[max(place - 1, 0)]
    return (start, start) if place in (0, last) else (start, shares[place])


def random_values(seed: int, tables: dict[str, list[dict[str, str]]], rows: int) -> list[dict[str, str]]:
    """A long table: on, beside and far from each boundary; one value in eight is missing, in each of the ways."""
    chance = random.Random(seed + 1)
    found = []
    for number in range(rows):
        stage = chance.choice(STAGES)
        for indicator in tables["indicators"]:
            code = indicator["indicator_code"]
            row = {"id": f"e{number}", "stage": stage, "indicator_code": code, "value": "", "supply_status": ""}
            if chance.random() < 0.12:
                row["supply_status"] = chance.choice(STATUSES[:3] if number % 5 else STATUSES)
            else:
                row["value"] = str(_value(chance, [r["lo"] for r in tables["rules"] if r["indicator_code"] == code]))
            found.append(row)
    chance.shuffle(found)
    return found


def _value(chance: random.Random, bounds: list[str]) -> Decimal:
    bound = Decimal(chance.choice([bound for bound in bounds if bound]))
    moved = chance.choice(
        [Decimal(0), STEP, -STEP, bound * chance.randint(0, 3) / 7, Decimal(chance.randint(0, 10**9))]
    )
    return max(bound + moved, Decimal(0)).quantize(STEP)


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """Rows as a CSV file; a column is any name that one of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_folder(folder: Path, tables: dict[str, list[dict[str, str]]]) -> None:
    """The folder of a rule set; a table without rows is left out."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        if rows:
            write_csv(folder / f"{name}.csv", rows)
