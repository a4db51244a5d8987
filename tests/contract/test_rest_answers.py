"""An answer that says no with HTTP 200, that is empty, or in another form than the paginator reads; and no address."""

import pytest
from pydantic import ValidationError

from connectors.errors import AgencyError, ConfigError, PagingFaultError, TransientError
from tests.contract.small_agency import SECRET, Reply, ask_of, ids, listing, pull, serve

SINGLE = {"kind": "single"}
LINES = {"kind": "jsonl"}


ANSWERED = {"code": "code", "ok": ["0", "true"], "retry": ["busy"], "message": "msg"}


def asked_with_codes(**more):
    return {"path": "/list", "answered": {**ANSWERED, **more}}


def test_a_refusal_in_the_body_of_a_200_is_the_agencys(pulled):
    reply = Reply({"code": 4031, "msg": f"quota\x1b[2J of {SECRET[:4]} used up"})
    with pytest.raises(AgencyError, match="rejected the request with code 4031") as caught:
        pulled(lambda _: reply, request=asked_with_codes())
    assert str(caught.value).isprintable()


def test_busy_in_the_body_of_a_200_is_tried_again(pulled):
    healthy = listing(5)
    faults = [Reply({"code": "busy"})]

    def answer(sent):
        return faults.pop() if faults else Reply({"code": 0, **healthy(sent).body})

    assert ids(pulled(answer, request=asked_with_codes())) == [0, 1, 2, 3, 4]


def test_a_body_without_its_code_is_the_agencys(pulled):
    with pytest.raises(AgencyError, match="nothing at code"):
        pulled(listing(5), request=asked_with_codes())


def test_a_refusal_where_a_file_was_asked_for_is_no_file(pulled):
    ask = {"request": asked_with_codes(), "paginator": SINGLE, "decoder": {"kind": "csv"}}
    (page,) = pulled(lambda _: Reply(b"id,name\n1,a\n"), **ask)
    assert page.answer is None
    with pytest.raises(AgencyError, match="rejected the request with code 7"):
        pulled(lambda _: Reply({"code": "7", "msg": "no"}), **ask)


def test_lines_of_nothing_are_an_empty_list_but_a_table_of_nothing_is_not(pulled):
    (page,) = pulled(lambda _: Reply(b""), decoder=LINES, paginator=SINGLE)
    assert page.body == b""
    assert len(pulled.agency.seen) == 2, "nothing is believed once it is said twice"
    with pytest.raises(TransientError, match="empty"):
        pulled(lambda _: Reply(b""), decoder={"kind": "csv"}, paginator=SINGLE, retry_seconds=1.5)


def test_an_empty_page_in_the_middle_of_a_list_is_tried_again_and_then_a_fault(pulled):
    chain = {"decoder": LINES, "paginator": {"kind": "link_header"}}
    after = {"Link": '</list?page=2>; rel="next"'}
    one, two = Reply(b'{"id": 1}\n', headers=after), Reply(b'{"id": 2}\n')
    lost = [Reply(b"")]
    pages = pulled(lambda sent: one if not sent.query else lost.pop() if lost else two, **chain)
    assert [page.body for page in pages] == [one.body, two.body]
    with pytest.raises(PagingFaultError, match="page 2 is empty"):
        pulled(lambda sent: one if not sent.query else Reply(b""), **chain)


