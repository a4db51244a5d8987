"""age, by the package pyrage: encrypt, then sign in minisign's format; and the way back."""

from pathlib import Path
from typing import Any

from connectors.errors import ConfigError
from connectors.openpgp import SealError, key_text, require_own, write_pair
from ledger.minisign import SUFFIX, KeyFileError, SignatureError, check, read_public_keys, read_secret_key, sign


def seal(plain: Path, sealed: Path, signing: Path, recipients: Path, where: str) -> bytes:
    """Encrypt a file to every recipient, and sign the result with its name; answers the signature.

    Raises `ConfigError` for a key file that may not be used, before anything is made.
    """
    key, readers = usable(signing, recipients, where)
    _pyrage(where).encrypt_file(str(plain), str(sealed), readers)
    return sign(key, sealed, f"file:{sealed.name}").encode()


def unseal(content: bytes, signature: Path, secret: Path, senders: Path, where: str) -> bytes:
    """The content of a sealed file that one of the keys in `senders` signed under its name and `secret` opens.

    Raises `SealError`.
    """
    pyrage = _pyrage(where)
    require_own(secret, where, 0o077)
    try:
        known = {key.key_id: key for key in read_public_keys(senders)}
        keys = [pyrage.x25519.Identity.from_str(line) for line in _lines(secret, where)]
    except KeyFileError as error:
        raise ConfigError(error.what, where, "name the file of the sender's public key") from None
    except pyrage.IdentityError:
        what = f"{secret} holds a line that is no age identity."
        raise ConfigError(what, where, "name the file of lines AGE-SECRET-KEY-1… that age-keygen wrote") from None
    if not signature.is_file():
        raise SealError(f"it is not signed: {signature.name} is not there")
    # Before anything is decrypted: what the sender did not sign is not opened.
    try:
        _, comment = check(known, content, signature.read_text(encoding="utf-8", errors="replace"))
    except SignatureError as error:
        raise SealError(f"its signature {error}") from None
    if comment != f"file:{signature.name.removesuffix(SUFFIX)}":
        raise SealError("it was signed under another name")
    try:
        opened: bytes = pyrage.decrypt(content, keys)
    except pyrage.DecryptError:
        raise SealError("it cannot be decrypted: it is for another key") from None
    return opened


def usable(signing: Path, recipients: Path, where: str) -> tuple[Any, list[Any]]:
    """Our key that signs, and the recipient's that may open. Raises `ConfigError` where one cannot be used."""
    pyrage = _pyrage(where)
    try:
        key = read_secret_key(signing)
    except KeyFileError as error:
        raise ConfigError(error.what, where, error.follows) from None
    lines = _lines(recipients, where)
    # Who can add a line there reads every package from then on.
    require_own(recipients, where, 0o022)
    try:
        return key, [pyrage.x25519.Recipient.from_str(line) for line in lines]
    except pyrage.RecipientError:
        what = f"{recipients} holds a line that is no age recipient."
        raise ConfigError(what, where, "ask the recipient for lines that begin with age1") from None


def new_identity(secret: Path, public: Path) -> None:
    """Make a recipient's key pair: the secret file (mode 0600) and the public one."""
    made = _pyrage("age").x25519.Identity.generate()
    write_pair(secret, f"{made}\n".encode(), public, f"{made.to_public()}\n".encode())


def _lines(file: Path, where: str) -> list[str]:
    lines = map(str.strip, key_text(file, where, "utf-8").splitlines())
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ConfigError(f"{file} holds no key.", where, "name the right file in its variable")
    return found


def _pyrage(where: str) -> Any:
    try:
        import pyrage
    except ImportError:
        raise ConfigError("the package pyrage is not installed.", where, "pip install 'jifen[age]'") from None
    return pyrage
