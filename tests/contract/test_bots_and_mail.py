"""Texts to chat bots and by mail: what each wants, what each calls no, and how often it may be asked."""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from connectors.drivers import bots, mail
from connectors.drivers.bots import shortened
from connectors.errors import AgencyError, ConfigError, LineDeadError, TransientError
from connectors.sink_files import NoticeSink
from flows import relay
from ledger.outbox import Limits, messages
from ledger.settings import Settings
from ledger.tables import outbox
from tests.contract.dead_lines import server
from tests.contract.small_agency import Reply, serve
from tests.contract.test_outbox import Clock, channel, clock  # noqa: F401  # fixtures

TITLE = {"zh": "群", "en": "group"}
TEXT = "2025-06-30 版已发布\nEdition 2025-06-30 is published"
EVENT = json.dumps({"id": "e.group.1", "data": {"title": "积分版本 edition", "text": TEXT}}).encode()
GOOD = {"wecom": {"errcode": 0, "errmsg": "ok"}, "dingtalk": {"errcode": 0, "errmsg": "ok"}, "feishu": {"code": 0}}
SIGNED = ("dingtalk", "feishu")


def bot(driver):
    connection = {"url": {"env": "BOT_URL"}, **({"secret": {"env": "BOT_SECRET"}} if driver in SIGNED else {})}
    told = {"name": "group", "title": TITLE, "kind": "notice", "driver": driver, "connection": connection}
    return NoticeSink.model_validate(told)


@pytest.fixture
def settings(tmp_path):
    return Settings(
        data_dir=tmp_path,
        retry_seconds=5,
        request_timeout_seconds=2,
        channel_hosts="127.0.0.1, localhost",
        _env_file=None,
    )


@pytest.fixture
def told(monkeypatch, settings):
    """Post the text to a bot of this kind that answers so; answers what it got."""

    def run(driver, reply, event=EVENT):
        with serve(lambda _: reply) as group:
            monkeypatch.setenv("BOT_URL", f"{group.url}/send?access_token=canary-0123456789")
            monkeypatch.setenv("BOT_SECRET", "SEC-canary-secret")
            run.seen = group.seen
            bots.push(bot(driver), event, settings)
        return group.seen[0]

    return run


@pytest.mark.parametrize(("driver", "where"), [("wecom", "text"), ("dingtalk", "text"), ("feishu", "content")])
def test_a_bot_gets_the_text_in_its_own_form(told, driver, where):
    sent = told(driver, Reply(GOOD[driver]))
    body = json.loads(sent.body)
    kind = body.get("msgtype") or body.get("msg_type")
    assert (kind, list(body[where].values())) == ("text", [TEXT])
    assert sent.query["access_token"] == "canary-0123456789"


@pytest.mark.parametrize("tag", ['<at user_id="all">所有人</at>', "<@all>"])
def test_nobody_is_called_by_a_tag_in_what_an_agency_said(told, tag):
    event = json.dumps({"data": {"title": "t", "text": f"the agency rejected the request ({tag})"}}).encode()
    for driver, good in GOOD.items():
        assert b"<" not in told(driver, Reply(good), event).body


def test_dingtalk_is_signed_in_the_address_by_milliseconds_and_feishu_in_the_body_by_seconds(told):
    query = {
        name: values[0]
        for name, values in parse_qs(urlsplit(told("dingtalk", Reply({"errcode": 0})).target).query).items()
    }
    seal = hmac.new(b"SEC-canary-secret", f"{query['timestamp']}\nSEC-canary-secret".encode(), hashlib.sha256)
    assert base64.b64decode(query["sign"]) == seal.digest()
    assert abs(int(query["timestamp"]) / 1000 - time.time()) < 60
    body = json.loads(told("feishu", Reply({"code": 0})).body)
    seal = hmac.new(f"{body['timestamp']}\nSEC-canary-secret".encode(), b"", hashlib.sha256)
    assert base64.b64decode(body["sign"]) == seal.digest()
    assert abs(int(body["timestamp"]) - time.time()) < 60


@pytest.mark.parametrize(
    ("driver", "reply"),
    [
        ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}),
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}),
        ("feishu", {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}),
        *((driver, b"<!DOCTYPE html><html><title>login</title></html>") for driver in GOOD),
        *((driver, {}) for driver in GOOD),
        *((driver, b"") for driver in GOOD),
    ],
)
def test_what_a_bot_refuses_with_http_200_is_seen_as_refused(told, driver, reply):
    with pytest.raises(AgencyError) as caught:
        told(driver, Reply(reply))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("driver", "reply", "seconds"),
    [
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, 60),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, 600),
        ("feishu", {"code": 11232, "msg": "frequency limited"}, 60),
    ],
)
def test_a_bot_that_was_asked_too_often_hears_nothing_for_a_while(told, driver, reply, seconds):
    with pytest.raises(TransientError) as caught:
        told(driver, Reply(reply))
    assert caught.value.retry_after == seconds


