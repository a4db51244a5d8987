"""Is a delivery healthy: enough of it, not most of it refused, not shrunk, new enough, and without gaps."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.columns import days_in
from connectors.drift import MANY
from connectors.errors import AgencyError, DataError
from connectors.reading import Reading
from connectors.settle import Loss, Settled
from connectors.spec import MAY_GO_PCT, Dataset, Freshness, NoGap, ReplaceBy, Shrink, Tombstone, Unwatched

STAYS = "the last good batch stays"


def newest_in(moments: pa.ChunkedArray, zone: ZoneInfo, newest: Any = None) -> tuple[Any, int]:
    """The newest of these days or moments that does not lie ahead of now, or `newest`; and how many lie ahead.

    Days are those of the zone, moments are in UTC.
    """
    present = datetime.now(UTC)
    is_moment = pa.types.is_timestamp(moments.type)
    limit = pa.scalar(present.replace(tzinfo=None) if is_moment else present.astimezone(zone).date(), moments.type)
    come = moments.filter(pc.less_equal(moments, limit))
    ahead = len(moments) - moments.null_count - len(come)
    latest = pc.max(come).as_py()
    return max((one for one in (latest, newest) if one is not None), default=None), ahead


def require_healthy(dataset: Dataset, reading: Reading, settled: Settled) -> dict[str, int]:
    """Raise a `DataError` where nothing of this delivery may be promoted; else answer the warnings, as counts."""
    _check_refused_share(dataset, reading)
    if settled.total < dataset.volume.floor:
        what = f"{settled.total} records, the floor is {dataset.volume.floor}."
        raise DataError(what, dataset.address, f"ask the agency whether its delivery is whole; {STAYS}")
    _check_whole(dataset, settled.total_before, settled.total)
    for loss in settled.losses:
        _check_loss(dataset, loss)
    _check_emptied(dataset, settled.emptied)
    warnings = {f"column_emptied:{name}": max(had, 1) for name, had in settled.emptied.items()}
    ask = "ask the agency whether it writes its keys another way (zeros lost, a prefix)"
    if _is_much(dataset, settled.keys, "{gone} of {before} keys are not there any more", ask):
        warnings["keys_gone"] = settled.keys.gone
    ask = "look whether some of its records have a wrong date, or whether it is not whole"
    # It stops only where the source file says that a list comes each month: other days, or a new year, may be small.
    parts, listed = getattr(dataset.deletes, "column", None), dataset.continuity
    is_monthly = isinstance(listed, NoGap) and (listed.column, listed.period) == (parts, "month")
    for thin in settled.thin:
        says = "{of} is new and has {has} records, those before it {before}"
        if _is_much(dataset, thin, says, ask, may_stop=is_monthly):
            warnings[f"few_records:{thin.of}"] = thin.before - thin.gone
    return warnings | ({"over_ceiling": settled.total} if settled.total > dataset.volume.ceiling else {})


def _is_much(dataset: Dataset, loss: Loss, says: str, ask: str, *, may_stop: bool = True) -> bool:
    """Whether more is missing than may go; a `DataError` where it is most of many: that is hardly the world's doing."""
    is_much = loss.gone > 1 and 100 * loss.gone > _may_go(dataset) * loss.before
    if may_stop and is_much and loss.gone >= MANY and 2 * loss.gone > loss.before:
        what = says.format(**vars(loss), has=loss.before - loss.gone) + "."
        part = dataset.deletes or dataset.continuity
        raise DataError(what, dataset.address, f"{ask}; {_how_to_allow(part, 1, 1)}")
    return is_much


def _check_emptied(dataset: Dataset, emptied: Mapping[str, int]) -> None:
    """Raise an `AgencyError` for a column without any value where many records had one: as for a missing field."""
    fields = {column.name: column.source_field for column in dataset.columns}
    gone = {name: had for name, had in emptied.items() if had >= MANY}
    if gone and dataset.schema_contract.data_type in ("freeze", "discard_row"):
        names = ", ".join(f"{fields[name]} ({had} had one)" for name, had in gone.items())
        next_step = "ask the agency; where it is meant so, set schema_contract data_type to discard_value"
        raise AgencyError(f"no record has a value in {names}.", dataset.address, f"{next_step}; {STAYS}")


