"""From archived pages to typed rows and refused records: a function of raw bytes, source file and zone alone."""

import hashlib
import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import Fault, arrow_type, days_in, declared_schema, is_code, tombstones_of
from connectors.decoders.chunk import Chunk
from connectors.decoders.decode import decode
from connectors.drift import DELETED, claim_extra, refuse_deleted, refuse_other_units, refuse_respelled, settle_retyped
from connectors.drivers.pages import Page
from connectors.errors import AgencyError, ConfigError, PagingFaultError
from connectors.file_order import name_of
from connectors.refusals import NO_IDENTITY, Refusal, identity_of
from connectors.spec import (
    Column,
    CsvDecoder,
    Dataset,
    FileRequest,
    ParquetDecoder,
    ReplaceBy,
    Tombstone,
    XlsxDecoder,
)
from connectors.spelling import as_code
from connectors.vectors import make_reader
from connectors.zone import Zone
from ledger.hand_made import (
    GROUP_LINE,
    MAY_BE_NONE,
    NO_NAME,
    NO_RECORD,
    RULE_LINE,
    WORDS,
    form_of,
    is_numbering,
    is_second_header,
)

TOGETHER_ROWS = 8_192
"""Small pages are read together up to so many records: working column by column pays from some thousand on."""

PLACE = (
    pa.field("_raw_sha256", pa.string()),
    pa.field("_position", pa.int32()),
    pa.field("_sequence", pa.int32()),
    pa.field("_deleted", pa.bool_()),
    pa.field("_valid_from", pa.date32()),
    pa.field("_extra", pa.string()),
)
"""The columns of a row beside its facts: the page and place it came from, whether it deletes, from when it holds in
the world, and as JSON the fields that no column claims."""

_SHEET_DIGITS, _SCRIPT_DIGITS, _ZEROS = 15, 17, 4
"""A sheet keeps 15 digits of a number and JavaScript 17; that codes end in 4 zeros together is no chance."""

COUNTED_AS = {"record_refused": "refused", "value_discarded": "discarded", "value_repaired": "repaired"}
"""The prefix of a rule in the name of a count, by action."""


@dataclass(frozen=True)
class Part:
    """Some rows of a batch, typed, with `PLACE` behind the facts; and the records that were refused among them."""

    rows: pa.Table
    refusals: list[Refusal]


