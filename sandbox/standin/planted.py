"""Values in place of the agreed ones, as rows: in which column, in which forms, what is sent, what may be held then.

A record is judged by what is held of it: the true value, or nothing and a quarantine line with the reason. Where a
value cannot be read correctly the agency's own value stays the truth, so that only a refusal is right.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from connectors.drivers.paging import Keyset
from connectors.spec import Column, Dataset, FileRequest
from sandbox.standin.encode import DELIMITER, NAN, QUOTE, SURROGATE, TWICE, Shown
from sandbox.standin.values import is_monthly

Expected = Literal["right", "loud", "either"]
BIDI: Final = "\u202egnp.exe"
FORMULA: Final = '=HYPERLINK("http://127.0.0.1:1/","点击")'
TRAVERSAL: Final = "../../../../etc/passwd"
WORDS: Final = "待核实"
_MANY: Final = 2_000_000
_DAY: Final = dt.timedelta(days=1)

TEXTS: Final = ("json", "jsonl", "csv", "xml")
TYPED: Final = ("json", "jsonl", "xlsx")
SHEETS: Final = (*TEXTS, "xlsx")
EVERY: Final = (*SHEETS, "parquet")
ALSO_STORED: Final = (*EVERY, "database")


@dataclass(frozen=True)
class Swapped:
    """One value in place of another.

    `where` is a word of `COLUMNS`. `sent` is what goes out: as it stands, or made from the true value. `true` is what
    must be held then, made likewise; None: the agency's own value. `on` are the forms that can carry it, and
    With `is_lasting` every record from the position on has it. `after` is sent so many records later, too.
    """

    name: str
    does: str
    where: str
    on: tuple[str, ...]
    sent: Any
    true: Any = None
    expected: Expected = "either"
    is_lasting: bool = False
    after: tuple[int, Any] | None = None


def value_of(rule: Any, value: Any) -> Any:
    """The value that a row gives (`sent` or `true`): as it stands, or made from `value`; None of None."""
    if not callable(rule):
        return rule
    return None if value is None else rule(value)


def form_of(dataset: Dataset, driver: str) -> str:
    """The form in which values leave: the decoder's kind, or `database`."""
    return "database" if driver == "database" else dataset.decoder.kind


def _texts(dataset: Dataset) -> list[Column]:
    free = [c for c in dataset.columns if c.data_type == "varchar" and not c.check and not c.values]
    return [c for c in free if c.name not in dataset.key]


def _text_keys(dataset: Dataset) -> list[Column]:
    return [c for c in dataset.columns if c.name in dataset.key and c.data_type == "varchar" and not c.values]


def _is_cursor(dataset: Dataset, column: Column) -> bool:
    return isinstance(dataset.paginator, Keyset) and column.source_field == dataset.paginator.cursor


def _best(dataset: Dataset, columns: list[Column]) -> list[Column]:
    """Required ones outside the key first: what is wrong there costs the record."""
    outside = [c for c in columns if c.name not in dataset.key]
    return [c for c in outside if c.required] or [c for c in columns if c.required] or outside or columns


def _typed(dataset: Dataset, *kinds: str) -> list[Column]:
    typed = [c for c in dataset.columns if c.data_type != "varchar" and c.data_type.startswith(kinds or ("",))]
    return [c for c in typed if not _is_cursor(dataset, c)] or typed


def _free(dataset: Dataset, *kinds: str) -> list[Column]:
    """Typed columns on which nothing else in the agency turns: no cursor, no time of change, no delivery's day."""
    since = {dataset.since.column} if dataset.since is not None else set()
    return [c for c in _typed(dataset, *kinds) if c.name not in since and c.name not in dataset.key]


COLUMNS: Final[Mapping[str, Callable[[Dataset], list[Column]]]] = {
    "text": _texts,
    "key": _text_keys,
    "code": lambda d: [c for c in d.columns if c.check],
    "required": lambda d: (
        [c for c in d.columns if c.required and c.name not in d.key] or [c for c in d.columns if c.required]
    ),
    "typed": lambda d: _best(d, _typed(d)),
    "number": lambda d: _best(d, _typed(d, "decimal", "int", "big") or _typed(d)),
    "amount": lambda d: [c for c in _free(d, "decimal") if "." not in c.source_field],
    "day": lambda d: [c for c in _free(d, "date") if not is_monthly(c)],
    "month": lambda d: [c for c in _typed(d, "date") if is_monthly(c)],
    "moment": lambda d: _free(d, "timestamp"),
    "flag": lambda d: _free(d, "boolean"),
}


def applies(row: Swapped, driver: str, dataset: Dataset) -> bool:
    """Whether this dataset has such a column, in a form that can carry the value."""
    if driver in ("sftp", "folder") and not isinstance(dataset.request, FileRequest):
        return False
    return form_of(dataset, driver) in row.on and bool(COLUMNS[row.where](dataset))


