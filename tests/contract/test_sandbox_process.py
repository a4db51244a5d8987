"""The sandbox as a process of its own: its command, its end, and what it says when it cannot start."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import yaml

from sandbox.start import SandboxError, start, start_standin
from tests.processes import is_alive, wait_until_gone

pytestmark = pytest.mark.enable_socket

ROOT = Path(__file__).parents[2]


def test_it_ends_when_the_process_it_ran_for_is_killed(tmp_path):
    program = (
        "import pathlib, time; from sandbox.start import SAMPLES, start_standin; "
        f"print(start_standin(SAMPLES, pathlib.Path({str(tmp_path)!r})).process.pid, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(child)
    assert not is_alive(child)


def test_a_start_that_fails_says_why(tmp_path):
    (tmp_path / "sources").mkdir()
    with pytest.raises(SandboxError, match="no source files"):
        start_standin(tmp_path / "sources", tmp_path / "state")
    with pytest.raises(SandboxError, match="name its folder"):
        start("listed", tmp_path / "sandbox")


def test_the_command_serves_the_samples_with_a_plan(tmp_path):
    plan = tmp_path / "plan.yml"
    plan.write_text(yaml.safe_dump([{"kind": "status_410", "source": "customs"}]), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "cli", "sandbox", "up", "--population", "samples"]
    command += ["--state", str(tmp_path / "s"), "--faults", str(plan)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        ready = tmp_path / "s" / "ready.json"
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        env = json.loads(ready.read_text(encoding="utf-8"))["env"]
        answer = requests.get(
            env["CUSTOMS_URL"] + "/v2/consignments", headers={"X-Api-Key": env["CUSTOMS_KEY"]}, timeout=60
        )
        process.terminate()
        process.wait(60)
    assert answer.status_code == 410
    port = int(re.search(r":(\d+)$", env["CUSTOMS_URL"])[1])
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), timeout=60):
        pass
