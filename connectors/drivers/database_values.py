"""Values of a database as JSON, and the bound of a change feed as a value of its column."""

import datetime as dt
import json
import math
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Date, DateTime, String
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from connectors.errors import AgencyError, ConfigError
from connectors.json_text import EXACT_BELOW, is_too_long_for_single
from connectors.spelling import bytes_as_text


class SinglePrecision(TypeDecorator[float]):
    """A number of single precision, as the shortest that is the same one in it: 0.1 and not 0.10000000149.

    One of more digits than it keeps, once rounded to `scale` places (None: a column of text), comes in a form that its
    column refuses.
    """

    impl = NullType
    cache_ok = True

    def __init__(self, scale: int | None) -> None:
        super().__init__()
        self.scale = scale

    def process_result_value(self, value: Any, _dialect: Any) -> Any:
        """The number, or a text that is none."""
        if not isinstance(value, float) or not math.isfinite(value):
            return value
        text = f"{Decimal(str(np.float32(value))):f}"
        if is_too_long_for_single(text, self.scale):
            return f"{value:.14E}" if self.scale is None else f"{text} (single precision)"
        return float(text)


class UtcMoment(TypeDecorator[dt.datetime]):
    """A moment in UTC that comes without an offset, as the zone's own time: summer time has its offset in summer."""

    impl = NullType
    cache_ok = True

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self.zone = zone

    def process_result_value(self, value: Any, _dialect: Any) -> Any:
        """The moment by the clocks of the zone, without an offset. A day that is none is a text, and stays one."""
        is_moment = isinstance(value, dt.datetime)
        return value.replace(tzinfo=dt.UTC).astimezone(self.zone).replace(tzinfo=None) if is_moment else value


def keep_as_text(connection: Any) -> None:
    """Let a connection give as text what no Python value can hold: `infinity` of PostgreSQL, text in GBK of SQLite.

    One such value is one record to refuse; without this it ends the table.
    """
    if hasattr(connection, "text_factory"):
        connection.text_factory = lambda text: text.decode(errors="replace")
    elif hasattr(connection, "adapters"):
        from psycopg import DataError
        from psycopg.types import datetime as loaders

        def or_text(base: Any) -> Any:
            def load(self: Any, data: Any) -> Any:
                try:
                    return base.load(self, data)
                except DataError:
                    return bytes(data).decode()

            return type(base.__name__, (base,), {"load": load})

        for kind in ("date", "timestamp", "timestamptz"):
            connection.adapters.register_loader(kind, or_text(getattr(loaders, f"{kind.capitalize()}Loader")))


def rows_as_json(rows: Iterable[Mapping[Any, Any]], where: str) -> bytes:
    """`{"rows": [...]}`: dates and times as ISO text, exact numbers as text, bytes as `bytes_as_text` has them.

    A number that is none (NaN, infinity) becomes its text, for its column to refuse. Raises an `AgencyError` for a type
    that has no form here.
    """
    plain = [{str(name): _plain(value) for name, value in row.items()} for row in rows]
    try:
        text = json.dumps({"rows": plain}, default=_as_text, ensure_ascii=False, sort_keys=True, allow_nan=False)
        return text.encode()
    except TypeError as error:
        raise AgencyError(f"{error}.", where, "leave the column out, or ask for a view without it") from None
    except ValueError:
        raise AgencyError("a value inside a nested one has no form in JSON.", where, "leave the column out") from None


def bound_value(since: str, kind: TypeEngine[Any], zone: ZoneInfo, where: str) -> Any:
    """The bound (ISO; without an offset it is UTC) as a value to compare a column of this type with.

    A column of moments without an offset holds the zone's own time, as when it is landed. A column of text is compared
    by day: every spelling that begins with the year sorts at or above the day itself. Of a moment the day before
    is included, since the text may be in UTC or have another offset.
    """
    moment, is_day = dt.datetime.fromisoformat(since), "T" not in since and " " not in since
    if is_day:
        local = moment.replace(tzinfo=zone)
    else:
        local = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(zone)
    if isinstance(kind, DateTime):
        return local if kind.timezone else local.replace(tzinfo=None)
    if isinstance(kind, Date):
        return local.date()
    if isinstance(kind, String):
        return (local.date() - dt.timedelta(days=0 if is_day else 1)).isoformat()
    raise ConfigError(f"is of type {kind} and cannot be asked for what is new.", where, "name a column of dates")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        if abs(value) >= EXACT_BELOW:
            # A binary number keeps no more digits: written in the form that every column refuses (`digits_lost`).
            return f"{value:.14E}"
        return int(value) if value.is_integer() else value
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.timedelta):
        return f"{value.total_seconds():f}"
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return ",".join(sorted(map(str, value)))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes_as_text(bytes(value))
    raise TypeError(f"a database value of type {type(value).__name__} has no form in JSON here")
