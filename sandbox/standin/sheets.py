"""Workbooks and Parquet files: what openpyxl and pyarrow write, imported only by who needs them."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.worksheet.worksheet import Worksheet

from connectors.spec import Column, Dataset, XlsxDecoder
from sandbox.standin.encode import Shown, fields_of
from sandbox.standin.values import decimal_shape

Record = Mapping[str, Any]
_CORE: Final = "docProps/core.xml"
_MOMENT: Final = re.compile(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def encode_xlsx(dataset: Dataset, decoder: XlsxDecoder, records: Sequence[Record]) -> bytes:
    """A workbook with a title above the header; in a header of several rows what belongs together is merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has no sheet")
    sheet.title = decoder.sheet or "Sheet1"
    if decoder.sheet is not None:
        book.create_sheet("填报说明")["A1"] = "单位：万元"
    fields = fields_of(dataset, records)
    if decoder.header_row > 1:
        sheet.cell(1, 1, dataset.description)
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(fields))
    _write_header(sheet, fields, decoder)
    for place, record in enumerate(records):
        row = decoder.header_row + decoder.header_rows + place
        for column, name in enumerate(fields, start=1):
            value = record.get(name)
            cell = sheet.cell(row, column, _cell(value.value if isinstance(value, Shown) else value))
            if isinstance(value, Shown):
                cell.number_format = value.number_format
    for word in decoder.ends_at[:1]:
        sheet.cell(decoder.header_row + decoder.header_rows + len(records), 1, word)
    body = io.BytesIO()
    book.save(body)
    return _without_clock(body.getvalue())


def _without_clock(workbook: bytes) -> bytes:
    """The same workbook without the moment it was written: equal records make an equal file."""
    body = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as written, zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in written.namelist():
            part = _MOMENT.sub(b"2025-06-30T00:00:00Z", written.read(name)) if name == _CORE else written.read(name)
            packed.writestr(zipfile.ZipInfo(name, (2025, 6, 30, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return body.getvalue()


def _write_header(sheet: Worksheet, fields: Sequence[str], decoder: XlsxDecoder) -> None:
    """`学历/硕士` and `学历/博士` stand under one merged 学历; a field of one part is merged downwards."""
    depth, first = decoder.header_rows, decoder.header_row
    parts = [field.split("/") if depth > 1 else [field] for field in fields]
    for column, steps in enumerate(parts, start=1):
        for level, step in enumerate(steps):
            above = parts[column - 2][: level + 1] if column > 1 else None
            if level == len(steps) - 1 or above != steps[: level + 1]:
                sheet.cell(first + level, column, step)
        if len(steps) < depth:
            sheet.merge_cells(
                start_row=first + len(steps) - 1, start_column=column, end_row=first + depth - 1, end_column=column
            )
    for level in range(depth - 1):
        _merge_across(sheet, parts, level, first + level)


def _merge_across(sheet: Worksheet, parts: Sequence[Sequence[str]], level: int, row: int) -> None:
    start = 0
    for place in range(1, len(parts) + 1):
        shared = parts[start][: level + 1]
        is_group = len(parts[start]) > level + 1
        if place < len(parts) and is_group and parts[place][: level + 1] == shared:
            continue
        if place - start > 1:
            sheet.merge_cells(start_row=row, start_column=start + 1, end_row=row, end_column=place)
        start = place


def _cell(value: Any) -> Any:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value


def encode_parquet(dataset: Dataset, records: Sequence[Record]) -> bytes:
    """A Parquet file whose columns have the declared types; amounts in another unit get four decimals more."""
    declared = {column.source_field: column for column in dataset.columns}
    fields = fields_of(dataset, records)
    columns = [_array(declared.get(name), [record.get(name) for record in records]) for name in fields]
    body = io.BytesIO()
    pq.write_table(pa.table(columns, names=fields), body)
    return body.getvalue()


def _array(column: Column | None, values: Sequence[Any]) -> pa.Array:
    if column is None or any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if column.kind == "decimal":
        precision, scale = decimal_shape(column)
        return pa.array(values, pa.decimal128(min(38, precision + 4), scale + (4 if column.unit == "万元" else 0)))
    types: dict[str, pa.DataType] = {
        "varchar": pa.string(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", "UTC"),
    }
    return pa.array([_plain(value) for value in values], pa.int64() if column.epoch else types[column.kind])


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
