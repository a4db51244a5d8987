"""Refused records: what is kept of each, and in which files."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from connectors import uscc
from connectors.columns import Fault, make_parser
from connectors.drivers.pages import Page
from connectors.errors import DataError
from connectors.spec import Dataset
from connectors.spelling import as_text
from ledger.files import FILE_MODE, publish_durably

Key = tuple[str | None, ...]
"""The key of a record as text, in the order of the dataset's key columns; None where a part is missing."""


@dataclass(frozen=True)
class Refusal:
    """One record refused, or one value of it discarded or repaired, with enough to show the agency which and why.

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
    key: Key

    @classmethod
    def of(cls, fault: Fault, page: Page, position: int, record: Any, who: "Identity") -> "Refusal":
        """What a fault of the record at a position of a page is written down as."""
        return cls(
            reason=fault.reason,
            rule=fault.rule or (f"{fault.column}:{fault.reason}" if fault.column else fault.reason),
            column=fault.column or None,
            value=fault.value,
            action=fault.action,
            label=page.label,
            raw_sha256=page.sha256,
            position=position,
            record=record,
            **vars(who),
        )


@dataclass(frozen=True)
class Identity:
    """Whom a record is about, as it states itself."""

    uscc: str | None
    name: str | None
    key: Key


NO_IDENTITY = Identity(None, None, ())
"""The identity of what is no record."""


def identity_of(dataset: Dataset, fields: Mapping[str, Any]) -> Identity:
    """Read code, name and key out of a record's own fields, whatever else is wrong with it."""
    held = {column.name: fields.get(column.source_field) for column in dataset.columns}
    stated = {name: None if raw is None else as_text(str(raw)) or None for name, raw in held.items()}
    coded = next((stated[column.name] for column in dataset.codes), None)
    named = next((stated[column.name] for column in dataset.identifying if stated[column.name]), None)
    return Identity(_code(coded) if coded else None, named, tuple(stated[name] for name in dataset.key))


def _code(stated: str) -> str:
    """A code as it would land: whose only slip is a letter that no code has is known all the same."""
    code = uscc.without_hyphen(uscc.tidy(stated))
    return uscc.repair(code) or code


def quarantine_path(data_dir: Path, source: str, dataset: str, batch: str) -> Path:
    """The JSON lines file of what one batch refused."""
    return data_dir / "quarantine" / source / dataset / f"batch={batch}.jsonl"


_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Characters at which other programs part lines, as their escapes."""


class RefusalLog:
    """What one batch refuses, written line by line as it is found: a file of its own until it is sealed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self.lines = 0
        self._digest = hashlib.sha256()
        self._handle: BinaryIO | None = None

    def __enter__(self) -> "RefusalLog":
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def append(self, refusals: Iterable[Refusal]) -> None:
        """Write these refusals behind the others."""
        for one in refusals:
            if self._handle is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = self._part.open("ab")
            # Half of a pair, which JSON from outside may hold, has no bytes in UTF-8: it is written as its escape.
            line = json.dumps(asdict(one), ensure_ascii=False, sort_keys=True, default=str).translate(_LINE_ENDS)
            written = line.encode("utf-8", "backslashreplace") + b"\n"
            self._handle.write(written)
            self._digest.update(written)
            self.lines += 1

    @property
    def sha256(self) -> str | None:
        """The hash of the file; None where nothing was refused, and there is none."""
        return self._digest.hexdigest() if self.lines else None

    def seal(self) -> None:
        """Give the file its name, durably; nothing where nothing was refused."""
        if self.lines:
            publish_durably(self._part, self._path, mode=FILE_MODE)

    def drop(self) -> None:
        """Forget what was written: the batch is read again."""
        self._part.unlink(missing_ok=True)
        self.lines = 0
        self._digest = hashlib.sha256()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of one quarantine file, one at a time; none where it is not there. A damaged one is a `DataError`."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as handle:
        for number, text in enumerate(handle, start=1):
            try:
                line: dict[str, Any] = json.loads(text)
            except ValueError:
                raise DataError(
                    f"line {number} is damaged.", str(path), "restore the file from the backup, then try again"
                ) from None
            yield line


def canonical_keys(dataset: Dataset, zone: ZoneInfo) -> Callable[[Key], Key]:
    """A function from a key as a record states it to the key as it would land: `20250630` lands as `2025-06-30`."""
    parsers = [make_parser(dataset.column(name), (), zone) for name in dataset.key]

    def canonical(stated: Key) -> Key:
        if len(stated) != len(parsers):
            return stated
        read = [parse(text) for parse, text in zip(parsers, stated, strict=True)]
        return tuple(text if value is None else str(value) for text, (value, _, _) in zip(stated, read, strict=True))

    return canonical
