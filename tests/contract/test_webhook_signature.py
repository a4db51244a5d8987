"""Signatures of messages, checked by what is not ours: `standardwebhooks`, `cloudevents` and plain Ed25519."""

import base64
import hmac
import json
import time

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.drivers.webhook import push
from connectors.drivers.webhook_signature import new_secret
from connectors.errors import ConfigError
from connectors.sink_files import NoticeSink
from flows.events import message
from ledger.settings import Settings
from tests.command_line import jifen
from tests.contract.small_agency import Reply, serve
from tests.contract.test_webhook_driver import SINK

SENT = message("2025-06-30-abc.channel.1", "channel", "cn.jifen.edition.published.v1", "2025-06-30-abc", {"分": 1})


@pytest.fixture
def received(monkeypatch, tmp_path):
    """Headers and body of one message as a channel gets it, signed by these secrets."""

    def run(*secrets):
        with serve(lambda _: Reply(b"ok")) as channel:
            monkeypatch.setenv("HOOK_URL", channel.url)
            monkeypatch.setenv("HOOK_SECRET", " ".join(secrets))
            settings = Settings(data_dir=tmp_path, retry_seconds=5, channel_hosts="127.0.0.1", _env_file=None)
            push(NoticeSink.model_validate(SINK), SENT.event.encode(), settings)
        return channel.seen[0].headers, channel.seen[0].body

    return run


def changed(body):
    return body.replace(b"published", b"withdrawn")


def test_the_public_package_takes_a_message_and_refuses_a_changed_one(received):
    secret, theirs = new_secret()
    headers, body = received(secret)
    assert Webhook(theirs).verify(body, headers)["id"] == headers["webhook-id"] == SENT.message_id
    for spoilt, told in (
        (changed(body), headers),
        (body, {**headers, "webhook-id": "another"}),
        (body, {**headers, "webhook-timestamp": str(int(time.time()) - 1)}),
        (body, {**headers, "webhook-timestamp": str(int(time.time()) - 3600)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(theirs).verify(spoilt, told)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()[1]).verify(body, headers)


def test_an_ed25519_signature_holds_for_this_body_alone(received):
    secret, theirs = new_secret(is_private=True)
    headers, body = received(secret)
    version, _, signature = headers["webhook-signature"].partition(",")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(theirs.removeprefix("whpk_")))
    before = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    key.verify(base64.b64decode(signature), before + body)
    assert version == "v1a"
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature), before + changed(body))


def test_a_secret_agreed_on_before_is_the_key_as_it_stands(received):
    headers, body = received("a-plain-one-of-old")
    content = b"%b.%b.%b" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    signature = base64.b64encode(hmac.digest(b"a-plain-one-of-old", content, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"


def test_while_a_key_rotates_the_old_and_the_new_one_are_taken(received):
    (old, _), (new, _), (private, _) = new_secret(), new_secret(), new_secret(is_private=True)
    headers, body = received(new, old, private)
    assert [one.partition(",")[0] for one in headers["webhook-signature"].split()] == ["v1", "v1", "v1a"]
    for known in (old, new):
        Webhook(known).verify(body, headers)


def test_the_body_is_an_event_of_the_public_format_and_another_is_none(received):
    _, body = received(new_secret()[0])
    event = JSONFormat().read(CloudEvent, body)
    assert (event.get_id(), event.get_type(), event.get_data()) == (
        SENT.message_id,
        "cn.jifen.edition.published.v1",
        {"分": 1},
    )
    without = {name: held for name, held in json.loads(body).items() if name != "type"}
    with pytest.raises(Exception, match="type"):
        JSONFormat().read(CloudEvent, json.dumps(without).encode())


@pytest.mark.parametrize("secret", ["plain-words", "whsec_AA==", "whsec_c2hvcnQ=", "whsec_***", "whsk_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused_before_anything_is_sent(received, secret):
    with pytest.raises(ConfigError, match=r"HOOK_SECRET holds a secret that is none.*jifen sink secret") as caught:
        received(secret)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(("option", "kinds"), [([], ("whsec_",)), (["--ed25519"], ("whsk_", "whpk_"))])
def test_the_command_makes_one(received, tmp_path, option, kinds):
    told = json.loads(jifen("sink", "secret", *option, "--json", env={}, cwd=tmp_path).stdout)[0]
    assert [held.startswith(kind) for held, kind in zip(told.values(), kinds, strict=True)] == [True] * len(kinds)
    received(told["secret"])
