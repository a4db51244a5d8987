"""A recipient put on trial: a stand-in made from its file gets a package of made-up rows, and loads it."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb

from cli.sink_check import check_sinks, contracts_of_extracts
from connectors.sink_files import ExtractSink, S3Connection
from connectors.spec import SftpConnection
from connectors.strict import variables_in
from connectors.zone import Zone
from editions.descriptors import title_of
from editions.dictionary import described, read_dictionary
from editions.extract import CLASSES_FILE
from editions.manifest import describe_file, write_manifest
from editions.places import edition_path
from editions.sql_text import literal, quoted
from flows.deliver import deliver_pending
from flows.faults import sentence
from flows.night import Night
from flows.receive import Keys, receive
from ledger.deliveries import queue_due
from ledger.publications import publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.standin.bank import SENDER, bank_keys, key_pair
from sandbox.standin.faults import FaultPlan
from sandbox.standin.journal import Journal
from sandbox.standin.sftp import SftpAgency
from sandbox.standin.web_folder import serve_folder

EDITION = "2025-06-30-trial"
ROWS = 7
# What a consent's row says where its column decides whether it goes.
_CONSENT = {
    "consent_valid_from": "date '2025-01-01'",
    "consent_valid_to": "null",
    "consent_withdrawn_on": "null",
    "data_classes": "'score,rank,credit,bands,raw,revenue_band'",
}
_MADE_UP = {"varchar": "'值 ' || i", "date": "date '2025-06-30'", "boolean": "i % 2 = 0", "bigint": "i"}


def try_sink(sink: ExtractSink) -> dict[str, Any]:
    """What became of one package of made-up rows, sent to a stand-in of this recipient and loaded there."""
    line: dict[str, Any] = {"recipient": sink.name, "state": "failed", "package": None, "rows": None, "message": None}
    if message := check_sinks([sink])[0]["message"]:
        return line | {"message": message}
    try:
        with (
            TemporaryDirectory(prefix="jifen-sink-") as folder,
            _standin(sink, Path(folder)) as variables,
            patch.dict(os.environ, variables),
        ):
            return line | _trial(sink, Path(folder))
    except Exception as error:  # noqa: BLE001 - any error is the result of the trial
        return line | {"message": sentence(error)}


def _trial(sink: ExtractSink, folder: Path) -> dict[str, Any]:
    settings = Settings(data_dir=folder / "data", ledger_url=None, retry_seconds=20, channel_hosts="localhost")
    ledger = open_ledger(settings)
    _make_edition(sink, settings, ledger)
    today = settings.today
    queue_due(ledger, [sink.name], EDITION, today.isoformat())
    night = Night("trial", date(2025, 6, 30), settings, ledger, (), (sink,), Zone())
    (sent,) = deliver_pending(night)
    ledger.dispose()
    if sent["state"] != "sent":
        return {"message": sent["error"]}
    pairs = [key_pair(folder, name, sink.sealed.kind) for name in (sink.name, SENDER)] if sink.sealed else []
    keys = Keys(pairs[0][0], pairs[1][1]) if pairs else None
    package = folder / "box" / sink.folder / sent["file_name"]
    received = asdict(receive(package, folder / "loaded", sink.name, keys))
    result = {"package": package.name, "rows": sent["rows"]}
    if (wanted := ROWS * len(sink.tables)) != sent["rows"] or not received["manifest_sha256"]:
        what = f"{sent['rows']} of {wanted} made-up rows arrived, {sent['denied']} were denied for want of consent."
        return result | {"message": f"{what} Whose: config. Next: compare fields and purposes with {CLASSES_FILE}"}
    return result | {"state": "ok"}


def _make_edition(sink: ExtractSink, settings: Settings, ledger: Any) -> None:
    """An edition of nothing but the extracts of this recipient, each of seven made-up rows that it may have."""
    path = edition_path(settings.data_dir, EDITION)
    kind = "tables" if sink.grant == "mandate" else "extracts"
    (path / kind).mkdir(parents=True)
    contracts = contracts_of_extracts()
    tables, files = {}, []
    for name, granted in sink.tables.items():
        if sink.grant == "mandate":
            columns = dict.fromkeys([*granted.fields, *granted.omitted], "varchar")
        else:
            columns = {column["name"]: column["data_type"] for column in contracts[name]["columns"]}
        file = f"{kind}/{name}.parquet"
        _write_rows(sink, columns, path / file)
        files.append(describe_file(path, file, ROWS, "extract"))
        words = described(read_dictionary(), name, columns)
        described_columns = [
            {"name": one, "type": form.upper(), "description_zh": title_of(words[one][0]), "description": words[one][1]}
            for one, form in columns.items()
        ]
        tables[name] = {
            "audience": "extract",
            "description": contracts.get(name, {"description": name})["description"],
            "columns": described_columns,
            "key": [],
        }
    facts = {"edition_id": EDITION, "as_of": "2025-06-30", "ruleset_id": "trial"}
    sha256 = write_manifest(path, {**facts, "inputs": [], "stale": {}, "tables": tables}, files)
    row = {**facts, "recipe_sha256": "", "manifest_sha256": sha256, "kind": "nightly", "signed_by": None}
    publish(ledger, row, start_run(ledger, date(2025, 6, 30), "trial"), None, [sink.name], [])


def _write_rows(sink: ExtractSink, columns: dict[str, str], path: Path) -> None:
    own = {
        **_CONSENT,
        "recipient": literal(sink.name),
        "purpose": literal(sink.purposes[0]),
        "uscc": "'91441300MA0000000' || i",
        "consent_id": "'K' || i",
    }
    made = [
        f"cast({own.get(name) or _MADE_UP.get(kind, 'i * 1.5')} as {kind}) as {quoted(name)}"
        for name, kind in columns.items()
    ]
    query = f"select {', '.join(made)} from range(1, {ROWS + 1}) t(i)"  # noqa: S608  # of our own contracts
    with duckdb.connect() as engine:
        engine.execute(f"copy ({query}) to {literal(path)} (format parquet)")


@contextmanager
def _standin(sink: ExtractSink, folder: Path) -> Iterator[dict[str, str]]:
    """The recipient's box on loopback, and the key files of both sides; answers the variables."""
    box = folder / "box"
    (box / sink.folder).mkdir(parents=True)
    with _box(sink, box, folder) as variables:
        yield variables | bank_keys(sink, folder)


@contextmanager
def _box(sink: ExtractSink, box: Path, folder: Path) -> Iterator[dict[str, str]]:
    connection = sink.connection
    if not isinstance(connection, SftpConnection):
        named = variables_in(connection)
        # A store knows its bucket by name, which is a folder here.
        bucket = connection.bucket.env if isinstance(connection, S3Connection) else None
        with serve_folder(box.parent if bucket else box, folder / "tls") as served:
            known = dict.fromkeys(named, "made-up") | {connection.url.env: served["url"]}
            known |= {bucket: box.name} if bucket else {}
            ca = connection.ca.env if connection.ca else "REQUESTS_CA_BUNDLE"
            yield known | {ca: served["ca"]}
        return
    loop = asyncio.new_event_loop()
    agency = SftpAgency(sink.name, box, {}, FaultPlan(folder / "faults.yml", {sink.name: set()}), Journal(folder))
    values = loop.run_until_complete(agency.serve(folder / "keys", connection.passphrase is not None))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    named_by = {field: getattr(connection, field) for field in values}
    try:
        yield {variable.env: values[field] for field, variable in named_by.items() if variable}
    finally:
        loop.call_soon_threadsafe(agency.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
