"""Publish again and again while a reader reads `current` every 10 ms: is each edition that is read a whole one.

`python -m tests.poll_current DATA_DIR --publishes 100` copies the current edition of a data folder under other
names and moves `current` between them, as a night does. Exit code 1 where a reader saw anything but a whole edition.
"""

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path

from editions.durable import make_read_only
from editions.places import editions_dir, point_current
from editions.verify import verify

POLL_SECONDS = 0.01


def read_on(data_dir: Path, reads: Semaphore, over: Event, results: "multiprocessing.Queue[dict[str, int]]") -> None:
    """Read `current` as a bank's program would: follow the link once, then every file of what it leads to."""
    seen: Counter[str] = Counter()
    while not over.is_set():
        edition = (editions_dir(data_dir) / "current").resolve(strict=True)
        findings = verify(edition)
        seen["not whole" if findings else "whole"] += 1
        seen[f"edition {edition.name}"] += 1
        reads.release()
        time.sleep(POLL_SECONDS)
    results.put(dict(seen))


def publish_on(edition: Path, data_dir: Path, publishes: int, reads: int = 1) -> dict[str, int]:
    """Make so many editions current, one after the other, while a reader looks on; answers what it saw.

    It goes on until the reader has read so often: how fast that is depends on the machine.
    """
    for number in range(2):
        copy = editions_dir(data_dir) / f"first-{number}"
        shutil.copytree(edition, copy)
        make_read_only(copy)
    point_current(data_dir, "first-0")
    read, over, results = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Queue()
    reader = multiprocessing.Process(target=read_on, args=(data_dir, read, over, results))
    reader.start()
    for number in count():
        if (number >= publishes and read.get_value() >= reads) or not reader.is_alive():
            break
        draft = editions_dir(data_dir) / f".sealing-{number}"
        shutil.copytree(edition, draft)
        make_read_only(draft)
        draft.rename(editions_dir(data_dir) / f"edition-{number}")
        point_current(data_dir, f"edition-{number}")
        time.sleep(POLL_SECONDS)
    over.set()
    seen = results.get(timeout=60)
    reader.join()
    return seen


def main() -> int:
    """Print what the reader saw."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--publishes", type=int, default=100)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="jifen-readers-") as folder:
        seen = publish_on((editions_dir(asked.data_dir) / "current").resolve(), Path(folder), asked.publishes)
        for path in Path(folder).rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
    editions = sum(name.startswith("edition ") for name in seen)
    whole, broken = seen.get("whole", 0), seen.get("not whole", 0)
    sys.stdout.write(
        f"{asked.publishes} publishes, {whole + broken} reads of {editions} editions: {broken} not whole\n"
    )
    return int(broken > 0 or not whole)


if __name__ == "__main__":
    raise SystemExit(main())
