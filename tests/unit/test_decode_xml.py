"""From XML to records: what becomes of attributes, repeated and nested elements; and what is refused."""

from xml.etree.ElementTree import Element, SubElement, tostring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoders.form import of_page
from connectors.decoders.xml_records import decode_xml
from connectors.errors import DataError
from connectors.spec import XmlDecoder


def read(body: bytes | str, record="rows/row", **more):
    raw = body.encode() if isinstance(body, str) else body
    with of_page("tax.statements, f.xml"):
        return list(decode_xml(XmlDecoder(kind="xml", record=record, **more), raw))


def columns(body, record="rows/row"):
    (chunk,) = read(body, record)
    return chunk.columns


def test_a_blank_line_above_the_declaration_is_passed_over():
    body = "\n<?xml version='1.0' encoding='gbk'?><r><rows><row><a>东江</a></row></rows></r>"
    assert columns(body.encode("gbk")) == {"a": ["东江"]}


def test_children_are_fields_and_an_attribute_of_the_record_is_marked():
    body = "<r><head>x</head><rows><row id='7'><a>1</a><b/></row><row><a> 2 </a></row></rows></r>"
    assert columns(body) == {"@id": ["7", None], "a": ["1", " 2 "], "b": ["", None]}


def test_a_child_that_repeats_is_a_list_and_one_with_children_is_a_mapping():
    body = "<r><rows><row><a>1</a><a>2</a><b><c>3</c></b></row></rows></r>"
    assert columns(body) == {"a": [["1", "2"]], "b": [{"c": "3"}]}


def test_an_attribute_of_a_child_is_not_lost():
    body = "<r><rows><row><a unit='万元'>5</a></row></rows></r>"
    assert columns(body) == {"a": ["5"], "a@unit": ["万元"]}


def test_text_beside_children_is_not_lost():
    assert columns("<r><rows><row>x<a>1</a>y</row></rows></r>") == {"a": ["1"], "#text": ["xy"]}


def test_an_element_marked_as_nil_has_no_value():
    nil = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'"
    assert columns(f"<r><rows><row><a {nil}/><b>1</b></row></rows></r>") == {"a": [None], "b": ["1"]}


@pytest.mark.parametrize(
    ("inside", "value"), [(" ", None), ("5", [None, "5"]), ("<c>5</c>", [None, {"@nil": "1", "c": "5"}])]
)
def test_an_element_marked_as_nil_that_holds_something_is_no_missing_value(inside, value):
    nil = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'"
    assert columns(f"<r><rows><row><a {nil}>{inside}</a><b>1</b></row></rows></r>") == {"a": [value], "b": ["1"]}


def test_a_namespace_is_no_part_of_a_tag():
    assert columns("<x:r xmlns:x='urn:y'><x:rows><x:row><x:a>1</x:a></x:row></x:rows></x:r>") == {"a": ["1"]}


def test_an_element_of_the_same_name_elsewhere_is_no_record():
    assert columns("<r><row><a>0</a></row><rows><x><row/></x><row><a>1</a></row></rows></r>") == {"a": ["1"]}


def test_a_list_without_records_is_an_empty_chunk_and_a_list_that_is_gone_is_a_loud_stop():
    assert columns("<r><rows/></r>") == {}
    with pytest.raises(DataError, match="has no element at rows"):
        read("<r><lines/></r>")


@pytest.mark.parametrize(
    ("body", "record"),
    [
        ("<rows/>", "row"),
        ("<rows total='0'></rows>", "row"),
        ("<rows>\n  </rows>", "row"),
        ("<rows><total>0</total><page>1</page></rows>", "row"),
        ("<r><code>0</code><msg>ok</msg><rows/></r>", "rows/row"),
        ("<r><code>1</code><msg>查询成功</msg><rows/></r>", "rows/row"),
        ("<r><code>404</code><msg>未查询到相关数据</msg><rows/></r>", "rows/row"),
        ("<r><rows><recordCount>0</recordCount></rows></r>", "rows/row"),
    ],
)
def test_an_empty_list_is_one_where_nothing_stands_in_place_of_its_records(body, record):
    assert columns(body, record) == {}


@pytest.mark.parametrize(
    ("body", "record", "told"),
    [
        ("<answer><code>507</code><text>busy</text></answer>", "row", "reports an error: code is 507"),
        ("<answer success='false'/>", "row", "reports an error: success is false"),
        ("<Fault><faultcode>Server</faultcode></Fault>", "row", "reports an error: Fault is"),
        ("<r><head><errcode>9</errcode></head><rows/></r>", "rows/row", "reports an error: errcode is 9"),
        ("<rows><Row><a>1</a></Row></rows>", "row", "has no element at row, and others in its place: Row"),
        ("<r><rows><item/></rows></r>", "rows/row", "others in its place: item"),
        ("<rows>closed today</rows>", "row", "others in its place: rows"),
        ("<rows><total>3</total></rows>", "row", "others in its place: total"),
        ("<rows><line/><total>0</total><lineCount>1</lineCount></rows>", "row", "others in its place: line"),
    ],
)
def test_a_document_of_another_kind_is_no_empty_list(body, record, told):
    with pytest.raises(DataError, match=told):
        read(body, record)


