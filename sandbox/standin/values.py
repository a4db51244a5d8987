"""Typed values for one column, and the many ways in which an agency may write the same value down."""

import datetime as dt
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.spec import Column

ZONE: Final = ZoneInfo("Asia/Shanghai")
ABSENT: Final = object()
"""Stands for a field that a record does not have at all."""

Typed = str | int | Decimal | dt.date | dt.datetime | bool | None
Writer = Callable[[Any, random.Random], Any]

_TEXTS: Final = (
    "高新技术企业",
    "小微企业，一般纳税人",
    '俗称"专精特新"',
    "研发<中心> & 工厂",
    "第3季度, 补报",
    "正常经营",
    "O'Neil 合资",
    "见附件;共2页",
)


@dataclass(frozen=True)
class Medium:
    """What a form can carry: numbers, dates and booleans as such (`typed`), and whether a field may be left out."""

    name: str
    typed: bool
    may_omit: bool

    @property
    def has_types(self) -> bool:
        """Whether each column has a type of its own, so that a value has one form alone."""
        return self.name in ("parquet", "database")


def is_monthly(column: Column) -> bool:
    """Whether a date column holds months: its values are first days, and may be written as months."""
    return column.data_type == "date" and bool(re.search(r"month|月", column.name + column.source_field))


def decimal_shape(column: Column) -> tuple[int, int]:
    """Precision and scale of a declared decimal."""
    found = re.fullmatch(r"decimal\((\d+), (\d+)\)", column.data_type)
    if found is None:
        raise ValueError(f"{column.name} is no decimal")
    return int(found[1]), int(found[2])


def draw(column: Column, rng: random.Random, place: int) -> Typed:
    """One valid value of a column that nothing else decides."""
    value: Typed
    match column.kind:
        case _ if column.values is not None:
            value = rng.choice(column.values)
        case "varchar":
            value = f"{rng.choice(_TEXTS)}{place % 7}"
        case "integer" | "bigint":
            value = _whole(column, rng)
        case "decimal":
            value = _amount(column, rng)
        case "boolean":
            value = rng.random() < 0.5
        case "date":
            day = _day(column, rng)
            value = day.replace(day=1) if is_monthly(column) else day
        case _:
            noon = dt.datetime.combine(_day(column, rng), dt.time(4))
            value = noon + dt.timedelta(seconds=rng.randrange(-43_200, 43_200))
    return value


def _day(column: Column, rng: random.Random) -> dt.date:
    first, last = dt.date(2020, 1, 1), dt.date(2025, 3, 15)
    first = max(first, column.min) if isinstance(column.min, dt.date) else first
    last = min(last, column.max) if isinstance(column.max, dt.date) else last
    return first + dt.timedelta(days=rng.randrange(max(1, (last - first).days)))


def least(column: Column, otherwise: int) -> int:
    """The declared least value of a column of whole numbers, or another where none is declared or it is 0."""
    return int(column.min) if isinstance(column.min, Decimal) and column.min else otherwise


def _whole(column: Column, rng: random.Random) -> int:
    if "year" in column.name:
        low, high = 2015, 2025
    else:
        low, high = 0, 30_000
    low = max(low, int(column.min)) if isinstance(column.min, Decimal) else low
    high = min(high, int(column.max)) if isinstance(column.max, Decimal) else high
    return rng.randint(low, max(low, high))


def _amount(column: Column, rng: random.Random) -> Decimal:
    precision, scale = decimal_shape(column)
    reach = Decimal(10) ** min(precision - scale, 8) - 1
    low = max(column.min, -reach) if isinstance(column.min, Decimal) else Decimal(0)
    high = min(column.max, reach) if isinstance(column.max, Decimal) else reach
    steps = int((high - low) * 10**scale)
    return (low + Decimal(rng.randint(0, max(0, steps))).scaleb(-scale)).quantize(Decimal(1).scaleb(-scale))


def writer(column: Column, medium: Medium, rng: random.Random, *, is_exact: bool = False) -> Writer:
    """How this agency writes a column: a choice of forms made once, then used at random from record to record.

    `is_exact` keeps a number plain, where others add it up or sort by it.
    """
    match column.kind:
        case "varchar":
            return lambda value, _rng: value
        case "integer" | "bigint":
            return _one_of(_number_forms(medium, is_exact), rng)
        case "decimal":
            return _amounts(column, medium, rng, is_exact)
        case "boolean":
            return _one_of(_truth_forms(column, medium), rng)
        case "date" if not column.epoch:
            return _one_of(_date_forms(column, medium, rng), rng)
        case _:
            return _one_of(_moment_forms(column, medium), rng)


def _truth_forms(column: Column, medium: Medium) -> list[Callable[[Any], Any]]:
    if column.is_true and column.is_false:
        true, false = column.is_true[-1], column.is_false[-1]
        return [lambda v: true if v else false]
    return [lambda v: v] if medium.typed else [lambda v: str(v).lower(), lambda v: str(v).upper()]


