"""Records refused: what is kept of each, and which of them still stand when a night is built."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.raw import write_durably
from connectors.spec import Dataset

NAME_COLUMNS = ("enterprise_name", "applicants", "winner_name", "taxpayer_name", "unit_name", "name")
"""Columns that say who a record is about where it has no code, in order of preference."""


@dataclass(frozen=True)
class Refusal:
    """One record refused, or one value of it discarded, with enough to show the agency which and why.

    `uscc`, `name` and `key` are what the record itself states, as text and perhaps wrong: whom it may be about.
    """

    reason: str
    rule: str
    column: str | None
    value: Any
    action: str
    label: str
    raw_sha256: str
    position: int
    record: Any
    uscc: str | None
    name: str | None
    key: tuple[str | None, ...]


@dataclass(frozen=True)
class Identity:
    """Whom a record says it is about."""

    uscc: str | None
    name: str | None
    key: tuple[str | None, ...]


def identity_of(dataset: Dataset, fields: Mapping[str, Any]) -> Identity:
    """Read code, name and key out of a record's own fields, whatever else is wrong with it."""
    stated = {column.name: _text(fields.get(column.source_field)) for column in dataset.columns}
    coded = next((stated[column.name] for column in dataset.columns if column.check == "uscc"), None)
    named = next((stated[name] for name in NAME_COLUMNS if stated.get(name)), None)
    code = re.sub(r"\s", "", coded).upper() if coded else None
    return Identity(code, named, tuple(stated[name] for name in dataset.key))


def _text(raw: Any) -> str | None:
    return None if raw is None else str(raw).strip() or None


def quarantine_path(data_dir: Path, source: str, dataset: str, batch: str) -> Path:
    """The JSON lines file of what one batch refused."""
    return data_dir / "quarantine" / source / dataset / f"batch={batch}.jsonl"


def write_quarantine(path: Path, refusals: Iterable[Refusal]) -> None:
    """Write what one batch refused; nothing where it refused nothing."""
    lines = [json.dumps(asdict(one), ensure_ascii=False, sort_keys=True, default=str) for one in refusals]
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))


def standing(
    data_dir: Path, dataset: Dataset, batches: Iterable[str], landed_in: Mapping[tuple[str, ...], str]
) -> list[Identity]:
    """Whom the refused records of these batches are about, each record once, by code, name and key.

    `landed_in` is the newest batch in which each key landed. A record whose key landed in the same batch or a later one
    was corrected, and stands no more; one that would have changed a record already held still stands.
    """
    found: dict[str, Identity] = {}
    for batch in batches:
        path = quarantine_path(data_dir, dataset.source, dataset.name, batch)
        if not path.exists():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            key = tuple(one["key"])
            if one["action"] == "record_refused" and landed_in.get(key, "") < batch:
                record = json.dumps(one["record"], sort_keys=True)
                found[record] = Identity(one["uscc"], one["name"], key)
    return sorted(found.values(), key=lambda one: (one.uscc or "", one.name or "", str(one.key)))
