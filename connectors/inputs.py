"""What tonight's candidate is built from: the landed batches of each dataset, laid out where dbt reads them."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.identity_decisions import IdentityDecision, decisions_table
from connectors.landing import landed_path, landed_schema
from connectors.pull import Pulled
from connectors.quarantine import in_force, standing
from connectors.refusals import Identity
from connectors.spec import Dataset, Source
from connectors.stored import stored_files
from ledger.batches import landed_batches, promoted_batches, raw_of_dataset
from ledger.settings import Settings
from ledger.store import Row


@dataclass(frozen=True)
class Supplied:
    """One dataset as tonight's candidate sees it: its batches, their counts, and whose records they refused.

    All of it is of the promoted batches, not of tonight's pull: equal batches give an equal edition. `told_by` is the
    last promoted batch, which may have landed nothing, `raw` the hashes of the raw objects of each batch, `hashes` that
    of its content.
    """

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
    refused: tuple[Identity, ...]
    counts: dict[str, int]
    reason: str | None
    is_held: bool = False
    """Whether tonight's delivery waits for a person."""
    told_by: str | None = None
    raw: tuple[tuple[str, ...], ...] = ()
    hashes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """What was read of it, path under the data folder and sha256: landed files, and what was refused beside them."""


def resolve(
    sources: Sequence[Source],
    pulled: Sequence[Pulled],
    ledger: Engine,
    settings: Settings,
    as_of: date,
    until: Mapping[str, str] | None = None,
) -> list[Supplied]:
    """Which batches stand for each dataset on this date. A failed pull leaves the last good batches, marked stale.

    `until` names the last batch that is known of a dataset, by its address: where an edition of that day is made again.
    """
    pull_of = {(one.source, one.dataset): one for one in pulled}
    found: dict[str, Supplied] = {}
    for dataset in (dataset for source in sources for dataset in source.datasets):
        # Nothing is requested for a refused parent record: what the child lacks of it is unknown, and not zero.
        parent = found.get(f"{dataset.source}.{dataset.parent}")
        of_parent = parent.refused if parent else ()
        pull = pull_of[dataset.source, dataset.name]
        last = (until or {}).get(dataset.address)
        found[dataset.address] = _resolve_one(dataset, pull, ledger, settings, as_of, of_parent, last)
    return list(found.values())


def _resolve_one(
    dataset: Dataset,
    pulled: Pulled,
    ledger: Engine,
    settings: Settings,
    as_of: date,
    of_parent: tuple[Identity, ...],
    until: str | None,
) -> Supplied:
    expected = pulled.state != "not_supplied"
    landed = landed_batches(ledger, dataset.source, dataset.name, as_of, until) if expected else []
    promoted = promoted_batches(ledger, dataset.source, dataset.name, as_of, until) if landed else []
    counting = in_force(dataset, promoted)
    if dataset.load == "snapshot":
        landed, promoted = landed[-1:], promoted[-1:]
    refused = (*(standing(dataset, ledger, settings, as_of, until) if promoted else ()), *of_parent)
    learned_on = date.fromisoformat(promoted[-1]["as_of"]) if promoted else None
    failed = pulled.state in ("failed", "held")
    # The class of the fault, not its text: a text holds ports and times, and the same facts must give the same edition.
    is_stale = failed and learned_on is not None and learned_on < as_of
    reason = pulled.message if pulled.state == "not_supplied" else None
    if failed and (is_stale or not landed):
        held = "held: it changed more than may be" if landed else "held: its first delivery is doubted"
        what = held if pulled.state == "held" else f"pull failed ({pulled.whose})"
        reason = what + (f", stale since {learned_on}" if is_stale else "")
    if reason is None and landed and (quiet := _unchanged(dataset, landed[-1], as_of)):
        is_stale, reason = True, quiet
    raw = raw_of_dataset(ledger, dataset.source, dataset.name) if landed else {}
    said = "".join(batch["content_sha256"] for batch in landed) + repr(refused)
    return Supplied(
        source=dataset.source,
        dataset=dataset.name,
        coverage=dataset.coverage,
        is_critical=dataset.critical,
        is_supplied=bool(landed),
        is_stale=is_stale,
        batches=tuple(batch["batch"] for batch in landed),
        content_sha256=hashlib.sha256(said.encode()).hexdigest(),
        learned_on=learned_on,
        rows_landed=sum(batch["rows_landed"] for batch in landed),
        refused=refused,
        counts=_counts(landed, promoted),
        reason=reason,
        is_held=pulled.state == "held",
        told_by=promoted[-1]["batch"] if promoted else None,
        raw=tuple(raw.get(batch["batch"], ()) for batch in landed),
        hashes=tuple(batch["content_sha256"] for batch in landed),
        files=tuple(stored_files(dataset, landed, counting)),
    )


