"""A bank that a sink file names: its OpenPGP keys and ours, made once for each state folder."""

from pathlib import Path
from typing import Final

from connectors import gm
from connectors.age import new_identity
from connectors.openpgp import new_pair
from connectors.sink_files import ExtractSink
from ledger.minisign import new_key, public_path_of

SENDER: Final = "zone"


def bank_keys(sink: ExtractSink, state: Path) -> dict[str, str]:
    """The variables of a sealed sink's key files; the bank's secret key stands beside them, for tests."""
    if sink.sealed is None:
        return {}
    ours, theirs = (key_pair(state, name, sink.sealed.kind) for name in (SENDER, sink.name))
    return {
        sink.sealed.signing_key.env: str(ours[0].absolute()),
        sink.sealed.recipient_keys.env: str(theirs[1].absolute()),
    }


def key_pair(state: Path, name: str, kind: str = "openpgp") -> tuple[Path, Path]:
    """The secret and the public key file of a party, made where they are not there yet."""
    folder = state / kind
    if kind == "openpgp":
        found = folder / f"{name}.secret.asc", folder / f"{name}.asc"
        return found if all(path.exists() for path in found) else new_pair(folder, name)
    secret = folder / f"{name}.key"
    if kind == "gm" and not secret.exists():
        gm.new_pair(secret, public_path_of(secret))
    if not secret.exists():
        new_key(secret) if name == SENDER else new_identity(secret, public_path_of(secret))
    return secret, public_path_of(secret)
