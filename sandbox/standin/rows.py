"""Typed rows that keep every rule of a dataset: unique keys, ranges, parts within wholes, dates without a gap."""

import datetime as dt
import random
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from connectors.columns import tombstones_of
from connectors.drivers.paging import Keyset, TimeWindow
from connectors.spec import Column, Dataset, Freshness, NoGap, ReplaceBy, RestRequest, Tombstone
from sandbox.standin.values import Typed, decimal_shape, draw, is_monthly, least

LAST_DAY: Final = dt.date(2025, 6, 29)
"""The newest day of any record that is not changed later."""
_DAY: Final = dt.timedelta(days=1)

Row = dict[str, Typed]


class UsageError(ValueError):
    """The source file asks for something that no simulated agency can be made of."""


def partition_column(dataset: Dataset) -> str | None:
    """The column that holds a record's value of the partition: of the partition's name, or of the parent's column."""
    partition = dataset.request.partition if isinstance(dataset.request, RestRequest) else None
    if partition is None:
        return None
    known = {column.name: column.name for column in dataset.columns}
    known |= {column.source_field: column.name for column in dataset.columns}
    named = (partition.name, partition.column, partition.param)
    return next((known[name] for name in named if name is not None and name in known), None)


def window_column(dataset: Dataset) -> str:
    """The date that a time window cuts by: the one freshness watches, or the first required one."""
    if isinstance(dataset.freshness, Freshness):
        return dataset.freshness.column
    dated = [c.name for c in dataset.columns if c.required and c.data_type in ("date", "timestamp")]
    if not dated:
        raise UsageError(f"{dataset.address}: a time window needs a required date column")
    return dated[0]


def make_rows(
    dataset: Dataset, count: int, rng: random.Random, pool: Sequence[tuple[str, str]], shares: Sequence[str]
) -> list[Row]:
    """Typed rows with unique keys, in the agency's order."""
    for group in (3, 1):
        rows = [_row(dataset, place, count, rng, pool, group) for place in range(count)]
        _place_partitions(dataset, rows, shares)
        _keep_rules(dataset, rows, rng)
        if len({tuple(row[name] for name in dataset.key) for row in rows}) == count:
            return rows
    raise UsageError(f"{dataset.address}: no unique keys can be made for {count} records")


