"""The `.env` file: settings and secrets of the command line, a Prefect worker and the flow that it runs."""

import os
import re
from pathlib import Path
from typing import TextIO

PROJECT_DIR = Path(__file__).resolve().parent.parent
"""The checkout: jifen runs from its own folder, where the source files, the models and the suites stand."""

NAMED_BY = "JIFEN_ENV_FILE"
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_PATHS = {
    "JIFEN_DATA_DIR": "data",
    **dict.fromkeys(("JIFEN_ZONE_FILE", "JIFEN_SIGNING_KEY_FILE", "JIFEN_PUBLIC_KEY_FILE", "JIFEN_APPROVERS_FILE"), ""),
}


class SettingsError(ValueError):
    """A setting of this installation cannot be used as it stands."""

    def __init__(self, what: str, where: str, next_step: str) -> None:
        super().__init__(f"{where}: {what} Whose: config. Next: {next_step}")


def env_file() -> Path | None:
    """The file that JIFEN_ENV_FILE names (empty: none), or `.env` of the current folder, or that of the project."""
    named = os.environ.get(NAMED_BY)
    if named is not None:
        return Path(named) if named else None
    return next((path for path in (Path(".env"), PROJECT_DIR / ".env") if path.is_file()), None)


def load_env_file() -> Path | None:
    """Put the variables of the file into the environment; returns the file, or None where there is none.

    A variable that the environment has already keeps its value. Relative paths in the file, and the default data
    folder, start at the file's own folder: a worker or a scheduler runs in another folder than the operator.
    Values are taken as they stand: a `$` in a password is a `$`.
    """
    path = env_file()
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8-sig") as text:
            values = _values(text, path)
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "is not UTF-8."
        raise SettingsError(f"cannot be read: {what}", str(path), "fix the file, or unset JIFEN_ENV_FILE") from None
    for name, default in _PATHS.items():
        if given := values.get(name) or default:
            values[name] = str(path.resolve().parent / Path(given).expanduser())
    for name, value in values.items():
        os.environ.setdefault(name, value)
    return path


def _values(text: TextIO, path: Path) -> dict[str, str]:
    """The value of each name. Raises `SettingsError` for a line that is no NAME=value or a name with two values."""
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    for one in parse_stream(text):
        line = f"{path}, line {one.original.line}"
        is_plain = one.key is None or (one.value is not None and _NAME.fullmatch(one.key) and "\0" not in one.value)
        if one.error or not is_plain:
            raise SettingsError("is no NAME=value.", line, "fix the line: a quotation mark may be open")
        if one.key is None or one.value is None:
            continue
        if found.setdefault(one.key, one.value) != one.value:
            raise SettingsError(f"{one.key} stands twice, with two values.", line, "leave one of them")
    return found


def open_to_others(path: Path) -> str | None:
    """A warning where others than its owner may read or write a file of secrets, else None."""
    mode = path.stat().st_mode & 0o777
    return f"{path} holds secrets and has mode {mode:03o}. Next: chmod 600 {path}" if mode & 0o077 else None