class Reading:
    """One reading of a batch: typed rows and refusals part by part, and counts of what was seen, never the rows.

    `alive` are records that do not delete, refused ones too. `unknown_keys` are refused records whose own key cannot be
    read: of a delivery with such, nothing follows from what it lacks.
    """

    def __init__(self, dataset: Dataset, zone: Zone, time_zone: ZoneInfo) -> None:
        self.received = self.refused = self.alive = self.unknown_keys = 0
        self.notes: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.refused_keys: list[tuple[Any, ...]] = []
        self._dataset, self._time_zone = dataset, time_zone
        self._columns = {column.source_field: column for column in dataset.columns}
        self._schema = pa.schema([*declared_schema(dataset), *PLACE])
        self._met: set[str] = set()
        self._pages_seen: dict[str, str] = {}
        markers = zone.markers(dataset)
        self._readers = [(one, make_reader(one, markers.get(one.name, ()), time_zone)) for one in dataset.columns]
        try:
            self._tombstones = tombstones_of(dataset, markers, time_zone)
        except ValueError as error:
            raise ConfigError(f"{error}.", dataset.address, "fix `deletes`, or the zone's words for nothing") from None

    def counts(self) -> dict[str, int]:
        """Every count by name, for the ledger."""
        return dict(sorted((self.rules + self.notes).items()))

    def parts(self, pages: Iterable[Page]) -> Iterator[Part]:
        """Decode, type and check every record. A field gone from the whole batch is an `AgencyError`.

        The counts fill as the parts are taken. A record that comes twice is in the rows twice: settling needs all rows.
        """
        held: list[tuple[Page, Chunk]] = []
        rows = 0
        for page, chunk in self._chunks(pages):
            held.append((page, chunk))
            rows += len(chunk.positions) + len(chunk.broken)
            if rows >= TOGETHER_ROWS:
                yield self._read(_Together(held))
                held, rows = [], 0
        if held:
            yield self._read(_Together(held))
        self._audit_fields()

    def _chunks(self, pages: Iterable[Page]) -> Iterator[tuple[Page, Chunk]]:
        for page in pages:
            records = 0
            edges: list[Any] = []
            # Once decoded, the bytes and the answer are done with: only the columns are still needed.
            place = replace(page, body=b"", answer=None)
            for chunk in decode(self._dataset, page.label, page.body, page.answer):
                size = len(chunk.positions)
                records += size + len(chunk.broken)
                edges += [chunk.raw(0), chunk.raw(size - 1)] if size else []
                self.notes.update(chunk.notes)
                self._audit_header(page.label, chunk)
                yield place, chunk
            self._refuse_repeated_page(page.label, records, edges)
            if not records and isinstance(self._dataset.request, FileRequest):
                self.notes[f"no_records:{name_of(page.label) or page.label}"] += 1

    def _audit_header(self, label: str, chunk: Chunk) -> None:
        """Raise an `AgencyError` for a table whose header lacks a column that we use."""
        is_table = isinstance(self._dataset.decoder, (CsvDecoder, XlsxDecoder, ParquetDecoder))
        if is_table and (chunk.positions or chunk.broken) and (gone := self._gone_for_good(set(chunk.columns))):
            raise AgencyError(
                f"{label} has no column {', '.join(gone)}; its header reads {', '.join(chunk.columns)[:120]!r}.",
                self._dataset.address,
                "ask the agency what it renamed or whether the delimiter changed; where titles stand above the "
                "header, declare header_row",
            )

    def _gone_for_good(self, met: set[str]) -> list[str]:
        """Of the fields that are not there, those without which nothing may be read, by the dataset's contract."""
        strict = self._dataset.schema_contract.data_type in ("freeze", "discard_row")
        return sorted(name for name, one in self._columns.items() if name not in met and (strict or one.required))

    def _refuse_repeated_page(self, label: str, records: int, edges: list[Any]) -> None:
        """Raise a `PagingFaultError` for a page with another page's records: its own records are missing."""
        if self._dataset.paginator is None or records < 2 or not edges:
            return
        # Two partitions may well hold equal records; two pages of one listing may not.
        partition = label.partition("]")[0] if label.startswith("[") else ""
        mark = json.dumps([partition, records, edges[0], edges[-1]], sort_keys=True, default=str)
        first = self._pages_seen.setdefault(hashlib.sha256(mark.encode("utf-8", "backslashreplace")).hexdigest(), label)
        if first is not label:
            next_step = "run again; if it stays, call the agency"
            raise PagingFaultError(f"{label} repeats {first}.", self._dataset.address, next_step)

    def _read(self, records: "_Together") -> Part:
        size, columns = records.size, records.columns
        self.received += size + len(records.broken)
        self._met |= columns.keys()
        faults: dict[int, list[Fault]] = defaultdict(list)
        refuse_respelled(self._dataset, columns, faults)
        refuse_other_units(self._dataset, columns, faults, self.notes)
        refuse_deleted(self._dataset, columns, faults)
        extra = claim_extra(self._dataset, columns, self._columns.keys(), faults, self.notes)
        facts: dict[str, pa.Array] = {}
        for column, read in self._readers:
            values = columns.get(column.source_field)
            found = read(values if values is not None else [None] * size)
            found = settle_retyped(self._dataset, column, found, records.label, values, extra)
            for note, count in found.notes.items():
                self.notes[f"{note}:{column.name}"] += count
            for place, fault in found.faults.items():
                faults[place].append(fault)
            facts[column.name] = found.values
        deleted = self._deleted(facts, size, faults)
        _check_rules(self._dataset, facts, faults)
        _refuse_totals(self._dataset, records, facts, faults)
        _refuse_numbering(self._dataset, records, faults)
        _refuse_rounded(self._dataset, facts, faults)
        refusals = self._refusals(records, facts, faults)
        self.alive += size - pc.sum(deleted).as_py() if size else 0
        valid = self._dataset.valid
        lineage = [
            *records.places(),
            deleted,
            days_in(facts[valid.from_column], self._time_zone) if valid else pa.nulls(size, pa.date32()),
            pa.array([_as_json(extra.get(place)) for place in range(size)] if extra else [None] * size, pa.string()),
        ]
        rows = pa.Table.from_arrays([*facts.values(), *lineage], schema=self._schema)
        fallen = [place for place, found in faults.items() if any(fault.refuses for fault in found)]
        if fallen:
            stands = np.ones(size, bool)
            stands[fallen] = False
            rows = rows.filter(pa.array(stands))
        return Part(rows, refusals)

    def _deleted(self, facts: dict[str, pa.Array], size: int, faults: dict[int, list[Fault]]) -> pa.Array:
        """Which records delete; a text that is a tombstone but for letter case, signs or the word is refused.

        A record that deletes need not say more than its key: what else it lacks, or a second mark, refuses nothing.
        """
        dataset, deletes = self._dataset, self._dataset.deletes
        if not isinstance(deletes, Tombstone):
            return pa.repeat(pa.scalar(False), size)
        stated, tombstones = facts[deletes.column], self._tombstones
        column = dataset.column(deletes.column)
        if column.kind == "varchar":
            exact = {as_code(text) for text in tombstones}
            folded = set(map(_bare, exact))
            spelled = {text: as_code(text) for text in stated.unique().drop_null().to_pylist()}
            tombstones = tuple(text for text, code in spelled.items() if code in exact)
            folded |= DELETED if folded & DELETED else set()
            unsure = [text for text, code in spelled.items() if code not in exact and _bare(code) in folded]
            unsure = [text for text in unsure if text not in (column.values or ())]
            for place in pc.indices_nonzero(pc.is_in(stated, pa.array(unsure, pa.string()))).to_pylist():
                faults[place].append(Fault("not_in_values", column.name, stated[place].as_py(), True))
        deleted = pc.is_in(stated, pa.array(tombstones, arrow_type(column.data_type)))
        # Without the stamp of its change it is not known whether it comes after what it deletes.
        needed = {*dataset.key, *([dataset.since.column] if dataset.since else [])}
        for place in [place for place in faults if deleted[place].as_py()]:
            met = (one for one in faults[place] if one.reason != "deleted_record")
            faults[place] = [one for one in met if one.column in needed or one.reason != "required_missing"]
        return deleted

    def _refusals(
        self, records: "_Together", facts: dict[str, pa.Array], faults: dict[int, list[Fault]]
    ) -> list[Refusal]:
        found = []
        for page, one in records.broken:
            fault, who = Fault(one.reason, "", None, True), NO_IDENTITY
            if one.field is not None:
                # The field at fault does not identify whom the record is about.
                fault = Fault(one.reason, self._columns[one.field].name, one.raw[one.field], True)
                who = identity_of(self._dataset, {**one.raw, one.field: None})
            found.append(Refusal.of(fault, page, one.position, one.raw, who))
        self.refused += len(found)
        self.unknown_keys += len(found)
        for place in sorted(place for place, some in faults.items() if some):
            page, position, raw = records.at(place)
            who = identity_of(self._dataset, {name: values[place] for name, values in records.columns.items()})
            found += [Refusal.of(fault, page, position, raw, who) for fault in faults[place]]
            if any(fault.refuses for fault in faults[place]):
                self.refused += 1
                if isinstance(self._dataset.deletes, ReplaceBy):
                    key = tuple(facts[name][place].as_py() for name in self._dataset.key)
                    self.unknown_keys += None in key
                    self.refused_keys += [key] if None not in key else []
        self.rules.update(f"{COUNTED_AS[one.action]}:{one.rule}" for one in found)
        return found

    def _audit_fields(self) -> None:
        """Raise an `AgencyError` for a field that no record has any more: it was renamed or withdrawn."""
        if not self._met or (isinstance(self._dataset.deletes, Tombstone) and not self.alive):
            return
        if fatal := self._gone_for_good(self._met):
            raise AgencyError(
                f"no record has the field {', '.join(fatal)}{self._unclaimed_beside(fatal)}.",
                self._dataset.address,
                "compare the source file with that, or ask the agency what it renamed",
            )
        for name in sorted(self._columns.keys() - self._met):
            self.notes[f"field_gone:{name}"] += 1

    def _unclaimed_beside(self, gone: list[str]) -> str:
        """The fields that no column claims, which stand where those that are gone should."""
        parts = tuple(name.rpartition(".")[0] + "." for name in gone if "." in name)
        unclaimed = sorted(name.partition(":")[2] for name in self.notes if name.startswith("unclaimed_field:"))
        found = [name for name in unclaimed if name.startswith(parts or "")]
        return f"; no column claims {', '.join(found)[:200]}" if found else ""


