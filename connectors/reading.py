"""From raw pages to typed rows and refused records: a pure function of raw bytes, source file and zone."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import Fault, arrow_type, days_in, declared_schema, tombstones_of
from connectors.decoders.chunk import Broken, Chunk
from connectors.decoders.decode import decode
from connectors.drift import claim_extra, settle_retyped
from connectors.errors import AgencyError, ConfigError, PagingFaultError
from connectors.page_batch import PageBatch, Placed, RawPage, together
from connectors.refusals import NOBODY, Identity, Refusal, identity_of
from connectors.spec import Column, CsvDecoder, Dataset, FileRequest, ParquetDecoder, ReplaceBy, Tombstone, XlsxDecoder
from connectors.spelling import as_code
from connectors.vectors import ColumnReader, make_reader
from connectors.zone import Zone
from ledger.hand_made import NO_ONE, NO_RECORD, RULE_LINE, is_numbering

PLACE = (
    pa.field("_raw_sha256", pa.string()),
    pa.field("_position", pa.int32()),
    pa.field("_sequence", pa.int32()),
    pa.field("_deleted", pa.bool_()),
    pa.field("_valid_from", pa.date32()),
    pa.field("_extra", pa.string()),
)
"""What a row says beside its facts: the page and place it came from, whether it deletes, from when it holds in the
world, and as JSON what no column claims."""


COUNTED_AS = {"record_refused": "refused", "value_discarded": "discarded", "value_repaired": "repaired"}
"""What stands before the rule in the name of a count."""


@dataclass(frozen=True)
class Part:
    """Some rows of a batch, typed, with `PLACE` behind the facts; and the records that were refused among them."""

    rows: pa.Table
    refusals: list[Refusal]


@dataclass
class Reading:
    """What was seen while the pages of a batch were read: counts, never the rows themselves."""

    received: int = 0
    refused: int = 0
    alive: int = 0
    """Records that do not delete, refused ones too."""
    notes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)
    refused_keys: list[tuple[Any, ...]] = field(default_factory=list)
    unknown_keys: int = 0
    """Refused records whose own key cannot be read: of a delivery with such, nothing follows from what it lacks."""

    def counts(self) -> dict[str, int]:
        """Every count by name, for the ledger."""
        return dict(sorted((self.rules + self.notes).items()))


@dataclass(frozen=True)
class _Reader:
    """What stays the same over all pages of one dataset."""

    dataset: Dataset
    columns: tuple[tuple[Column, ColumnReader], ...]
    claimed: frozenset[str]
    schema: pa.Schema
    zone: ZoneInfo
    tombstones: tuple[Any, ...]
    seen_pages: dict[str, str]


def part_schema(dataset: Dataset) -> pa.Schema:
    """The columns of `Part.rows`."""
    return pa.schema([*declared_schema(dataset), *PLACE])


def read_pages(
    dataset: Dataset, zone: Zone, time_zone: ZoneInfo, pages: Iterable[RawPage], reading: Reading
) -> Iterator[Part]:
    """Decode, type and check every record of a batch. A field gone from the whole batch is an `AgencyError`.

    `reading` fills as the parts are taken. Records that come twice are in the rows twice: settling them needs all rows.
    """
    markers = zone.markers(dataset)
    columns = tuple((one, make_reader(one, markers.get(one.name, ()), time_zone)) for one in dataset.columns)
    claimed = frozenset(one.source_field for one in dataset.columns)
    try:
        tombstones = tombstones_of(dataset, markers, time_zone)
    except ValueError as error:
        raise ConfigError(f"{error}.", dataset.address, "mend `deletes`, or the zone's words for nothing") from None
    reader = _Reader(dataset, columns, claimed, part_schema(dataset), time_zone, tombstones, {})
    for batch in together(_chunks(reader, pages, reading)):
        yield _read_batch(reader, batch, reading)
    _audit_fields(dataset, reading)


def _chunks(reader: _Reader, pages: Iterable[RawPage], reading: Reading) -> Iterator[Placed]:
    for page in pages:
        records = 0
        edges: list[Any] = []
        for chunk in decode(reader.dataset, page.label, page.body, page.answer):
            size = len(chunk.positions)
            records += size + len(chunk.broken)
            edges += [chunk.raw(0), chunk.raw(size - 1)] if size else []
            reading.notes.update(chunk.notes)
            _audit_header(reader, page, chunk)
            yield page, chunk
        _refuse_repeated_page(reader, page, records, edges)
        if not records and isinstance(reader.dataset.request, FileRequest):
            reading.notes[f"no_records:{page.label.rpartition(' (')[0] or page.label}"] += 1


def _audit_header(reader: _Reader, page: RawPage, chunk: Chunk) -> None:
    """A table says its columns at its top: one that lacks a column we use is not the file we know."""
    if not isinstance(reader.dataset.decoder, (CsvDecoder, XlsxDecoder, ParquetDecoder)):
        return
    if not chunk.positions and not chunk.broken:
        return
    wanted = {column.source_field: column for column, _ in reader.columns}
    gone = _gone_for_good(reader.dataset, wanted, set(chunk.columns))
    if gone:
        raise AgencyError(
            f"{page.label} has no column {', '.join(gone)}; its header reads {', '.join(chunk.columns)[:120]!r}.",
            reader.dataset.address,
            "ask the agency what it renamed or whether the delimiter changed; where titles stand above the header, "
            "declare header_row",
        )


def _gone_for_good(dataset: Dataset, wanted: Mapping[str, Column], met: AbstractSet[str]) -> list[str]:
    """Of the fields that are not there, those without which nothing may be read, by the dataset's contract."""
    strict = dataset.schema_contract.data_type in ("freeze", "discard_row")
    return sorted(name for name, column in wanted.items() if name not in met and (strict or column.required))


