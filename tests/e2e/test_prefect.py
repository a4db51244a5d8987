"""The night under a real Prefect server and worker: the lines of README lead to a scheduled night that is published.

Nor does a secret show in anything that it writes, though much goes wrong. Every kind: `python -m tests.canary_sweep`.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from flows import deployed
from flows.prefect_server import local_server
from ledger.publications import pending
from ledger.runs import latest_runs, process_of, this_host
from ledger.settings import PROJECT_DIR
from ledger.store import now, write
from ledger.tables import deliveries, outbox, runs
from sandbox.acceptance.canaries import found_in_folder
from tests.canary_sweep import run
from tests.declared import column, dataset_of, source_of
from tests.e2e.conftest import api
from tests.processes import is_alive, wait_until_gone

pytestmark = [pytest.mark.night, pytest.mark.prefect]


SECRET = re.compile(r"_(SECRET|PASSWORD|API_KEY)$")
LAND = {
    "source": "land",
    "key": ("lease_no",),
    "columns": (column("lease_no", required=True),),
    "request": {"path": "/leases"},
} | {"paginator": {"kind": "single"}}
WRONG_PASSWORD, CHANNEL_KEY = "canary-wrong-password-51c2", "canary-of-the-channel-9e04"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One Prefect server for both tests that work with one: eight seconds of a processor."""
    with local_server(tmp_path_factory.mktemp("served") / "prefect") as variables:
        yield variables


def test_a_sample_of_faults_shows_no_secret_to_prefect_or_in_any_file(tmp_path, server):
    swept = run(tmp_path / "sweep", 40, lambda _: nullcontext(server))
    assert swept.failed >= 8
    assert swept.found == []


def recipe(environment, day):
    """The Prefect commands of README, in their order; the sandbox's night in place of a night at 22:30."""
    text = (PROJECT_DIR / "README.md").read_text(encoding="utf-8").partition("## Run it every night")[2]
    lines = re.findall(r"^    (?:\.venv/bin/(?:prefect|jifen deploy)|export) .*", text, re.MULTILINE)
    *exports, server, deploy, worker, trial, tonight = (line.partition("  #")[0].strip() for line in lines)
    assert server == ".venv/bin/prefect server start &"
    # The caller's environment stands in place of the trial's.
    assert trial.startswith("export JIFEN_ENV_FILE=")
    assert "2025-06-30" in tonight
    assert all(line.startswith("export PREFECT_") for line in exports)
    commands = [*exports, deploy, tonight.replace("2025-06-30", str(day))]
    return "\n".join(["set -euo pipefail", *commands, f"exec {worker}"]).replace(
        "http://127.0.0.1:4200/api", environment["PREFECT_API_URL"]
    )


def secrets_in(told):
    """What finds each secret of these variables."""
    secrets = {value for name, value in told.items() if SECRET.search(name)} | {CHANNEL_KEY}
    assert len(secrets) >= 8
    return re.compile(b"|".join(re.escape(secret.encode()) for secret in secrets))


def command_lines():
    """What everybody on this machine may read of every process."""
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.add(path.read_bytes())
    return lines


def state_of(environment, driver):
    """In which state Prefect has the flow run that drove a night."""
    return api(environment, "flow_runs", driver.partition(":")[2])["state"]["type"]


def end_with_parent():
    """What Popen calls in the child: a worker must not outlive a test that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def stop(worker):
    """Stop a worker and what it runs: on a slow machine the next minute's run has begun, and is of no interest here."""
    os.killpg(worker.pid, signal.SIGTERM)
    try:
        worker.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def settle(environment, installation, monkeypatch):
    """What was changed by hand, a run of a dead worker, one that the ledger knows to be over, slots that nobody has.

    All of it is planned, fixed at once, and there is nothing more to do afterwards.
    """
    from prefect.client.schemas.actions import DeploymentUpdate, GlobalConcurrencyLimitUpdate
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.states import Pending, Running

    from flows import nightly as nightly_flows

    monkeypatch.setattr(deployed, "PENDING", timedelta(seconds=-1))
    scheduled = [source_of(dataset_of(**LAND), schedule="0 7 * * 1-5"), source_of(dataset_of(**LAND | {"source": "b"}))]
    nightly, *pulls = deployed.wanted_of(PROJECT_DIR, scheduled, installation.settings)
    wanted = [replace(nightly, limit=3), *pulls]
    with temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]}), deployed.client_of_server() as client:
        there = client.read_deployment_by_name("nightly/nightly")
        client.update_deployment(there.id, DeploymentUpdate(concurrency_limit=3))
        limit = client.read_deployment_by_name("nightly/nightly").global_concurrency_limit.name
        client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(active_slots=3))
        orphan, over, at_work = (
            client.create_flow_run_from_deployment(there.id, state=state).id
            for state in (Pending(), Running(), Running())
        )
        # What is at work was tried before under the same id, as Prefect does when somebody presses Retry.
        for run_id, state in ((over, "published"), (at_work, "failed"), (at_work, "running")):
            named = {"run_id": f"{state} {run_id}", "driver": f"prefect:{run_id}"}
            row = {**named, "as_of": "2025-06-30", "state": state}
            process = {"host": this_host(), "process": process_of(os.getppid()), "seen_at": now(), "started_at": now()}
            write(installation.ledger, insert(runs).values(**row, **process))
        found = deployed.survey(client, wanted, installation.ledger)
        assert Counter(one.kind for one in found.changes) == {"deployment": 2, "flow run": 2, "concurrency slots": 1}
        assert {one.name for one in found.changes if one.kind == "deployment"} == {"nightly", "pull-land"}
        assert len(found.server) == 1
        assert "VACUUM" in found.server[0]
        for change in found.changes:
            change.apply()
        assert deployed.survey(client, wanted, installation.ledger).changes == ()
        states = [client.read_flow_run(run_id).state_type.value for run_id in (orphan, over, at_work)]
        assert states == ["CANCELLED", "CRASHED", "RUNNING"]
        assert client.read_global_concurrency_limit_by_name(limit).active_slots == 1
        pull = client.read_deployment_by_name("pull/pull-land")
        assert (pull.parameters, pull.schedules[0].schedule.cron) == ({"source": "land"}, "0 7 * * 1-5")
        # What the deployment of one source runs: its records land, under the lock, and nothing else.
        with installation.in_force():
            once = nightly_flows.pull.with_options(retries=0)
            ended = once("tax", as_of=installation.as_of, return_state=True)
            unknown = once("moon", as_of=installation.as_of, return_state=True)
        assert ended.is_completed(), ended.message
        assert {line.split()[0] for line in ended.result()} >= {"tax.statements", "tax.credit_grades"}
        assert (unknown.is_failed(), "no source moon" in unknown.message) == (True, True)
        (gone,) = deployed.survey(client, wanted[:1], installation.ledger).changes
        assert (gone.kind, gone.name) == ("deployment", "pull-land")


