"""What tonight's candidate is built from: the landed batches of each dataset, laid out where dbt reads them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.columns import declared_schema
from connectors.landing import LINEAGE, landed_path
from connectors.pull import Pulled
from connectors.spec import Dataset, Source
from ledger.batches import landed_batches, latest_promoted


@dataclass(frozen=True)
class Supplied:
    """One dataset as tonight's candidate sees it; the batches by name, and the hash of what they say together."""

    source: str
    dataset: str
    coverage: str
    is_critical: bool
    is_supplied: bool
    is_stale: bool
    batches: tuple[str, ...]
    content_sha256: str
    learned_on: date | None
    rows_landed: int
    rows_refused: int
    reason: str | None


def resolve(sources: Sequence[Source], pulled: Sequence[Pulled], ledger: Engine, as_of: date) -> list[Supplied]:
    """Which batches stand for each dataset on this date. A failed pull leaves the last good batches, marked stale."""
    told = {(one.source, one.dataset): one for one in pulled}
    return [_resolve_one(d, told[d.source, d.name], ledger, as_of) for s in sources for d in s.datasets]


def _resolve_one(dataset: Dataset, pulled: Pulled, ledger: Engine, as_of: date) -> Supplied:
    landed = [] if pulled.state == "not_supplied" else landed_batches(ledger, dataset.source, dataset.name, as_of)
    if dataset.load == "snapshot":
        landed = landed[-1:]
    last = latest_promoted(ledger, dataset.source, dataset.name) if landed else None
    failed = pulled.state == "failed"
    # The class of the fault, not its text: a text holds ports and times, and the same facts must give the same edition.
    reason = f"pull failed ({pulled.whose})" if failed else pulled.message
    return Supplied(
        source=dataset.source,
        dataset=dataset.name,
        coverage=dataset.coverage,
        is_critical=dataset.critical,
        is_supplied=bool(landed),
        is_stale=failed and bool(landed),
        batches=tuple(batch["batch"] for batch in landed),
        content_sha256=hashlib.sha256("".join(b["content_sha256"] for b in landed).encode()).hexdigest(),
        learned_on=date.fromisoformat(last["as_of"]) if last else None,
        rows_landed=sum(batch["rows_landed"] for batch in landed),
        rows_refused=sum(batch["rows_refused"] for batch in landed),
        reason=reason,
    )


def lay_out(folder: Path, sources: Sequence[Source], supplied: Sequence[Supplied], data_dir: Path) -> None:
    """Make `folder/<source>/<dataset>/*.parquet` for dbt: links to landed files, or one empty typed file."""
    datasets = {(d.source, d.name): d for s in sources for d in s.datasets}
    for one in supplied:
        target = folder / one.source / one.dataset
        target.mkdir(parents=True, exist_ok=True)
        for batch in one.batches:
            os.link(landed_path(data_dir, one.source, one.dataset, batch), target / f"{batch}.parquet")
        if not one.batches:
            schema = pa.schema([*declared_schema(datasets[one.source, one.dataset]), *LINEAGE])
            pq.write_table(schema.empty_table(), target / "none.parquet")
    _write_supply(folder / "pipeline" / "supply", supplied)


SUPPLY_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("dataset", pa.string()),
        pa.field("is_supplied", pa.bool_()),
        pa.field("coverage", pa.string()),
        pa.field("is_critical", pa.bool_()),
        pa.field("learned_on", pa.date32()),
        pa.field("is_stale", pa.bool_()),
        pa.field("rows_landed", pa.int64()),
        pa.field("rows_refused", pa.int64()),
        pa.field("reason", pa.string()),
    ]
)


def _write_supply(folder: Path, supplied: Sequence[Supplied]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{name: getattr(one, name) for name in SUPPLY_SCHEMA.names} for one in supplied]
    pq.write_table(pa.Table.from_pylist(rows, SUPPLY_SCHEMA), folder / "supply.parquet")
