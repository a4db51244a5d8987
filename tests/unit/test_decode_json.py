"""From bytes to records: JSON and JSON lines."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoders.chunk import Broken, columns_of
from connectors.decoders.decode import decode, reach_in
from connectors.decoders.form import FormError
from connectors.decoders.json_records import decode_jsonl
from connectors.errors import DataError
from connectors.json_text import NotJsonError, loads, may_repeat_names


def test_records_of_one_shape_become_columns_and_stay_as_they_were_sent(read_body):
    (chunk,) = read_body(
        b'{"data": {"items": [{"a": 1.10, "b": "x"}, {"a": 2, "b": null}]}}', kind="json", records="data.items"
    )
    assert chunk.columns == {"a": ["1.10", 2], "b": ["x", None]}
    assert list(chunk.positions) == [1, 2]
    assert chunk.raw(1) == {"a": 2, "b": None}


def test_records_of_several_shapes_have_none_where_a_field_is_not_there():
    records = [{"a": 1}, {"b": 2, "a": 3}, {}]
    assert columns_of(records) == {"a": [1, 3, None], "b": [None, 2, None]}


def test_the_answer_itself_may_be_the_list_and_an_empty_one_is_still_a_chunk(read_body):
    for marks in (1, 2):
        assert read_body(b"\xef\xbb\xbf" * marks + b"[]", kind="json")[0].columns == {}
    assert read_body(b'[{"a": 1}]', kind="json")[0].columns == {"a": [1]}


def test_an_answer_that_the_driver_has_is_not_read_again(read_body):
    assert read_body(b"not looked at", answer={"items": [{"a": 1}]}, kind="json", records="items")[0].columns == {
        "a": [1]
    }


def test_what_is_no_record_is_marked_with_its_place(read_body):
    (chunk,) = read_body(b'[{"a": 1}, 7, {"a": 2}]', kind="json")
    assert (chunk.columns, chunk.positions) == ({"a": [1, 2]}, [1, 3])
    assert chunk.broken == (Broken(2, "not_a_record", 7),)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"items": ', "cannot be read"),
        (b'{"rows": []}', "has nothing at items"),
        (b'{"code": 500, "msg": "busy", "items": []}', "contains no record and reports an error: code is 500"),
        ('{"status": "失败", "items": []}'.encode(), "contains no record and reports an error: status is 失败"),
        (
            '{"msg": "查询失败：数据库连接失败", "items": []}'.encode(),
            "contains no record and reports an error: msg is 查询失败",
        ),
        (b'{"flag": false, "items": []}', "contains no record and reports an error: flag is False"),
        ('{"total": 0, "items": [], "msg": "登录已过期，请重新登录"}'.encode(), "reports an error: msg is 登录已过期"),
        (
            b'{"items": [], "message": "Your session has expired"}',
            "reports an error: message is Your session has expired",
        ),
        (b'{"items": {"a": 1}}', "no list of records at items"),
        (b'{"items": null}', "no list of records at items"),
        (b'{"items": [' + b"[" * 100_000, "cannot be read"),
        ('{"items": [{"a": "积分"}]}'.encode("gbk"), "cannot be read"),
    ],
)
def test_a_json_page_that_is_broken_as_a_whole_is_told(read_body, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="json", records="items")


PARTS = [
    ({"hasMore": True}, "hasMore is True"),
    ({"page": {"totalPages": 9}}, "totalPages is 9"),
    ({"totalCount": "500"}, "totalCount is 500"),
    ({"total": 500, "pageSize": 1}, "total is 500"),
    ({"next": "https://a.test/list?page=2"}, "next is https"),
    ({"data": {"@odata.nextLink": "x"}}, "@odata.nextLink is x"),
    ({"more": 1}, "more is 1"),
    ({"last": False}, "last is False"),
    ({"page": {"isLastPage": "false"}}, "isLastPage is false"),
    ({"done": False}, "done is False"),
    ({"page": {"last": False, "pageSize": 1}}, "last is False"),
    ({"_links": {"next": {"href": "/list?page=2"}}}, "next is"),
    ({"links": [{"rel": "self", "href": "/list"}, {"rel": "next", "href": "/list?page=2"}]}, "links is"),
]
WHOLES = [
    {"total": 1},
    {"total": "0"},
    {"hasMore": False},
    {"next": None},
    {"next": "-1"},
    {"pages": 1},
    {"totalCount": 1},
    {"more": 0, "last": True, "done": True},
    {"task": {"done": False}, "user": {"last": "N"}},
    {"name": {"last": "No"}},
    {"_links": {"next": None}, "links": [{"rel": "next", "href": None}, {"rel": "prev", "href": "/list"}]},
]


@pytest.mark.parametrize(("said", "told"), [*PARTS, ({"total": 2}, "total is 2"), *((one, None) for one in WHOLES)])
def test_an_answer_that_is_taken_for_the_whole_may_not_say_that_there_is_more(make_dataset, said, told):
    dataset = make_dataset(paginator={"kind": "single"})
    body = json.dumps({"items": [{"total": 7, "next": "y"}], **said}).encode()
    if told is None:
        assert [chunk.columns["total"] for chunk in decode(dataset, "f", body)] == [[7]]
    else:
        with pytest.raises(DataError, match=f"holds 1 records and says that there are more: {told}"):
            list(decode(dataset, "f", body))


def test_a_total_beside_no_record_is_one_of_records(make_dataset):
    request = {"path": "/x", "answered": {"code": "code", "ok": ["0"]}}
    dataset = make_dataset(paginator={"kind": "single"}, request=request)
    assert len(list(decode(dataset, "f", b'{"total": 1200, "items": [{"a": 1}]}'))) == 1
    with pytest.raises(DataError, match="holds 0 records and says that there are more: total is 1200"):
        list(decode(dataset, "f", b'{"total": 1200, "items": []}'))


def test_long_lists_come_in_chunks_whose_positions_go_on(read_body, monkeypatch):
    monkeypatch.setattr("connectors.decoders.json_records.CHUNK_ROWS", 2)
    chunks = read_body(json.dumps([{"a": n} for n in range(5)]).encode(), kind="json")
    assert [list(chunk.positions) for chunk in chunks] == [[1, 2], [3, 4], [5]]
    assert [value for chunk in chunks for value in chunk.columns["a"]] == [0, 1, 2, 3, 4]


def test_json_lines_give_one_record_a_line_and_mark_the_lines_that_are_none(read_body):
    (chunk,) = read_body(b'\xef\xbb\xbf{"a":1.10}\r\n\n[1]\n{"a":"\\ud800"}\nxx\n{"a":2}', kind="jsonl")
    assert (chunk.columns, chunk.positions) == ({"a": ["1.10", "\ud800", 2]}, [1, 4, 6])
    assert [(b.position, b.reason) for b in chunk.broken] == [(3, "not_a_record"), (5, "not_a_record")]


@pytest.mark.parametrize("line", [b'{"exception": "Code: 159. Timeout exceeded"}', b'{"code": 500, "msg": "busy"}'])
def test_an_error_among_json_lines_is_a_loud_stop(line):
    with pytest.raises(FormError, match="line 2: is no record but an error"):
        list(decode_jsonl(b'{"a": 1}\n' + line + b"\n"))


def test_json_lines_cut_in_mid_line_are_a_loud_stop():
    whole = b'{"a":"x"}\n{"a":"y"}'
    for cut in range(11, len(whole)):
        with pytest.raises(FormError, match="cut short"):
            list(decode_jsonl(whole[:cut]))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'[{"a": 1}]\n', "is one JSON text, .*kind: json"),
        (b'\xef\xbb\xbf[\n{"a": 1},\n{"a": 2}\n]\n', "is one JSON text, .*kind: json"),
        (b'{\n "a": 1\n}\n', "is one JSON text, .*kind: json"),
        (b'{"a": 1},\n{"a": 2},\n', r"the last line \(2\) is no JSON: more stands behind its end, from byte 8 on\."),
        (b'{"a": 1}\r{"a": 2}\r', r"the last line \(1\) is no JSON: more stands behind"),
        (b'{"a": 1}\nconnection reset\n', r"the last line \(2\) is no JSON: it is plain or delimited text"),
    ],
)
def test_what_is_no_json_lines_is_told_as_what_it_is(read_body, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="jsonl")


def test_json_lines_in_another_encoding_are_a_loud_stop(read_body):
    with pytest.raises(DataError, match="is not utf-8"):
        read_body('{"a":"积分"}\n'.encode("gb18030"), kind="jsonl")


VALUES = st.text(st.characters(codec="utf-8"), max_size=20)
JSON_VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | VALUES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(VALUES, JSON_VALUES, max_size=5), max_size=8), st.booleans())
def test_what_is_written_as_json_lines_is_read_back(records, is_ascii):
    body = "\n".join(json.dumps(record, ensure_ascii=is_ascii) for record in records).encode()
    chunks = list(decode_jsonl(body))
    assert [record for chunk in chunks for record in chunk.records] == records


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (b'{"a": 1, "a": 2}', [1, 2]),
        (b'{"a": 1, "b": 0, "a" : 1}', [1, 1]),
        (b'{"a" :1,"a":"x:\\":y"}', [1, 'x:":y']),
        (b'{"a": null, "a": 3}', [None, 3]),
        (b'{"a": 1, "\\u0061": 2}', [1, 2]),
        (b'{"\\u003a": ":", "a": 1, "a": 2}', [1, 2]),
        (b'{"a": {"b": 1, "b": 2}}', {"b": [1, 2]}),
    ],
)
@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_name_that_stands_twice_never_passes_for_one_value(read_body, kind, record, values):
    body = b"[" + record + b', {"a": 7}]' if kind == "json" else record + b'\n{"a": 7}\n'
    (chunk,) = read_body(body, kind=kind)
    assert chunk.columns["a"] == [values, 7]


@pytest.mark.parametrize("body", [b'{"items": [], "items": []}', b'{"items": [{"a": [1], "a": 2}]}'])
def test_a_name_that_stands_twice_with_more_than_a_plain_value_is_told(read_body, body):
    with pytest.raises(DataError, match="stands twice in one object"):
        read_body(body, kind="json", records="items")


def test_a_line_that_cannot_be_told_apart_is_marked(read_body):
    (chunk,) = read_body(b'{"a": 1}\n{"a": [1], "a": 2}\n{"a": 3}\n', kind="jsonl")
    assert (chunk.columns["a"], list(chunk.positions)) == ([1, 3], [1, 3])
    assert [(one.position, one.reason) for one in chunk.broken] == [(2, "not_a_record")]


@settings(max_examples=200, deadline=None)
@given(st.recursive(JSON_VALUES, lambda inner: st.lists(inner) | st.dictionaries(VALUES, inner), max_leaves=8))
def test_no_text_without_a_name_twice_is_taken_for_one_with(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        body = text.encode()
        assert loads(body) == json.loads(body)
        assert not may_repeat_names(body, json.loads(body)) or "\\u003" in text


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_spoils_its_record_alone(read_body, kind, word):
    lines = [f'{{"a": {word}}}', '{"a": 2}']
    (chunk,) = read_body(("[" + ",".join(lines) + "]" if kind == "json" else "\n".join(lines)).encode(), kind=kind)
    assert [str(value) for value in chunk.columns["a"]] == [word, "2"]


@pytest.mark.parametrize(
    ("body", "told", "is_cut"),
    [
        (b"[1,]", "a comma too many, before byte 3", False),
        (b'{"a": None}', "holds None, which is no JSON word, at byte 6", False),
        (b'// c\n{"a": 1}', "holds a comment, at byte 0", False),
        (b'{"a": "x\ny"}', "a control character|control character inside a text, at byte 8", False),
        (b"jsonp1([1])", "calls a function", False),
        (b"[1]\n[2]", "more stands behind its end, from byte 4", False),
        (b"<html></html>", "a page of HTML", False),
        (b"id,name\n1,a\n", "plain or delimited text", False),
        (b"", "empty", False),
        (b'{"a": [1, 2', "cut short after 11 bytes", True),
        ('{"a": "积'.encode()[:-1], "cut short", True),
        ('["积分"]'.encode("gbk"), "not UTF-8 .byte 2., and reads as GB18030", False),
        ('["积分"]'.encode("utf-16"), "UTF-16", False),
        ('["积分"]'.encode("utf-32"), "UTF-32", False),
    ],
)
def test_what_is_no_json_is_told_by_its_place(body, told, is_cut):
    with pytest.raises(NotJsonError, match=told) as caught:
        loads(body)
    assert caught.value.is_cut == is_cut


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_json_is_read_in_the_encoding_that_is_declared(read_body, kind):
    text = '{"a": "积分"}'
    (chunk,) = read_body((f"[{text}]" if kind == "json" else text).encode("gb18030"), kind=kind, encoding="gb18030")
    assert chunk.columns == {"a": ["积分"]}


@pytest.mark.parametrize(
    ("records", "columns"),
    [
        (
            [{"id": 1, "customer": {"code": "a", "name": "x"}}, {"id": 2, "customer": {"code": "b"}}],
            {"id": [1, 2], "customer": [{"name": "x"}, None], "customer.code": ["a", "b"]},
        ),
        ([{"customer": {"code": "a"}}], {"customer.code": ["a"]}),
        ([{"customer": None}, {"customer": {"code": None}}], {"customer.code": [None, None]}),
        (
            [{"customer": "x"}, {"customer": {"code": 1}}],
            {"customer": ["x", None], "customer.code": [["x"], 1], "customer.at.city": [["x"], None]},
        ),
        (
            [{"customer": [1]}, {"customer": ""}],
            {"customer": [[1], ""], "customer.code": [[[1]], None], "customer.at.city": [[[1]], None]},
        ),
        ([{"customer": {"name": "x"}}], {"customer": [{"name": "x"}]}),
        ([{"customer.code": "flat"}], {"customer.code": ["flat"]}),
        (
            [{"customer.code": "flat", "customer": {"code": "in"}}, {"customer": {"code": "in"}}],
            {"customer.code": [["flat", "in"], "in"]},
        ),
        (
            [{"customer.code": "flat", "customer": {"code": None}}, {"customer.code": "flat", "customer": {}}],
            {"customer.code": ["flat", "flat"]},
        ),
        (
            [{"customer": "x", "customer.code": "flat"}],
            {"customer": ["x"], "customer.code": ["flat"], "customer.at.city": [["x"]]},
        ),
        ([{"customer": {"code": {"x": 1}}}], {"customer.code": [{"x": 1}]}),
        (
            [{"customer": {"code": 1, "at": {"city": "惠州", "zip": 5}}}],
            {"customer": [{"at": {"zip": 5}}], "customer.code": [1], "customer.at.city": ["惠州"]},
        ),
    ],
)
@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_field_inside_a_part_is_a_column_and_the_rest_of_the_part_is_left(read_body, kind, records, columns):
    lines = [json.dumps(record) for record in records]
    body = ("[" + ",".join(lines) + "]" if kind == "json" else "\n".join(lines)).encode()
    fields = ("id", "customer.code", "customer.at.city")
    (sent,) = read_body(body, kind=kind)
    chunk = reach_in(sent, fields)
    assert chunk.columns == columns
    assert [chunk.raw(place) for place in range(len(records))] == records
