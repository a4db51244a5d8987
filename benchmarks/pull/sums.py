"""What each client wrote, counted after it has ended: records and sums of amounts must be equal for all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

Sums = tuple[int, int, int, tuple[int, ...]]
"""Records, different codes, sum of the years, sums of the four amounts in fen 分."""

AMOUNTS = (
    ("yysr", "operating_revenue_cny"),
    ("yffy", "rd_expense_cny"),
    ("jlr", "net_profit_cny"),
    ("ldzchj", "current_assets_cny"),
)


def sums_of(output: Path) -> Sums:
    """Count one output: Parquet or JSON lines, one file or a folder of them, the agency's names or ours."""
    name = output.as_posix() + ("/**/*.parquet" if output.is_dir() else "")
    with duckdb.connect() as engine:
        rows = engine.read_json(name) if name.endswith(".jsonl") else engine.read_parquet(name)
        ours = "uscc" in rows.columns
        code, year = ("uscc", "fiscal_year") if ours else ("nsrsbh", "ssnd")
        fen = ", ".join(f"sum(cast(round(cast({pair[ours]} as decimal(20, 2)) * 100) as hugeint))" for pair in AMOUNTS)
        found = rows.aggregate(f"count(*), count(distinct {code}), sum({year}), {fen}").fetchone()
    if found is None:
        raise SystemExit(f"{output} holds nothing")
    records, codes, years, *amounts = (int(value) for value in found)
    return records, codes, years, tuple(amounts)


def check_equal(found: Mapping[str, Sequence[Sums]], records: int) -> None:
    """Every run of every client got every record, and the same ones; else the figures mean nothing."""
    different = {sums for runs in found.values() for sums in runs}
    if len(different) != 1 or next(iter(different))[0] != records:
        lines = [f"{name}: {sums}" for name, runs in found.items() for sums in runs]
        raise SystemExit("the clients did not get the same:\n" + "\n".join(lines))
