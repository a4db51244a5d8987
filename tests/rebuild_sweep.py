"""Make many editions of facts that move, then each of them again elsewhere, and compare every byte.

`python -m tests.rebuild_sweep --editions 30` runs that many nights of the district; before each, firms corrected what
they filed and lost a title, and every fifth night an agency is away. Then each edition is rebuilt twice: on one thread
in a copy of the data folder that has nothing landed but raw, in another time zone; and on two threads where it was
made. Tests take a small sample.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from editions.durable import remove_tree
from flows.rebuild import Rebuilt, rebuild
from sandbox.start import start
from tests.e2e.installation import Installation

CORRECTED, AWAY_EVERY = 3, 5


@dataclass(frozen=True)
class Way:
    """One way of making an edition again: how many processors it may use, and in which time zone."""

    name: str
    processors: int
    time_zone: str


WAYS = (Way("1 thread, other folder, from raw", 1, "America/New_York"), Way("2 threads", 2, "Asia/Shanghai"))


def publish_next(installation: Installation, number: int) -> str:
    """Let a day pass on which facts moved, and publish its edition; answers its id."""
    if number:
        move_facts(installation.sandbox.state, number)
    installation.faults(*([{"kind": "down", "source": "credit"}] if number % AWAY_EVERY == AWAY_EVERY - 1 else []))
    ran = installation.impatient.run(installation.as_of + timedelta(days=number))
    if ran.output["state"] != "published":
        raise SystemExit(f"night {number + 1}: {ran.output['state']}: {ran.output['message']}")
    return str(ran.output["edition_id"])


def move_facts(state: Path, number: int) -> None:
    """What firms and agencies changed since the night before."""
    drawn = random.Random(number)
    path = state / "tax" / "statements.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in drawn.sample([one for one in records if one["yffy"]], CORRECTED):
        record["yffy"] = f"{float(record['yffy']) * drawn.uniform(0.8, 1.3):.2f}"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    titles = state / "science" / "titles.jsonl"
    lines = titles.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.pop(drawn.randrange(len(lines)))
    titles.write_text("".join(lines), encoding="utf-8")


@contextmanager
def on(way: Way) -> Iterator[None]:
    """This process, and what it starts, on so many processors and in that zone."""
    allowed, zone = os.sched_getaffinity(0), os.environ.get("TZ")
    os.sched_setaffinity(0, sorted(allowed)[: way.processors])
    os.environ["TZ"] = way.time_zone
    time.tzset()
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        os.environ.pop("TZ", None)
        os.environ |= {} if zone is None else {"TZ": zone}
        time.tzset()


def made_again(installation: Installation, edition_id: str, way: Way) -> Rebuilt:
    """One edition made again one way."""
    with installation.in_force(), on(way):
        return rebuild(installation.settings, edition_id)


def from_raw(installation: Installation, folder: Path) -> Installation:
    """The data folder of an installation in another place, with nothing landed left but raw."""
    there = replace(installation, data_dir=folder / "data")
    shutil.copytree(
        installation.data_dir, there.data_dir, symlinks=True, ignore=shutil.ignore_patterns("landed", "quarantine")
    )
    return there


def sweep(folder: Path, count: int) -> int:
    """Make so many editions and rebuild each when the next is out; answers how many are byte-identical both ways."""
    identical = 0
    with start("district", folder / "sandbox") as sandbox:
        installation = Installation(folder / "data", sandbox)
        made = publish_next(installation, 0)
        for number in range(1, count + 1):
            past, made = made, publish_next(installation, number) if number < count else ""
            elsewhere = from_raw(installation, folder / f"elsewhere-{number}")
            found = [made_again(one, past, way) for one, way in zip((elsewhere, installation), WAYS, strict=True)]
            identical += all(one.is_identical for one in found)
            pairs = zip(WAYS, found, strict=True)
            counts = (f"{way.name}: {len(one.differences)} of {one.files} files differ" for way, one in pairs)
            sys.stdout.write(f"{past}  {'; '.join(counts)}\n")
            sys.stdout.writelines(f"    {lost.path}\n" for one in found for lost in one.differences)
            sys.stdout.flush()
            remove_tree(elsewhere.data_dir)
    return identical


def main() -> None:
    """Run the sweep; exit code 1 where a byte differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--editions", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        identical = sweep(Path(folder), asked.editions)
    sys.stdout.write(f"{identical} of {asked.editions} editions byte-identical both ways\n")
    raise SystemExit(0 if identical == asked.editions else 1)


if __name__ == "__main__":
    main()
