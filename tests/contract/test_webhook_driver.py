"""A recipient of messages: what it calls success counts, every other answer leaves the message owed."""

import gzip
import json

import pytest

from connectors.drivers.webhook import push
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.sink_files import NoticeSink
from ledger.settings import Settings
from tests.contract.small_agency import Reply, serve

TOKEN = "canary-0123456789"
JSON = {"Content-Type": "application/json"}
SINK = {
    "name": "channel",
    "title": {"zh": "通道", "en": "channel"},
    "kind": "notice",
    "driver": "webhook",
    "connection": {"url": {"env": "HOOK_URL"}, "secret": {"env": "HOOK_SECRET"}},
}
SENT = {"id": "1", "type": "night", "data": {"state": "failed", "exit_code": 1, "failed": {"court": "error"}}}
MESSAGE = json.dumps(SENT).encode()
BOT = {"answered": {"code": "errcode", "ok": ["0"], "retry": ["45009"], "message": "errmsg"}}


@pytest.fixture
def posted(monkeypatch, tmp_path):
    """Post one message to a channel that answers so; what it got is `posted.seen`."""

    def run(reply, **declared):
        answer = reply if callable(reply) else lambda _: reply
        with serve(answer) as channel:
            monkeypatch.setenv("HOOK_URL", f"{channel.url}/send?access_token={TOKEN}")
            monkeypatch.setenv("HOOK_SECRET", "canary-secret-0123")
            run.seen = channel.seen
            settings = Settings(data_dir=tmp_path, retry_seconds=1, request_timeout_seconds=1, _env_file=None)
            push(NoticeSink.model_validate({**SINK, **declared}), MESSAGE, settings)

    return run


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b""),
        Reply(b"", 204),
        Reply({"accepted": "1"}, 202),
        Reply({"errcode": 0, "errmsg": "ok"}),
        Reply({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}),
        Reply({"code": 200, "message": "成功", "data": None}),
        Reply({"code": "00000", "success": True}),
        Reply({"code": "SUCCESS", "error": None, "errors": []}),
        Reply({"status": "accepted", "error": ""}, 201),
        Reply({"data": {"code": 0}, "result": "ok"}),
        Reply({"code": 0, "data": {"code": "HZ-001", "status": "failed"}}),
        Reply({"ret": ["SUCCESS::done"]}),
        Reply({"IsSuccess": "T"}),
        Reply(b'"ok"', headers=JSON),
        Reply(b"ok"),
        Reply(b"1"),
        Reply(b"success", headers={"Content-Type": "text/plain"}),
        Reply(gzip.compress(b'{"errcode": 0}'), headers={**JSON, "Content-Encoding": "gzip"}),
        Reply(b'\xef\xbb\xbf{"errcode": 0}', headers=JSON),
        Reply({"code": 0, "msg": "成功5条，失败0条"}),
        Reply({"status": "ok", "message": "no errors"}),
        Reply({"partialSuccess": {"rejectedLogRecords": 0}, "failed": 0}),
        Reply({"flag": True, "data": {"message": "a failed loan"}}),
        Reply(b'callback({"code": 0})', headers={"Content-Type": "text/javascript"}),
    ],
)
def test_without_a_declaration_an_answer_that_says_nothing_bad_is_an_acceptance(posted, reply):
    posted(reply)
    assert posted.seen[0].headers["x-jifen-signature"].startswith("sha256=")


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (
            Reply({"errcode": 310000, "errmsg": "keywords not in content"}),
            r"errcode is 310000 \(keywords not in content",
        ),
        (Reply({"code": 401, "msg": "token expired"}), r"code is 401 \(token expired"),
        (Reply({"success": False, "message": "no right"}), r"success is False \(no right"),
        (Reply({"StatusCode": 1}), "StatusCode is 1"),
        (Reply({"status_code": "E4001"}), "status_code is E4001"),
        (Reply({"ErrCode": "InvalidSign"}), "ErrCode is InvalidSign"),
        (Reply({"ok": False, "error": "channel_not_found"}), "channel_not_found"),
        (Reply({"error": {"code": 7, "message": "x"}}), "error is"),
        (Reply({"status": 500, "error": "Internal Server Error"}), "status is 500"),
        (Reply({"status": "failed"}), "status is failed"),
        (Reply({"result": False}), "result is False"),
        (Reply({"BaseResponse": {"Ret": 1101}}), "Ret is 1101"),
        (Reply({"code": 0, "data": {"errors": [{"row": 1}]}}), "errors is"),
        (Reply({"ret": ["FAIL_SYS_TOKEN_EXPIRED::expired"]}), "FAIL_SYS_TOKEN_EXPIRED"),
        (Reply({"IsSuccess": "F"}), "IsSuccess is F"),
        (Reply({"head": {"rtnCode": "999999", "rtnMsg": "x"}}), "rtnCode is 999999"),
        (Reply({"accepted": False}), "accepted is False"),
        (Reply(b"-1"), "rejects the message: -1"),
        (Reply(b"500"), "rejects the message: 500"),
        (Reply({"status": "失败"}), "status is 失败"),
        (Reply({"result": "推送失败"}), "result is 推送失败"),
        (Reply({"code": 200, "msg": "推送失败：机器人已停用"}), "msg is 推送失败"),
        (Reply({"code": 0, "msg": "failed to deliver"}), "msg is failed to deliver"),
        (Reply({"message": "delivery failed"}), "message is delivery failed"),
        (Reply({"data": {"code": 0, "message": "签名验证失败"}}), "message is 签名验证失败"),
        (Reply({"partialSuccess": {"rejectedLogRecords": 1, "errorMessage": ""}}), "rejectedLogRecords is 1"),
        (Reply({"flag": False, "data": None}), "flag is False"),
        (Reply({"errorMessage": "RequestId: 1 Task timed out after 3.00 seconds"}), "errorMessage is"),
        (Reply({"errorType": "KeyError", "errorMessage": "'id'"}), "errorType is KeyError|errorMessage is"),
        (Reply({"res": False}), "res is False"),
        (Reply(b'callback({"code": 500});', headers={"Content-Type": "text/javascript"}), "code is 500"),
        (Reply({"Response": {"Error": {"Code": "AuthFailure"}}}), "Error is"),
        (Reply([{"code": 0}, {"code": 9499}]), "code is 9499"),
        (Reply(b"Webhook message delivery failed with error: 413"), "delivery failed"),
        (Reply(b"false"), "false"),
        (Reply("发送失败".encode()), "发送失败"),
        (Reply(b"<html><title>Login</title></html>", headers={"Content-Type": "text/html"}), "a page of HTML"),
        (Reply(b"\r\n<!DOCTYPE html>", headers=JSON), "a page of HTML"),
        (Reply(b"please log in", headers={"Content-Type": "text/html; charset=gbk"}), "a page of HTML"),
        (Reply(b"<xml><return_code>FAIL</return_code></xml>"), "HTML or XML"),
        (Reply(b"", 302, {"Location": "/login"}), "302: it sends us elsewhere"),
        (Reply(b"", 307, {"Location": "/login"}), "307: it sends us elsewhere"),
        (Reply({"multi": "status"}, 207), "207"),
        (Reply({}, 203), "203"),
        (Reply({}, 401), "401"),
        (Reply(b"x" * 200_000), "more than 65536 bytes"),
        (Reply(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}), "more than 65536 bytes"),
    ],
)
def test_a_refusal_in_whatever_form_leaves_the_message_owed_and_is_told(posted, reply, told):
    with pytest.raises(AgencyError, match=told):
        posted(reply)
    assert len(posted.seen) == 1, "what cannot pass is not tried again"