class _Together:
    """The chunks of one or more pages, one behind the other; a place counts through all of them, from 0."""

    def __init__(self, parts: list[tuple[Page, Chunk]]) -> None:
        self._parts = parts
        sizes = [len(chunk.positions) for _, chunk in parts]
        self._ends = list(accumulate(sizes))
        self.size, self.label = self._ends[-1], parts[0][0].label
        self.broken = [(page, one) for page, chunk in parts for one in chunk.broken]
        names = dict.fromkeys(chain.from_iterable(chunk.columns for _, chunk in parts))
        self.columns = parts[0][1].columns if len(parts) == 1 else {name: self._column(name) for name in names}

    def _column(self, name: str) -> list[Any]:
        of_each = (chunk.columns.get(name) or [None] * len(chunk.positions) for _, chunk in self._parts)
        return list(chain.from_iterable(of_each))

    def at(self, place: int) -> tuple[Page, int, Any]:
        """The page of a place, the record's position on it, and the record as it was sent."""
        part = bisect_right(self._ends, place)
        page, chunk = self._parts[part]
        inside = place - self._ends[part] + len(chunk.positions)
        return page, chunk.positions[inside], chunk.raw(inside)

    def first_records(self) -> Iterator[tuple[int, Any, Any]]:
        """The place of the first record below each header, the record, and the one that follows it, or {}."""
        for end, (_, chunk) in zip(self._ends, self._parts, strict=True):
            if chunk.positions and chunk.positions[0] == 1:
                following = chunk.raw(1) if len(chunk.positions) > 1 else {}
                yield end - len(chunk.positions), chunk.raw(0), following

    def places(self) -> list[pa.Array]:
        """sha256 of the raw page, position on it and its number, for every place."""
        sizes = [len(chunk.positions) for _, chunk in self._parts]
        of_page = pa.array(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))
        names = pa.array([page.sha256 for page, _ in self._parts], pa.string())
        numbers = pa.array([page.sequence for page, _ in self._parts], pa.int32())
        positions = np.concatenate([np.asarray(chunk.positions, np.int32) for _, chunk in self._parts])
        return [names.take(of_page), pa.array(positions), numbers.take(of_page)]


