"""The night under a real Prefect server and worker: the lines of README lead to a scheduled night that is published."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from flows.prefect_server import free_port, local_server, server_environment
from ledger.runs import latest_runs
from ledger.settings import PROJECT_DIR
from tests.e2e.house import JIFEN
from tests.e2e.test_bad_days import edit_feed
from tests.processes import is_alive, wait_until_gone

pytestmark = [pytest.mark.night, pytest.mark.prefect]


@pytest.fixture
def served(new_house, tmp_path):
    """A server, and the environment of everything that works with it."""
    port = free_port()
    environment = {**os.environ, **new_house.environment, **server_environment(tmp_path / "prefect", port)}
    with local_server(tmp_path / "prefect", port):
        yield new_house, environment, tmp_path, port


def recipe(port, day):
    """The Prefect commands of README, in their order; the sandbox's night in place of a night at 22:30."""
    text = (PROJECT_DIR / "README.md").read_text(encoding="utf-8").partition("## Run it every night")[2]
    lines = re.findall(r"^    (?:\.venv/bin/prefect|export) .*", text, re.MULTILINE)
    export, server, create, deploy, worker, tonight = (line.partition("  #")[0].strip() for line in lines)
    assert server == ".venv/bin/prefect server start &"
    assert "2025-06-30" in tonight
    commands = [export, create, deploy, tonight.replace("2025-06-30", str(day))]
    return "\n".join(["set -euo pipefail", *commands, f"exec {worker}"]).replace("127.0.0.1:4200", f"127.0.0.1:{port}")


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


def test_the_lines_of_the_readme_lead_to_a_scheduled_night_that_is_published(served):
    house, environment, folder, port = served
    project = folder / "project"
    project.mkdir()
    (project / ".venv").symlink_to(sys.prefix)
    (project / "prefect.yaml").write_bytes((PROJECT_DIR / "prefect.yaml").read_bytes())
    # Secrets and settings stand in this file and nowhere else.
    told = {**house.sandbox.env, "JIFEN_RETRY_SECONDS": "10", "JIFEN_DATA_DIR": str(house.data_dir)}
    (project / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in told.items()), encoding="utf-8")
    (project / ".env").chmod(0o600)
    plain = {name: environment[name] for name in ("PATH", "PREFECT_HOME", "DO_NOT_TRACK")}
    log = folder / "worker.log"
    with log.open("wb") as handle:
        worker = subprocess.Popen(
            ["/bin/bash", "-c", recipe(port, house.as_of)],
            env={**plain, "HOME": str(folder), "PWD": str(project)},
            cwd=project,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one call of the system, of no library
        )
    try:
        deadline = time.monotonic() + 1800
        while time.monotonic() < deadline and worker.poll() is None:
            runs = latest_runs(house.ledger, 5)
            if any(run["state"] == "published" for run in runs):
                break
            time.sleep(1)
    finally:
        stop(worker)
    published = [run for run in latest_runs(house.ledger, 5) if run["state"] == "published"]
    assert len(published) == 1, log.read_text(encoding="utf-8", errors="replace")[-5000:]
    assert published[0]["driver"].startswith("prefect:")
    assert published[0]["as_of"] == house.as_of.isoformat()
    assert house.current.name == published[0]["edition_id"]
    run = api(environment, "flow_runs", published[0]["driver"].partition(":")[2])
    assert run["auto_scheduled"] is True
    assert run["deployment_id"]


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


def api(environment, *path, ask=None):
    """What the Prefect API answers."""
    import urllib.request

    url = "/".join([environment["PREFECT_API_URL"], *path])
    body = None if ask is None else json.dumps(ask).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server on loopback
        return json.load(answer)


def test_a_bad_night_is_failed_tasks_in_one_line_each_and_a_night_without_an_api_starts_no_server(served):
    house, environment, _, _ = served
    last_year = house.as_of.year - 1
    empty = dict.fromkeys(("yysr", "yffy", "jlr", "ldzchj", "fldzchj", "ldfzhj", "fldfzhj"))
    edit_feed(house, "tax", "statements", lambda r: {**r, **empty} if int(r["ssnd"]) == last_year else r)
    environment["BANK_B_SFTP_PASSWORD"] = "wrong"
    command = [*JIFEN, "run", "--as-of", str(house.as_of), "--json"]
    done = subprocess.run(command, env=environment, cwd=PROJECT_DIR, capture_output=True, check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["state"]) == (3, 3, "blocked"), told["message"]
    assert b"Traceback" not in done.stderr
    last = latest_runs(house.ledger)[0]
    run_id = last["driver"].removeprefix("prefect:")
    of_run = {"flow_runs": {"id": {"any_": [run_id]}}}
    states = {
        run["name"].rpartition("-")[0]: run["state"] for run in api(environment, "task_runs", "filter", ask=of_run)
    }
    failed = {name: state["message"] for name, state in states.items() if state["type"] == "FAILED"}
    assert failed.keys() == {"pull bank_b.loans", "gate"}
    assert "the login was refused" in failed["pull bank_b.loans"]
    assert sum(state["type"] == "COMPLETED" for state in states.values()) > 20
    state = api(environment, "flow_runs", run_id)["state"]
    assert (state["type"], state["message"].startswith("blocked: ")) == ("FAILED", True)
    logs = api(environment, "logs", "filter", ask={"logs": {"flow_run_id": {"any_": [run_id]}}})
    assert "Traceback" not in "".join(line["message"] for line in logs)
    plain = {name: value for name, value in environment.items() if not name.startswith("PREFECT_API")}
    subprocess.run(command, env=plain, cwd=PROJECT_DIR, capture_output=True, check=False)
    assert latest_runs(house.ledger)[0]["driver"] == "plain"
