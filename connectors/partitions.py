"""What a partitioned dataset is asked for, value by value: a list in its source file, or a column of its parent."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.errors import AgencyError
from connectors.landing import landed_path
from connectors.spec import Dataset, RestRequest, Source
from ledger.batches import landed_batches
from ledger.settings import Settings
from ledger.store import Row


def partition_values(
    source: Source, dataset: Dataset, settings: Settings, ledger: Engine, as_of: date
) -> tuple[str, ...]:
    """The values in their order; none where the dataset has no partition.

    A parent's values are those of every record it has landed and not deleted, so a child is asked for whatever is
    known. Raises `AgencyError` where the parent has landed nothing yet.
    """
    partition = dataset.request.partition if isinstance(dataset.request, RestRequest) else None
    if partition is None:
        return ()
    if partition.values is not None:
        return partition.values
    parent, column = str(partition.dataset), str(partition.column)
    batches = landed_batches(ledger, dataset.source, parent, as_of)
    if not batches:
        raise AgencyError(
            f"its parent {dataset.source}.{parent} has landed nothing.", dataset.address, f"mend {parent}, run again"
        )
    newest = batches[-1:] if source.dataset(parent).load == "snapshot" else batches
    return tuple(sorted(set(_live(source.dataset(parent), column, newest, settings).values())))


def _live(parent: Dataset, column: str, batches: list[Row], settings: Settings) -> dict[tuple[str, ...], str]:
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
