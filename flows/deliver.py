"""Sending the files that the ledger has as pending: each stays pending until it arrived."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table

from connectors.errors import ConfigError, ConnectorError, TransientError
from connectors.sink_files import ExtractSink, ReturnsSink
from editions.extract import ExtractError
from editions.package import PackageError
from flows.night import Night
from flows.packages import DeliveryError, composed, kept_package, signature_beside
from ledger.files import size_of
from ledger.publications import mark_failed, mark_sent, pending
from ledger.settings import MissingVariableError, Settings
from ledger.store import Row
from ledger.tables import deliveries

S = TypeVar("S", ExtractSink, ReturnsSink)

log = logging.getLogger("jifen")


def send_pending(
    night: Night,
    table: Table,
    kind: type[S],
    columns: Sequence[str],
    send: Callable[[S, Row], Row],
    only: Callable[[Row], bool] | None = None,
    *,
    in_order: bool = False,
) -> list[dict[str, Any]]:
    """Send what is pending in `table`, oldest first, to the sinks of this kind; answers one line for each row.

    `columns` of the row go into its line; the first names what is sent. `send` records what was sent, and answers what
    else goes into the line. A recipient that does not answer is not tried again: each row would take the whole budget
    of retries. With `in_order` a row that fails keeps back the recipient's later ones. `only` selects rows.
    """
    by_name = {sink.name: sink for sink in night.sinks if isinstance(sink, kind)}
    (key,) = table.primary_key
    away: dict[str, str] = {}
    lines = []
    for row in pending(night.ledger, table):
        recipient = row["recipient"]
        if only is not None and not only(row):
            continue
        line = {"recipient": recipient, **{column: row[column] for column in columns}, "state": "pending"}
        if recipient in away:
            lines.append({**line, "error": away[recipient]})
            continue
        try:
            if recipient not in by_name:
                raise no_sink_file(recipient, row[columns[0]], f"{table.name} discard {row[key.name]}")
            lines.append({**line, **send(by_name[recipient], row), "state": "sent"})
            log.info("%s: %s sent", recipient, row[key.name])
        except Exception as error:  # noqa: BLE001 - one recipient's fault does not stop the others
            if in_order or isinstance(error, TransientError):
                away[recipient] = error_text(error)
            mark_failed(night.ledger, table, row[key.name], error_text(error))
            lines.append({**line, "error": error_text(error)})
            log.warning("%s: %s is not delivered yet", recipient, row[key.name])
    return lines


def no_sink_file(recipient: str, what: str, discard: str) -> ConfigError:
    """The error of what is pending for a recipient without a sink file; `discard` is the command that gives it up."""
    follows = f"put connectors/sinks/{recipient}.yml back, or jifen {discard} --why TEXT"
    return ConfigError(f"{what} is to be sent to it, and it has no sink file.", recipient, follows)


def error_text(error: Exception) -> str:
    """The message of an error, with its type where it is not an error of this project."""
    ours = isinstance(error, (ConnectorError, MissingVariableError, DeliveryError, ExtractError, PackageError))
    return str(error) if ours else f"{type(error).__name__}: {error}"


def deliver_pending(night: Night, only: Callable[[Row], bool] | None = None) -> list[dict[str, Any]]:
    """Send every package that is pending, or those that `only` selects; answers one line for each, sent or not.

    Numbers leave in their order: a bank that has a later one takes no earlier one any more.
    """
    send = partial(_send_package, night)
    return send_pending(night, deliveries, ExtractSink, ("edition_id", "number"), send, only, in_order=True)


def _send_package(night: Night, sink: ExtractSink, owed: Row) -> Row:
    """Leave the package that was composed for this number, then its manifest, and write down that it arrived."""
    row = composed(night, sink, owed)
    leave_package(night, sink, row)
    mark_sent(night.ledger, deliveries, row["delivery_id"])
    return {name: row[name] for name in ("delivery_id", "send_date", "file_name", "sha256", "rows", "denied")}


def leave_package(night: Night, sink: ExtractSink, row: Row) -> None:
    """Leave a kept package with its recipient, byte for byte, whether for the first time or again."""
    package = kept_package(night.settings.data_dir, row)
    names = ("delivery_id", "recipient", "number", "kind", "send_date", "sha256", "manifest_sha256")
    outside = {**{name: row[name] for name in names}, "file": row["file_name"], "bytes": size_of(package)}
    leave(
        sink,
        row["file_name"],
        package,
        manifest_text({**outside, "is_sealed": sink.sealed is not None}),
        night.settings,
        signature_beside(night.settings.data_dir, row),
    )


def manifest_text(fields: Row) -> bytes:
    """The manifest beside a file that is sent, as JSON."""
    return json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "backslashreplace") + b"\n"


def leave(
    sink: ExtractSink | ReturnsSink,
    name: str,
    content: bytes | Path,
    manifest: bytes,
    settings: Settings,
    beside: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Leave a file with its recipient, what lies beside it, then its manifest, which says that all is there."""
    files: list[tuple[str, bytes | Path]] = [(name, content), *beside, (f"{name}.manifest.json", manifest)]
    transport(sink).push(sink.connection, sink.folder, files, sink.name, settings)


def transport(sink: ExtractSink | ReturnsSink) -> Any:
    """The driver that sends files to a recipient and reads its answers."""
    return import_module("connectors.drivers.sftp" if sink.driver == "sftp" else "connectors.drivers.web")
