"""Whether an answer reports a failure, by field names in common use: for agencies and channels that declare no code."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.decoders.form import FormError
from connectors.errors import printable

_SHOWN = 100

# Names of fields that hold a result, in lower case and without _ and -, and the values that mean success or failure.
_CODES = {
    *("code", "errcode", "errorcode", "errno", "ret", "retcode", "rtncode", "returncode", "resultcode", "statuscode"),
    *("bizcode", "respcode", "rspcode", "responsecode", "rescode", "subcode", "errorno", "retcd", "rtncd", "respcd"),
    "exceptioncode",
}
_GOOD_CODE = re.compile(r"0+|2\d\d|ok|success|succeeded|true|none|null|", re.IGNORECASE)
_TRUTHS = {
    *("success", "succeeded", "succeed", "succ", "issuccess", "ok", "accepted", "delivered", "flag", "res"),
    *("acknowledged", "received", "suc"),
}
_UNTRUE = re.compile(r"false|f|no|n|0|fail\w*|error|否|失败|错误", re.IGNORECASE)
_COUNTS = re.compile(
    r"(fail(ed|ures?)?|rejected|err(or)?s?|invalid)"
    r"(count|cnt|num|number|total|items|list|records|logrecords|spans|datapoints)?"
)
_ERRORS = {
    *("error", "errors", "err", "exception", "fault", "failure", "errormessage", "errortype"),
    *("partialfailure", "haserror", "haserrors", "hasfailures", "iserror"),
}
_NO_ERROR = re.compile(r"false|0+|none|null|ok|success|", re.IGNORECASE)
_STATES = {"status", "state", "result", "response", "outcome"}
_ACKNOWLEDGED = {
    *("ack", "acked", "isok", "processed", "saved", "stored", "valid", "isvalid", "verified"),
    *("sent", "passed", "pass"),
}
_LATER, _QUEUED = {"processed", "saved", "stored", "sent"}, {"queued", "pending", "accepted", "received"}
_HTTP_CODES = {"httpstatus", "httpstatuscode", "httpcode", "errorno"}
_BAD_STATE = re.compile(
    r"false|-\d+|[45]\d\d|fail\w*|err\w*|refused|rejected|denied|invalid|forbidden|disabled|dropped|ignored|expired"
    r"|blocked|throttled|unauthori[sz]ed|unavailable|time_?out",
    re.IGNORECASE,
)
_BAD_TEXT = re.compile(
    r"\b(fail\w*|err(or)?|invalid\w*|denied|refused|rejected|forbidden|false|unauthori[sz]ed|timed out|log ?in again"
    r"|(session|token|login) (has |is )?expired|not (authenticated|authori[sz]ed|allowed|permitted|accepted|valid)"
    r"|unauthenticated|unavailable|too many requests|rate.?limit(ed)?|quota (exceeded|reached))\b|^-\d"
    r"|失败|错误|拒绝|未登[录陆]|重新登录|请先?登录|(登录|会话|令牌|token)已?(过期|失效|超时)|未授权"
    r"|(无(?!需)|没有)[^,，。；（(:： ]{0,6}权限(?!范围|内)|权限(不足|受限)|无权(访问|查询|操作|调用)|(鉴权|认证)未通过"
    r"|(IP|地址)[^,，。；]{0,12}不在白名单"
    r"|(token|令牌|签名|密钥|(登录|访问|身份|调用)凭证)(无效|不(正确|一致|匹配|存在))|格式(不正确|有误)|接口已(下线|关闭|停用)"
    r"|^(请求|查询|连接|响应|处理|接口|系统)超时|(被|已|触发)限流|^限流|missing authentication"
    r"|非法(请求|参数|访问|字符)|不合法|禁止访问|系统繁忙|服务(繁忙|不可用)"
    r"|(系统|服务|网络|请求|接口|数据库|程序|未知)异常|超限|频率过[快高]|过于频繁",
    re.IGNORECASE,
)
_NO_RECEIPT = re.compile(
    r"\b(not found|no such|bad (request|payload|gateway|signature|sign)|is required|missing|expired|disabled|dropped"
    r"|ignored|no healthy|exceeded|throttl\w*|blocked|malformed|unsupported|cannot|unable to|try again|busy|mismatch\w*"
    r"|unknown|maintenance|too (large|long)|no route|backend - \d+|fault|not in (the )?(white|allow) ?list)\b"
    r"|^no_(?!err)\w+$|_not_found$|^(no|ng|nok|ko|not ok|nack)[.!]?$|繁忙|过期|停用|拦截|稍后再试|请重试|频繁|维护|升级"
    r"|不(通过|正确|匹配|符合|接受|支持|存在|合规|一致|足|在白名单)|有误|^[^,，。；]{0,6}超时|超长|过长|超出|下线|已关闭|未(通过|找到|开通|配置|注册)|缺[失少]|拒收|无效|为空",
    re.IGNORECASE,
)
_NOT_TAKEN = re.compile(r"f|ng|nok|ko|not_?ok|nack|no|bounced|dead|un(delivered|processed|known)", re.IGNORECASE)
_ONCE_MORE = re.compile(r"duplicate|already|重复|已(接收|收到|存在)", re.IGNORECASE)
"""A message that came before and is ignored was received."""
_TAKEN = re.compile(
    r"(ok|success(ful(ly)?)?|accepted|(操作|推送|发送|接收|处理|提交|入库)?成功|((消息|请求)?已(入队|受理)))(?=\s*[,;，；。.!！(（])(?!.*(\b(but|however)\b|但|不(?!足)))",
    re.IGNORECASE,
)
"""A text that begins as a receipt: words behind it are of something else (成功，有效期30天，过期作废)."""
_NONE_OF_IT = re.compile(
    r"(?:^|[\s,;，。；！!])(如果?|若|倘若)有?[^,;，。；]{0,12}(失败|错误|拒绝)"
    r"|\b(no|not|without|0+|zero) (fail\w*|errors?|rejected|refused)\b"
    r"|(无|没有|未|(?<!\d)0 ?[个条项次]?)(任何|发生|出现)?(失败|错误|拒绝)"
    r"|(\b(fail\w*|err(or)?s?( ?code)?|rejected|refused)|(失败|错误|拒绝)[条个次]?(数?量?|代?码))"
    r"( ?[:：=] ?| |(?<=[败误绝数量码]))(0+|none|null|false|无)"
    r"(?=[条个项次]?\s*([,;.，；。、)}](?!\d)|$))",
    re.IGNORECASE,
)
_GOOD_TEXT = re.compile(
    r" \((ok|success|succeeded|(操作|查询|请求|获取|调用|处理|交易|业务处理|推送|发送|接收|提交|入库)?成功)[.!。！]?\)",
    re.IGNORECASE,
)
_NOTHING_FOUND = re.compile(
    r"(没有|无|未(查询|查|找|检索)到)(更多|相关|匹配|满足条件|符合条件|对应)?的?(数据|记录|信息|结果)(?!.*(权限|授权))"
    r"|(数据|记录|结果)(为空|不存在)|\bno (more )?(data|records?|results?)\b|\b(nothing|none|not) found\b",
    re.IGNORECASE,
)
_PARTIAL = {"timedout", "truncated", "partial", "ispartial", "incomplete", "incompleteresults", "partialresults"}
_MORE = {
    *("hasmore", "hasnext", "hasnextpage", "morepages", "more", "hasmoredata", "hasmoreitems", "hasmorepages"),
    *("ismore", "moredata", "moreresults", "moreavailable", "moreresultsavailable"),
}
_LAST = {"last", "islast", "lastpage", "islastpage", "isend", "done", "finished", "isfinished", "iscomplete", "nomore"}
_DONE = {"last", "done", "finished", "isfinished", "iscomplete"}
_YES, _NO = {"true", "1", "yes", "y", "是"}, {"false", "n", "否"}
_COUNTED = {
    *("totalcount", "totalelements", "totalrecords", "totalrows", "totalnum", "totalnumber", "totalsize", "totalitems"),
    *("totalresults", "totalhits", "recordcount", "recordstotal", "rowcount", "itemcount"),
}
_PLACE = {
    *("page", "pageno", "pagenum", "pagenumber", "pageindex", "currentpage", "current", "pagesize", "limit", "offset"),
    *("perpage", "pages", "totalpages", "pagecount"),
}
_PAGES = {"pages", "totalpages", "pagecount"}
_NEXT = {
    *("next", "nextpage", "nextlink", "nexturl", "nextpageurl", "nextpagetoken", "nextcursor", "nexttoken"),
    *("@odata.nextlink", "nextrecordsurl"),
}
_NO_NEXT = {"", "null", "none", "-1", "0", "false", "#"}
_OF_ANYTHING = {"code", "ret", "accepted", "delivered", "flag", "res", *_STATES}
"""Names that a record inside the answer may have as well: beside a verdict above it they are ignored."""

_MESSAGES = (
    *("message", "msg", "errmsg", "errormsg", "errormessage", "errordescription", "statusmessage", "errorinfo", "tips"),
    *(
        "resultmsg",
        "resultmessage",
        "resultdesc",
        "retmsg",
        "rtnmsg",
        "returnmsg",
        "returnmessage",
        "respmsg",
        "rspmsg",
    ),
    *("responsemessage", "resmsg", "submsg", "bizmsg", "codemsg", "exceptionmsg"),
)
_SAID = (*_MESSAGES, "description")
_RECEIPT_TEXTS = (*_SAID, "detail", "reason", "title")


def refusals(value: Any, records: Any = None, depth: int = 0, is_judged: bool = False) -> Iterator[str]:
    """The fields of an answer that report a failure, by names in common use, each with the message beside it.

    `records` is the list of records in an answer, which is not searched. A code beside a message that reports success
    and nothing else is good, whatever its number; where there is such a list, so is one beside a message that nothing
    was found.
    """
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            continue
        plain = {_plain(name): (name, held) for name, held in one.items()}
        said = next((f" ({plain[name][1]})" for name in _SAID if isinstance(plain.get(name, ("", 0))[1], str)), "")
        passed = _passed_over(said, records, is_judged)
        for name, (shown, held) in plain.items():
            if name not in passed and _reports_failure(name, held):
                yield f"{shown} is {held}{said}"
        is_verdict = bool(plain.keys() & (_CODES | _TRUTHS))
        if is_verdict or not depth:
            yield from _bad_messages(plain, records)
        # A verdict stands at the top or near it; what lies deeper is data.
        if depth < 2:
            is_judged_here = is_judged or is_verdict
            for held in one.values():
                if held is not records:
                    yield from refusals(held, records, depth + 1, is_judged_here)


def _passed_over(said: str, records: Any, is_judged: bool) -> set[str]:
    """The names to ignore: beside a verdict above, a message of success, or a message that nothing was found."""
    passed = _OF_ANYTHING if is_judged else set()
    passed = passed | _CODES if _GOOD_TEXT.fullmatch(said) else passed
    return passed | _CODES | _TRUTHS if records is not None and _NOTHING_FOUND.search(said) else passed


def _bad_messages(plain: dict[str, tuple[str, Any]], records: Any) -> Iterator[str]:
    for shown, held in (plain[name] for name in _MESSAGES if name in plain):
        if isinstance(held, str) and refuses(held) and not (records is not None and _NOTHING_FOUND.search(held)):
            yield f"{shown} is {held}"


def shortfalls(value: Any) -> Iterator[str]:
    """The fields by which an answer with records reports that they are not all: an error, a refusal, a time-out."""
    for name, held in value.items() if isinstance(value, dict) else ():
        plain = _plain(name)
        if (plain in _ERRORS | _TRUTHS and _reports_failure(plain, held)) or (plain in _PARTIAL and held is True):
            yield f"{name} is {held}"


def says_more(value: Any) -> bool:
    """Whether an answer says that more records follow, at its top or in one of its parts."""
    parts = [value, *(value.values() if isinstance(value, dict) else ())]
    return any(_is_more(_plain(name), held) for one in parts if isinstance(one, dict) for name, held in one.items())


def _is_more(name: str, held: Any) -> bool:
    """Whether a field says so in one word: more is true, or last is false."""
    word = str(held).strip().lower()
    return (name in _MORE and word in _YES) or (name in _LAST and word in _NO)


def _names_next(name: str, held: Any) -> bool:
    """Whether a field has the address or token of a next page, in the forms of HAL and of lists of links too."""
    if name == "links" and isinstance(held, list):
        return any(isinstance(one, dict) and one.get("rel") == "next" and one.get("href") for one in held)
    target = held.get("href") if isinstance(held, dict) else held
    return name in _NEXT and isinstance(target, str) and target.strip().lower() not in _NO_NEXT


def partial(value: Any, records: Sequence[Any], *, is_sure: bool, depth: int = 0) -> Iterator[str]:
    """The fields by which an answer taken for the whole reports that it is a part: a greater count, a next page.

    A bare `total` may be a sum of amounts: beside records it counts only where `is_sure` or beside fields of paging.
    """
    if not isinstance(value, dict) or any(value is one for one in records):
        return
    plain = {_plain(name): (name, held) for name, held in value.items()}
    may_be_bare = is_sure or not records or plain.keys() & _PLACE
    # In a part that has nothing to do with the list, `done` may be said of something else.
    is_of_list = not depth or plain.keys() & (_PLACE | _COUNTED) or any(isinstance(one, list) for one in value.values())
    for name, (shown, held) in plain.items():
        count = int(str(held)) if str(held).isdecimal() and str(held).isascii() else 0
        if (
            (count > len(records) and (name in _COUNTED or (name in ("total", "count") and may_be_bare)))
            or (count > 1 and name in _PAGES)
            or (_is_more(name, held) and (is_of_list or name not in _DONE))
            or _names_next(name, held)
        ):
            yield f"{shown} is {str(held)[:_SHOWN]}"
        elif depth < 2:
            yield from partial(held, records, is_sure=is_sure, depth=depth + 1)


def require_whole(value: Any, records: Sequence[Any], *, is_sure: bool = False) -> None:
    """Raise a `FormError` where an answer that is taken for the whole says that it is a part."""
    if more := next(partial(value, records, is_sure=is_sure), None):
        what = f"holds {len(records)} records and says that there are more: {printable(more, _SHOWN)}."
        raise FormError(what, "declare how the pages are asked for, or ask the agency for the whole")


def _plain(name: Any) -> str:
    return re.sub("[_-]", "", str(name)).lower()


def require_no_refusal(value: Any, records: Any) -> None:
    """Raise a `FormError` where a document without records reports an error: it is no empty list."""
    if refusal := next(refusals(value, records), "").partition(" (")[0]:
        what = f"contains no record and reports an error: {printable(refusal, _SHOWN)}."
        raise FormError(what, "look it up in the agency's document")


def refuses(text: str) -> bool:
    """Whether a text reports a failure; "no errors", or a number of errors of 0, is none."""
    return _BAD_TEXT.search(_NONE_OF_IT.sub("", text)) is not None


def refuses_receipt(text: str) -> bool:
    """Whether a text is no receipt: it reports a failure, or a fault but not that the message is a repeat."""
    is_taken = _TAKEN.match(text) or _ONCE_MORE.search(text)
    return refuses(text) or (_NO_RECEIPT.search(text) is not None and not is_taken)


def unreceived(value: Any) -> Iterator[str]:
    """The fields of a channel's answer that report that the message was not accepted, by names in common use."""
    yield from refusals(value)
    found = [(name, _plain(name), held) for name, held in value.items()] if isinstance(value, dict) else []
    # What is queued is received, and not processed yet.
    later = _LATER if any(_is_queued(plain, held) for _, plain, held in found) else set()
    for name, plain, held in found:
        text = str(held)
        if (
            (plain in _RECEIPT_TEXTS and isinstance(held, str) and refuses_receipt(held))
            or (plain in _ACKNOWLEDGED - later and (_UNTRUE.fullmatch(text) or _NOT_TAKEN.fullmatch(text)))
            or (plain in _STATES and _NOT_TAKEN.fullmatch(text))
            or (plain in _HTTP_CODES and _GOOD_CODE.fullmatch(text) is None)
        ):
            yield f"{name} is {held}"


def _is_queued(name: str, held: Any) -> bool:
    is_some = held is True or (isinstance(held, int) and held > 0)
    return (name in _STATES and str(held).lower() in _QUEUED) or (name in _QUEUED and is_some)


def _reports_failure(name: str, held: Any) -> bool:
    if isinstance(held, (dict, list)):
        texts = "" if isinstance(held, dict) else " ".join(one for one in held if isinstance(one, str))
        is_count = _COUNTS.fullmatch(name) is not None
        return ((name in _ERRORS or is_count) and bool(held)) or (name in _CODES and refuses(texts))
    text = str("" if held is None else held).strip()
    if (held is True or (text.isdecimal() and text.strip("0"))) and _COUNTS.fullmatch(name):
        return True
    return (
        (name in _CODES and _GOOD_CODE.fullmatch(text) is None)
        or (name in _TRUTHS and _UNTRUE.fullmatch(text) is not None)
        or (name in _ERRORS and not (_NO_ERROR.fullmatch(text) or _NONE_OF_IT.fullmatch(text)))
        or (name in _STATES and (_BAD_STATE.fullmatch(text) is not None or refuses(text)))
    )
