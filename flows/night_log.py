"""The log of one night in the data folder: a line of JSON for each message, with run and step, and without secrets."""

import base64
import io
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from connectors.strict import OPEN_FIELDS, variables_in
from ledger.files import FILE_MODE, FOLDER_MODE, names_a_file
from ledger.report import Report

SHORTEST = 5
"""A shorter secret would be found in any text by chance, and is left."""
SHORTEST_OF_PATH = 16
"""A shorter part of an address is a name, and no token."""
HIDDEN = "***"

log = logging.getLogger("jifen")


class NightLog(logging.StreamHandler[TextIO]):
    """Writes down each message of a night; `secrets` are the texts that are not written."""

    def __init__(self, file: TextIO, report: Report) -> None:
        super().__init__(file)
        self._report = report
        self.secrets: tuple[str, ...] = ()

    def add(self, level: int, text: str) -> None:
        """Write down a message that people are shown in another way."""
        self.handle(log.makeRecord(log.name, level, "", 0, "%s", (text,), None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Ignore the error: on a full disk the log lacks lines, and the night goes on."""

    def hide(self, files: Iterable[Any], environ: Mapping[str, str]) -> None:
        """From here on write no value of a variable that one of these source and sink files names as a secret."""
        named = {name for file in files for name in variables_in(file, OPEN_FIELDS)} | {"JIFEN_LEDGER_URL"}
        found = {form for name in named for form in _forms(environ.get(name, ""))}
        self.secrets = tuple(sorted(found, key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        """A message as one line of JSON, without secrets."""
        text = record.getMessage()
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        at_work = (line["step"] for line in reversed(self._report.get("steps", ())) if line["ended"] is None)
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "run": self._report["run_id"],
            "step": next(at_work, None),
            "message": text,
        }
        return json.dumps(line, ensure_ascii=False)


def _forms(value: str) -> Iterator[str]:
    """The forms in which a secret, or a part of it, may appear: as it is, as it is sent, as programs show it."""
    # The path of a key is no secret, and what stands in that file is written nowhere.
    if len(value) < SHORTEST or names_a_file(value):
        return
    for secret in (value, *_secret_parts(value)):
        yield from {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
        yield from {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        yield from _in_base64(secret.encode())


def _secret_parts(value: str) -> Iterator[str]:
    """Each line of several; of a URL its password, what its query says, and long parts of its path: a bot's token."""
    if len(lines := value.splitlines()) > 1:
        yield from (line for line in lines if len(line) >= SHORTEST)
    with suppress(ValueError):
        url = urlsplit(value)
        password = url.password or ""
        parts = [password, unquote(password), *(text for _, text in parse_qsl(url.query))]
        yield from (part for part in parts if len(part) >= SHORTEST)
        if url.scheme in ("http", "https"):
            yield from (part for part in url.path.split("/") if len(part) >= SHORTEST_OF_PATH)


def _in_base64(content: bytes) -> Iterator[str]:
    """The part of base64 that these bytes alone decide, at each offset: a password stands behind its user's name."""
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + content).decode()
        form = whole[-(-shift * 4 // 3) : (shift + len(content)) * 4 // 3]
        yield from {form, form.replace("+", "-").replace("/", "_")}


def log_path(data_dir: Path, run_id: str) -> Path:
    """Where the log of a night stands; the name of a run begins with its business date."""
    return data_dir / "logs" / f"{run_id}.jsonl"


@contextmanager
def kept_log(data_dir: Path, report: Report) -> Iterator[NightLog]:
    """Write down what the recipe logs, in a file that its owner alone may read. Where that fails, the night goes on."""
    path, level = log_path(data_dir, report["run_id"]), log.level
    file: TextIO = io.StringIO()
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE), "a", encoding="utf-8")
    except OSError as error:
        log.warning("the night's log is not kept: %s: %s", path, error.strerror)
    lines = NightLog(file, report)
    log.addHandler(lines)
    log.setLevel(min(log.getEffectiveLevel(), logging.INFO))
    try:
        yield lines
    finally:
        log.removeHandler(lines)
        log.setLevel(level)
        with suppress(OSError):
            file.close()