def _row(
    dataset: Dataset, place: int, count: int, rng: random.Random, pool: Sequence[tuple[str, str]], group: int
) -> Row:
    spread, makers = _spread_columns(dataset), _unique_makers(dataset)
    company = pool[_company_place(dataset, place, group, makers, rng, len(pool))]
    row: Row = {}
    for column in dataset.columns:
        name = column.name
        if name in makers:
            row[name] = _unique(column, place)
        elif column.check is not None:
            row[name] = company[0]
        elif name in spread:
            row[name] = _spread(dataset, column, place, count)
        elif isinstance(dataset.deletes, ReplaceBy) and dataset.deletes.column == name:
            row[name] = _delivered(column, place * 3 // count)
        elif name in dataset.key and column.data_type in ("integer", "bigint"):
            row[name] = (least(column, 2020) if "year" in name else 1) + place % 3
        elif name in dataset.key and column.values:
            row[name] = column.values[place % len(column.values)]
        elif name.endswith("name") and column.values is None and column.data_type == "varchar":
            row[name] = company[1]
        else:
            row[name] = draw(column, rng, place)
        # The first record is complete, so that no field looks as if it were gone.
        if not column.required and name not in spread and place and rng.random() < 0.12:
            row[name] = None
    _mark_living(dataset, row, place)
    return row


def _company_place(dataset: Dataset, place: int, group: int, makers: set[str], rng: random.Random, pool: int) -> int:
    has_code_in_key = any(c.check is not None and c.name in dataset.key for c in dataset.columns)
    if not has_code_in_key or makers:
        return rng.randrange(pool)
    return place if len(dataset.key) == 1 else place // group


def _unique_makers(dataset: Dataset) -> set[str]:
    """Columns numbered through, which alone make a key unique: a receipt number, an id, a cursor."""
    found = {
        c.name
        for c in dataset.columns
        if c.name in dataset.key and c.check is None and c.values is None and c.data_type == "varchar"
    }
    if isinstance(dataset.paginator, Keyset):
        found |= {c.name for c in dataset.columns if c.source_field == dataset.paginator.cursor}
    if len(dataset.key) == 1:
        found |= {c.name for c in dataset.columns if c.name in dataset.key and c.data_type in ("integer", "bigint")}
    return found


def _unique(column: Column, place: int) -> Typed:
    if column.data_type == "varchar":
        return f"{column.name[:2].upper()}2025{1_000 + 7 * place:06d}"
    return max(least(column, 0), 1_000) + 7 * place


def _delivered(column: Column, delivery: int) -> Typed:
    """The value that all records of one delivery share."""
    if column.values is not None:
        return column.values[delivery % len(column.values)]
    return f"第{delivery + 1}批" if column.data_type == "varchar" else least(column, 2023) + delivery


def _spread_columns(dataset: Dataset) -> set[str]:
    """Date columns whose values ascend with the record's place over the whole period, without a gap."""
    parts = (dataset.freshness, dataset.continuity)
    found = {part.column for part in parts if isinstance(part, (Freshness, NoGap))}
    if dataset.since is not None:
        found.add(dataset.since.column)
    if isinstance(dataset.paginator, TimeWindow):
        found.add(window_column(dataset))
    kinds = {c.name: c.data_type for c in dataset.columns}
    return found | {name for name in dataset.key if kinds[name] in ("date", "timestamp")}


def _spread(dataset: Dataset, column: Column, place: int, count: int) -> Typed:
    last = LAST_DAY
    first = last - min(720, 12 * count) * _DAY
    if isinstance(dataset.paginator, TimeWindow):
        first = max(first, dataset.paginator.start)
        last = max(last, first + count * _DAY)
    if isinstance(dataset.deletes, ReplaceBy) and dataset.deletes.column == column.name:
        place, count = place * 3 // count, 3
    # Every tenth record changed in the same moment as the one before it.
    tick = place - 1 if place % 10 == 9 and column.data_type == "timestamp" else place
    seconds = int((last - first).total_seconds()) * tick // max(1, count - 1)
    moment = dt.datetime.combine(first, dt.time(1, 30)) + dt.timedelta(seconds=seconds)
    if column.data_type == "timestamp":
        return moment
    return moment.date().replace(day=1) if is_monthly(column) else moment.date()


def _place_partitions(dataset: Dataset, rows: list[Row], shares: Sequence[str]) -> None:
    name = partition_column(dataset)
    if name is None:
        return
    is_whole = next(c.data_type in ("integer", "bigint") for c in dataset.columns if c.name == name)
    for row, share in zip(rows, shares, strict=True):
        row[name] = int(share) if is_whole else share


def _mark_living(dataset: Dataset, row: Row, place: int) -> None:
    """Every ninth record of a feed with tombstones is a tombstone; no other one is."""
    if not isinstance(dataset.deletes, Tombstone):
        return
    name, gone = dataset.deletes.column, dataset.deletes.values
    column = next(c for c in dataset.columns if c.name == name)
    is_deleted = place % 9 == 8
    if column.data_type == "boolean":
        row[name] = tombstones_of(dataset, {}, ZoneInfo("UTC"))[0] is is_deleted
    elif is_deleted:
        row[name] = gone[0]
    else:
        living = [value for value in column.values or ("在列",) if value not in gone]
        row[name] = living[place % len(living)]


def _keep_rules(dataset: Dataset, rows: list[Row], rng: random.Random) -> None:
    """Bring each part down to its whole; as often as there are rules, since one rule's part may be another's whole."""
    scales = {c.name: decimal_shape(c)[1] for c in dataset.columns if c.data_type.startswith("decimal")}
    for row, _ in product(rows, dataset.rules):
        for rule in dataset.rules:
            part, whole = row[rule.part], row[rule.whole]
            if part is None or whole is None or Decimal(str(part)) <= Decimal(str(whole)):
                continue
            share = Decimal(str(whole)) * rng.choice((Decimal(1), Decimal("0.5"), Decimal(0)))
            scale = scales.get(rule.part)
            row[rule.part] = int(share) if scale is None else share.quantize(Decimal(1).scaleb(-scale), ROUND_DOWN)
