"""Dropping the tables of an edition by the retention policy; the files that prove it are kept."""

import json
from datetime import date
from pathlib import Path

from editions.durable import make_read_only, remove_tree
from editions.places import DROPPED, MANIFEST, SUMS
from editions.signature import SIGNATURES
from ledger.files import write_durably

PROOF = frozenset({MANIFEST, SUMS, DROPPED, *SIGNATURES, "verdict.json", "report.json", "README.txt"})


def droppable_files(edition: Path) -> list[Path]:
    """The files of an edition that may be dropped: all but its proof."""
    return [path for path in edition.rglob("*") if path.is_file() and path.relative_to(edition).as_posix() not in PROOF]


def drop_tables(edition: Path, on: date) -> None:
    """Remove everything but its proof from an edition and mark it as dropped. May be called again."""
    edition.chmod(0o700)
    if not (edition / DROPPED).exists():
        write_durably(edition / DROPPED, json.dumps({"dropped_on": on.isoformat()}).encode() + b"\n")
    for path in edition.iterdir():
        if path.is_dir():
            remove_tree(path)
        elif path.name not in PROOF:
            path.unlink()
    make_read_only(edition)
