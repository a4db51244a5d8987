"""A recipient of messages: what it calls success counts, every other answer leaves the message pending."""

import gzip
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
import yaml

from connectors.drivers.webhook import push
from connectors.errors import AgencyError, ConfigError, LineDeadError, TransientError
from connectors.sink_files import NoticeSink
from ledger.settings import Settings
from tests.contract.small_agency import Reply, serve

TOKEN = "canary-0123456789"
HOOK_SECRET = "whsec_Y2FuYXJ5LXNlY3JldC0wMTIzNDU2Nzg5MDE="
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
            monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
            run.seen = channel.seen
            settings = Settings(
                data_dir=tmp_path, retry_seconds=1, request_timeout_seconds=1, channel_hosts="127.0.0.1", _env_file=None
            )
            push(NoticeSink.model_validate({**SINK, **declared}), MESSAGE, settings)

    return run


REPLIES = yaml.safe_load(Path(__file__).with_name("replies.yml").read_text(encoding="utf-8"))


def reply_of(row):
    body = row["json"] if "json" in row else row.get("text", "").encode(row.get("encoding", "utf-8"))
    return Reply(body, row.get("status", 200), row.get("headers", {}))


ACCEPTED = [reply_of(row) for row in REPLIES["accepted"]]
ACCEPTED += [Reply(gzip.compress(b'{"errcode": 0}'), headers={**JSON, "Content-Encoding": "gzip"})]
REFUSED = [(reply_of(row), row["told"]) for row in REPLIES["refused"]]
REFUSED += [
    (Reply(gzip.compress(b'{"errcode": 7}')), "errcode is 7"),
    (Reply(b"x" * 200_000), "more than 65536 bytes"),
    (Reply(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}), "more than 65536 bytes"),
]


@pytest.mark.parametrize("reply", ACCEPTED)
def test_without_a_declaration_an_answer_that_says_nothing_bad_is_an_acceptance(posted, reply):
    posted(reply)


@pytest.mark.parametrize(("reply", "told"), REFUSED)
def test_a_refusal_in_whatever_form_leaves_the_message_pending_and_is_told(posted, reply, told):
    with pytest.raises(AgencyError, match=told):
        posted(reply)
    assert len(posted.seen) == 1, "what cannot pass is not tried again"


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


def test_a_code_declared_as_busy_is_no_refusal(posted):
    with pytest.raises(TransientError, match="code 45009"):
        posted(Reply({"errcode": 45009}), **BOT)


@pytest.mark.parametrize("body", [b'{"code": 500, "msg": "fai', b'[{"code": 0}, {"co', b'{"code": 0, "data": {}'])
def test_an_answer_that_ends_in_its_middle_is_no_receipt(posted, body):
    with pytest.raises(TransientError, match="its answer is cut short"):
        posted(Reply(body))


@pytest.mark.parametrize(
    ("name", "until", "told"),
    [
        ("localhost", 2099, "no authority that we trust signed it"),
        ("localhost", 2020, "it has expired"),
        ("other.example", 2099, "it is of another host"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_told_with_its_reason(monkeypatch, tmp_path, name, until, told):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in (2019, until))
    authority.issue_cert(name, not_before=first, not_after=last).configure_cert(context)
    trusted = trustme.CA() if told.startswith("no authority") else authority
    trusted.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with serve(lambda _: Reply(b"ok"), context) as channel:
        monkeypatch.setenv("HOOK_URL", f"{channel.url}/send?access_token={TOKEN}")
        monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
        settings = Settings(data_dir=tmp_path, retry_seconds=1, channel_hosts="localhost", _env_file=None)
        with pytest.raises(LineDeadError, match=f"its certificate is not one we trust: .*{told}") as caught:
            push(NoticeSink.model_validate(SINK), MESSAGE, settings)
    assert TOKEN not in str(caught.value)


def test_declared_statuses_decide(posted):
    posted(Reply({}, 207), statuses=[207])
    with pytest.raises(AgencyError, match="rejected the message with 200"):
        posted(Reply({}, 200), statuses=[202])


@pytest.mark.parametrize(
    ("url", "told"),
    [("not an address", "HOOK_URL holds no address"), ("ftp://127.0.0.1/", "HOOK_URL"), ("http://[::1/", "HOOK_URL")]
    + [(f"https://{host}/", "HOOK_URL holds no address") for host in ("a..b", "a" * 64, "10.1.2.3:0", "a,b")],
)
def test_an_address_that_is_none_is_the_configurations_and_is_not_tried(monkeypatch, tmp_path, url, told):
    monkeypatch.setenv("HOOK_URL", url)
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    with pytest.raises(ConfigError, match=told):
        push(
            NoticeSink.model_validate(SINK),
            MESSAGE,
            Settings(data_dir=tmp_path, retry_seconds=60, channel_hosts="127.0.0.1", _env_file=None),
        )


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
