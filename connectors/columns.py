"""From an agency's text to a typed value, by the rules of one column."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from connectors import spelling, uscc
from connectors.json_text import EXACT_BELOW, JsonNumber
from connectors.spec import DAYS, NUMBERS, Column, Dataset, Tombstone
from ledger.hand_made import MISSING_WORDS

# Room for the 40 digits of `_PLAIN_DIGITS` and for what 万元 and a scale put behind them.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
# No group of thousands begins with 0: "0,125" is an eighth in other countries.
_NUMBER = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d{1,40})(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
# Year, month, day, clock, offset. A month or a day has one digit only behind a sign: 2025111 is no day.
_MOMENT = re.compile(
    r"(\d{4})(-|/|\.|年)?(\d{2}|(?<=\D)\d(?!\d))(?:(?:-|/|\.|月)?(\d{2}|(?<=\D)\d)日?|(月))?"
    r"(?:[T ]\s*(\d{2}|\d(?=:)):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
_ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ](?!24)\d\d:\d\d:\d\d\S*", re.ASCII)
_WAN = Decimal(10_000)
_PLAIN_DIGITS = 40
"""A decimal that lands has 38 digits at most."""

_SHEET_POWER = 11
"""From 10^11 on a sheet shows a number as a power of ten, with six digits; programs write small powers exactly."""

# A lone surrogate is no text: it has no form in Parquet or PostgreSQL.
_NO_TEXT = (
    (spelling.HIDDEN, "hidden_character"),
    (spelling.LOST, "lost_character"),
    (re.compile("[\ud800-\udfff]"), "type_mismatch"),
    (spelling.ERROR, "error_cell"),
    (spelling.DITTO, "ditto_mark"),
)
_DOUBTS = (
    (spelling.IN_NAME, "escaped_text", False),
    (spelling.CUT, "lost_character", False),
    (spelling.DOUBTFUL, "lost_character", True),
    (spelling.ESCAPED, "escaped_text", True),
)
"""Signs of damage, the reason why a name or code is refused, and whether they count in any other text."""

FIRST_DAY, LAST_DAY = dt.date(1900, 1, 2), dt.date(2199, 12, 31)
"""The bounds of days in a column without its own. Databases write the day before the first for no day."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_DIGITS = 10**11
"""Seconds stay below this until the year 5138; milliseconds are above it since 1973, and before 1966."""


