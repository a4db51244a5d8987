"""A batch read again from its raw pages: to see where a row came from, and to land the same pages under other terms."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.columns import make_parser
from connectors.decoders.decode import decode
from connectors.pull import Pulled
from connectors.raw import keep_raw, read_raw
from connectors.spec import Dataset, Partition, RestRequest, Source
from connectors.zone import Zone
from ledger.batches import close_batch, open_batch, record_page
from ledger.store import Row
from sandbox.acceptance.house import House


def records_of(house: House, dataset: Dataset, page: Row) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Place and fields of every record of a raw page; no fields where the record is none."""
    body = read_raw(house.settings.data_dir, page["raw_sha256"])
    for chunk in decode(dataset, page["label"], body):
        for place, position in enumerate(chunk.positions):
            yield position, {name: values[place] for name, values in chunk.columns.items()}
        yield from ((one.position, None) for one in chunk.broken)


def typed(dataset: Dataset, zone: Zone, house: House, fields: dict[str, Any]) -> dict[str, Any]:
    """The typed values of a record by the exact parser, None where a value has a fault."""
    markers = zone.markers(dataset)
    row = {}
    for column in dataset.columns:
        parse = make_parser(column, markers.get(column.name, ()), house.settings.zone)
        row[column.name] = parse(fields.get(column.source_field))[0]
    return row


def bodies(house: House, pages: Sequence[Row]) -> list[tuple[str, bytes]]:
    """Label and bytes of these pages."""
    return [(page["label"], read_raw(house.settings.data_dir, page["raw_sha256"])) for page in pages]


def land_pages(house: House, source: Source, dataset: Dataset, pages: Sequence[tuple[str, bytes]]) -> Pulled:
    """Put pages into a fresh house as if they had just been pulled, and let the core land them; nothing is fetched."""
    key, _ = open_batch(house.ledger, source.name, dataset.name, house.as_of, source.sha256, None)
    for sequence, (label, body) in enumerate(pages, start=1):
        sha256 = keep_raw(house.settings.data_dir, body)
        following = {"again": sequence} if sequence < len(pages) else None
        record_page(house.ledger, key, sequence, label, sha256, len(body), following)
    close_batch(house.ledger, key, "pulled")
    # Of a table the core would not use pages of another moment: under this driver's name it takes them as they are.
    return house.pull(source.model_copy(update={"driver": "rest"}), _without_parent(dataset))


def _without_parent(dataset: Dataset) -> Dataset:
    """The same dataset, asking for nothing that its parent would have to tell: its pages are here already."""
    if dataset.parent is None or not isinstance(dataset.request, RestRequest):
        return dataset
    partition = Partition(name="kept", param="kept", values=("kept",))
    request = dataset.request.model_copy(update={"partition": partition})
    return dataset.model_copy(update={"request": request})
