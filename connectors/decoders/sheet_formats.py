"""What a cell shows and what it holds: a number format may scale a number, pad it or put words to it.

Both must agree. `0.00%` shows 4.35% and holds 0.0435, `0!.0,"万"` shows 12.3万 and holds 123456: what is meant is
decided by the unit that the source file declares, else not at all.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import takewhile
from typing import Any, Final

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

from connectors.spec import Column

MAX_DIGITS: Final = 15
"""A sheet keeps so many digits of a number: of a longer code the last ones are gone, and zeros stand there."""

NO_DAY: Final = 60
"""29 February 1900, a day that exists in sheets alone."""

Number = int | Decimal

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|[\\!](?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>(?i:General)|G/通用格式|@)'
    r"|(?P<digit>[0#?])|(?P<sign>[.,%/])|(?P<power>[Ee][+-][0#?]+)|(?P<other>.)",
    re.DOTALL,
)
_SECTION = re.compile(r'((?:"[^"]*"|[\\!_*].|\[[^\]]*\]|[^;"])*+);', re.DOTALL)
_LONGEST = 255
"""The longest format that Excel takes; what a hostile file has beyond it is not searched."""

_RED = re.compile(r"\[(?:red|红色)\]", re.IGNORECASE)
_CONDITION = re.compile(r"\[([<>=]{1,2})(-?\d+(?:\.\d+)?)\]")
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne,
}  # fmt: skip
_QUIET = re.compile(r"[-+()\s]|人民币|RMB|CNY|[¥￥]")
_FOREIGN = re.compile(r"[$€£฿₩]|USD|HKD|EUR|GBP|JPY|美元|港[元币]|欧元|日元|英镑", re.IGNORECASE)
_POWERS: Final = {"百万": 6, "千万": 7, "百亿": 10, "亿": 8, "万": 4, "千": 3, "百": 2, "十": 1}
_SCALES = re.compile(r"[十百千万亿兆‰‱]|基点|^[成折]$|^(?:[kKmMbB]|bps?|ppm)$|[0-9]", re.IGNORECASE)
_HAS_DAY = re.compile(r"[yYdDeg]|年|月|日|mmm", re.IGNORECASE)
# The money formats without a number of their own show the money of the reader's country, not dollars.
_HOME_MONEY: Final = frozenset([*range(5, 9), *range(41, 45)])
_CHINESE_DATES: Final = frozenset([*range(27, 37), *range(50, 59)])


@dataclass(frozen=True)
class Look:
    """How one section of a format shows a number: divided by 10 to the `power`, with `zeros` digits at least."""

    power: int = 0
    zeros: int = 1
    places: int = 0
    before: str = ""
    after: str = ""
    is_odd: bool = False
    """Shows something else than the number's digits: nothing at all, a fraction, Chinese numerals, signs in between."""


PLAIN: Final = Look()
"""Shows the number and nothing else."""


@dataclass(frozen=True)
class Format:
    """A format of numbers: its sections with the test of each, in their order; or what kind of moment it shows."""

    sections: tuple[tuple[Callable[[Number], bool], Look], ...] = ()
    moment: str | None = None
    """`day`, `time` or `duration`."""

    def look(self, held: Number) -> Look:
        """The section that shows this number."""
        return next((look for test, look in self.sections if test(held)), PLAIN)


@dataclass(frozen=True)
class FormattedNumber:
    """A number that is not shown as it is held."""

    held: Number
    look: Look


@dataclass(frozen=True)
class Misfit:
    """What stands in a cell and is no value, by its reason code: `formula_cell`, `error_cell`, `digits_lost`, ..."""

    reason: str
    text: str | None = None


def formats_of(codes: dict[int, str], styles: Iterable[int]) -> tuple[Format, ...]:
    """The format of each style of a workbook; `codes` are the formats that it spells out."""
    known = BUILTIN_FORMATS | dict.fromkeys(_HOME_MONEY, "General") | codes
    read = {number: _format(number, known.get(number)) for number in set(styles)}
    return tuple(read[number] for number in styles)


