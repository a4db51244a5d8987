"""From Parquet to records: plain values of every type, and a loud stop for what is damaged or made to break us."""

import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.decoders.form import of_page
from connectors.decoders.parquet import decode_parquet
from connectors.errors import DataError
from connectors.spec import Column


def written(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def test_digits_that_single_precision_does_not_keep_are_a_loud_stop():
    kept = written(pa.table({"n": pa.array([0.33333334, 2000.5, 1234.567], pa.float32())}))
    (chunk,) = read(kept, n="decimal(20, 4)")
    assert chunk.columns["n"] == ["0.33333334", "2000.5", "1234.567"]
    for value, kind in ((1234567.89, "decimal(20, 2)"), (16777217, "integer")):
        with pytest.raises(DataError, match="does not keep the digits"):
            read(written(pa.table({"n": pa.array([float(value)]).cast(pa.float32(), safe=False)})), n=kind)


def test_digits_that_double_precision_does_not_keep_come_in_a_form_that_is_refused():
    (chunk,) = read(written(pa.table({"n": pa.array([1.0, 9007199254740993.0, -1e18])})), n="bigint")
    assert chunk.columns["n"] == ["1", "9.00719925474099E+15", "-1.00000000000000E+18"]


def read(body: bytes, **types: str):
    claimed = {name: Column(name=name, data_type=kind, source_field=name) for name, kind in types.items()}
    with of_page("tax.invoices, f.parquet"):
        return list(decode_parquet(body, claimed))


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


@pytest.mark.parametrize("kind", ["varchar", "date", "timestamp", "boolean"])
def test_a_binary_number_under_a_column_of_no_numbers_is_a_number_and_no_text(kind):
    (chunk,) = read(written(pa.table({"a": [10086.0, 2024.1, None], "b": [1, 2, 3]})), a=kind)
    assert chunk.columns["a"] == [10086.0, 2024.1, None]


def test_a_time_of_day_and_a_duration_are_what_they_are():
    times = pa.array([dt.time(8, 30)], pa.time64("ns")), pa.array([dt.timedelta(hours=36)], pa.duration("ns"))
    assert read(written(pa.table(times, ["a", "b"])))[0].columns == {
        "a": [dt.time(8, 30)],
        "b": [dt.timedelta(hours=36)],
    }


def test_rows_of_nulls_are_passed_over_and_places_stay():
    (chunk,) = read(written(pa.table({"a": [1, None, 3, None], "b": ["x", None, None, None]})))
    assert (chunk.columns, list(chunk.positions)) == ({"a": [1, 3], "b": ["x", None]}, [1, 3])


def test_a_moment_that_spark_writes_is_itself_also_beyond_the_years_of_nanoseconds():
    days = [dt.datetime(2025, 6, 30), dt.datetime(2600, 6, 1), dt.datetime(9999, 12, 31)]
    table = pa.table({"day": pa.array(days, pa.timestamp("us"))})
    (chunk,) = read(written(table, use_deprecated_int96_timestamps=True), day="date")
    assert chunk.columns["day"] == days


def test_a_header_is_cleaned_and_two_that_are_then_equal_are_refused():
    assert list(read(written(pa.table({"a ": [1], "（b）": [1]})))[0].columns) == ["a", "(b)"]
    with pytest.raises(DataError, match="same header twice"):
        read(written(pa.table({"a": [1], "a\u200b": [2]})))


def test_nanoseconds_are_kept_to_the_microsecond_and_a_moment_beyond_all_years_is_text_that_no_date_is():
    far = 884_541_600_000_000_000
    table = pa.table(
        {
            "moment": pa.array([1_751_270_400_123_456_789], pa.timestamp("ns")),
            "far": pa.array([far], pa.timestamp("us")),
            "zoned": pa.array([far], pa.timestamp("us", "Asia/Shanghai")),
            "day": pa.array([11_000_000], pa.int32()).cast(pa.date32()),
        }
    )
    (chunk,) = read(written(pa.concat_tables([table, table.slice(0, 0)])))
    assert chunk.columns["moment"] == [dt.datetime(2025, 6, 30, 8, 0, 0, 123456)]
    assert {name: chunk.columns[name][0][:5] for name in ("far", "zoned", "day")} == {
        "far": "30000",
        "zoned": "30000",
        "day": "32086",
    }


def test_two_files_one_behind_the_other_are_a_loud_stop():
    one, two = (written(pa.table({"n": numbers})) for numbers in ([1, 2], [3, 4]))
    with pytest.raises(DataError, match="is several Parquet files"):
        read(one + two, n="bigint")