def test_the_lines_of_the_readme_lead_to_a_scheduled_night_that_is_published_and_shows_no_secret(
    new_installation, server, tmp_path, monkeypatch
):
    installation, folder = new_installation, tmp_path
    environment = {**os.environ, **installation.environment, **server}
    installation.faults(
        {"kind": "login_refused", "source": "bank_a"},
        {"kind": "down", "source": "policy_channel"},
    )
    project = folder / "project"
    project.mkdir()
    (project / ".venv").symlink_to(sys.prefix)
    (project / "prefect.yaml").write_bytes((PROJECT_DIR / "prefect.yaml").read_bytes())
    # Secrets and settings stand in this file and nowhere else.
    told = {
        **installation.sandbox.env,
        "JIFEN_RETRY_SECONDS": "10",
        "JIFEN_DATA_DIR": str(installation.data_dir),
        "BANK_B_SFTP_PASSWORD": WRONG_PASSWORD,
        "POLICY_WEBHOOK_URL": f"{installation.sandbox.env['POLICY_WEBHOOK_URL']}?key={CHANNEL_KEY}",
    }
    (project / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in told.items()), encoding="utf-8")
    (project / ".env").chmod(0o600)
    plain = {name: environment[name] for name in ("PATH", "PREFECT_HOME", "DO_NOT_TRACK")}
    plain["PREFECT_LOGGING_LEVEL"] = "DEBUG"
    log = installation.data_dir / "worker.log"
    log.parent.mkdir()
    with log.open("wb") as handle:
        worker = subprocess.Popen(
            ["/bin/bash", "-c", recipe(environment, installation.as_of)],
            env={**plain, "HOME": str(folder), "PWD": str(project)},
            cwd=project,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one call of the system, of no library
        )
    pattern, listed = secrets_in(told), set()
    try:
        deadline = time.monotonic() + 1800
        while time.monotonic() < deadline and worker.poll() is None:
            ended = [run["driver"] for run in latest_runs(installation.ledger, 5) if run["state"] != "running"]
            # What the night leaves on its page comes after its end in the ledger.
            if any(state_of(environment, driver) not in ("PENDING", "RUNNING") for driver in ended):
                break
            listed |= command_lines()
            time.sleep(1)
    finally:
        stop(worker)
    published = [run for run in latest_runs(installation.ledger, 5) if run["state"] == "published"]
    assert len(published) == 1, log.read_text(encoding="utf-8", errors="replace")[-5000:]
    assert published[0]["driver"].startswith("prefect:")
    assert published[0]["as_of"] == installation.as_of.isoformat()
    assert installation.current.name == published[0]["edition_id"]
    flow_run = api(environment, "flow_runs", published[0]["driver"].partition(":")[2])
    assert flow_run["auto_scheduled"] is True
    assert flow_run["deployment_id"]
    of_run = {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}}
    assert {one["key"] for one in api(environment, "artifacts", "filter", ask=of_run)} == {"night", "datasets"}
    assert [row["recipient"] for row in pending(installation.ledger, deliveries)] == ["bank_a"]
    assert {row["recipient"] for row in pending(installation.ledger, outbox)} == {"policy_channel"}
    settle(environment, installation, monkeypatch)
    assert any(b"prefect" in line for line in listed)
    assert not any(pattern.search(line) for line in listed)
    (project / ".env").unlink()
    written = (installation.data_dir, Path(server["PREFECT_HOME"]), project)
    assert [found_in_folder(part, pattern) for part in written] == [[], [], []]
    # The search is no use where it cannot see: what must be there is found the same way.
    seen = [name for part in written for name in found_in_folder(part, re.compile(rb"bank_b.loans"))]
    assert any("prefect.db" in name for name in seen)
    assert any(name.startswith("candidates/") for name in seen)
    assert "worker.log" in seen


def test_a_server_ends_with_the_process_that_it_was_started_for_however_that_one_ends(tmp_path):
    program = (
        "import subprocess, time; from flows.prefect_server import free_port, prefect_command; "
        "command = prefect_command('server', 'start', '--port', str(free_port())); "
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_DIR), "PREFECT_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        server = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(server)
    assert not is_alive(server)
