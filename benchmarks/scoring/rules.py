"""The rule set in force, read from the project's seeds into integers: what every peer scores by. No library needed."""

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

AS_OF = date(2025, 6, 30)
SCHEME = "points"
MICRO = 1_000_000
"""Values, weights and points are counted in millionths."""
SHARES = 10**10
"""Shares have ten decimals."""
STEPS = 10**8
"""A line over a logarithm has so many steps."""

SEEDS = Path(os.environ.get("BENCH_SEEDS", Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "rulesets"))
STATUSES = ("supplied", "not_defined", "record_not_supplied", "value_not_supplied", "source_not_supplied")
KNOWN_FUNCTIONS = {"step", "linear_capped", "log_capped", "count_weighted", "level_map", "deduct", "veto"}

Row = dict[str, str]


@dataclass(frozen=True)
class Segment:
    """Values from `lo` to below `below` (millionths, None: open), and the points of those in it, in millionths.

    `points` where all have the same, else (add + times * steps) // by - deduction. Steps are how far a value is beyond
    `lo`, in millionths; with a `log` (offset, logarithm at `lo`, its length) in hundred-millionths of the length.
    Tables name a segment by its `bin`, sentences each in its own language.
    """

    bin: str
    bin_zh: str
    bin_en: str
    is_level: bool
    lo: int | None
    below: int | None
    points: int | None
    add: int
    times: int
    by: int
    deduction: int
    log: tuple[float, float, float] | None
    is_vetoing: bool


@dataclass(frozen=True)
class Indicator:
    """One of the catalogue, with what it is read from: (source, dataset, years back)."""

    code: str
    name_zh: str
    name_en: str
    unit: str
    unit_en: str
    inputs: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Stage:
    """Revenue from `low` to `high` fen (None: open), or founded less than `months` ago."""

    name: str
    low: int | None
    high: int | None
    months: int | None


@dataclass(frozen=True)
class Ruleset:
    """All of it. Weights are (weight, deduction) by (code, stage), segments likewise, in order."""

    ruleset_id: str
    reporting_year: int
    young_after: date
    two_years_before: date
    minimum_available: int
    indicators: tuple[Indicator, ...]
    stages: tuple[Stage, ...]
    weights: dict[tuple[str, str], tuple[int, int]]
    segments: dict[tuple[str, str], tuple[Segment, ...]]
    levels: dict[str, dict[str, int]]
    missing: dict[tuple[str, str], Row]


def _rows(name: str, ruleset_id: str | None = None) -> Iterator[Row]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if ruleset_id in {None, row["ruleset_id"]})


