"""The night under a real Prefect server and worker: a scheduled run really executes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from flows.prefect_server import free_port, local_server, prefect_command, server_environment
from ledger.runs import latest_runs
from ledger.settings import PROJECT_DIR
from tests.processes import is_alive, wait_until_gone

pytestmark = [pytest.mark.night, pytest.mark.prefect]


@pytest.fixture
def served(new_house, tmp_path):
    """A server, and the environment of everything that works with it."""
    port = free_port()
    environment = {
        **os.environ,
        **new_house.environment,
        **server_environment(tmp_path / "prefect", port),
        "JIFEN_PROJECT_DIR": str(PROJECT_DIR),
    }
    with local_server(tmp_path / "prefect", port):
        yield new_house, environment, tmp_path


def prefect(environment, folder, *arguments):
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stop(worker):
    """Stop a worker and what it runs: on a slow machine the next minute's run has begun, and is of no interest here."""
    os.killpg(worker.pid, signal.SIGTERM)
    try:
        worker.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def test_a_scheduled_run_executes_for_the_day_it_was_scheduled(served):
    house, environment, folder = served
    text = (PROJECT_DIR / "prefect.yaml").read_text(encoding="utf-8")
    every_minute, changed = re.subn(r'cron: ".*"', 'cron: "* * * * *"', text)
    assert changed == 1
    # The business date of the sandbox lies in the past; a schedule cannot, so the deployment names it.
    every_minute = every_minute.replace("parameters: {}", f'parameters: {{as_of: "{house.as_of}"}}')
    (folder / "prefect.yaml").write_text(every_minute, encoding="utf-8")
    prefect(environment, folder, "work-pool", "create", "nightly", "--type", "process")
    prefect(environment, folder, "deploy", "--all")
    worker = subprocess.Popen(
        prefect_command("worker", "start", "--pool", "nightly", "--limit", "1"),
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
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
    (published,) = [run for run in latest_runs(house.ledger, 5) if run["state"] == "published"]
    assert published["driver"].startswith("prefect:")
    assert published["as_of"] == house.as_of.isoformat()
    assert house.current.name == published["edition_id"]
    shown = prefect(
        environment, folder, "flow-run", "inspect", published["driver"].partition(":")[2], "--output", "json"
    )
    run = json.loads(shown)
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


def test_jifen_run_goes_through_the_api_that_is_configured_and_starts_none_where_none_is(served):
    house, environment, _ = served
    command = [sys.executable, "-c", "from flows.cli import main; main()", "run", "--as-of", str(house.as_of), "--json"]
    subprocess.run(command, env=environment, cwd=PROJECT_DIR, capture_output=True, check=True)
    assert latest_runs(house.ledger)[0]["driver"].startswith("prefect:")
    plain = {name: value for name, value in environment.items() if not name.startswith("PREFECT_API")}
    subprocess.run(command, env=plain, cwd=PROJECT_DIR, capture_output=True, check=True)
    assert latest_runs(house.ledger)[0]["driver"] == "plain"
