"""pandas as an analyst writes it: values by SQL, then whole columns, nothing row by row; exact, so integers.

benchmarks/.venvs/pandas/bin/python benchmarks/scoring/contestants/pandas_points.py INPUTS SCORECARD OUT
"""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

VALUES = Path(__file__).with_name("values.py")
PYTHON = VALUES.parents[3] / ".venv" / "bin" / "python"
MICRO = 1_000_000


def main(inputs: Path, scorecard: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    subprocess.run([PYTHON, VALUES, inputs, scorecard, out], check=True)
    wide = pq.read_table(out / "measured.parquet").to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    lines = pd.read_parquet(scorecard / "whole_lines.parquet")
    lines["maximum"] = lines["maximum"].astype("Int64")
    points = pd.concat([_points(wide, of_measure) for _, of_measure in lines.groupby("measure")], ignore_index=True)
    points = points.merge(
        lines[["line_no", "indicator_code", "supply_status", "bin", "maximum", "is_barred"]], on="line_no"
    )
    totals = _totals(wide, points, lines["minimum"].iloc[0])
    texts = {"points": ["uscc", "indicator_code", "supply_status", "bin"]}
    texts["totals"] = ["uscc", "stage", "rank_overall", "rank_in_stage", "rank_in_industry"]
    texts["reasons"] = ["uscc", "indicator_code", "reason_zh", "reason_en"]
    decimals = {"points": {"value": "value", "points": "points", "points_maximum": "maximum"}, "reasons": {}}
    decimals["totals"] = {"points_total": "points", "points_available": "available", "score": "score"}
    for name, frame in (("points", points), ("totals", totals), ("reasons", _reasons(points, lines))):
        _write(frame, out / f"{name}.parquet", texts[name], decimals[name])


def _points(wide: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """A row for each enterprise of one indicator: value, the line that it is on, and points."""
    measure = lines["measure"].iloc[0]
    status, value = wide[f"{measure}_status"].to_numpy(), wide[measure].fillna(0).to_numpy(np.int64)
    line_no = np.zeros(len(wide), np.int64)
    for (stage, of_status), on in lines.sort_values("from_value").groupby(["stage", "status"]):
        is_in = ((wide["stage"] == stage) & (status == of_status)).to_numpy()
        place = np.searchsorted(on["upto_value"].to_numpy()[:-1], value[is_in])
        line_no[is_in] = on["line_no"].to_numpy()[place]
    on = lines.set_index("line_no").loc[line_no]
    steps = (value - on["lo"].to_numpy()) / MICRO
    with np.errstate(all="ignore"):
        logs = np.log(np.maximum(value / MICRO + on["log_offset"].fillna(0).to_numpy(float), 1e-6)) - on["log_at_lo"]
        way = np.where(on["is_log"], (logs / on["width"]).round(8), steps / on["width"].to_numpy())
    on_slope = on["worth_at_lo"].to_numpy() + on["rise"].to_numpy() * np.clip(way, 0, 1)
    rounded = np.where(on["is_slope"], _rounded(on_slope, 6), on["flat_worth"].fillna(0))
    points = np.where(on["segment"] < 0, 0, rounded - on["taken_away"]).astype(np.int64)
    return pd.DataFrame(
        {
            "uscc": wide["uscc"],
            "value": wide[measure],
            "line_no": line_no,
            "points": pd.arrays.IntegerArray(points, ~on["is_counted"].to_numpy(bool)),
        }
    )


def _rounded(numbers: np.ndarray, digits: int) -> np.ndarray:
    """To so many digits by way of twelve, as whole numbers: half of what is left goes up."""
    unit = 10 ** (12 - digits)
    return (np.rint(np.nan_to_num(numbers) * 10**12).astype(np.int64) + unit // 2) // unit


def _totals(wide: pd.DataFrame, points: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Sums, scores in ten-thousandths, and ranks among those that are ranked."""
    points = points.assign(available=points["maximum"].where(points["points"].notna(), 0))
    totals = points.groupby("uscc").agg({"points": "sum", "available": "sum", "is_barred": "any"})
    totals = wide[["uscc", "stage", "industry_code"]].merge(totals, on="uscc")
    below = totals["available"].where(totals["available"] > 0).astype(float)
    totals["exact_score"] = 100 * totals["points"].clip(lower=0).astype(float) / below
    totals["score"] = pd.Series(_rounded(totals["exact_score"].to_numpy(), 4), dtype="Int64").where(below.notna())
    totals["stage"] = totals["stage"].mask(totals["stage"] == "")
    is_ranked = totals["stage"].notna() & ~totals["is_barred"] & (totals["available"] >= max(minimum, 1))
    peers = totals[is_ranked]
    how = {"method": "min", "ascending": False}
    totals["rank_overall"] = peers["exact_score"].rank(**how).astype("Int64")
    totals["rank_in_stage"] = peers.groupby("stage")["exact_score"].rank(**how).astype("Int64")
    totals["rank_in_industry"] = peers.groupby("industry_code")["exact_score"].rank(**how).astype("Int64")
    return totals


def _reasons(points: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The costliest of each enterprise, equal losses in the order of the codes, each with its two sentences."""
    lost = points["maximum"] - points["points"]
    costly = points.loc[(lost > 0).fillna(value=False), ["uscc", "value", "line_no", "points"]].assign(lost=lost)
    costly = costly.sort_values(["lost", "line_no"], ascending=[False, True]).groupby("uscc").head(4)
    costly = costly.merge(lines, on="line_no")
    value, reached, maximum = (_written(costly[name]) for name in ("value", "points", "maximum"))
    for language, of in (("zh", " 分，满分 "), ("en", " of ")):
        head, name, middle, end = (costly[f"{one}_{language}"] for one in ("head", "value_name", "middle", "end"))
        said = head + name.fillna(value) + middle + reached + of + maximum + end
        costly[f"reason_{language}"] = said.where(costly["segment"] > 0, head)
    return costly


def _written(millionths: pd.Series) -> pd.Series:
    """As a person writes it: no zeros at the end, and no point."""
    size = millionths.abs()
    text = (size // MICRO).astype("string") + "." + (size % MICRO).astype("string").str.zfill(6)
    text = text.str.rstrip("0").str.rstrip(".")
    return text.mask(millionths < 0, "-" + text).astype(object)


def _write(frame: pd.DataFrame, path: Path, texts: list[str], decimals: dict[str, str]) -> None:
    """Columns as they are, and whole millionths (ten-thousandths for a score) as decimals."""
    columns = {name: pa.Array.from_pandas(frame[name]) for name in texts}
    for name, of in decimals.items():
        whole = pa.Array.from_pandas(frame[of].astype("Int64")).cast(pa.decimal128(19, 0))
        columns[name] = pc.multiply(whole, pa.scalar(Decimal("0.0001") if of == "score" else Decimal("0.000001")))
    pq.write_table(pa.table(columns), path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
