"""Decisions of people on whom a name, a number or a code means: a dated file of the data folder, append-only."""

import csv
import difflib
import fcntl
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

import pyarrow as pa

from connectors import uscc
from connectors.errors import ConfigError
from connectors.spec import Dataset, Source
from connectors.spelling import HIDDEN
from ledger.files import FILE_MODE, keep_names
from ledger.hand_made import fault_of_cell

FILE_NAME = "identity_decisions.csv"

_TEXTS = ("source", "dataset", "identifier", "uscc", "decided_on", "decided_by", "why")
DECISIONS_SCHEMA = pa.schema({**dict.fromkeys(_TEXTS, pa.string()), "decided_on": pa.date32()})
# A unified code, an organisation code, an old tax or registration number: in none of them stands anything but these.
_CODE = re.compile("[0-9A-Z]{9}|[0-9A-Z]{15}|[0-9A-Z]{18}", re.ASCII)
_NEXT = "fix or remove the line, then jifen identity decisions"


@dataclass(frozen=True)
class IdentityDecision:
    """One line: from `decided_on` on `identifier` means `uscc` in that dataset, or no enterprise (None)."""

    source: str
    dataset: str
    identifier: str
    uscc: str | None
    decided_on: date
    decided_by: str
    why: str

    @property
    def about(self) -> tuple[str, str, str]:
        """What is decided: a later line about the same replaces an earlier one from its day."""
        return (self.source, self.dataset, self.identifier)


_HEADER = tuple(field.name for field in fields(IdentityDecision))


def decisions_file(data_dir: Path) -> Path:
    """Where the decisions of a data folder stand."""
    return data_dir / FILE_NAME


def read_decisions(data_dir: Path, sources: Sequence[Source]) -> tuple[IdentityDecision, ...]:
    """Every decision of a data folder, in the order of the file; none where there is no file.

    Raises `ConfigError` with the line for a row that is not whole, names an unknown dataset or an invalid code, or
    decides on an identifier for a day on which another row decides it already.
    """
    path = decisions_file(data_dir)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}.", str(path), "save it as UTF-8") from None
    return tuple(one for _, one in _checked(path, text, sources))


def _checked(path: Path, text: str, sources: Sequence[Source]) -> Iterator[tuple[int, IdentityDecision]]:
    if not text.strip():
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    known = addresses(sources)
    lines: dict[tuple[object, ...], int] = {}
    try:
        if (header := tuple(next(reader, ()))) != _HEADER:
            raise ConfigError(f"the columns are {', '.join(header)}.", f"{path} line 1", f"write {','.join(_HEADER)}")
        for row in reader:
            if not row:
                continue
            place = f"{path} line {reader.line_num}"
            one = _decision(row, place, known)
            first = lines.setdefault((one.about, one.decided_on), reader.line_num)
            if first != reader.line_num:
                raise ConfigError(f"line {first} decides on {one.identifier} on {one.decided_on} too.", place, _NEXT)
            yield reader.line_num, one
    except csv.Error as error:
        raise ConfigError(f"is no line of CSV: {error}.", f"{path} line {reader.line_num}", _NEXT) from None


def addresses(sources: Iterable[Source]) -> frozenset[str]:
    """Where something can be decided: every dataset whose records name one enterprise, by code, name or number."""
    datasets = [dataset for source in sources for dataset in source.datasets if _names_one(dataset)]
    second_names = {
        f"{dataset.source}.{column.named_as}" for dataset in datasets for column in dataset.columns if column.named_as
    }
    return frozenset({dataset.address for dataset in datasets} | second_names)


def contradicted(
    made: Iterable[IdentityDecision], sources: Iterable[Source], one: IdentityDecision, persons: Mapping[str, str]
) -> list[IdentityDecision]:
    """The last decisions in other datasets that assign the code of `one` otherwise; it is assigned to none then.

    `persons` gives the legal person of each code that the register has: a branch and its company mean the same. A name
    may mean one enterprise here and another there, and so may an agency's own number: those contradict nothing. Nor
    does a decision that was replaced.
    """
    by_code = {each.address for source in sources for each in source.datasets if len(each.codes) == 1}
    if not _CODE.fullmatch(one.identifier) or f"{one.source}.{one.dataset}" not in by_code:
        return []
    last: dict[tuple[str, str, str], IdentityDecision] = {}
    for other in sorted(made, key=lambda each: each.decided_on):
        if other.identifier == one.identifier and f"{other.source}.{other.dataset}" in by_code:
            last[other.about] = other
    if last.get(one.about) != one:
        return []

    def meant(each: IdentityDecision) -> str | None:
        return persons.get(each.uscc, each.uscc) if each.uscc else None

    return [other for other in last.values() if meant(other) != meant(one)]


def _names_one(dataset: Dataset) -> bool:
    """Whether a record names one enterprise; a dataset with two codes is a list of the register that links them."""
    identifying = [column for column in dataset.identifying if column.identifies != "event"]
    return len(dataset.codes) == 1 or bool(not dataset.codes and identifying)


