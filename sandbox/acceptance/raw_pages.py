"""A batch read again from its raw pages: to see where a row came from, and to land the same pages under other terms."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.columns import make_parser
from connectors.decoders.decode import decode
from connectors.pull import Pulled
from connectors.raw import keep_raw, read_raw
from connectors.spec import Dataset, Partition, RestRequest, Source
from ledger.batches import close_batch, open_batch, record_page
from ledger.store import Row
from sandbox.acceptance.store import TrialStore


def records_of(store: TrialStore, dataset: Dataset, page: Row) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Place and fields of every record of a raw page; no fields where the record is none."""
    for chunk in decode(dataset, page["label"], read_raw(store.settings.data_dir, page["raw_sha256"])):
        for place, position in enumerate(chunk.positions):
            yield position, {name: values[place] for name, values in chunk.columns.items()}
        yield from ((one.position, None) for one in chunk.broken)


def typed(dataset: Dataset, store: TrialStore, fields: dict[str, Any]) -> dict[str, Any]:
    """The typed values of a record by the exact parser, None where a value has a fault."""
    markers, zone = store.zone.markers(dataset), store.settings.zone
    parsers = {c.name: make_parser(c, markers.get(c.name, ()), zone) for c in dataset.columns}
    return {c.name: parsers[c.name](fields.get(c.source_field))[0] for c in dataset.columns}


def bodies(store: TrialStore, pages: Sequence[Row]) -> list[tuple[str, bytes]]:
    """Label and bytes of these pages."""
    return [(page["label"], read_raw(store.settings.data_dir, page["raw_sha256"])) for page in pages]


def land_pages(store: TrialStore, source: Source, dataset: Dataset, pages: Sequence[tuple[str, bytes]]) -> Pulled:
    """Put pages into a fresh store as if they had just been pulled, and let the core land them; nothing is fetched."""
    key, _ = open_batch(store.ledger, source.name, dataset.name, store.as_of, source.sha256, None)
    for sequence, (label, body) in enumerate(pages, start=1):
        sha256 = keep_raw(store.settings.data_dir, body)
        following = {"again": sequence} if sequence < len(pages) else None
        record_page(store.ledger, key, sequence, label, sha256, len(body), following)
    close_batch(store.ledger, key, "pulled")
    if dataset.parent is not None and isinstance(dataset.request, RestRequest):
        # Its pages are here already: it must ask its parent for nothing.
        kept = Partition(name="kept", param="kept", values=("kept",))
        dataset = dataset.model_copy(update={"request": dataset.request.model_copy(update={"partition": kept})})
    # Of a table the core would not use pages of another moment: under this driver's name it takes them as they are.
    return store.pull(source.model_copy(update={"driver": "rest"}), dataset)
