"""Reading a given table, CSV or Parquet, as texts: no type is guessed, and no number is rounded."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from editions.score.errors import SAVE_AS_UTF8, ScoreError
from ledger.hand_made import clean

FLOATS = ("FLOAT", "DOUBLE")
SUFFIXES = (".csv", ".parquet")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .xls begin."""
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", "，": "full-width commas"}
NOT_UTF8 = "invalid UTF8"
"""Arrow's message for a cell that is not UTF-8; for the header Python raises an error."""


@dataclass(frozen=True)
class Given:
    """The table `score_given` in DuckDB: `row_number` counts its rows from 1, `c0`, `c1` … are `columns` as texts.

    `floats` are the columns that were binary floats, as their shortest text; an empty cell is null.
    """

    columns: tuple[str, ...]
    floats: frozenset[str]
    path: Path

    def column(self, name: str) -> str:
        """The column of the DuckDB table that holds the column of this name."""
        return f"c{self.columns.index(name)}"


def read_given(connection: duckdb.DuckDBPyConnection, path: Path) -> Given:
    """Read a file into the table `score_given` of `connection`, every cell as the text in the file.

    A CSV file is UTF-8, with or without BOM, comma-separated, with a header, each row on one line; empty rows are
    skipped. Raises `ScoreError` for a file that is not there, is of another kind, has no rows,
    cannot be read as such a table, or names a column twice.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ScoreError(
            f"{path.name} is neither .csv nor .parquet.", str(path), "save it as CSV (UTF-8) or Parquet", "usage"
        )
    if not path.is_file():
        raise ScoreError(f"there is no file {path.name}.", str(path), "give the path of a file that is there", "usage")
    try:
        columns, rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    except (pa.ArrowException, csv.Error, OSError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) or NOT_UTF8 in str(error):
            raise ScoreError(f"{path.name} cannot be read: it is not UTF-8.", str(path), SAVE_AS_UTF8) from error
        why = " ".join(str(error).split())[:300]
        raise ScoreError(f"{path.name} cannot be read: {why}.", str(path), "fix the file, or save it anew") from error
    try:
        return _keep(connection, columns, path, rows)
    except duckdb.NotImplementedException as error:
        what = f"{path.name} has a column of a type that is not read ({error})."
        raise ScoreError(what, str(path), "write numbers as decimals, and ids as text") from error


def _read_csv(path: Path) -> tuple[tuple[str, ...], pa.Table]:
    # The byte 1A ends a file on old systems.
    body = path.read_bytes().rstrip(b"\x1a")
    if body.startswith(WORKBOOKS):
        raise ScoreError(f"{path.name} is a workbook and no CSV, whatever its name says.", str(path), SAVE_AS_UTF8)
    header = next(csv.reader(_lines(body)), [])
    _require_commas(header, path)
    columns = _named(header, path)
    if b'"' in body:
        _require_rows_of_one_line(body, len(columns), path)
    numbered = [f"c{place}" for place in range(len(columns))]
    try:
        rows = pacsv.read_csv(
            # For a last line without an end the reader would raise an error about blocks.
            pa.BufferReader(body + b"\n"),
            read_options=pacsv.ReadOptions(column_names=numbered, skip_rows_after_names=1),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(numbered, pa.string())),
        )
    except pa.ArrowInvalid:
        _require_rows_of_one_line(body, len(columns), path)
        raise
    return columns, rows


def _lines(body: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")


def _require_rows_of_one_line(body: bytes, fields: int, path: Path) -> None:
    """Raise `ScoreError` for the first line that is no row of as many fields as the header.

    An open quotation mark would join all rows up to the next one.
    """
    reader = csv.reader(_lines(body), strict=True)
    before = 0
    try:
        for row in reader:
            if reader.line_num - before > 1:
                break
            before = reader.line_num
            if row and len(row) != fields:
                fault = f"line {before} has {len(row)} fields, the header {fields}: {','.join(row)[:60]!r}"
                raise ScoreError(
                    f"{path.name} cannot be read: {fault}.",
                    f"{path}, line {before}",
                    "separate two fields by one comma, and enclose a field that holds commas in quotation marks",
                )
        else:
            return
    except csv.Error:
        pass
    line = next(islice(_lines(body), before, None), "").rstrip("\r\n")
    raise ScoreError(
        f"a quotation mark of line {before + 1} is not closed on it, or stands within a field: {line[:60]!r}.",
        f"{path}, line {before + 1}",
        "put each row on one line, enclose a field that holds quotation marks in them and double those inside; "
        "Parquet has no quotation marks",
    )


def _require_commas(columns: Sequence[str], path: Path) -> None:
    """Raise `ScoreError` for a header of one column that another delimiter would split."""
    found = next((name for sign, name in OTHER_DELIMITERS.items() if len(columns) == 1 and sign in columns[0]), None)
    if found:
        raise ScoreError(
            f"the columns of {path.name} are separated by {found}, not by commas.",
            f"{path}, header",
            f"separate them by commas; {SAVE_AS_UTF8}",
        )


def _read_parquet(path: Path) -> tuple[tuple[str, ...], pa.Table]:
    # No partitioning: a folder of the path that holds a "=" would come out as a column.
    rows = pq.read_table(path, partitioning=None)
    return _named(rows.column_names, path), rows.rename_columns([f"c{place}" for place in range(rows.num_columns)])


def _named(header: Sequence[str], path: Path) -> tuple[str, ...]:
    """The names of the columns. Raises `ScoreError` where there is none, or one stands twice."""
    columns = tuple(map(clean, header))
    folded = [name.casefold() for name in columns]
    twice = sorted({name for name, key in zip(columns, folded, strict=True) if folded.count(key) > 1})
    if twice or not columns:
        wrong = f"names {', '.join(map(repr, twice))} more than once" if twice else "has no columns"
        raise ScoreError(
            f"{path.name} {wrong}; its header reads {','.join(columns)[:120]!r}.",
            f"{path}, header",
            "give each column a name of its own; nothing stands above the header",
        )
    return columns


def _keep(connection: duckdb.DuckDBPyConnection, columns: tuple[str, ...], path: Path, rows: pa.Table) -> Given:
    if rows.num_rows == 0:
        raise ScoreError(f"{path.name} has no rows.", str(path), "give at least one row")
    connection.register("arriving", rows)
    kinds = {name: str(kind) for name, kind, *_ in connection.execute("describe arriving").fetchall()}
    texts = ", ".join(f"nullif(cast({name} as varchar), '') as {name}" for name in kinds)
    is_filled = " or ".join(f"trim({name}) <> ''" for name in kinds)
    connection.execute(
        "create table score_given as select * from ("  # noqa: S608  # numbered columns
        f"select row_number() over () as row_number, {texts} from arriving) where {is_filled}"
    )
    connection.unregister("arriving")
    pairs = zip(columns, kinds.values(), strict=True)
    return Given(columns, frozenset(name for name, kind in pairs if kind in FLOATS), path)