def _refuse_repeated_page(reader: _Reader, page: RawPage, records: int, edges: list[Any]) -> None:
    """A page that answers with another page's records hides the records that belong there."""
    if reader.dataset.paginator is None or records < 2 or not edges:
        return
    # Two partitions may well hold equal records; two pages of one listing may not.
    partition = page.label.partition("]")[0] if page.label.startswith("[") else ""
    told = json.dumps([partition, records, edges[0], edges[-1]], sort_keys=True, default=str)
    mark = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()
    if mark in reader.seen_pages:
        raise PagingFaultError(
            f"{page.label} repeats {reader.seen_pages[mark]}.",
            reader.dataset.address,
            "run again; if it stays, call the agency",
        )
    reader.seen_pages[mark] = page.label


def _read_batch(reader: _Reader, batch: PageBatch, reading: Reading) -> Part:
    size, label = batch.size, batch.parts[0][0].label
    reading.received += size + sum(len(chunk.broken) for _, chunk in batch.parts)
    reading.met |= batch.columns.keys()
    faults: dict[int, list[Fault]] = {}
    extra = claim_extra(reader.dataset, batch.columns, reader.claimed, faults, reading.notes)
    typed: list[pa.Array] = []
    for column, read in reader.columns:
        values = batch.columns.get(column.source_field)
        found = read(values if values is not None else [None] * size)
        found = settle_retyped(reader.dataset, column, found, label, values, extra)
        for note, count in found.notes.items():
            reading.notes[f"{note}:{column.name}"] += count
        for place, fault in found.faults.items():
            faults.setdefault(place, []).append(fault)
        typed.append(found.values)
    facts = dict(zip((column.name for column, _ in reader.columns), typed, strict=True))
    deleted = _deleted(reader, facts, size, faults)
    _forgive_tombstones(reader.dataset, deleted, faults)
    _check_rules(reader.dataset, facts, faults)
    _refuse_totals(reader.dataset, facts, faults)
    _refuse_numbering(reader.dataset, batch, faults)
    refusals = _refusals(reader, batch, facts, faults, reading)
    rows = _table(reader, batch, facts, deleted, extra)
    reading.alive += size - pc.sum(deleted).as_py() if size else 0
    fallen = [place for place, found in faults.items() if any(fault.refuses for fault in found)]
    if fallen:
        stands = np.ones(size, bool)
        stands[fallen] = False
        rows = rows.filter(pa.array(stands))
    return Part(rows, refusals)


