"""What a partitioned dataset is asked for, value by value: a list in its source file, or a column of its parent."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.errors import AgencyError
from connectors.landing import landed_path
from connectors.spec import Dataset, RestRequest, Source
from ledger.batches import landed_batches
from ledger.settings import Settings


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
    found: set[str] = set()
    for batch in newest:
        path = landed_path(settings.data_dir, dataset.source, parent, batch["batch"])
        table = pq.read_table(path, columns=[column, "_deleted"], partitioning=None)
        deleted = set(_texts(table.filter(table["_deleted"])[column]))
        found = (found - deleted) | set(_texts(table.filter(pc.invert(table["_deleted"]))[column]))
    return tuple(sorted(found))


def _texts(values: pa.ChunkedArray) -> list[str]:
    texts: list[str] = values.cast(pa.string()).drop_null().unique().to_pylist()
    return texts