def test_pages_by_number_cannot_be_counted_in_a_table(pulled):
    with pytest.raises(ValidationError, match="paginator page_number reads from JSON"):
        pulled(listing(5), decoder={"kind": "csv"})
    with pytest.raises(ValidationError, match="paginator page_number reads from JSON"):
        pulled(listing(5), decoder={"kind": "json", "records": "items", "archive": "gzip"})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://x", "does not begin with http"),
        ("agency.inner", "does not begin with http"),
        ("http://", "it names no host"),
        ("http:/127.0.0.1:9", "it names no host"),
        ("http://h:99999", "its host or port is none"),
        ("http://[127.0.0.1:9", "its host or port is none"),
        ("http://agency..inner", "its host or port is none"),
        (f"http://{'a' * 64}.inner", "its host or port is none"),
        ("http://10.1.2.3,10.1.2.4", "its host or port is none"),
        ("http://h/?key=1", "a query or a fragment"),
        ("http://127.0.0.1:9\n", "a line end"),
        ('"http://127.0.0.1:9"', "a quotation mark"),
        ("https://user:canary-word@agency.example", "holds a user name"),
    ],
)
def test_what_keeps_a_text_from_being_an_address_is_told_and_the_text_is_not(url, told, variables):
    variables.setenv("SMALL_URL", url)
    with pytest.raises(ConfigError, match=f"SMALL_URL holds .*{told}|{told}") as caught:
        pull(ask_of())
    assert url not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("tail", ["", "/", "/api/v1", "/api//", "/企业"])
def test_a_base_address_may_have_a_path_and_a_last_slash(tail, variables):
    with serve(listing(25)) as agency:
        variables.setenv("SMALL_URL", agency.url + tail)
        assert len(ids(pull(ask_of()))) == 25
    assert not agency.seen[0].path.endswith("//list")


PAGED = {"kind": "page_number", "page_param": "page", "size_param": "size", "size": 10, "until": "empty"}
NONE = {"total": 0, "items": []}


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 500, "msg": "系统异常", **NONE},
        {"resultMsg": "无权限访问", **NONE},
        {"head": {"rescode": "E9"}, **NONE},
        {"success": False, "message": "no right", **NONE},
        {"errcode": 7, **NONE},
        {"header": {"retCode": "E01"}, **NONE},
        {"error": "busy", **NONE},
        {"code": 403, "msg": "无数据权限", **NONE},
        *(
            {"msg": said, **NONE}
            for said in ("没有权限", "权限不足", "token无效", "请求被限流", "接口已下线", "请求超时")
        ),
        {"isError": True, **NONE},
        {"error_count": "1", **NONE},
        {"fail": True, **NONE},
        {"code": 40101, "msg": "token已过期", "items": None},
    ],
)
def test_a_refusal_beside_an_empty_list_is_no_empty_list_though_no_code_is_declared(pulled, answer):
    with pytest.raises(AgencyError, match="without a record and reports an error: "):
        pulled(lambda _: Reply(answer))


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 200, "success": True, **NONE},
        {"code": "0000", "msg": "anything", "errors": [], "error": None, **NONE},
        {"code": 1, "msg": "操作成功", **NONE},
        {"code": 404, "success": False, "message": "未查询到数据", **NONE},
        {"status": "closed", "page": 1, **NONE},
        {"rtnCd": "AAAAAAA", "rtnMsg": "交易成功", **NONE},
        {"code": 0, "tips": "如查询失败，请稍后重试", **NONE},
        *({"code": 0, "msg": said, **NONE} for said in ("没有您权限范围内的数据", "暂无数据(权限:全市)")),
        *(
            {"code": 0, "msg": said, **NONE}
            for said in ("该接口无需权限，查询成功", "企业不在白名单", "完税凭证不存在")
        ),
    ],
)
def test_an_empty_list_of_an_answer_that_says_nothing_bad_is_one(pulled, answer):
    assert ids(pulled(lambda _: Reply(answer))) == []


def test_a_code_that_comes_with_records_says_no_nowhere(pulled):
    healthy = listing(12)
    pages = pulled(lambda sent: Reply({"code": 1, "msg": "page", **healthy(sent).body}), paginator=PAGED)
    assert ids(pages) == list(range(12))


def test_the_last_page_that_comes_again_beyond_the_end_asks_for_a_total(pulled):
    with pytest.raises(PagingFaultError, match="page 2 repeats an earlier one: declare `total`"):
        pulled(lambda _: Reply({"items": [{"id": 1}]}), paginator=PAGED)