def _table(
    reader: _Reader,
    batch: PageBatch,
    facts: dict[str, pa.Array],
    deleted: pa.Array,
    extra: dict[int, dict[str, Any]],
) -> pa.Table:
    size = batch.size
    valid = reader.dataset.valid
    told = [_as_json(extra[place]) if place in extra else None for place in range(size)] if extra else []
    place = [
        *batch.places(),
        deleted,
        days_in(facts[valid.from_column], reader.zone) if valid else pa.nulls(size, pa.date32()),
        pa.array(told, pa.string()) if extra else pa.nulls(size, pa.string()),
    ]
    return pa.Table.from_arrays([*facts.values(), *place], schema=reader.schema)


def _as_json(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, default=str)
    return text.encode("utf-8", "backslashreplace").decode()


def _deleted(reader: _Reader, facts: dict[str, pa.Array], size: int, faults: dict[int, list[Fault]]) -> pa.Array:
    """Which records delete; a text that is a tombstone but for its letter case may mean either, and is refused."""
    deletes = reader.dataset.deletes
    if not isinstance(deletes, Tombstone):
        return pa.repeat(pa.scalar(False), size)
    stated, tombstones = facts[deletes.column], reader.tombstones
    (column,) = (one for one, _ in reader.columns if one.name == deletes.column)
    if column.kind == "varchar":
        exact = {as_code(text) for text in tombstones}
        folded = {text.casefold() for text in exact}
        spelled = {text: as_code(text) for text in stated.unique().drop_null().to_pylist()}
        tombstones = tuple(text for text, code in spelled.items() if code in exact)
        unsure = [text for text, code in spelled.items() if code not in exact and code.casefold() in folded]
        unsure = [text for text in unsure if text not in (column.values or ())]
        for place in pc.indices_nonzero(pc.is_in(stated, pa.array(unsure, pa.string()))).to_pylist():
            faults.setdefault(place, []).append(Fault("not_in_values", column.name, stated[place].as_py(), True))
    return pc.is_in(stated, pa.array(tombstones, arrow_type(column.data_type)))


def _forgive_tombstones(dataset: Dataset, deleted: pa.Array, faults: dict[int, list[Fault]]) -> None:
    """A record that deletes need not say more than its key: what else it lacks refuses nothing."""
    if not isinstance(dataset.deletes, Tombstone):
        return
    # Without the day of its change nothing says that it comes after what it deletes.
    needed = {*dataset.key, *([dataset.since.column] if dataset.since else [])}
    for place in [place for place in faults if deleted[place].as_py()]:
        faults[place] = [one for one in faults[place] if one.column in needed or one.reason != "required_missing"]


def _check_rules(dataset: Dataset, facts: dict[str, pa.Array], faults: dict[int, list[Fault]]) -> None:
    for rule in dataset.rules:
        broken = pc.fill_null(pc.greater(facts[rule.part], facts[rule.whole]), False)
        if not pc.any(broken).as_py():
            continue
        for place in pc.indices_nonzero(broken).to_pylist():
            told = f"{facts[rule.part][place].as_py()} of {facts[rule.whole][place].as_py()}"
            faults.setdefault(place, []).append(Fault("part_over_whole", rule.part, told, True, rule.name))


def _refuse_totals(dataset: Dataset, facts: dict[str, pa.Array], faults: dict[int, list[Fault]]) -> None:
    """A total, a note or the header again, where a key or a name belongs, is no record, unless `values` names it."""
    for column in dataset.columns:
        named = column.name in dataset.key or column.says_who
        if not named or column.data_type != "varchar" or column.check or column.values is not None:
            continue
        stated = facts[column.name]
        is_header = pc.equal(stated, column.source_field)
        alone = dataset.key == (column.name,)
        pattern = NO_RECORD + NO_ONE * (alone or column.says_who) + RULE_LINE * alone
        found = pc.fill_null(pc.or_(pc.match_substring_regex(stated, pattern), is_header), False)
        for place in pc.indices_nonzero(found).to_pylist() if pc.any(found).as_py() else ():
            faults.setdefault(place, []).append(Fault("not_a_record", column.name, stated[place].as_py(), True))


