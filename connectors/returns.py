"""Return files 回执: what an agency sent in a night, how much of it was refused and why. They hold nothing else."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from connectors.decoders.decode import decode
from connectors.errors import DataError
from connectors.overlap import Recount, recounts
from connectors.raw import read_raw
from connectors.reasons import explain
from connectors.refusals import quarantine_path, read_lines
from connectors.spec import Dataset, Source
from ledger.batches import BatchKey, pages_of, repeats_in
from ledger.csv_file import CsvFile
from ledger.quarantine import record_id
from ledger.returns import batches_of_night
from ledger.store import Row
from ledger.yaml_file import read_yaml

LONGEST_CELL = 500
"""Characters of one cell: a value of a hostile file may be as large as the file, and the agency has it anyway."""
ROWS_AT_ONCE = 5_000

_WORDS = read_yaml(Path(__file__).with_name("return_words.yml").read_bytes())
HEADERS: dict[str, str] = _WORDS["headers"]
KINDS: dict[str, str] = _WORDS["kinds"]
COUNTED = ("received", "accepted", "refused", "discarded", "repaired", "duplicates")
NUMBERS = frozenset({*COUNTED, "position"})
WHOLE = {"refused": "whole_delivery_refused", "held": "whole_delivery_held"}
"""What became of a delivery as a whole, by the state of its batch."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class ReturnFile:
    """A return file's bytes, and its control totals, by dataset, for the manifest."""

    source: str
    content: bytes
    datasets: tuple[dict[str, Any], ...]

    def total(self, name: str) -> int:
        """The sum over the datasets of one count; what could not be counted is left out of it."""
        return sum(one[name] or 0 for one in self.datasets)


@dataclass(frozen=True)
class _Sent:
    """What one dataset received in a night: its batches, and its control totals with their pages in order.

    `recounts` says of each batch what of it came before in the same night: it is counted and reported once.
    """

    dataset: Dataset
    batches: tuple[Row, ...]
    totals: dict[str, Any]
    recounts: tuple[Recount | None, ...]


def compose(source: Source, data_dir: Path, ledger: Engine, as_of: date) -> ReturnFile | None:
    """The return file of one source and night, or None where nothing was received.

    It is a function of what was received alone: no clock, date or batch name stands in it, so that a night which brings
    the same again gives the same bytes.
    """
    found = [_delivery(dataset, data_dir, ledger, as_of) for dataset in source.datasets]
    deliveries = [one for one in found if one is not None]
    if not deliveries:
        return None
    buffer = io.BytesIO()
    kinds = [(title, pa.int64() if name in NUMBERS else pa.string()) for name, title in HEADERS.items()]
    schema = pa.schema(kinds)
    with CsvFile(buffer, schema) as file:
        rows = _rows(deliveries, data_dir)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            cells = [[row.get(name) for row in some] for name in HEADERS]
            columns = [pa.array(values, field.type) for values, field in zip(cells, schema, strict=True)]
            file.write(pa.Table.from_arrays(columns, schema=schema))
    return ReturnFile(source.name, buffer.getvalue(), tuple(one.totals for one in deliveries))


def _delivery(dataset: Dataset, data_dir: Path, ledger: Engine, as_of: date) -> _Sent | None:
    received = _received(dataset, ledger, as_of)
    if not received:
        return None
    batches = tuple(batch for batch, _ in received)
    again = recounts(dataset, data_dir, received)
    counted = [
        list(map(_page, pages, _records(dataset, data_dir, batch, pages, recount)))
        for (batch, pages), recount in zip(received, again, strict=True)
    ]
    void = [page["records"] for batch, some in zip(batches, counted, strict=True) for page in some if _is_void(batch)]
    totals = _totals(dataset, batches, again, None if None in void else sum(void))
    pages = [page for some in counted for page in some]
    return _Sent(dataset, batches, {**totals, "pages": pages}, tuple(again))


def _received(dataset: Dataset, ledger: Engine, as_of: date) -> list[tuple[Row, list[Row]]]:
    """The batches of a night that count, with their pages.

    What was refused and then read whole is received once, and so are the same bytes fetched again, and a record that
    another page of the same night had (`connectors.overlap`); of a snapshot read twice the second reading counts.
    """
    night = batches_of_night(ledger, dataset.source, dataset.name, as_of)
    with_pages = [(batch, pages_of(ledger, BatchKey(dataset.source, dataset.name, batch["batch"]))) for batch in night]
    received = [one for one in with_pages if one[1]]
    last = received[-1:]
    if dataset.load == "snapshot":
        return last
    counting: list[tuple[Row, list[Row]]] = []
    seen: set[str] = set()
    for batch, pages in [*(one for one in received[:-1] if not _is_void(one[0])), *last]:
        hashes = {page["raw_sha256"] for page in pages}
        if not hashes <= seen:
            counting.append((batch, pages))
        seen |= hashes
    return counting


def _is_void(batch: Row) -> bool:
    return bool(batch["state"] == "refused")


def _page(page: Row, records: int | None) -> dict[str, Any]:
    return {"label": page["label"], "sha256": page["raw_sha256"], "bytes": page["raw_bytes"], "records": records}


