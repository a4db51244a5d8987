"""The policy channel's webhook on loopback: signed CloudEvents in, one line kept for each that was accepted."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from starlette.types import ASGIApp

from sandbox.journal import Journal, append_line
from sandbox.rest import RefusedError, as_json, check_up, office, watched

CONTENT_TYPE: Final = "application/cloudevents+json"
_REQUIRED: Final = ("specversion", "id", "source", "type")


def signature(secret: str, body: bytes) -> str:
    """Return the header value that seals a body: "sha256=" and the HMAC in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        raise RefusedError(400, {"error": "body is not JSON"}) from None
    if not isinstance(event, dict) or any(not event.get(name) for name in _REQUIRED):
        raise RefusedError(400, {"error": f"a CloudEvent needs {', '.join(_REQUIRED)}"})
    return event


def policy_channel(state: Path, journal: Journal, secret: str) -> ASGIApp:
    """Make the webhook. A repeated event is accepted and kept again: telling repeats by id is the reader's business."""
    app = office()

    @app.post("/events")
    async def receive(request: Request) -> Response:
        check_up(journal, "webhook")
        body = await request.body()
        sent = request.headers.get("x-jifen-signature", "")
        if not hmac.compare_digest(sent.encode(), signature(secret, body).encode()):
            raise RefusedError(401, {"error": "signature does not match"})
        if request.headers.get("content-type", "").partition(";")[0].strip() != CONTENT_TYPE:
            raise RefusedError(415, {"error": f"content type must be {CONTENT_TYPE}"})
        event = _event(body)
        folder = state / "webhook"
        folder.mkdir(parents=True, exist_ok=True)
        receipt = {"id": event["id"], "received_at": datetime.now(tz=UTC).isoformat(), "event": event}
        append_line(folder / "events.jsonl", receipt)
        return as_json({"accepted": event["id"]}, 202)

    return watched(app, "webhook", journal)