@dataclass(frozen=True)
class Fault:
    """A value that breaks a rule: the reason code, whether its record falls too, and the rule's name if it has one.

    `stands`: the value was fixed and lands; the return file reports it.
    """

    reason: str
    column: str
    value: Any
    refuses: bool
    rule: str = ""
    stands: bool = False

    @property
    def action(self) -> str:
        """What became of it, in the words of quarantine and return files."""
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

    The note counts what is no fault but must be seen: a missing marker or word, another spelling than the one kept,
    decimals rounded to the declared scale, a time of day dropped.
    """
    parse = _type_parser(column, zone)
    spell = spelling.as_code if is_code(column) else spelling.as_text
    words = words_of(column)
    least, most = (None, None) if column.kind == "timestamp" else bounds_of(column)
    numbers = numbers_among(markers, column)

    def parse_value(raw: Any) -> tuple[Any, Fault | None, str | None]:
        note = None
        try:
            stated = _text(raw, column)
            text = stated if stated is None or stated in markers else spell(stated)
            if text in markers or (numbers and text and _plain_number(text) in numbers):
                note, text = "missing_marker", None
            elif words and text is not None and (text in words or spelling.as_code(text) in words):
                note, text = "missing_word", None
            if not text:
                return None, Fault("required_missing", column.name, raw, True) if column.required else None, note
            value, note = parse(text)
        except ValueFaultError as error:
            return None, _fault(column, raw, str(error)), None
        except (ArithmeticError, ValueError, KeyError):
            return None, Fault("type_mismatch", column.name, raw, True), None
        note = note or ("normalised" if text != stated else None)
        if (reason := _broken_rule(column, value, least, most)) is None:
            return value, None, note
        return *_at_fault(column, raw, value, reason), note

    return parse_value


def tombstones_of(dataset: Dataset, markers: Mapping[str, tuple[str, ...]], zone: ZoneInfo) -> tuple[Any, ...]:
    """The values that delete, as the parser of their column gives them. Raises `ValueError` for one it never gives.

    `markers` are those of each column.
    """
    if not isinstance(dataset.deletes, Tombstone):
        return ()
    column = dataset.column(dataset.deletes.column)
    parse = make_parser(column, markers.get(column.name, ()), zone)
    found = []
    for text in dataset.deletes.values:
        value, fault, note = parse(text)
        if value is None or fault is not None:
            why = fault.reason if fault else note or "it is blank"
            raise ValueError(
                f"{dataset.name}: the tombstone {text!r} can never be met in {column.name} ({column.data_type}): {why}"
            )
        found.append(value)
    return tuple(found)


def numbers_among(markers: tuple[str, ...], column: Column) -> frozenset[Decimal]:
    """The markers of a column of numbers that are numbers: -1 marks -1.0 and -1.00 too, whatever form a value has."""
    found = (_plain_number(marker) for marker in markers if column.kind in NUMBERS)
    return frozenset(number for number in found if number is not None)


def _plain_number(text: str) -> Decimal | None:
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def is_code(column: Column) -> bool:
    """Whether only one spelling of a value is kept: for keys, codes, and all types but text."""
    return column.kind != "varchar" or column.check is not None or column.spelling == "code"


def words_of(column: Column) -> frozenset[str]:
    """The words that mean nothing in this column; one of its own `values` never does."""
    if column.missing_words is not None:
        return frozenset(column.missing_words)
    return MISSING_WORDS - set(column.values or ()) if column.kind == "varchar" else frozenset()


def bounds_of(column: Column) -> tuple[Any, Any]:
    """The least and the greatest value of a column, None where there is no bound; of dates and moments, days."""
    if column.kind in DAYS:
        return column.min or FIRST_DAY, column.max or LAST_DAY
    return column.min, column.max


def days_in(moments: "pa.Array | pa.ChunkedArray", zone: ZoneInfo) -> "pa.Array | pa.ChunkedArray":
    """The days of dates, or of moments in UTC, by the calendar of the zone."""
    if pa.types.is_timestamp(moments.type):
        local = pc.local_timestamp(pc.assume_timezone(moments, "UTC").cast(pa.timestamp("us", zone.key)))
        return pc.floor_temporal(local, unit="day").cast(pa.date32())
    return moments.cast(pa.date32())


def _at_fault(column: Column, raw: Any, value: Any, reason: str) -> tuple[str | None, Fault]:
    """What is left of a value that breaks a rule: of a code with letters that no code has, its one valid reading."""
    if reason == "uscc_alphabet" and (repaired := uscc.repair(value)) is not None:
        return repaired, Fault("uscc_repaired", column.name, raw, refuses=False, stands=True)
    return None, _fault(column, raw, reason)


def _fault(column: Column, raw: Any, reason: str) -> Fault:
    # A value out of range discards that value alone; any other fault, or one of a required column, refuses the record.
    return Fault(reason, column.name, raw, column.required or reason != "out_of_range")


def _text(raw: Any, column: Column) -> str | None:
    """The raw value as text for the parser of its column. Raises `ValueFaultError` for a type that never fits."""
    is_day = column.kind in DAYS
    text: str | None = None
    if isinstance(raw, JsonNumber) and (column.kind not in NUMBERS or "e" in raw.lower()):
        text = _json_number_text(raw) if column.kind == "varchar" else _number_text(Decimal(raw), column)
    elif isinstance(raw, str):
        text = raw.strip()
    elif isinstance(raw, bool):
        text = str(raw) if column.kind == "boolean" else None
    elif isinstance(raw, int):
        # 20250630 is a day; what else a number may mean must be declared.
        text = str(raw) if column.kind != "timestamp" or column.epoch else None
    elif isinstance(raw, (Decimal, float)):
        text = _number_text(raw, column)
    elif isinstance(raw, dt.date):
        text = raw.isoformat() if is_day else None
    if text is None and raw is not None:
        raise ValueFaultError("nested_value" if isinstance(raw, (list, dict)) else "type_mismatch")
    return text or None


def _number_text(raw: Decimal | float, column: Column) -> str | None:
    number = raw if isinstance(raw, Decimal) else Decimal(repr(raw))
    if not number.is_finite():
        return None
    if column.kind == "varchar" and isinstance(raw, float) and abs(raw) >= EXACT_BELOW:
        raise ValueFaultError("digits_lost")
    if column.kind in ("varchar", "boolean") or column.epoch:
        return _digits(number)
    if column.kind in DAYS:
        return None
    # Not format(number, "f") alone: a hostile exponent would unfold into a billion digits.
    return format(number, "f") if abs(number.adjusted()) < _PLAIN_DIGITS else str(number)


def _json_number_text(raw: JsonNumber) -> str:
    """A whole number as its digits, as long as a binary number keeps them all; a fraction as it was sent."""
    number = Decimal(raw)
    is_whole = number == number.to_integral_value()
    if abs(number) >= EXACT_BELOW or (not is_whole and "e" in raw.lower()):
        raise ValueFaultError("digits_lost")
    return str(int(number)) if is_whole else str(raw)


def _digits(number: Decimal) -> str:
    """A whole number as its digits."""
    if number.adjusted() >= _PLAIN_DIGITS or number != number.to_integral_value():
        raise ValueFaultError("digits_lost")
    return str(int(number))


def _broken_rule(column: Column, value: Any, least: Any, most: Any) -> str | None:
    if column.check == "uscc":
        return uscc.fault(value)
    if column.check == "enterprise_code":
        return uscc.enterprise_fault(value)
    if column.values is not None and value not in column.values:
        return "not_in_values"
    too_low = least is not None and value < least
    too_high = most is not None and value > most
    return "out_of_range" if too_low or too_high else None


def _type_parser(column: Column, zone: ZoneInfo) -> Callable[[str], tuple[Any, str | None]]:
    match column.kind:
        case "varchar":
            return lambda text: _plain_text(text, column)
        case "integer" | "bigint" as kind:
            bits = 32 if kind == "integer" else 64
            return lambda text: (_integer(text, bits, column.unit), None)
        case "decimal":
            declared = arrow_type(column.data_type)
            return lambda text: _decimal(text, column.unit, declared.precision, declared.scale)
        case "date":
            return lambda text: _date(text, column, zone)
        case "timestamp":
            return lambda text: (_timestamp(text, column, zone), None)
        case "boolean":
            words = {"true": True, "false": False}
            words |= {word.casefold(): True for word in column.is_true or spelling.TRUE_WORDS}
            words |= {word.casefold(): False for word in column.is_false or spelling.FALSE_WORDS}
            return lambda text: (words[text.casefold()], None)
        case _:
            raise ValueFaultError(column.data_type)


def _plain_text(text: str, column: Column) -> tuple[str, str | None]:
    for pattern, reason in _NO_TEXT:
        if pattern.search(text):
            raise ValueFaultError(reason)
    if spelling.is_read_as_gbk(text) or spelling.is_read_as_latin(text):
        raise ValueFaultError("lost_character")
    if spelling.has_lost_digits(text, is_code=is_code(column)):
        raise ValueFaultError("digits_lost")
    note = _doubt(text, column)
    if is_code(column):
        if text[0] in "='" or spelling.GROUPED.match(text):
            raise ValueFaultError("formula_cell" if text[0] == "=" else "type_mismatch")
        if spelling.SPACED.match(text):
            text, note = text.replace(" ", ""), "normalised"
    if column.check:
        text = uscc.tidy(text)
    return uscc.without_hyphen(text) if column.check == "enterprise_code" else text, note


def _doubt(text: str, column: Column) -> str | None:
    """The note `doubtful_text` for signs that may be damaged text; refused in a name or code, which identify."""
    named = column.is_identifying or is_code(column)
    for pattern, reason, in_any_text in _DOUBTS:
        if (named or in_any_text) and pattern.search(text) and not (pattern is spelling.ESCAPED and "://" in text):
            if named:
                raise ValueFaultError(reason)
            return "doubtful_text"
    return None


def _integer(text: str, bits: int, unit: str | None) -> int:
    number = _number(text, unit)
    if number != number.to_integral_value() or abs(number) >= 2 ** (bits - 1):
        raise ValueFaultError("type_mismatch")
    return int(number)


def _decimal(text: str, unit: str | None, precision: int, scale: int) -> tuple[Decimal, str | None]:
    number = _number(text, unit)
    kept = number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    if len(kept.as_tuple().digits) > precision:
        raise ValueFaultError("type_mismatch")
    return kept, None if kept == number else "rounded"


def _number(text: str, unit: str | None) -> Decimal:
    """A plain number, thousands separated by commas or not. What means something else elsewhere ("1,5") is refused.

    A sheet saved as text writes 1234567890123 as 1.23457E+12: where digits are gone before the point it is refused.
    """
    plain = text.removesuffix("%").rstrip() if unit == "%" else text
    if not (found := _NUMBER.fullmatch(plain)):
        raise ValueFaultError("type_mismatch")
    exponent = found[4]
    power = int(exponent[1:]) if exponent and exponent[1] == "+" else 0
    if power >= _SHEET_POWER and power > len(found[3] or ".") - 1:
        raise ValueFaultError("digits_lost")
    number = Decimal(plain.replace(",", ""))
    return _EXACT.multiply(number, _WAN) if unit == "万元" else number


def _date(text: str, column: Column, zone: ZoneInfo) -> tuple[dt.date, str | None]:
    """2025-06-30, 20250630, 2025/6/30, 2025年6月30日; a month alone (2025-06, 202506, 2025年6月) is its first day.

    2024.1 may be January or, typed into a sheet as a number, October. A midnight is its day, one with an offset the day
    in the zone; any other time of day says that something is wrong, unless it is declared that times are dropped.
    """
    if column.epoch:
        moment = _since_1970(text, column.epoch).astimezone(zone)
    else:
        found = _fields(text)
        if found[5] is None:
            is_month = found[3] is None and found[4] is None
            # 240501 is a day of 2024 and no month of 2405.
            is_short = is_month and found[1] is None and not FIRST_DAY.year <= int(found[0] or 0) <= LAST_DAY.year
            if is_short or (is_month and found[1] == "." and len(found[2] or "") == 1):
                raise ValueFaultError("type_mismatch")
            return dt.date(int(found[0] or 0), int(found[2] or 0), int(found[3] or 1)), None
        moment = _moment(found)
        moment = moment.astimezone(zone) if moment.tzinfo else moment
    if moment.time() == dt.time():
        return moment.date(), None
    if column.time != "drop":
        raise ValueFaultError("time_of_day")
    return moment.date(), "time_dropped"


def _timestamp(text: str, column: Column, zone: ZoneInfo) -> dt.datetime:
    """A day with or without its time, as in `_date`, in the zone's own time where there is no offset; never a month."""
    if column.epoch:
        moment = _since_1970(text, column.epoch)
    elif _ISO_MOMENT.fullmatch(text):
        moment = dt.datetime.fromisoformat(text)
    else:
        moment = _moment(_fields(text))
    moment = moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    least, most = bounds_of(column)
    if not least <= moment.date() <= most:
        raise ValueFaultError("out_of_range")
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _fields(text: str) -> tuple[str | None, ...]:
    if (found := _MOMENT.fullmatch(text)) is None:
        raise ValueFaultError("type_mismatch")
    return found.groups()


def _moment(found: tuple[str | None, ...]) -> dt.datetime:
    year, _, month, day, _, hour, minute, second, fraction, offset = found
    if day is None:
        raise ValueFaultError("type_mismatch")
    micro = int((fraction or "").ljust(6, "0")[:6])
    clock = (int(hour or 0), int(minute or 0), int(second or 0), micro)
    moment = dt.datetime(int(year or 0), int(month or 0), int(day), *clock)  # noqa: DTZ001 - its zone follows
    return dt.datetime.fromisoformat(moment.isoformat() + offset.upper()) if offset else moment


def _since_1970(text: str, unit: str) -> dt.datetime:
    if not re.fullmatch(r"-?\d{1,17}", text, re.ASCII):
        raise ValueFaultError("type_mismatch")
    number = int(text)
    # In the other unit the moment would be wrong by a factor of a thousand; 0 is no moment.
    if (abs(number) < _EPOCH_DIGITS) != (unit == "seconds") or number == 0:
        raise ValueFaultError("type_mismatch")
    return _EPOCH + dt.timedelta(**{unit: number})
