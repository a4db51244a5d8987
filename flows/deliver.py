"""Sending what the ledger says is owed: extracts by file, notices by message. Owed stays owed until it arrived."""

import hashlib
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from connectors.errors import ConfigError, ConnectorError, TransientError
from connectors.sink_files import ExtractSink, NoticeSink
from editions.extract import cut_extract, extract_columns
from editions.places import edition_path
from editions.verify import verify
from flows.night import Night
from ledger.csv_file import write_csv
from ledger.publications import edition_row, mark_delivered, mark_failed, mark_sent, pending
from ledger.settings import MissingVariableError
from ledger.store import Row
from ledger.tables import deliveries, outbox


class DeliveryError(RuntimeError):
    """What is owed must not leave as it is."""


def deliver_owed(night: Night) -> list[dict[str, Any]]:
    """Send every extract that is owed; answers one line for each, sent or not."""
    sinks = {sink.name: sink for sink in night.sinks if isinstance(sink, ExtractSink)}
    return [_deliver_one(night, sinks.get(row["recipient"]), row) for row in pending(night.ledger, deliveries)]


def _deliver_one(night: Night, sink: ExtractSink | None, owed: Row) -> dict[str, Any]:
    line: dict[str, Any] = {"recipient": owed["recipient"], "edition_id": owed["edition_id"], "state": "pending"}
    try:
        if sink is None:
            raise _unknown_recipient(owed)
        return line | _send_extract(night, sink, owed)
    except Exception as error:  # noqa: BLE001 - one recipient's fault keeps nothing from the others
        mark_failed(night.ledger, deliveries, owed["delivery_id"], error_text(error))
        return {**line, "error": error_text(error)}


def error_text(error: Exception) -> str:
    """What an error says, with its type where it is none of ours."""
    ours = isinstance(error, (ConnectorError, MissingVariableError, DeliveryError))
    return str(error) if ours else f"{type(error).__name__}: {error}"


def _send_extract(night: Night, sink: ExtractSink, owed: Row) -> dict[str, Any]:
    """Cut the rows that consent allows on the send date, leave the file, then its manifest, and write it down."""
    from connectors.drivers.sftp import push

    path = edition_path(night.settings.data_dir, owed["edition_id"])
    _require_whole(night, path, owed["edition_id"])
    # The day it really leaves, not the day the run began: a night may end after midnight.
    send_date = datetime.now(night.settings.zone).date()
    sink.check_columns(extract_columns(path, sink.extract))
    extract = cut_extract(path, sink.name, sink.fields, send_date, purposes=sink.purposes, extract=sink.extract)
    buffer = io.BytesIO()
    write_csv(extract.table, buffer)
    content = buffer.getvalue()
    name = f"jifen_{owed['delivery_id']}.csv"
    manifest = {
        "delivery_id": owed["delivery_id"],
        "edition_id": owed["edition_id"],
        "recipient": sink.name,
        "send_date": send_date.isoformat(),
        "file": name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": extract.table.num_rows,
        "fields": list(sink.fields),
    }
    told = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
    push(
        sink.connection,
        sink.folder,
        [(name, content), (f"{name}.manifest.json", told)],
        sink.name,
        night.settings,
    )
    values = {
        "send_date": manifest["send_date"],
        "file_name": name,
        "sha256": manifest["sha256"],
        "rows": extract.table.num_rows,
        "denied": len(extract.denied),
    }
    mark_delivered(night.ledger, owed["delivery_id"], values, extract.denied)
    return {"state": "sent", **values}


def _require_whole(night: Night, path: Path, edition_id: str) -> None:
    """Nothing leaves an edition that is no longer what was sealed."""
    row = edition_row(night.ledger, edition_id)
    findings = verify(path, row["manifest_sha256"] if row else None)
    if findings:
        raise DeliveryError(
            f"edition {edition_id} is not whole ({findings[0].path}: {findings[0].message}), nothing of it is sent. "
            f"Whose: data. Next: jifen edition verify {edition_id}, then restore the folder from a backup."
        )


def _unknown_recipient(owed: Row) -> ConfigError:
    return ConfigError(
        f"edition or run {owed.get('edition_id') or owed['run_id']} is to be sent to it, and it has no sink file.",
        owed["recipient"],
        f"put connectors/sinks/{owed['recipient']}.yml back, or publish again without it",
    )


def notify_owed(night: Night, table: Table = outbox) -> list[dict[str, Any]]:
    """Post every message of `outbox` or `alerts` that is owed, oldest first; answers one line for each.

    A channel that was away is asked no more in this run: each message would take the whole budget of retries.
    """
    away: dict[str, TransientError] = {}
    sinks = {sink.name: sink for sink in night.sinks if isinstance(sink, NoticeSink)}
    return [_notify_one(night, sinks.get(row["recipient"]), row, table, away) for row in pending(night.ledger, table)]


def _notify_one(
    night: Night, sink: NoticeSink | None, owed: Row, table: Table, away: dict[str, TransientError]
) -> dict[str, Any]:
    from connectors.drivers.webhook import push

    line = {"recipient": owed["recipient"], "message_id": owed["message_id"], "state": "pending"}
    if owed["recipient"] in away:
        return {**line, "error": str(away[owed["recipient"]])}
    try:
        if sink is None:
            raise _unknown_recipient(owed)
        push(sink, owed["event"].encode(), night.settings)
    except Exception as error:  # noqa: BLE001 - one channel's fault keeps nothing from the others
        if isinstance(error, TransientError):
            away[owed["recipient"]] = error
        mark_failed(night.ledger, table, owed["message_id"], error_text(error))
        return {**line, "error": error_text(error)}
    mark_sent(night.ledger, owed["message_id"], table)
    return {**line, "state": "sent"}
