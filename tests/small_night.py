"""A small night: the whole recipe with a folder, a bank, a channel and an agency's returns, in a second of a processor.

Its models and its gate are those of the small edition of the unit tests; all else is what runs every night. It is the
second night of an installation: readers follow an edition already, and facts have moved since.
"""

import json
import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from connectors.drivers.webhook_signature import new_secret
from connectors.sink_files import NoticeSink, ReturnsSink, Sink
from connectors.spec import Source
from editions.build import BuildReport
from editions.dbt import Dbt
from flows import publish, recipe
from flows.night import Night
from tests.contract.small_sftp import connection_of, serve
from tests.declared import column, dataset_of, source_of
from tests.e2e.installation import Installation
from tests.unit.refusing import GOOD, OTHER
from tests.unit.small_edition import CODE, make_candidate
from tests.unit.test_packages import SINK, consents

FIRST, SECOND = date(2025, 6, 30), date(2025, 7, 1)
PRELOADED = (
    "connectors.drivers.folder connectors.drivers.sftp connectors.drivers.webhook editions.changes editions.news"
)
FORK = multiprocessing.get_context("fork")


def sources() -> list[Source]:
    """An agency that leaves files in a folder: a list that is whole, and a feed of changes in parts."""
    firms = dataset_of(
        source="small",
        name="firms",
        critical=True,
        key=("uscc",),
        request={"folder": "files", "pattern": "firms_*.csv", "takes": "newest"},
        decoder={"kind": "csv"},
        columns=(column("uscc", required=True, check="uscc"), column("staff", "integer", min=0)),
    )
    grants = dataset_of(
        source="small",
        name="grants",
        critical=True,
        load="upsert",
        key=("grant_no",),
        request={"folder": "files", "pattern": "grants_*.csv"},
        decoder={"kind": "csv"},
        columns=(column("grant_no", required=True), column("amount_cny", "decimal(20, 2)", min=0)),
    )
    return [source_of(firms, grants, driver="folder", connection={"path": {"env": "SMALL_FOLDER"}})]


def deliver_files(folder: Path, night: int) -> None:
    """What the agency leaves for a night; one record of each file is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    firms = f"uscc,staff\n{GOOD},{10 + night}\n{OTHER},20\nwrong,3\n"
    (folder / f"firms_{night}.csv").write_text(firms, encoding="utf-8")
    for part in range(3):
        lines = "".join(f"G{night}{part}{row},{row}.50\n" for row in range(5))
        (folder / f"grants_{night}_{part}.csv").write_text(f"grant_no,amount_cny\n{lines}bad,-1\n", encoding="utf-8")


def sinks() -> list[Sink]:
    """A bank that gets packages, an agency that gets returns, and channels for notices and alerts."""
    sftp = connection_of().model_dump()
    bank = SINK.model_copy(update={"connection": connection_of(), "acknowledged": None})
    titled = {"title": {"zh": "小", "en": "small"}}
    returns = {"name": "small_returns", "kind": "returns", "driver": "sftp", "source": "small", "folder": "returns"}
    channel = {"url": {"env": "SMALL_URL"}, "secret": {"env": "SMALL_SECRET"}}
    notice = {"kind": "notice", "driver": "webhook", "connection": channel}
    return [
        bank,
        ReturnsSink.model_validate({**titled, **returns, "connection": sftp}),
        NoticeSink.model_validate({**titled, **notice, "name": "policy_channel"}),
        NoticeSink.model_validate({**titled, **notice, "name": "operators", "kind": "alert"}),
    ]


def facts(day: date, number: int) -> str:
    """SQL for what a night's candidate has otherwise than that of the first night: consents, the day, scores."""
    changes = consents(("S-1", None, None, 1), ("S-2", None, None, 2), ("S-3", None, None, 3))
    return changes + f"update rankings set as_of = date '{day}', score = score - {number};"  # noqa: S608 - a test's own


def built() -> BuildReport:
    """The report that dbt would give of a candidate."""
    return BuildReport({"success": 7}, 7, 9, (), (), Path())


def pass_gate(*_: object) -> Any:
    """A gate that lets everything pass."""
    return SimpleNamespace(as_dict=lambda: {"state": "passed", "checks": [], "counts": {}, "overrides": []})


class NoDbt(Dbt):
    """No process: the build of a small night needs none."""

    def start(self) -> None:
        """Start nothing."""


def put_in_force() -> None:
    """Small agencies and recipients in place of the product's; its rules never change, and no dbt is started."""
    recipe.read_sources, recipe.read_sinks, recipe.moved = sources, sinks, lambda *_: []
    recipe.rules_sha256, publish.code_of, recipe.Dbt = lambda _: "rules", lambda _: CODE, NoDbt


def run(installation: Installation, day: date) -> None:
    """Run the small night of a day in this process, as `jifen run` would, and leave with its exit code."""

    def build(of: Night, _: object) -> tuple[Any, BuildReport]:
        return make_candidate(installation.data_dir, of.run_id, facts(day, (day - FIRST).days)), built()

    put_in_force()
    outcome = recipe.run_night(
        installation.settings, day, "plain", replace(recipe.PLAIN_STEPS, build=build, gate=pass_gate)
    )
    sys.stdout.write(f"{outcome.state} {outcome.message}\n")
    sys.exit(outcome.exit_code)


class _Channel(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    events: Path

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """An agency by REST: a file of the folder `served`."""
        self._answer(200, (self.events.parents[1] / "served" / self.path.strip("/")).read_bytes())

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.events.parent.mkdir(exist_ok=True)
        with self.events.open("ab", buffering=0) as file:
            file.write(json.dumps({"id": self.headers["webhook-id"], "event": event}).encode() + b"\n")
        self._answer(202)

    def _answer(self, status: int, body: bytes = b"") -> None:
        """Answer with this status, or with the one that the file `served/statuses` names for the path."""
        statuses = self.events.parents[1] / "served" / "statuses"
        planned = json.loads(statuses.read_text(encoding="utf-8")) if statuses.exists() else {}
        self.send_response(planned.get(self.path.strip("/") or "channel", status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _receive(state: Path, ready: Connection) -> None:
    handler = type("Channel", (_Channel,), {"events": state / "webhook" / "events.jsonl"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (state / "sftp" / "bank_a").mkdir(parents=True)
    with serve(state / "sftp" / "bank_a") as found:
        ready.send({**found, "SMALL_URL": f"http://127.0.0.1:{server.server_port}/"})
        threading.Event().wait()


@contextmanager
def receivers(state: Path) -> Iterator[SimpleNamespace]:
    """The bank, the agency's inbox and the channel, in a process of their own, as `Installation` knows them."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=_receive, args=(state, theirs), daemon=True)
    process.start()
    own = {"SMALL_FOLDER": str(state), "SMALL_SECRET": new_secret()[0], "JIFEN_CHANNEL_HOSTS": "127.0.0.1"}
    yield SimpleNamespace(state=state, env={**ours.recv(), **own}, as_of=SECOND)
    process.terminate()
    process.join()
