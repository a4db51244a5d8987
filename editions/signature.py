"""Signing a sealed edition, and checking its signatures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from editions.places import MANIFEST, SUMS
from ledger.minisign import SUFFIX, PublicKey, SecretKey, SignatureError, check, sign

SIGNED = (MANIFEST, SUMS)
"""The signed files: both have the hash of every file, one for programs and one for `sha256sum -c`."""
SIGNATURES = tuple(f"{name}{SUFFIX}" for name in SIGNED)

Keys = Mapping[bytes, PublicKey]


def by_id(keys: Sequence[PublicKey]) -> Keys:
    """Public keys by the id that a signature names."""
    return {key.key_id: key for key in keys}


def sign_edition(root: Path, edition_id: str, key: SecretKey) -> None:
    """Write the signatures of an edition's manifest and sums; the same edition and key give the same bytes."""
    for name in SIGNED:
        text = sign(key, (root / name).read_bytes(), trusted_line(edition_id, name))
        (root / f"{name}{SUFFIX}").write_text(text, encoding="ascii", newline="\n")


def trusted_line(edition_id: str, name: str) -> str:
    """The line signed with the bytes: it keeps a signature of another edition or file from being used for this one."""
    return f"jifen edition {edition_id} {name}"


def is_signed(edition: Path) -> bool:
    """Whether an edition has a signature, valid or not."""
    return any((edition / name).exists() for name in SIGNATURES)


def signer_of(edition: Path, edition_id: str, keys: Keys) -> str:
    """The name of the known key that signed an edition. Raises `SignatureError`, which names the file."""
    names = set()
    for name in SIGNED:
        file = edition / f"{name}{SUFFIX}"
        try:
            text = file.read_text(encoding="ascii")
            key, line = check(keys, (edition / name).read_bytes(), text)
        except (OSError, UnicodeDecodeError):
            raise SignatureError(f"{file.name} is not there or cannot be read") from None
        except SignatureError as error:
            raise SignatureError(f"{file.name} {error}") from None
        if line != trusted_line(edition_id, name):
            raise SignatureError(f"{file.name} is of another edition or file: {line!r}")
        names.add(key.name)
    if len(names) != 1:
        raise SignatureError(f"{' and '.join(SIGNATURES)} are by different keys")
    return names.pop()