@pytest.mark.parametrize(
    "text",
    [
        "no error",
        "No errors.",
        "0 errors",
        "ok, 0 failed",
        "Failed: 0",
        "failed=0",
        "{failed: 0}",
        "accepted 5, rejected 0.",
        "无错误",
        "没有错误",
        "0条失败",
        "成功5条，失败0条",
        "成功：5，失败：0，错误：0",
    ],
)
def test_a_text_that_denies_errors_or_counts_none_is_an_acceptance(posted, text):
    posted(Reply(text.encode()))
    posted(Reply({"code": 0, "error": text if text == "no error" else ""}))


@pytest.mark.parametrize(
    "text",
    [
        "Failed: 3",
        "failed: 0.5%",
        "10 failed",
        "20条失败",
        "error 05",
        "error: 0x80",
        "error: no such channel",
        "error: none of the keywords",
        "错误码：40001",
        "无权限，拒绝",
        "no errors, delivery failed",
    ],
)
def test_a_text_that_counts_errors_or_names_one_is_a_refusal(posted, text):
    with pytest.raises(AgencyError, match="rejects the message"):
        posted(Reply(text.encode()))


@pytest.mark.parametrize(
    "reply",
    [
        SENT,
        {"json": SENT, "headers": {}},
        {"code": 0, "data": {"received": [SENT]}},
        {"id": "1", "data": {"state": "failed"}},
        b"received " + MESSAGE,
    ],
)
def test_an_answer_that_repeats_our_message_is_not_judged_by_what_we_say_in_it(posted, reply):
    posted(Reply(reply))


