"""Our keys and signatures against the real `minisign`, both ways."""

import shutil
import subprocess

import pytest

from ledger.minisign import KeyFileError, SignatureError, check, new_key, read_public_keys, read_secret_key, sign

CONTENT = "企业创新积分\n".encode() * 1000


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys" / "zone.key"
    new_key(path)
    return path


def known(key_file):
    return {key.key_id: key for key in read_public_keys(key_file.with_name("zone.key.pub"))}


def minisign(*words):
    if shutil.which("minisign") is None:
        pytest.skip("no minisign here: apt-get install minisign (make test does where it is root)")
    done = subprocess.run(["minisign", *map(str, words)], capture_output=True, text=True, check=False)  # noqa: S607
    return done.returncode


def test_the_real_minisign_accepts_our_signature_and_refuses_a_flipped_byte(key_file, tmp_path):
    file = tmp_path / "manifest.json"
    file.write_bytes(CONTENT)
    signature = file.with_name("manifest.json.minisig")
    signature.write_text(sign(read_secret_key(key_file), CONTENT, "edition 2025-06-30-abc"))
    checked = ("-V", "-p", f"{key_file}.pub", "-m", file)
    assert minisign(*checked) == 0
    assert minisign("-V", "-P", read_public_keys(key_file.with_name("zone.key.pub"))[0].text, "-m", file) == 0
    file.write_bytes(CONTENT[:-2] + b"?\n")
    assert minisign(*checked) != 0
    file.write_bytes(CONTENT)
    signature.write_text(signature.read_text().replace("-abc", "-abd"))
    assert minisign(*checked) != 0


def test_we_accept_what_the_real_minisign_signed_by_our_key_and_by_its_own(key_file, tmp_path):
    file, signature = tmp_path / "file", tmp_path / "file.minisig"
    file.write_bytes(CONTENT)
    assert minisign("-S", "-s", key_file, "-m", file, "-t", "from minisign") == 0
    assert check(known(key_file), CONTENT, signature.read_text())[1] == "from minisign"
    theirs = tmp_path / "theirs.key"
    assert minisign("-G", "-W", "-p", tmp_path / "theirs.key.pub", "-s", theirs) == 0
    theirs.chmod(0o600)
    (public,) = read_public_keys(tmp_path / "theirs.key.pub")
    assert read_secret_key(theirs).public == public


def test_the_same_bytes_give_the_same_signature_and_any_change_is_refused(key_file):
    key, keys = read_secret_key(key_file), known(key_file)
    text = sign(key, CONTENT, "one line")
    assert sign(key, CONTENT, "one line") == text
    assert check(keys, CONTENT, text) == (key.public, "one line")
    with pytest.raises(SignatureError, match="not of these bytes"):
        check(keys, CONTENT + b"x", text)
    first = text.index("\n") + 1
    for place in range(first, len(text) - 1):
        flipped = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(SignatureError):
            check(keys, CONTENT, flipped)
    with pytest.raises(SignatureError, match="none of the known"):
        check({}, CONTENT, text)


def test_a_secret_key_is_its_owner_s_alone_and_never_replaced(key_file):
    assert key_file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyFileError, match="not replaced"):
        new_key(key_file)
    key_file.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_secret_key(key_file)


@pytest.mark.parametrize("content", ["", "x\n", "untrusted comment: x\nAAAA\n", "untrusted comment: x\n" + "RWQ" * 80])
def test_what_is_no_key_is_said_so(tmp_path, content):
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    for read in (read_secret_key, read_public_keys):
        with pytest.raises(KeyFileError, match="Whose: config"):
            read(path)


def test_a_damaged_key_is_not_used(key_file):
    lines = key_file.read_text().splitlines()
    middle = len(lines[1]) // 2 + 20
    flipped = lines[1][:middle] + ("A" if lines[1][middle] != "A" else "B") + lines[1][middle + 1 :]
    key_file.write_text(f"{lines[0]}\n{flipped}\n")
    with pytest.raises(KeyFileError, match="damaged"):
        read_secret_key(key_file)