def number_of(text: str) -> Number:
    """The number that a cell holds; the shortest text that means the same binary number is what was typed."""
    number = Decimal(text) if re.fullmatch(r"-?\d{1,40}", text) else Decimal(repr(float(text)))
    if not number.is_finite():
        raise ValueError(text)
    return int(number) if number == number.to_integral_value() else number


def moment_of(text: str, kind: str, epoch: dt.datetime) -> dt.datetime | dt.time | dt.timedelta:
    """The moment that a cell shows. Raises ValueError or OverflowError where it shows none."""
    if kind == "duration":
        return dt.timedelta(days=float(text))
    if epoch == WINDOWS_EPOCH and int(float(text)) == NO_DAY:
        raise ValueError(text)
    moment: dt.datetime | dt.time = from_excel(float(text), epoch)
    return moment.time() if kind == "time" and isinstance(moment, dt.datetime) else moment


def settled(cell: Number | FormattedNumber, column: Column) -> Any:
    """The value that a column takes from a number cell, or the `Misfit` of a cell that shows another than it holds.

    A percentage comes as its text, `4.35%`.
    """
    held, look = (cell.held, cell.look) if isinstance(cell, FormattedNumber) else (cell, PLAIN)
    if isinstance(held, int) and abs(held) >= 10**MAX_DIGITS:
        return Misfit("digits_lost")
    is_text = column.data_type == "varchar"
    has_minus_behind = not is_text and look.after.strip() == "-"
    if look.is_odd or has_minus_behind or (not look.zeros and (held or is_text)):
        return Misfit("scaled_format")
    shown = held if not look.power else _plain(Decimal(held).scaleb(-look.power))
    words = look.before + look.after
    mark = _QUIET.sub("", words)
    if "%" in words or look.power < 0:
        is_whole = not is_text or shown == round(Decimal(shown), look.places)
        return f"{Decimal(shown):f}%" if mark == "%" and is_whole else Misfit("scaled_format")
    if is_text:
        return _as_text(held, look)
    if _FOREIGN.search(words) or (mark and mark.isascii() and look.zeros > 1):
        return Misfit("scaled_format")
    return _in_unit(held, look.power, mark, column.unit)


def _as_text(held: Number, look: Look) -> Any:
    """As it is shown, where that is digits with zeros before them and words around them; else its own digits."""
    around = (look.before + look.after).strip()
    if isinstance(held, int) and not look.power and not look.places and held >= 0:
        digits = str(held).zfill(look.zeros)
        return look.before.strip() + digits + look.after.strip() if around or look.zeros > 1 else held
    if look.power or look.zeros > 1 or around.strip("-() "):
        return Misfit("scaled_format")
    return held


def _in_unit(held: Number, power: int, mark: str, unit: str | None) -> Any:
    """The number, where its unit is clear. `stated` is the power of ten in the words of the format: 4 for 万."""
    stated = next((zeros for word, zeros in _POWERS.items() if word in mark), 0)
    if not power and not stated:
        is_clear = not _SCALES.search(mark) and not (unit == "万元" and "元" in mark)
    elif unit == "元":
        is_clear = power > 0 and stated in (0, power)
    else:
        # Under 万元 a number shown in 万 may be held in yuan, or in 万元 and shown wrongly.
        is_clear = unit == "万元" and not power and stated == 4
    return held if is_clear else Misfit("scaled_format")


def _plain(number: Decimal) -> Number:
    return int(number) if number == number.to_integral_value() else number.normalize()


