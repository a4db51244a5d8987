"""`jifen doctor` upon a made-up installation: whole, and with each thing broken that it asks for."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, text

from cli import doctor, doctor_files
from cli.doctor_here import Here
from connectors.sink_files import read_sinks
from connectors.source_files import read_sources
from connectors.spec import FolderConnection
from editions.manifest import describe_file, write_manifest
from editions.places import point_current
from editions.ruleset_diff import frozen_row
from flows.deployed import AUTOMATION, DEPLOYMENT, POOL, SLOTS, Change, Survey, _amiss_with_server
from ledger.files import private
from ledger.minisign import new_key
from ledger.publications import publish
from ledger.runs import end_run, start_run, this_host
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import now, open_ledger
from ledger.tables import runs
from tests.command_line import jifen

UNASKED = {"load_suites": ([], [])} | dict.fromkeys(
    ("problems_of", "programme_problems", "moved", "usable", "expiring_keys", "check_sinks"), ()
)
"""What is dear to ask, and what is answered in its place where a test does not break it."""
ASKED = {name: getattr(doctor_files, name) for name in UNASKED}
NAMES = [check.name for check in doctor.CHECKS]
SOURCES, SINKS = read_sources(), read_sinks()
EDITION = "2025-06-30-abc"


class Installation:
    """An installation in a folder: its project is the real one, by links; each file is its own once it is changed."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch, self.project, self.data = folder, patch, folder / "project", folder / "data"
        self.project.mkdir()
        for path in (
            "pyproject.toml",
            "prefect.yaml",
            "requirements",
            "connectors",
            "dbt_project",
            "expectations",
            "flows",
        ):
            (self.project / path).symlink_to(PROJECT_DIR / path)
        self.own("dbt_project/target").unlink()
        self.write("dbt_project/target/partial_parse.msgpack", "parsed")
        os.utime(self.project / "dbt_project/target/partial_parse.msgpack", (2**31, 2**31))
        self.write("requirements/all.lock", f"agate=={version('agate')} \\\n    --hash=sha256:00\n")
        self.reach()
        self.given: dict[str, object] = {"sources": SOURCES, "sinks": SINKS, "prefect": Survey(())}
        self.children: list[int] = []
        self.open = ExitStack()

    def own(self, name: str) -> Path:
        """A path of the project that may be changed: folders on the way become folders of links."""
        path = self.project / name
        if path.parent != self.project:
            parent = self.own(str(Path(name).parent))
            if parent.is_symlink():
                there = parent.resolve()
                parent.unlink()
                parent.mkdir()
                for child in there.iterdir():
                    (parent / child.name).symlink_to(child)
        return path

    def write(self, name: str, content: str) -> None:
        path = self.own(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(content, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        content = (self.project / name).read_text(encoding="utf-8-sig")
        assert old in content
        self.write(name, content.replace(old, new, 1))

    def reach(self) -> None:
        """Let every row be in force without an end, and the calendar go on."""
        for path in sorted((self.project / "dbt_project" / "seeds").glob("*/*.csv")):
            with path.open(encoding="utf-8-sig", newline="") as handle:
                rows = list(csv.DictReader(handle))
            if rows and "valid_to" in rows[0]:
                self.rows(path, [{**row, "valid_to": ""} for row in rows])
            if path.stem == "working_years":
                years = {int(row["year"]) for row in rows} | {datetime.now(UTC).year + n for n in range(2)}
                self.rows(path, [{**rows[0], "year": year} for year in sorted(years)])

    def rows(self, path: Path, rows: list[dict]) -> None:
        self.write(str(path.relative_to(self.project)), "")
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def set(self, **variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                self.patch.delenv(name)
            else:
                self.patch.setenv(name, str(value))

    @cached_property
    def ledger(self):
        return open_ledger(Settings())

    def change(self, statement) -> None:
        with self.ledger.begin() as connection:
            connection.execute(statement)

    def ask(self, name: str) -> None:
        """Have what is dear really asked."""
        self.patch.setattr(doctor_files, name, ASKED[name])

    def findings(self) -> dict[str, doctor.Finding]:
        here = Here(self.project)
        here.__dict__.update(self.given)
        with here.opened():
            return {one.name: one for one in doctor.examine(here)}


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """One where nothing is amiss. What is dear to ask has its own tests, and is asked where a test breaks it."""
    made = Installation(tmp_path, monkeypatch)
    named = {name for part in (*SOURCES, *SINKS) for name in part.variables()}
    made.set(**dict.fromkeys(named, "made-up"), JIFEN_DATA_DIR=made.data, DO_NOT_TRACK="1")
    (tmp_path / ".env").touch(mode=0o600)
    keys = tmp_path / "edition.key", tmp_path / "second.key"
    approvers = [f"{path.stem}: {new_key(path).text}" for path in keys]
    (tmp_path / "approvers.yml").write_text("\n".join(approvers))
    (tmp_path / "zone.yml").write_text("not_supplied: {patent: not agreed yet}")
    made.set(JIFEN_SIGNING_KEY_FILE=keys[0], JIFEN_APPROVERS_FILE=tmp_path / "approvers.yml")
    made.set(JIFEN_ZONE_FILE=tmp_path / "zone.yml", JIFEN_READERS_GROUP="root", JIFEN_ENV_FILE=tmp_path / ".env")
    for name, answer in UNASKED.items():
        monkeypatch.setattr(doctor_files, name, lambda *_, answer=answer, **__: answer)
    with private():
        publish_edition(made)
    before = os.umask(0o022)
    with made.open:
        yield made
    os.umask(before)
    for number in made.children:
        os.kill(number, signal.SIGKILL)


def publish_edition(installation: Installation) -> None:
    ledger = installation.ledger
    root = installation.data / "editions" / EDITION
    (root / "tables").mkdir(parents=True)
    (root / "tables" / "rankings.csv").write_text("uscc\n")
    sha256 = write_manifest(root, {"edition_id": EDITION}, [describe_file(root, "tables/rankings.csv", 0, "zone")])
    run_id = start_run(ledger, date(2025, 6, 30), "plain")
    row = {"edition_id": EDITION, "as_of": "2025-06-30", "recipe_sha256": "c" * 64, "manifest_sha256": sha256}
    ruleset = frozen_row("zhongkai-2024", installation.project / "dbt_project")
    publish(ledger, row | {"ruleset_id": "zhongkai-2024", "kind": "nightly"}, run_id, None, [], [], ruleset)
    end_run(ledger, run_id, "published", EDITION, {})
    point_current(installation.data, EDITION)
    (installation.data / "run.lock").touch()


def test_of_a_whole_installation_nothing_is_amiss(installation):
    assert {name: one for name, one in installation.findings().items() if one.state != doctor.OK} == {}


def open_run(installation: Installation, **said: str) -> None:
    row = {"run_id": "r", "as_of": "2025-06-30", "driver": "plain", "state": "failed", "started_at": now()}
    installation.change(insert(runs).values(**row | said))


def break_ledger(installation: Installation) -> None:
    installation.ledger.dispose()
    (installation.data / "ledger.sqlite-wal").unlink(missing_ok=True)
    (installation.data / "ledger.sqlite").write_bytes(b"no ledger" * 1000)


def leave_the_lock_to_a_child(installation: Installation) -> None:
    program = (
        "import fcntl, subprocess, sys; lock = open(sys.argv[1], 'a'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print(subprocess.Popen(['sleep', '30'], pass_fds=[lock.fileno()], stdout=-3, stderr=-3).pid)"
    )
    command = [sys.executable, "-c", program, str(installation.data / "run.lock")]
    installation.children.append(int(subprocess.run(command, capture_output=True, check=True).stdout))


def big_edition(installation: Installation) -> None:
    root = installation.data / "editions" / "2025-06-29-abc"
    root.mkdir()
    (root / "x").touch()
    write_manifest(root, {}, [describe_file(root, "x", None, "zone")])
    path = root / "manifest.json"
    told = json.loads(path.read_text())
    told["files"][0]["bytes"] = 10**15
    path.write_text(json.dumps(told))


def without_files(installation: Installation, *names: str) -> None:
    for name in names:
        installation.own(name).unlink()


def ended(installation: Installation, file: str) -> None:
    path = installation.project / "dbt_project" / "seeds" / file
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    last = date.today() + timedelta(days=30)  # noqa: DTZ011 - a month ahead is a month ahead in any zone
    installation.rows(path, [{**row, "valid_to": str(last)} for row in rows])


BREAKS = {
    "python": lambda installation: installation.edit("pyproject.toml", ">=3.11", ">=9"),
    "libraries": lambda installation: installation.edit("requirements/all.lock", "agate==", "agate==0.0."),
    "settings": lambda installation: installation.set(JIFEN_TIME_ZONE="Nowhere/Near"),
    "env_file": lambda installation: (installation.folder / ".env").chmod(0o644),
    "umask": lambda _: os.umask(0),
    "time_zone": lambda installation: installation.edit("prefect.yaml", "Asia/Shanghai", "Europe/Berlin"),
    "analytics": lambda installation: installation.set(DO_NOT_TRACK=None),
    "data_folder": lambda installation: installation.set(JIFEN_DATA_DIR=installation.folder / "elsewhere"),
    "data_folder_owner": lambda installation: installation.patch.setattr(os, "getuid", lambda: 54321),
    "data_folder_mode": lambda installation: installation.data.chmod(0o755),
    "readers_group": lambda installation: installation.set(JIFEN_READERS_GROUP="nobody-has-this-name"),
    "one_file_system": lambda installation: (installation.data / "raw").symlink_to(installation.folder),
    "free_space": lambda installation: installation.patch.setattr(
        shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9)
    ),
    "space_trend": big_edition,
    "ledger": break_ledger,
    "clock": lambda installation: open_run(installation, started_at="2999-01-01T00:00:00.000+00:00"),
    "ledger_bound": lambda installation: (installation.data / "ledger.id").write_text("another 0\n"),
    "journal": lambda installation: installation.change(text("update journal set content = '{}' where sequence = 1")),
    "lock": leave_the_lock_to_a_child,
    "dead_runs": lambda installation: open_run(
        installation, state="running", host=this_host(), process="1@0", seen_at=now()
    ),
    "current_edition": lambda installation: (
        installation.data / "editions" / EDITION / "tables" / "rankings.csv"
    ).write_text(""),
    "signing_key": lambda installation: (installation.folder / "edition.key").chmod(0o644),
    "public_keys": lambda installation: installation.set(JIFEN_PUBLIC_KEY_FILE=installation.folder / "second.key.pub"),
    "approvers": lambda installation: (installation.folder / "approvers.yml").write_text("{}"),
    "sources": lambda installation: (
        installation.given.pop("sources"),
        installation.edit("connectors/sources/tax.yml", "driver: rest", "driver: pigeon"),
    ),
    "sinks": lambda installation: (
        installation.given.pop("sinks"),
        installation.edit("connectors/sinks/bank_a.yml", "kind: extract", "kind: present"),
    ),
    "sink_columns": lambda installation: (
        installation.ask("check_sinks"),
        installation.given.update(
            sinks=[
                sink.model_copy(update={"tables": {"ext_nothing": None}}) if sink.name == "bank_a" else sink
                for sink in SINKS
            ]
        ),
    ),
    "zone": lambda installation: (installation.folder / "zone.yml").write_text("not_supplied: {moon: it is far}"),
    "variables": lambda installation: installation.set(TAX_BASE_URL=None),
    "gpg": lambda installation: installation.set(PATH=installation.folder),
    "key_files": lambda installation: (
        installation.ask("usable"),
        installation.set(DELIVERY_SIGNING_KEY_FILE="/nowhere.asc"),
    ),
    "keys_expire": lambda installation: installation.patch.setattr(
        doctor_files, "expiring_keys", lambda *_: ["key 00FF of BANK_A_OPENPGP_KEYS_FILE expires in 6 days"]
    ),
    "operators": lambda installation: installation.set(OPERATORS_WEBHOOK_URL=None, OPERATORS_WEBHOOK_SECRET=None),
    "suites": lambda installation: (
        installation.ask("load_suites"),
        without_files(installation, "expectations/suites/rankings.yml"),
    ),
    "change_limits": lambda installation: installation.write("connectors/change_limits.yml", "counts: many"),
    "retention": lambda installation: installation.write("flows/retention.yml", "editions: for ever"),
    "columns": lambda installation: installation.edit("dbt_project/columns.csv", "\n", "\n,new_column,新列,\n"),
    "rule_sets": lambda installation: (
        installation.ask("problems_of"),
        installation.edit("dbt_project/seeds/rulesets/ruleset_weights.csv", "national-2024,", "no-such-one,"),
    ),
    "published_rule_sets": lambda installation: (
        installation.ask("moved"),
        installation.edit("dbt_project/seeds/rulesets/ruleset_weights.csv", "zhongkai-2024,", "no-such-one,"),
    ),
    "programme": lambda installation: (
        installation.ask("programme_problems"),
        installation.edit("dbt_project/seeds/programme/policy_relations.csv", "champion-support,", "no-such-one,"),
    ),
    "rule_set_ends": lambda installation: ended(installation, "rulesets/rulesets.csv"),
    "parameters_end": lambda installation: ended(installation, "programme/policies.csv"),
    "reference_rates": lambda installation: ended(installation, "programme/reference_rates.csv"),
    "working_days": lambda installation: installation.rows(
        installation.project / "dbt_project/seeds/programme/working_years.csv", [{"year": 2025, "working_days": 248}]
    ),
    "dbt_parse": lambda installation: os.utime(
        installation.project / "dbt_project/target/partial_parse.msgpack", (0, 0)
    ),
    "schedule": lambda installation: without_files(installation, "prefect.yaml"),
}


@pytest.mark.parametrize("settings", [{}, {"server": {"api": {"auth_string": None}, "analytics_enabled": True}}, None])
def test_a_server_of_another_version_is_told_as_that_and_hinders_no_deploy(settings):
    answer = SimpleNamespace(json=lambda: settings)
    client = SimpleNamespace(
        api_version=lambda: "3.1.0", client_version=lambda: "3.8.0", request=lambda *_: answer, api_url="http://x/api"
    )
    version_told, settings_told = _amiss_with_server(client)
    assert version_told.startswith("the server is Prefect 3.1.0, and here is 3.8.0. Next:")
    assert settings_told.startswith("the server does not show its settings (")


AMISS_WITH_PREFECT = {
    "prefect_server": Survey((), server=("the server sends usage statistics.",)),
    "work_pool": Survey((Change(POOL, "nightly", "is not there: made", list),)),
    "worker": Survey((), idle=("no worker of pool nightly is online. Next: start one",)),
    "deployments": Survey((Change(DEPLOYMENT, "nightly", "schedules is another: as the file says", list),)),
    "automation": Survey((Change(AUTOMATION, "silent", "is not there: made", list),)),
    "prefect_runs": Survey((Change(SLOTS, "nightly", "1 taken, 0 runs at work: freed", list),)),
}


def without_a_server(installation: Installation) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    installation.given.pop("prefect")
    installation.set(PREFECT_API_URL="http://127.0.0.1:9/api")
    # Prefect reads its variables once, and another test of this process may have had it do so.
    installation.open.enter_context(temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}))