def test_a_long_text_is_cut_at_a_line_within_what_the_bot_takes(told):
    lines = [f"第 {n} 项政策：符合条件的企业增加" for n in range(1000)]
    event = json.dumps({"data": {"title": "t", "text": "\n".join(lines)}}).encode()
    for driver, most in (("wecom", 2048), ("dingtalk", 20_000), ("feishu", 20_480)):
        sent = told(driver, Reply(GOOD[driver]), event)
        (text,) = (json.loads(sent.body).get("text") or json.loads(sent.body)["content"]).values()
        assert len(text.encode()) <= most
        assert len(sent.body) <= 20_480
        *whole, last = text.splitlines()
        assert whole == lines[: len(whole)]
        assert "jifen outbox show" in last
    assert shortened("短", 100) == "短"
    begin, last = shortened("夜间任务需要处理" * 100 + "\nmore", 200).splitlines()
    assert begin.startswith("夜间任务需要处理夜间")
    assert len(f"{begin}\n{last}".encode()) <= 200


MIDDAY = datetime(2025, 7, 1, 12, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "wait"),
    [("12:00:00", 60), ("12:00:59", 1), ("12:01:00", None), ("12:29:30", 90), ("12:30:10", 50), ("11:59:59", 61)],
)
def test_nothing_goes_to_a_bot_within_a_minute_of_a_full_or_half_hour(at, wait):
    moment = datetime.fromisoformat(f"2025-07-01T{at}+00:00")
    until = Limits(20, None, avoids_half_hours=True).wait_until([], moment)
    assert (until and (until - moment).total_seconds()) == wait
    assert Limits(20).wait_until([], moment) is None


def test_a_bot_is_called_20_times_a_minute_and_the_ledger_counts_for_all_relays(channel, clock, monkeypatch):  # noqa: F811
    monkeypatch.setattr(relay, "_limits", lambda *_: Limits(20, 5))
    clock.now = MIDDAY
    channel.queue(45)
    came = []
    while any(row["state"] == "pending" for row in messages(channel.night.ledger, recipient="channel")):
        before = len(channel.seen)
        for _ in relay.try_messages(channel.night, outbox, clock):
            pass
        came += [clock.now] * (len(channel.seen) - before)
        clock.now += timedelta(seconds=0.5)
    for count, seconds in ((20, 60), (5, 1)):
        spans = [later - first for first, later in zip(came, came[count:], strict=False)]
        assert min(spans) >= timedelta(seconds=seconds)
    assert (len(came), came[-1] - came[0]) == (45, timedelta(seconds=120))


MAILED = {
    "host": {"env": "MAIL_HOST"},
    "port": {"env": "MAIL_PORT"},
    "sender": {"env": "MAIL_FROM"},
    "to": {"env": "MAIL_TO"},
}
ACCOUNT = {"user": {"env": "MAIL_USER"}, "password": {"env": "MAIL_PASSWORD"}}


