"""From an agency's text to a typed value, by the rules of one column."""

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from connectors import uscc
from connectors.spec import Column, Dataset

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_DAY = re.compile(r"^(\d{4})(?:-|/|\.|年)?(\d{2}|(?<=\D)\d)(?:(?:-|/|\.|月)?(\d{2}|(?<=\D)\d)日?|月)?$")
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d{1,40})(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_TIME_OF_DAY = re.compile(r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_WAN = Decimal(10_000)


@dataclass(frozen=True)
class Fault:
    """A value that breaks a rule: the reason code, whether its record falls too, and the rule's name if it has one.

    `stands`: the value was mended and lands, and its agency is told.
    """

    reason: str
    column: str
    value: Any
    refuses: bool
    rule: str = ""
    stands: bool = False

    @property
    def action(self) -> str:
        """What became of it, as quarantine and return files say."""
        if self.refuses:
            return "record_refused"
        return "value_repaired" if self.stands else "value_discarded"


class ValueFaultError(ValueError):
    """The text is not of the column's type; the argument is the reason code."""


def arrow_type(data_type: str) -> pa.DataType:
    """The Arrow type of a declared type; timestamps are UTC without a zone, as both engines read them."""
    if found := re.fullmatch(r"decimal\((\d+), (\d+)\)", data_type):
        return pa.decimal128(int(found[1]), int(found[2]))
    plain: dict[str, pa.DataType] = {
        "varchar": pa.string(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }
    return plain[data_type]


def declared_schema(dataset: Dataset) -> pa.Schema:
    """The columns of the source file, typed, in its order."""
    return pa.schema([pa.field(column.name, arrow_type(column.data_type)) for column in dataset.columns])


def make_parser(
    column: Column, markers: tuple[str, ...], zone: ZoneInfo
) -> Callable[[Any], tuple[Any, Fault | None, str | None]]:
    """A function from a raw value to (typed value or None, fault or None, note or None).

    The note counts what is no fault but must be seen: a missing marker used, decimals rounded to the declared scale.
    """
    parse = _type_parser(column, zone)

    def parse_value(raw: Any) -> tuple[Any, Fault | None, str | None]:
        try:
            text = _text(raw)
        except ValueFaultError as error:
            return None, Fault(str(error), column.name, raw, True), None
        if text is None or text in markers:
            note = None if text is None else "missing_marker"
            return None, Fault("required_missing", column.name, raw, True) if column.required else None, note
        try:
            value, note = parse(text)
        except ValueFaultError as error:
            return None, Fault(str(error), column.name, raw, True), None
        except (ArithmeticError, ValueError, KeyError):
            return None, Fault("type_mismatch", column.name, raw, True), None
        if (reason := _broken_rule(column, value)) is None:
            return value, None, note
        return *_at_fault(column, raw, value, reason), note

    return parse_value


def _at_fault(column: Column, raw: Any, value: Any, reason: str) -> tuple[str | None, Fault]:
    """What is left of a value that breaks a rule: a code with letters that no code has may still be told for sure."""
    if reason == "uscc_alphabet" and (repaired := uscc.repair(value)) is not None:
        return repaired, Fault("uscc_repaired", column.name, raw, refuses=False, stands=True)
    # A count beyond reason spoils that count; a code or a key beyond reason spoils the record.
    return None, Fault(reason, column.name, raw, column.required or reason != "out_of_range")


def _text(raw: Any) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return raw.strip() or None
    if isinstance(raw, (int, Decimal, float)):
        if not math.isfinite(raw):
            raise ValueFaultError("type_mismatch")
        # Not format(raw, "f"): a hostile exponent would unfold into a billion digits.
        return str(raw)
    if isinstance(raw, dt.datetime):
        at_midnight = raw.time() == dt.time() and raw.tzinfo is None
        return raw.date().isoformat() if at_midnight else raw.isoformat(sep=" ")
    if isinstance(raw, dt.date):
        return raw.isoformat()
    raise ValueFaultError("nested_value" if isinstance(raw, (list, dict)) else "type_mismatch")


def _broken_rule(column: Column, value: Any) -> str | None:
    if column.check == "uscc":
        return uscc.fault(value)
    if column.check == "enterprise_code":
        return uscc.enterprise_fault(value)
    if column.values is not None and value not in column.values:
        return "not_in_values"
    too_low = column.min is not None and value < column.min
    too_high = column.max is not None and value > column.max
    return "out_of_range" if too_low or too_high else None


def _type_parser(column: Column, zone: ZoneInfo) -> Callable[[str], tuple[Any, str | None]]:
    kind = column.data_type.partition("(")[0]
    match kind:
        case "varchar":
            return _CODES[column.check] if column.check else _plain_text
        case "integer" | "bigint":
            bits = 32 if kind == "integer" else 64
            return lambda text: (_integer(text, bits), None)
        case "decimal":
            declared = arrow_type(column.data_type)
            factor = _WAN if column.unit == "万元" else Decimal(1)
            return lambda text: _decimal(text, factor, declared.precision, declared.scale)
        case "date":
            return lambda text: (_date(text), None)
        case "timestamp":
            return lambda text: (_timestamp(text, zone), None)
        case "boolean":
            return lambda text: ({"true": True, "false": False}[text.lower()], None)
        case _:
            raise ValueFaultError(column.data_type)


HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing: what is seen is then not what is there."""


def _plain_text(text: str) -> tuple[str, None]:
    if HIDDEN.search(text):
        raise ValueFaultError("hidden_character")
    # A lone surrogate is no text: it has no form in Parquet or PostgreSQL.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueFaultError("type_mismatch")
    return text, None


_CODES: dict[str, Callable[[str], tuple[str, None]]] = {
    "uscc": lambda text: (uscc.tidy(text), None),
    "enterprise_code": lambda text: (uscc.without_hyphen(uscc.tidy(text)), None),
}


def _integer(text: str, bits: int) -> int:
    number = _number(text)
    if number != number.to_integral_value() or abs(number) >= 2 ** (bits - 1):
        raise ValueFaultError("type_mismatch")
    return int(number)


def _decimal(text: str, factor: Decimal, precision: int, scale: int) -> tuple[Decimal, str | None]:
    number = _number(text) * factor
    kept = number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    if len(kept.as_tuple().digits) > precision:
        raise ValueFaultError("type_mismatch")
    return kept, None if kept == number else "rounded"


def _number(text: str) -> Decimal:
    """A plain number, thousands separated by commas or not. What means something else elsewhere ("1,5") is refused."""
    if not _NUMBER.fullmatch(text):
        raise ValueFaultError("type_mismatch")
    return Decimal(text.replace(",", ""))


def _date(text: str) -> dt.date:
    """2025-06-30, 20250630, 2025/6/30, 2025年6月30日; a month alone (2025-06, 202506, 2025年6月) is its first day.

    A time of day without an offset is dropped; with one, the day would depend on the zone, so it is refused.
    """
    day_part = text[:10] if _TIME_OF_DAY.fullmatch(text[10:]) else text
    found = _DAY.fullmatch(day_part)
    if found is None:
        raise ValueFaultError("type_mismatch")
    year, month, day = found.groups()
    return dt.date(int(year), int(month), int(day or 1))


def _timestamp(text: str, zone: ZoneInfo) -> dt.datetime:
    """ISO 8601; without an offset it is the zone's own time."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(dt.UTC).replace(tzinfo=None)
