"""Paths of the data folder, importable at no cost for commands that must answer at once."""

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT = Path("data")
VARIABLE = "JIFEN_DATA_DIR"


def absolute(folder: Path) -> Path:
    """The one form in which all parts of the system name a folder: absolute, links resolved."""
    return folder.expanduser().resolve()


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The data folder that the environment names, as `Settings.data_dir` has it."""
    return absolute(Path((os.environ if environ is None else environ).get(VARIABLE, DEFAULT)))


def raw_path(data_dir: Path, sha256: str) -> Path:
    """Where the raw object of this hash stands."""
    return data_dir / "raw" / sha256[:2] / f"{sha256}.zst"
