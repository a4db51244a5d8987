"""What bytes are is told from the bytes: a page of HTML under the name of a workbook is a page of HTML."""

import gzip
import io
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.decoders.form import form_of
from connectors.errors import DataError


def zipped(*names: str, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), buffer)
    return buffer.getvalue()


def compound(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + stream.encode("utf-16-le") + b"\x00" * 40


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


HTML = [
    b"<!DOCTYPE html><html><head></head></html>",
    b"\r\n\n  <HTML>\n",
    b"\xef\xbb\xbf<html lang='zh'>",
    "<html><title>登录</title>".encode("gbk"),
    '<html><meta charset="utf-16">登录'.encode("utf-16"),
    b"<!-- a gateway --><html>",
    b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="y">',
    b"<script>location.href='/login'</script>",
    b"<table><tr><td>1</td></tr></table>",
    b'<meta http-equiv="refresh">',
]


@pytest.mark.parametrize("body", HTML)
def test_a_page_is_a_page_whatever_it_begins_with(body):
    assert form_of(body) == "a page of HTML"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"\n \r\n", "nothing but blanks or zero bytes"),
        (bytes(5000), "nothing but blanks or zero bytes"),
        (gzip.compress(b"a"), "packed with gzip"),
        (tarred("a.csv", b"no,sum\n"), "a tar archive"),
        (parquet(), "Parquet"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7z archive"),
        (zipped("a.csv"), "a zip archive"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "a workbook (XLSX)"),
        (zipped("[content_types].xml", "xl\\workbook.xml"), "a workbook (XLSX)"),
        (zipped("[Content_Types].xml", "xl/workbook.bin"), "a binary workbook (XLSB)"),
        (zipped("[Content_Types].xml", "word/document.xml"), "a text document (DOCX)"),
        (zipped("mimetype", content=b"application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument sheet (ODS)"),
        (compound("EncryptedPackage"), "a workbook with a password"),
        (compound("Workbook"), "an old workbook (XLS)"),
        (compound("Book"), "an old workbook (XLS)"),
        (compound("WordDocument"), "an old text document (DOC)"),
        (compound("x"), "an old .xls or has a password"),
        (b'<?xml version="1.0"?><rows><row/></rows>', "XML"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "an XML spreadsheet of Excel 2003"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "a saved web page (MHTML)"),
        (b'\xef\xbb\xbf{"items": []}', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b"[]", "JSON"),
        ("编号,人数\nU1,3\n".encode(), "plain or delimited text"),
        ("编号,人数\nU1,3\n".encode("gb18030"), "plain or delimited text"),
        ("编号,人数\nU1,3\n".encode("utf-16"), "text in UTF-16"),
        ("id,count\nU1,3\n".encode("utf-16-le"), "text in UTF-16"),
        ("id,count\nU1,3\n".encode("utf-16-be"), "text in UTF-16"),
        (b"<5,1\n", "plain or delimited text"),
        (b"[A],{B}\n", "plain or delimited text"),
        (b"[1]no,[2]name\n", "plain or delimited text"),
        (b"[1],[2]\n", "plain or delimited text"),
        (b"PAR1,BZh9\n", "plain or delimited text"),
        (b"a,b\n\x00,1\n", "of no known form"),
        (b"[1, 2]", "JSON"),
        (bytes(range(1, 32)) * 4, "of no known form"),
    ],
)  # fmt: skip
def test_what_bytes_are_is_told_from_them(body, told):
    assert form_of(body) == told


@pytest.mark.parametrize(
    "kind", [{"kind": "jsonl"}, {"kind": "xml", "record": "row"}, {"kind": "xlsx"}, {"kind": "parquet"}]
)
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html><body>login</body></html>", "is a page of HTML"),
        (b"%PDF-1.7", "is a PDF"),
        (b"Rar!\x1a\x07\x01\x00", "is a RAR archive"),
        (compound("Workbook"), "is an old workbook"),
        (b"MIME-Version: 1.0\r\n", "is a saved web page"),
    ],
)
def test_every_decoder_says_what_the_bytes_are(read_body, kind, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, **kind)


@pytest.mark.parametrize("inner", [gzip.compress(b"no,sum\n"), zipped("a.csv")])
@pytest.mark.parametrize("outer", ["gzip", "zip"])
def test_of_a_file_that_is_packed_twice_the_error_says_so(read_body, inner, outer):
    body = gzip.compress(inner) if outer == "gzip" else zipped("a", content=inner)
    with pytest.raises(DataError, match="where that is declared, it is packed twice"):
        read_body(body, kind="csv", archive=outer)


def test_a_tar_archive_that_is_unpacked_is_called_one(read_body):
    with pytest.raises(DataError, match=r"is a tar archive, not CSV.*the file itself"):
        read_body(gzip.compress(tarred("a.csv", b"no,sum\n")), kind="csv", archive="gzip")
