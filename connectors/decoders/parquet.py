"""Apache Parquet, a batch at a time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.decoders.chunk import CHUNK_ROWS, MAX_FIELDS, Chunk
from connectors.decoders.form import PUT_AGAIN, FormError
from connectors.decoders.headers import named
from connectors.json_text import EXACT_BELOW, is_too_long_for_single
from connectors.spec import NUMBERS, Column
from connectors.spelling import bytes_as_text

MAX_ROW_GROUP_BYTES = 128 * 1024 * 1024
"""The most that the columns of one row group may unfold to, by what the file says of itself."""

MAX_BATCH_TEXT_BYTES = 64 * 1024 * 1024
"""The most text that one column of a batch may hold: a dictionary holds a long value once for many rows."""


def decode_parquet(content: bytes, claimed: Mapping[str, Column]) -> Iterator[Chunk]:
    """The rows as columns of plain values; rows of nulls alone are passed over, and counted by positions.

    Exact types stay what they are (int, bool, Decimal, date, datetime, time); bytes are what `bytes_as_text` says. A
    binary number is the shortest text that means it where a column of numbers claims it, else a float.
    """
    place = 0
    if b"PAR1PAR1" in content:
        # The end of one file and the head of the next: the footer of the last finds its places in the first.
        raise FormError("is several Parquet files, one behind the other.", "ask the agency for one file of them all")
    try:
        # INT96, which Spark and Impala write: as nanoseconds a day behind 2262 would come round as one before it.
        opened = partial(pq.ParquetFile, pa.BufferReader(content), coerce_int96_timestamp_unit="us")
        texts, names = _check_shape(opened())
        called = dict(zip(names, named(names, claimed.keys()), strict=True))
        file = opened(read_dictionary=texts, pre_buffer=False)
        for whole in file.iter_batches(CHUNK_ROWS, use_threads=False):
            batch, positions = _filled(whole, place + 1)
            place += whole.num_rows
            columns = {
                called[name]: _values(batch.column(name), claimed.get(called[name])) for name in batch.schema.names
            }
            yield Chunk(columns, positions)
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError) as error:
        raise FormError(f"is no Parquet that can be read ({type(error).__name__}).", PUT_AGAIN) from None
    if place == 0:
        yield Chunk({name: [] for name in called.values()}, range(0))


def _filled(batch: pa.RecordBatch, first: int) -> tuple[pa.RecordBatch, Sequence[int]]:
    """The rows in which something stands, and their places."""
    places = range(first, first + batch.num_rows)
    if not all(column.null_count for column in batch.columns):
        return batch, places
    is_filled = reduce(pc.or_, (pc.is_valid(column) for column in batch.columns))
    return batch.filter(is_filled), [at for at, there in zip(places, is_filled.to_pylist(), strict=True) if there]


def _check_shape(file: pq.ParquetFile) -> tuple[list[str], list[str]]:
    """The columns of text or bytes, and all columns, of a file whose size and types can be dealt with."""
    schema = file.schema_arrow
    names: list[str] = schema.names
    if len(names) > MAX_FIELDS:
        raise FormError(f"has {len(names)} columns, more than {MAX_FIELDS}.")
    if len(set(names)) != len(names):
        raise FormError("has the same column twice.")
    if nested := [field.name for field in schema if pa.types.is_nested(field.type)]:
        raise FormError(f"column {nested[0][:60]!r} is nested.", "ask the agency for a flat table")
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        sizes = [group.column(place).total_uncompressed_size for place in range(group.num_columns)]
        if min(sizes, default=0) < 0 or sum(sizes) > MAX_ROW_GROUP_BYTES:
            what = f"row group {number + 1} unfolds to more than {MAX_ROW_GROUP_BYTES} bytes."
            raise FormError(what)
    return [field.name for field in schema if _is_text(field.type)], names


def _refuse_lost_digits(texts: pa.Array, claim: Column) -> None:
    """A number of single precision keeps seven digits: of a longer one the last are made up."""
    scale = int(found[1]) if (found := re.search(r",\s*(\d+)\)", claim.data_type)) else 0
    for text in texts.to_pylist():
        if text and is_too_long_for_single(text, scale):
            what = f"column {claim.source_field!r} is of single precision, which does not keep the digits of {text}."
            raise FormError(what, "ask the agency for double precision or decimals")


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_binary))


def _values(column: pa.Array, claim: Column | None) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        _check_text(column)
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_floating(kind) and (claim is None or claim.kind in NUMBERS):
        column = _floats_as_text(column, claim)
    elif pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif pa.types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else bytes_as_text(value) for value in column.to_pylist()]
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        if not pa.types.is_temporal(kind):
            raise
        values = list(map(_moment, column))
    return values


def _floats_as_text(column: pa.Array, claim: Column | None) -> pa.Array:
    """Numbers as text; those that are too long for their precision in the form that every column refuses."""
    texts = column.cast(pa.string())
    if column.type != pa.float64():
        if claim is not None:
            _refuse_lost_digits(texts, claim)
    elif pc.any(pc.greater_equal(pc.abs(column), float(EXACT_BELOW))).as_py():
        numbers = column.to_pylist()
        long = [None if one is None or abs(one) < EXACT_BELOW else f"{one:.14E}" for one in numbers]
        texts = pc.coalesce(pa.array(long, pa.string()), texts)
    return texts


def _moment(value: pa.Scalar) -> Any:
    """The value; of a moment outside of the years 1 to 9999 its text, which no column of moments takes."""
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        plain = value.cast(pa.timestamp("us")) if pa.types.is_timestamp(value.type) else value
        return str(plain.cast(pa.string()))


def _check_text(column: pa.DictionaryArray) -> None:
    if not _is_text(column.type.value_type):
        return
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    if (pc.sum(lengths).as_py() or 0) > MAX_BATCH_TEXT_BYTES:
        raise FormError(f"one column holds more than {MAX_BATCH_TEXT_BYTES} bytes of text at once.")
