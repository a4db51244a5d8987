"""CSV for spreadsheets: UTF-8 with BOM, exact decimals, and no cell that a spreadsheet would run as a formula."""

from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

BOM = b"\xef\xbb\xbf"
# Tab and the ends of line are text; all other control characters, and a BOM inside a cell, can only do harm. So can
# the marks that turn the direction of writing: a name behind one reads as another's.
CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
# Spreadsheets of Chinese and Japanese locales take the full-width signs for their half-width twins.
FORMULA = "^[=+\\-@\t\r\n＝＋－＠]"


class CsvFile:
    """A CSV file that is written batch by batch, so a table need not sit in memory."""

    def __init__(self, target: Path | BinaryIO, schema: pa.Schema) -> None:
        self._owned = target.open("wb") if isinstance(target, Path) else None
        sink = self._owned if self._owned is not None else target
        sink.write(BOM)  # type: ignore[union-attr]  # a Path was opened on the line above
        options = pacsv.WriteOptions(include_header=True, quoting_style="needed", quoting_header="none")
        self._schema = _text_schema(schema)
        self._writer = pacsv.CSVWriter(sink, self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append rows. Null is an empty cell; an empty text is a pair of quotes."""
        columns = [_guarded(column) for column in batch.columns]
        self._writer.write(type(batch).from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> "CsvFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_csv(table: pa.Table, target: Path | BinaryIO) -> int:
    """Write a whole table to a path or an open binary file; returns the number of rows.

    A text cell that a spreadsheet would take for a formula gets a leading apostrophe; control characters are dropped.
    """
    with CsvFile(target, table.schema) as file:
        file.write(table)
    return int(table.num_rows)


def _text_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [
            pa.field(field.name, pa.string() if _is_text(field.type) or _is_long_decimal(field.type) else field.type)
            for field in schema
        ]
    )


def _is_long_decimal(kind: pa.DataType) -> bool:
    # At such a scale Arrow writes small values as 0E-10, which not every reader of CSV understands.
    return bool(pa.types.is_decimal(kind) and kind.scale > 6)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _guarded(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if _is_long_decimal(column.type):
        return _plain(column)
    if not _is_text(column.type):
        return column
    # Tables repeat their texts: each different one is looked at once, and most columns hold nothing to fix.
    # As text first: the dictionaries of two chunks may not fit into one with indexes of their size.
    whole = _whole(column.cast(pa.string()))
    coded = whole.dictionary_encode()
    if not pc.any(pc.match_substring_regex(coded.dictionary, f"{CONTROL}|{FORMULA}")).as_py():
        return whole
    # Control characters go first: behind one of them a formula would not be seen as such.
    text = pc.replace_substring_regex(coded.dictionary, CONTROL, "")
    runs = pc.match_substring_regex(text, FORMULA)
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text).take(coded.indices)


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    coded = _whole(column).cast(pa.string()).dictionary_encode()
    texts = [f"{Decimal(text):f}" if "E" in text else text for text in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
