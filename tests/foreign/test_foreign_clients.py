"""Clients that nobody wrote for this project read every record of the sandbox's REST agencies.

Each runs in a venv of its own, installed by name and hash: `benchmarks/requirements/` holds what.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from connectors.drivers.auth import ApiKey, OAuth2ClientCredentials
from connectors.drivers.paging import Keyset
from connectors.source_files import read_sources
from ledger.settings import PROJECT_DIR
from sandbox.start import start

sys.path.append(str(PROJECT_DIR / "benchmarks"))
from process import Contestant, ensure_venvs

pytestmark = pytest.mark.enable_socket
HERE = Path(__file__).parent
LIMIT_SECONDS = 300.0


def auth_of(source, env):
    auth = source.connection.auth
    match auth:
        case OAuth2ClientCredentials():
            url = env[source.connection.base_url.env] + auth.token_path
            secrets = {"id": env[auth.client_id.env], "secret": env[auth.client_secret.env]}
            return {"kind": "oauth", "url": url, **secrets}
        case ApiKey():
            return {"kind": "api_key", "header": auth.header, "key": env[auth.key.env]}
    return {"kind": "signed", "id": env[auth.app_key.env], "secret": env[auth.app_secret.env]}


def stream_of(dataset):
    paginator = dataset.paginator
    if isinstance(paginator, Keyset):
        paging = {"param": paginator.after_param, "cursor": paginator.cursor}
    else:
        paging = {"param": paginator.page_param}
    sized = {"size_param": paginator.size_param, "size": paginator.size}
    told = {"name": dataset.name, "path": dataset.request.path, "records": dataset.decoder.records}
    return {**told, "kind": paginator.kind, **paging, **sized}


def lines_of(text):
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """The sandbox, the plan of all its REST agencies as any client needs it, and what those hold."""
    with start("district", tmp_path_factory.mktemp("sandbox")) as sandbox:
        plan, held = [], {}
        for source in read_sources():
            if source.driver != "rest":
                continue
            streams = [stream_of(dataset) for dataset in source.datasets]
            url = sandbox.env[source.connection.base_url.env]
            plan.append({"name": source.name, "url": url, "auth": auth_of(source, sandbox.env), "streams": streams})
            for dataset in source.datasets:
                file = sandbox.state / source.name / f"{dataset.name}.jsonl"
                held[dataset.address] = counted(lines_of(file.read_text(encoding="utf-8")))
        yield plan, held


def counted(records):
    return Counter(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in records)


@pytest.mark.parametrize("client", ["dlt", "airbyte"])
def test_a_foreign_client_reads_every_record_of_every_rest_agency(district, client, tmp_path, monkeypatch):
    plan, held = district
    used = Contestant(client, HERE / f"read_{client}.py", client)
    ensure_venvs([used])
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    done = subprocess.run(
        [used.python, used.script, tmp_path / "records.jsonl"],
        input=json.dumps(plan),
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
    read = {address: [] for address in held}
    for line in lines_of((tmp_path / "records.jsonl").read_text(encoding="utf-8")):
        read[line["dataset"]].append(line["record"])
    assert {address: counted(records) for address, records in read.items()} == held
