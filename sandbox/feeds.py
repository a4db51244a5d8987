"""A population as its agencies hold it: the records of each dataset as they are sent."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sandbox.model import Record


@dataclass(frozen=True, slots=True)
class Feeds:
    """One population, cut into what each agency would hand over, and the business date of its records.

    `tables` is by "source.dataset", under the agency's own field names and in its order. A dataset that is not supplied
    is absent, not empty.
    """

    as_of: date
    tables: Mapping[str, Sequence[Record]]


def feed_path(state: Path, address: str) -> Path:
    """Where the records of a dataset stand, one to a line."""
    source, _, dataset = address.partition(".")
    return state / source / f"{dataset}.jsonl"


def write_json_lines(path: Path, records: Iterable[Record]) -> None:
    """Write records one to a line, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def write(feeds: Feeds, state: Path, sources: Iterable[str]) -> None:
    """Lay a population's records under a state folder in place of what these sources held before.

    What was received (inboxes, returns, notices) stays.
    """
    for name in sources:
        shutil.rmtree(state / name, ignore_errors=True)
        shutil.rmtree(state / "sftp" / name / "outbox", ignore_errors=True)
    for address, records in feeds.tables.items():
        write_json_lines(feed_path(state, address), records)
