"""The figures of the last night as Prometheus reads them from a file."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from flows.history import run_details
from flows.night_page import NIGHTS
from ledger.files import OURS, bytes_of, files_under
from ledger.outbox import DEAD, messages
from ledger.publications import pending, publication_rows
from ledger.settings import Settings
from ledger.store import Row
from ledger.tables import alerts, deliveries, outbox, returns

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

METRICS = {
    "run_state": "1 for the state that the last run ended in, 0 for every other",
    "run_duration_seconds": "how long the last run took",
    "run_end_timestamp_seconds": "when the last run ended",
    "step_duration_seconds": "how long each step of the last run took",
    "dataset_received_rows": "records that the last run received",
    "dataset_refused_rows": "records of the last run that were refused",
    "dataset_failed": "1 for a dataset that the last run could not pull",
    "dataset_held": "1 for a dataset that changed more than may be and waits for a person",
    "dataset_stale": "1 for a dataset that is older than it may be",
    "gate_checks": "checks of the last verdict by outcome",
    "undelivered": "what waits to be sent, by kind",
    "dead_letters": "messages that were given up after all attempts",
    "edition_as_of_timestamp_seconds": "business date of the current edition",
    "edition_published_timestamp_seconds": "when the current edition was published",
    "data_folder_bytes": "bytes in each part of the data folder",
    "data_folder_free_bytes": "bytes free on the disk of the data folder",
}
"""Each metric, its name without the prefix, and its help."""
PREFIX = "jifen_"
WAITING = {"delivery": deliveries, "notice": outbox, "return": returns, "alert": alerts}

Sample = tuple[str, dict[str, str], float]


def metrics_path(data_dir: Path) -> Path:
    """Where the file stands."""
    return data_dir / "metrics" / "jifen.prom"


def write_metrics(settings: Settings, ledger: Engine, run: Row) -> None:
    """Write the figures of a run and of what stands after it: the whole file or none, for any reader at any time."""
    from prometheus_client import write_to_textfile

    path = metrics_path(settings.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = [*_of_run(run_details(ledger, run)), *_of_ledger(ledger, settings), *_of_disk(settings.data_dir)]
    write_to_textfile(str(path), registry_of(samples))


def registry_of(samples: list[Sample]) -> "CollectorRegistry":
    """Samples as gauges; a metric of which there is no sample is left out."""
    from prometheus_client import CollectorRegistry, Gauge

    registry, gauges = CollectorRegistry(), dict[str, Gauge]()
    for name, labels, value in samples:
        gauge = gauges.get(name)
        if gauge is None:
            gauge = gauges[name] = Gauge(PREFIX + name, METRICS[name], list(labels), registry=registry)
        (gauge.labels(**labels) if labels else gauge).set(value)
    return registry


def _of_run(details: dict[str, Any]) -> Iterator[Sample]:
    yield from (("run_state", {"state": state}, float(state == details["state"])) for state in NIGHTS)
    if details["ended_at"]:
        yield "run_duration_seconds", {}, details["seconds"]
        yield "run_end_timestamp_seconds", {}, datetime.fromisoformat(details["ended_at"]).timestamp()
    for line in details["steps"]:
        if line["seconds"] is not None:
            yield "step_duration_seconds", {"step": line["step"]}, line["seconds"]
    for one in details["datasets"]:
        labels = {"source": one["source"], "dataset": one["dataset"]}
        for name in ("received", "refused"):
            yield f"dataset_{name}_rows", labels, one[f"rows_{name}"] or 0
        for state in ("failed", "held"):
            yield f"dataset_{state}", labels, float(one["state"] == state)
        yield "dataset_stale", labels, float(f"{one['source']}.{one['dataset']}" in details["stale"])
    for outcome, count in (details["verdict"] or {"counts": {}})["counts"].items():
        yield "gate_checks", {"outcome": outcome}, count


def _of_ledger(ledger: Engine, settings: Settings) -> Iterator[Sample]:
    yield from (("undelivered", {"kind": kind}, len(pending(ledger, table))) for kind, table in WAITING.items())
    yield "dead_letters", {}, len(messages(ledger, DEAD))
    for newest in publication_rows(ledger)[:1]:
        begun = datetime.fromisoformat(newest["as_of"]).replace(tzinfo=settings.zone)
        yield "edition_as_of_timestamp_seconds", {}, begun.timestamp()
        yield "edition_published_timestamp_seconds", {}, datetime.fromisoformat(newest["published_at"]).timestamp()


def _of_disk(data_dir: Path) -> Iterator[Sample]:
    for name in OURS:
        yield "data_folder_bytes", {"part": name}, bytes_of(files_under(data_dir / name))
    yield "data_folder_free_bytes", {}, shutil.disk_usage(data_dir).free
