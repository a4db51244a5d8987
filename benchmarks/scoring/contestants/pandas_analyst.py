"""pandas as an analyst writes it: merges and whole columns, nothing row by row; exact, so integers.

benchmarks/.venvs/pandas/bin/python benchmarks/scoring/contestants/pandas_analyst.py INPUTS OUT
"""

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outcomes import Outcome, outcomes
from pandas_counted import measure
from pandas_values import Landed
from rules import MICRO, STATUSES, STEPS, Indicator, Ruleset, Segment, read_ruleset

COSTLIEST = 4
EDGE = 2**62


def main(inputs: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    ruleset = read_ruleset()
    landed = Landed(inputs, ruleset)
    wide = measure(landed)
    endings = pd.DataFrame([vars(one) for one in outcomes(ruleset)])
    supply = landed.read("pipeline.supply", ["source", "dataset", "is_supplied", "coverage"]).assign(
        address=lambda frame: frame["source"] + "." + frame["dataset"]
    )
    points = _points(ruleset, wide, outcomes(ruleset), supply)
    points = points.merge(
        endings[["number", "code", "status", "bin", "maximum", "is_counted"]], on="number", how="left"
    )
    _write(
        points,
        out / "points.parquet",
        {"uscc": "uscc", "indicator_code": "code", "supply_status": "status", "bin": "bin"},
        {"value": "value", "points": "points", "points_maximum": "maximum"},
    )
    totals = _totals(ruleset, wide, points, endings)
    _write(
        totals,
        out / "totals.parquet",
        {
            "uscc": "uscc",
            "stage": "stage",
            "rank_overall": "rank_overall",
            "rank_in_stage": "rank_in_stage",
            "rank_in_industry": "rank_in_industry",
        },
        {"points_total": "total", "points_available": "available", "score": "score"},
    )
    reasons = _reasons(points, endings)
    _write(
        reasons,
        out / "reasons.parquet",
        {"uscc": "uscc", "indicator_code": "code", "reason_zh": "reason_zh", "reason_en": "reason_en"},
        {},
    )


def _points(ruleset: Ruleset, wide: pd.DataFrame, endings: Sequence[Outcome], supply: pd.DataFrame) -> pd.DataFrame:
    """A row for each enterprise and indicator: value, points (millionths) and the number of how it ended."""
    supplied = set(supply.loc[supply["is_supplied"], "address"])
    partial = set(supply.loc[supply["coverage"] == "partial", "address"])
    stage_no = wide["stage_no"].to_numpy()
    uscc = pd.Categorical(wide.index, categories=wide.index)
    frames = []
    for indicator in ruleset.indicators:
        of_code = [one for one in endings if one.code == indicator.code]
        value = wide[indicator.code]
        if any(f"{source}.{dataset}" not in supplied for source, dataset, _ in indicator.inputs):
            value = value.mask(value.notna())
        number, points = _ended(value, stage_no, of_code, _why(indicator, wide, supplied, partial))
        frames.append(pd.DataFrame({"uscc": uscc, "value": value.array, "number": number, "points": points}))
    return pd.concat(frames, ignore_index=True)


def _why(indicator: Indicator, wide: pd.DataFrame, supplied: set[str], partial: set[str]) -> np.ndarray:
    """For each enterprise the place in STATUSES of the reason to give if there is no value."""
    inputs = [(f"{source}.{dataset}", years_back) for source, dataset, years_back in indicator.inputs]
    if any(address not in supplied for address, _ in inputs):
        return np.full(len(wide), STATUSES.index("source_not_supplied"))
    has_all = np.ones(len(wide), bool)
    for address, years_back in inputs:
        if address in partial:
            has_all &= wide[f"has_{address}_{years_back}"].to_numpy()
    found = np.where(has_all, STATUSES.index("value_not_supplied"), STATUSES.index("record_not_supplied"))
    if f"u_{indicator.code}" in wide:
        found = np.where(wide[f"u_{indicator.code}"], STATUSES.index("not_defined"), found)
    return found


def _ended(
    value: pd.Series, stage_no: np.ndarray, endings: Sequence[Outcome], why: np.ndarray
) -> tuple[np.ndarray, pd.array]:
    """The number of each ending and its points, stage by stage."""
    is_there = value.notna().to_numpy()
    plain = value.fillna(0).to_numpy(dtype=np.int64)
    number, points, has_points = (
        np.zeros(len(plain), np.int16),
        np.zeros(len(plain), np.int64),
        np.zeros(len(plain), bool),
    )
    for stage in sorted({one.stage_no for one in endings}):
        of_stage = [one for one in endings if one.stage_no == stage]
        reasons, hits = of_stage[: len(STATUSES) - 1], of_stage[len(STATUSES) - 1 :]
        is_in = stage_no == stage
        missing = is_in & ~is_there
        number[missing] = reasons[0].number + why[missing] - 1
        bounds = [EDGE if one.segment is None or one.segment.below is None else one.segment.below for one in hits[:-1]]
        place = np.searchsorted(np.array(bounds, np.int64), plain, side="right")
        for at, hit in enumerate(hits):
            mask = is_in & is_there & (place == at)
            number[mask] = hit.number
            if hit.segment is not None:
                points[mask], has_points[mask] = _in_segment(hit.segment, plain[mask]), True
        for one in reasons:
            if one.points is not None:
                has_points[number == one.number] = True
    return number, pd.arrays.IntegerArray(points, ~has_points)


def _in_segment(segment: Segment, values: np.ndarray) -> np.ndarray | int:
    if segment.points is not None:
        return segment.points
    if segment.log is not None:
        offset, start, length = segment.log
        steps = np.rint((np.log(values / MICRO + offset) - start) / length * STEPS).astype(np.int64)
    else:
        steps = values - (segment.lo or 0)
    return (segment.add + segment.times * steps) // segment.by - segment.deduction


def _totals(ruleset: Ruleset, wide: pd.DataFrame, points: pd.DataFrame, endings: pd.DataFrame) -> pd.DataFrame:
    """Sums, scores in ten-thousandths, and ranks among those that are ranked."""
    vetoing = endings.loc[[one is not None and one.is_vetoing for one in endings["segment"]], "number"]
    refusing = endings.loc[endings["is_refusing"], "number"]
    available = points["maximum"].where(points["is_counted"], 0)
    grouped = points.assign(available=available).groupby("uscc", observed=True)
    totals = grouped[["points", "available"]].sum().rename(columns={"points": "total"}).astype("int64")
    totals["stage_no"], totals["industry"] = wide["stage_no"], wide["industry_code"]
    totals["stage"] = totals["stage_no"].map({n: stage.name for n, stage in enumerate(ruleset.stages, 1)})
    below = totals["available"].where(totals["available"] > 0).astype("Int64")
    totals["score"] = (totals["total"].clip(lower=0) * 2 * MICRO + below) // (2 * below)
    totals["exact_score"] = totals["total"].clip(lower=0) / below
    is_barred = totals.index.isin(points.loc[points["number"].isin([*vetoing, *refusing]), "uscc"])
    is_ranked = (totals["stage_no"] > 0) & ~is_barred & (totals["available"] >= max(ruleset.minimum_available, 1))
    peers = totals[is_ranked]
    how = {"method": "min", "ascending": False}
    totals["rank_overall"] = peers["exact_score"].rank(**how).astype("Int64")
    totals["rank_in_stage"] = peers.groupby("stage_no")["exact_score"].rank(**how).astype("Int64")
    totals["rank_in_industry"] = peers.groupby("industry")["exact_score"].rank(**how).astype("Int64")
    return totals.reset_index()


def _reasons(points: pd.DataFrame, endings: pd.DataFrame) -> pd.DataFrame:
    """The costliest of each enterprise, equal losses in the order of the codes, each with its two sentences."""
    lost = points["maximum"] - points["points"]
    costly = points.loc[lost > 0, ["uscc", "code", "number", "value", "points"]].assign(lost=lost)
    costly = costly.sort_values("lost", ascending=False, kind="stable").groupby("uscc", observed=True).head(COSTLIEST)
    costly = costly.merge(endings[["number", "zh", "en", "status", "says_value"]], on="number")
    value = _written(costly["value"]).where(costly["says_value"], "")
    reached = _written(costly["points"]).where(costly["status"] == "supplied", "")
    for language in ("zh", "en"):
        parts = costly[language]
        costly[f"reason_{language}"] = parts.str[0].str.cat([value, parts.str[1], reached, parts.str[2]])
    return costly


def _written(millionths: pd.Series) -> pd.Series:
    """As a person writes it: no zeros at the end, and no point."""
    size = millionths.abs()
    text = (size // MICRO).astype("string") + "." + (size % MICRO).astype("string").str.zfill(6)
    text = text.str.rstrip("0").str.rstrip(".")
    return text.mask(millionths < 0, "-" + text)


def _write(frame: pd.DataFrame, path: Path, texts: dict[str, str], decimals: dict[str, str]) -> None:
    """Columns as they are, and whole millionths (ten-thousandths for a score) as decimals."""
    columns = {name: pa.Array.from_pandas(frame[of]) for name, of in texts.items()}
    for name, of in decimals.items():
        whole = pa.Array.from_pandas(frame[of].astype("Int64")).cast(pa.decimal128(19, 0))
        columns[name] = pc.multiply(whole, pa.scalar(Decimal("0.0001") if of == "score" else Decimal("0.000001")))
    pq.write_table(pa.table(columns), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
