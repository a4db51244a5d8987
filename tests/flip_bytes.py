"""Flip bytes of a store and count what is not refused: `python -m tests.flip_bytes DATA_DIR`.

Every byte of the current edition's manifest in turn, then random bits in tables, landed and quarantine files. A copy of
the folder is damaged, never the folder itself. A line for each kind; exit code 1 where one flip went unseen.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from connectors.source_files import read_sources
from connectors.stored import Store, faults_in, read_of
from connectors.zone import read_zone
from editions.manifest import MANIFEST
from editions.places import edition_path
from editions.verify import verify
from ledger.publications import current_id, edition_row
from ledger.settings import Settings
from ledger.store import open_ledger

Check = Callable[[], bool]
"""Whether the store is refused as it stands."""


@contextmanager
def flipped(path: Path, at: int, mask: int) -> Iterator[None]:
    """The file with some bits of one byte turned round."""
    before = path.read_bytes()
    path.chmod(0o600)
    content = bytearray(before)
    content[at] ^= mask
    path.write_bytes(content)
    yield
    path.write_bytes(before)


def every_byte(path: Path, refused: Check, step: int = 1) -> Counter[str]:
    """Flip each byte of a file in turn."""
    found: Counter[str] = Counter()
    for at in range(0, path.stat().st_size, step):
        with flipped(path, at, 0xFF):
            found["refused" if refused() else "unseen"] += 1
    return found


def random_bits(files: list[Path], refused: Check, flips: int, seeded: random.Random) -> Counter[str]:
    """Flip so many bits, each of a file by its size."""
    found: Counter[str] = Counter()
    sizes = [path.stat().st_size for path in files]
    for path in seeded.choices(files, sizes, k=flips):
        with flipped(path, seeded.randrange(path.stat().st_size), 1 << seeded.randrange(8)):
            found["refused" if refused() else "unseen"] += 1
    return found


def sweep(data_dir: Path, flips: int, step: int = 1, seed: int = 20250630) -> dict[str, Counter[str]]:
    """Damage a data folder in every way; answers for each kind how often it was refused."""
    settings = Settings(data_dir=data_dir, ledger_url=None, _env_file=None)
    ledger, sources = open_ledger(settings), tuple(read_sources())
    current = str(current_id(ledger))
    row = edition_row(ledger, current) or {}
    edition = edition_path(data_dir, current)
    store = Store(settings, ledger, read_zone(None, sources), {})
    read = list(read_of(sources, store, date.max))

    def edition_refused() -> bool:
        return bool(verify(edition, row["manifest_sha256"]))

    def store_refused() -> bool:
        return any(faults_in(dataset, store, one) for _, dataset, one in read)

    if edition_refused() or store_refused():
        raise SystemExit(f"{data_dir} is not whole to begin with")
    seeded = random.Random(seed)
    kinds = {
        "tables and extracts": (sorted(edition.glob("*/*.*")), edition_refused),
        "landed": (_hashed(store, ".parquet"), store_refused),
        "quarantine": (_hashed(store, ".jsonl"), store_refused),
    }
    found = {"manifest, every byte": every_byte(edition / MANIFEST, edition_refused, step)}
    for name, (files, refused) in kinds.items():
        found[name] = random_bits(files, refused, flips // len(kinds) + 1, seeded)
    return found


def _hashed(store: Store, suffix: str) -> list[Path]:
    return sorted(path for path in store.hashed if path.suffix == suffix)


def main() -> int:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--flips", type=int, default=10_000)
    arguments.add_argument("--step", type=int, default=1, help="every how many-th byte of the manifest")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="jifen-flips-") as folder:
        copy = Path(shutil.copytree(asked.data_dir, Path(folder) / "data", symlinks=True))
        found = sweep(copy, asked.flips, asked.step)
        for path in copy.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
    for kind, counts in found.items():
        sys.stdout.write(f"{kind:<24}{counts['refused']:>8} refused{counts['unseen']:>6} unseen\n")
    return int(any(counts["unseen"] for counts in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