def _since_1970(column: Column, medium: Medium, value: Any) -> Any:
    is_moment = isinstance(value, dt.datetime)
    moment = value.replace(tzinfo=dt.UTC) if is_moment else dt.datetime.combine(value, dt.time(), ZONE)
    counted = round(moment.timestamp() * (1000 if column.epoch == "milliseconds" else 1))
    return counted if medium.typed else str(counted)


def _one_of(forms: Sequence[Callable[[Any], Any]], rng: random.Random) -> Writer:
    chosen = rng.sample(list(forms), rng.randint(1, min(4, len(forms))))
    return lambda value, record_rng: record_rng.choice(chosen)(value)


def _number_forms(medium: Medium, is_exact: bool) -> list[Callable[[Any], Any]]:
    if medium.has_types:
        return [lambda v: v]
    plain: list[Callable[[Any], Any]] = [(lambda v: v) if medium.typed else str]
    return plain if is_exact else [*plain, str, lambda v: f"{v:,}"]


def _amounts(column: Column, medium: Medium, rng: random.Random, is_exact: bool) -> Writer:
    """Amounts in the column's unit; some with more decimals than we keep, which round to the typed value."""
    forms: list[Callable[[Decimal], Any]] = [lambda v: format(v, "f")]
    if medium.has_types:
        forms = [lambda v: v]
    elif not is_exact:
        forms += [lambda v: f"{v:,f}", *([lambda v: v] if medium.typed else [])]
    write = _one_of(forms, rng)
    is_rounded = not is_exact and column.unit != "万元" and not medium.has_types and medium.name != "xlsx"

    def write_amount(value: Decimal, record_rng: random.Random) -> Any:
        sent = value.scaleb(-4) if column.unit == "万元" else value
        if is_rounded and value and record_rng.random() < 0.1:
            sent += (Decimal(4) if value > 0 else Decimal(-4)).scaleb(-decimal_shape(column)[1] - 1)
        return write(sent, record_rng)

    return write_amount


def _date_forms(column: Column, medium: Medium, rng: random.Random) -> list[Callable[[dt.date], Any]]:
    if medium.has_types:
        return [lambda v: v]
    days: list[Callable[[dt.date], Any]] = [
        dt.date.isoformat,
        lambda v: f"{v:%Y%m%d}",
        lambda v: f"{v.year}/{v.month}/{v.day}",
        lambda v: f"{v.year}年{v.month}月{v.day}日",
        lambda v: f"{v:%Y.%m.%d}",
        lambda v: f"{v:%Y-%m-%d} 00:00:00",
    ]
    months: list[Callable[[dt.date], Any]] = [
        lambda v: f"{v.year}年{v.month:02d}月",
        lambda v: f"{v.year}年{v.month}月",
        lambda v: f"{v:%Y-%m}",
        lambda v: f"{v:%Y%m}",
    ]
    forms = months if is_monthly(column) and rng.random() < 0.8 else days
    return [*forms, lambda v: v] if medium.name == "xlsx" else forms


def _moment_forms(column: Column, medium: Medium) -> list[Callable[[dt.datetime], Any]]:
    """Numbers where that is declared; else instants with an offset, with Z, and in the zone's own time without one."""

    def local(value: dt.datetime) -> dt.datetime:
        return value.replace(tzinfo=dt.UTC).astimezone(ZONE)

    if column.epoch:
        return [lambda v: _since_1970(column, medium, v)]
    if medium.name == "database":
        return [lambda v: local(v).replace(tzinfo=None)]
    if medium.name == "parquet":
        return [lambda v: v.replace(tzinfo=dt.UTC)]
    return [
        lambda v: local(v).isoformat(),
        lambda v: local(v).replace(tzinfo=None).isoformat(),
        lambda v: local(v).replace(tzinfo=None).isoformat(sep=" "),
        lambda v: v.isoformat() + "Z",
    ]


def _read_moment(value: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(dt.UTC).replace(tzinfo=None)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integer": int,
    "bigint": int,
    "decimal": lambda value: Decimal(str(value)),
    "date": dt.date.fromisoformat,
    "timestamp": _read_moment,
    "boolean": lambda value: value == "true",
}


def read_plain(column: Column, value: Any) -> Any:
    """The typed value of what is sent in its plain form; what is none stays as it is."""
    if value is None or value == "":
        return None
    try:
        read = _READERS[column.kind](value) if column.kind in _READERS else value
    except (TypeError, ValueError, ArithmeticError):
        return value
    return read.scaleb(4) if column.unit == "万元" else read


def write_nothing(column: Column, medium: Medium, rng: random.Random) -> Any:
    """How a missing value is sent: null, blank, a declared marker, or no field at all."""
    if medium.has_types:
        return None
    ways: list[Any] = [None, ""] if medium.typed else [""]
    ways += column.missing_markers
    if medium.may_omit:
        ways.append(ABSENT)
    return rng.choice(ways)
