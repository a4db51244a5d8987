"""What one bank may get of an edition on one day: the rows of enterprises that consented, and the fields it takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from editions.relations import TABLE_NAME
from editions.score.errors import ScoreError
from editions.score.ruleset import csv_rows
from editions.sql_text import literal, parquet, quoted
from ledger.settings import PROJECT_DIR

PIECE_ROWS = 1 << 13
CLASSES_FILE = PROJECT_DIR / "dbt_project" / "data_classes.csv"
"""Which class of data each column of an extract belongs to; a column without one goes with any row that is sent."""

# For each enterprise, recipient and purpose the grant or withdrawal of latest date decides; a withdrawal of the same
# day comes after the grant. It supersedes all other consents for the same recipient and purpose. Of several reasons for
# a denial, withdrawal comes first. The last day of a consent is valid, the day of its withdrawal is not.
CONSENTS = """
select
    *,
    list_transform(string_split(coalesce(data_classes, ''), ','), lambda part: trim(part)) as classes
from {}
"""
JUDGED = """
create temp table judged as
with dated as (
    select
        file_row_number,
        consent_id,
        uscc,
        purpose,
        consent_valid_from,
        consent_valid_to,
        points_total,
        classes,
        coalesce(consent_withdrawn_on <= $send_date, false) as is_withdrawn,
        case
            when consent_withdrawn_on <= $send_date then consent_withdrawn_on
            when consent_valid_from <= $send_date then consent_valid_from
        end as decided_on
    from consents
    where recipient = $recipient
),

ordered as (
    select
        *,
        row_number() over (
            partition by uscc, purpose
            order by decided_on desc nulls last, is_withdrawn desc, consent_valid_from desc, length(consent_id) desc,
                consent_id desc
        ) as age
    from dated
)

select
    file_row_number,
    uscc,
    consent_id,
    decided_on,
    case
        when is_withdrawn then 'withdrawn'
        when consent_valid_from is null or consent_valid_from > $send_date then 'not_yet_valid'
        when consent_valid_to < $send_date then 'expired'
        when age > 1 then 'superseded'
        when points_total is null then 'not_eligible'
        when not list_has_any(classes, $classes) then 'data_class'
        when not list_contains($purposes, purpose) then 'purpose'
    end as denied_reason
