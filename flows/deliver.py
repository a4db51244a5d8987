"""Sending what the ledger has as pending: extracts by file, notices by message. It stays pending until it arrived."""

import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table

from connectors.errors import ConfigError, ConnectorError, TransientError
from connectors.sink_files import ExtractSink, NoticeSink, ReturnsSink
from editions.extract import cut_extract, extract_columns
from editions.places import edition_path
from editions.verify import verify
from flows.night import Night
from ledger.csv_file import write_csv
from ledger.publications import edition_row, mark_failed, mark_sent, pending
from ledger.settings import MissingVariableError, Settings
from ledger.store import Row
from ledger.tables import deliveries, outbox

S = TypeVar("S", ExtractSink, NoticeSink, ReturnsSink)

log = logging.getLogger("jifen")


class DeliveryError(RuntimeError):
    """What is pending must not be sent as it is."""


def send_pending(
    night: Night,
    table: Table,
    kind: type[S],
    told: Mapping[str, str],
    send: Callable[[S, Row], Row],
    or_else: str = ", or publish again without it",
) -> list[dict[str, Any]]:
    """Send what is pending in `table`, oldest first, to the sinks of this kind; answers one line for each row.

    `told` names words of the line and the columns they come from. `send` records what was sent, and answers what else
    stands in its line. A recipient that does not answer is asked no more: each row would take the whole budget of
    retries.
    """
    by_name = {sink.name: sink for sink in night.sinks if isinstance(sink, kind)}
    (key,) = table.primary_key
    away: dict[str, str] = {}
    lines = []
    for row in pending(night.ledger, table):
        recipient = row["recipient"]
        line = {"recipient": recipient, **{word: row[column] for word, column in told.items()}, "state": "pending"}
        if recipient in away:
            lines.append({**line, "error": away[recipient]})
            continue
        try:
            if recipient not in by_name:
                what = f"{next(map(row.get, told.values()))} is to be sent to it, and it has no sink file."
                raise ConfigError(what, recipient, f"put connectors/sinks/{recipient}.yml back{or_else}")
            lines.append({**line, **send(by_name[recipient], row), "state": "sent"})
            log.info("%s: %s sent", recipient, row[key.name])
        except Exception as error:  # noqa: BLE001 - one recipient's fault keeps nothing from the others
            if isinstance(error, TransientError):
                away[recipient] = str(error)
            mark_failed(night.ledger, table, row[key.name], error_text(error))
            lines.append({**line, "error": error_text(error)})
            log.warning("%s: %s is not delivered yet", recipient, row[key.name])
    return lines


def error_text(error: Exception) -> str:
    """What an error says, with its type where it is none of ours."""
    ours = isinstance(error, (ConnectorError, MissingVariableError, DeliveryError))
    return str(error) if ours else f"{type(error).__name__}: {error}"


def deliver_pending(night: Night) -> list[dict[str, Any]]:
    """Send every extract that is pending; answers one line for each, sent or not."""
    told = {"edition_id": "edition_id"}
    return send_pending(night, deliveries, ExtractSink, told, partial(_send_extract, night))


def _send_extract(night: Night, sink: ExtractSink, owed: Row) -> Row:
    """Cut the rows that consent allows on the send date, leave the file, then its manifest, and write it down."""
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
        # In how many rows a field is empty because the enterprise's consent does not name its class of data.
        "withheld": extract.withheld,
    }
    leave(sink, name, content, manifest_text(manifest), night.settings)
    values = {
        "send_date": manifest["send_date"],
        "file_name": name,
        "sha256": manifest["sha256"],
        "rows": extract.table.num_rows,
        "denied": len(extract.denied),
    }
    mark_sent(night.ledger, deliveries, owed["delivery_id"], values, extract.denied)
    return values


def manifest_text(told: Row) -> bytes:
    """What stands beside a file that is sent, as JSON."""
    return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "backslashreplace") + b"\n"


def leave(sink: ExtractSink | ReturnsSink, name: str, content: bytes, manifest: bytes, settings: Settings) -> None:
    """Leave a file with its recipient, then its manifest, which says that the file is whole."""
    from connectors.drivers.sftp import push

    push(sink.connection, sink.folder, [(name, content), (f"{name}.manifest.json", manifest)], sink.name, settings)


def _require_whole(night: Night, path: Path, edition_id: str) -> None:
    """Nothing leaves an edition that is no longer what was sealed."""
    row = edition_row(night.ledger, edition_id)
    findings = verify(path, row["manifest_sha256"] if row else None)
    if findings:
        raise DeliveryError(
            f"edition {edition_id} is not whole ({findings[0].path}: {findings[0].message}), nothing of it is sent. "
            f"Whose: data. Next: jifen edition verify {edition_id}, then restore the folder from a backup."
        )


def notify_pending(night: Night, table: Table = outbox) -> list[dict[str, Any]]:
    """Post every pending message of `outbox` or `alerts`, oldest first; answers one line for each."""
    from connectors.drivers.webhook import push

    def send(sink: NoticeSink, row: Row) -> Row:
        push(sink, row["event"].encode(), night.settings)
        mark_sent(night.ledger, table, row["message_id"])
        return {}

    return send_pending(night, table, NoticeSink, {"message_id": "message_id"}, send)