BREAKS["prefect_api"] = without_a_server
for _name, _survey in AMISS_WITH_PREFECT.items():
    BREAKS[_name] = lambda installation, survey=_survey: installation.given.update(prefect=survey)


def test_there_is_a_way_to_break_whatever_is_checked():
    assert list(BREAKS) == NAMES
    assert len(NAMES) >= 25


def test_what_a_check_rests_on_is_asked_before_it():
    for place, check in enumerate(doctor.CHECKS):
        assert set(check.after) <= set(NAMES[:place]), check.name


@pytest.mark.parametrize("name", NAMES)
def test_what_is_broken_is_found_by_its_own_check_alone_with_the_line_that_mends_it(installation, name):
    BREAKS[name](installation)
    amiss = {one.name: one for one in installation.findings().values() if one.state in (doctor.WRONG, doctor.WARNING)}
    assert list(amiss) == [name]
    (check,) = (one for one in doctor.CHECKS if one.name == name)
    assert (amiss[name].state, len(amiss[name].found) > 10) == (check.severity, True)
    assert amiss[name].mend == check.mend.format(data_dir=os.environ["JIFEN_DATA_DIR"])


def test_a_folder_that_is_not_there_is_told_by_its_variable(installation):
    folder = FolderConnection(path={"env": "MARKET_FOLDER"})
    sources = [SOURCES[0].model_copy(update={"name": "market", "connection": folder, "driver": "folder"})]
    installation.given["sources"] = [*SOURCES, *sources]
    installation.set(MARKET_FOLDER=installation.folder)
    assert installation.findings()["variables"].state == doctor.OK
    installation.set(MARKET_FOLDER=installation.folder / "gone")
    found = installation.findings()["variables"]
    assert (found.state, found.found.endswith("not mounted: MARKET_FOLDER")) == (doctor.WRONG, True)


def test_no_value_of_a_variable_is_told(installation):
    installation.set(TAX_CLIENT_SECRET="canary-7d3e", TAX_BASE_URL=None)
    assert "canary-7d3e" not in str(installation.findings())


def test_the_command_ends_with_1_where_something_is_wrong_and_with_0_where_something_is_to_be_watched(installation):
    checks = {one.name: one for one in doctor.CHECKS}
    installation.patch.setattr(doctor, "CHECKS", (checks["umask"], checks["data_folder"]))
    env = {"JIFEN_DATA_DIR": str(installation.data), "JIFEN_ENV_FILE": ""}
    os.umask(0)
    done = jifen("doctor", "--json", env=env, cwd=installation.folder)
    told = {one["name"]: one["state"] for one in json.loads(done.stdout)}
    assert (done.returncode, told) == (0, {"umask": "warning", "data_folder": "ok"})
    done = jifen("doctor", env=env | {"JIFEN_DATA_DIR": str(installation.folder / "x")}, cwd=installation.folder)
    assert (done.returncode, b"fix: mkdir -m 700" in done.stdout) == (1, True)
