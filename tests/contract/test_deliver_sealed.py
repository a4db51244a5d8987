"""A package's whole way: made from the bank's own file, sealed, left by SFTP, loaded at the other end, answered."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cli import sink_test, status
from connectors.errors import ConfigError
from connectors.openpgp import new_pair
from connectors.sink_files import ExtractSink, read_sinks
from connectors.zone import Zone
from flows.acks import collect_acks
from flows.deliver import deliver_pending
from flows.night import Night
from flows.receive import Keys, ReceiveError, receive, write_ack
from flows.redeliver import redeliver
from ledger.deliveries import delivery_row, queue_due
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.standin.bank import SENDER, key_pair
from tests.unit.test_packages import delivered

(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink) and sink.name == "bank_a"]


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """The bank's box on loopback, an installation with one edition, and a night of it."""
    with sink_test._standin(BANK, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings = Settings(data_dir=tmp_path / "data", retry_seconds=20, _env_file=None)
        ledger = open_ledger(settings)
        sink_test._make_edition(BANK, settings, ledger)
        queue_due(ledger, [BANK.name], sink_test.EDITION, settings.today.isoformat())
        yield Night("run", sink_test.date(2025, 6, 30), settings, ledger, (), (BANK,), Zone())
        ledger.dispose()


def keys(tmp_path, name=BANK.name, sender=SENDER):
    return Keys(key_pair(tmp_path, name)[0], key_pair(tmp_path, sender)[1])


def the_package(tmp_path):
    (found,) = (tmp_path / "box" / BANK.folder).glob("*.tar.gpg")
    return found


def test_a_package_is_sent_loaded_and_answered(standin, tmp_path):
    assert [line["state"] for line in deliver_pending(standin)] == ["sent"]
    received = receive(the_package(tmp_path), tmp_path / "loaded", BANK.name, keys(tmp_path))
    assert (received.state, received.rows) == ("loaded", 3 * sink_test.ROWS)
    acks = tmp_path / "box" / BANK.acknowledged.folder
    acks.mkdir()
    assert collect_acks(standin) == []
    write_ack(received, acks, BANK.name, "received")
    assert [line["state"] for line in collect_acks(standin)] == ["received"]
    write_ack(received, acks, BANK.name, "accepted")
    assert [line["state"] for line in collect_acks(standin)] == ["accepted"]
    assert collect_acks(standin) == []
    assert delivery_row(standin.ledger, "bank_a.1")["ack_state"] == "accepted"


def test_an_answer_that_names_another_manifest_is_reported(standin, tmp_path):
    deliver_pending(standin)
    received = receive(the_package(tmp_path), tmp_path / "loaded", BANK.name, keys(tmp_path))
    acks = tmp_path / "box" / BANK.acknowledged.folder
    acks.mkdir()
    write_ack(replace(received, manifest_sha256="0" * 64), acks, BANK.name, "accepted")
    (line,) = collect_acks(standin)
    assert "names another recipient, number or manifest" in line["error"]
    assert delivery_row(standin.ledger, "bank_a.1")["ack_state"] is None


def test_the_notice_fields_and_reports_are_in_it_and_no_column_beside_the_grant(standin, tmp_path):
    deliver_pending(standin)
    receive(the_package(tmp_path), tmp_path / "loaded", BANK.name, keys(tmp_path))
    files = tmp_path / "loaded" / "files" / "000001"
    for name, granted in BANK.tables.items():
        head = (files / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[0]
        assert tuple(head.split(",")) == granted.fields
    head = (files / "notices.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert head == "uscc,score,score_range,key_factors,scored_on,issuer"
    package = json.loads((files / "datapackage.json").read_bytes())
    assert [one["path"] for one in package["resources"]] == sorted(f"{name}.csv" for name in BANK.tables)


def test_the_other_end_refuses_another_key_a_changed_byte_and_an_unsealed_package(standin, tmp_path):
    deliver_pending(standin)
    package = the_package(tmp_path)
    into = tmp_path / "loaded"
    with pytest.raises(ReceiveError, match="for another key"):
        receive(package, into, BANK.name, keys(tmp_path, "bank_b"))
    with pytest.raises(ReceiveError, match="not one of the known sender's"):
        receive(package, into, BANK.name, keys(tmp_path, sender="somebody"))
    with pytest.raises(ReceiveError, match="it is sealed"):
        receive(package, into, BANK.name, None)
    with pytest.raises(ReceiveError, match="it is for bank_a, and we are bank_b"):
        receive(package, into, "bank_b", keys(tmp_path))
    ours = keys(tmp_path)
    ours.senders.chmod(0o664)
    with pytest.raises(ConfigError, match="may be changed by others"):
        receive(package, into, BANK.name, ours)
    ours.senders.chmod(0o644)
    spoilt = tmp_path / package.name
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt.write_bytes(content)
    with pytest.raises(ReceiveError, match="Nothing of it was loaded"):
        receive(spoilt, into, BANK.name, keys(tmp_path))
    assert delivered(into) == []


def test_a_redelivery_is_the_same_bytes(standin, tmp_path, monkeypatch):
    monkeypatch.setattr("flows.night.read_sinks", lambda: [BANK])
    deliver_pending(standin)
    package = the_package(tmp_path)
    content = package.read_bytes()
    package.unlink()
    redeliver(standin.settings, "bank_a.1", "somebody")
    assert the_package(tmp_path).read_bytes() == content


@pytest.mark.parametrize("spoil", ["gone", "open"])
def test_a_key_file_that_may_not_be_used_stops_it_before_anything_is_sent(standin, tmp_path, spoil):
    path = Path(os.environ[BANK.sealed.signing_key.env])
    if spoil == "gone":
        path.unlink()
    else:
        path.chmod(0o644)
    (line,) = deliver_pending(standin)
    assert (line["state"], "Whose: config" in line["error"]) == ("pending", True)
    assert list((tmp_path / "box" / BANK.folder).iterdir()) == []
    assert delivery_row(standin.ledger, "bank_a.1")["manifest_sha256"] is None


@pytest.mark.usefixtures("standin")
def test_status_names_a_key_that_expires_soon_and_one_that_is_not_there(tmp_path, monkeypatch):
    assert list(status.expiring_keys([BANK], os.environ)) == []
    _, public = new_pair(tmp_path / "more", "soon", days=20)
    monkeypatch.setenv(BANK.sealed.recipient_keys.env, str(public))
    (told,) = status.expiring_keys([BANK], os.environ)
    assert "BANK_A_OPENPGP_KEYS_FILE expires in 20 days (within 30 days)" in told
    monkeypatch.setenv(BANK.sealed.recipient_keys.env, str(tmp_path / "none.asc"))
    (told,) = status.expiring_keys([BANK], os.environ)
    assert "is not there" in told