@pytest.mark.parametrize(
    "reply",
    [
        {"json": SENT, "code": 401},
        {"id": "1", "state": "failed"},
        {"data": {"state": "failed"}},
        b"error: " + MESSAGE,
        b"[" * 5000 + b"]" * 5000 + b" error",
        [[[[SENT, {"code": 401}]]], {"code": 401}],
    ],
)
def test_a_verdict_beside_our_message_counts(posted, reply):
    with pytest.raises(AgencyError, match="rejects the message"):
        posted(Reply(reply))


def test_a_refusal_that_repeats_our_token_is_told_without_it(posted):
    with pytest.raises(AgencyError, match="token \\*\\*\\* is wrong") as caught:
        posted(Reply({"errcode": 1, "errmsg": f"token {TOKEN} is wrong\x1b[2J"}))
    assert str(caught.value).isprintable()


def test_a_declared_code_decides_alone(posted):
    posted(Reply({"errcode": 0, "status": "failed"}), **BOT)
    posted(Reply({"code": 1, "msg": "ok"}), answered={"code": "code", "ok": ["1"]})
    with pytest.raises(AgencyError, match=r"code 310000 \(no keyword\)"):
        posted(Reply({"errcode": 310000, "errmsg": "no keyword"}), **BOT)


@pytest.mark.parametrize("reply", [Reply(b""), Reply(b"", 204), Reply(b"ok"), Reply(b"null"), Reply(b"[]"), Reply({})])
def test_an_answer_without_the_declared_code_is_no_acceptance(posted, reply):
    with pytest.raises(AgencyError, match="errcode"):
        posted(reply, **BOT)


def test_a_code_declared_as_busy_is_tried_again_within_the_budget(posted):
    busy = [Reply({"errcode": 45009})]
    posted(lambda _: busy.pop() if busy else Reply({"errcode": 0}), **BOT)
    assert len(posted.seen) == 2
    with pytest.raises(TransientError, match="code 45009"):
        posted(Reply({"errcode": 45009}), **BOT)


def test_declared_statuses_decide(posted):
    posted(Reply({}, 207), statuses=[207])
    with pytest.raises(AgencyError, match="rejected the message with 200"):
        posted(Reply({}, 200), statuses=[202])


@pytest.mark.parametrize(
    ("url", "told"),
    [("not an address", "HOOK_URL holds no address"), ("ftp://127.0.0.1/", "HOOK_URL"), ("http://[::1/", "HOOK_URL")],
)
def test_an_address_that_is_none_is_the_configurations_and_is_not_tried(monkeypatch, tmp_path, url, told):
    monkeypatch.setenv("HOOK_URL", url)
    monkeypatch.setenv("HOOK_SECRET", "canary-secret-0123")
    with pytest.raises(ConfigError, match=told):
        push(NoticeSink.model_validate(SINK), b"{}", Settings(data_dir=tmp_path, retry_seconds=60, _env_file=None))


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("HTTP_PROXY", "http://name-of-nobody.invalid:3128"),
        ("http_proxy", "http://"),
        ("all_proxy", "socks4://127.0.0.1:9"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(posted, monkeypatch, variable, proxy):
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ConfigError, match=f"the proxy that {variable} names cannot be used") as caught:
        posted(Reply(b"ok"))
    assert TOKEN not in str(caught.value)


def test_a_proxy_that_wants_a_login_is_named_by_its_variable(posted, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve(lambda _: Reply(b"", 407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(ConfigError, match=r"HTTP_PROXY names cannot be used \(http, it wants a login: 407"):
            posted(Reply(b"ok"))
