"""Typing a whole column at once. What is plain is cast together; whatever is not goes, one by one, to the one parser.

The result is that of `connectors.columns.make_parser` for each value, only sooner: a test holds the two equal.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors import uscc
from connectors.columns import NUMBERS, Fault, arrow_type, bounds_of, is_code, make_parser, numbers_among, words_of
from connectors.json_text import JsonNumber
from connectors.spec import Column
from connectors.spelling import BROKEN, DITTO_WORDS, LIKE_GBK, ODD_CODE, ODD_TEXT

_MEMO_VALUES = 50_000
_WAN_DIGITS = 4


@dataclass(frozen=True)
class TypedColumn:
    """A column of one chunk: typed values (null where missing or at fault), faults by place, notes counted."""

    values: pa.Array
    faults: dict[int, Fault] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)


ColumnReader = Callable[[list[Any]], TypedColumn]


def make_reader(column: Column, markers: tuple[str, ...], zone: ZoneInfo) -> ColumnReader:
    """A function from the raw values of one column to typed ones."""
    parse = make_parser(column, markers, zone)
    memo: dict[Any, tuple[Any, Fault | None, str | None]] = {}
    plain = _plain_cast(column, markers, bounds_of(column))
    together: set[type] = {str, JsonNumber} if column.kind in NUMBERS else {str}
    arrow = arrow_type(column.data_type)

    def parse_once(raw: Any) -> tuple[Any, Fault | None, str | None]:
        if not isinstance(raw, str) or isinstance(raw, JsonNumber):
            return parse(raw)
        if raw not in memo:
            if len(memo) >= _MEMO_VALUES:
                memo.clear()
            memo[raw] = parse(raw)
        return memo[raw]

    def read(values: list[Any]) -> TypedColumn:
        cast = _try(plain, values, together)
        if cast is None:
            return _one_by_one(values, range(len(values)), None, parse_once, arrow)
        typed, is_plain = cast
        if is_plain.all():
            return TypedColumn(typed)
        return _one_by_one(values, np.flatnonzero(~is_plain).tolist(), typed, parse_once, arrow)

    return read


_Cast = Callable[[pa.Array], tuple[pa.Array, np.ndarray] | None]


def _try(plain: _Cast, values: list[Any], texts: set[type]) -> tuple[pa.Array, np.ndarray] | None:
    """The plain cast, or None where these values are of more than one kind or one of them does not fit after all.

    Of several kinds Arrow makes one by its own rules: a moment beside days would become its day.
    """
    kinds = {*map(type, values)} - {type(None)}
    if not kinds <= texts and (len(kinds) > 1 or not kinds <= {int, bool, dt.date}):
        return None
    try:
        return plain(pa.array(values))
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        return None


def _one_by_one(
    values: list[Any],
    places: "range | list[int]",
    typed: pa.Array | None,
    parse: Callable[[Any], tuple[Any, Fault | None, str | None]],
    arrow: pa.DataType,
) -> TypedColumn:
    """Parse the values at these places, and put them among those that were cast already."""
    faults: dict[int, Fault] = {}
    notes: Counter[str] = Counter()
    parsed = []
    for place in places:
        value, fault, note = parse(values[place])
        parsed.append(value)
        if fault is not None:
            faults[place] = fault
        if note is not None:
            notes[note] += 1
    patch = pa.array(parsed, arrow)
    if typed is None:
        return TypedColumn(patch, faults, notes)
    # The cast ones first, then the patches: take each from where it stands now.
    source = np.arange(len(values))
    source[np.asarray(places, np.int64)] = len(values) + np.arange(len(parsed))
    return TypedColumn(pa.concat_arrays([typed, patch]).take(pa.array(source)), faults, notes)


_Bounds = tuple[Any, Any]


def _plain_cast(column: Column, markers: tuple[str, ...], bounds: _Bounds) -> _Cast:
    """How the plain values of this column are cast: answers values and, for each, whether it was plain."""
    nothing = (*markers, *words_of(column))
    kind = column.kind
    if kind == "varchar":
        return _code_cast(column, markers) if column.check else _text_cast(column, nothing)
    if kind in ("integer", "bigint"):
        return _number_cast(column, nothing, re.compile(r"^-?[0-9]{1,9}$"), pa.int64(), 0, bounds)
    if kind == "decimal":
        return _decimal_cast(column, nothing, bounds)
    if kind == "date" and not column.epoch:
        return _date_cast(column, nothing, bounds)
    if kind == "boolean":
        return lambda raw: (raw, _known(raw, column)) if pa.types.is_boolean(raw.type) else None
    return lambda _raw: None


def _known(raw: pa.Array, column: Column) -> np.ndarray:
    """Null is plain unless the column is required."""
    if raw.null_count == 0 or not column.required:
        return np.ones(len(raw), bool)
    return _as_mask(pc.is_valid(raw))


def _as_mask(found: pa.Array) -> np.ndarray:
    there = pc.fill_null(found, False) if found.null_count else found
    return np.asarray(there.to_numpy(zero_copy_only=False), bool)


def _plain_strings(raw: pa.Array, column: Column, markers: tuple[str, ...]) -> np.ndarray:
    """Which strings stand for themselves: neither blank, nor padded, nor a marker of something missing."""
    lengths = pc.fill_null(pc.binary_length(raw), 0)
    is_plain: np.ndarray = _as_mask(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(raw)), lengths)) & _as_mask(
        pc.greater(lengths, 0)
    )
    if markers:
        is_plain &= ~_as_mask(pc.is_in(raw, pa.array(markers, pa.string())))
    if raw.null_count and not column.required:
        is_plain |= _as_mask(pc.is_null(raw))
    return is_plain


def _text_cast(column: Column, nothing: tuple[str, ...]) -> _Cast:
    allowed = None if column.values is None else pa.array(column.values, pa.string())
    odd = ODD_CODE if is_code(column) else ODD_TEXT

    def cast(raw: pa.Array) -> tuple[pa.Array, np.ndarray] | None:
        if pa.types.is_null(raw.type):
            return raw.cast(pa.string()), _known(raw, column)
        if pa.types.is_integer(raw.type):
            raw = raw.cast(pa.string())
        if not pa.types.is_string(raw.type):
            return None
        is_plain = _plain_strings(raw, column, nothing)
        if is_code(column) or _may_be_odd(raw):
            is_plain &= ~_as_mask(pc.match_substring_regex(raw, odd))
        is_plain &= ~_as_mask(pc.match_substring_regex(raw, LIKE_GBK))
        if allowed is not None:
            is_plain &= _as_mask(pc.is_in(raw, allowed)) | _as_mask(pc.is_null(raw))
        return raw, is_plain

    return cast


# Plain ASCII and the common Chinese characters (U+4000 to U+D7FF) are made of these; but not of the signs with which a
# guard, an error of a sheet, a number in another form or a lost text begins or goes on.
_PLAIN_BYTES = np.zeros(256, bool)
_PLAIN_BYTES[[*range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xE4, 0xED)]] = True
_PLAIN_BYTES[[ord(sign) for sign in "='\"#.+?&<%\\"]] = False


def _may_be_odd(raw: pa.Array) -> bool:
    """Whether a byte could be of a text that is not spelled as it is kept, or that is no text."""
    data = raw.buffers()[2]
    if data is None:
        return False
    if not _PLAIN_BYTES[np.frombuffer(data, np.uint8)].all():
        return True
    text = data.to_pybytes()
    return any(word.encode() in text for word in (BROKEN, *DITTO_WORDS))


def _code_cast(column: Column, markers: tuple[str, ...]) -> _Cast:
    def cast(raw: pa.Array) -> tuple[pa.Array, np.ndarray] | None:
        if pa.types.is_null(raw.type):
            return raw.cast(pa.string()), _known(raw, column)
        if not pa.types.is_string(raw.type):
            return None
        is_plain = uscc.are_valid(pc.fill_null(raw, "") if raw.null_count else raw)
        if markers:
            is_plain &= ~_as_mask(pc.is_in(raw, pa.array(markers, pa.string())))
        if raw.null_count and not column.required:
            is_plain |= _as_mask(pc.is_null(raw))
        return raw, is_plain

    return cast


def _decimal_cast(column: Column, markers: tuple[str, ...], bounds: _Bounds) -> _Cast:
    declared = arrow_type(column.data_type)
    shift = _WAN_DIGITS if column.unit == "万元" else 0
    # So many digits that the value times its unit still fits what is declared, and what a 128-bit decimal holds.
    whole = min(declared.precision - declared.scale - shift, 34 - declared.scale - shift)
    if whole < 1:
        return lambda _raw: None
    decimals = declared.scale + shift
    tail = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
    pattern = re.compile(rf"^-?[0-9]{{1,{whole}}}{tail}$")
    # 万元: the same digits read at another scale are the amount in yuan, so nothing is multiplied.
    return _number_cast(column, markers, pattern, pa.decimal128(38, decimals), shift, bounds)


def _number_cast(
    column: Column, markers: tuple[str, ...], pattern: re.Pattern[str], wide: pa.DataType, shift: int, bounds: _Bounds
) -> _Cast:
    declared = arrow_type(column.data_type)
    numbers = _of_type(numbers_among(markers, column), wide)

    def cast(raw: pa.Array) -> tuple[pa.Array, np.ndarray] | None:
        if pa.types.is_null(raw.type):
            return raw.cast(declared), _known(raw, column)
        if pa.types.is_integer(raw.type):
            if markers or shift:
                return None
            # By way of the widest decimal: a cast to a narrower one is refused for its type, whatever the numbers are.
            through = pa.decimal128(38, declared.scale) if pa.types.is_decimal(declared) else declared
            wide_values, is_plain = raw.cast(through).cast(declared), _known(raw, column)
        elif pa.types.is_string(raw.type):
            is_plain = _as_mask(pc.match_substring_regex(raw, pattern.pattern))
            if markers:
                is_plain &= ~_as_mask(pc.is_in(raw, pa.array(markers, pa.string())))
            plain = raw if is_plain.all() else pc.if_else(pa.array(is_plain), raw, pa.scalar(None, pa.string()))
            wide_values = plain.cast(wide)
            if len(numbers):
                is_plain &= ~_as_mask(pc.is_in(wide_values, numbers))
            if shift:
                wide_values = _rescaled(wide_values, wide.scale - shift)
            wide_values = wide_values.cast(declared)
            if raw.null_count and not column.required:
                is_plain |= _as_mask(pc.is_null(raw))
        else:
            return None
        return wide_values, is_plain & _in_range(wide_values, column, bounds)

    return cast


def _of_type(numbers: frozenset[Decimal], wide: pa.DataType) -> pa.Array:
    """Those of these numbers that a plain value of this type can equal."""
    scale, reach = (wide.scale, 38 - wide.scale) if pa.types.is_decimal(wide) else (0, 18)
    fitting = [n for n in numbers if abs(n) < 10**reach and n.scaleb(scale) == n.scaleb(scale).to_integral_value()]
    return pa.array(fitting, pa.decimal128(38, scale)).cast(wide)


def _rescaled(values: pa.Array, scale: int) -> pa.Array:
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(values), values.buffers(), offset=values.offset)


def _in_range(values: pa.Array, column: Column, bounds: _Bounds) -> np.ndarray:
    """Which values lie between the bounds; told for all from the least and the greatest where that is enough."""
    if column.values is not None:
        return np.zeros(len(values), bool)
    if bounds == (None, None):
        return np.ones(len(values), bool)
    found = pc.min_max(values)
    least = found["min"].as_py()
    if least is None or (_between(least, bounds) and _between(found["max"].as_py(), bounds)):
        return np.ones(len(values), bool)
    return np.array([value is None or _between(value, bounds) for value in values.to_pylist()])


def _between(value: Any, bounds: _Bounds) -> bool:
    least, most = bounds
    return (least is None or value >= least) and (most is None or value <= most)


def _date_cast(column: Column, markers: tuple[str, ...], bounds: _Bounds) -> _Cast:
    def cast(raw: pa.Array) -> tuple[pa.Array, np.ndarray] | None:
        if pa.types.is_null(raw.type):
            return raw.cast(pa.date32()), _known(raw, column)
        if pa.types.is_date32(raw.type) and not markers:
            return raw, _known(raw, column) & _in_range(raw, column, bounds)
        if not pa.types.is_string(raw.type):
            return None
        is_plain = _as_mask(pc.match_substring_regex(raw, r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"))
        if markers:
            is_plain &= ~_as_mask(pc.is_in(raw, pa.array(markers, pa.string())))
        days = raw if is_plain.all() else pc.if_else(pa.array(is_plain), raw, pa.scalar(None, pa.string()))
        typed = days.cast(pa.date32())
        if raw.null_count and not column.required:
            is_plain |= _as_mask(pc.is_null(raw))
        return typed, is_plain & _in_range(typed, column, bounds)

    return cast
