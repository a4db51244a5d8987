"""Kill a pull with SIGKILL while each of its pages is on the way, go on, and count what was fetched twice.

`python -m tests.kill_each_page` sweeps all 60 pages, with one connection and with four, and prints one line for each
sweep; the tests take a fixed sample. A pull runs in a process of its own; the server kills it when a page is asked for.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors import uscc
from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.source_files import read_source
from connectors.zone import Zone
from ledger.batches import promoted_batches
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

PAGES, SIZE, DAY = 60, 20, date(2025, 6, 30)

SOURCE = """
version: 2
sources:
  - name: killed
    description: a listing of {pages} pages
    config:
      meta:
        agency: {{zh: 样例, en: Sample}}
        driver: rest
        connection:
          base_url: {{env: KILLED_BASE_URL}}
          auth: {{kind: bearer, token: {{env: KILLED_TOKEN}}}}
          limits: {{connections: {connections}}}
    tables:
      - name: listing
        description: one row per enterprise
        config:
          meta:
            critical: false
            coverage: full
            load: snapshot
            key: [uscc]
            request: {{path: /listing}}
            paginator: {{kind: page_number, page_param: page, size_param: size, size: {size}, total: total}}
            decoder: {{kind: json, records: items}}
            volume: {{floor: 1, ceiling: 100000}}
            freshness: {{unwatched: made for a test}}
            continuity: {{unwatched: made for a test}}
        columns:
          - {{name: uscc, data_type: varchar, config: {{meta: {{required: true, check: uscc}}}}}}
          - {{name: amount_cny, data_type: "decimal(20, 2)"}}
"""


def _record(number: int) -> dict[str, Any]:
    body = f"91440300{number:09d}"
    return {"uscc": body + uscc.check_character(body), "amount_cny": f"{number}.25"}


class _Listing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Counter[int]
    victim: Any
    kill_at: Any

    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query)["page"][0])
        self.asked[page] += 1
        if page == self.kill_at.value and self.victim.value:
            os.kill(self.victim.value, signal.SIGKILL)
            self.kill_at.value = 0
        # Behind the last page an agency has nothing: the pull looks there.
        items = [_record((page - 1) * SIZE + place) for place in range(SIZE)] if page <= PAGES else []
        body = json.dumps({"total": PAGES * SIZE, "items": items}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        # A client that was killed leaves its connection in the middle of a word.
        try:
            super().handle()
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True


def _serve(ready: Any, asked: Any, victim: Any, kill_at: Any) -> None:
    handler = type("Listing", (_Listing,), {"asked": Counter(), "victim": victim, "kill_at": kill_at})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    ready.put(server.server_address[1])
    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    while asked.get() is not None:
        ready.put(dict(handler.asked))
        handler.asked.clear()


def _pull(folder: Path, port: int, victim: Any) -> None:
    os.environ.update(KILLED_BASE_URL=f"http://127.0.0.1:{port}", KILLED_TOKEN="a token of a test")
    settings = Settings(data_dir=folder / "data", retry_seconds=5, _env_file=None)
    source = read_source(folder / "killed.yml")
    ledger = open_ledger(settings)
    victim.value = os.getpid()
    pulled = pull_dataset(source, source.datasets[0], Zone(), settings, ledger, DAY)
    victim.value = 0
    sys.exit(0 if pulled.state == "landed" else 1)


@dataclass(frozen=True)
class Killed:
    """What one kill led to: whether the process died of it, pages asked for more than once, and what landed."""

    died: bool
    refetched: int
    missing: int
    landed: str


class Sweep:
    """A server and a stock of warm processes; each kill has a folder of its own."""

    def __init__(self, folder: Path, connections: int) -> None:
        self._folder, self._connections = folder, connections
        # Each new process is handed this path, and must find this module by it.
        if str(PROJECT_DIR) not in sys.path:
            sys.path.insert(0, str(PROJECT_DIR))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["connectors.pull", "connectors.drivers.rest", "duckdb"])
        self._ready, self._asked = self._context.Queue(), self._context.Queue()
        self._victim, self._kill_at = self._context.Value("i", 0), self._context.Value("i", 0)
        shared = (self._ready, self._asked, self._victim, self._kill_at)
        self._server = self._context.Process(target=_serve, args=shared, daemon=True)
        self._server.start()
        self._port = self._ready.get(timeout=600)

    def __enter__(self) -> "Sweep":
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.put(None)
        self._server.join(5)
        self._server.kill()

    def _run(self, folder: Path) -> int | None:
        child = self._context.Process(target=_pull, args=(folder, self._port, self._victim))
        child.start()
        child.join(600)
        child.kill()
        child.join()
        return child.exitcode

    def kill_at(self, page: int) -> Killed:
        """Pull, die when `page` is asked for (0: never), pull again; answers what came of it."""
        folder = self._folder / f"{self._connections}-{page}"
        folder.mkdir()
        text = SOURCE.format(pages=PAGES, size=SIZE, connections=self._connections)
        (folder / "killed.yml").write_text(text, encoding="utf-8")
        self._kill_at.value = page
        died = self._run(folder) == -signal.SIGKILL
        if died and self._run(folder) != 0:
            raise RuntimeError(f"the pull after a kill at page {page} did not land")
        self._asked.put(True)
        asked = self._ready.get(timeout=600)
        missing = sum(number not in asked for number in range(1, PAGES + 1))
        return Killed(died, sum(count - 1 for count in asked.values()), missing, _landed(folder))


def _landed(folder: Path) -> str:
    settings = Settings(data_dir=folder / "data", _env_file=None)
    (batch,) = promoted_batches(open_ledger(settings), "killed", "listing", DAY)
    if not landed_path(settings.data_dir, "killed", "listing", batch["batch"]).exists():
        raise RuntimeError("the ledger names a file that is not there")
    return f"{batch['rows_landed']} rows, {batch['content_sha256']}"


def may_be_fetched_again(connections: int) -> int:
    """What is on the way when a process dies: with several connections, beside them one that is being written down."""
    return 1 if connections == 1 else connections + 1


def main() -> int:
    """Sweep all pages; exit 1 where a set differs or more was fetched again than was on the way."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    failed = False
    for connections in (1, 4):
        with tempfile.TemporaryDirectory() as folder, Sweep(Path(folder), connections) as sweep:
            whole = sweep.kill_at(0)
            found = [sweep.kill_at(page) for page in range(1, PAGES + 1)]
        died = sum(one.died for one in found)
        most = max(one.refetched for one in found)
        equal = sum(one.landed == whole.landed and not one.missing for one in found)
        print(  # noqa: T201 - what it prints is what it is for
            f"connections {connections}: killed at {died} of {PAGES} pages; fetched again at most {most} "
            f"(in all {sum(one.refetched for one in found)}); landed set identical {equal} of {PAGES} ({whole.landed})"
        )
        failed |= died != PAGES or most > may_be_fetched_again(connections) or equal != PAGES
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