FROZEN = "unchanged too long"
"""How the reason begins by which the gate knows a frozen dataset: `supply.critical_datasets_are_not_frozen`."""


def _unchanged(dataset: Dataset, last: Row, as_of: date) -> str | None:
    """The reason where the content has not changed for longer than its rhythm: the agency answers, with old facts."""
    rhythm, changed_on = dataset.own_rhythm, date.fromisoformat(last["as_of"])
    quiet = rhythm.quiet_days(changed_on, as_of) if rhythm else 0
    if rhythm is None or quiet <= rhythm.days:
        return None
    too_long = quiet > rhythm.most
    limit = rhythm.most if too_long else rhythm.days
    return f"{FROZEN if too_long else 'unchanged'} since {changed_on}, more than {limit} days that count"


_STATES = ("stale:", "gap:", "over_ceiling")
"""Counts of the whole dataset when a batch was promoted; the others count what that batch brought."""


def _counts(landed: list[Row], promoted: list[Row]) -> dict[str, int]:
    """What the batches counted together, and how the newest of them found the whole."""
    brought: Counter[str] = Counter()
    for batch in landed:
        brought.update({name: count for name, count in batch["counts"].items() if not name.startswith(_STATES)})
    stands = promoted[-1]["counts"] if promoted else {}
    return dict(sorted({**brought, **{n: c for n, c in stands.items() if n.startswith(_STATES)}}.items()))


def lay_out(
    folder: Path,
    sources: Sequence[Source],
    supplied: Sequence[Supplied],
    data_dir: Path,
    decisions: Sequence[IdentityDecision] = (),
) -> None:
    """Make `folder/<source>/<dataset>/*.parquet` for dbt: the landed files, or one empty typed file."""
    datasets = {(d.source, d.name): d for s in sources for d in s.datasets}
    for one in supplied:
        target = folder / one.source / one.dataset
        target.mkdir(parents=True, exist_ok=True)
        for batch in one.batches:
            _place(landed_path(data_dir, one.source, one.dataset, batch), target / f"{batch}.parquet")
        if not one.batches:
            schema = landed_schema(datasets[one.source, one.dataset])
            pq.write_table(schema.empty_table(), target / "none.parquet")
    tables = {
        "supply": _supply_table(supplied),
        "refusals": _refusals_table(supplied),
        "identity_decisions": decisions_table(decisions),
    }
    for name, table in tables.items():
        target = folder / "pipeline" / name
        target.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target / f"{name}.parquet")


def _place(landed: Path, path: Path) -> None:
    # No link leaves a disk (a simulation works in the system's temporary folder), some shares have none, and the kernel
    # makes none to a file of another user.
    try:
        os.link(landed, path)
    except OSError:
        shutil.copyfile(landed, path)


SUPPLY_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("source", "dataset"), pa.string()),
        "is_supplied": pa.bool_(),
        "coverage": pa.string(),
        "is_critical": pa.bool_(),
        "learned_on": pa.date32(),
        "is_stale": pa.bool_(),
        **dict.fromkeys(("rows_landed", "rows_refused"), pa.int64()),
        "reason": pa.string(),
    }
)
REFUSALS_SCHEMA = pa.schema(
    {**dict.fromkeys(("source", "dataset", "uscc", "name"), pa.string()), "records": pa.int64()}
)


def _supply_table(supplied: Sequence[Supplied]) -> pa.Table:
    rows = [{**vars(one), "rows_refused": len(one.refused)} for one in supplied]
    return pa.Table.from_pylist([{name: row[name] for name in SUPPLY_SCHEMA.names} for row in rows], SUPPLY_SCHEMA)


def _refusals_table(supplied: Sequence[Supplied]) -> pa.Table:
    """Whom refused records are about, so that a refused record is not taken for one that does not exist."""
    counts = Counter((one.source, one.dataset, who.uscc, who.name) for one in supplied for who in one.refused)
    rows = [dict(zip(REFUSALS_SCHEMA.names, (*about, count), strict=True)) for about, count in counts.items()]
    return pa.Table.from_pylist(rows, REFUSALS_SCHEMA)
