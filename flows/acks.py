"""Acknowledgements of packages, read from the folder where a recipient leaves its answers."""

import json
import logging
from typing import Any

from connectors.sink_files import ExtractSink
from flows.deliver import error_text, transport
from flows.night import Night
from ledger.deliveries import acknowledge, awaited
from ledger.store import Row

log = logging.getLogger("jifen")

SUFFIX = ".ack.json"
_NAMED = ("recipient", "number", "manifest_sha256")


class AckError(ValueError):
    """An answer that is not valid for its package."""


def collect_acks(night: Night) -> list[dict[str, Any]]:
    """Read the answers to what was sent and is not finally answered, and once more that to the newest package.

    Answers one line for each new or invalid one: a recipient may reject what it had accepted.
    """
    lines: list[dict[str, Any]] = []
    for sink in night.sinks:
        if not isinstance(sink, ExtractSink) or sink.acknowledged is None:
            continue
        waiting = {f"{row['file_name']}{SUFFIX}": row for row in awaited(night.ledger, sink.name, or_newest=True)}
        if not waiting:
            continue
        try:
            folder, names = sink.acknowledged.folder, set(waiting)
            found = transport(sink).fetch(sink.connection, folder, names, sink.name, night.settings)
        except Exception as error:  # noqa: BLE001 - one recipient's fault does not stop the others
            what = f"its answers cannot be read; {error_text(error)}"
            lines.append({"recipient": sink.name, "state": "unread", "error": what})
            continue
        lines += [line for name, body in found if (line := _taken(night, waiting[name], body))]
    return lines


def _taken(night: Night, row: Row, body: bytes) -> dict[str, Any] | None:
    line = {"recipient": row["recipient"], "delivery_id": row["delivery_id"]}
    try:
        state, reason = answer_of(row, body)
        if not acknowledge(night.ledger, row["delivery_id"], state, reason, row["recipient"]):
            return None
    except ValueError as error:
        log.warning("%s: the answer to %s: %s", row["recipient"], row["delivery_id"], error)
        return {**line, "state": "wrong", "error": f"the answer to {row['delivery_id']}: {error}. Whose: agency."}
    log.info("%s: %s %s", row["recipient"], row["delivery_id"], state)
    return {**line, "state": state, "reason": reason}


def answer_of(row: Row, body: bytes) -> tuple[str, str | None]:
    """State and reason of an answer. Raises `AckError` for one that is not of this package and manifest."""
    try:
        answer = json.loads(body)
        # A hash in capitals is what some systems print, and a number may come as text.
        others = [name for name in _NAMED if str(answer[name]).strip().lower() != str(row[name]).lower()]
        state, reason = answer["state"], answer.get("reason")
    except UnicodeDecodeError:
        raise AckError("is no answer: it is not in UTF-8") from None
    except KeyError as error:
        raise AckError(f"is no answer: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise AckError("is no answer: it is no JSON object") from None
    if others:
        found = ", ".join(f"{name} is {_shown(answer[name])[:80]}" for name in others)
        raise AckError(f"names another recipient, number or manifest than the package that was sent ({found})")
    return _shown(state).lower(), None if reason is None else _shown(reason)


def _shown(text: object) -> str:
    """A text of a recipient without characters that a ledger or a terminal does not take."""
    return "".join(sign for sign in " ".join(str(text)[:500].split()) if sign.isprintable())
