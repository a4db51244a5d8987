"""From a batch's raw pages to typed rows and refused records: a pure function of raw bytes, source file and zone."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from connectors.columns import Fault, make_parser
from connectors.decode import Record, decode
from connectors.errors import AgencyError, PagingFaultError
from connectors.refusals import Identity, Refusal, identity_of
from connectors.spec import Column, Dataset, PageNumber
from connectors.zone import Zone

Row = dict[str, Any]

NOBODY = Identity(None, None, ())


@dataclass(frozen=True)
class RawPage:
    """One page of a batch, with its bytes."""

    sequence: int
    label: str
    sha256: str
    body: bytes


@dataclass
class Reading:
    """What a batch's pages hold: rows with their place, refusals, and counts of what was seen and not refused."""

    rows: list[Row] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    received: int = 0
    repeats_across_pages: int = 0

    @property
    def records_refused(self) -> int:
        """How many records fell; a record whose value alone was discarded still stands."""
        return len({(r.raw_sha256, r.position, r.label) for r in self.refusals if r.action == "record_refused"})


def read_pages(dataset: Dataset, zone: Zone, time_zone: ZoneInfo, pages: Iterable[RawPage]) -> Reading:
    """Decode, type and check every record of a batch. A field gone from the whole batch is an `AgencyError`."""
    reading = Reading()
    markers = zone.markers(dataset)
    parsers = [(column, make_parser(column, markers.get(column.name, ()), time_zone)) for column in dataset.columns]
    met: set[str] = set()
    whole_pages: dict[str, str] = {}
    for page in pages:
        records = decode(dataset, page.label, page.body)
        _refuse_repeated_page(dataset, page, records, whole_pages)
        for record in records:
            reading.received += 1
            if record.fields is None:
                fault = Fault(record.fault or "not_a_record", "", None, True)
                _refuse(reading, page, record, fault, NOBODY)
                continue
            met |= record.fields.keys()
            _read_record(reading, dataset, page, record, parsers)
    _audit_fields(dataset, reading, met)
    _settle_keys(dataset, reading)
    return reading


def _refuse_repeated_page(dataset: Dataset, page: RawPage, records: list[Record], seen: dict[str, str]) -> None:
    """A page number that answers with another page's records hides the records that belong there."""
    if not isinstance(dataset.paginator, PageNumber) or len(records) < 2:
        return
    mark = json.dumps([record.raw for record in records], sort_keys=True, default=str)
    if mark in seen:
        raise PagingFaultError(
            f"{page.label} repeats {seen[mark]}.", dataset.address, "run again; if it stays, call the agency"
        )
    seen[mark] = page.label


def _read_record(reading: Reading, dataset: Dataset, page: RawPage, record: Record, parsers: list[Any]) -> None:
    fields = record.fields or {}
    row: Row = {
        "_raw_sha256": page.sha256,
        "_position": record.position,
        "_sequence": page.sequence,
        "_raw": record.raw,
    }
    row["_label"] = page.label
    faults: list[Fault] = []
    for column, parse in parsers:
        row[column.name], fault, note = parse(fields.get(column.source_field))
        if fault is not None:
            faults.append(fault)
        if note is not None:
            reading.notes[f"{note}:{column.name}"] += 1
    for rule in dataset.rules:
        part, whole = row[rule.part], row[rule.whole]
        if part is not None and whole is not None and part > whole:
            faults.append(Fault("part_over_whole", rule.part, f"{part} of {whole}", True, rule.name))
    identity = identity_of(dataset, fields)
    for fault in faults:
        _refuse(reading, page, record, fault, identity)
    row["_identity"] = identity
    if not any(fault.refuses for fault in faults):
        reading.rows.append(row)


def _refuse(reading: Reading, page: RawPage, record: Record, fault: Fault, identity: Identity) -> None:
    reading.refusals.append(
        Refusal(
            reason=fault.reason,
            rule=fault.rule or (f"{fault.column}:{fault.reason}" if fault.column else fault.reason),
            column=fault.column or None,
            value=fault.value,
            action="record_refused" if fault.refuses else "value_discarded",
            label=page.label,
            raw_sha256=page.sha256,
            position=record.position,
            record=record.raw,
            uscc=identity.uscc,
            name=identity.name,
            key=identity.key,
        )
    )


def _audit_fields(dataset: Dataset, reading: Reading, met: set[str]) -> None:
    """Each field we use must be there; each one we do not use is reported: drift is seen the night it begins."""
    wanted = {column.source_field for column in dataset.columns}
    if reading.received and met and (gone := sorted(wanted - met)):
        raise AgencyError(
            f"no record has the field {', '.join(gone)}.", dataset.address, "ask the agency what it renamed"
        )
    for name in sorted(met - wanted):
        reading.notes[f"unclaimed_field:{name}"] += 1


def _settle_keys(dataset: Dataset, reading: Reading) -> None:
    """One row per key: the same record twice is dropped and counted, a feed keeps its newest, the rest are refused."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in reading.rows:
        groups.setdefault(tuple(row[name] for name in dataset.key), []).append(row)
    kept: list[Row] = []
    for rows in groups.values():
        distinct = _distinct(dataset.columns, rows)
        if len({row["_sequence"] for row in rows}) > 1:
            reading.repeats_across_pages += len(rows) - 1
        reading.notes["duplicate_delivery"] += len(rows) - len(distinct)
        newest = _newest(dataset, distinct)
        if newest is None:
            for row in distinct:
                _refuse_conflict(dataset, reading, row)
        else:
            reading.notes["superseded_in_batch"] += len(distinct) - 1
            kept.append(newest)
    reading.rows = sorted(kept, key=lambda row: tuple(row[name] for name in dataset.key))
    reading.notes += Counter()  # drops the zeros


def _distinct(columns: tuple[Column, ...], rows: list[Row]) -> list[Row]:
    seen: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        seen.setdefault(tuple(row[column.name] for column in columns), row)
    return list(seen.values())


def _newest(dataset: Dataset, rows: list[Row]) -> Row | None:
    """The one row to keep for a key, or None where the agency contradicts itself with no way to tell which is later."""
    if len(rows) == 1:
        return rows[0]
    if dataset.load != "upsert":
        return None
    since = getattr(dataset.request, "since", None)

    def age(row: Row) -> tuple[Any, ...]:
        return (row[since.column],) if since else (row["_sequence"],)

    ordered = sorted(rows, key=age)
    return ordered[-1] if age(ordered[-1]) != age(ordered[-2]) else None


def _refuse_conflict(dataset: Dataset, reading: Reading, row: Mapping[str, Any]) -> None:
    page = RawPage(row["_sequence"], row["_label"], row["_raw_sha256"], b"")
    fault = Fault("conflicting_key", dataset.key[0], row[dataset.key[0]], True, "key:" + "+".join(dataset.key))
    _refuse(reading, page, Record(row["_position"], None, row["_raw"]), fault, row["_identity"])