def _bare(word: str) -> str:
    """A word without blanks and brackets, in small letters."""
    return re.sub(r"[\s()\[\]<>【】]", "", word).casefold()


def _as_json(fields: dict[str, Any] | None) -> str | None:
    if fields is None:
        return None
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, default=str)
    return text.encode("utf-8", "backslashreplace").decode()


def _check_rules(dataset: Dataset, facts: dict[str, pa.Array], faults: dict[int, list[Fault]]) -> None:
    for rule in dataset.rules:
        for place in _places(pc.greater(facts[rule.part], facts[rule.whole])):
            compared = f"{facts[rule.part][place].as_py()} of {facts[rule.whole][place].as_py()}"
            faults[place].append(Fault("part_over_whole", rule.part, compared, True, rule.name))


def _refuse_totals(
    dataset: Dataset, records: _Together, facts: dict[str, pa.Array], faults: dict[int, list[Fault]]
) -> None:
    """A total, a note or the header again, where a key or a name belongs, is no record, unless `values` names it."""
    for column in dataset.columns:
        named = column.name in dataset.key or column.is_identifying
        if not named or column.data_type != "varchar" or column.check or column.values is not None:
            continue
        stated, alone = facts[column.name], dataset.key == (column.name,)
        is_none = pc.equal(stated, column.source_field)
        if pc.any(pc.match_substring_regex(stated, MAY_BE_NONE)).as_py():
            pattern = NO_RECORD + NO_NAME * (alone or column.is_identifying) + RULE_LINE * alone
            is_none = pc.or_(is_none, pc.match_substring_regex(stated, pattern))
            if column.names:
                is_coded = pc.is_valid(facts[dataset.codes[0].name]) if dataset.codes else pa.scalar(False)
                is_head = pc.match_substring_regex(stated, GROUP_LINE)
                is_none = pc.or_(is_none, pc.and_not(is_head, is_coded))
            if alone and not column.names and pc.any(is_none).as_py():
                is_none = pc.and_not(is_none, _are_letter_codes(stated, is_none))
        if alone and isinstance(dataset.decoder, CsvDecoder):
            is_none = pc.or_(is_none, _are_commented_out(stated))
        lone = _lone_words(dataset, records, column, pc.if_else(is_none, None, stated)) if alone else ()
        for place in sorted({*_places(is_none), *lone}):
            faults[place].append(Fault("not_a_record", column.name, stated[place].as_py(), True))