def months_before(day: date, months: int) -> date:
    """The same day some months earlier, or the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - date.resolution).day
    return date(year, month + 1, min(day.day, last))


def micro(text: str) -> int:
    """A decimal as millionths, exactly."""
    found = Fraction(text) * MICRO
    if found.denominator != 1:
        raise SystemExit(f"{text} has more than six decimals")
    return int(found)


def plain(text: str) -> str:
    """A decimal as a person writes it."""
    whole, _, part = f"{Decimal(text):.6f}".partition(".")
    return f"{whole}.{part}".rstrip("0").rstrip(".")


def read_ruleset() -> Ruleset:
    """The one in force on the business date. What the peers cannot do stops here, by name."""
    (head,) = (
        row
        for row in _rows("rulesets")
        if row["scheme"] == SCHEME
        and row["status"] == "active"
        and row["valid_from"] <= AS_OF.isoformat() <= (row["valid_to"] or "9999")
    )
    given, year = head["ruleset_id"], AS_OF.year
    reporting_year = year - 1 if AS_OF.isoformat() > f"{year}-{head['annual_data_due']}" else year - 2
    stages = tuple(_stage(row) for row in sorted(_rows("ruleset_stages", given), key=lambda row: int(row["position"])))
    weights = {
        (row["indicator_code"], stage.name): (micro(row["weight"]), micro(row["deduction"] or "0"))
        for row in _rows("ruleset_weights", given)
        for stage in stages
        if row["stage"] in {stage.name, "*"}
    }
    catalogue = sorted(_rows("ruleset_indicators", given), key=lambda row: row["indicator_code"])
    if head["aggregation"] != "points" or any(row["best_of"] for row in catalogue):
        raise SystemExit(f"{given}: the peers know no weighted means and no best-of")
    return Ruleset(
        ruleset_id=given,
        reporting_year=reporting_year,
        young_after=months_before(date(reporting_year, 12, 31), int(head["young_firm_months"])),
        two_years_before=months_before(AS_OF, 24),
        minimum_available=micro(head["minimum_points_available"]),
        indicators=tuple(_indicator(row, given) for row in catalogue),
        stages=stages,
        weights=weights,
        segments={key: tuple(_segments(given, *key, *pair)) for key, pair in weights.items()},
        levels=_levels(given),
        missing=_missing(given, [row["indicator_code"] for row in catalogue]),
    )


def _stage(row: Row) -> Stage:
    def bound(text: str, *, is_inclusive: bool) -> int | None:
        # Revenues are whole fen, so an open side is the closed one a fen further.
        return None if not text else int(Fraction(text) * 100) + (0 if is_inclusive else 1)

    return Stage(
        name=row["stage"],
        low=bound(row["revenue_low_cny"], is_inclusive=row["inclusive_low"] == "true"),
        high=bound(row["revenue_high_cny"], is_inclusive=row["inclusive_high"] != "true"),
        months=int(row["max_age_months"]) if row["max_age_months"] else None,
    )


def _indicator(row: Row, given: str) -> Indicator:
    code = row["indicator_code"]
    inputs = tuple(
        (one["source"], one["dataset"], int(one["years_back"]))
        for one in _rows("ruleset_inputs", given)
        if one["indicator_code"] == code
    )
    return Indicator(code, row["name_zh"], row["name_en"], row["unit"], row["unit_en"], inputs)


def _levels(given: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in _rows("ruleset_levels", given):
        found.setdefault(row["indicator_code"], {})[row["level"]] = micro(row["quantity"])
    return found


def _missing(given: str, codes: list[str]) -> dict[tuple[str, str], Row]:
    """What a missing value costs; what is said of one indicator goes before what is said of all."""
    rows = sorted(_rows("ruleset_missing", given), key=lambda row: row["indicator_code"] != "*")
    return {(code, row["supply_status"]): row for row in rows for code in codes if row["indicator_code"] in {code, "*"}}


def _segments(given: str, code: str, stage: str, weight: int, deduction: int) -> Iterator[Segment]:
    rows = [
        row for row in _rows("ruleset_rules", given) if row["indicator_code"] == code and row["stage"] in {stage, "*"}
    ]
    for row in sorted(
        rows, key=lambda row: (row["lo"] != "", Fraction(row["lo"] or 0), row["hi"] == "", Fraction(row["hi"] or 0))
    ):
        yield _segment(row, weight, deduction)


def _segment(row: Row, weight: int, deduction: int) -> Segment:
    where = f"{row['indicator_code']} {row['stage']} [{row['lo']}, {row['hi']})"
    if row["function"] not in KNOWN_FUNCTIONS:
        raise SystemExit(f"{where}: the peers do not know {row['function']}")
    name_zh = row["label"] or _bin(row)
    name_en = row["label_en"] or name_zh
    full, share = weight + deduction, int(Fraction(row["share_at_lo"]) * SHARES)
    rise = int(Fraction(row["share_at_hi"] or row["share_at_lo"]) * SHARES) - share
    is_log = rise and row["function"] == "log_capped"
    width = 1 if not rise else STEPS if is_log else micro(row["hi"]) - micro(row["lo"])
    parts = (full * share * width, full * rise, SHARES * width)
    common = math.gcd(*parts)
    add, times, by = ((2 * parts[0] + parts[2]) // common, 2 * parts[1] // common, 2 * parts[2] // common)
    if add + abs(times) * width >= 2**63:
        raise SystemExit(f"{where}: the line is too long for 64 bits")
    return Segment(
        bin=" ".join(dict.fromkeys((name_zh, name_en))),
        bin_zh=name_zh,
        bin_en=name_en,
        is_level=row["function"] == "level_map",
        lo=None if not row["lo"] else micro(row["lo"]),
        below=None if not row["hi"] else micro(row["hi"]) + (row["inclusive_hi"] == "true"),
        points=None if rise else add // by - deduction,
        add=add,
        times=times,
        by=by,
        deduction=deduction,
        log=_logarithm(row) if is_log else None,
        is_vetoing=row["function"] == "veto" and add // by - deduction < weight,
    )


def _logarithm(row: Row) -> tuple[float, float, float]:
    offset = float(row["log_offset"] or 0)
    start, end = (math.log(float(row[side]) + offset) for side in ("lo", "hi"))
    return offset, start, end - start


def _bin(row: Row) -> str:
    low = "(-∞" if not row["lo"] else ("(" if row["inclusive_lo"] == "false" else "[") + plain(row["lo"])
    high = "+∞)" if not row["hi"] else plain(row["hi"]) + ("]" if row["inclusive_hi"] == "true" else ")")
    return f"{low}, {high}"
