"""A package sealed by age and signed in minisign's format: opened by both and by `jifen receive`, or refused."""

import shutil
import subprocess
from functools import partial

import pytest

from cli import sink_test
from connectors.errors import ConfigError
from connectors.sink_files import ExtractSink, Sealing, read_sinks
from connectors.zone import Zone
from flows.deliver import deliver_pending
from flows.night import Night
from flows.receive import Keys, ReceiveError, receive
from ledger.deliveries import queue_due
from ledger.minisign import public_path_of
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.standin.bank import SENDER, key_pair

(BANK,) = [sink for sink in read_sinks() if sink.name == "bank_a"]
KEYS = {"signing_key": {"env": "AGE_SIGNING"}, "recipient_keys": {"env": "AGE_KEYS"}}
SINK = ExtractSink.model_validate({**BANK.model_dump(), "sealed": {"age": KEYS}})


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """The package that came into the bank's box."""
    with sink_test._standin(SINK, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings = Settings(data_dir=tmp_path / "data", retry_seconds=20, _env_file=None)
        ledger = open_ledger(settings)
        sink_test._make_edition(SINK, settings, ledger)
        queue_due(ledger, [SINK.name], sink_test.EDITION, settings.today.isoformat())
        night = Night("run", sink_test.date(2025, 6, 30), settings, ledger, (), (SINK,), Zone())
        assert [line["state"] for line in deliver_pending(night)] == ["sent"]
        ledger.dispose()
    (found,) = (tmp_path / "box" / SINK.folder).glob("*.tar.age")
    return found


def keys(folder, name=SINK.name, sender=SENDER):
    return Keys(key_pair(folder, name, "age")[0], key_pair(folder, sender, "age")[1])


def told_by(program, *words):
    assert shutil.which(program), f"apt-get install {program}"
    return subprocess.run([program, *map(str, words)], capture_output=True, check=False)


def test_the_bank_opens_it_with_age_and_minisign_and_loads_it(sent, tmp_path):
    assert told_by("minisign", "-V", "-p", keys(tmp_path).senders, "-m", sent).returncode == 0
    opened = told_by("age", "--decrypt", "-i", keys(tmp_path).secret, sent)
    assert opened.stdout[257:262] == b"ustar"
    assert receive(sent, tmp_path / "in", SINK.name, keys(tmp_path)).state == "loaded"


def test_changed_bytes_another_key_and_a_missing_or_moved_signature_are_refused(sent, tmp_path):
    content, signature = sent.read_bytes(), sent.with_name(f"{sent.name}.minisig")

    def refused(told, who=None):
        with pytest.raises(ReceiveError, match=told):
            receive(sent, tmp_path / "in", SINK.name, who or keys(tmp_path))

    refused("it is for another key", Keys(key_pair(tmp_path, "bank_b", "age")[0], keys(tmp_path).senders))
    other = tmp_path / "other" / "age" / f"{SENDER}.key.pub"
    key_pair(tmp_path / "other", SENDER, "age")
    refused("none of the known public keys", Keys(keys(tmp_path).secret, other))
    assert told_by("minisign", "-V", "-p", other, "-m", sent).returncode != 0
    sent.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused("is not of these bytes")
    assert told_by("minisign", "-V", "-p", keys(tmp_path).senders, "-m", sent).returncode != 0
    assert told_by("age", "--decrypt", "-i", keys(tmp_path).secret, sent).returncode != 0
    sent.write_bytes(content)
    moved = sent.with_name("jifen_bank_a_20250101_000009.tar.age")
    shutil.copy(sent, moved)
    shutil.copy(signature, f"{moved}.minisig")
    with pytest.raises(ReceiveError, match="signed under another name"):
        receive(moved, tmp_path / "in", SINK.name, keys(tmp_path))
    signature.unlink()
    refused("it is not signed")
    with pytest.raises(ConfigError, match=r"the key file .*lost is not there"):
        receive(sent, tmp_path / "in", SINK.name, Keys(tmp_path / "lost", keys(tmp_path).senders))


def test_key_files_that_may_not_be_used_are_refused(tmp_path):
    from connectors import age

    def refused(act, told):
        with pytest.raises(ConfigError) as error:
            act("bank")
        said = str(error.value)
        assert told in said
        assert [said.count(word) for word in ("Whose: ", "Next: ", "..")] == [1, 1, 0]

    signing, theirs = key_pair(tmp_path, SENDER, "age")[0], key_pair(tmp_path, "bank", "age")[1]
    age.usable(signing, theirs, "bank")
    theirs.write_text(f"  # of two people\n{theirs.read_text() * 2}")
    assert len(age.usable(signing, theirs, "bank")[1]) == 2
    with pytest.raises(ConfigError, match="no age recipient"):
        age.usable(signing, key_pair(tmp_path, SENDER, "age")[1], "bank")
    signing.chmod(0o644)
    refused(partial(age.usable, signing, theirs), f"the key {signing} may be read or written by others (mode 0644).")
    refused(partial(age.usable, tmp_path / "lost", theirs), "cannot be read (FileNotFoundError).")
    ours, secret = public_path_of(signing), key_pair(tmp_path, "bank", "age")[0]
    refused(partial(age.unseal, b"", signing, secret, theirs), f"the key {theirs} holds a line that is no minisign")
    secret.write_text("nothing of age\n")
    refused(partial(age.unseal, b"", signing, secret, ours), f"{secret} holds a line that is no age identity.")
    assert Sealing.model_validate(KEYS).kind == "openpgp"
