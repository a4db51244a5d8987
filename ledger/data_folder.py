"""Where the data folder is, for commands that need no other setting and must answer at once."""

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT = Path("data")
VARIABLE = "JIFEN_DATA_DIR"


def absolute(folder: Path) -> Path:
    """A folder as every part of the system names it."""
    return folder.expanduser().resolve()


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The data folder that the environment names, as `Settings.data_dir` has it."""
    return absolute(Path((os.environ if environ is None else environ).get(VARIABLE, DEFAULT)))
