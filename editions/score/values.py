"""Making the two relations that scoring starts from, enterprises and measures, out of a table of texts."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date

import duckdb

from editions.score.checks import STATUS_NUMBERS, require_sound, unfit_codes
from editions.score.columns import Columns
from editions.score.errors import ScoreError
from editions.score.given import Given
from editions.score.ruleset import Ruleset
from editions.sql_text import literal

USUAL_TYPE, USUAL_LIMIT = "decimal(18, 6)", 10**12
LARGE_TYPE = "decimal(20, 6)"
NO_TEXT = "null::varchar"
LINES = {"founded_on": ("max_age_months",), "operating_revenue_cny": ("revenue_low_cny", "revenue_high_cny")}
"""By fact the columns of a rule set's stages that draw a line by it."""
CELLS = """
select row_number, {id} as id, {code} as indicator_code, {value} as value, {status} as status
from score_given
"""
MEASURED = """
create table int_enterprises__measured as
select
    id as uscc,
    any_value({name}) as enterprise_name,
    any_value(cast({founded_on} as date)) as founded_on,
    any_value({industry}) as industry_code,
    any_value({industry}) as industry_name,
    {ruleset_id} as ruleset_id,
    cast({as_of} as date) as as_of,
    cast({year} as integer) as reporting_year,
    false as is_young,
    any_value(cast({operating_revenue_cny} as decimal(20, 2))) as operating_revenue_cny,
    any_value({stage}) as stated_stage
from score_rows
group by id
"""
# The status of a missing value: source_not_supplied where no id of the file has the code, record_not_supplied where
# this id has no row for it, value_not_supplied for an empty cell.
MEASURE = """
    max(case when cells.indicator_code = {code} then cast(cells.value as {type}) end) as "{column}",
    cast(coalesce(max(case when cells.indicator_code = {code} then case
        when cells.value is not null then 0
        {numbers}
        else 3
    end end), {absent}) as tinyint) as "{column}_status"
"""
MEASURES = """
create table measures as
select enterprises.uscc,
{measures}
from int_enterprises__measured as enterprises
left join score_cells as cells on enterprises.uscc = cells.id
group by enterprises.uscc
"""


@dataclass(frozen=True)
class Loaded:
    """What was loaded: the number of ids, the business date, and the indicators that the file does not have.

    `is_dated` is whether the call, the file or the rule set stated the day.
    """

    rows: int
    as_of: date
    not_given: tuple[str, ...]
    is_dated: bool
    unfit_codes: tuple[str, ...] = ()
    """Codes whose check character does not fit; they are scored like the others."""
    is_one_stage: bool = False
    """Whether the file states no stage and the rule set has only one."""


def load_values(
    connection: duckdb.DuckDBPyConnection, given: Given, columns: Columns, ruleset: Ruleset, as_of: date | None
) -> Loaded:
    """Make `int_enterprises__measured` and `measures` from a table of texts; the rule set is loaded already.

    `as_of` is the business date, where the caller states it. Raises `ScoreError`, with row and column, for each fault:
    a value that is no number or has too many digits, an id twice, an unknown code, stage or status, facts of one id
    that do not agree.
    """
    _lay_out(connection, given, columns, ruleset)
    require_sound(connection, given, columns, ruleset)
    stated = _business_date(connection, given, columns, as_of)
    day = stated or _first_day(ruleset)
    deciding = set(LINES) & set(columns.facts) - _undecided(given, columns, ruleset)
    facts = {fact: f'"{fact}"' if fact in deciding else "null" for fact in LINES}
    is_one_stage = _is_one_stage(ruleset, columns)
    only_stage = literal(ruleset.stages()[0]) if is_one_stage else NO_TEXT
    connection.execute(
        MEASURED.format(
            **facts,
            name="coalesce(name, id)" if "name" in columns.facts else "id",
            industry="industry" if "industry" in columns.facts else NO_TEXT,
            stage="stage" if "stage" in columns.facts else only_stage,
            ruleset_id=literal(ruleset.name),
            as_of=literal(day.isoformat()),
            year=_reporting_year(ruleset, day),
        )
    )
    there = {code for (code,) in connection.execute("select distinct indicator_code from score_cells").fetchall()}
    connection.execute(_measures_query(connection, ruleset, there))
    ids = connection.execute("select count(*) from int_enterprises__measured").fetchall()[0][0]
    not_given = tuple(code for code in ruleset.codes() if code not in there)
    is_dated = stated is not None or ruleset.is_dated
    return Loaded(int(ids), day, not_given, is_dated, unfit_codes(connection, columns), is_one_stage)


def _measures_query(connection: duckdb.DuckDBPyConnection, ruleset: Ruleset, there: Set[str]) -> str:
    """The query that makes `measures`, with the faster type where every value of the file fits into it."""
    largest = connection.execute("select max(abs(cast(value as decimal(20, 6)))) from score_cells").fetchall()[0][0]
    numbers = " ".join(f"when cells.status = '{status}' then {number}" for status, number in STATUS_NUMBERS.items())
    measures = (
        MEASURE.format(
            code=literal(code),
            column=code.lower(),
            type=USUAL_TYPE if largest is None or largest < USUAL_LIMIT else LARGE_TYPE,
            numbers=numbers,
            absent=STATUS_NUMBERS["record_not_supplied" if code in there else "source_not_supplied"],
        )
        for code in ruleset.codes()
    )
    return MEASURES.format(measures=",\n".join(measures))


