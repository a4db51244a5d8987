"""No secret shows in anything a night writes, whatever goes wrong. Every kind: `python -m tests.canary_sweep`."""

import re
import subprocess

import pytest

from flows.prefect_server import free_port, local_server, server_environment
from sandbox.acceptance.canaries import found_in_folder
from tests.canary_sweep import run
from tests.e2e.house import JIFEN

pytestmark = [pytest.mark.night, pytest.mark.prefect]

SECRET = re.compile(r"_(SECRET|PASSWORD|API_KEY)$")
WRONG_PASSWORD, CHANNEL_KEY = "canary-wrong-password-51c2", "canary-of-the-channel-9e04"


def test_a_sample_of_faults_shows_no_secret_to_prefect_or_in_any_file(tmp_path):
    swept = run(tmp_path / "sweep", sample=40)
    assert swept.failed >= 8
    assert swept.found == []


def test_a_night_in_which_much_goes_wrong_shows_no_secret_to_prefect_dbt_or_the_gate(new_house, tmp_path):
    out = new_house.data_dir
    environment = {
        **new_house.impatient.environment,
        "BANK_B_SFTP_PASSWORD": WRONG_PASSWORD,
        "POLICY_WEBHOOK_URL": f"{new_house.environment['POLICY_WEBHOOK_URL']}?key={CHANNEL_KEY}",
    }
    secrets = [value for name, value in environment.items() if SECRET.search(name) and name in new_house.sandbox.env]
    secrets += [WRONG_PASSWORD, CHANNEL_KEY]
    new_house.faults(
        {"kind": "down", "source": "patent"},
        {"kind": "login_refused", "source": "bank_a"},
        {"kind": "down", "source": "policy_channel"},
    )
    port = free_port()
    environment |= {**server_environment(out / "prefect", port), "PREFECT_LOGGING_LEVEL": "DEBUG"}
    command = [*JIFEN, "run", "--as-of", new_house.as_of.isoformat(), "--json"]
    with local_server(out / "prefect", port), (out / "said.log").open("wb") as said:
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, stdout=said, stderr=said, check=False, timeout=1800
        )
    said_all = (out / "said.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 1, said_all[-2000:]
    assert len(set(secrets)) >= 8
    pattern = re.compile(b"|".join(re.escape(secret.encode()) for secret in secrets))
    assert found_in_folder(out, pattern) == []
    # The search is no use where it cannot see: what must be there is found the same way.
    seen = found_in_folder(out, re.compile(rb"bank_b.loans"))
    assert any("prefect.db" in name for name in seen)
    assert any(name.startswith("candidates/") for name in seen)
    assert "said.log" in seen
