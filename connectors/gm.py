"""A 国密 profile of our own, and no GB/T 35275: SM4-GCM, its key by SM2, a raw SM2 signature with SM3 beside it.

A sealed file is a line `jifen-gm-1`, a line of JSON (its name, a nonce, for each recipient's key its SM3 and the key of
SM4 wrapped for it), the encrypted bytes, and a tag of 16 bytes, which is over both lines too. SM2 is left to `openssl`.
"""

import base64
import binascii
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from connectors.errors import ConfigError
from connectors.openpgp import SealError, key_text, require_own, write_pair

SUFFIX: Final = ".sig"
_MAGIC: Final = b"jifen-gm-1\n"
_ID: Final = ("-sigopt", "distid:1234567812345678")
"""The signer's identity where two sides agree on no other (GM/T 0009)."""
_BEGIN: Final = "-----BEGIN PUBLIC KEY-----"
_BLOCK: Final = 1 << 20
_TAG: Final = 16


def seal(plain: Path, sealed: Path, signing: Path, recipients: Path, where: str) -> bytes:
    """Encrypt a file to every recipient, and sign the result, which holds its name; answers the signature.

    Raises `ConfigError` for a key file that may not be used, before anything is made.
    """
    readers = usable(signing, recipients, where)
    key, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    wrapped = {_name_of(reader): _wrapped(key, reader, where) for reader in readers}
    head = _MAGIC + json.dumps({"name": sealed.name, "nonce": nonce.hex(), "keys": wrapped}).encode() + b"\n"
    made = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
    made.authenticate_additional_data(head)
    with plain.open("rb") as source, sealed.open("wb") as target:
        target.write(head)
        while block := source.read(_BLOCK):
            target.write(made.update(block))
        target.write(made.finalize() + made.tag)
    done = _openssl("dgst", "-sm3", "-sign", signing, *_ID, sealed)
    if done.returncode != 0:
        raise ConfigError(f"openssl cannot sign with {signing}.", where, "name an SM2 key in its variable")
    return done.stdout


def unseal(content: bytes, signature: Path, secret: Path, senders: Path, where: str) -> bytes:
    """The content of a sealed file that one of the keys in `senders` signed under its name and `secret` opens.

    Raises `SealError`.
    """
    require_own(secret, where, 0o077)
    if not signature.is_file():
        raise SealError(f"it is not signed: {signature.name} is not there")
    with _written(content) as path:
        if not any(_is_signed(path, signature, key) for key in _public_keys(senders, where)):
            raise SealError("its signature is not of these bytes, or by a key that is not one of the known sender's")
    end = content.find(b"\n", len(_MAGIC)) + 1
    try:
        head = json.loads(content[len(_MAGIC) : end])
        name, nonce, keys = head["name"], bytes.fromhex(head["nonce"]), head["keys"]
    except (ValueError, KeyError, TypeError):
        raise SealError("it is no file of the profile jifen-gm-1") from None
    if not content.startswith(_MAGIC) or f"{name}{SUFFIX}" != signature.name:
        raise SealError("it was signed under another name")
    opened = Cipher(SM4(_unwrapped(keys, secret, where)), modes.GCM(nonce, content[-_TAG:])).decryptor()
    opened.authenticate_additional_data(content[:end])
    try:
        return opened.update(content[end:-_TAG]) + opened.finalize()
    except InvalidTag:
        raise SealError("bytes of it were changed") from None


def usable(signing: Path, recipients: Path, where: str) -> list[str]:
    """The recipient's keys that may open. Raises `ConfigError` where one of the files cannot be used."""
    _own_public(signing, where)
    readers = _public_keys(recipients, where)
    require_own(recipients, where, 0o022)
    return readers


def new_pair(secret: Path, public: Path) -> None:
    """Make a key pair: the secret file (mode 0600) and the public one."""
    made = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2").stdout
    shown = _openssl("pkey", "-pubout", content=made).stdout
    _require_sm2(shown.decode(), secret, "gm")
    write_pair(secret, made, public, shown)


def _own_public(secret: Path, where: str) -> str:
    """The public part of a secret SM2 key; raises `ConfigError` where others may read the key file."""
    require_own(secret, where, 0o077)
    done = _openssl("pkey", "-in", secret, "-pubout")
    _require_sm2(done.stdout.decode(), secret, where)
    return done.stdout.decode()


def _public_keys(file: Path, where: str) -> list[str]:
    """The public keys in a file, one after another: one that is being replaced, and the next."""
    parts = key_text(file, where, "ascii").split(_BEGIN)[1:]
    for part in parts or [""]:
        _require_sm2(_BEGIN + part, file, where)
    return [_BEGIN + part for part in parts]


def _require_sm2(key: str, file: Path, where: str) -> None:
    if b"ASN1 OID: SM2" not in _openssl("pkey", "-pubin", "-noout", "-text", content=key.encode()).stdout:
        what = f"{file} holds no SM2 key, or something else beside one."
        raise ConfigError(what, where, "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2")


def _name_of(key: str) -> str:
    """The SM3 of a public key as DER."""
    found = hashes.Hash(hashes.SM3())
    found.update(_openssl("pkey", "-pubin", "-outform", "DER", content=key.encode()).stdout)
    return found.finalize().hex()


def _wrapped(key: bytes, reader: str, where: str) -> str:
    with _written(reader.encode()) as path:
        done = _openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", path, content=key)
    if done.returncode != 0:
        raise ConfigError("openssl cannot encrypt to the recipient's key.", where, "ask the recipient for its key")
    return base64.b64encode(done.stdout).decode()


def _unwrapped(keys: Any, secret: Path, where: str) -> bytes:
    try:
        mine = base64.b64decode(keys[_name_of(_own_public(secret, where))], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise SealError("it cannot be decrypted: it is for another key") from None
    done = _openssl("pkeyutl", "-decrypt", "-inkey", secret, content=mine)
    if done.returncode != 0 or len(done.stdout) != 16:
        raise SealError("it cannot be decrypted: bytes of it were changed")
    return done.stdout


def _is_signed(path: str, signature: Path, key: str) -> bool:
    with _written(key.encode()) as key_path:
        return _openssl("dgst", "-sm3", "-verify", key_path, *_ID, "-signature", signature, path).returncode == 0


@contextmanager
def _written(content: bytes) -> Iterator[str]:
    """The path of a temporary file, for what openssl reads from files alone."""
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.name


def _openssl(*words: str | Path, content: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    if shutil.which("openssl") is None:
        raise ConfigError("the program openssl is not installed.", "gm", "apt-get install openssl")
    return subprocess.run(["openssl", *map(str, words)], input=content, capture_output=True, check=False, timeout=300)  # noqa: S607 - the system's own