def _undecided(given: Given, columns: Columns, ruleset: Ruleset) -> set[str]:
    """The facts that decide no stage of the rule set. Raises `ScoreError` for a file with no fact that decides one."""
    rows = ruleset.tables["ruleset_stages"]
    if len(rows) == 1:
        return set()
    deciding = {fact for fact, lines in LINES.items() if any(row[line] is not None for row in rows for line in lines)}
    if not {"stage", *deciding} & set(columns.facts):
        lines = "the lines between them are by" if deciding else "no line between them"
        raise ScoreError(
            f"the rule set has several stages and {' '.join((lines, *sorted(deciding)))}, and the file has no "
            "column that decides the stage.",
            f"{given.path}, header",
            f"add a column {' or '.join(sorted({'stage', *deciding}))}; the stages are: {', '.join(ruleset.stages())}",
        )
    return set(LINES) - deciding


def _reporting_year(ruleset: Ruleset, day: date) -> int:
    # As in `ruleset_in_force`: once annual returns are due, last year is the newest year with complete returns.
    is_due = f"{day:%m-%d}" > str(ruleset.tables["rulesets"][0]["annual_data_due"])
    return day.year - 1 if is_due else day.year - 2


def _is_one_stage(ruleset: Ruleset, columns: Columns) -> bool:
    # A file without stage, revenue and age, scored by a rule set of one stage, is of that stage.
    decides = {"stage", *LINES} & set(columns.facts)
    return len(ruleset.stages()) == 1 and not decides


def _lay_out(connection: duckdb.DuckDBPyConnection, given: Given, columns: Columns, ruleset: Ruleset) -> None:
    """`score_rows` with the facts under their names, and `score_cells` with one row per value that the file has."""
    id_column = given.column(columns.id)
    # Ids and names stay as given; other cells are trimmed.
    named = [f"{id_column} as id"]
    for fact, name in columns.facts.items():
        named.append(f'{given.column(name) if fact == "name" else _trimmed(given, name)} as "{fact}"')
    connection.execute(f"create table score_rows as select row_number, {', '.join(named)} from score_given")  # noqa: S608  # numbered columns, known names
    status = {code: _trimmed(given, name) for code, name in columns.statuses.items()}
    codes = {code: literal(code) for code in columns.values}
    if columns.is_long:
        codes = {"": _trimmed(given, next(name for name in given.columns if name.casefold() == "indicator_code"))}
    parts = [
        CELLS.format(id=id_column, code=codes[code], value=_trimmed(given, name), status=status.get(code, NO_TEXT))
        for code, name in columns.values.items()
    ]
    if not parts:
        raise ScoreError(
            "the file has no column of any indicator.",
            f"{given.path}, header",
            f"name its columns by the codes of the rule set: {', '.join(ruleset.codes())}",
        )
    connection.execute("create table score_cells as " + " union all ".join(parts))
    if columns.is_long:
        connection.execute(_in_catalogue_case(ruleset))


def _trimmed(given: Given, name: str) -> str:
    return f"nullif(trim({given.column(name)}), '')"


def _in_catalogue_case(ruleset: Ruleset) -> str:
    pairs = ", ".join(f"({literal(code.casefold())}, {literal(code)})" for code in ruleset.codes())
    return (
        f"update score_cells set indicator_code = known.code from (values {pairs}) as known(folded, code) "  # noqa: S608  # quoted
        "where lower(score_cells.indicator_code) = known.folded"
    )


def _business_date(
    connection: duckdb.DuckDBPyConnection, given: Given, columns: Columns, as_of: date | None
) -> date | None:
    """The day of the call, else that of the file, else none: never today."""
    stated: Sequence[tuple[str, ...]] = []
    if "as_of" in columns.facts:
        stated = connection.execute("select distinct as_of from score_rows where as_of is not null").fetchall()
    days = {date.fromisoformat(text) for (text,) in stated} | ({as_of} if as_of else set())
    if len(days) > 1:
        raise ScoreError(
            f"there are {len(days)} business dates: {', '.join(sorted(map(str, days)))}.",
            f"{given.path}, column {columns.facts['as_of']}",
            "score each day by itself",
        )
    if not days and "founded_on" in columns.facts:
        raise ScoreError(
            "an age needs a business date, and there is none.", str(given.path), "--as-of YYYY-MM-DD, or a column as_of"
        )
    return days.pop() if days else None


def _first_day(ruleset: Ruleset) -> date:
    first = ruleset.tables["rulesets"][0]["valid_from"]
    # A rule set without a first day is refused once it is checked.
    return date.fromisoformat(first.strip()) if first else date.min
