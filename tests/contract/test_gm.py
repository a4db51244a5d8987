"""A package sealed by our 国密 profile: OpenSSL's own program checks it, `jifen receive` opens it, or both refuse."""

import subprocess

import pytest

from cli import sink_test
from connectors import gm
from connectors.errors import ConfigError
from connectors.openpgp import SealError
from connectors.sink_files import ExtractSink, read_sinks

(BANK,) = [sink for sink in read_sinks() if sink.name == "bank_a"]
KEYS = {"signing_key": {"env": "GM_SIGNING"}, "recipient_keys": {"env": "GM_KEYS"}}
CONTENT = b"uscc,score\n" * 1000
NAME = "jifen_bank_a_20250101_000001.tar.gm"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Pairs by name: secret file, public file."""
    folder = tmp_path_factory.mktemp("gm")
    pairs = {name: (folder / f"{name}.key", folder / f"{name}.pub") for name in ("zone", "bank", "other")}
    for pair in pairs.values():
        gm.new_pair(*pair)
    return pairs


@pytest.fixture
def sent(keys, tmp_path):
    """A sealed file with its signature beside it."""
    plain, sealed = tmp_path / "plain", tmp_path / NAME
    plain.write_bytes(CONTENT)
    signature = gm.seal(plain, sealed, keys["zone"][0], keys["bank"][1], "bank")
    sealed.with_name(f"{NAME}.sig").write_bytes(signature)
    return sealed


def opened(keys, file, who="bank", sender="zone"):
    return gm.unseal(file.read_bytes(), file.with_name(f"{file.name}.sig"), keys[who][0], keys[sender][1], "bank")


def is_signed(keys, file, sender="zone"):
    words = ["-sigopt", "distid:1234567812345678", "-signature", f"{file}.sig", file]
    done = subprocess.run(["/usr/bin/env", "openssl", "dgst", "-sm3", "-verify", keys[sender][1], *words], check=False)
    return done.returncode == 0


def test_openssl_verifies_the_signature_and_the_recipient_opens_the_file(keys, sent):
    assert is_signed(keys, sent)
    assert CONTENT[:20] not in sent.read_bytes()
    assert opened(keys, sent) == CONTENT


@pytest.mark.parametrize("place", [3, 60, 500, -20, -1])
def test_openssl_and_we_refuse_a_flipped_byte(keys, sent, place):
    content = bytearray(sent.read_bytes())
    content[place] ^= 1
    sent.write_bytes(content)
    assert not is_signed(keys, sent)
    with pytest.raises(SealError, match="not of these bytes"):
        opened(keys, sent)


def test_a_byte_that_was_flipped_before_the_sender_signed_is_refused_by_the_tag(keys, sent):
    content = bytearray(sent.read_bytes())
    content[-100] ^= 1
    sent.write_bytes(content)
    words = ["-sign", keys["zone"][0], "-sigopt", "distid:1234567812345678", "-out", f"{sent}.sig", sent]
    subprocess.run(["/usr/bin/env", "openssl", "dgst", "-sm3", *words], check=True)
    with pytest.raises(SealError, match="bytes of it were changed"):
        opened(keys, sent)


def test_another_recipient_sender_or_name_and_a_missing_signature_are_refused(keys, sent):
    with pytest.raises(SealError, match="for another key"):
        opened(keys, sent, who="other")
    with pytest.raises(SealError, match="not one of the known sender's"):
        opened(keys, sent, sender="other")
    moved = sent.rename(sent.with_name("moved.tar.gm"))
    with pytest.raises(SealError, match="it is not signed"):
        opened(keys, moved)
    sent.with_name(f"{NAME}.sig").rename(f"{moved}.sig")
    with pytest.raises(SealError, match="signed under another name"):
        opened(keys, moved)


def test_key_files_that_may_not_be_used_are_refused_and_two_recipients_keys_may_stand_in_one(keys, tmp_path):
    both = tmp_path / "both.pub"
    both.write_text(keys["bank"][1].read_text() + keys["other"][1].read_text())
    both.chmod(0o644)
    assert len(gm.usable(keys["zone"][0], both, "bank")) == 2
    open_to_all = tmp_path / "zone.key"
    open_to_all.write_bytes(keys["zone"][0].read_bytes())
    open_to_all.chmod(0o644)
    with pytest.raises(ConfigError, match="may be read by others"):
        gm.usable(open_to_all, both, "bank")
    both.write_text("no key")
    with pytest.raises(ConfigError, match="holds no SM2 key"):
        gm.usable(keys["zone"][0], both, "bank")


def test_a_sink_of_this_profile_sends_a_package_that_receive_loads():
    tried = sink_test.try_sink(ExtractSink.model_validate({**BANK.model_dump(), "sealed": {"gm": KEYS}}))
    assert (tried["state"], tried["message"], tried["package"][-7:]) == ("ok", None, ".tar.gm")
