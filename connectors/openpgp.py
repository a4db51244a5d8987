"""OpenPGP by the `gpg` program, in a folder of its own: sign, then encrypt; and the way back. GnuPG 2.2 opens it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, BinaryIO, Final

from connectors.errors import ConfigError
from ledger.files import names_a_file

SIGN, ENCRYPT = "s", "e"
WARNED_DAYS: Final = (7, 30, 90)
_SECONDS: Final = 300
_PREFIX: Final = "jifen-gpg-"
_LONGEST_PLACE: Final = 70
_COMMON: Final = ("--batch", "--no-tty", "--no-options", "--quiet", "--no-auto-key-locate")
_UNASKED: Final = ("--pinentry-mode", "loopback", "--passphrase", "")
# RFC 4880 is what GnuPG 2.2 reads: a key of a newer version may ask for ciphers that it does not know.
_SEALING: Final = (
    *("--rfc4880", "--cipher-algo", "AES256", "--digest-algo", "SHA256", "--compress-algo", "none"),
    *("--trust-model", "always"),
    *_UNASKED,
)
_REFUSED: Final = {
    "BADSIG": "the signature is not of these bytes",
    "EXPKEYSIG": "the sender's key has expired",
    "REVKEYSIG": "the sender's key was revoked",
    "EXPSIG": "the signature has expired",
    "ERRSIG": "it is signed by a key that is not one of the known sender's",
    "BADMDC": "bytes of it were changed",
    "DECRYPTION_FAILED": "it cannot be decrypted: it is for another key, or bytes of it were changed",
}


class SealError(ValueError):
    """A package was not sealed by the known sender for this recipient, or not left as it was."""


@dataclass(frozen=True)
class Key:
    """A key in a file: what it may be used for now, and the last day on which that is so (None: always)."""

    fingerprint: str
    user: str
    is_secret: bool
    may: str
    expires_on: date | None
    problem: str | None


def seal(plain: Path, sealed: Path, signing: Path, recipients: Path, where: str) -> None:
    """Sign a file with the one secret key in `signing`, and encrypt it to every key in `recipients` not expired.

    Several recipients' keys stand in one file while one of them is replaced by the next. Raises `ConfigError` for a
    key file that may not be used, before anything is made.
    """
    signer = usable(signing, SIGN, where, is_secret=True)[0]
    readers = usable(recipients, ENCRYPT, where)
    with _home(signing, recipients) as home:
        to = [part for key in readers for part in ("--recipient", key.fingerprint)]
        command = [*_SEALING, "--local-user", signer.fingerprint, *to, "--sign", "--encrypt", "--output", "-"]
        with plain.open("rb") as source, sealed.open("wb") as target:
            done = _gpg(home, command, source, target)
    if done.returncode != 0 or not sealed.stat().st_size:
        raise ConfigError(f"gpg cannot seal: {_last_line(done.stderr)}.", where, "jifen sink check")


def unseal(content: bytes, secret: Path, senders: Path, where: str) -> bytes:
    """The content of a file that one of the keys in `senders` signed and `secret` opens. Raises `SealError`."""
    known = {key.fingerprint for key in keys_in(senders, where)}
    require_own(secret, where, 0o077)
    with _home(secret, senders) as home:
        done = _gpg(home, ["--status-fd", "2", *_UNASKED, "--decrypt"], content)
    said = done.stderr.decode("utf-8", "replace").splitlines()
    status = [line.split()[1:] for line in said if line.startswith("[GNUPG:] ")]
    names = [name for name, *_ in status]
    if found := next((_REFUSED[name] for name in names if name in _REFUSED), None):
        raise SealError(found)
    if "DECRYPTION_OKAY" not in names or "GOODMDC" not in names:
        raise SealError("it is not encrypted, or it is no OpenPGP message")
    signers = [words[-1] for name, *words in status if name == "VALIDSIG"]
    if not signers:
        raise SealError("it is not signed")
    # Two signers, or two texts: a part of it is not what the sender signed.
    if len(signers) != 1 or signers[0] not in known or names.count("PLAINTEXT") != 1 or done.returncode != 0:
        raise SealError("it is not signed by the known sender alone")
    return done.stdout


def usable(file: Path, purpose: str, where: str, *, is_secret: bool = False) -> list[Key]:
    """The keys in a file that may sign (or be encrypted to) today. Raises `ConfigError` where there is none.

    A secret key file that others may read, and a public one that others may change, are refused.
    """
    keys = keys_in(file, where)
    word = "secret" if is_secret else "public"
    of_kind = [key for key in keys if key.is_secret == is_secret]
    if not of_kind:
        raise ConfigError(f"{file} holds no {word} key.", where, "name the right file in its variable")
    require_own(file, where, 0o077 if is_secret else 0o022)
    if is_secret and len(of_kind) > 1:
        raise ConfigError(f"{file} holds {len(of_kind)} secret keys.", where, "leave the one that signs in it")
    found = [key for key in of_kind if key.problem is None and purpose in key.may]
    if not found:
        why = "; ".join(f"{key.fingerprint[-16:]} {key.problem or 'may not be used for this'}" for key in of_kind)
        follows = "ask the recipient for its new key, or extend ours and send them the public part"
        raise ConfigError(f"no {word} key in {file} can be used: {why}.", where, follows)
    return found


def keys_in(file: Path, where: str) -> list[Key]:
    """Every key in a file, armoured or not. Raises `ConfigError` where it cannot be read or holds none."""
    require_own(file, where, 0)
    with _home() as home:
        done = _gpg(home, ["--with-colons", "--fixed-list-mode", "--show-keys", str(file)])
    records = [line.split(":") for line in done.stdout.decode("utf-8", "replace").splitlines()]
    starts = [place for place, record in enumerate(records) if record[0] in ("pub", "sec")]
    if not starts:
        raise ConfigError(f"{file} holds no OpenPGP key.", where, "export one: gpg --armor --export")
    return [_key(records[begin:end]) for begin, end in zip(starts, [*starts[1:], None], strict=True)]


def _key(records: Sequence[Sequence[str]]) -> Key:
    """A key of gpg's lines: field 2 validity, 7 expiry, 10 fingerprint or user, 12 uses (capital: of the whole)."""
    first = records[0]
    text = {kind: next((one[9] for one in records if one[0] == kind), "") for kind in ("fpr", "uid")}
    parts = [one for one in records if one[0] in ("pub", "sec", "sub", "ssb")]
    # Of the subkeys for one use the last to expire counts; none outlives the key itself.
    ends = [_end(first)]
    for use in (SIGN, ENCRYPT):
        of_use = [_end(one) for one in parts if use in one[11]]
        ends += [None if None in of_use else max(filter(None, of_use))] if of_use else []
    known = [end for end in ends if end is not None]
    expires_on = min(known) if known else None
    problem = {"e": "has expired", "r": "was revoked", "d": "is disabled", "i": "is invalid"}.get(first[1])
    may = "".join(use for use in (SIGN, ENCRYPT) if use.upper() in first[11])
    if problem is None and expires_on is not None and expires_on < datetime.now(UTC).date():
        problem = "has expired"
    return Key(text["fpr"], text["uid"], first[0] == "sec", may, expires_on, problem)


