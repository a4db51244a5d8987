"""Errors as people read them: one sentence. A traceback goes into a file, never to a terminal."""

import contextlib
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from ledger.data_folder import data_folder

OURS = frozenset({"cli", "connectors", "editions", "expectations", "flows", "ledger", "sandbox"})
"""Packages whose errors state what is wrong, where, whose fault it is and what to do next."""
LOG = Path("logs") / "faults.log"


def sentence(error: Exception) -> str:
    """One sentence about an error: its own where it has one, else where its traceback was written."""
    if type(error).__module__.partition(".")[0] in OURS:
        # The last lines of a process that did not start may be a traceback; the path of its log comes before them.
        return str(error).partition("\nTraceback ")[0] or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}. Whose: config. Next: fix the file, its rights or its disk, then run again"
    if type(error).__module__.startswith("sqlalchemy"):
        from ledger.store import database_error

        return f"the ledger: {database_error(error)}. Whose: config. Next: look at its disk or server, then run again"
    kept = keep_traceback(error) or "this line (its traceback could be written nowhere: is the disk full?)"
    return (
        f"a fault of jifen itself, {_named(error)}. Whose: jifen. "
        f"Next: give {kept} to the maintainers of this installation"
    )


def _named(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def keep_traceback(error: Exception) -> Path | None:
    """Append the traceback to `logs/faults.log` of the data folder, or to a new file where that cannot be written.

    None where neither can be: the error itself is reported all the same.
    """
    command = " ".join(sys.argv[1:3])
    head = f"--- {datetime.now(UTC).isoformat(timespec='seconds')} jifen {command}"
    text = "\n".join([head, *traceback.format_exception(error), ""])
    with contextlib.suppress(OSError, RuntimeError):
        path = data_folder() / LOG
        if path.parent.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            _append(path, text)
            return path
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="jifen-fault-", suffix=".log")
        os.close(handle)
        _append(Path(name), text)
        return Path(name)
    return None


def _append(path: Path, text: str) -> None:
    # Values of variables may stand in it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(text.encode("utf-8", "backslashreplace").decode())
