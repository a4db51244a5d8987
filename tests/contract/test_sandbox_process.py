"""The sandbox as a process of its own: its start, its command, its end, and a population served from its folder."""

import asyncio
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncssh
import pytest
import requests
import yaml

from sandbox.start import SandboxError, start, start_standin
from tests.processes import is_alive, wait_until_gone

pytestmark = pytest.mark.enable_socket

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start("district", tmp_path_factory.mktemp("process") / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    """The running sandbox on a day without faults."""
    running.set_faults([])
    running.clear_requests()
    return running


def token(sandbox):
    form = {"grant_type": "client_credentials", "client_id": sandbox.env["TAX_CLIENT_ID"]}
    form["client_secret"] = sandbox.env["TAX_CLIENT_SECRET"]
    return requests.post(sandbox.env["TAX_BASE_URL"] + "/oauth/token", data=form, timeout=60).json()["access_token"]


def statements(sandbox, bearer, page=1):
    return requests.get(
        sandbox.env["TAX_BASE_URL"] + "/api/v1/statements",
        params={"page": page, "pageSize": 500},
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=60,
    )


def pct_applications(sandbox):
    headers = {"X-Api-Key": sandbox.env["PATENT_API_KEY"]}
    answer = requests.get(sandbox.env["PATENT_BASE_URL"] + "/v2/pct-applications", headers=headers, timeout=60)
    return answer.json()["records"]


def test_the_tax_office_gives_every_statement_once_as_its_feed_holds_it(sandbox):
    bearer = token(sandbox)
    pages = [statements(sandbox, bearer, page).json()["data"] for page in range(1, 6)]
    held = (sandbox.state / "tax" / "statements.jsonl").read_text(encoding="utf-8").splitlines()
    assert [item for page in pages for item in page["items"]] == [json.loads(line) for line in held]
    assert {page["total"] for page in pages} == {len(held)}


def test_a_token_of_one_request_is_good_once(sandbox):
    sandbox.set_faults([{"kind": "token_of_one_request", "source": "tax"}])
    bearer = token(sandbox)
    assert [statements(sandbox, bearer).status_code for _ in range(2)] == [200, 401]
    assert statements(sandbox, token(sandbox)).status_code == 200


def test_on_a_usual_day_page_two_is_busy_once(sandbox):
    sandbox.set_faults(yaml.safe_load((ROOT / "sandbox" / "faults" / "usual_day.yml").read_text(encoding="utf-8")))
    answers = [statements(sandbox, token(sandbox), page) for page in (1, 2, 2)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"


def test_a_fault_of_every_page_strikes_every_page(sandbox):
    sandbox.set_faults([{"kind": "down", "source": "tax", "position": "every"}])
    assert [statements(sandbox, token(sandbox), page).status_code for page in (1, 2)] == [503, 503]
    assert [line["faults"] for line in sandbox.requests() if line["kind"] == "data"] == [["down"]] * 2


def test_what_a_test_changes_in_a_feed_is_served_at_the_next_request(sandbox):
    path = sandbox.state / "patent" / "pct_applications.jsonl"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text("".join(before.splitlines(keepends=True)[:3]), encoding="utf-8")
        assert len(pct_applications(sandbox)) == 3
    finally:
        path.write_text(before, encoding="utf-8")
    assert len(pct_applications(sandbox)) > 3


def notice(sandbox, number, secret=None):
    body = json.dumps({"specversion": "1.0", "id": number, "source": "/jifen", "type": "edition.published"}).encode()
    seal = hmac.new((secret or sandbox.env["POLICY_WEBHOOK_SECRET"]).encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8", "X-Jifen-Signature": f"sha256={seal}"}
    return requests.post(sandbox.env["POLICY_WEBHOOK_URL"], data=body, headers=headers, timeout=60).status_code


def test_the_channel_keeps_every_accepted_notice_and_its_repeats_and_no_forged_one(sandbox):
    assert [notice(sandbox, "kept"), notice(sandbox, "kept"), notice(sandbox, "forged", "another")] == [202, 202, 401]
    sandbox.set_faults([{"kind": "down", "source": "policy_channel"}])
    assert notice(sandbox, "down") == 503
    lines = (sandbox.state / "webhook" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["kept", "kept"]


def test_a_bank_sees_its_own_folder_alone_and_takes_a_file_under_its_last_name(sandbox):
    names = ("HOST", "PORT", "USER", "PASSWORD", "HOST_KEY")
    host, port, user, password, key = (sandbox.env[f"BANK_A_SFTP_{name}"] for name in names)
    known = asyncssh.import_known_hosts(f"[{host}]:{port} {key}\n")

    async def main():
        who = {"username": user, "password": password, "known_hosts": known, "client_keys": None, "config": None}
        async with asyncssh.connect(host, int(port), **who) as session, session.start_sftp_client() as client:
            for content in (b"first", b"second"):
                async with client.open("inbox/.sent.part", "wb") as file:
                    await file.write(content)
                await client.posix_rename("inbox/.sent.part", "inbox/sent.csv")
            return {name for name in await client.listdir("/../..") if name not in (".", "..")}

    assert asyncio.run(main()) == {"inbox", "outbox", "returns"}
    assert (sandbox.state / "sftp" / "bank_a" / "inbox" / "sent.csv").read_bytes() == b"second"
    done = [(line["method"], line["path"]) for line in sandbox.requests() if line["kind"] == "received"]
    assert done == [("PUT", "inbox/.sent.part"), ("RENAME", "inbox/sent.csv")] * 2


def test_stopped_it_leaves_no_child_and_started_again_it_serves_what_was_changed(running, tmp_path):
    state = shutil.copytree(running.state, tmp_path / "sandbox")
    records = state / "patent" / "pct_applications.jsonl"
    records.write_text(records.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    file = state / "sftp" / "bank_b" / "outbox" / "JJ_20250630.txt"
    file.write_bytes(b"changed")
    with start("district", state) as again:
        assert again.as_of == running.as_of
        assert json.loads((state / "ready.json").read_text(encoding="utf-8"))["env"] == again.env
        assert len(pct_applications(again)) == 1
        assert file.read_bytes() == b"changed"
    again.stop()
    assert again.process.returncode == 0
    assert not is_alive(again.process.pid)
    assert not (state / "ready.json").exists()


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
