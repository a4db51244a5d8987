"""What an agency holds: seeded records that keep every rule of its source file, or those of a population's feed."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from connectors.drivers.paging import Keyset
from connectors.spec import Column, CsvDecoder, Dataset, RestRequest, Source
from sandbox import codes, names
from sandbox.standin.rows import Row, make_rows
from sandbox.standin.values import ABSENT, Medium, Writer, read_plain, write_nothing, writer

_TRADES: Final = ("电子", "新材料", "软件", "精密机械", "生物")
_SPARE: Final = 100
"""Enterprises that are known beyond those with records: what is added later is about them."""


@dataclass(eq=False)
class Entry:
    """One record: its place in the agency's order (from 0), what is sent of it by field, and what it was made from."""

    index: int
    wire: dict[str, Any]
    partition: str | None = None
    made: Row | None = None
    columns: Sequence[Column] = ()

    @cached_property
    def typed(self) -> Row:
        """Its typed values; those of a population's record are read from what is sent."""
        if self.made is not None:
            return self.made
        return {column.name: read_plain(column, self.wire.get(column.source_field)) for column in self.columns}


@dataclass
class Stock:
    """All that an agency holds for one dataset, and how it writes it."""

    dataset: Dataset
    medium: Medium
    seed: str
    feed: Path | None = None
    """The file of a population's records, read again whenever it changes; None: the records are made up."""
    partitions: tuple[str, ...] | None = None
    """The values of the partition; None where the dataset has none."""
    pool: list[tuple[str, str]] = field(default_factory=list)
    """Codes and names of the enterprises that the agency knows."""
    made: int = 0
    """How many records were ever made: the next one is none of them."""
    shares: list[str] = field(default_factory=list)
    """The partition of each record, in order."""
    _entries: list[Entry] = field(default_factory=list)
    _stamp: tuple[int, int] = (0, 0)

    @property
    def entries(self) -> list[Entry]:
        """All records, in the agency's order."""
        if self.feed is not None:
            stat = self.feed.stat()
            if (stat.st_mtime_ns, stat.st_size) != self._stamp:
                lines = self.feed.read_text(encoding="utf-8").split("\n")
                sent = [json.loads(line) for line in lines if line.strip()]
                columns = self.dataset.columns
                self._entries = [Entry(place, record, columns=columns) for place, record in enumerate(sent)]
                self._stamp = (stat.st_mtime_ns, stat.st_size)
        return self._entries

    @cached_property
    def _writers(self) -> dict[str, Writer]:
        """How each column is written: chosen once for an agency."""
        exact = _exact_fields(self.dataset)
        return {
            c.name: writer(c, self.medium, random.Random(f"{self.seed}{c.name}"), is_exact=c.name in exact)
            for c in self.dataset.columns
        }

    def column(self, name: str) -> Column:
        """The declared column of a name."""
        return next(column for column in self.dataset.columns if column.name == name)

    def wire_of(self, row: Row, index: int) -> dict[str, Any]:
        """How the agency writes a row: the same bytes each time for the same row and place."""
        sent: dict[str, Any] = {}
        rng = random.Random(f"{self.seed}{index}")
        for column in self.dataset.columns:
            value = row[column.name]
            wire = write_nothing(column, self.medium, rng) if value is None else self._writers[column.name](value, rng)
            if wire is not ABSENT:
                sent[column.source_field] = wire
        return sent


def make_stocks(source: Source, rows: int, seed: int) -> dict[str, Stock]:
    """Every dataset of a source, parents before children; about `rows` records each, within its floor and ceiling."""
    most = max(rows, *(dataset.volume.floor for dataset in source.datasets))
    pool = _companies(source.name, most + _SPARE, seed)
    stocks: dict[str, Stock] = {}
    for dataset in source.datasets:
        count = min(max(rows, dataset.volume.floor), dataset.volume.ceiling)
        stock = Stock(dataset, medium_of(source, dataset), f"{seed}.{dataset.address}.")
        parts = _partition_values(dataset, stocks, count)
        stock.partitions = tuple(dict.fromkeys(value for value, _ in parts)) if parts is not None else None
        shares = [value for value, share in parts or () for _ in range(share)]
        stock.pool, stock.shares = pool, shares
        stock.made = count
        stock.entries.extend(make_entries(stock, count))
        stocks[dataset.name] = stock
    return stocks


def hold_stocks(source: Source, feeds: Mapping[str, Path]) -> dict[str, Stock]:
    """Every dataset of a source that has a feed of a population, by address."""
    held = [dataset for dataset in source.datasets if dataset.address in feeds]
    return {d.name: Stock(d, medium_of(source, d), d.address, feed=feeds[d.address]) for d in held}


def make_entries(stock: Stock, count: int) -> list[Entry]:
    """So many records, in the agency's order."""
    typed = make_rows(stock.dataset, count, random.Random(f"{stock.seed}rows"), stock.pool, stock.shares)
    shares: Sequence[str | None] = stock.shares or [None] * count
    return [Entry(i, stock.wire_of(row, i), shares[i], row) for i, row in enumerate(typed)]


def medium_of(source: Source, dataset: Dataset) -> Medium:
    """What the form of a dataset can carry. Fields are left out only where a delivery is the whole list."""
    if source.driver == "database":
        return Medium("database", typed=True, may_omit=False)
    is_whole = dataset.load == "snapshot" and isinstance(dataset.request, RestRequest) and not dataset.request.partition
    name = "json" if dataset.decoder.kind == "jsonl" else dataset.decoder.kind
    return Medium(name, typed=name not in ("csv", "xml"), may_omit=is_whole and name in ("json", "xml"))


def _companies(source: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Codes and names of the enterprises that one agency knows; every eleventh code ends in "0"."""
    rng = random.Random(f"{seed}.{source}.companies")
    found: dict[str, str] = {}
    while len(found) < count:
        place = len(found)
        code = codes.make_code(rng, is_old=place % 5 == 3, ends_with_zero=place % 11 == 7)
        found.setdefault(code, names.company_name(place, _TRADES[place % len(_TRADES)]))
    return list(found.items())


def _exact_fields(dataset: Dataset) -> set[str]:
    """Columns that must be written in one plain form: what a listing is sorted by, and what a trailer adds up."""
    fields = set()
    if isinstance(dataset.paginator, Keyset):
        fields.add(dataset.paginator.cursor)
    if isinstance(dataset.decoder, CsvDecoder) and dataset.decoder.trailer:
        fields.add(dataset.decoder.trailer.sum_field)
    return {column.name for column in dataset.columns if column.source_field in fields}


def _partition_values(dataset: Dataset, stocks: Mapping[str, Stock], count: int) -> list[tuple[str, int]] | None:
    """Each value of a partition, with the number of its records: one has many, some have none, the others as many."""
    partition = dataset.request.partition if isinstance(dataset.request, RestRequest) else None
    if partition is None:
        return None
    if partition.values is not None:
        values = list(partition.values)
    else:
        parents = stocks[str(partition.dataset)].entries
        values = list(dict.fromkeys(str(entry.typed[str(partition.column)]) for entry in parents))
    is_empty = [place % 5 == 4 for place in range(len(values))]
    shares = [0] * len(values)
    shares[0] = min(count, max(1, count // 3))
    others = [place for place in range(1, len(values)) if not is_empty[place]] or [0]
    for place in range(count - shares[0]):
        shares[others[place % len(others)]] += 1
    return list(zip(values, shares, strict=True))
