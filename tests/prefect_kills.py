"""Kill a Prefect server, its worker and the night that it runs, and see the night published without a person.

`python -m tests.prefect_kills` starts a real server and a real worker on loopback, deploys by `jifen deploy`, and lets
a scheduled night (`tests.small_flow`) run for each case. What is killed by SIGKILL is started again after three
seconds, as systemd does by the units of docs/operating.md; nothing else is done until the night is published, once, and
neither Prefect nor the ledger has a run left at work. It prints a line for each case, and ends with exit code 1 where
something was found.

The nights of the cases are scheduled all at once, some minutes apart, and each is to be published before the next one
is due. What is silent counts as crashed after 75 s here, by a heartbeat each 30 s, in place of ten minutes. A run that
was scheduled less than five minutes before its start is another matter: its events wait for one that Prefect does not
send, for fifteen minutes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from cli.ledger import journal_heads
from flows.prefect_server import free_port, prefect_command
from ledger import tables
from ledger.journal import breaks, differences
from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger, rows
from tests import small_night
from tests.e2e.conftest import api
from tests.e2e.installation import Installation
from tests.progress import say
from tests.project_copy import run_in_copy

SILENT_SECONDS, BEAT_SECONDS, RESTART_SECONDS = 75, 30, 3
FIRST_MINUTES, APART_MINUTES = 7, 8
WAIT_SECONDS = 900
DEPLOY = f"""
from datetime import timedelta
from flows import deployed
deployed.SILENT = timedelta(seconds={SILENT_SECONDS})
from cli.entry import main
main()
"""


@dataclass
class Service:
    """A process that is started again when it has died."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, also again."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), stdout=log, stderr=subprocess.STDOUT, cwd=PROJECT_DIR
            )

    def kill(self, *with_it: int) -> None:
        """Kill it by SIGKILL, and what else its unit holds; the supervisor starts it again."""
        if self.process is None:
            raise RuntimeError("it was never started")
        for process in (self.process.pid, *with_it):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        time.sleep(RESTART_SECONDS)
        self.start()

    def stop(self) -> None:
        """Stop it for good."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Office:
    """An installation with its server and its worker."""

    installation: Installation
    environment: dict[str, str]
    server: Service
    worker: Service
    findings: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Where the agencies' files stand, and what holds a night back."""
        return self.installation.sandbox.state

    def runs(self) -> list[dict[str, Any]]:
        """The flow runs that Prefect knows and that are due or were; none where it does not answer."""
        try:
            found = api(self.environment, "flow_runs", "filter", ask={"sort": "EXPECTED_START_TIME_ASC"})
        except OSError:
            return []
        return [run for run in found if run["id"] not in self.seen and not self._is_later(run)]

    def _is_later(self, run: dict[str, Any]) -> bool:
        due = datetime.fromisoformat(run["expected_start_time"].replace("Z", "+00:00"))
        return run["state"]["type"] == "SCHEDULED" and due > datetime.now(due.tzinfo) + timedelta(seconds=2)

    def ledger(self, table: Any) -> list[dict[str, Any]]:
        """The rows of a table of the ledger."""
        ledger = open_ledger(self.installation.settings)
        found = rows(ledger, select(table))
        ledger.dispose()
        return found

    def deploy(self, *words: str) -> str:
        """`jifen deploy`, with shorter waits."""
        done = subprocess.run(
            [sys.executable, "-c", DEPLOY, "deploy", *words],
            env=self.environment,
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"jifen deploy {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def schedule(self, count: int) -> None:
        """Have so many nights begin, each at a minute of its own."""
        now = datetime.now(self.installation.settings.zone)
        due = [now + timedelta(minutes=FIRST_MINUTES + APART_MINUTES * number) for number in range(count)]
        path = PROJECT_DIR / "prefect.yaml"
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
        (nightly,) = project["deployments"]
        (plan,) = nightly["schedules"]
        nightly["entrypoint"] = "tests.small_flow.nightly"
        nightly["schedules"] = [{**plan, "cron": f"{one.minute} {one.hour} {one.day} * *"} for one in due]
        path.write_text(yaml.safe_dump(project), encoding="utf-8")
        self.deploy()
        say(f"scheduled: {', '.join(f'{one:%H:%M}' for one in due)} of the zone's time")

    def wait(self, what: str, is_so: Callable[[], Any]) -> bool:
        """Wait until a condition holds; report a finding if it never does."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if is_so():
                return True
            time.sleep(0.2)
        self.findings.append(f"{what} never came: {[(run['name'], run['state']['name']) for run in self.runs()]}")
        return False

    def case(
        self, name: str, number: int, strike: Callable[["Office"], None], begun: Callable[["Office"], bool]
    ) -> None:
        """One scheduled night, struck once it has begun, to its publication."""
        known, before = len(self.findings), len(self.ledger(tables.publications))
        self.seen = {run["id"] for run in self.runs()} | self.seen
        small_night.deliver_files(self.folder / "files", number)
        (self.folder / "at_build").unlink(missing_ok=True)
        (self.folder / "hold").touch()
        if not self.wait(f"{name}: the night", lambda: begun(self)):
            return
        struck = time.monotonic()
        strike(self)
        (self.folder / "hold").unlink()
        self.wait(f"{name}: publication", lambda: len(self.ledger(tables.publications)) > before)
        published = time.monotonic() - struck
        self.wait(f"{name}: rest", lambda: (found := self.runs()) and not any(map(is_open, found)))
        rest = time.monotonic() - struck
        # Long enough for another run to be started by mistake.
        time.sleep(20)
        self.wait(f"{name}: rest", lambda: (found := self.runs()) and not any(map(is_open, found)))
        self.look(name, before)
        ended = [f"{run['name']} {run['state']['name']}" for run in self.runs()]
        nights = [row["state"] for row in self.ledger(tables.runs)]
        say(
            f"{name}: published after {published:.0f} s, at rest after {rest:.0f} s; Prefect: {', '.join(ended)}; "
            f"ledger: {', '.join(nights)}; {len(self.findings) - known} findings"
        )

    def look(self, name: str, before: int) -> None:
        """What is wrong after a case."""
        wrong = []
        if (count := len(self.ledger(tables.publications)) - before) != 1:
            wrong.append(f"published {count} times")
        wrong += [f"run {row['run_id']} says running" for row in self.ledger(tables.runs) if row["state"] == "running"]
        days = {row["as_of"] for row in self.ledger(tables.runs)}
        if len(days) != 1:
            wrong.append(f"nights of other days than the scheduled one: {days}")
        planned = json.loads(self.deploy("--plan", "--json"))["planned"]
        wrong += [f"a person would have to: {one}" for one in planned]
        for limit in api(self.environment, "v2", "concurrency_limits", "filter", ask={}):
            if limit["active_slots"]:
                wrong.append(f"{limit['active_slots']} slots of {limit['name']} taken")
        ledger = open_ledger(self.installation.settings)
        wrong += [*breaks(ledger, dict(journal_heads(self.installation.settings))), *differences(ledger)]
        ledger.dispose()
        self.findings += [f"{name}: {one}" for one in wrong]

    def flow_process(self) -> int:
        """The process of the night at work, by the ledger."""
        (row,) = [row for row in self.ledger(tables.runs) if row["state"] == "running"]
        return int(row["process"].partition("@")[0])


def is_open(run: dict[str, Any]) -> bool:
    """Whether a flow run is at work or still to come."""
    return run["state"]["type"] in ("PENDING", "RUNNING", "SCHEDULED", "CANCELLING")


def below(process: int) -> list[int]:
    """The processes that one has started, and theirs."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *below(child)]
    return found


def at_build(office: Office) -> bool:
    """Whether the night is at work in its midst."""
    return (office.folder / "at_build").exists()


def claimed(office: Office) -> bool:
    """Whether a worker has claimed the night and not started it."""
    return any(run["state"]["type"] == "PENDING" for run in office.runs())


def kill_unit(office: Office) -> None:
    """Kill the worker and all that its unit holds."""
    office.worker.kill(*below(office.worker.process.pid if office.worker.process else 0))


def kill_server(office: Office) -> None:
    """Kill the server."""
    office.server.kill(*below(office.server.process.pid if office.server.process else 0))


CASES: dict[str, tuple[Callable[[Office], None], Callable[[Office], bool]]] = {
    "nothing": (lambda _: None, at_build),
    "worker and night": (kill_unit, at_build),
    "worker between claim and start": (kill_unit, claimed),
    "night": (lambda office: os.kill(office.flow_process(), signal.SIGKILL), at_build),
    "worker alone": (lambda office: office.worker.kill(), at_build),
    "server": (kill_server, at_build),
}


def sweep(folder: Path, wanted: list[str]) -> int:
    """Every case in turn, upon one installation, one server and one worker."""
    with small_night.receivers(folder / "state") as around:
        (around.state / "sftp" / "bank_a" / "inbox").mkdir()
        (around.state / "sftp" / "bank_a" / "returns").mkdir()
        installation = replace(Installation(folder / "data", around), retry_seconds=5)
        port = free_port()
        plain = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR", "HOME") if name in os.environ}
        environment = {
            **plain,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(BEAT_SECONDS),
            "DO_NOT_TRACK": "1",
        }
        variables = {**around.env, "JIFEN_RETRY_SECONDS": "5", "JIFEN_DATA_DIR": str(installation.data_dir)}
        env_file = PROJECT_DIR / ".env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()), encoding="utf-8")
        env_file.chmod(0o600)
        start = prefect_command("server", "start", "--host", "127.0.0.1", "--port", str(port))
        server = Service(start, environment, folder / "server.log")
        worker = Service(prefect_command("worker", "start", "--pool", "nightly"), environment, folder / "worker.log")
        office = Office(installation, environment, server, worker)
        began = time.monotonic()
        try:
            server.start()
            office.wait("the server", lambda: answers(environment))
            office.schedule(len(wanted))
            worker.start()
            for number, name in enumerate(wanted):
                office.case(name, number, *CASES[name])
        finally:
            worker.stop()
            server.stop()
            if office.findings:
                say((folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-6000:])
    say(f"{time.monotonic() - began:.0f} s; {len(office.findings)} findings", *office.findings)
    return int(bool(office.findings))


def answers(environment: Mapping[str, str]) -> bool:
    """Whether the server answers."""
    try:
        return api(environment, "health") is True
    except OSError:
        return False


def main() -> int:
    """Copy the project, whose schedule changes, and sweep there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    return sweep(asked.within, asked.only) if asked.within else run_in_copy("tests.prefect_kills")


if __name__ == "__main__":
    raise SystemExit(main())
