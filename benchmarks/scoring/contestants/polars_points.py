"""polars: values by SQL, then lazy frames; each value joined with the lines it may be on. Exact, so integers.

benchmarks/.venvs/polars/bin/python benchmarks/scoring/contestants/polars_points.py INPUTS SCORECARD OUT
"""

import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl

VALUES = Path(__file__).with_name("values.py")
PYTHON = VALUES.parents[3] / ".venv" / "bin" / "python"
MICRO = 1_000_000
c = pl.col


def main(inputs: Path, scorecard: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    subprocess.run([PYTHON, VALUES, inputs, scorecard, out], check=True)
    wide, lines = pl.scan_parquet(out / "measured.parquet"), pl.read_parquet(scorecard / "whole_lines.parquet")
    scored = pl.concat(_points(wide, of_measure) for of_measure in lines.partition_by("measure"))
    scored = scored.collect(engine="streaming").lazy()
    points = scored.join(lines.lazy(), on="line_no")
    points.select(
        "uscc", "indicator_code", "supply_status", "bin",
        value=_decimal("value"), points=_decimal("points"), points_maximum=_decimal("maximum"),
    ).sink_parquet(out / "points.parquet")  # fmt: skip
    _totals(wide, points, lines["minimum"][0]).sink_parquet(out / "totals.parquet")
    _reasons(points, lines.lazy()).sink_parquet(out / "reasons.parquet")


def _points(wide: pl.LazyFrame, lines: pl.DataFrame) -> pl.LazyFrame:
    """A row for each enterprise of one indicator: value, the line that it is on, and points."""
    measure = lines["measure"][0]
    logs = (c("value") / MICRO + c("log_offset").cast(pl.Float64)).clip(1e-6).log() - c("log_at_lo")
    way = pl.when("is_log").then((logs / c("width")).round(8)).otherwise((c("value") - c("lo")) / MICRO / c("width"))
    on_slope = _rounded(c("worth_at_lo") + c("rise") * way.clip(0, 1), 6)
    worth = pl.when("is_slope").then(on_slope).otherwise("flat_worth") - c("taken_away")
    return (
        wide.select("uscc", "stage", status=c(f"{measure}_status"), value=measure)
        .join(lines.lazy(), on=["stage", "status"])
        .filter(c("value").fill_null(0).is_between("from_value", "upto_value"))
        .select(
            "uscc",
            "value",
            "line_no",
            points=pl.when("is_counted").then(pl.when(c("segment") < 0).then(0).otherwise(worth)),
        )
    )


def _rounded(number: pl.Expr, digits: int) -> pl.Expr:
    """To so many digits by way of twelve, as whole numbers: half of what is left goes up."""
    unit = 10 ** (12 - digits)
    return ((number * 10**12).round().cast(pl.Int64) + unit // 2) // unit


def _decimal(millionths: str, scale: int = 6) -> pl.Expr:
    unit = pl.lit(f"{10**-scale:.{scale}f}").cast(pl.Decimal(18, scale))
    return c(millionths).cast(pl.Decimal(18, 0)) * unit


def _totals(wide: pl.LazyFrame, points: pl.LazyFrame, minimum: int) -> pl.LazyFrame:
    """Sums, scores and ranks among those that are ranked."""
    total, available = c("total"), c("available")
    judged = (
        points.group_by("uscc")
        .agg(
            total=c("points").sum(),
            available=c("maximum").filter(c("points").is_not_null()).sum(),
            is_barred=c("is_barred").any(),
        )
        .join(wide.select("uscc", "industry_code", stage=c("stage").replace("", None)), on="uscc")
        .with_columns(exact_score=pl.when(available > 0).then(100 * total.clip(0).cast(pl.Float64) / available))
        .with_columns(score=_rounded(c("exact_score"), 4))
    )
    is_ranked = c("stage").is_not_null() & ~c("is_barred") & (available >= max(minimum, 1))
    rank = c("exact_score").rank("min", descending=True)
    ranked = judged.filter(is_ranked).select(
        "uscc",
        rank_overall=rank,
        rank_in_stage=rank.over("stage"),
        rank_in_industry=pl.when(c("industry_code").is_not_null()).then(rank.over("industry_code")),
    )
    return judged.join(ranked, on="uscc", how="left").select(
        "uscc", "stage", "rank_overall", "rank_in_stage", "rank_in_industry",
        points_total=_decimal("total"), points_available=_decimal("available"), score=_decimal("score", 4),
    )  # fmt: skip


def _reasons(points: pl.LazyFrame, lines: pl.LazyFrame) -> pl.LazyFrame:
    """The costliest of each enterprise, equal losses in the order of the codes, each with its two sentences."""
    lost = c("maximum") - c("points")
    costly = (
        points.select("uscc", "value", "line_no", "points", lost=lost)
        .filter(c("lost") > 0)
        .sort("lost", "line_no", descending=[True, False])
        .group_by("uscc")
        .head(4)
        .join(lines, on="line_no")
    )
    said = {}
    for language, of in (("zh", " 分，满分 "), ("en", " of ")):
        value = c(f"value_name_{language}").fill_null(_written("value"))
        parts = [
            value,
            c(f"middle_{language}"),
            _written("points"),
            pl.lit(of),
            _written("maximum"),
            c(f"end_{language}"),
        ]
        counted = pl.when(c("segment") > 0).then(pl.concat_str(parts)).otherwise(pl.lit(""))
        said[f"reason_{language}"] = c(f"head_{language}") + counted
    return costly.select("uscc", "indicator_code", **said)


def _written(millionths: str) -> pl.Expr:
    """As a person writes it: no zeros at the end, and no point."""
    number, size = c(millionths), c(millionths).abs()
    text = (size // MICRO).cast(pl.String) + "." + (size % MICRO).cast(pl.String).str.zfill(6)
    text = text.str.strip_chars_end("0").str.strip_chars_end(".")
    return pl.when(number < 0).then("-" + text).otherwise(text)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
