"""`python -m sandbox.planting`: plant every kind at every strength, and print what became of each."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sandbox.planting.faults import STRENGTHS, read_kinds
from sandbox.planting.judge import Fate, fates
from sandbox.planting.night import make_night, say

COLUMNS = ("kind", "where", "strength", "struck", "scores", "ranks", "sent", "harm", "checks", "outcome", "by")
OUTCOMES = ("stopped", "held", "warned", "shown", "silent")


def main() -> int:
    """Print the table as it comes, then its sums; exit 1 where a fault that harms passed, or too many were silent."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.planting")
    parser.add_argument("--night", type=Path, default=Path("data/planting"), help="Folder of the sound night.")
    parser.add_argument("--only", nargs="*", default=[], help="Kinds, or beginnings of their names.")
    parser.add_argument("--strength", nargs="*", default=list(STRENGTHS), choices=list(STRENGTHS))
    parser.add_argument("--measure-held", action="store_true", help="Build what is held too, to see what it changes.")
    parser.add_argument("--processes", type=int, default=2, help="So many faults at once.")
    asked = parser.parse_args()
    kinds = [one for one in read_kinds() if not asked.only or one.kind.startswith(tuple(asked.only))]
    planted = [(kind, one) for kind in kinds for one in asked.strength if one in kind.strengths]
    found = []
    _print(COLUMNS)
    night = make_night(asked.night)
    for fate in fates(night, planted, processes=asked.processes, measures_held=asked.measure_held):
        found.append(fate)
        _print(_row(fate))
    return summary(found)


def _print(cells: Sequence[object]) -> None:
    say(" | ".join("" if cell is None else str(cell) for cell in cells))


def _row(fate: Fate) -> list[object]:
    harm = "harm" if fate.is_harm else ""
    figures = (fate.scores, fate.ranks, fate.sent)
    return [fate.kind, fate.where, fate.strength, fate.struck, *figures, harm, fate.checks, fate.outcome, fate.by]


def summary(found: Sequence[Fate]) -> int:
    """Print the sums, by strength and in all; answers the exit code."""
    for strength in STRENGTHS:
        _print([f"{strength}: {_counted([one for one in found if one.strength == strength])}"])
    harmful = [one for one in found if one.is_harm]
    through = [one for one in harmful if one.outcome not in ("stopped", "held")]
    lesser = [one for one in found if not one.is_harm and (one.scores or one.ranks or one.sent or one.cells)]
    unwarned = [one for one in lesser if one.outcome in ("shown", "silent")]
    blind = [one for one in found if not one.checks or not one.struck]
    _print([f"all: {_counted(found)}"])
    for what, some, of in (
        ("harm let through", through, harmful),
        ("lesser, neither stopped nor warned of", unwarned, lesser),
        ("nothing looked at, or nothing planted", blind, found),
    ):
        _print([f"{what}: {len(some)} of {len(of)}", *(f"{one.kind}/{one.strength}" for one in some)])
    return int(bool(through) or bool(blind) or 20 * len(unwarned) > len(lesser))


def _counted(found: Sequence[Fate]) -> str:
    by = Counter(one.outcome for one in found)
    return f"{len(found)} planted: " + ", ".join(f"{by[name]} {name}" for name in OUTCOMES if by[name])


if __name__ == "__main__":
    sys.exit(main())