def _format(number: int, stated: str | None) -> Format:
    if stated is None:
        return Format(moment="day") if number in _CHINESE_DATES else Format()
    code = stated[:_LONGEST]
    if is_timedelta_format(code):
        return Format(moment="duration")
    if is_date_format(code):
        bare = re.sub(r"\[[^\]]*\]", "", code.split(";")[0])
        return Format(moment="day" if _HAS_DAY.search(bare) or re.fullmatch("[mM]+", bare) else "time")
    parts = _SECTION.findall(code + ";")[:4]
    looks = [_look(part) for part in parts]
    if not _CONDITION.search(code) and looks:
        # A section of positive numbers that puts a minus to them, or one of negative numbers that hides it.
        looks[0] = replace(looks[0], is_odd=looks[0].is_odd or _is_negative(looks[0]))
        if len(looks) > 1 and looks[1].zeros and not _is_negative(looks[1]) and not _RED.search(parts[1]):
            looks[1] = replace(looks[1], is_odd=True)
    return Format(tuple(zip(_tests(parts), looks, strict=True)))


def _is_negative(look: Look) -> bool:
    return "-" in look.before or "(" in look.before


def _tests(parts: list[str]) -> list[Callable[[Number], bool]]:
    """When each section holds: by its condition, or by the sign of the number."""
    found = [_CONDITION.search(part) for part in parts]
    if any(found):
        return [_comparing(one[1], one[2]) if one else (lambda _: True) for one in found]
    if len(parts) == 1:
        return [lambda _: True]
    signs: list[Callable[[Number], bool]] = [lambda held: held > 0, lambda held: held < 0, lambda held: held == 0]
    if len(parts) == 2:
        signs[0] = lambda held: held >= 0
    return [*signs, lambda _: False][: len(parts)]


def _comparing(sign: str, bound: str) -> Callable[[Number], bool]:
    limit = Decimal(bound)
    test: Callable[[Any, Any], bool] = _COMPARED.get(sign, operator.eq)
    return lambda held: test(held, limit)


def _look(section: str) -> Look:
    pieces, percents, is_odd = _pieces(section)
    digits = [place for place, (kind, _) in enumerate(pieces) if kind == "digit"]
    if not digits:
        return Look(zeros=0, is_odd=is_odd or bool(_QUIET.sub("", _words(pieces))))
    core, rest = pieces[digits[0] : digits[-1] + 1], pieces[digits[-1] + 1 :]
    point = next((place for place, (_, text) in enumerate(core) if text == "."), len(core))
    decimals = sum(kind == "digit" for kind, _ in core[point:])
    # Commas behind the last digit, or the last before the point, divide by a thousand each.
    commas = _leading_commas(rest) + _leading_commas(core[:point][::-1])
    between = [text for kind, text in core if kind == "/" or (kind == "word" and text.strip())]
    power = 3 * commas - 2 * percents
    if between == ["."]:
        # A point put among the digits, as Chinese sheets show 万: 0!.0, or 0!.0000
        power, between = power + decimals, []
    whole = "".join(text for kind, text in core[:point] if kind == "digit")
    zeros = len(whole) - whole.index("0") if "0" in whole else 1
    before, after = _words(pieces[: digits[0]]), _words(rest)
    return Look(power, zeros, decimals, before, after, is_odd or bool(between))


def _pieces(section: str) -> tuple[list[tuple[str, str]], int, bool]:
    """Digits, words and signs in their order; how many percent signs count; is the number written in other numerals."""
    found: list[tuple[str, str]] = []
    percents, is_odd = 0, False
    for token in _TOKEN.finditer(section):
        kind = token.lastgroup or ""
        text = token[kind] if kind else ""
        if kind == "bracket":
            is_odd |= text.upper().startswith("DBNUM")
            text = text[1:].partition("-")[0] if text.startswith("$") else ""
        if kind in ("digit", "general"):
            found.append(("digit", text))
        elif kind == "sign" and text != "%":
            found.append((text, text))
        elif kind != "power" and text:
            percents += kind == "sign"
            found.append(("word", text))
    return found, percents, is_odd


def _words(pieces: list[tuple[str, str]]) -> str:
    return "".join(text for kind, text in pieces if kind == "word")


def _leading_commas(pieces: list[tuple[str, str]]) -> int:
    return len(list(takewhile(lambda piece: piece[0] == ",", pieces)))
