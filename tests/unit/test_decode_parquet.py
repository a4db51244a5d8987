"""From Parquet to records: plain values of every type, and a loud stop for what is damaged or made to break us."""

import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.decoders.parquet import decode_parquet
from connectors.errors import DataError


def written(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def read(body: bytes):
    return list(decode_parquet(body, "tax.invoices, f.parquet"))


def test_every_type_becomes_a_plain_value():
    day = dt.date(2025, 6, 30)
    table = pa.table(
        {
            "whole": [1, None],
            "exact": [Decimal("1.10"), None],
            "binary": [0.1, float("nan")],
            "short": pa.array([0.1, None], pa.float32()),
            "text": ["积分", None],
            "dictionary": pa.array(["x", "y"]).dictionary_encode(),
            "bytes": [b"ok", b"\xff"],
            "day": [day, None],
            "moment": pa.array([dt.datetime(2025, 6, 30, 8), None], pa.timestamp("ns")),
            "flag": [True, None],
            "nothing": [None, None],
        }
    )
    (chunk,) = read(written(table))
    assert chunk.columns == {
        "whole": [1, None],
        "exact": [Decimal("1.10"), None],
        "binary": ["0.1", "nan"],
        "short": ["0.1", None],
        "text": ["积分", None],
        "dictionary": ["x", "y"],
        "bytes": ["ok", "0xff"],
        "day": [day, None],
        "moment": [dt.datetime(2025, 6, 30, 8), None],
        "flag": [True, None],
        "nothing": [None, None],
    }
    assert list(chunk.positions) == [1, 2]


def test_many_rows_come_in_chunks_and_none_is_still_a_chunk(monkeypatch):
    monkeypatch.setattr("connectors.decoders.parquet.CHUNK_ROWS", 2)
    assert [list(chunk.positions) for chunk in read(written(pa.table({"a": [1, 2, 3]})))] == [[1, 2], [3]]
    (empty,) = read(written(pa.table({"a": pa.array([], pa.int64())})))
    assert (empty.columns, list(empty.positions)) == ({"a": []}, [])


def test_a_damaged_file_is_a_loud_stop():
    whole = written(pa.table({"a": list(range(1000))}))
    for cut in range(0, len(whole), 101):
        with pytest.raises(DataError, match="no Parquet that can be read"):
            read(whole[:cut])
    for place in range(4, len(whole) - 4, 211):
        spoiled = whole[:place] + b"\xff" * 8 + whole[place + 8 :]
        try:
            read(spoiled)
        except DataError:
            continue


def test_a_dictionary_that_says_one_long_text_a_thousand_times_is_refused(monkeypatch):
    monkeypatch.setattr("connectors.decoders.parquet.MAX_BATCH_TEXT_BYTES", 100_000)
    table = pa.table({"a": pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), ["x" * 1000])})
    with pytest.raises(DataError, match="more than 100000 bytes of text"):
        read(written(table))


def test_a_nested_column_and_a_row_group_too_large_are_refused(monkeypatch):
    with pytest.raises(DataError, match="column 'a' is nested"):
        read(written(pa.table({"a": [[1, 2]]})))
    monkeypatch.setattr("connectors.decoders.parquet.MAX_ROW_GROUP_BYTES", 10)
    with pytest.raises(DataError, match="row group 1 unfolds"):
        read(written(pa.table({"a": list(range(1000))})))
