"""What a table of values must be before it is scored: each fault is told with its row and column, and refused."""

from collections.abc import Mapping
from types import MappingProxyType

import duckdb

from editions.score.columns import Columns
from editions.score.errors import ScoreError
from editions.score.given import Given, literal
from editions.score.ruleset import Ruleset
from ledger.hand_made import LOST_DIGITS, NO_ONE, NO_RECORD, RULE_LINE

# The numbers of the statuses in `measures`.
STATUS_NUMBERS = {
    "source_not_supplied": 1,
    "record_not_supplied": 2,
    "value_not_supplied": 3,
    "not_defined": 4,
}
# A plain number that decimal(20, 6) holds exactly: 14 digits, six decimals, zeros beyond on either side.
NUMBER = r"[+-]?(0*[0-9]{1,14}(\.([0-9]{1,6}0*)?)?|\.[0-9]{1,6}0*)"
MONEY = r"[+-]?[0-9]{1,18}(\.[0-9]{1,2}0*)?"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
FLOAT_DIGITS = 15
"""Up to so many digits a binary float says what was written; with more, its text would be ours and not the sender's."""
SIGNIFICANT = r"length(ltrim(regexp_replace(rtrim(rtrim(value, '0'), '.'), '[^0-9]', '', 'g'), '0'))"
USCC = "(?i)[0-9A-HJ-NPQRTUWXY]{18}"
BLANKS = r"[\s\p{Z}\p{Cc}\p{Cf}]"
"""What nobody sees in an id: spaces of any width, line ends, controls, and marks of direction or without a width."""
GUARDED = '^=".*"$|^\'[!-~]*[0-9][!-~]*$'
"""How a sheet writes a number as text: the signs around it are no part of the id."""
HALF_WIDTH = {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"

ROWS = "score_rows"
CELLS = "score_cells"


class Checks:
    """The checks of one file, whose rows are in `score_rows` and whose values are in `score_cells`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, given: Given, columns: Columns, ruleset: Ruleset) -> None:
        self._connection, self._given, self._columns, self._ruleset = connection, given, columns, ruleset

    def require_ids(self) -> None:
        """Every row has an id, and none stands twice: once in a wide file, once per indicator in a long one.

        Two that look the same, since only blanks tell them apart, are not taken for two.
        """
        column = self._columns.id
        if column in self._given.floats:
            raise ScoreError(
                "the ids are binary floats, which change a long number and write 1 as 1.0.",
                f"{self._given.path}, column {column}",
                "write ids as text",
            )
        self._require_no_nul()
        is_code = column.casefold() == "uscc"
        wide, narrow = (literal("".join(signs)) for signs in (HALF_WIDTH, HALF_WIDTH.values()))
        seen = f"translate(regexp_replace(id, '{BLANKS}', '', 'g'), {wide}, {narrow})"
        seen = f"upper({seen})" if is_code else seen
        self._refuse(ROWS, f"id is null or {seen} = ''", column, "the id is empty", "fill it in, or drop the row")
        self._refuse(
            ROWS,
            f"regexp_matches(id, {literal(NO_RECORD + NO_ONE + RULE_LINE)})",
            column,
            "{id} is a total or a note and no id",
            "drop the row: it would be ranked among the others",
        )
        for test, said, wanted in (
            (
                LOST_DIGITS,
                "{id} is what a sheet made of an id",
                "make its column text and fill in the whole id",
            ),
            (GUARDED, "{id} is an id within the signs of a sheet", "write it without them"),
        ):
            self._refuse(ROWS, f"regexp_matches(id, {literal(test)})", column, said, wanted)
        if is_code:
            said = "{id} is no unified social credit code"
            wanted = "give the code of 18 characters, or name the column id where ids are of another kind"
            self._refuse(ROWS, f"not regexp_full_match({seen}, '{USCC}')", column, said, wanted)
        source, keys = (CELLS, "id, indicator_code") if self._columns.is_long else (ROWS, "id")
        twice = f"(select * from {source} qualify row_number() over (partition by {keys} order by row_number) > 1)"  # noqa: S608  # ours
        self._refuse(twice, "true", column, "{id} stands there a second time", "leave one row")
        alike = f"(select *, first_value(id) over (partition by {seen} order by row_number) as other from {ROWS})"  # noqa: S608  # ours
        said = "{id} and {other} differ by blanks alone, or by width or case alone"
        self._refuse(alike, "id <> other", column, said, "write one enterprise's id one way, and another's another")

    def unfit_codes(self) -> tuple[str, ...]:
        """Under `uscc` the codes whose check character does not fit: mistyped, or one of the few issued so."""
        if self._columns.id.casefold() != "uscc":
            return ()
        code = f"upper(regexp_replace(id, '{BLANKS}', '', 'g'))"
        values = [f"(strpos('{USCC_LETTERS}', substr({code}, {place}, 1)) - 1)" for place in range(1, 19)]
        total = " + ".join(f"{value} * {pow(3, place, 31)}" for place, value in enumerate(values[:17]))
        test = f"({total} + {values[17]}) % 31 <> 0"
        found = self._connection.execute(f"select distinct id from {ROWS} where {test} order by id").fetchall()  # noqa: S608  # ours
        return tuple(one for (one,) in found)

    def _require_no_nul(self) -> None:
        names = {"id": self._columns.id} | {
            fact: name for fact, name in self._columns.facts.items() if fact in ("name", "industry")
        }
        for name, column in names.items():
            test = f"contains({name}, chr(0))"
            self._refuse(ROWS, test, column, f"{{{name}}} has a NUL in it", "write it without: no text has one")

    def require_facts(self) -> None:
        """Stages are of the rule set, money and days are what they say, and the rows of one id agree."""
        stages = self._ruleset.stages()
        tests = {
            "stage": (f"stage not in ({', '.join(map(literal, stages))})", f"one of {', '.join(stages)}"),
            "operating_revenue_cny": (
                f"not regexp_full_match(operating_revenue_cny, '{MONEY}')",
                "a number of yuan with two decimals at most",
            ),
            "founded_on": (_no_day("founded_on"), "a date as YYYY-MM-DD"),
            "as_of": (_no_day("as_of"), "a date as YYYY-MM-DD"),
        }
        for fact, column in self._columns.facts.items():
            if fact in tests:
                test, wanted = tests[fact]
                said = f"{{{fact}}} is not {wanted}"
                self._refuse(ROWS, f'"{fact}" is not null and ({test})', column, said, "mend the cell")
            apart = f'min("{fact}") over (partition by id) <> max("{fact}") over (partition by id)'
            source = f"(select * from {ROWS} qualify {apart})"  # noqa: S608  # ours
            said = f"the rows of {{id}} do not agree on {fact}"
            self._refuse(source, "true", column, said, "give each row of an id the same, or only one")

    def require_cells(self) -> None:
        """Codes and statuses are known, a status and a value do not gainsay each other, and every value is exact."""
        codes = self._ruleset.codes()
        self._refuse_cell(
            f"indicator_code is null or indicator_code not in ({', '.join(map(literal, codes))})",
            "{indicator_code} is no indicator of the rule set",
            f"the codes are: {', '.join(codes)}",
        )
        known = ", ".join(map(literal, ("supplied", *STATUS_NUMBERS)))
        self._refuse_cell(f"status not in ({known})", "{status} is no supply status", f"one of {known}")
        for test, said in (
            ("value is null and status = 'supplied'", "there is no value, and its status is supplied"),
            ("value is not null and status <> 'supplied'", "{value} is a value, and its status is {status}"),
        ):
            self._refuse_cell(test, said, "mend the one or the other")
        for test, said in (
            (f"not regexp_full_match(value, '{NUMBER}')", "{value} is not a number that is held exactly"),
            (
                f"{self._is_float()} and {SIGNIFICANT} > {FLOAT_DIGITS}",
                "{value} is a binary float, and not what was measured",
            ),
        ):
            self._refuse_cell(
                f"value is not null and ({test})",
                said,
                "write a plain number of 14 digits and six decimals at most, and nothing where there is none",
            )

    def _is_float(self) -> str:
        columns, floats = self._columns, self._given.floats
        if columns.is_long:
            return "true" if columns.values[""] in floats else "false"
        codes = [literal(code) for code, name in columns.values.items() if name in floats]
        return f"indicator_code in ({', '.join(codes) or 'null'})"

    def _refuse_cell(self, test: str, said: str, next_step: str) -> None:
        column = self._columns.values.get("", "")
        self._refuse(CELLS, test, column, f"{{indicator_code}}: {said}", next_step, self._columns.values)

    def _refuse(
        self,
        source: str,
        test: str,
        column: str,
        said: str,
        next_step: str,
        column_of: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Raise `ScoreError` for the first row, in the file's order, that meets `test`; a count tells of the others."""
        found = self._connection.execute(f"select * from {source} where {test} order by row_number")  # noqa: S608  # our tests, quoted texts
        names = [name for name, *_ in found.description or ()]
        rows = found.fetchall()
        if not rows:
            return
        first = dict(zip(names, rows[0], strict=True))
        shown = {name: text if name == "indicator_code" else repr(text) for name, text in first.items()}
        more = f" ({len(rows) - 1} more like it)" if len(rows) > 1 else ""
        place = f"{self._given.path}, row {first['row_number']}"
        place += f", column {column_of.get(str(first.get('indicator_code')), column)}"
        raise ScoreError(f"{said.format(**shown)}{more}.", place, next_step)


def _no_day(column: str) -> str:
    return f"not regexp_full_match({column}, '{DAY}') or try_cast({column} as date) is null"