def _may_go(dataset: Dataset) -> int:
    """The percentage of a part, or of the whole, that may go at once."""
    declared: int | None = getattr(dataset.deletes or dataset.continuity, "shrink_pct", None)
    return MAY_GO_PCT if declared is None else declared


def _how_to_allow(part: Shrink | NoGap | Unwatched | Tombstone | ReplaceBy, gone: int, before: int) -> str:
    """What in the source file lets so many records go."""
    # Rounded up, or one record would still be too many.
    share = -(-100 * gone // before)
    allow = f"set shrink_pct of {'continuity' if isinstance(part, (Shrink, NoGap)) else 'deletes'} to {share}"
    if isinstance(part, Unwatched):
        allow = f"put `continuity: {{shrink_pct: {share}}}` in the place of unwatched"
    return f"where it is right, {allow} for one run; {STAYS}"


def _check_whole(dataset: Dataset, before: int, after: int) -> None:
    """Raise a `DataError` for fewer records: by more than declared, of a snapshot by more than one and 30 %."""
    limit, gone = getattr(dataset.continuity, "shrink_pct", None), before - after
    if limit is None and dataset.load == "snapshot" and gone > 1:
        limit = MAY_GO_PCT
    if limit is None or not before or 100 * gone <= limit * before:
        return
    what = f"{after} records, {before} before: {100 * gone / before:.0f} % fewer, {limit} % may go at once."
    next_step = _how_to_allow(dataset.continuity, gone, before)
    raise DataError(what, dataset.address, f"ask the agency where they went; {next_step}")


def _check_loss(dataset: Dataset, loss: Loss) -> None:
    """Raise a `DataError` where more than its share of a part, or of the whole, would be deleted."""
    limit = _may_go(dataset)
    if loss.gone > 1 and 100 * loss.gone > limit * loss.before:
        what = f"of {loss.of} {loss.gone} of {loss.before} records would be taken away, {limit} % may go at once."
        next_step = _how_to_allow(dataset.deletes or dataset.continuity, loss.gone, loss.before)
        ask = "look whether the delivery holds only some records, or a wrong date"
        raise DataError(what, dataset.address, f"{ask}; {next_step}")


def _check_refused_share(dataset: Dataset, reading: Reading) -> None:
    """Raise a `DataError` where most is refused: the file must be read again later, not be counted as read."""
    if reading.refused >= MANY and 2 * reading.refused > reading.received:
        rules = sorted(rule.removeprefix("refused:") for rule in reading.rules if rule.startswith("refused:"))
        what = f"{reading.refused} of {reading.received} records are refused ({', '.join(rules[:5])})."
        raise DataError(what, dataset.address, f"compare the delivery with the source file; {STAYS}")


def age_and_gaps(dataset: Dataset, paths: Sequence[Path], as_of: date, zone: ZoneInfo) -> dict[str, int]:
    """The warnings about the dates of all landed rows: `stale:column` in days, `gap:column=2025-04`.

    A moment counts as the day that it is in the zone.
    """
    found: dict[str, int] = {}
    if isinstance(dataset.freshness, Freshness):
        days = _days(paths, dataset.freshness.column, zone)
        past = [day for day in days if day <= as_of]
        if past and (as_of - max(past)).days > dataset.freshness.days:
            found[f"stale:{dataset.freshness.column}"] = (as_of - max(past)).days
    if isinstance(dataset.continuity, NoGap):
        column = dataset.continuity.column
        found |= {
            f"gap:{column}={period}": 1 for period in _gaps(_days(paths, column, zone), dataset.continuity.period)
        }
    return found


def _days(paths: Sequence[Path], column: str, zone: ZoneInfo) -> set[date]:
    found: set[date] = set()
    for path in paths:
        if column not in pq.read_schema(path).names:
            continue
        table = pq.read_table(path, columns=[column, "_deleted"], partitioning=None)
        values = table.filter(pc.invert(table["_deleted"]))[column]
        found |= set(days_in(values, zone).unique().drop_null().to_pylist())
    return found


def _gaps(days: set[date], period: str) -> list[str]:
    if not days:
        return []
    if period == "year":
        years = {day.year for day in days}
        return [str(year) for year in range(min(years), max(years)) if year not in years]
    months = {12 * day.year + day.month - 1 for day in days}
    missing = [month for month in range(min(months), max(months)) if month not in months]
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in missing]