class Box:
    """What a mail server does with a mail; it knows nobody of @nowhere.example."""

    def __init__(self):
        self.mails = []
        self.answer = "250 OK"
        self.goodbye = "221 Bye"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if address.endswith("@nowhere.example"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - the same
        self.mails.append((envelope, session.ssl is not None))
        return self.answer

    async def handle_QUIT(self, _server, _session, _envelope):  # noqa: N802 - the same
        if self.goodbye is None:
            await asyncio.sleep(30)
        return self.goodbye


class FreePort(Controller):
    """A mail server on a port that the system chooses."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailed(monkeypatch, settings, tmp_path):
    """Send the text by mail to a server that offers STARTTLS and wants a login; `mailed.box` is what it got."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    box = Box()

    def login(_server, _session, _envelope, _how, data):
        is_right = data.login == b"zone" and data.password == b"made-up-password"
        return AuthResult(success=is_right, handled=False)

    controller = FreePort(
        box, "127.0.0.1", 0, tls_context=context, authenticator=login, auth_required=True, require_starttls=True
    )
    controller.start()

    def run(**changed):
        held = {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(controller.port),
            "MAIL_USER": "zone",
            "MAIL_PASSWORD": "made-up-password",
            "MAIL_FROM": "points@zone.example",
            "MAIL_TO": "li@zone.example wang@zone.example",
            **changed.pop("env", {}),
        }
        for name, value in held.items():
            monkeypatch.setenv(name, value)
        told = {"name": "post", "title": TITLE, "kind": "notice", "driver": "mail"}
        sink = NoticeSink.model_validate({**told, "connection": {**MAILED, **ACCOUNT, **changed}})
        mail.push(sink, EVENT, settings)

    run.box = box
    yield run
    controller.stop()


def test_a_mail_goes_over_starttls_with_an_id_made_of_the_events(mailed):
    mailed()
    mailed()
    (first, is_encrypted), (again, _) = mailed.box.mails
    assert is_encrypted
    assert first.rcpt_tos == ["li@zone.example", "wang@zone.example"]
    read = [email.message_from_bytes(one.content, policy=email.policy.default) for one in (first, again)]
    assert [one["Message-ID"] for one in read] == ["<e.group.1@zone.example>"] * 2
    assert read[0]["Subject"] == "积分版本 edition"
    assert first.content.isascii()
    assert read[0].get_content().strip().splitlines() == TEXT.splitlines()


def test_where_one_recipient_is_refused_nobody_gets_the_mail(mailed):
    with pytest.raises(AgencyError, match="550"):
        mailed(env={"MAIL_TO": "li@zone.example gone@nowhere.example"})
    assert mailed.box.mails == []


@pytest.mark.parametrize(
    ("env", "error", "said"),
    [
        ({"MAIL_PASSWORD": "another"}, AgencyError, "535"),
        ({"MAIL_PORT": "9"}, LineDeadError, "does not answer"),
        ({"MAIL_PORT": "smtp"}, ConfigError, "MAIL_PORT holds no port"),
        ({"MAIL_HOST": "localhost"}, LineDeadError, "its certificate is not one we trust: it is of another host"),
        ({"MAIL_HOST": "10.0.0.1"}, ConfigError, "JIFEN_CHANNEL_HOSTS"),
        ({"MAIL_HOST": "smtp..example"}, ConfigError, "MAIL_HOST holds no host"),
        ({"MAIL_HOST": "smtp.example:25"}, ConfigError, "MAIL_HOST holds no host"),
        ({"MAIL_TO": "nobody"}, ConfigError, "no mail address"),
        ({"MAIL_TO": "li@zone.example，wang@zone.example"}, ConfigError, "no mail address"),
        ({"MAIL_TO": "<li@zone.example>"}, ConfigError, "no mail address"),
        ({"MAIL_TO": "li@高新区.example"}, ConfigError, "no mail address"),
        ({"MAIL_FROM": "a@b.example\nBcc: c@d.example"}, ConfigError, "no mail address"),
    ],
)
def test_what_is_wrong_with_a_mail_is_told_and_holds_no_password(mailed, env, error, said):
    with pytest.raises(error, match=said) as caught:
        mailed(env=env)
    assert "made-up-password" not in str(caught.value)
    assert mailed.box.mails == []


@pytest.mark.parametrize("goodbye", ["421 too busy to say goodbye", "250 OK", "500 what", "not SMTP", None])
def test_whatever_is_answered_to_the_goodbye_a_mail_that_was_accepted_is_sent_once(mailed, monkeypatch, goodbye):
    monkeypatch.setattr(mail, "QUIT_SECONDS", 0.2)
    mailed.box.goodbye = goodbye
    mailed()
    assert len(mailed.box.mails) == 1


def test_a_refused_recipient_is_told_whatever_is_answered_to_the_goodbye(mailed):
    mailed.box.goodbye = "421 too busy to say goodbye"
    with pytest.raises(AgencyError, match="550"):
        mailed(env={"MAIL_TO": "gone@nowhere.example"})


def test_a_port_where_another_protocol_answers_is_told_as_that(mailed):
    told = r"what answers there is no mail server.*compare host and port"
    with server(lambda line: line.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as port, pytest.raises(AgencyError, match=told):
        mailed(env={"MAIL_PORT": str(port)})


def test_a_mail_server_that_is_busy_is_asked_again(mailed):
    mailed.box.answer = "451 try again later"
    with pytest.raises(TransientError, match="451"):
        mailed()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"driver": "webhook", "connection": {"url": {"env": "A"}}}, "a webhook is signed"),
        ({"driver": "wecom", "connection": {"url": {"env": "A"}, "secret": {"env": "B"}}}, "stands in its url"),
        ({"driver": "mail", "connection": {"url": {"env": "A"}}}, "host, port, sender and to"),
        ({"driver": "mail", "connection": {**MAILED, **ACCOUNT, "tls": "none"}}, "a password goes over TLS"),
        ({"driver": "feishu", "connection": {"url": {"env": "A"}}, "answered": {"code": "x", "ok": ["1"]}}, "is known"),
    ],
)
def test_a_sink_file_that_cannot_be_meant_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        NoticeSink.model_validate({"name": "a", "title": TITLE, "kind": "notice", **changed})