def _are_letter_codes(stated: pa.Array, is_none: pa.Array) -> pa.Array:
    """Where a key has the form of all that are no total, if that is so many capitals: ALL, the lek, beside CNY, USD."""
    others = set(stated.filter(pc.invert(is_none)).drop_null().to_pylist())
    lengths = {len(one) if re.fullmatch("[A-Z]{2,4}", one) else 0 for one in others}
    return pc.match_substring_regex(stated, f"^[A-Z]{{{max(lengths, default=0)}}}$" if len(lengths) == 1 else "^$")


def _are_commented_out(stated: pa.Array) -> pa.Array:
    """Where a key begins with # and has the form of another key behind it: #R1 beside R2."""
    marked = pc.match_substring_regex(stated, "^#")
    if not pc.any(marked).as_py():
        return marked
    forms = {form_of(one) for one in stated.filter(pc.invert(marked)).drop_null().to_pylist()}
    return pa.array(
        [one is not None and one[:1] == "#" and form_of(one[1:].strip()) in forms for one in stated.to_pylist()]
    )


def _lone_words(dataset: Dataset, records: _Together, key: Column, stated: pa.Array) -> Iterator[int]:
    """The rows of a table of several columns in which nothing but words in place of the key stands: notes below it.

    Where the key is a name, such a row may be a record; so it may where a fuller row has a key of the same form.
    """
    others = [values for name, values in records.columns.items() if name != key.source_field]
    if key.spelling == "code" and len(others) > 1 and isinstance(dataset.decoder, (CsvDecoder, XlsxDecoder)):
        worded = _places(pc.match_substring_regex(stated, WORDS))
        if lone := [place for place in worded if not any(str(values[place] or "").strip() for values in others)]:
            forms = {form_of(stated[place].as_py()) for place in {*worded} - {*lone}}
            yield from (place for place in lone if form_of(stated[place].as_py()) not in forms)


def _refuse_numbering(dataset: Dataset, records: _Together, faults: dict[int, list[Fault]]) -> None:
    """The first row of a table is no record where it numbers or names the columns of the header above it."""
    if isinstance(dataset.decoder, (CsvDecoder, XlsxDecoder)):
        key = dataset.column(dataset.key[0])
        for place, record, following in records.first_records():
            if is_numbering(record.values()) or is_second_header(record, following):
                faults[place].append(Fault("not_a_record", key.name, record.get(key.source_field), True))


def _refuse_rounded(dataset: Dataset, facts: dict[str, pa.Array], faults: dict[int, list[Fault]]) -> None:
    """Refuse codes of digits that all end in zeros behind the 15th, or the 17th: a sheet, or a script, rounded them.

    Where the digit before those is mostly zero too, codes are filled up with zeros.
    """
    for column in dataset.columns:
        if column.kind != "varchar" or column.check or column.values is not None or not is_code(column):
            continue
        stated = facts[column.name]
        if (pc.max(pc.binary_length(stated)).as_py() or 0) <= _SHEET_DIGITS:
            continue
        long = stated.filter(pc.match_substring_regex(stated, "^[1-9][0-9]{15,}$")).unique().to_pylist()
        for kept in (_SHEET_DIGITS, _SCRIPT_DIGITS):
            found = [text for text in long if len(text) > kept]
            is_rounded = len(found) > 1 and not any(text[kept:].strip("0") for text in found)
            is_filled = 2 * sum(text[kept - 1] == "0" for text in found) > len(found)
            if is_rounded and not is_filled and sum(len(text) - kept for text in found) >= _ZEROS:
                for place in _places(pc.is_in(stated, pa.array(found))):
                    faults[place].append(Fault("digits_lost", column.name, stated[place].as_py(), True))
                break


def _places(found: pa.Array) -> list[int]:
    """Where a mask is true; null is not."""
    places: list[int] = pc.indices_nonzero(found).to_pylist() if pc.any(found).as_py() else []
    return places
