"""Sealing by the real gpg: what it opens, what it refuses, and which key files may be used at all."""

import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.openpgp import ENCRYPT, SIGN, SealError, expiring, keys_in, new_pair, seal, unseal, usable, write_pair

LONG_AGO = datetime.now(UTC) - timedelta(days=30)
CONTENT = b"uscc,score\n" * 1000


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Pairs by name: secret file, public file."""
    folder = tmp_path_factory.mktemp("keys")
    pairs = {name: new_pair(folder, name) for name in ("zone", "bank", "other")}
    pairs["old"] = new_pair(folder, "old", days=10, born=LONG_AGO)
    pairs["early"] = new_pair(folder, "early", born=LONG_AGO)
    pairs["ending"] = new_pair(folder, "ending", days=20)
    return pairs


@pytest.fixture
def sealed_by(tmp_path):
    """What `seal` makes of the content with these key files."""

    def make(signing, recipients):
        plain, made = tmp_path / "plain", tmp_path / "made"
        plain.write_bytes(CONTENT)
        seal(plain, made, signing, recipients, "bank")
        return made.read_bytes()

    return make


@pytest.fixture
def sealed(keys, sealed_by):
    return sealed_by(keys["zone"][0], keys["bank"][1])


@pytest.fixture
def gpg(tmp_path):
    """The program itself, with these key files in a folder of its own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    base = ["/usr/bin/gpg", "--homedir", str(home), "--batch", "--trust-model", "always", "--pinentry-mode", "loopback"]

    def run(files, *words, content=b""):
        for file in files:
            subprocess.run([*base, "--import", str(file)], check=True, capture_output=True)
        return subprocess.run([*base, *words], input=content, check=False, capture_output=True)

    yield run
    subprocess.run(["/usr/bin/gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def test_what_is_sealed_is_opened_by_the_recipient_and_nobody_else(keys, sealed):
    assert CONTENT[:20] not in sealed
    assert unseal(sealed, keys["bank"][0], keys["zone"][1], "bank") == CONTENT
    with pytest.raises(SealError, match="for another key"):
        unseal(sealed, keys["other"][0], keys["zone"][1], "bank")


def test_plain_gpg_opens_it_too(keys, sealed, gpg):
    done = gpg([keys["bank"][0], keys["zone"][1]], "--decrypt", content=sealed)
    assert (done.returncode, done.stdout) == (0, CONTENT)
    assert b"Good signature from" in done.stderr


@pytest.mark.parametrize("place", [20, 400, -40])
def test_a_flipped_byte_is_refused(keys, sealed, place):
    spoilt = bytearray(sealed)
    spoilt[place] ^= 1
    with pytest.raises(SealError):
        unseal(bytes(spoilt), keys["bank"][0], keys["zone"][1], "bank")


def test_a_sender_that_is_not_known_is_refused(keys, sealed_by):
    forged = sealed_by(keys["other"][0], keys["bank"][1])
    with pytest.raises(SealError, match="not one of the known sender's"):
        unseal(forged, keys["bank"][0], keys["zone"][1], "bank")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--encrypt", "--recipient", "bank"], "it is not signed"),
        (["--sign", "--local-user", "zone"], "not encrypted"),
        (["--store"], "not encrypted"),
    ],
)
def test_a_stripped_signature_or_encryption_is_refused(keys, gpg, words, told):
    made = gpg([keys["zone"][0], keys["bank"][1]], *words, content=CONTENT).stdout
    assert made
    with pytest.raises(SealError, match=told):
        unseal(made, keys["bank"][0], keys["zone"][1], "bank")


def test_bytes_that_are_no_message_are_refused(keys):
    with pytest.raises(SealError, match="no OpenPGP message"):
        unseal(b"uscc,score\n", keys["bank"][0], keys["zone"][1], "bank")


def test_a_signature_by_a_key_that_has_expired_is_refused(keys, gpg):
    # It was signed while the key was good.
    then = f"{int((LONG_AGO + timedelta(days=1)).timestamp())}!"
    words = ["--local-user", "old", "--recipient", "early", "--sign", "--encrypt"]
    made = gpg([keys["old"][0], keys["early"][1]], "--faked-system-time", then, *words, content=CONTENT)
    assert made.stdout, made.stderr
    with pytest.raises(SealError, match="has expired"):
        unseal(made.stdout, keys["early"][0], keys["old"][1], "bank")


def test_a_key_that_has_expired_seals_nothing(keys, sealed_by):
    with pytest.raises(ConfigError, match="has expired"):
        sealed_by(keys["old"][0], keys["bank"][1])
    with pytest.raises(ConfigError, match="has expired"):
        sealed_by(keys["zone"][0], keys["old"][1])


def test_while_a_key_is_replaced_both_open_the_package_and_an_expired_one_is_not_used(keys, tmp_path, sealed_by):
    both = tmp_path / "both.asc"
    both.write_bytes(b"".join(keys[name][1].read_bytes() for name in ("bank", "other", "old")))
    both.chmod(0o644)
    assert len(usable(both, ENCRYPT, "bank")) == 2
    sealed = sealed_by(keys["zone"][0], both)
    for name in ("bank", "other"):
        assert unseal(sealed, keys[name][0], keys["zone"][1], "bank") == CONTENT


def test_a_key_file_that_others_may_read_or_change_or_that_is_not_there_is_refused(keys, tmp_path):
    open_one = tmp_path / "open.asc"
    open_one.write_bytes(keys["zone"][0].read_bytes())
    open_one.chmod(0o640)
    with pytest.raises(ConfigError, match="may be read by others"):
        usable(open_one, SIGN, "bank", is_secret=True)
    changed = tmp_path / "changed.asc"
    changed.write_bytes(keys["bank"][1].read_bytes())
    changed.chmod(0o666)
    with pytest.raises(ConfigError, match="may be changed by others"):
        usable(changed, ENCRYPT, "bank")
    with pytest.raises(ConfigError, match="is not there"):
        usable(tmp_path / "none.asc", ENCRYPT, "bank")
    (tmp_path / "text.asc").write_text("hello", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no OpenPGP key"):
        keys_in(tmp_path / "text.asc", "bank")
    with pytest.raises(ConfigError, match="holds no secret key"):
        usable(keys["zone"][1], SIGN, "bank", is_secret=True)


def test_expiry_is_told_ahead(keys):
    today = datetime.now(UTC).date()
    ((key, left),) = expiring(keys["ending"][1], today, "bank")
    assert (left, key.user) == (20, "ending")
    assert list(expiring(keys["bank"][1], today, "bank")) == []
    assert list(expiring(keys["ending"][1], date(2026, 1, 1), "bank")) == []


def test_a_secret_file_that_stood_open_is_closed_before_the_key_is_in_it(tmp_path, monkeypatch):
    secret, modes = tmp_path / "secret", []
    secret.touch(mode=0o644)
    secret.chmod(0o644)
    write = Path.write_bytes
    monkeypatch.setattr(
        Path, "write_bytes", lambda self, content: modes.append(self.stat().st_mode & 0o777) or write(self, content)
    )
    write_pair(secret, b"private", tmp_path / "public", b"public")
    assert modes == [0o600, 0o644]