from ordered
"""
ALLOWED = """
create temp table allowed as
select file_row_number
from judged
where denied_reason is null
qualify row_number() over (partition by uscc order by decided_on desc, length(consent_id) desc, consent_id desc) = 1
"""
CODES = "list(uscc order by uscc) as codes"
DENIED = """
select consent_id, uscc, denied_reason
from judged
where denied_reason is not null
order by uscc, consent_id
"""


Cells = tuple[list[str], list[str]]
"""Columns, and the codes of the enterprises in whose rows these columns may have a value."""


class ExtractError(ValueError):
    """The edition does not have a requested extract, or a field of it."""


@dataclass(frozen=True)
class Extract:
    """One row per enterprise that may be sent, by code; and each consent that was denied, with the reason.

    `withheld` is in how many rows a column is empty because the consent does not name its class of data. `named` is the
    query for the classes of data that consents name, with their enterprises; `classes` is the class of each column.
    Rows are read when `pieces` or `table` is called.
    """

    engine: duckdb.DuckDBPyConnection
    query: str
    named: str
    classes: dict[str, str]
    denied: list[dict[str, str]]
    withheld: dict[str, int]

    def pieces(self) -> Iterator[pa.Table]:
        """The rows, `PIECE_ROWS` at a time; the first piece has the columns and no rows."""
        reader = self.engine.execute(self.query).to_arrow_reader(PIECE_ROWS)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])

    @property
    def table(self) -> pa.Table:
        """All rows at once."""
        return pa.concat_tables(self.pieces())

    def cells(self) -> list[Cells]:
        """The columns that may have a value, with the enterprises in whose rows."""
        found = self.engine.execute(self.named).fetchall()
        return [
            ([field for field, name in self.classes.items() if not name or name in named], codes)
            for named, codes in found
        ]


def cut_extract(
    edition_path: Path,
    recipient: str,
    fields: Sequence[str],
    send_date: date,
    *,
    purposes: Sequence[str],
    extract: str = "ext_bank__scores",
    spill: Path | None = None,
) -> Extract:
    """Cut a recipient's rows and fields out of a sealed extract, as consent stands on `send_date`.

    For each enterprise and purpose the consent that was granted or withdrawn last decides. It counts when `send_date`
    is within its days, it is not withdrawn, it names a class of the fields' data, and it was given for one of
    `purposes`, those for which the recipient loads the file. A field of a class that it does not name is empty. Denial
    reasons: withdrawn, not_yet_valid, expired, superseded (by a newer consent), not_eligible (the enterprise is not in
    the ranking, so there is nothing to send), data_class, purpose.
    What does not fit into memory is written into the folder `spill` for as long as the extract is open.
    Raises `ExtractError` for an extract or a field that is not there, and for a field of no stated class.
    """
    path = _path(edition_path, extract)
    _require_fields(fields, pq.read_schema(path).names, extract)
    classes = classes_of(fields, extract)
    wanted = sorted({name for name in classes.values() if name})
    values = {"send_date": send_date, "recipient": recipient, "purposes": list(purposes), "classes": wanted}
    engine = _engine(spill)
    numbered = parquet(path, ", file_row_number = true")
    engine.execute(f"create view consents as {CONSENTS.format(numbered)}")
    engine.execute(JUDGED, values)
    engine.execute(ALLOWED)
    counted = ", ".join(f"count(*) filter (where not {_names_class(name)})" for name in classes.values())
    permitted = f"from consents semi join allowed using (file_row_number) where recipient = {literal(recipient)}"
    counts = engine.execute(f"select {counted} {permitted}").fetchone() or ()  # quoted
    refused = engine.execute(DENIED).fetchall()
    engine.execute("drop table judged")
    chosen = ", ".join(_consented(field, name) for field, name in classes.items())
    query = f"select {chosen} {permitted} order by consents.uscc"  # quoted
    known = f"list_sort(list_intersect(classes, [{', '.join(map(literal, wanted))}]::varchar[]))"
    named = f"select {known} as named, {CODES} {permitted} group by 1 order by 1"
    names = ("consent_id", "uscc", "reason")
    withheld = {field: count for field, count in zip(classes, counts, strict=True) if count}
    return Extract(engine, query, named, classes, [dict(zip(names, row, strict=True)) for row in refused], withheld)


def _engine(spill: Path | None) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={} if spill is None else {"temp_directory": str(spill)})


def whole_table(edition_path: Path, table: str, fields: Sequence[str], spill: Path | None = None) -> Extract:
    """Every row of a table of the edition with these columns, for a recipient that is entitled to it by its office."""
    path = _path(edition_path, table, "tables")
    _require_fields(fields, pq.read_schema(path).names, table)
    chosen, rows = ", ".join(map(quoted, fields)), parquet(path)
    query = f"select {chosen} from {rows} order by all"  # noqa: S608  # quoted
    named = f"select [] as named, {CODES} from {rows} group by 1"  # noqa: S608  # quoted
    return Extract(_engine(spill), query, named, dict.fromkeys(fields, ""), [], {})


def _consented(field: str, data_class: str) -> str:
    return f"case when {_names_class(data_class)} then consents.{quoted(field)} end as {quoted(field)}"


def _names_class(data_class: str) -> str:
    return f"list_contains(classes, {literal(data_class)})" if data_class else "true"


def classes_of(fields: Sequence[str], extract: str) -> dict[str, str]:
    """The class of data of each field, empty for one that goes with any row."""
    try:
        rows = [row for row in csv_rows(CLASSES_FILE) if row["extract"] == extract]
    except ScoreError as error:
        raise ExtractError(str(error)) from None
    classes = {str(row["column"]): row["data_class"] or "" for row in rows}
    if len(classes) < len(rows):
        columns = [row["column"] for row in rows]
        twice = sorted({str(name) for name in columns if columns.count(name) > 1})
        raise ExtractError(
            f"extract {extract}: {', '.join(twice)} has two classes of data. "
            f"Whose: config (dbt_project/{CLASSES_FILE.name}). Leave one row of each, then `jifen run`."
        )
    if unknown := [field for field in fields if field not in classes]:
        raise ExtractError(
            f"extract {extract}: {', '.join(unknown)} belongs to no stated class of data, so no consent covers it. "
            f"Whose: config (dbt_project/{CLASSES_FILE.name}). Add a row for each, then `jifen run`."
        )
    return {field: classes[field] for field in fields}


def extract_columns(edition_path: Path, extract: str = "ext_bank__scores", folder: str = "extracts") -> list[str]:
    """The columns of a sealed extract or table, in order; a sink takes each column or states that it leaves it out."""
    return list(pq.read_schema(_path(edition_path, extract, folder)).names)


def _path(edition_path: Path, extract: str, folder: str = "extracts") -> Path:
    path = edition_path / folder / f"{extract}.parquet"
    if not TABLE_NAME.fullmatch(extract) or not path.is_file():
        there = sorted(file.stem for file in (edition_path / folder).glob("*.parquet"))
        raise ExtractError(
            f"there is no {folder.removesuffix('s')} {extract!r} in edition {edition_path.name}; there are: "
            f"{', '.join(there) or 'none'}. "
            "Whose: config (connectors/sinks). Fix the name, then `jifen run`."
        )
    return path


def _require_fields(fields: Sequence[str], there: list[str], extract: str) -> None:
    unknown = [field for field in fields if field not in there]
    if unknown or not fields or len(set(fields)) != len(fields):
        wrong = f"has no field {', '.join(unknown)}" if unknown else "is taken with no field, or with one twice"
        raise ExtractError(
            f"extract {extract} {wrong}; its fields are: {', '.join(there)}. "
            "Whose: config (connectors/sinks). Fix the list of fields, then `jifen run`."
        )
