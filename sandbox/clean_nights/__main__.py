"""`python -m sandbox.clean_nights`: simulate nights in which nothing is wrong, and print what was held all the same."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

from sandbox.clean_nights.nights import CleanNight, run_part
from sandbox.planting.night import make_night, say

MISTAKEN_PCT = 1


def main() -> int:
    """Print each night as it comes, then the sums; exit 1 where more than one in a hundred was held or stopped."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.clean_nights")
    parser.add_argument("--night", type=Path, default=Path("data/planting"), help="Folder of the sound night.")
    parser.add_argument("--nights", type=int, default=200, help="So many, up to the day before the sound night's.")
    parser.add_argument("--until", type=date.fromisoformat, help="The last day, where it is another.")
    parser.add_argument("--seed", type=int, default=1, help="Which records come late, are put right or taken back.")
    parser.add_argument("--build-every", type=int, default=1, help="Land all nights, build one in so many.")
    parser.add_argument("--processes", type=int, default=2, help="So many runs of days side by side.")
    asked = parser.parse_args()
    night = make_night(asked.night)
    last = asked.until or night.as_of - timedelta(days=1)
    days = [last - timedelta(days=back) for back in reversed(range(asked.nights))]
    size = -(-len(days) // asked.processes)
    parts = [(night, days[at : at + size], asked.seed, asked.build_every) for at in range(0, len(days), size)]
    found = []
    with ProcessPoolExecutor(len(parts), get_context("spawn")) as pool:
        for part in pool.map(run_part, parts):
            found += part
    return summary(found)


def summary(found: Sequence[CleanNight]) -> int:
    """Print the sums; answers the exit code."""
    mistaken = [one for one in found if one.is_mistaken]
    deliveries, held = sum(len(one.compared) for one in found), sum(len(one.held) for one in found)
    built = [one for one in found if one.is_built]
    blind = [one for one in built if not one.checks]
    share = 100 * len(mistaken) / len(found)
    say(f"{len(found)} nights, {len(built)} built: {len(mistaken)} with something held or stopped, {share:.1f} %")
    say(f"{deliveries} deliveries that changed something: {held} held, {100 * held / max(deliveries, 1):.2f} %")
    warned = sum(len(one.warned) for one in found)
    nights = sum(bool(one.warned) for one in found)
    say(f"warned of: {warned} deliveries, {100 * warned / max(deliveries, 1):.0f} %, in {nights} nights")
    say(f"nights in which nothing was looked at: {len(blind)}")
    return int(100 * len(mistaken) > MISTAKEN_PCT * len(found) or bool(blind) or not deliveries or not built)


if __name__ == "__main__":
    sys.exit(main())
