"""dbt's parse of the project, copied from one candidate to the next: it saves seconds, and may be lost."""

import hashlib
import logging
import os
import shutil
from pathlib import Path

from ledger.files import FILE_MODE

PARSE = "partial_parse.msgpack"

logger = logging.getLogger(__name__)


def kept_parse(cache: Path, project_dir: Path) -> Path:
    """Where the parse of the project in this folder is kept.

    A parse holds the absolute paths of its project: in another checkout it would read the seeds of the first one.
    """
    whose = hashlib.sha256(str(project_dir.resolve()).encode()).hexdigest()[:12]
    return cache / f"{whose}.{PARSE}"


def fetch_parse(cache: Path, project_dir: Path, target: Path) -> None:
    """Copy the last good parse, or the one of `make setup`, to a new target; dbt ignores a parse that it cannot use."""
    kept = kept_parse(cache, project_dir)
    _copy(kept if kept.is_file() else project_dir / "dbt_project" / "target" / PARSE, target / PARSE)


def keep_parse(cache: Path, project_dir: Path, target: Path) -> None:
    """Keep the parse of a good build for the next candidate."""
    _copy(target / PARSE, kept_parse(cache, project_dir))


def _copy(source: Path, destination: Path) -> None:
    if not source.is_file():
        return
    draft = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        draft.chmod(FILE_MODE)
        draft.replace(destination)
    except OSError as error:
        logger.warning("dbt's parse was not carried over, the build only takes longer: %s", error)
        draft.unlink(missing_ok=True)
