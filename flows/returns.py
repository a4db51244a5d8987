"""Return files 回执: written after ingest, sent to the agencies that have a sink for them, whatever the gate says."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.errors import DataError
from connectors.returns import ReturnFile, compose
from connectors.sink_files import ReturnsSink
from connectors.spec import Source
from flows.deliver import error_text, leave, manifest_text, send_pending
from flows.night import Night
from flows.outcome import Outcome
from ledger.files import write_durably
from ledger.publications import mark_sent
from ledger.returns import last_return, next_return_number, write_return
from ledger.store import Row
from ledger.tables import returns

log = logging.getLogger("jifen")


def compose_returns(night: Night) -> list[dict[str, Any]]:
    """Write the return of every source that brought something tonight; answers one line for each.

    Called right after ingest: agencies learn of what was refused even where nothing is published. One source's fault is
    reported in its line and does not stop the others.
    """
    lines = []
    for source in night.sources:
        try:
            line = _compose_one(night, source)
        except Exception as error:  # noqa: BLE001 - no return file may stop a night
            line = {"source": source.name, "state": "failed", "error": error_text(error)}
            log.warning("returns: %s: %s", source.name, line["error"])
        if line is not None:
            lines.append(line)
    return lines


def _compose_one(night: Night, source: Source) -> dict[str, Any] | None:
    made = compose(source, night.settings.data_dir, night.ledger, night.as_of)
    if made is None:
        return None
    sha256 = hashlib.sha256(made.content).hexdigest()
    last = last_return(night.ledger, source.name)
    if last is not None and last["sha256"] == sha256:
        return {"source": source.name, "state": "nothing_new", "as": last["return_id"]}
    number = next_return_number(night.ledger, source.name, night.as_of)
    suffix = "" if number == 1 else f".{number}"
    day = night.as_of.isoformat()
    file_name = f"{source.name}{suffix}.csv"
    sinks = (sink for sink in night.sinks if isinstance(sink, ReturnsSink))
    row: Row = {
        "return_id": f"{day}.{source.name}{suffix}",
        "source": source.name,
        "as_of": day,
        "recipient": next((sink.name for sink in sinks if sink.source == source.name), None),
        "file_name": f"{day}/{file_name}",
        "sha256": sha256,
        **{name: made.total(name) for name in ("received", "accepted", "refused")},
    }
    row["state"] = "kept" if row["recipient"] is None else "pending"
    folder = night.settings.data_dir / "returns" / day
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / file_name, made.content)
    write_durably(folder / f"{file_name}.manifest.json", _manifest(row, made))
    write_return(night.ledger, row)
    log.info("returns: %s: %d received, %d refused", source.name, row["received"], row["refused"])
    return {name: row[name] for name in ("source", "return_id", "recipient", "state", "received", "refused")}


def _manifest(row: Row, made: ReturnFile) -> bytes:
    fields = {
        **{name: row[name] for name in ("return_id", "source", "as_of", "sha256", "received", "accepted", "refused")},
        "file": _sent_name(row),
        "bytes": len(made.content),
        "datasets": list(made.datasets),
    }
    return manifest_text(fields)


def _sent_name(row: Row) -> str:
    return f"jifen_return_{row['return_id']}.csv"


def send_returns(night: Night, only: Callable[[Row], bool] | None = None) -> list[dict[str, Any]]:
    """Send every pending return, or those that `only` selects, oldest first; answers one line for each."""

    def send(sink: ReturnsSink, row: Row) -> Row:
        content, manifest = _whole(night.settings.data_dir / "returns" / row["file_name"], row)
        leave(sink, _sent_name(row), content, manifest, night.settings)
        mark_sent(night.ledger, returns, row["return_id"])
        return {}

    return send_pending(night, returns, ReturnsSink, ("return_id", "refused"), send, only)


def _whole(path: Path, owed: Row) -> tuple[bytes, bytes]:
    """The file and its manifest, if the file is still what the ledger says."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != owed["sha256"]:
        raise DataError("is not what was written, and is not sent.", str(path), "restore it from the backup")
    return content, path.with_name(f"{path.name}.manifest.json").read_bytes()


def with_returns_sent(night: Night, outcome: Outcome) -> Outcome:
    """The outcome of a night once its returns are sent: however it ended, agencies learn what was refused.

    A return that did not arrive leaves a good night incomplete; a bad night stays what it is.
    """
    outcome.report["returns_sent"] = sent = send_returns(night)
    written = outcome.report.get("returns", [])
    left = [line["recipient"] for line in sent if line["state"] != "sent"]
    left += [f"return of {line['source']}" for line in written if line["state"] == "failed"]
    return outcome.without("Returns not delivered yet", left)