def _records(
    dataset: Dataset, data_dir: Path, batch: Row, pages: Sequence[Row], recount: Recount | None
) -> list[int | None]:
    """How many records each page holds, None where they cannot be read. The ledger counts those of a batch only."""
    if recount is not None:
        return [recount.records.get(page["sequence"], 0) for page in pages]
    if len(pages) == 1 and not _is_void(batch):
        return [batch["rows_received"]]
    return [_decoded(dataset, data_dir, page) for page in pages]


def _decoded(dataset: Dataset, data_dir: Path, page: Row) -> int | None:
    body = read_raw(data_dir, page["raw_sha256"])
    try:
        return sum(len(c.positions) + len(c.broken) for c in decode(dataset, page["label"], body))
    except DataError:
        return None


def _totals(
    dataset: Dataset, batches: Sequence[Row], again: Sequence[Recount | None], void: int | None
) -> dict[str, Any]:
    """Received = accepted + refused + duplicates. `void`: records of a delivery refused as a whole, None if unknown."""
    good = [
        _counts(row) if recount is None else recount.totals
        for row, recount in zip(batches, again, strict=True)
        if not _is_void(row)
    ]
    total = {name: sum(one[name] for one in good) for name in COUNTED}
    return {
        "dataset": dataset.name,
        "state": state if (state := batches[-1]["state"]) in WHOLE else "accepted",
        "message": _message(batches[-1]) if state in WHOLE else None,
        **total,
        "received": None if void is None else total["received"] + void,
        "refused": None if void is None else total["refused"] + void,
    }


def _counts(batch: Row) -> dict[str, int]:
    """The counts of a batch of which nothing came before, as the ledger has them."""
    counts = batch["counts"] or {}
    duplicates = repeats_in(counts)
    received, refused = batch["rows_received"], batch["rows_refused"]
    return {
        "received": received,
        "accepted": received - refused - duplicates,
        "refused": refused,
        "discarded": sum(n for name, n in counts.items() if name.startswith("discarded:")),
        "repaired": sum(n for name, n in counts.items() if name.startswith("repaired:")),
        "duplicates": duplicates,
    }


def _message(batch: Row) -> str:
    """Why a delivery was refused or is held, without our next step; a fault of ours is not reported as the agency's."""
    if batch["state"] == "held":
        return "; ".join(batch["changes"]["beyond"])
    text = batch["error"] or ""
    if not any(f" Whose: {whose}. " in text for whose in ("data", "agency")):
        return "not read to its end on our side; it is fetched again"
    return text.partition(" Whose: ")[0]


def _rows(deliveries: Sequence[_Sent], data_dir: Path) -> Iterator[dict[str, Any]]:
    for one in deliveries:
        code = WHOLE.get(state := one.totals["state"])
        whole = {"code": code, **explain(code).model_dump(), "value": _cell(one.totals["message"])} if code else {}
        counted = {name: value for name, value in one.totals.items() if name in NUMBERS}
        yield {
            "kind": KINDS[_KIND_OF_TOTAL[state]],
            "dataset": one.dataset.name,
            **counted,
            **whole,
        }
    for one in deliveries:
        for page in one.totals["pages"]:
            cells = {"received": page["records"], "sha256": page["sha256"], "label": _cell(page["label"])}
            yield {"kind": KINDS["page"], "dataset": one.dataset.name, **cells}
    for one in deliveries:
        yield from _refusals(one, data_dir)


_KIND_OF_TOTAL = {"accepted": "total", "refused": "void", "held": "held"}


def _refusals(delivery: _Sent, data_dir: Path) -> Iterator[dict[str, Any]]:
    """One row for each fault, those of one record together, in the order of what was received."""
    dataset = delivery.dataset
    fields = {column.name: column.source_field for column in dataset.columns}
    order = {page["sha256"]: place for place, page in reversed(list(enumerate(delivery.totals["pages"])))}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for batch, recount in zip(delivery.batches, delivery.recounts, strict=True):
        again = recount.again if recount else frozenset()
        path = quarantine_path(data_dir, dataset.source, dataset.name, batch["batch"])
        for line in read_lines(path):
            if (line["raw_sha256"], line["position"]) in again:
                continue
            place = (order.get(line["raw_sha256"], len(order)), line["position"], line["rule"], line["action"])
            found[place] = {
                "kind": KINDS[line["action"]],
                "dataset": dataset.name,
                "label": _cell(line["label"]),
                "id": record_id(dataset.source, dataset.name, line["raw_sha256"], line["position"]),
                "position": line["position"],
                "key": _cell(" / ".join("?" if part is None else part for part in line["key"])),
                "uscc": _cell(line["uscc"]),
                "name": _cell(line["name"]),
                "field": fields.get(line["column"]),
                "column": line["column"],
                "value": _cell(line["value"]),
                "code": line["reason"],
                "rule": line["rule"],
                **explain(line["reason"]).model_dump(),
            }
    for place in sorted(found):
        yield found[place]


def _cell(value: Any) -> str | None:
    """A value as text that UTF-8 can hold; the CSV writer sees to what a spreadsheet would run."""
    if value is None:
        return None
    text = _SURROGATE.sub("�", str(value))
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"
