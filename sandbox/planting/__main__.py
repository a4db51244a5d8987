"""`python -m sandbox.planting`: plant every kind at every strength, and print what became of each."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sandbox.planting.faults import STRENGTHS, read_kinds
from sandbox.planting.judge import Fate, Judge, fates
from sandbox.planting.night import make_night

COLUMNS = ("kind", "where", "strength", "struck", "scores", "ranks", "sent", "harm", "outcome", "by")


def main() -> int:
    """Print the table as it comes, then its sums; exit 1 where a fault that harms passed, or too many were silent."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.planting")
    parser.add_argument("--night", type=Path, default=Path("data/planting"), help="Folder of the sound night.")
    parser.add_argument("--only", nargs="*", default=[], help="Kinds, or beginnings of their names.")
    parser.add_argument("--strength", nargs="*", default=list(STRENGTHS), choices=list(STRENGTHS))
    parser.add_argument("--measure-held", action="store_true", help="Build what is held too, to see what it changes.")
    asked = parser.parse_args()
    kinds = [one for one in read_kinds() if not asked.only or one.kind.startswith(tuple(asked.only))]
    judge = Judge(make_night(asked.night), measures_held=asked.measure_held)
    found = []
    try:
        _print(COLUMNS)
        for fate in fates(judge, kinds, asked.strength):
            found.append(fate)
            _print(_row(fate))
    finally:
        judge.close()
    return _summary(found)


def _print(cells: Sequence[object]) -> None:
    sys.stdout.write(" | ".join("" if cell is None else str(cell) for cell in cells) + "\n")
    sys.stdout.flush()


def _row(fate: Fate) -> list[object]:
    harm = "harm" if fate.is_harm else ""
    figures = (fate.scores, fate.ranks, fate.sent)
    return [fate.kind, fate.where, fate.strength, fate.struck, *figures, harm, fate.outcome, fate.by]


def _summary(found: Sequence[Fate]) -> int:
    moved = [one for one in found if one.outcome != "held"]
    harmful = [one for one in moved if one.is_harm]
    through = [one for one in harmful if one.outcome not in ("stopped", "held")]
    lesser = [one for one in moved if not one.is_harm and (one.scores or one.ranks or one.sent or one.cells)]
    silent = [one for one in lesser if one.outcome == "silent"]
    _print([""])
    _print(
        [
            f"{len(found)} planted: "
            + ", ".join(f"{n} {name}" for name, n in sorted(Counter(o.outcome for o in found).items()))
        ]
    )
    _print([f"harm let through: {len(through)} of {len(harmful)}", *(f"{o.kind}/{o.strength}" for o in through)])
    _print([f"lesser and silent: {len(silent)} of {len(lesser)}", *(f"{o.kind}/{o.strength}" for o in silent)])
    return int(bool(through) or 20 * len(silent) > len(lesser))


if __name__ == "__main__":
    sys.exit(main())