def column_of(row: Swapped, dataset: Dataset, seed: int) -> Column:
    """The column that this row is about; `seed` picks another where there are several."""
    found = COLUMNS[row.where](dataset)
    return found[seed % len(found)]


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.replace(tzinfo=dt.UTC).timestamp() * 1_000)


_ROWS: Final = (
    # Numbers, days and truths where a text belongs.
    Swapped("number_in_text", "sends a number as a text", "text", (*TYPED, "database"), 10086, "10086"),
    Swapped("float_in_text", "sends a number with a point as a text", "text", TYPED, Decimal("10086.0"), "10086"),
    Swapped("long_number_in_key", "sends a number of nineteen digits as a key", "key", TYPED, 6222600110012350123,
            "6222600110012350123"),
    Swapped("scientific_key", "sends a key in scientific notation", "key", ALSO_STORED, "6.2226E+18"),
    Swapped("scientific_text", "sends a text in scientific notation", "text", ALSO_STORED, "4.40002E17", "440002008"),
    Swapped("day_in_text", "holds a day in a text column", "text", ("xlsx",), dt.date(2024, 3, 1), "3-1"),
    Swapped("time_in_text", "holds a time in a text column", "text", ("xlsx",), dt.time(8, 30), "8:30"),
    Swapped("padded_number", "shows 00123 and holds 123", "text", ("xlsx",), Shown(123, "00000"), "00123"),
    Swapped("truth_in_text", "holds a truth in a text column", "text", TYPED, True, "true"),
    Swapped("total_in_key", "sends a total as if it were a record", "key", ALSO_STORED, "合计"),
    # Formats of a sheet, and units inside a number.
    Swapped("percent_format", "shows a percentage and holds its hundredth", "amount", ("xlsx",),
            lambda v: Shown(float(v / 100), "0.00%")),
    Swapped("scaled_format", "shows a number in 万", "amount", ("xlsx",), lambda v: Shown(float(v), '0!.0,"万"')),
    Swapped("percent_text", "sends a number with a percent sign", "amount", SHEETS, lambda v: f"{v}%"),
    Swapped("scaled_text", "sends a number in 万, and says so", "amount", SHEETS, lambda v: f"{v / 10_000}万"),
    Swapped("not_a_number", "sends NaN", "number", ("json", "jsonl"), NAN),
    Swapped("name_twice", "names a field twice in one record, with two values", "amount", ("json", "jsonl"), TWICE),
    # Days and moments.
    Swapped("day_one", "sends the first day of all", "day", EVERY, "0001-01-01"),
    Swapped("year_of_the_republic", "sends the year 113", "day", EVERY, "0113-05-01"),
    Swapped("sql_minimum", "sends 1753-01-01", "day", EVERY, "1753-01-01"),
    Swapped("utc_midnight", "sends a day as the moment it begins, in UTC", "day", SHEETS,
            lambda v: f"{v - _DAY}T16:00:00Z"),
    Swapped("utc_midnight_unmarked", "sends a day as the moment it begins, in UTC, and does not say so", "day", SHEETS,
            lambda v: f"{v - _DAY}T16:00:00"),
    Swapped("morning_in_utc", "sends a day as midnight in UTC", "day", SHEETS, lambda v: f"{v}T00:00:00Z"),
    Swapped("day_as_milliseconds", "sends a day as milliseconds", "day", TYPED, lambda v: _milliseconds(
            dt.datetime.combine(v, dt.time()))),
    Swapped("end_of_the_day_before", "sends a day as 24:00 of the one before", "day", SHEETS,
            lambda v: f"{v - _DAY} 24:00:00"),
    Swapped("no_such_day", "sends the 30th of February", "day", SHEETS, lambda v: f"{v.year}-02-30"),
    Swapped("month_as_number", "sends a month as a number", "month", TYPED,
            lambda v: Decimal(f"{v.year}.{v.month:02d}").normalize()),
    Swapped("day_as_serial", "sends a day as a spreadsheet counts it", "day", TEXTS,
            lambda v: str((v - dt.date(1899, 12, 30)).days)),
    Swapped("year_of_two_digits", "sends a day with two digits for its year", "day", TEXTS, lambda v: f"{v:%y-%m-%d}"),
    Swapped("milliseconds", "sends a moment as milliseconds", "moment", SHEETS, _milliseconds),
    # Words for truth and for nothing.
    Swapped("truth_in_words", "says 是 and 否", "flag", SHEETS, lambda v: "是" if v else "否"),
    Swapped("truth_in_letters", "says Y and N", "flag", SHEETS, lambda v: "Y" if v else "N"),
    Swapped("truth_in_numbers", "says 1 and 0", "flag", SHEETS, lambda v: "1" if v else "0"),
    Swapped("truth_in_other_words", "says 有效 and 无效", "flag", SHEETS, lambda v: "有效" if v else "无效"),
    Swapped("truth_in_ticks", "says √ and ×", "flag", SHEETS, lambda v: "√" if v else "×"),
    *(Swapped(f"nothing_as_{name}", f"says {word} where it has nothing", "text", EVERY, word, lambda _v: None)
      for name, word in {
          "wu": "无", "dash": "—", "slash": "/", "null": "NULL", "sheet_error": "#N/A", "hyphens": "--", "none": "None",
          "nan": "NaN", "reference_error": "#REF!", "zanwu": "暂无", "backslash_n": "\\N",
      }.items()),
    Swapped("nothing_in_number", "says — where it has no number", "amount", SHEETS, "—"),
    # Quotation marks and line ends.
    Swapped("open_quote", "opens a quotation mark in one record and closes one two records later", "text", ("csv",),
            f"{QUOTE}华星（一", '"华星（一', after=(2, (f"华星（二{QUOTE}", '华星（二"'))),
    Swapped("stray_quote", "quotes a part of a text", "text", ("csv",), f"{QUOTE}华星{QUOTE}系列", '"华星"系列'),
    Swapped("line_end_in_text", "sends a text of two lines", "text", (*EVERY, "database"), "上行\n下行", "上行\n下行"),
    Swapped("bare_delimiter", "does not quote a text that holds the delimiter", "text", ("csv",), f"甲{DELIMITER}乙"),
    # Spellings of one code.
    Swapped("guard_of_a_sheet", 'sends a key as ="…"', "key", ALSO_STORED, lambda v: f'="{v}"'),
    Swapped("apostrophe", "sends a key behind an apostrophe", "key", ALSO_STORED, lambda v: f"'{v}"),
    Swapped("tab_behind_key", "sends a key and a tab", "key", ALSO_STORED, lambda v: f"{v}\t"),
    Swapped("zero_width_in_key", "hides a sign of no width in a key", "key", ALSO_STORED, lambda v: f"{v}\u200b"),
    Swapped("mark_before_key", "puts a byte order mark before a key", "key", ALSO_STORED, lambda v: f"\ufeff{v}"),
    Swapped("soft_hyphen_in_key", "hides a soft hyphen in a key", "key", ALSO_STORED,
            lambda v: f"{v[:2]}\u00ad{v[2:]}"),
    Swapped("word_joiner_in_key", "hides a word joiner in a key", "key", ALSO_STORED, lambda v: f"{v}\u2060"),
    Swapped("wide_blank_behind_key", "sends a key and a wide blank", "key", ALSO_STORED, lambda v: f"{v}\u3000"),
    Swapped("small_code", "writes a code in small letters", "code", ALSO_STORED, lambda v: v.lower()),
    Swapped("full_width_key", "writes a key in full width", "key", ALSO_STORED, _full_width),
    Swapped("full_width_code", "writes a code in full width", "code", ALSO_STORED, _full_width),
    # Texts and numbers made to harm.
    Swapped("nul_in_text", "puts a NUL into a text", "text", TEXTS[:3], lambda v: f"{v}\x00", expected="loud"),
    Swapped("bidi_in_text", "turns the reading direction inside a text", "text", TEXTS,
            lambda v: f"{v}{BIDI}", lambda v: f"{v}{BIDI}"),
    Swapped("formula_in_text", "sends a text that a spreadsheet would run", "text", TEXTS, FORMULA, FORMULA),
    Swapped("traversal_in_text", "sends a text that leads out of a folder", "text", TEXTS, TRAVERSAL, TRAVERSAL),
    Swapped("lone_surrogate", "sends half a character", "text", TEXTS[:2], f"名称{SURROGATE}", expected="loud"),
    Swapped("oversized_field", "sends a text of two million characters", "text", TEXTS, "长" * _MANY, "长" * _MANY),
    Swapped("huge_number", "sends a number of four hundred digits", "number", TEXTS, Decimal("9" * 400),
            expected="loud"),
    Swapped("nested_value", "wraps a text in an object", "text", TEXTS[:2], {"value": "名称"}, expected="loud",
            is_lasting=True),
    Swapped("null_in_required", "sends one record without a required value", "required", EVERY,
            lambda _v: None, expected="loud"),
    Swapped("field_retyped", "sends words where a number or a date was", "typed", ALSO_STORED, WORDS, expected="loud",
            is_lasting=True),
)  # fmt: skip

PLANTED: Final[Mapping[str, Swapped]] = {row.name: row for row in _ROWS}
"""Every row by its name, which is that of its kind of fault."""
