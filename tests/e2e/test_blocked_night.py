"""A night that the gate blocks, under a real Prefect server: what its page says, and what stays as it was."""

import json
import subprocess

import pytest

from ledger.runs import latest_runs
from ledger.settings import PROJECT_DIR
from tests.e2e.conftest import api
from tests.e2e.installation import JIFEN
from tests.e2e.test_bad_days import edit_feed

pytestmark = [pytest.mark.night, pytest.mark.prefect, pytest.mark.usefixtures("first_night")]


def test_a_night_that_the_gate_blocks_leaves_current_and_is_failed_tasks_in_one_line_each(installation, serve):
    environment = serve(installation)
    before = installation.current
    last_year = installation.as_of.year - 1
    empty = dict.fromkeys(("yysr", "yffy", "jlr", "ldzchj", "fldzchj", "ldfzhj", "fldfzhj"))
    edit_feed(installation, "tax", "statements", lambda r: {**r, **empty} if int(r["ssnd"]) == last_year else r)
    # Such a feed is held; here somebody lets it in by mistake, and the gate is what is left.
    assert installation.run().code == 5
    installation.jifen("source", "accept", "tax.statements", "--why", "read too fast", "--by", "Zhao Min")
    environment["BANK_B_SFTP_PASSWORD"] = "wrong"
    command = [*JIFEN, "run", "--as-of", str(installation.as_of), "--json"]
    done = subprocess.run(command, env=environment, cwd=PROJECT_DIR, capture_output=True, check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["state"]) == (3, 3, "blocked"), told["message"]
    assert b"Traceback" not in done.stderr
    checks = told["report"]["verdict"]["checks"]
    assert any(check["severity"] == "critical" and not check["passed"] for check in checks)
    assert installation.current == before
    assert installation.events() == []
    last = latest_runs(installation.ledger)[0]
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
    shown = api(environment, "artifacts", "filter", ask={"artifacts": {"flow_run_id": {"any_": [run_id]}}})
    artifacts = {one["key"]: one["data"] for one in shown}
    assert artifacts.keys() == {"night", "datasets"}
    for part in ("闸门拦截 blocked", "policy", "bank\\_a", str(installation.as_of)):
        assert part in artifacts["night"], part
    assert json.loads(artifacts["datasets"])[0]["dataset"] == "bank_b.loans"
    logs = api(environment, "logs", "filter", ask={"logs": {"flow_run_id": {"any_": [run_id]}}})
    assert "Traceback" not in "".join(line["message"] for line in logs)
