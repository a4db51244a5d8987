"""What all REST agencies of the sandbox share: refusals, records from files, the access log, and faulty answers."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.journal import Journal

_MAXIMUM_SIZE: Final = 1_000


class RefusedError(Exception):
    """A request is answered with a refusal: status, the agency's body, and headers if any."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers


@dataclass
class Shelf:
    """The records of one dataset, read from its file of JSON lines and again whenever that changes."""

    path: Path
    _stamp: tuple[int, int] = field(default=(0, 0), init=False)
    _records: list[dict[str, Any]] = field(default_factory=list, init=False)

    def records(self) -> list[dict[str, Any]]:
        """Return all records in the file's order; a file that is not there raises `RefusedError` (404)."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            raise RefusedError(404, {"code": "404", "msg": "no such dataset"}) from None
        if (stat.st_mtime_ns, stat.st_size) != self._stamp:
            lines = self.path.read_text(encoding="utf-8").split("\n")
            self._records = [json.loads(line) for line in lines if line.strip()]
            self._stamp = (stat.st_mtime_ns, stat.st_size)
        return self._records


def as_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response that keeps Chinese as it is."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status, headers, "application/json")


def office() -> FastAPI:
    """Return an application without documentation pages that answers `RefusedError` with its body."""
    app = FastAPI(openapi_url=None)

    @app.exception_handler(RefusedError)
    async def refuse(_request: Request, error: RefusedError) -> Response:
        return as_json(error.body, error.status, error.headers)

    return app


def watched(app: ASGIApp, agency: str, journal: Journal) -> ASGIApp:
    """Note every request in the access log, with the status that went out."""

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
                # Before the answer leaves, so that whoever has the answer finds the line.
                journal.record(agency, scope["method"], scope["path"], query, status)
            await send(message)

        await app(scope, receive, note)

    return watch


def whole_number(request: Request, name: str, default: int) -> int:
    """Return a query parameter as a whole number; raise `RefusedError` (400) for anything else."""
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise RefusedError(400, {"code": "400", "msg": f"{name} must be a whole number"})
    return int(text)


def page_size(request: Request, name: str) -> int:
    """Return the page size asked for, between 1 and 1,000; 500 where none is."""
    return min(max(whole_number(request, name, 500), 1), _MAXIMUM_SIZE)


def check_up(journal: Journal, agency: str) -> None:
    """Raise `RefusedError` (503) while the agency is down."""
    if journal.plan(agency).get("down"):
        raise RefusedError(503, {"code": "503", "msg": "service unavailable"})


async def answer_page(
    journal: Journal, agency: str, path: str, page: int, body_of: Callable[[int], dict[str, Any]]
) -> Response:
    """Answer a page (from 1) as the fault plan has it: late, one too many, an earlier page again, cut off, or right."""
    plan = journal.plan(agency)
    if plan.get("delay_seconds"):
        await asyncio.sleep(float(plan["delay_seconds"]))
    if busy := journal.strikes(agency, "too_many_requests", path, page):
        headers = {"Retry-After": str(busy.get("retry_after", 1))}
        raise RefusedError(429, {"code": "429", "msg": "too many requests"}, headers)
    repeated = plan.get("repeat_page")
    is_repeat = repeated is not None and page == int(repeated) + 1
    response = as_json(body_of(page - 1 if is_repeat else page))
    if journal.strikes(agency, "garbled_body", path, page):
        whole = bytes(response.body)
        return Response(whole[: len(whole) // 2], 200, None, "application/json")
    return response
