"""A channel that a sink file names: signed CloudEvents in, one line kept for each that was accepted."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from connectors.drivers.webhook_signature import new_secret
from connectors.sink_files import NoticeSink
from sandbox.standin.faults import FaultPlan, names_of
from sandbox.standin.journal import Journal

_CONTENT_TYPE: Final = "application/cloudevents+json"
_TOLERANCE_SECONDS: Final = 300
_REQUIRED: Final = ("specversion", "id", "source", "type")


@dataclass
class Channel:
    """One webhook. A repeated event is accepted and kept again: telling repeats by id is the reader's business."""

    sink: NoticeSink
    state: Path
    plan: FaultPlan
    journal: Journal
    secret: str = field(default_factory=lambda: new_secret()[0])

    def variables(self, port: int) -> dict[str, str]:
        """What leads to it."""
        connection = self.sink.posted_to
        secret = {connection.secret.env: self.secret} if connection.secret else {}
        return {connection.url.env: f"http://127.0.0.1:{port}/events", **secret}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one event."""
        request = Request(scope, receive)
        body = await request.body()
        struck = [fault for fault in self.plan.of(self.sink.name, None, ("status",)) if fault.strike()]
        status, answer = (503, {"error": "service unavailable"}) if struck else self._take(request, body)
        # Written before the answer is sent, so that a sender with the answer finds the line.
        self.journal.record(
            self.sink.name, None, "event", request.method, request.url.path, status, faults=names_of(struck)
        )
        await JSONResponse(answer, status)(scope, receive, send)

    def _take(self, request: Request, body: bytes) -> tuple[int, dict[str, Any]]:
        if not self._is_signed(request.headers, body):
            return 401, {"error": "signature does not match"}
        if request.headers.get("content-type", "").partition(";")[0].strip() != _CONTENT_TYPE:
            return 415, {"error": f"content type must be {_CONTENT_TYPE}"}
        try:
            event = json.loads(body)
        except ValueError:
            return 400, {"error": "body is not JSON"}
        if not isinstance(event, dict) or any(not event.get(name) for name in _REQUIRED):
            return 400, {"error": f"a CloudEvent needs {', '.join(_REQUIRED)}"}
        if event["id"] != request.headers["webhook-id"]:
            return 400, {"error": "webhook-id is not the id of the event"}
        folder = self.state / "webhook"
        folder.mkdir(parents=True, exist_ok=True)
        receipt = {"id": event["id"], "received_at": datetime.now(tz=UTC).isoformat(), "event": event}
        with (folder / "events.jsonl").open("ab", buffering=0) as file:
            file.write(json.dumps(receipt, ensure_ascii=False).encode() + b"\n")
        return 202, {"accepted": event["id"]}

    def _is_signed(self, headers: Headers, body: bytes) -> bool:
        """Whether one of the signatures is that of our secret; by Standard Webhooks, without our own signer."""
        message_id, at = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp"))
        if not at.isdecimal() or abs(time.time() - int(at)) > _TOLERANCE_SECONDS:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        seal = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
        wanted = b"v1," + base64.b64encode(seal)
        return any(hmac.compare_digest(wanted, one.encode()) for one in headers.get("webhook-signature", "").split())
