"""Typing a whole column at once: plain values are cast together, every other one goes to the parser of its column.

The result is that of `connectors.columns.make_parser` for each value, only sooner: a test holds the two equal.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors import uscc
from connectors.columns import Fault, arrow_type, bounds_of, is_code, make_parser, numbers_among, words_of
from connectors.json_text import JsonNumber
from connectors.spec import NUMBERS, Column
from connectors.spelling import LIKE_GBK, ODD_CODE, ODD_TEXT, OTHER_FORM

_MEMO_VALUES = 50_000
"""Texts of a column whose parse is remembered: odd values recur, and parsing is what they cost."""
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
    remembered = lru_cache(_MEMO_VALUES, typed=True)(parse)
    cast = _cast_of(column, markers)
    texts: set[type] = {str, JsonNumber} if column.kind in NUMBERS else {str}
    declared = arrow_type(column.data_type)

    def read(values: list[Any]) -> TypedColumn:
        found = _at_once(cast, values, texts)
        typed, is_plain = found if found is not None else (None, np.zeros(len(values), bool))
        if typed is not None and is_plain.all():
            return TypedColumn(typed)
        places, faults, notes = np.flatnonzero(~is_plain), dict[int, Fault](), Counter[str]()
        parsed = []
        for place in places.tolist():
            raw = values[place]
            value, fault, note = remembered(raw) if isinstance(raw, str) else parse(raw)
            parsed.append(value)
            if fault is not None:
                faults[place] = fault
            if note is not None:
                notes[note] += 1
        patch = pa.array(parsed, declared)
        if typed is None:
            return TypedColumn(patch, faults, notes)
        # The cast ones first, then the patches: take each from where it stands now.
        source = np.arange(len(values))
        source[places] = len(values) + np.arange(len(parsed))
        return TypedColumn(pa.concat_arrays([typed, patch]).take(pa.array(source)), faults, notes)

    return read


Cast = Callable[[pa.Array], tuple[pa.Array, np.ndarray] | None]
"""Values, and for each whether it was plain; None where these are of a type that has no plain values here."""


def _at_once(cast: Cast, values: list[Any], texts: set[type]) -> tuple[pa.Array, np.ndarray] | None:
    """The plain cast, or None where these values are of more than one kind or one of them does not fit after all.

    Of several kinds Arrow makes one by its own rules: a moment beside days would become its day.
    """
    kinds = {*map(type, values)} - {type(None)}
    if not kinds <= texts and (len(kinds) > 1 or not kinds <= {int, bool, dt.date}):
        return None
    try:
        return cast(pa.array(values))
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        return None


@dataclass(frozen=True)
class _Plain:
    """What is plain in a kind of column: which texts, what they are cast to, and values of its own type, cast."""

    is_text: Callable[[pa.Array], np.ndarray] | None = None
    from_text: Callable[[pa.Array], pa.Array] | None = None
    is_value: Callable[[pa.DataType], bool] = lambda _: False
    from_value: Callable[[pa.Array], pa.Array] = lambda raw: raw


def _cast_of(column: Column, markers: tuple[str, ...]) -> Cast:
    declared = arrow_type(column.data_type)
    # A valid code is no word.
    nothing = markers if column.check else (*markers, *words_of(column))
    nothings, plain = pa.array(nothing, pa.string()), _plain(column, declared, nothing)

    def cast(raw: pa.Array) -> tuple[pa.Array, np.ndarray] | None:
        if pa.types.is_null(raw.type):
            typed, is_plain = raw.cast(declared), np.zeros(len(raw), bool)
        elif plain.is_value(raw.type):
            typed, is_plain = plain.from_value(raw), _as_mask(pc.is_valid(raw))
        elif pa.types.is_string(raw.type) and plain.is_text is not None:
            typed, is_plain = raw, plain.is_text(raw)
            if nothing:
                is_plain &= ~_as_mask(pc.is_in(raw, nothings))
            if plain.from_text is not None:
                shown = raw if is_plain.all() else pc.if_else(pa.array(is_plain), raw, pa.scalar(None, pa.string()))
                typed = plain.from_text(shown)
                is_plain &= _as_mask(pc.is_valid(typed))
        else:
            return None
        if column.kind in NUMBERS or column.kind == "date":
            is_plain &= _in_range(typed, column)
        if raw.null_count and not column.required:
            is_plain |= _as_mask(pc.is_null(raw))
        return typed, is_plain

    return cast


def _plain(column: Column, declared: pa.DataType, nothing: tuple[str, ...]) -> _Plain:
    if column.kind == "varchar" and column.check:
        return _Plain(lambda raw: uscc.are_valid(pc.fill_null(raw, "") if raw.null_count else raw))
    if column.kind == "varchar":
        # Where a marker is a number (-1), every number has to be compared with it.
        may_be_number = column.values is None and not any(text.strip("-").isdecimal() for text in nothing)
        is_value = pa.types.is_integer if may_be_number else _Plain.is_value
        return _Plain(_texts_of(column), None, is_value, lambda raw: raw.cast(declared))
    if column.kind in NUMBERS:
        return _plain_numbers(column, declared, nothing)
    if column.kind == "date" and not column.epoch:
        is_day = _matching(r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$")
        # A marker may be a day: 9999-12-31.
        is_value = _Plain.is_value if nothing else pa.types.is_date32
        return _Plain(is_day, lambda raw: raw.cast(declared), is_value)
    return _Plain(is_value=pa.types.is_boolean) if column.kind == "boolean" else _Plain()


def _as_mask(found: pa.Array) -> np.ndarray:
    there = pc.fill_null(found, False) if found.null_count else found
    return np.asarray(there.to_numpy(zero_copy_only=False), bool)


def _matching(pattern: str) -> Callable[[pa.Array], np.ndarray]:
    return lambda raw: _as_mask(pc.match_substring_regex(raw, pattern))


def _texts_of(column: Column) -> Callable[[pa.Array], np.ndarray]:
    """Which texts need no parser: not blank, not padded, in the kept spelling, without lost characters."""
    allowed = None if column.values is None else pa.array(column.values, pa.string())
    odd, like_gbk = _matching(ODD_CODE if is_code(column) else ODD_TEXT), _matching(LIKE_GBK)
    other_form, longest = _matching(OTHER_FORM), max(map(len, words_of(column)), default=0)

    def is_text(raw: pa.Array) -> np.ndarray:
        lengths = pc.binary_length(raw)
        is_plain: np.ndarray = _as_mask(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(raw)), lengths))
        is_plain &= _as_mask(pc.greater(lengths, 0))
        is_plain &= ~odd(raw)
        # A word for nothing may stand in other forms of its signs.
        is_short = _as_mask(pc.less_equal(pc.utf8_length(raw), longest))
        is_plain &= ~(is_short & other_form(raw))
        is_plain &= ~like_gbk(raw)
        return is_plain if allowed is None else is_plain & _as_mask(pc.is_in(raw, allowed))

    return is_text


def _plain_numbers(column: Column, declared: pa.DataType, nothing: tuple[str, ...]) -> _Plain:
    if column.kind == "decimal":
        shift = _WAN_DIGITS if column.unit == "万元" else 0
        decimals = declared.scale + shift
        # So many digits that the value times its unit still fits what is declared, and what a 128-bit decimal holds.
        whole = min(declared.precision - decimals, 34 - decimals)
        wide, native = pa.decimal128(38, decimals), pa.decimal128(38, declared.scale)
        tail = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
    else:
        # Any nine digits fit both types of whole numbers.
        shift, decimals, whole, tail, wide, native = 0, 0, 9, "", pa.int64(), declared
    if whole < 1:
        return _Plain()
    numbers = _of_type(numbers_among(nothing, column), wide)

    def from_text(raw: pa.Array) -> pa.Array:
        found = raw.cast(wide)
        if len(numbers):
            found = pc.if_else(pc.is_in(found, numbers), pa.scalar(None, wide), found)
        if shift:
            # 万元: the same digits read at another scale are the amount in yuan, so nothing is multiplied.
            at_scale = pa.decimal128(38, declared.scale)
            found = pa.Array.from_buffers(at_scale, len(found), found.buffers(), offset=found.offset)
        return found.cast(declared)

    def from_value(raw: pa.Array) -> pa.Array:
        # By way of the widest decimal: a cast to a narrower one is refused for its type, whatever the numbers are.
        return raw.cast(native).cast(declared)

    is_value = _Plain.is_value if nothing or shift else pa.types.is_integer
    return _Plain(_matching(rf"^-?[0-9]{{1,{whole}}}{tail}$"), from_text, is_value, from_value)


def _of_type(numbers: frozenset[Decimal], wide: pa.DataType) -> pa.Array:
    """Those of these numbers that a plain value of this type can equal."""
    scale, reach = (wide.scale, 38 - wide.scale) if pa.types.is_decimal(wide) else (0, 18)
    fitting = [n for n in numbers if abs(n) < 10**reach and n.scaleb(scale) == n.scaleb(scale).to_integral_value()]
    return pa.array(fitting, pa.decimal128(38, scale)).cast(wide)


def _in_range(values: pa.Array, column: Column) -> np.ndarray:
    """Which values lie between the bounds; decided for all from the least and the greatest where that is enough."""
    least, most = bounds_of(column)

    def is_within(value: Any) -> bool:
        return (least is None or value >= least) and (most is None or value <= most)

    if column.values is not None:
        return np.zeros(len(values), bool)
    found = None if least is None and most is None else pc.min_max(values)
    if found is None or not found["min"].is_valid or all(is_within(found[end].as_py()) for end in ("min", "max")):
        return np.ones(len(values), bool)
    return np.array([value is None or is_within(value) for value in values.to_pylist()])
