"""What a pull would request, read from the source files and from a copy of the ledger; nothing is sent.

Nothing is sent, and nothing is written into the data folder: not even SQLite's own side files, which is why a SQLite
ledger is read from a copy.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from connectors.asked import lower_bound, partition_values
from connectors.errors import AgencyError, ConfigError
from connectors.spec import DatabaseRequest, Dataset, FileRequest, RestRequest, Source
from connectors.zone import Zone
from ledger.batches import BatchKey, latest_promoted, pages_of, unfinished_batch
from ledger.settings import Settings
from ledger.store import Row, version_of
from ledger.tables import SCHEMA_VERSION

COPIES = 5
"""How often it is tried to copy a ledger that changes meanwhile."""


@dataclass(frozen=True)
class Planned:
    """What would be requested of one dataset, and what we hold of it. Parameters are those of the file: no secrets."""

    dataset: str
    driver: str
    asks: str
    params: dict[str, str]
    paging: str | None
    partitions: str | None
    since: str | None
    resume: str
    expected: str
    last_promoted: str
    not_supplied: str | None


def plan(sources: Sequence[Source], zone: Zone, settings: Settings, as_of: date) -> list[Planned]:
    """One line for each dataset of these sources."""
    with reading(settings) as ledger:
        return [_plan_one(s, d, zone, settings, ledger, as_of) for s in sources for d in s.datasets]


def _plan_one(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine | None, as_of: date
) -> Planned:
    last = latest_promoted(ledger, source.name, dataset.name, as_of) if ledger else None
    since = lower_bound(dataset, ledger, as_of) if ledger else None
    paginator = dataset.paginator
    return Planned(
        dataset=dataset.address,
        driver=source.driver,
        asks=_asks(dataset),
        params=_params(dataset, since),
        paging=paginator.kind if paginator else None,
        partitions=_partitions(source, dataset, settings, ledger, as_of),
        since=since or (getattr(dataset.since, "start", None) or "the beginning" if dataset.since else None),
        resume=_resume(source, dataset, ledger, as_of),
        expected=f"{dataset.volume.floor} to {dataset.volume.ceiling} records",
        last_promoted=_batch_in_words(last),
        not_supplied=zone.why_not_supplied(dataset),
    )


def _asks(dataset: Dataset) -> str:
    request = dataset.request
    match request:
        case RestRequest():
            if request.job is not None:
                return f"POST {request.job.create_path}, then {request.job.status_path} until it is done"
            return f"{request.method} {request.path}"
        case FileRequest():
            whole = f", whole by {request.ready.kind}" if request.ready else ""
            return f"files {request.folder}/{request.pattern}{whole}"
        case DatabaseRequest():
            return f"table {request.table}, {request.size} rows a page"


def _params(dataset: Dataset, since: str | None) -> dict[str, str]:
    request = dataset.request
    if not isinstance(request, RestRequest):
        return {}
    params = dict(request.params)
    if request.since is not None:
        params[request.since.param] = since or request.since.start
    return params


def _partitions(source: Source, dataset: Dataset, settings: Settings, ledger: Engine | None, as_of: date) -> str | None:
    """How many values a partition has; those of a parent are the ones held now."""
    if (partition := dataset.partition) is None:
        return None
    if partition.values is not None:
        return f"{len(partition.values)} values of {partition.name}"
    origin = f"{partition.dataset}.{partition.column}"
    try:
        values = partition_values(source, dataset, settings, ledger, as_of) if ledger else ()
    except AgencyError:
        values = ()
    return f"{len(values)} values of {origin} as last landed" if values else f"each value of {origin}, none held yet"


def _resume(source: Source, dataset: Dataset, ledger: Engine | None, as_of: date) -> str:
    unfinished = unfinished_batch(ledger, dataset.source, dataset.name) if ledger else None
    if ledger is None or unfinished is None:
        return "from the beginning"
    batch = unfinished["batch"]
    if (unfinished["as_of"], unfinished["spec_sha256"]) != (as_of.isoformat(), source.sha256):
        return f"from the beginning: batch {batch} is of another day or another source file"
    pages = pages_of(ledger, BatchKey(dataset.source, dataset.name, batch))
    if not pages:
        return f"from the beginning of batch {batch}"
    if pages[-1]["next_cursor"] is None:
        return f"nothing: all {len(pages)} pages of batch {batch} are kept and will be landed"
    return f"behind {pages[-1]['label']}, {len(pages)} pages of batch {batch} are kept"


def _batch_in_words(last: Row | None) -> str:
    if last is None:
        return "nothing pulled yet"
    stands = f" as {last['same_as']}" if last["same_as"] else ""
    return f"{last['batch']} {last['state']}{stands}, {last['rows_landed']} rows landed"


@contextmanager
def reading(settings: Settings) -> Iterator[Engine | None]:
    """The ledger, for reading only; None where there is none yet."""
    with tempfile.TemporaryDirectory(prefix="jifen-plan-") as folder:
        engine = _reader(settings, Path(folder))
        if engine is None:
            yield None
            return
        try:
            yield engine if _is_of_our_version(engine) else None
        finally:
            engine.dispose()


def _reader(settings: Settings, folder: Path) -> Engine | None:
    """A connection that cannot write; None where a SQLite ledger is not there."""
    url = make_url(settings.resolved_ledger_url)
    if url.get_backend_name() != "sqlite":
        read_only = {"options": "-c default_transaction_read_only=on", "connect_timeout": 20}
        return create_engine(url, connect_args=read_only, poolclass=NullPool)
    path = Path(url.database or "")
    return create_engine(f"sqlite:///{_copied(path, folder)}", poolclass=NullPool) if path.is_file() else None


def _is_of_our_version(engine: Engine) -> bool:
    """Whether there is a ledger; one of another version is a `ConfigError`."""
    found = version_of(engine)
    if found is None or found == SCHEMA_VERSION:
        return found is not None
    what = f"the ledger is of version {found}, and this jifen of version {SCHEMA_VERSION} has not opened it yet."
    next_step = "jifen status, which migrates it"
    if found > SCHEMA_VERSION:
        what = f"the ledger is of version {found}, this jifen knows versions up to {SCHEMA_VERSION}."
        next_step = "use the jifen that wrote it, or a newer one"
    raise ConfigError(what, str(engine.url), next_step)


def _copied(path: Path, folder: Path) -> Path:
    """A copy of a SQLite file with what its log holds, taken between two changes of the original."""
    parts = [path, path.with_name(f"{path.name}-wal")]
    for _ in range(COPIES):
        before = _stamps(parts)
        for part in parts:
            (folder / part.name).unlink(missing_ok=True)
            if part.exists():
                shutil.copyfile(part, folder / part.name)
        if _stamps(parts) == before and _is_whole(folder / path.name):
            return folder / path.name
    raise ConfigError(
        "the ledger changes faster than it can be read.", str(path), "wait for the run to end (jifen status)"
    )


def _stamps(parts: Sequence[Path]) -> list[tuple[int, int] | None]:
    return [(found.stat().st_size, found.stat().st_mtime_ns) if found.exists() else None for found in parts]


def _is_whole(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("pragma quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