def test_other_elements_in_place_of_records_are_none_where_that_is_declared_and_a_refusal_never():
    assert [chunk.columns for chunk in read("<r><page>1</page></r>", "row", none=True)] == [{}]
    assert [chunk.columns for chunk in read("<r><page>1</page></r>", none=True)] == [{}]
    with pytest.raises(DataError, match="code is 5"):
        read("<r><code>5</code></r>", none=True)
    fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>busy</faultstring></s:Fault>"
    with pytest.raises(DataError, match="reports an error: Fault is a fault of SOAP"):
        read(f"<s:Envelope xmlns:s='urn:s'><s:Body>{fault}</s:Body></s:Envelope>", "Body/rows/row", none=True)


@pytest.mark.parametrize("other", ["Row", "ROW"])
def test_a_record_whose_tag_differs_in_letter_case_is_not_passed_over(other):
    body = f"<r><rows><row><a>1</a></row><{other}><a>2</a></{other}><page>1</page></rows></r>"
    with pytest.raises(DataError, match=f"has elements {other} beside the records at rows/row"):
        read(body)


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "gb18030", "utf-8", "utf-16"])
def test_the_encoding_that_the_document_declares_is_read(encoding):
    body = f"<?xml version='1.0' encoding='{encoding}'?><r><rows><row><a>名称</a></row></rows></r>"
    assert columns(body.encode(encoding)) == {"a": ["名称"]}


@pytest.mark.parametrize(
    ("declared", "actual", "told"),
    [("gbk", "utf-8", "reads as UTF-8"), ("utf-8", "gbk", "well-formed"), ("latin-1", "gbk", "is in latin-1")],
)
def test_an_encoding_that_lies_or_is_unknown_is_a_loud_stop(declared, actual, told):
    body = f"<?xml version='1.0' encoding='{declared}'?><r><rows><row><a>名称</a></row></rows></r>"
    with pytest.raises(DataError, match=told):
        read(body.encode(actual))


LAUGHS = "<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><r><rows><row><a>&b;</a></row></rows></r>"
OUTSIDE = "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r><rows><row><a>&x;</a></row></rows></r>"


@pytest.mark.parametrize("body", [LAUGHS, OUTSIDE, "<!DOCTYPE r SYSTEM 'http://127.0.0.1/x.dtd'><r><rows/></r>"])
def test_a_document_type_is_refused_whatever_it_holds(body):
    with pytest.raises(DataError, match="holds what XML from outside may not"):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<r>",
        "<r><rows><row></rows></r>",
        "<r><rows/></r>x",
        "<r><rows><row><a>\x00</a></row></rows></r>",
        "<r>&x;</r>",
    ],
)
def test_what_is_not_well_formed_is_a_loud_stop(body):
    with pytest.raises(DataError, match="not well-formed"):
        read(body)


def test_a_file_cut_short_anywhere_is_a_loud_stop():
    whole = "<r><rows><row><a>1</a></row><row><a>2</a></row></rows></r>"
    for cut in range(len(whole)):
        with pytest.raises(DataError):
            read(whole[:cut])


@pytest.mark.parametrize(
    "inside", ["<a>" * 100 + "</a>" * 100, "<a/>" * 60_000], ids=["deep", "wide"]
)  # fmt: skip
def test_a_record_too_deep_or_too_wide_is_refused(inside):
    with pytest.raises(DataError, match="too deep, or too many"):
        read(f"<r><rows><row>{inside}</row></rows></r>")


def test_a_record_that_does_not_end_is_refused_before_it_is_held(monkeypatch):
    monkeypatch.setattr("connectors.decoders.xml_records.MAX_PIECE_BYTES", 100_000)
    with pytest.raises(DataError, match="more than 100000 bytes"):
        read("<r><rows><row><a>" + "x" * 500_000 + "</a></row></rows></r>")


def test_many_records_come_in_chunks(monkeypatch):
    monkeypatch.setattr("connectors.decoders.xml_records.CHUNK_ROWS", 2)
    chunks = read("<r><rows>" + "".join(f"<row><a>{n}</a></row>" for n in range(5)) + "</rows></r>")
    assert [list(chunk.positions) for chunk in chunks] == [[1, 2], [3, 4], [5]]


TAGS = st.text("abcXYZ名称_", min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(TAGS, TEXTS, min_size=1, max_size=5), max_size=6))
def test_what_is_written_as_xml_is_read_back(records):
    root = Element("r")
    rows = SubElement(root, "rows")
    for record in records:
        row = SubElement(rows, "row")
        for name, value in record.items():
            SubElement(row, name).text = value
    (chunk,) = read(tostring(root, encoding="utf-8"))
    assert chunk.records == records
