"""polars: lazy frames from the landed files to one wide frame, then one pass of expressions made from the rule rows.

benchmarks/.venvs/polars/bin/python benchmarks/scoring/contestants/polars_lazy.py INPUTS OUT
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "2")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import polars as pl
from outcomes import Outcome, outcomes
from polars_counted import measure
from polars_values import Landed
from rules import MICRO, STATUSES, STEPS, Indicator, Ruleset, Segment, read_ruleset

COSTLIEST = 4


def main(inputs: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    ruleset = read_ruleset()
    landed = Landed(inputs, ruleset)
    endings = outcomes(ruleset)
    supply = landed.scan("pipeline.supply").with_columns(address=pl.col("source") + "." + pl.col("dataset")).collect()
    supplied = set(supply.filter("is_supplied")["address"])
    partial = set(supply.filter(pl.col("coverage") == "partial")["address"])
    codes = [one.code for one in ruleset.indicators]
    wide = measure(landed).with_columns(_value(one, supplied) for one in ruleset.indicators)
    by_code = {code: [one for one in endings if one.code == code] for code in codes}
    wide = wide.with_columns(_ending(one, by_code[one.code], supplied, partial) for one in ruleset.indicators)
    wide = wide.with_columns(_points(code, by_code[code]) for code in codes)
    kept = [pl.col(f"{kind}{code}") for code in codes for kind in ("", "e_", "p_")]
    scored = wide.select("uscc", "industry_code", "stage_no", *kept).collect(engine="streaming")
    table = pl.LazyFrame(
        [(one.number, one.code, one.status, one.bin, one.maximum, one.says_value, *one.zh, *one.en) for one in endings],
        schema={
            "number": pl.Int16,
            "indicator_code": pl.String,
            "supply_status": pl.String,
            "bin": pl.String,
            "maximum": pl.Int64,
            "says_value": pl.Boolean,
            **{f"{language}_{part}": pl.String for language in ("zh", "en") for part in (1, 2, 3)},
        },
        orient="row",
    )
    _long(scored, codes, table).sink_parquet(out / "points.parquet")
    _totals(ruleset, scored, endings, by_code).sink_parquet(out / "totals.parquet")
    _reasons(scored, codes, by_code, table).sink_parquet(out / "reasons.parquet")


def _value(indicator: Indicator, supplied: set[str]) -> pl.Expr:
    is_there = all(f"{source}.{dataset}" in supplied for source, dataset, _ in indicator.inputs)
    return pl.col(indicator.code) if is_there else pl.lit(None, pl.Int64).alias(indicator.code)


def _ending(indicator: Indicator, endings: Sequence[Outcome], supplied: set[str], partial: set[str]) -> pl.Expr:
    """The number of how each value ended."""
    inputs = [(f"{source}.{dataset}", years_back) for source, dataset, years_back in indicator.inputs]
    why = pl.lit(STATUSES.index("value_not_supplied") - 1)
    for address, years_back in inputs:
        if address in partial:
            has = pl.col(f"has_{address}_{years_back}").fill_null(value=False)
            why = pl.when(has).then(why).otherwise(STATUSES.index("record_not_supplied") - 1)
    if indicator.code in {"C02", "C03", "C04", "C10", "C11", "C13", "L05"}:
        why = pl.when(f"u_{indicator.code}").then(STATUSES.index("not_defined") - 1).otherwise(why)
    if any(address not in supplied for address, _ in inputs):
        why = pl.lit(STATUSES.index("source_not_supplied") - 1)
    value, found = pl.col(indicator.code), pl.lit(None, pl.Int16)
    for stage_no in sorted({one.stage_no for one in endings}, reverse=True):
        of_stage = [one for one in endings if one.stage_no == stage_no]
        hit = pl.lit(of_stage[-1].number)
        for one in reversed(of_stage[len(STATUSES) - 1 : -1]):
            hit = pl.when(value < (one.segment.below if one.segment else 0)).then(one.number).otherwise(hit)
        number = pl.when(value.is_null()).then(of_stage[0].number + why).otherwise(hit)
        found = pl.when(pl.col("stage_no") == stage_no).then(number).otherwise(found)
    return found.cast(pl.Int16).alias(f"e_{indicator.code}")


def _points(code: str, endings: Sequence[Outcome]) -> pl.Expr:
    """Millionths; null where nothing counts."""
    ending = pl.col(f"e_{code}")
    flat = {one.number: one.points for one in endings}
    found = ending.replace_strict(flat, return_dtype=pl.Int64)
    for one in endings:
        if one.segment is not None and one.segment.points is None:
            found = pl.when(ending == one.number).then(_on_line(pl.col(code), one.segment)).otherwise(found)
    return found.alias(f"p_{code}")


def _on_line(value: pl.Expr, segment: Segment) -> pl.Expr:
    if segment.log is not None:
        offset, start, length = segment.log
        steps = (((value / MICRO + offset).log() - start) / length * STEPS).round().cast(pl.Int64, strict=False)
    else:
        steps = value - (segment.lo or 0)
    return (segment.add + segment.times * steps) // segment.by - segment.deduction


def _decimal(millionths: pl.Expr | str, scale: int = 6) -> pl.Expr:
    number = pl.col(millionths) if isinstance(millionths, str) else millionths
    return number.cast(pl.Decimal(18, 0)) * pl.lit(f"{10**-scale:.{scale}f}").cast(pl.Decimal(18, scale))


def _long(scored: pl.DataFrame, codes: Sequence[str], table: pl.LazyFrame) -> pl.LazyFrame:
    rows = pl.concat(scored.lazy().select("uscc", value=code, number=f"e_{code}", points=f"p_{code}") for code in codes)
    return rows.join(table, on="number").select(
        "uscc", "indicator_code", "supply_status", "bin",
        value=_decimal("value"), points=_decimal("points"), points_maximum=_decimal("maximum"),
    )  # fmt: skip


def _maximum(code: str, endings: Sequence[Outcome]) -> pl.Expr:
    return pl.col(f"e_{code}").replace_strict({one.number: one.maximum for one in endings}, return_dtype=pl.Int64)


def _totals(
    ruleset: Ruleset, scored: pl.DataFrame, endings: Sequence[Outcome], by_code: dict[str, list[Outcome]]
) -> pl.LazyFrame:
    """Sums, scores and ranks among those that are ranked."""
    barring = [one for one in endings if one.is_refusing or (one.segment is not None and one.segment.is_vetoing)]
    is_barred = pl.any_horizontal(pl.lit(value=False), *(pl.col(f"e_{one.code}") == one.number for one in barring))
    counted = [pl.when(pl.col(f"p_{code}").is_not_null()).then(_maximum(code, by_code[code])) for code in by_code]
    total, available = pl.col("total"), pl.col("available")
    score = pl.when(available > 0).then((total.clip(0) * 2 * MICRO + available) // (2 * available))
    least = max(ruleset.minimum_available, 1)
    judged = (
        scored.lazy()
        .select("uscc", "industry_code", "stage_no", is_barred.alias("is_barred"),
                total=pl.sum_horizontal(pl.col("^p_.*$")), available=pl.sum_horizontal(counted))
        .with_columns(score=score, exact_score=total.clip(0) / available)
        .with_columns(is_ranked=(pl.col("stage_no") > 0) & ~pl.col("is_barred") & (available >= least))
    )  # fmt: skip
    ranked = judged.filter("is_ranked").select(
        "uscc",
        rank_overall=pl.col("exact_score").rank("min", descending=True),
        rank_in_stage=pl.col("exact_score").rank("min", descending=True).over("stage_no"),
        rank_in_industry=pl.when(pl.col("industry_code").is_not_null()).then(
            pl.col("exact_score").rank("min", descending=True).over("industry_code")
        ),
    )
    names = {0: None, **{number: stage.name for number, stage in enumerate(ruleset.stages, 1)}}
    return judged.join(ranked, on="uscc", how="left").select(
        "uscc",
        pl.col("stage_no").replace_strict(names, return_dtype=pl.String).alias("stage"),
        _decimal("total").alias("points_total"),
        _decimal("available").alias("points_available"),
        _decimal("score", 4).alias("score"),
        "rank_overall", "rank_in_stage", "rank_in_industry",
    )  # fmt: skip


def _reasons(
    scored: pl.DataFrame, codes: Sequence[str], by_code: dict[str, list[Outcome]], table: pl.LazyFrame
) -> pl.LazyFrame:
    """The costliest of each enterprise, equal losses in the order of the codes, each with its two sentences.

    A loss is in millionths, and in its last six bits the place of the indicator, from the end.
    """
    losses = [
        ((_maximum(code, by_code[code]) - pl.col(f"p_{code}")).fill_null(0) * 64 + 63 - place)
        for place, code in enumerate(codes)
    ]
    place = 63 - pl.col("loss") % 64
    costly = (
        scored.lazy()
        .with_columns(loss=pl.concat_list(losses).list.sort(descending=True).list.head(COSTLIEST))
        .select("uscc", "loss", *(pl.concat_list(f"{kind}{code}" for code in codes).alias(name) for name, kind in
                                  (("value", ""), ("number", "e_"), ("points", "p_"))))
        .explode("loss")
        .filter(pl.col("loss") >= 64)
        .select("uscc", *(pl.col(name).list.get(place) for name in ("value", "number", "points")))
    )  # fmt: skip
    value, points = (
        pl.when("says_value").then(_written("value")).otherwise(pl.lit("")),
        pl.when(pl.col("supply_status") == "supplied").then(_written("points")).otherwise(pl.lit("")),
    )
    sentences = {f"reason_{of}": pl.concat_str(f"{of}_1", value, f"{of}_2", points, f"{of}_3") for of in ("zh", "en")}
    return costly.join(table, on="number").select("uscc", "indicator_code", **sentences)


def _written(millionths: str) -> pl.Expr:
    """As a person writes it: no zeros at the end, and no point."""
    number, size = pl.col(millionths), pl.col(millionths).abs()
    text = (size // MICRO).cast(pl.String) + "." + (size % MICRO).cast(pl.String).str.zfill(6)
    text = text.str.strip_chars_end("0").str.strip_chars_end(".")
    return pl.when(number < 0).then("-" + text).otherwise(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
