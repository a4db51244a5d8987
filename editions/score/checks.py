"""Checks of a table of values before it is scored: a fault is an error with its row and column."""

from collections.abc import Iterator
from typing import NamedTuple

import duckdb

from editions.score.columns import Columns
from editions.score.errors import ScoreError
from editions.score.given import Given
from editions.score.ruleset import Ruleset
from editions.sql_text import literal
from ledger.hand_made import (
    CELL_ERROR,
    DITTO_WORDS,
    LIKE_LATIN,
    LOST_DIGITS,
    MISSING_WORDS,
    NO_NAME,
    NO_RECORD,
    RULE_LINE,
)

# The numbers of the statuses in `measures`.
STATUS_NUMBERS = {"source_not_supplied": 1, "record_not_supplied": 2, "value_not_supplied": 3, "not_defined": 4}
# A plain number that decimal(20, 6) holds exactly: 14 digits, six decimals, zeros beyond on either side.
NUMBER = r"[+-]?(0*[0-9]{1,14}(\.([0-9]{1,6}0*)?)?|\.[0-9]{1,6}0*)"
MONEY = r"[+-]?[0-9]{1,18}(\.[0-9]{1,2}0*)?"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
FLOAT_DIGITS = 15
"""Up to so many digits a binary float keeps the number that was written; with more its text may be another number."""
SIGNIFICANT = r"length(ltrim(regexp_replace(rtrim(rtrim(value, '0'), '.'), '[^0-9]', '', 'g'), '0'))"
USCC = "(?i)[0-9A-HJ-NPQRTUWXY]{18}"
BLANKS = r"[\s\p{Z}\p{Cc}\p{Cf}]"
"""Invisible characters in an id: spaces of any width, line ends, controls, marks of direction or without a width."""
GUARDED = '^=".*"$|^\'[!-~]*[0-9][!-~]*$|^[“‘「].*[”’」]$'
"""How a spreadsheet or a person writes a number as text: the signs around it are no part of the id."""
HALF_WIDTH = {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
ONE_FORM = HALF_WIDTH | {chr(other): chr(letter) for other, letter in LIKE_LATIN.items()}
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"

ROWS = "score_rows"
CELLS = "score_cells"


class Check(NamedTuple):
    """A condition that no row of `source` may meet, with the message, the column, and what to do."""

    source: str
    test: str
    column: str
    message: str
    wanted: str


def require_sound(connection: duckdb.DuckDBPyConnection, given: Given, columns: Columns, ruleset: Ruleset) -> None:
    """Check a file whose rows are in `score_rows` and whose values are in `score_cells`.

    Raises `ScoreError` for the first row, in the file's order, that fails the first failing check, with the number of
    further rows.
    """
    column = columns.id
    if column in given.floats:
        raise ScoreError(
            "the ids are binary floats, which change a long number and write 1 as 1.0.",
            f"{given.path}, column {column}",
            "write ids as text",
        )
    for check in (*_of_ids(columns), *_of_facts(columns, ruleset), *_of_cells(given, columns, ruleset)):
        found = connection.execute(f"select * from {check.source} where {check.test} order by row_number")  # noqa: S608  # our tests, quoted texts
        names = [name for name, *_ in found.description or ()]
        rows = found.fetchall()
        if rows:
            first = dict(zip(names, rows[0], strict=True))
            shown = {name: text if name == "indicator_code" else repr(text) for name, text in first.items()}
            more = f" ({len(rows) - 1} more like it)" if len(rows) > 1 else ""
            named = columns.values.get(str(first.get("indicator_code")), check.column)
            place = f"{given.path}, row {first['row_number']}, column {named}"
            raise ScoreError(f"{check.message.format(**shown)}{more}.", place, check.wanted)


def _of_ids(columns: Columns) -> Iterator[Check]:
    """Every row has an id, and ids are unique: in a wide file by row, in a long file by indicator.

    Two ids that look the same, since only blanks differ, are an error.
    """
    column = columns.id
    for fact, name in {"id": column, **columns.facts}.items():
        if fact in ("id", "name", "industry"):
            message, wanted = f"{{{fact}}} has a NUL in it", "write it without: no text has one"
            yield Check(ROWS, f"contains({fact}, chr(0))", name, message, wanted)
    is_code = column.casefold() == "uscc"
    wide, narrow = (literal("".join(signs)) for signs in (ONE_FORM, ONE_FORM.values()))
    seen = f"translate(regexp_replace(id, '{BLANKS}', '', 'g'), {wide}, {narrow})"
    seen = f"upper({seen})" if is_code else seen
    yield Check(ROWS, f"id is null or {seen} = ''", column, "the id is empty", "fill it in, or drop the row")
    for pattern, message, wanted in (
        (
            NO_RECORD + NO_NAME + RULE_LINE,
            "{id} is a total or a note and no id",
            "drop the row: it would be ranked among the others",
        ),
        (r"^#\s|^//", "{id} begins a comment and is no id", "drop the row: it would be ranked among the others"),
        (LOST_DIGITS, "{id} is what a sheet made of an id", "make its column text and fill in the whole id"),
        (GUARDED, "{id} is an id within the signs of a sheet", "write it without them"),
    ):
        yield Check(ROWS, f"regexp_matches(id, {literal(pattern)})", column, message, wanted)
    words = ", ".join(map(literal, sorted({*MISSING_WORDS, *DITTO_WORDS, "〃"})))
    message, wanted = "{id} stands for no id, or lost what it was", "fill in the whole id, or drop the row"
    lost = f"{CELL_ERROR}|\ufffd|^[-—–*?？]+$"
    yield Check(ROWS, f"{seen} in ({words}) or regexp_matches(id, '{lost}')", column, message, wanted)
    if is_code:
        message = "{id} is no unified social credit code"
        wanted = "give the code of 18 characters, or name the column id where ids are of another kind"
        yield Check(ROWS, f"not regexp_full_match({seen}, '{USCC}')", column, message, wanted)
    source, keys = (CELLS, "id, indicator_code") if columns.is_long else (ROWS, "id")
    twice = f"(select * from {source} qualify row_number() over (partition by {keys} order by row_number) > 1)"  # noqa: S608  # ours
    yield Check(twice, "true", column, "{id} stands there a second time", "leave one row")
    alike = f"(select *, first_value(id) over (partition by {seen} order by row_number) as other from {ROWS})"  # noqa: S608  # ours
    message = "{id} and {other} differ by blanks alone, or by width or case alone, or by letters that look alike"
    yield Check(alike, "id <> other", column, message, "write one enterprise's id one way, and another's another")


def _of_facts(columns: Columns, ruleset: Ruleset) -> Iterator[Check]:
    """Stages are those of the rule set, money and days are valid, and the rows of one id agree."""
    stages = ruleset.stages()
    tests = {
        "stage": (f"stage not in ({', '.join(map(literal, stages))})", f"one of {', '.join(stages)}"),
        "operating_revenue_cny": (
            f"not regexp_full_match(operating_revenue_cny, '{MONEY}')",
            "a number of yuan with two decimals at most",
        ),
        "founded_on": (_is_no_day("founded_on"), "a date as YYYY-MM-DD"),
        "as_of": (_is_no_day("as_of"), "a date as YYYY-MM-DD"),
    }
    for fact, column in columns.facts.items():
        if fact in tests:
            test, wanted = tests[fact]
            message = f"{{{fact}}} is not {wanted}"
            yield Check(ROWS, f'"{fact}" is not null and ({test})', column, message, "fix the cell")
        apart = f'min("{fact}") over (partition by id) <> max("{fact}") over (partition by id)'
        message = f"the rows of {{id}} do not agree on {fact}"
        source = f"(select * from {ROWS} qualify {apart})"  # noqa: S608  # ours
        yield Check(source, "true", column, message, "give each row of an id the same, or only one")


def _is_no_day(column: str) -> str:
    return f"not regexp_full_match({column}, '{DAY}') or try_cast({column} as date) is null"


def _of_cells(given: Given, columns: Columns, ruleset: Ruleset) -> Iterator[Check]:
    """Codes and statuses are known, status and value agree, and every value is exact."""
    codes = ruleset.codes()
    floats = [literal(code) for code, name in columns.values.items() if name in given.floats]
    is_float = str(bool(floats)) if columns.is_long else f"indicator_code in ({', '.join(floats) or 'null'})"
    known = ", ".join(map(literal, ("supplied", *STATUS_NUMBERS)))
    either = "fix the one or the other"
    number = "write a plain number of 14 digits and six decimals at most, and nothing where there is none"
    for test, message, wanted in (
        (
            f"indicator_code is null or indicator_code not in ({', '.join(map(literal, codes))})",
            "{indicator_code} is no indicator of the rule set",
            f"the codes are: {', '.join(codes)}",
        ),
        (f"status not in ({known})", "{status} is no supply status", f"one of {known}"),
        ("value is null and status = 'supplied'", "there is no value, and its status is supplied", either),
        ("value is not null and status <> 'supplied'", "{value} is a value, and its status is {status}", either),
        (f"not regexp_full_match(value, '{NUMBER}')", "{value} is not a number that is held exactly", number),
        (
            f"{is_float} and {SIGNIFICANT} > {FLOAT_DIGITS}",
            "{value} is a binary float, and not what was measured",
            number,
        ),
    ):
        yield Check(CELLS, test, columns.values.get("", ""), f"{{indicator_code}}: {message}", wanted)


def unfit_codes(connection: duckdb.DuckDBPyConnection, columns: Columns) -> tuple[str, ...]:
    """Under `uscc` the codes whose check character does not fit: mistyped, or one of the few issued so."""
    if columns.id.casefold() != "uscc":
        return ()
    code = f"upper(regexp_replace(id, '{BLANKS}', '', 'g'))"
    values = [f"(strpos('{USCC_LETTERS}', substr({code}, {place}, 1)) - 1)" for place in range(1, 19)]
    total = " + ".join(f"{value} * {pow(3, place, 31)}" for place, value in enumerate(values[:17]))
    test = f"({total} + {values[17]}) % 31 <> 0"
    found = connection.execute(f"select distinct id from {ROWS} where {test} order by id").fetchall()  # noqa: S608  # ours
    return tuple(one for (one,) in found)
