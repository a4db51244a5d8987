"""A night as OpenLineage events in a file: what it read, what it made, and how it ended.

Two events hold no more than these few fields, so they are written here: the client of OpenLineage brings four packages.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from editions.manifest import read_manifest
from editions.places import edition_path
from flows.history import run_details
from ledger.files import write_durably
from ledger.settings import Settings
from ledger.store import Row

SPEC = "https://openlineage.io/spec"
PRODUCER = "urn:jifen"
NAMESPACE = "jifen"
ENDS = {"published": "COMPLETE", "nothing_new": "COMPLETE"}
"""The event type by the state of a run; FAIL for any other state."""
_FACETS = {
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
}


def lineage_path(data_dir: Path, run_id: str) -> Path:
    """Where the events of a night stand."""
    return data_dir / "logs" / f"{run_id}.openlineage.jsonl"


def write_lineage(settings: Settings, ledger: Engine, run: Row) -> None:
    """Write the events of a run that has ended, one a line: START, then COMPLETE or FAIL."""
    path = lineage_path(settings.data_dir, run["run_id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    events = lineage_of(run_details(ledger, run), list(_made(settings, run)))
    write_durably(path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in events).encode())


def lineage_of(details: dict[str, Any], outputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events of a run by its `run_details`."""
    # The id of a run is a UUID there: the same run always gives the same one.
    named = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}:{details['run_id']}"))
    event = {
        "job": {"namespace": NAMESPACE, "name": "nightly", "facets": {}},
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    inputs = [
        {
            "namespace": NAMESPACE,
            "name": f"{one['source']}.{one['dataset']}",
            "inputFacets": _facet("inputStatistics", rowCount=one["rows_landed"] or 0),
        }
        for one in details["datasets"]
    ]
    start = {"eventType": "START", "eventTime": details["started_at"], "run": {"runId": named, "facets": {}}}
    yield {**event, **start, "inputs": [], "outputs": []}
    if details["ended_at"]:
        end = ENDS.get(details["state"], "FAIL")
        is_good = end in ENDS.values()
        facets = {} if is_good else _facet("errorMessage", message=details["message"], programmingLanguage="python")
        over = {"eventType": end, "eventTime": details["ended_at"], "run": {"runId": named, "facets": facets}}
        yield {**event, **over, "inputs": inputs, "outputs": outputs}


def _made(settings: Settings, run: Row) -> Iterator[dict[str, Any]]:
    """The tables of the edition that a run published."""
    if run["state"] != "published":
        return
    for file in read_manifest(edition_path(settings.data_dir, run["edition_id"]))["files"]:
        if file["path"].endswith(".parquet"):
            yield {
                "namespace": NAMESPACE,
                "name": file["path"].removesuffix(".parquet").replace("/", "."),
                "facets": _facet("version", datasetVersion=run["edition_id"]),
                "outputFacets": _facet("outputStatistics", rowCount=file["rows"], size=file["bytes"]),
            }


def _facet(name: str, **fields: Any) -> dict[str, Any]:
    kind = _FACETS[name]
    schema = f"{SPEC}/facets/{kind}.json#/$defs/{kind.partition('/')[2]}"
    return {name: {"_producer": PRODUCER, "_schemaURL": schema, **fields}}
