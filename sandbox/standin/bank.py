"""A bank that a sink file names: its OpenPGP keys and ours, made once for each state folder."""

from pathlib import Path
from typing import Final

from connectors.openpgp import new_pair
from connectors.sink_files import ExtractSink

SENDER: Final = "zone"


def bank_keys(sink: ExtractSink, state: Path) -> dict[str, str]:
    """The variables of a sealed sink's key files; the bank's secret key stands beside them, for whoever plays it."""
    if sink.sealed is None:
        return {}
    files = {name: key_pair(state, name) for name in (SENDER, sink.name)}
    return {
        sink.sealed.signing_key.env: str(files[SENDER][0].absolute()),
        sink.sealed.recipient_keys.env: str(files[sink.name][1].absolute()),
    }


def key_pair(state: Path, name: str) -> tuple[Path, Path]:
    """The secret and the public key file of a party, made where they are not there yet."""
    folder = state / "openpgp"
    found = folder / f"{name}.secret.asc", folder / f"{name}.asc"
    return found if all(path.exists() for path in found) else new_pair(folder, name)