def _end(record: Sequence[str]) -> date | None:
    return datetime.fromtimestamp(int(record[6]), UTC).date() if record[6] else None


def expiring(file: Path, today: date, where: str) -> Iterator[tuple[Key, int]]:
    """Each key of a file that expires within 90 days, or has, with the days that are left."""
    for key in keys_in(file, where):
        if key.expires_on and (left := (key.expires_on - today).days) <= max(WARNED_DAYS):
            yield key, left


def new_pair(folder: Path, name: str, *, days: int | None = None, born: datetime | None = None) -> tuple[Path, Path]:
    """Make a key pair without a passphrase: the secret file (mode 0600) and the public one; answers both paths."""
    secret, public = folder / f"{name}.secret.asc", folder / f"{name}.asc"
    # A minute ago: for a machine whose clock is behind ours a key of this second lies in the future.
    moment = born or datetime.now(UTC) - timedelta(minutes=1)
    at = ("--faked-system-time", f"{int(moment.timestamp())}!")
    with _home() as home:
        quick = [*_UNASKED, "--quick-generate-key", name, "future-default", "default"]
        made = _gpg(home, [*at, *quick, f"{days}d" if days else "never"])
        if made.returncode != 0:
            raise ConfigError(f"gpg cannot make a key: {_last_line(made.stderr)}.", str(folder), "look at the message")
        private = _gpg(home, [*_UNASKED, "--armor", "--export-secret-keys"])
        shown = _gpg(home, ["--armor", "--export"])
    write_pair(secret, private.stdout, public, shown.stdout)
    return secret, public


