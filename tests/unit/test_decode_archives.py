"""From bytes to records: what is packed, however it is packed, cut, named or nested."""

import gzip
import io
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.errors import DataError

PLAIN = b"receipt,amount\nA,1\n"


def zipped(*members: tuple[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_a_truncated_archive_is_a_loud_stop_that_names_the_file(read_body, archive):
    content = b"receipt,amount\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(50))
    whole = gzip.compress(content) if archive == "gzip" else zipped(("a.csv", content))
    assert len(read_body(whole, kind="csv", archive=archive)[0].positions) == 50
    for cut in range(1, len(whole), 7):
        with pytest.raises(DataError, match=r"loans\.x"):
            read_body(whole[:cut], kind="csv", archive=archive)


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_an_archive_whose_checksum_is_wrong_is_a_loud_stop(read_body, archive):
    whole = gzip.compress(PLAIN, 0) if archive == "gzip" else zipped(("a.csv", PLAIN), method=zipfile.ZIP_STORED)
    with pytest.raises(DataError, match="damaged"):
        read_body(whole.replace(b"A,1", b"A,2", 1), kind="csv", archive=archive)


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_what_unfolds_beyond_the_cap_is_refused(read_body, monkeypatch, archive):
    monkeypatch.setattr("connectors.decoders.packed.MAX_UNPACKED_BYTES", 1000)
    whole = gzip.compress(b"0" * 100_000) if archive == "gzip" else zipped(("a.csv", b"0" * 100_000))
    with pytest.raises(DataError, match="unfolds to more than 1000 bytes"):
        read_body(whole, kind="csv", archive=archive)


@pytest.mark.parametrize("name", ["../../etc/a.csv", "/etc/a.csv", "C:\\windows\\a.csv", "x/y/a.csv"])
def test_the_name_of_a_member_is_matched_and_never_used_as_a_path(read_body, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_body(zipped((name, PLAIN)), kind="csv", archive="zip", member="a.csv")[0].columns["receipt"] == ["A"]
    assert list(tmp_path.iterdir()) == []


def test_a_member_named_in_gbk_by_an_old_windows_is_found(read_body):
    raw = zipped(("XXXX.csv", PLAIN)).replace(b"XXXX.csv", "贷款".encode("gbk") + b".csv")
    assert read_body(raw, kind="csv", archive="zip", member="贷款.csv")[0].columns["receipt"] == ["A"]


@pytest.mark.parametrize("names", [("a.csv", "b/a.csv"), ("a.csv", "B.CSV"), ("a.csv", "b．ｃｓｖ"), ("a.txt",), ()])
def test_exactly_one_member_must_match(read_body, names):
    with pytest.raises(DataError, match="members match"):
        read_body(zipped(*((name, PLAIN) for name in names)), kind="csv", archive="zip", member="*.csv")


def test_of_two_archives_in_one_file_neither_is_taken_alone(read_body):
    with pytest.raises(DataError, match="something before its first member"):
        read_body(zipped(("a.csv", PLAIN)) + zipped(("a.csv", PLAIN)), kind="csv", archive="zip")


def test_the_mark_of_an_archive_that_fits_on_one_disk_is_none(read_body):
    assert read_body(b"PK00" + zipped(("a.csv", PLAIN)), kind="csv", archive="zip")[0].columns["receipt"] == ["A"]


@pytest.mark.parametrize("beside", [".DS_Store", "__MACOSX/._a.csv", "folder/._a.csv"])
def test_what_a_mac_puts_beside_the_files_is_none_of_them(read_body, beside):
    body = zipped(("a.csv", PLAIN), (beside, b"x"))
    assert read_body(body, kind="csv", archive="zip")[0].columns["receipt"] == ["A"]


def test_members_of_which_none_is_the_one_are_named(read_body):
    with pytest.raises(DataError, match=r"'a\.csv', 'b\.csv'.*declare `member`"):
        read_body(zipped(("a.csv", PLAIN), ("b.csv", PLAIN)), kind="csv", archive="zip")


def test_two_members_of_one_name_are_refused(read_body):
    with pytest.warns(UserWarning, match="Duplicate"):
        body = zipped(("a.csv", PLAIN), ("a.csv", b"receipt,amount\nB,2\n"))
    with pytest.raises(DataError, match="2 members match"):
        read_body(body, kind="csv", archive="zip")


def test_an_encrypted_member_is_refused(read_body):
    body = bytearray(zipped(("a.csv", PLAIN)))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        read_body(bytes(body), kind="csv", archive="zip")


def test_a_packing_method_that_takes_memory_at_will_is_refused(read_body):
    with pytest.raises(DataError, match="method 14"):
        read_body(zipped(("a.csv", PLAIN), method=zipfile.ZIP_LZMA), kind="csv", archive="zip")


def test_a_zip_in_a_zip_is_not_unfolded(read_body):
    with pytest.raises(DataError, match="is a zip archive, not CSV"):
        read_body(zipped(("a.csv", zipped(("b.csv", PLAIN)))), kind="csv", archive="zip")


def test_a_file_that_was_unpacked_on_its_way_is_read_as_it_is(read_body):
    assert read_body(PLAIN, kind="csv", archive="gzip")[0].columns["receipt"] == ["A"]
    assert read_body(gzip.compress(PLAIN), kind="csv", archive="gzip")[0].columns["receipt"] == ["A"]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["receipt", "amount_cny"])
    book.active.append(["A"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_workbook_or_a_parquet_file_may_be_packed(read_body, method):
    table = io.BytesIO()
    pq.write_table(pa.table({"receipt": ["A"]}), table)
    for kind, body in (("xlsx", workbook()), ("parquet", table.getvalue())):
        packed = zipped(("读我.txt", b"x"), (f"a.{kind}", body), method=method)
        for archive, whole in (("zip", packed), ("gzip", gzip.compress(body))):
            member = {"member": f"*.{kind}"} if archive == "zip" else {}
            assert read_body(whole, kind=kind, archive=archive, **member)[0].columns["receipt"] == ["A"]
    with pytest.raises(DataError, match=r"is a zip archive, not a workbook.*declare archive: zip"):
        read_body(zipped(("a.xlsx", workbook())), kind="xlsx")


@pytest.mark.parametrize(
    ("body", "archive", "told"),
    [
        (zipped(("a.csv", PLAIN)), "gzip", "is a zip archive, not packed with gzip"),
        (b"Rar!\x1a\x07\x00", "gzip", "is a RAR archive, not packed with gzip"),
        (b"Rar!\x1a\x07\x00", "zip", "is a RAR archive, not a zip archive"),
        (gzip.compress(PLAIN), "zip", "is packed with gzip, not a zip archive"),
        (gzip.compress(gzip.compress(PLAIN)), "gzip", "is packed with gzip, not CSV"),
        (b"<html></html>", "gzip", "is a page of HTML, not CSV"),
        (b"<html></html>", "zip", "is a page of HTML, not a zip archive"),
        (PLAIN, "zip", "is plain or delimited text, not a zip archive"),
        (b"", "gzip", "is empty, not packed with gzip"),
    ],
)
def test_what_is_no_such_archive_is_told_for_what_it_is(read_body, body, archive, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="csv", archive=archive)