def _decision(row: Sequence[str], place: str, known: frozenset[str]) -> IdentityDecision:
    def refuse(what: str) -> ConfigError:
        return ConfigError(what, place, _NEXT)

    if len(row) != len(_HEADER):
        raise refuse(f"{len(row)} cells where {len(_HEADER)} belong.")
    source, dataset, identifier, code, day, who, why = (cell.strip() for cell in row)
    if f"{source}.{dataset}" not in known:
        named = f"no dataset {source}.{dataset} names an enterprise by code, name or number"
        raise refuse(f"{named}; there are {', '.join(sorted(known))}.")
    for name, cell in (("identifier", identifier), ("decided_by", who), ("why", why)):
        if not cell or HIDDEN.search(cell) or "\n" in cell or "\r" in cell:
            raise refuse(f"{name} is empty or holds a hidden character or a line break.")
    if fault := fault_of_cell(identifier):
        raise refuse(f"the identifier {identifier} {fault}: no record has it so.")
    if code and (fault := uscc.fault(code)) is not None:
        raise refuse(f"{code} is no social credit code ({fault}).")
    try:
        decided_on = date.fromisoformat(day)
    except ValueError:
        raise refuse(f"{day or 'an empty day'} is not a date; write YYYY-MM-DD.") from None
    return IdentityDecision(source, dataset, identifier, code or None, decided_on, who, why)


def find_address(sources: Sequence[Source], asked: str) -> str:
    """The `source.dataset` that is meant; the source may be left out where only one has a dataset of that name.

    Raises `ConfigError` where nothing can be decided there: a decision about it would never be applied.
    """
    known = addresses(sources)
    meant = [address for address in sorted(known) if asked in (address, address.partition(".")[2])]
    if len(meant) == 1:
        return meant[0]
    next_step = "jifen identity list says where a name stands"
    if meant:
        raise ConfigError(f"may be {' or '.join(meant)}.", f"dataset {asked}", next_step)
    for dataset in (each for source in sources for each in source.datasets):
        if asked in (dataset.address, dataset.address.partition(".")[2]):
            what = f"no dataset {asked} names an enterprise by code, name or number: {_names_none(dataset)}."
            raise ConfigError(what, "SOURCE.DATASET", next_step)
    like = difflib.get_close_matches(asked, sorted(known), n=1)
    hint = f"did you mean {like[0]}?" if like else f"there are {', '.join(sorted(known))}."
    raise ConfigError(f"there is no dataset {asked}; {hint}", "SOURCE.DATASET", next_step)


def _names_none(dataset: Dataset) -> str:
    if len(dataset.codes) > 1:
        return "it is a list of the register itself"
    named = any(column.identifies == "event" for column in dataset.columns)
    return "its records give an event's number alone" if named else "its records name none"


def append_decision(data_dir: Path, sources: Sequence[Source], one: IdentityDecision) -> int | None:
    """Write one decision behind the others, in one go and durably; nothing that stands is touched.

    Answers None, or, where the same was decided from the same day already and nothing is written, the line it is on.
    Raises `ConfigError` where another was decided from that day, or the row or the file could not be read again.
    """
    path = decisions_file(data_dir)
    _decision(_cells(one), "the decision, which is not written", addresses(sources))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
    try:
        # Two who decide at once: the second reads what the first has written.
        fcntl.flock(handle, fcntl.LOCK_EX)
        standing = path.read_text(encoding="utf-8-sig")
        if (line := _line_of_the_same(path, standing, sources, one)) is not None:
            return line
        ends = not standing or standing.endswith("\n")
        added = ("" if ends else "\n") + ("" if standing.strip() else _line(_HEADER)) + _line(_cells(one))
        list(_checked(path, standing + added, sources))
        os.write(handle, added.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    keep_names(path.parent)
    return None


def _line_of_the_same(path: Path, text: str, sources: Sequence[Source], one: IdentityDecision) -> int | None:
    for line, other in _checked(path, text, sources):
        if (other.about, other.decided_on) == (one.about, one.decided_on):
            if other.uscc == one.uscc:
                return line
            raise ConfigError(
                f"{one.identifier} is already decided on this day ({one.decided_on}) as "
                f"{other.uscc or 'not in the register'} (line {line}); nothing is written.",
                str(path),
                f"where no night has applied it, correct line {line} by hand, or decide with --on of a later day",
            )
    return None


def _cells(one: IdentityDecision) -> list[str]:
    return ["" if cell is None else str(cell) for cell in astuple(one)]


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def known_on(decisions: Iterable[IdentityDecision], as_of: date) -> tuple[IdentityDecision, ...]:
    """The decisions made on or before a day: an edition of that day, built again later, sees no more."""
    return tuple(one for one in decisions if one.decided_on <= as_of)


def decisions_table(decisions: Sequence[IdentityDecision]) -> pa.Table:
    """The decisions as dbt reads them, sorted: the order of the file has no meaning."""
    rows = [vars(one) for one in sorted(decisions, key=lambda one: (one.about, one.decided_on))]
    return pa.Table.from_pylist(rows, DECISIONS_SCHEMA)


def decisions_sha256(decisions: Iterable[IdentityDecision]) -> str:
    """The hash of these decisions, whatever their order."""
    return hashlib.sha256("".join(sorted(_line(_cells(one)) for one in decisions)).encode()).hexdigest()
