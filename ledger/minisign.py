"""Ed25519 signatures in minisign's format, which can be checked with `minisign` and the public key."""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.files import opened

SUFFIX = ".minisig"
PUBLIC_SUFFIX = ".pub"
_KEY, _HASHED = b"Ed", b"ED"
_COMMENT, _TRUSTED = "untrusted comment: ", "trusted comment: "
# What stands before the key in a secret key file: no password, BLAKE2b as the check sum, no salt and no limits.
_PLAIN = b"\0\0" + b"B2" + bytes(32 + 8 + 8)


class KeyFileError(ValueError):
    """A key file is not there, is no minisign key, or others may read it. Whose: config."""

    def __init__(self, path: Path, what: str, follows: str) -> None:
        super().__init__(f"the key {path} {what}. Whose: config. Next: {follows}")
        self.what, self.follows = f"the key {path} {what}.", follows


class SignatureError(ValueError):
    """A signature is not there, not readable, of another key, or not of these bytes."""


@dataclass(frozen=True)
class PublicKey:
    """A public key: 8 bytes that name it, and the key itself of 32."""

    key_id: bytes
    raw: bytes

    @property
    def text(self) -> str:
        """The line that `minisign -P` takes."""
        return base64.b64encode(_KEY + self.key_id + self.raw).decode()

    @property
    def name(self) -> str:
        """The id as minisign prints it."""
        return self.key_id[::-1].hex().upper()


@dataclass(frozen=True)
class SecretKey:
    """A secret key that signs; it is never logged or printed."""

    key_id: bytes
    signer: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """Its public part."""
        return PublicKey(self.key_id, self.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def new_key(path: Path) -> PublicKey:
    """Write a new secret key to `path` (mode 0600) and its public key beside it (`.pub`); neither may be there yet.

    Raises `KeyFileError` where one is. The secret key has no password: nights run unattended.
    """
    signer, key_id = Ed25519PrivateKey.generate(), secrets.token_bytes(8)
    key = SecretKey(key_id, signer)
    whole = signer.private_bytes_raw() + key.public.raw
    checked = hashlib.blake2b(_KEY + key_id + whole, digest_size=32).digest()
    secret = _KEY + _PLAIN + key_id + whole + checked
    public_path = public_path_of(path)
    texts = {
        public_path: f"{_COMMENT}minisign public key {key.public.name}\n{key.public.text}\n",
        path: f"{_COMMENT}minisign secret key {key.public.name}\n{base64.b64encode(secret).decode()}\n",
    }
    if there := next((one for one in texts if one.exists()), None):
        raise KeyFileError(there, "is there already and is not replaced", "give another path")
    path.parent.mkdir(parents=True, exist_ok=True)
    for one, text in texts.items():
        mode = 0o600 if one == path else 0o644
        with os.fdopen(os.open(one, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
            file.write(text)
    return key.public


def public_path_of(secret: Path) -> Path:
    """Where the public key of a secret key file stands."""
    return secret.with_name(secret.name + PUBLIC_SUFFIX)


def read_secret_key(path: Path) -> SecretKey:
    """The secret key in a file, ours or `minisign -G -W`'s. Raises `KeyFileError` where others may read the file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(path, f"cannot be read ({type(error).__name__})", "jifen key new PATH") from None
    if mode & 0o077:
        raise KeyFileError(path, f"may be read or written by others (mode {mode:04o})", f"chmod 600 {path}")
    # 2 bytes of `_KEY`, 52 of `_PLAIN`, 8 of the id, 64 of the key and its public part, 32 of the check sum.
    blob = _decoded(lines[1] if len(lines) > 1 else "", 158)
    if blob is None or blob[:2] != _KEY:
        raise KeyFileError(path, "is no minisign secret key", "jifen key new PATH")
    if blob[2:4] != b"\0\0":
        raise KeyFileError(path, "has a password, and nights run unattended", "minisign -G -W, or jifen key new PATH")
    key_id, whole, checked = blob[54:62], blob[62:126], blob[126:158]
    key = SecretKey(key_id, Ed25519PrivateKey.from_private_bytes(whole[:32]))
    # minisign 0.11 writes no check sum where there is no password; the public part shows damage all the same.
    sums = (hashlib.blake2b(_KEY + key_id + whole, digest_size=32).digest(), bytes(32))
    if checked not in sums or key.public.raw != whole[32:]:
        raise KeyFileError(path, "is damaged", "restore it from its backup, or jifen key new PATH")
    return key


def read_public_keys(path: Path) -> tuple[PublicKey, ...]:
    """The public keys in a file: the newest, and those that signed earlier. Raises `KeyFileError`."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(path, f"cannot be read ({type(error).__name__})", "jifen key show") from None
    found = []
    for line in lines:
        if line and not line.startswith(_COMMENT):
            key = public_key_of(line)
            if key is None:
                raise KeyFileError(path, "holds a line that is no minisign public key", "jifen key show")
            found.append(key)
    if not found:
        raise KeyFileError(path, "holds no minisign public key", "jifen key show")
    return tuple(found)


def public_key_of(line: str) -> PublicKey | None:
    """The public key that a line of text is, as `jifen key show` prints it; None for any other text."""
    blob = _decoded(line, 42)
    return None if blob is None or blob[:2] != _KEY else PublicKey(blob[2:10], blob[10:])


def sign(key: SecretKey, content: bytes | Path, trusted: str) -> str:
    """The signature file of these bytes, or of those in a file. Equal input, equal bytes.

    `trusted` is one line that is signed with them.
    """
    with opened(content) as file:
        signed = key.signer.sign(hashlib.file_digest(file, hashlib.blake2b).digest())
    both = key.signer.sign(signed + trusted.encode())
    blob = base64.b64encode(_HASHED + key.key_id + signed).decode()
    return (
        f"{_COMMENT}signature by minisign key {key.public.name}\n{blob}\n"
        f"{_TRUSTED}{trusted}\n{base64.b64encode(both).decode()}\n"
    )


def check(keys: Mapping[bytes, PublicKey], content: bytes, signature: str) -> tuple[PublicKey, str]:
    """The key that signed these bytes, and the line signed with them. Raises `SignatureError` for any other."""
    lines = signature.splitlines()
    if len(lines) != 4 or not lines[0].startswith(_COMMENT) or not lines[2].startswith(_TRUSTED):
        raise SignatureError("is no minisign signature")
    blob, both = _decoded(lines[1], 74), _decoded(lines[3], 64)
    if blob is None or both is None or blob[:2] not in (_KEY, _HASHED):
        raise SignatureError("is no minisign signature")
    key = keys.get(blob[2:10])
    if key is None:
        raise SignatureError(f"is by key {PublicKey(blob[2:10], b'').name}, which is none of the known public keys")
    trusted = lines[2].removeprefix(_TRUSTED)
    message = content if blob[:2] == _KEY else hashlib.blake2b(content).digest()
    verifier = Ed25519PublicKey.from_public_bytes(key.raw)
    try:
        verifier.verify(blob[10:], message)
        verifier.verify(both, blob[10:] + trusted.encode())
    except InvalidSignature:
        raise SignatureError(f"of key {key.name} is not of these bytes") from None
    return key, trusted


def _decoded(text: str, size: int) -> bytes | None:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One text for one value: base64 may hold bits that mean nothing.
    return found if len(found) == size and base64.b64encode(found).decode() == text else None
