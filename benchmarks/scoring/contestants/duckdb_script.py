"""The hand-written script: two files of SQL to one wide table, then one wide pass compiled from the rule rows.

.venv/bin/python benchmarks/scoring/contestants/duckdb_script.py INPUTS OUT
"""

# ruff: noqa: S608 - the statements are made of names and numbers that stand in this project
import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from string import Template

import duckdb

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from outcomes import Outcome, outcomes  # noqa: E402
from rules import AS_OF, MICRO, STATUSES, STEPS, Indicator, Ruleset, Segment, months_before, read_ruleset  # noqa: E402

COSTLIEST = 4


def main(inputs: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    ruleset = read_ruleset()
    endings = outcomes(ruleset)
    with duckdb.connect(config={"threads": 2}) as engine:
        engine.execute("set preserve_insertion_order = false")
        engine.execute(f"set memory_limit = '{os.environ['BENCH_MEMORY_LIMIT']}'")
        engine.execute(f"set temp_directory = '{out / 'spill'}'")
        supply = engine.execute(
            "select source || '.' || dataset, is_supplied, coverage"
            f" from read_parquet('{inputs}/pipeline/supply/*.parquet')"
        ).fetchall()
        for macro in _macros(ruleset, supply):
            engine.execute(macro)
        for name in ("script_values.sql", "script_values_rest.sql"):
            text = (HERE / name).read_text(encoding="utf-8")
            engine.execute(Template(text).substitute(_dates(ruleset), inputs=inputs, stage=_stage(ruleset)))
        _outcome_table(engine, endings)
        engine.execute(_scored(ruleset, endings, supply))
        engine.execute(
            Template((HERE / "script_results.sql").read_text(encoding="utf-8")).substitute(
                out=out,
                minimum=ruleset.minimum_available,
                costliest=COSTLIEST,
                stages=[stage.name for stage in ruleset.stages],
            )
        )


def _dates(ruleset: Ruleset) -> dict[str, str]:
    year = ruleset.reporting_year
    days = {
        "as_of": AS_OF,
        "two_years_before": ruleset.two_years_before,
        "young_after": ruleset.young_after,
        "prior_december": date(year - 1, 12, 1),
        "prior_year_start": date(year - 1, 1, 1),
        "year_start": date(year, 1, 1),
        "year_end": date(year, 12, 31),
    }
    return {"year": str(year), **{name: f"date '{day}'" for name, day in days.items()}}


def _stage(ruleset: Ruleset) -> str:
    """The number of the stage, by age first and by revenue then; 0 where neither says."""
    by_age, by_revenue = "", ""
    for number, stage in enumerate(ruleset.stages, 1):
        if stage.months is not None:
            by_age += f" when founded_on > date '{months_before(AS_OF, stage.months)}' then {number}"
        low = "" if stage.low is None else f" and revenue >= {stage.low}"
        high = "" if stage.high is None else f" and revenue < {stage.high}"
        by_revenue += f" when revenue is not null{low}{high} then {number}"
    return f"case{by_age}{by_revenue} else 0 end"


def _macros(ruleset: Ruleset, supply: list[tuple[str, bool, str]]) -> list[str]:
    """What a level counts, by indicator; and what the absence of all records means, by dataset."""
    made = []
    for code, levels in ruleset.levels.items():
        cases = " ".join(f"when '{level}' then {quantity / MICRO:.6f}" for level, quantity in levels.items())
        made.append(f"create macro quantity_{code.lower()}(level) as cast(case level {cases} end as decimal(18, 6))")
    none = " ".join(
        f"when '{name}' then 0" for name, is_supplied, coverage in supply if is_supplied and coverage == "full"
    )
    return [*made, f"create macro none_of(dataset) as case dataset {none} end"]


def _outcome_table(engine: duckdb.DuckDBPyConnection, endings: tuple[Outcome, ...]) -> None:
    rows = ",\n".join(
        f"({one.number}, {_text(one.code)}, {_text(one.status)}, {_text(one.bin)}, {_decimal(one.maximum) or 'null'},"
        f" {one.says_value}, [{', '.join(map(_text, one.zh))}], [{', '.join(map(_text, one.en))}])"
        for one in endings
    )
    engine.execute(
        "create temp table ending (number smallint, indicator_code varchar, supply_status varchar, bin varchar,"
        " points_maximum decimal(18, 6), says_value boolean, zh varchar[], en varchar[])"
    )
    engine.execute(f"insert into ending values {rows}")


def _text(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def _decimal(millionths: int | None) -> str | None:
    return None if millionths is None else f"{millionths / MICRO:.6f}"


def _scored(ruleset: Ruleset, endings: tuple[Outcome, ...], supply: list[tuple[str, bool, str]]) -> str:
    """One wide pass: for each indicator the number of its ending, then its points; then lists in the order of codes."""
    supplied = {name for name, is_supplied, _ in supply if is_supplied}
    partial = {name for name, _, coverage in supply if coverage == "partial"}
    names = [one.code.lower() for one in ruleset.indicators]
    by_code = {name: [one for one in endings if one.code.lower() == name] for name in names}
    numbers = ",\n".join(
        f"{_ending(one, by_code[one.code.lower()], supplied, partial)} as e_{one.code.lower()}"
        for one in ruleset.indicators
    )
    points = ",\n".join(f"{_points(name, by_code[name])} as p_{name}" for name in names)
    weighed = " + ".join(
        _looked_up(name, by_code[name], lambda one: one.maximum or 0 if one.is_counted else 0) for name in names
    )
    vetoes = _any_of(one for one in endings if one.segment and one.segment.is_vetoing)
    refusals = _any_of(one for one in endings if one.is_refusing)
    values = ", ".join(
        name if all(f"{s}.{d}" in supplied for s, d, _ in one.inputs) else "null"
        for name, one in zip(names, ruleset.indicators, strict=True)
    )
    lost = ", ".join(
        f"coalesce({_looked_up(name, by_code[name], lambda one: one.maximum)} - p_{name}, 0) * 64 + {63 - place}"
        for place, name in enumerate(names)
    )
    return f"""
        create temp table scored as
        with ended as (select *, {numbers} from measured),
        pointed as (select *, {points} from ended)
        select
            uscc, industry_code, stage_no,
            cast([{values}] as decimal(18, 6)[]) as vals,
            [{", ".join(f"e_{name}" for name in names)}] as endings,
            [{", ".join(f"p_{name}" for name in names)}] as points,
            {" + ".join(f"coalesce(p_{name}, 0)" for name in names)} as total,
            {weighed} as available,
            {vetoes} as is_vetoed,
            {refusals} as is_refused,
            [{lost}] as losses
        from pointed"""


def _any_of(endings: Iterable[Outcome]) -> str:
    return " or ".join(f"e_{one.code.lower()} = {one.number}" for one in endings) or "false"


def _ending(one: Indicator, endings: list[Outcome], supplied: set[str], partial: set[str]) -> str:
    name, reasons = one.code.lower(), len(STATUSES) - 1
    firsts: dict[int, int] = {}
    for ending in endings:
        firsts.setdefault(ending.stage_no, ending.number)
    first = (
        "case stage_no " + " ".join(f"when {stage_no} then {number}" for stage_no, number in firsts.items()) + " end"
    )
    inputs = {(f"{source}.{dataset}", years_back) for source, dataset, years_back in one.inputs}
    if any(dataset not in supplied for dataset, _ in inputs):
        return f"cast({first} + 3 as smallint)"
    needed = sorted(
        f"has_{dataset.replace('.', '_')}_{years_back}" for dataset, years_back in inputs if dataset in partial
    )
    why = f"when u_{name} then 0 " if name in UNDEFINED else ""
    why += f"when not ({' and '.join(needed)}) then 1 " if needed else ""
    by_bounds: dict[str, list[int]] = {}
    for stage_no in firsts:
        segments = [ending.segment for ending in endings if ending.stage_no == stage_no and ending.status == "supplied"]
        by_bounds.setdefault(_place(name, segments), []).append(stage_no)
    hits = " ".join(
        f"when stage_no in ({', '.join(map(str, stages))}) then {place}" for place, stages in by_bounds.items()
    )
    missing = f"case {why}else 2 end" if why else "2"
    return f"cast({first} + case when {name} is null then {missing} else {reasons} + case {hits} end end as smallint)"


UNDEFINED = {"c02", "c03", "c04", "c10", "c11", "c13", "l05"}
"""Indicators beside which script_values_rest.sql has a flag that says they are not defined."""


def _place(name: str, segments: list[Segment | None]) -> str:
    whens = "".join(
        f"when {name} < {segment.below / MICRO:.6f} then {place} "
        for place, segment in enumerate(segments)
        if segment is not None and segment.below is not None
    )
    return f"case {whens}else {len(segments) - 1} end" if whens else "0"


def _looked_up(name: str, endings: list[Outcome], of: Callable[[Outcome], int | None]) -> str:
    """A number that follows from the ending alone."""
    numbers = ", ".join("null" if of(one) is None else str(of(one)) for one in endings)
    return f"[{numbers}][e_{name} - {endings[0].number - 1}]"


def _points(name: str, endings: list[Outcome]) -> str:
    lines = "".join(
        f"when {one.number} then {_on_line(name, one.segment)} "
        for one in endings
        if one.segment is not None and one.segment.points is None
    )
    flat = _looked_up(name, endings, lambda one: one.points)
    return f"cast(case e_{name} {lines}else {flat} end as bigint)" if lines else f"cast({flat} as bigint)"


def _on_line(name: str, segment: Segment) -> str:
    if segment.log:
        offset, start, length = segment.log
        steps = f"cast(round((ln(cast({name} as double) + {offset}) - {start!r}) / {length!r} * {STEPS}) as bigint)"
    else:
        steps = f"cast(cast({name} - {_decimal(segment.lo)} as double) * {MICRO} as bigint)"
    return f"({segment.add} + {segment.times} * {steps}) // {segment.by} - {segment.deduction}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