def _refuse_numbering(dataset: Dataset, batch: PageBatch, faults: dict[int, list[Fault]]) -> None:
    """The first row of a table is no record where it numbers the columns of the header above it."""
    if not isinstance(dataset.decoder, (CsvDecoder, XlsxDecoder)):
        return
    for place, (_, chunk) in zip(batch.starts, batch.parts, strict=True):
        if chunk.positions and chunk.positions[0] == 1 and is_numbering(chunk.raw(0).values()):
            key = dataset.key[0]
            field = next(column.source_field for column in dataset.columns if column.name == key)
            faults.setdefault(place, []).append(Fault("not_a_record", key, chunk.raw(0).get(field), True))


def _refusals(
    reader: _Reader,
    batch: PageBatch,
    facts: dict[str, pa.Array],
    faults: dict[int, list[Fault]],
    reading: Reading,
) -> list[Refusal]:
    names = {column.source_field: column.name for column, _ in reader.columns}
    found = [
        _refusal(page, one.position, one.raw, _fault_of(one, names), _identity_of(reader.dataset, one))
        for page, chunk in batch.parts
        for one in chunk.broken
    ]
    reading.refused += len(found)
    reading.unknown_keys += len(found)
    for place in sorted(place for place, some in faults.items() if some):
        page, position, raw = batch.at(place)
        identity = identity_of(reader.dataset, {name: values[place] for name, values in batch.columns.items()})
        found += [_refusal(page, position, raw, fault, identity) for fault in faults[place]]
        if any(fault.refuses for fault in faults[place]):
            reading.refused += 1
            _remember_key(reader.dataset, facts, place, reading)
    for refusal in found:
        reading.rules[f"{COUNTED_AS[refusal.action]}:{refusal.rule}"] += 1
    return found


def _identity_of(dataset: Dataset, broken: Broken) -> Identity:
    """Whom a record states whose fields are known: of the one at fault nothing is taken."""
    if broken.field is None:
        return NOBODY
    return identity_of(dataset, {**broken.raw, broken.field: None})


def _fault_of(broken: Broken, names: Mapping[str, str]) -> Fault:
    if broken.field is None:
        return Fault(broken.reason, "", None, True)
    return Fault(broken.reason, names[broken.field], broken.raw[broken.field], True)


def _remember_key(dataset: Dataset, facts: dict[str, pa.Array], place: int, reading: Reading) -> None:
    if not isinstance(dataset.deletes, ReplaceBy):
        return
    key = tuple(facts[name][place].as_py() for name in dataset.key)
    if None in key:
        reading.unknown_keys += 1
    else:
        reading.refused_keys.append(key)


def _refusal(page: RawPage, position: int, raw: Any, fault: Fault, identity: Identity) -> Refusal:
    return Refusal(
        reason=fault.reason,
        rule=fault.rule or (f"{fault.column}:{fault.reason}" if fault.column else fault.reason),
        column=fault.column or None,
        value=fault.value,
        action=fault.action,
        label=page.label,
        raw_sha256=page.sha256,
        position=position,
        record=raw,
        uscc=identity.uscc,
        name=identity.name,
        key=identity.key,
    )


def _beside(gone: Sequence[str], notes: Mapping[str, int]) -> str:
    """The fields that no column claims, which stand where those that are gone should."""
    parts = tuple(name.rpartition(".")[0] + "." for name in gone if "." in name)
    unclaimed = sorted(name.removeprefix("unclaimed_field:") for name in notes if name.startswith("unclaimed_field:"))
    found = [name for name in unclaimed if name.startswith(parts or "")]
    return f"; no column claims {', '.join(found)[:200]}" if found else ""


def _audit_fields(dataset: Dataset, reading: Reading) -> None:
    """Each field we use must be there: a field that is gone from all records was renamed or withdrawn."""
    wanted = {column.source_field: column for column in dataset.columns}
    if not reading.met or (isinstance(dataset.deletes, Tombstone) and not reading.alive):
        return
    gone = sorted(set(wanted) - reading.met)
    if fatal := _gone_for_good(dataset, wanted, reading.met):
        raise AgencyError(
            f"no record has the field {', '.join(fatal)}{_beside(fatal, reading.notes)}.",
            dataset.address,
            "compare the source file with that, or ask the agency what it renamed",
        )
    for name in gone:
        reading.notes[f"field_gone:{name}"] += 1
