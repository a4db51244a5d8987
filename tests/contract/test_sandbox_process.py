"""The sandbox's SFTP server and database, asked over real sockets, and the life of its process."""

import asyncio
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import asyncssh
import pytest
import requests
from sqlalchemy import create_engine, text

from sandbox.start import SandboxStartError, start
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
    plan(running, {})
    yield running
    (running.state / "faults.json").unlink()


def plan(sandbox, faults):
    (sandbox.state / "faults.json").write_text(json.dumps(faults), encoding="utf-8")


def over_sftp(sandbox, user, work, password=None):
    """Do some work in a user's folder, with the host key pinned as the variables say."""
    value = {
        name: sandbox.env[f"{user.upper()}_SFTP_{name}"] for name in ("HOST", "PORT", "USER", "PASSWORD", "HOST_KEY")
    }
    known = asyncssh.import_known_hosts(f"[{value['HOST']}]:{value['PORT']} {value['HOST_KEY']}\n")

    async def main():
        async with (
            asyncssh.connect(
                value["HOST"],
                int(value["PORT"]),
                username=value["USER"],
                password=password or value["PASSWORD"],
                known_hosts=known,
                client_keys=None,
                config=None,
            ) as session,
            session.start_sftp_client() as client,
        ):
            return await work(client)

    return asyncio.run(main())


def test_a_months_head_counts_are_a_zip_of_gb18030(sandbox):
    async def fetch(client):
        listed = [name for name in await client.listdir("outbox") if name.endswith(".zip")]
        async with client.open("outbox/headcount_202412.zip", "rb") as file:
            return listed, await file.read()

    listed, body = over_sftp(sandbox, "talent", fetch)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("headcount_202412.csv").decode("gb18030"))))
    assert len(listed) == 42
    assert len(rows) > 600
    assert {"单位编号", "职工人数", "硕士及以上人数"} <= set(rows[0])


@pytest.mark.parametrize(
    ("bank", "name", "encoding", "sign", "marker", "amount"),
    [
        ("bank_a", "loans_20250630.csv", "utf-8-sig", ",", "TRAILER", 3),
        ("bank_b", "JJ_20250630.txt", "gb18030", "|", "合计", 3),
    ],
)
def test_a_banks_last_line_is_the_total_of_the_others(sandbox, bank, name, encoding, sign, marker, amount):
    async def fetch(client):
        async with client.open(f"outbox/{name}", "rb") as file:
            return await file.read()

    _, *rows, last = list(csv.reader(io.StringIO(over_sftp(sandbox, bank, fetch).decode(encoding)), delimiter=sign))
    assert last == [marker, str(len(rows)), str(sum(Decimal(row[amount]) for row in rows))]


def test_a_file_sent_under_a_temporary_name_takes_the_place_of_the_old_one(sandbox):
    async def send(client):
        for content in (b"first", b"second"):
            async with client.open("inbox/.sent.part", "wb") as file:
                await file.write(content)
            await client.posix_rename("inbox/.sent.part", "inbox/sent.csv")
        return await client.listdir("inbox")

    assert ".sent.part" not in over_sftp(sandbox, "bank_a", send)
    assert (sandbox.state / "sftp" / "bank_a" / "inbox" / "sent.csv").read_bytes() == b"second"


def test_a_user_sees_nothing_outside_its_folder(sandbox):
    async def look(client):
        return sorted(await client.listdir("/")), sorted(await client.listdir("/../../bank_a/.."))

    root, above = over_sftp(sandbox, "bank_b", look)
    assert [name for name in root if name not in (".", "..")] == ["inbox", "outbox", "returns"]
    assert above == root


def test_sftp_refuses_a_wrong_password_and_everyone_while_it_is_down(sandbox):
    async def nothing(client):
        return client

    with pytest.raises(asyncssh.PermissionDenied):
        over_sftp(sandbox, "talent", nothing, "guessed")
    plan(sandbox, {"sftp": {"down": True}})
    with pytest.raises(asyncssh.PermissionDenied):
        over_sftp(sandbox, "talent", nothing)


def test_the_bureaus_database_holds_typed_tables(sandbox):
    engine = create_engine(sandbox.env["SCIENCE_DATABASE_URL"])
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from enterprises")).scalar_one() == 706
        first = connection.execute(text("select min(founded_on), max(zone_member_from) from enterprises")).one()
    engine.dispose()
    assert first[0] < "2000" < first[1]


def test_stopped_it_leaves_no_child_and_started_again_it_serves_what_was_changed(running, tmp_path):
    state = shutil.copytree(running.state, tmp_path / "sandbox")
    records = state / "patent" / "pct_applications.jsonl"
    records.write_text(records.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    with start("district", state) as again:
        assert again.as_of == running.as_of
        assert json.loads((state / "ready.json").read_text(encoding="utf-8"))["env"] == again.env
        headers = {"X-Api-Key": again.env["PATENT_API_KEY"]}
        answer = requests.get(again.env["PATENT_BASE_URL"] + "/v2/pct-applications", headers=headers, timeout=60)
        assert len(answer.json()["records"]) == 1
    again.stop()
    assert again.process.returncode == 0
    assert not is_alive(again.process.pid)
    assert not (state / "ready.json").exists()


def test_it_ends_when_the_process_it_ran_for_is_killed(running, tmp_path):
    state = shutil.copytree(running.state, tmp_path / "sandbox", ignore=shutil.ignore_patterns("ready.json"))
    program = (
        "import pathlib, time; from sandbox.start import start; "
        f"print(start('district', pathlib.Path({str(state)!r})).process.pid, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(child)
    assert not is_alive(child)


def test_a_start_that_fails_says_what_the_child_said_last(tmp_path):
    with pytest.raises(SandboxStartError, match="name its folder"):
        start("listed", tmp_path / "sandbox")
