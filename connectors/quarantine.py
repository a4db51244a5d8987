"""The records that were refused: each with all its faults, and whether it still stands."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.errors import DataError
from connectors.landing import landed_path
from connectors.refusals import Identity, Key, canonical_keys, quarantine_path, read_lines
from connectors.spec import Dataset, Source, XlsxDecoder
from ledger.batches import promoted_batches
from ledger.quarantine import decisions, record_id
from ledger.settings import Settings
from ledger.store import Row

SHOWN_VALUE = 500
"""Characters of a value that a listing keeps: one cell of a hostile file may be as large as the file."""

OPEN_STATES = ("standing", "repeated")
"""States in which there is something to decide about a record."""


@dataclass(frozen=True)
class Filter:
    """Which records are wanted; a field that is None filters nothing. A reason is a reason code or a rule."""

    source: str | None = None
    dataset: str | None = None
    reason: str | None = None
    batch: str | None = None
    ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Quarantined:
    """One refused record as it was last met.

    `state` is `standing`, or why it is not: `discarded` or `replayed` (decided), `landed` (its key landed since),
    `repeated` (the same record came again later and is listed there), `replaced` (a newer read of the whole stands),
    `value_discarded` (the record landed, without that value), `value_repaired` (it landed, and a code of it was
    fixed), `not_promoted` (nothing of its batch counts) or `gone` (no source file declares its dataset).
    """

    record_id: str
    source: str
    dataset: str
    batch: str
    learned_on: str
    label: str
    raw_sha256: str
    position: int
    uscc: str | None
    name: str | None
    key: Key
    faults: tuple[dict[str, Any], ...]
    content: str
    state: str = "unknown"
    decision: Row | None = None

    @property
    def address(self) -> str:
        """`source.dataset`."""
        return f"{self.source}.{self.dataset}"

    @property
    def is_refused(self) -> bool:
        """Whether the record itself fell, not a value of it alone."""
        return any(fault["action"] == "record_refused" for fault in self.faults)


def quarantined(
    sources: Sequence[Source], ledger: Engine, settings: Settings, as_of: date, wanted: Filter
) -> list[Quarantined]:
    """The refused records that `wanted` asks for, standing or not, by dataset, batch and place.

    The files are read line by line and no raw record is kept, so memory grows with the number of records refused alone.
    """
    declared = {(dataset.source, dataset.name): dataset for source in sources for dataset in source.datasets}
    found: list[Quarantined] = []
    for source, name in _datasets_held(settings.data_dir, wanted):
        settled = _settle(source, name, declared.get((source, name)), ledger, settings, as_of)
        found += [one for one in settled if _is_wanted(one, wanted)]
    return sorted(found, key=lambda one: (one.source, one.dataset, one.batch, one.label, one.position))


def _datasets_held(data_dir: Path, wanted: Filter) -> Iterator[tuple[str, str]]:
    """Source and dataset of every quarantine folder. Names are compared with the filter, never joined to a path."""
    for folder in sorted((data_dir / "quarantine").glob("*/*")):
        source, dataset = folder.parent.name, folder.name
        if wanted.source in (None, source) and wanted.dataset in (None, dataset, f"{source}.{dataset}"):
            yield source, dataset


def _is_wanted(one: Quarantined, wanted: Filter) -> bool:
    return (
        (wanted.ids is None or one.record_id in wanted.ids)
        and (wanted.batch is None or one.batch == wanted.batch)
        and (wanted.reason is None or any(wanted.reason in (f["reason"], f["rule"]) for f in one.faults))
    )


def _read_batches(data_dir: Path, source: str, dataset: str, batches: Iterable[str]) -> list[Quarantined]:
    """Every record that these batches refused, once, with the faults of the last of them that met it."""
    newest: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {}
    first_met: dict[str, str] = {}
    for batch in batches:
        for line in read_lines(quarantine_path(data_dir, source, dataset, batch)):
            name = record_id(source, dataset, line["raw_sha256"], line["position"])
            first_met[name] = min(batch, first_met.get(name, batch))
            if name not in newest or newest[name][0] != batch:
                newest[name] = (batch, _facts(line), [])
            newest[name][2].append(_fault(line))
    return [
        Quarantined(name, source, dataset, batch, first_met[name][:10], faults=tuple(faults), **facts)
        for name, (batch, facts, faults) in newest.items()
    ]


def _facts(line: Mapping[str, Any]) -> dict[str, Any]:
    said = json.dumps(line["record"], sort_keys=True).encode()
    facts = {name: line[name] for name in ("label", "raw_sha256", "position", "uscc", "name")}
    return {**facts, "key": tuple(line["key"]), "content": hashlib.sha256(said).hexdigest()}


def _fault(line: Mapping[str, Any]) -> dict[str, Any]:
    value = line["value"]
    shown = value if value is None or isinstance(value, (bool, int)) else str(value)[:SHOWN_VALUE]
    return {**{name: line[name] for name in ("reason", "rule", "column", "action")}, "value": shown}


def _settle(
    source: str, name: str, dataset: Dataset | None, ledger: Engine, settings: Settings, as_of: date
) -> Iterator[Quarantined]:
    """Every record of a dataset, with whether it stands on a date."""
    made = decisions(ledger, source, name, as_of)
    promoted = promoted_batches(ledger, source, name, as_of)
    counted = in_force(dataset, promoted) if dataset else []
    counting = {row["batch"] for row in counted}
    folder = settings.data_dir / "quarantine" / source / name
    batches = [path.stem.removeprefix("batch=") for path in folder.glob("batch=*.jsonl")]
    # Those that count come last: of a record that several batches met, the last one's faults are shown.
    in_order = sorted(batches, key=lambda batch: (batch in counting, batch))
    records = _read_batches(settings.data_dir, source, name, in_order)
    states = _states(dataset, settings, counted, [one for one in records if one.batch in counting]) if dataset else {}
    otherwise = {row["batch"]: "replaced" for row in promoted} if dataset else {}
    for one in records:
        state = states.get(one.record_id) or otherwise.get(one.batch, "not_promoted" if dataset else "gone")
        decision = made.get(one.record_id)
        yield replace(one, decision=decision, state=_decided_state(decision, state))


def standing(
    dataset: Dataset, ledger: Engine, settings: Settings, as_of: date, until: str | None = None
) -> tuple[Identity, ...]:
    """Whom the records are about that stand refused, each record once, by code, name and the key as it would land.

    `until` is the last batch that is known, where not all of that day are.
    """
    made = decisions(ledger, dataset.source, dataset.name, as_of)
    counted = in_force(dataset, promoted_batches(ledger, dataset.source, dataset.name, as_of, until))
    batches = [row["batch"] for row in counted]
    records = _read_batches(settings.data_dir, dataset.source, dataset.name, batches)
    states = _states(dataset, settings, counted, records)
    canonical = canonical_keys(dataset, settings.zone)
    found = {
        one.content: Identity(one.uscc, one.name, canonical(one.key))
        for one in records
        if _decided_state(made.get(one.record_id), states[one.record_id]) in OPEN_STATES
    }
    return tuple(sorted(found.values(), key=lambda one: (one.uscc or "", one.name or "", str(one.key))))


def _decided_state(decision: Row | None, state: str) -> str:
    """The state with the decision: discarded is final; replayed holds only as long as the replayed row counts."""
    if decision is None or (decision["action"] == "replayed" and state in OPEN_STATES):
        return state
    return str(decision["action"])


def _states(dataset: Dataset, settings: Settings, counted: Sequence[Row], records: list[Quarantined]) -> dict[str, str]:
    """The state of each record of the batches that count, decisions left aside."""
    canonical = canonical_keys(dataset, settings.zone)
    keys = {one.record_id: canonical(one.key) for one in records}
    landed_in = _landed_in(dataset, settings.data_dir, counted, set(keys.values()))
    in_order = sorted(records, key=lambda one: (one.batch, one.label, one.position))
    last = {one.content: one.record_id for one in in_order if one.is_refused}
    states = {}
    for one in records:
        if not one.is_refused:
            is_mended = all(fault["action"] == "value_repaired" for fault in one.faults)
            states[one.record_id] = "value_repaired" if is_mended else "value_discarded"
        elif landed_in.get(keys[one.record_id], "") > one.batch:
            states[one.record_id] = "landed"
        else:
            states[one.record_id] = "standing" if last[one.content] == one.record_id else "repeated"
    return states


def in_force(dataset: Dataset, promoted: Sequence[Row]) -> list[Row]:
    """The promoted batches that count: of a snapshot its newest read and what was replayed since, else all of them."""
    if dataset.load != "snapshot":
        return list(promoted)
    reads = [place for place, row in enumerate(promoted) if row["origin"] == "pull"]
    return list(promoted[reads[-1] :]) if reads else list(promoted)


def _landed_in(dataset: Dataset, data_dir: Path, counted: Sequence[Row], keys: set[Key]) -> dict[Key, str]:
    """Of these keys, the newest batch in which each landed. Landed files are read some rows at a time."""
    found: dict[Key, str] = {}
    # What is missing or no UTF-8 did not land.
    firsts = pa.array([first.encode("utf-8", "replace").decode() for first, *_ in keys if first], pa.string())
    for row in counted if keys else ():
        # An unchanged snapshot has the content of the one it repeats; an unchanged feed has none.
        said_by = row["same_as"] if dataset.load == "snapshot" and row["state"] == "unchanged" else row["batch"]
        path = landed_path(data_dir, dataset.source, dataset.name, said_by)
        if row["state"] == "unchanged" and said_by == row["batch"]:
            continue
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(dataset.key)):
                # Few keys are sought, and most begin with a text: of other rows no values are made.
                may_be = pc.is_in(batch[0], firsts) if pa.types.is_string(batch[0].type) else None
                likely = batch if may_be is None else batch.filter(may_be)
                for values in zip(*(column.to_pylist() for column in likely.columns), strict=True):
                    key = tuple(str(value) for value in values)
                    if key in keys:
                        found[key] = row["batch"]
    return found


def place_of(dataset: Dataset | None, position: int) -> str:
    """A place on a page: `#31`, and of a workbook the row that its sheet shows beside it."""
    decoder = dataset.decoder if dataset is not None else None
    if not isinstance(decoder, XlsxDecoder):
        return f"#{position}"
    return f"#{position} (row {position + decoder.header_row + decoder.header_rows - 1} of the sheet)"


def raw_line(data_dir: Path, one: Quarantined) -> Any:
    """The record as the agency sent it."""
    path = quarantine_path(data_dir, one.source, one.dataset, one.batch)
    for line in read_lines(path):
        if (line["raw_sha256"], line["position"]) == (one.raw_sha256, one.position):
            return line["record"]
    raise DataError(f"record {one.record_id} is no longer there.", str(path), "restore the file from the backup")


def why_closed(one: Quarantined) -> str:
    """Why nothing is left to decide about a record, as a sentence."""
    if one.decision is None:
        return f"left as it is: it is not open ({one.state})"
    made = one.decision
    return f"already {made['action']} by {made['decided_by']} at {made['decided_at']}: {made['why']}"


def twins(records: Iterable[Quarantined], one: Quarantined) -> list[Quarantined]:
    """The other deliveries of the very same record: they are discarded with it."""
    return [
        other
        for other in records
        if (other.source, other.dataset, other.content) == (one.source, one.dataset, one.content)
        and other.record_id != one.record_id
        and other.is_refused
    ]
