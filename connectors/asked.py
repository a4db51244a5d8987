"""What a pull requests of a dataset: the changes from which moment on, and the values of its partition."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.errors import AgencyError, ConfigError
from connectors.landing import landed_path
from connectors.spec import Dataset, Since, Source
from ledger.batches import landed_batches, latest_promoted
from ledger.settings import Settings
from ledger.store import Row


def lower_bound(dataset: Dataset, ledger: Engine, as_of: date) -> str | None:
    """The newest change we hold, less the lookback, as ISO text; None before the first pull, and of a snapshot."""
    if dataset.since is None:
        return None
    last = latest_promoted(ledger, dataset.source, dataset.name, as_of)
    if last is None or last["high_water"] is None:
        return None
    newest = datetime.fromisoformat(last["high_water"]) - timedelta(days=dataset.since.lookback_days)
    if dataset.column(dataset.since.column).data_type == "date":
        return newest.date().isoformat()
    # Landed moments are UTC. A request over HTTP states the offset; a database column holds none.
    return newest.isoformat() + ("+00:00" if isinstance(dataset.since, Since) else "")


def require_newest(dataset: Dataset, ledger: Engine, as_of: date) -> None:
    """A delivery landed for a day before the newest one would lie under it and never be seen: a `ConfigError`."""
    later = latest_promoted(ledger, dataset.source, dataset.name, date.max)
    if later is not None and later["as_of"] > as_of.isoformat():
        raise ConfigError(
            f"a delivery of {later['as_of']} has landed, after {as_of}.",
            dataset.address,
            f"jifen run --as-of {later['as_of']}; a pull or a replay takes the same --as-of",
        )


def partition_values(
    source: Source, dataset: Dataset, settings: Settings, ledger: Engine, as_of: date
) -> tuple[str, ...]:
    """The values in their order; none where the dataset has no partition.

    A parent's values are those of every record it has landed and not deleted, so a child is requested for every one
    that is known. Raises `AgencyError` where the parent has no data yet.
    """
    if (partition := dataset.partition) is None:
        return ()
    if partition.values is not None:
        return partition.values
    parent = source.dataset(str(partition.dataset))
    batches = landed_batches(ledger, dataset.source, parent.name, as_of)
    if not batches:
        what = f"its parent dataset {parent.address} has no data yet."
        raise AgencyError(what, dataset.address, f"fix {parent.name}, run again")
    newest = batches[-1:] if parent.load == "snapshot" else batches
    return tuple(sorted(set(_live_values(parent, str(partition.column), newest, settings).values())))


def _live_values(parent: Dataset, column: str, batches: list[Row], settings: Settings) -> dict[tuple[str, ...], str]:
    """Key -> value of the column, of every record that is landed and not deleted since."""
    found: dict[tuple[str, ...], str] = {}
    for batch in batches:
        path = landed_path(settings.data_dir, parent.source, parent.name, batch["batch"])
        if column not in pq.read_schema(path).names:
            continue
        table = pq.read_table(path, columns=list({*parent.key, column, "_deleted"}), partitioning=None)
        texts = {name: table[name].cast(pa.string()).to_pylist() for name in {*parent.key, column}}
        keys = zip(*(texts[name] for name in parent.key), strict=True)
        for key, value, deleted in zip(keys, texts[column], table["_deleted"].to_pylist(), strict=True):
            found.pop(key, None)
            if not deleted and value is not None:
                found[key] = value
    return found