def write_pair(secret: Path, private: bytes, public: Path, shown: bytes) -> None:
    """Write the two files of a key pair: the secret one for its owner alone from its first byte on (mode 0600)."""
    secret.parent.mkdir(parents=True, exist_ok=True)
    for path, content, mode in ((secret, private, 0o600), (public, shown, 0o644)):
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_bytes(content)


def require_own(file: Path, where: str, forbidden: int) -> None:
    """Raise `ConfigError` where a key file is not there, or others may do to it what they must not."""
    if not names_a_file(file):
        # A key that was put into the variable in place of its path is not repeated.
        shown = file if file.is_absolute() and len(str(file)) < 256 else "that its variable names"
        what = f"the key file {shown} is not there, or this user may not see it."
        raise ConfigError(what, where, "put it there, or set its variable")
    mode = file.stat().st_mode & 0o777
    if mode & forbidden:
        what = "read" if forbidden & 0o044 else "changed"
        raise ConfigError(f"{file} may be {what} by others (mode {mode:04o}).", where, f"chmod go-rwx {file}")


def key_text(file: Path, where: str, encoding: str) -> str:
    """The text of a file of keys. Raises `ConfigError` where it cannot be read."""
    try:
        return file.read_text(encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        what = f"the key file {file} cannot be read ({type(error).__name__})."
        raise ConfigError(what, where, "put it there, or set its variable") from None


@contextmanager
def _home(*keys: Path) -> Iterator[Path]:
    """A folder of gpg's own with these keys and no others; its agent ends with it."""
    if shutil.which("gpg") is None:
        raise ConfigError("the program gpg is not installed.", "openpgp", "apt-get install gnupg")
    _sweep_homes()
    with TemporaryDirectory(prefix=_PREFIX, dir=_place()) as folder:
        home = Path(folder)
        try:
            for file in keys:
                done = _gpg(home, ["--import", str(file)])
                if done.returncode != 0:
                    raise ConfigError(
                        f"gpg cannot read {file}: {_last_line(done.stderr)}.", "openpgp", "jifen sink check"
                    )
            yield home
        finally:
            # An agent makes this folder as it begins: without it there is no agent to end.
            if (home / "private-keys-v1.d").exists():
                subprocess.run(
                    ["gpgconf", "--homedir", folder, "--kill", "all"],  # noqa: S607 - the system's own
                    capture_output=True,
                    check=False,
                    timeout=_SECONDS,
                )


def _place() -> str:
    """Where homes stand. The socket of gpg's agent stands in each, and a long path leaves it without one."""
    place = gettempdir()
    return place if len(place) <= _LONGEST_PLACE else "/tmp"  # noqa: S108 - a folder below it is made 0700


def _sweep_homes() -> None:
    """Remove what a kill left of earlier homes: copies of keys stand in them. Their agents end without them."""
    for left in Path(_place()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = left.stat()
            # No gpg runs for longer than `_SECONDS`, so no home in use is that old.
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > 4 * _SECONDS:
                shutil.rmtree(left)


def _gpg(
    home: Path, words: Sequence[str], content: bytes | BinaryIO = b"", target: BinaryIO | None = None
) -> "subprocess.CompletedProcess[bytes]":
    command = ["gpg", "--homedir", str(home), *_COMMON, *words]
    environment = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ} | {"LC_ALL": "C"}
    given: dict[str, Any] = {"input": content} if isinstance(content, bytes) else {"stdin": content}
    streams = {**given, "stdout": target or subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, **streams, check=False, env=environment, timeout=_SECONDS)


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("gpg: ") if lines else "it says nothing"
