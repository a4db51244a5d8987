"""From bytes to records: archives, encodings, control totals."""

import io
import zipfile

import pytest

from connectors.decode import decode
from connectors.errors import DataError
from tests.unit.conftest import column

LOANS = {
    "request": {"folder": "outbox", "pattern": "*.csv"},
    "paginator": None,
    "key": ("receipt",),
    "columns": (column("receipt", required=True), column("amount_cny", "decimal(20, 2)")),
}


def csv_dataset(make_dataset, **decoder):
    return make_dataset(**LOANS, decoder={"kind": "csv", "encoding": "utf-8-sig", **decoder})


def zipped(content: bytes, name="counts.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def with_trailer(make_dataset):
    return csv_dataset(make_dataset, trailer={"marker": "TRAILER", "count": 2, "sum": 3, "sum_field": "amount"})


def test_a_file_whose_control_total_agrees_is_read_without_its_trailer(make_dataset):
    records = decode(with_trailer(make_dataset), "f", b"receipt,amount\nA,1.10\nB,2.20\nTRAILER,2,3.30\n")
    assert [record.fields["receipt"] for record in records] == ["A", "B"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"receipt,amount\nA,1.10\nTRAILER,2,1.10\n", "says 2 rows and 1.10, the file holds 1 and 1.10"),
        (b"receipt,amount\nA,1.10\nTRAILER,1,1.11\n", "says 1 rows and 1.11"),
        (b"receipt,amount\nA,1.10\n", "cut short"),
        (b"receipt,amount\nA,x\nTRAILER,1,1\n", "cannot be computed"),
        (b"receipt,sum\nA,1\nTRAILER,1,1\n", "no column amount"),
    ],
)
def test_a_wrong_control_total_stops_the_whole_file(make_dataset, body, told):
    with pytest.raises(DataError, match=told):
        decode(with_trailer(make_dataset), "loans.csv", body)


def test_a_truncated_zip_is_a_loud_stop_that_names_the_file(make_dataset):
    dataset = csv_dataset(make_dataset, archive="zip", member="*.csv")
    whole = zipped(b"receipt,amount\nA,1\n" * 50)
    for cut in range(1, len(whole), 7):
        with pytest.raises(DataError, match=r"m\.zip"):
            decode(dataset, "m.zip", whole[:cut])


def test_a_member_that_unfolds_beyond_the_cap_is_refused(make_dataset, monkeypatch):
    monkeypatch.setattr("connectors.decode.MAX_MEMBER_BYTES", 1000)
    dataset = csv_dataset(make_dataset, archive="zip", member="*.csv")
    with pytest.raises(DataError, match="unfolds to more than 1000 bytes"):
        decode(dataset, "bomb.zip", zipped(b"0" * 100_000))


def test_gb18030_is_read_and_another_encoding_is_a_loud_stop(make_dataset):
    dataset = csv_dataset(make_dataset, encoding="gb18030")
    assert decode(dataset, "f", "receipt,名称\nA,仲恺\n".encode("gb18030"))[0].fields["名称"] == "仲恺"
    with pytest.raises(DataError, match="is not utf-8-sig"):
        decode(csv_dataset(make_dataset), "f", "receipt,名称\nA,仲恺\n".encode("gb18030"))


def test_a_line_with_too_few_fields_is_one_broken_record_not_a_broken_file(make_dataset):
    records = decode(csv_dataset(make_dataset), "f", b"receipt,amount\nA\nB,2\n")
    assert [(record.position, record.fault) for record in records] == [(1, "field_count"), (2, None)]


def test_a_header_that_stands_twice_is_refused(make_dataset):
    with pytest.raises(DataError, match="same header twice"):
        decode(csv_dataset(make_dataset), "f", b"receipt,receipt\nA,B\n")


@pytest.mark.parametrize("body", [b"", b"\n\n"])
def test_an_empty_file_is_a_loud_stop(make_dataset, body):
    with pytest.raises(DataError, match="no header"):
        decode(csv_dataset(make_dataset), "f", body)
