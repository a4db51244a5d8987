"""How a diff of two editions is shown: what differs, what each cause moved, who moved most."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from cli import show
from flows.diff import EditionDiff
from ledger.csv_file import write_csv


def show_diff(found: EditionDiff, uscc: str | None, top: int, csv: Path | None, *, as_json: bool) -> None:
    """Print a diff, and write all of it where a file is named."""
    rows = [row for row in found.table.to_pylist() if uscc is None or row["uscc"] == uscc.strip().upper()]
    if csv is not None:
        write_csv(found.table, csv)
    causes = [{"cause": cause.name, "detail": cause.detail} for cause in found.causes]
    if as_json:
        show.show_json({"then": found.then, "now": found.now, "builds": found.builds, "causes": causes, "parts": rows})
        return
    show.show_rows("What differs 差异（按重演次序 in the order of the replay）", causes, ("cause", "detail"))
    columns = ("cause", "enterprises", ("points", "points"), ("|points|", "moved"), ("places", "places"))
    show.show_rows("What each moved 各原因的影响", list(_by_cause(rows)), columns)
    shown = rows if uscc is not None else [row for code in _most(rows)[:top] for row in rows if row["uscc"] == code]
    show.show_rows("Enterprises 企业", shown, ("uscc", "cause", "points", "score", "places"), whole=("uscc",))


def _by_cause(rows: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    count: Counter[str] = Counter(row["cause"] for row in rows)
    for cause in dict.fromkeys(row["cause"] for row in sorted(rows, key=lambda row: row["place"])):
        own = [row for row in rows if row["cause"] == cause]
        yield {
            "cause": cause,
            "enterprises": count[cause],
            "points": sum(row["points"] for row in own),
            "moved": sum(abs(row["points"]) for row in own),
            "places": sum(abs(row["places"] or 0) for row in own),
        }


def _most(rows: list[dict[str, Any]]) -> list[str]:
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        moved[row["uscc"]] += abs(row["score"])
    return sorted(moved, key=lambda code: (-moved[code], code))
