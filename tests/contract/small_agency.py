"""A REST agency of a few lines, on loopback, that answers whatever a test wants; and an ask to pull from it."""

import datetime as dt
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.drivers import rest
from connectors.drivers.pages import Ask, Page
from ledger.settings import Settings
from tests.declared import column, dataset_of, source_of

SECRET, USER = "canary/secret+0123456789", "canary-user"


@dataclass(frozen=True)
class Sent:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str
    port: int
    at: float

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Reply:
    """What to answer. `raw` replaces all of it, and the connection is closed after it."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class SmallAgency:
    """What a running agency has seen."""

    url: str
    answer: Callable[[Sent], Reply]
    seen: list[Sent] = field(default_factory=list)
    most_in_flight: int = 0
    _in_flight: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def reply(self, sent: Sent) -> Reply:
        with self._lock:
            self.seen.append(sent)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return self.answer(sent)
        finally:
            with self._lock:
                self._in_flight -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        port = self.client_address[1]
        sent = Sent(self.command, parts.path, query, headers, body, self.path, port, time.monotonic())
        reply = self.server.agency.reply(sent)
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.bytes)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.bytes)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    agency: SmallAgency

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what some tests are about."""


@contextmanager
def serve(answer: Callable[[Sent], Reply], tls: ssl.SSLContext | None = None) -> Iterator[SmallAgency]:
    """An agency that answers by a function; stopped at the end."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
    server.agency = SmallAgency(f"{scheme}://{host}:{server.server_address[1]}", answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.agency
    finally:
        server.shutdown()
        server.server_close()


PAGED = {"kind": "page_number", "page_param": "page", "size_param": "size", "size": 10, "total": "total"}


def listing(count: int, size: int = 10) -> Callable[[Sent], Reply]:
    """Answers page numbers from a list of so many records."""

    def answer(sent: Sent) -> Reply:
        page = int(sent.query.get("page", 1))
        items = [{"id": n} for n in range((page - 1) * size, min(page * size, count))]
        return Reply({"total": count, "items": items})

    return answer


SMALL = {
    "source": "small",
    "name": "listing",
    "key": ("id",),
    "columns": [column("id", "bigint", required=True)],
}


def ask_of(
    *,
    auth: dict[str, Any] | None = None,
    request: dict[str, Any] | None = None,
    paginator: dict[str, Any] | None = PAGED,
    decoder: dict[str, Any] | None = None,
    connection: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
    retry_seconds: float = 2.0,
    timeout: float = 2.0,
    **ask: Any,
) -> Ask:
    """What to pull from a small agency, whose address the test has put into SMALL_URL."""
    form = {"request": request or {"path": "/list"}, "paginator": paginator}
    form["decoder"] = decoder or {"kind": "json", "records": "items"}
    reached = {
        "base_url": {"env": "SMALL_URL"},
        "auth": auth or {"kind": "bearer", "token": {"env": "SMALL_SECRET"}},
        **(connection or {}),
    }
    source = source_of(dataset_of(**{**SMALL, **form, **(dataset or {})}), connection=reached)
    settings = Settings(
        data_dir=Path("unused"), retry_seconds=retry_seconds, request_timeout_seconds=timeout, _env_file=None
    )
    return Ask(source, source.datasets[0], settings, **{"as_of": dt.date(2025, 6, 30), **ask})


def pull(ask: Ask) -> list[Page]:
    """All pages."""
    return list(rest.pull(ask))


def ids(pages: list[Page]) -> list[int]:
    """The ids of all records of pages that are JSON."""
    return [record["id"] for page in pages for record in json.loads(page.body)["items"]]
