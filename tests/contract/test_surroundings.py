"""What a person meets at the terminal when the surroundings are wrong: one sentence, an exit code, no traceback."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from cli.entry import CommandError, report
from connectors.errors import ConfigError, TransientError
from flows import prefect_server
from flows.prefect_server import require_api
from ledger import store
from ledger.runs import exclusive_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import LedgerUnreadableError, open_ledger
from tests import command_line

JIFEN = (sys.executable, "-P", "-m", "cli")
TRACEBACK = re.compile(r'Traceback \(most recent|File "[^"\n]+", line \d+')


@pytest.fixture
def environment(tmp_path):
    """A data folder of the test's own, and no .env."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_API", "JIFEN_"))}
    return {**plain, "JIFEN_ENV_FILE": "", "JIFEN_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}


@pytest.fixture
def jifen(environment, tmp_path):
    """Call `jifen` in a folder where nothing stands."""

    def call(*words, encoding="utf-8", **variables):
        return command_line.jifen(*words, env={**environment, **variables}, cwd=tmp_path, encoding=encoding)

    return call


@pytest.fixture
def process(environment, tmp_path):
    """The same as a process of its own."""

    def call(*words, stdout=subprocess.PIPE, preexec_fn=None, **variables):
        return subprocess.run(
            [*JIFEN, *words],
            env={**environment, **variables},
            cwd=tmp_path,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
            preexec_fn=preexec_fn,
        )

    return call


def words_of(done):
    """What was said, as text on one line; that there is no traceback in it is asserted here."""
    said = ((done.stdout or b"") + done.stderr).decode("utf-8", "replace")
    assert not TRACEBACK.search(said), said
    return " ".join(said.split())


@pytest.mark.parametrize(
    ("words", "variables", "code", "said"),
    [
        (("status",), {"JIFEN_RETRY_SECONDS": "soon"}, 1, "JIFEN_RETRY_SECONDS: Input should be a valid number"),
        (("run",), {"JIFEN_RETRY_SECONDS": "-1"}, 1, "JIFEN_RETRY_SECONDS: Input should be greater than 0"),
        (("run",), {"JIFEN_REQUEST_TIMEOUT_SECONDS": "inf"}, 1, "less than or equal to 86400"),
        (("source", "list"), {"JIFEN_TIME_ZONE": "Mars/Olympus"}, 1, "JIFEN_TIME_ZONE: no time zone has this name"),
        (("source", "list"), {"JIFEN_TIME_ZONE": "../../etc/passwd"}, 1, "JIFEN_TIME_ZONE: no time zone"),
        (("source", "list"), {"JIFEN_ZONE_FILE": "/nowhere/zone.yml"}, 1, "/nowhere/zone.yml"),
        (("status",), {"JIFEN_ENV_FILE": "/nowhere/.env"}, 1, "/nowhere/.env: cannot be read: No such file"),
        (("run",), {"JIFEN_DATA_DIR": "/dev/null"}, 1, "/dev/null: "),
        (("edition", "list"), {"JIFEN_DATA_DIR": "/dev/null/under"}, 1, "Whose: config"),
        (("run",), {"JIFEN_DATA_DIR": "/proc/jifen"}, 1, "/proc/jifen: "),
        (("run",), {"JIFEN_DATA_DIR": "/dev/shm/what?"}, 1, "JIFEN_DATA_DIR: a folder with a question mark"),
        (("run",), {"JIFEN_LEDGER_URL": "postgresql+psycopg:u:geheim@h/db"}, 1, "JIFEN_LEDGER_URL is no URL"),
        (("run",), {"JIFEN_LEDGER_URL": "postgresql+psycopg://u:a@geheim@127.0.0.1:9/db"}, 1, "%40 for @"),
        (("run",), {"JIFEN_LEDGER_URL": "postgresql+psycopg://u:a@b/geheim@127.0.0.1:9/db"}, 1, "%40 for @"),
        (("run",), {"JIFEN_LEDGER_URL": "orakel://u@h/db?password=geheim"}, 1, "orakel://u@h/db cannot be opened"),
        (("run",), {"JIFEN_LEDGER_URL": "orakel://u:geheim@h/db"}, 1, "orakel://u:***@h/db cannot be opened"),
        (("status",), {"JIFEN_LEDGER_URL": "postgresql+psycopg://u:geheim@127.0.0.1:9/db"}, 1, "onnection refused"),
        (("status",), {"JIFEN_LEDGER_URL": "sqlite:////proc/no/ledger.sqlite"}, 0, "no night has run yet"),
        (("run",), {"JIFEN_LEDGER_URL": "sqlite:////proc/no/ledger.sqlite"}, 1, "unable to open database file"),
        (("run", "--as-of", "2999-01-01"), {}, 2, "lies ahead of today"),
        (("run", "--as-of", "yesterday"), {}, 2, "yesterday is not a date"),
        (("nonsense",), {}, 2, "nonsense"),
    ],
)
def test_wrong_surroundings_are_one_sentence(jifen, words, variables, code, said):
    done = jifen(*words, **variables)
    assert (done.returncode, said in words_of(done)) == (code, True), words_of(done)
    assert "geheim" not in words_of(done)


@pytest.mark.parametrize("words", [("status",), ("run",), ("edition", "list")], ids=" ".join)
def test_a_program_gets_the_sentence_as_json(jifen, words):
    told = json.loads(jifen(*words, "--json", JIFEN_RETRY_SECONDS="soon").stdout)
    assert (told["state"], told["exit_code"]) == ("failed", 1)
    assert "JIFEN_RETRY_SECONDS" in told["message"]


@pytest.mark.parametrize(("no_color", "word"), [("", "\x1b[31mfailed\x1b[0m"), ("1", "failed")])
def test_an_error_is_red_on_a_terminal_that_shows_colours(monkeypatch, capsys, no_color, word):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert report(CommandError("it cannot be done.")) == 1
    assert capsys.readouterr().err == f"{word} it cannot be done.\n"


def test_an_address_of_prefect_that_cannot_be_read_is_one_sentence(process):
    done = process("run", PREFECT_API_URL="http://[::1/api")
    assert (done.returncode, "PREFECT_ settings: Prefect cannot read them" in words_of(done)) == (1, True)


def test_a_prefect_api_that_is_away_is_a_failed_night_in_the_ledger(process, jifen):
    done = process("run", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert (done.returncode, "Prefect API http://127.0.0.1:9/api: cannot be" in words_of(done)) == (1, True)
    last = json.loads(jifen("status", "--json").stdout)["last_run"]
    assert (last["state"], last["driver"]) == ("failed", "prefect")
    assert "cannot be reached" in last["report"]["message"]


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("create table ledger_version (version integer); insert into ledger_version values (99);")


def torn(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("create table t (a); insert into t select zeroblob(90000);")
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 4096)


def not_one(path):
    path.write_bytes(b"no database, whatever its name says")


@pytest.mark.parametrize(
    ("damage", "words", "said"),
    [
        (not_one, "status", "file is not a database"),
        (not_one, "run", "file is not a database"),
        (not_one, "quarantine list", "file is not a database"),
        (not_one, "source pull tax", "file is not a database"),
        (Path.mkdir, "status", "unable to open database file"),
        (newer, "status", "is of version 99"),
        (torn, "edition list", "cannot be opened: "),
    ],
)
def test_a_damaged_ledger_is_one_sentence(jifen, tmp_path, damage, words, said):
    (tmp_path / "data").mkdir()
    damage(tmp_path / "data" / "ledger.sqlite")
    done = jifen(*words.split())
    assert (done.returncode, said in words_of(done)) == (1, True), words_of(done)


COMMANDS = (
    "--help",
    "status",
    "source list",
    "source plan tax",
    "source check nobody",
    "edition list",
    "edition show",
    "quarantine list",
    "identity list",
    "returns list",
    "ruleset list",
    "explain 91441399299366954F",
    "status --check",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_that_knows_ascii_alone_gets_escapes(jifen, command):
    for words in (command.split(), [*command.split(), *["--json"] * (command != "--help")]):
        done = jifen(*words, encoding="ascii")
        assert "UnicodeEncodeError" not in words_of(done)
        assert (done.returncode in (0, 1, 2), done.stdout.isascii(), done.stderr.isascii()) == (True, True, True)
        if "--json" in words and done.returncode == 0:
            json.loads(done.stdout)


def test_a_terminal_of_any_encoding_is_written_to(jifen, process):
    for encoding in ("latin-1", "gbk", "utf-16"):
        done = jifen("source", "list", encoding=encoding)
        assert (done.returncode, "UnicodeEncodeError" in words_of(done)) == (0, False)
    shown = [jifen("source", "list", "--json", encoding=name).stdout for name in ("ascii", "utf-8")]
    shown.append(process("source", "list", "--json", PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0").stdout)
    assert json.loads(shown[0]) == json.loads(shown[1]) == json.loads(shown[2])


@pytest.mark.parametrize("words", [("source", "list", "--json"), ("ruleset", "list"), ("--help",)])
def test_a_reader_that_has_read_enough_and_a_full_disk_end_it_quietly(process, words):
    reading, writing = os.pipe()
    os.close(reading)
    done = process(*words, stdout=writing)
    os.close(writing)
    # The help is typer's own to print.
    assert (done.returncode, words_of(done)) == (int("--help" in words), "")
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = process(*words, stdout=full)
    assert done.returncode == 1
    assert "No space left on device" in words_of(done)


@pytest.mark.parametrize("closed", ["1", "2"], ids=["output", "errors"])
def test_a_terminal_that_is_closed_is_no_fault(closed):
    words = " ".join(["exec", f"'{sys.executable}'", "-P", "-m", "cli", "ruleset", "list", f"{closed}>&-"])
    done = subprocess.run(["/bin/sh", "-c", words], capture_output=True, check=False, cwd=PROJECT_DIR)
    assert (done.returncode, "a fault of" in words_of(done)) == (0, False)


def test_a_disk_that_is_full_in_the_middle_of_a_night_fails_it_in_one_sentence(process):
    import resource

    # No file may grow beyond this: the ledger's tables fit, its journal does not.
    done = process("run", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    assert done.returncode == 1
    assert re.search(r"File too large|disk I/O error|disk is full", words_of(done)), words_of(done)


def test_a_fault_of_our_own_is_one_sentence_and_its_traceback_a_file_for_its_owner(jifen, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setattr("cli.status.standing", lambda _: 1 / 0)
    done = jifen("status")
    log = tmp_path / "data" / "logs" / "faults.log"
    assert done.returncode == 1
    assert f"ZeroDivisionError: division by zero. Whose: jifen. Next: give {log}" in words_of(done)
    assert TRACEBACK.search(log.read_text())
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_run_that_is_interrupted_says_so_and_is_closed(jifen, environment):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment |= {
            "JIFEN_RETRY_SECONDS": "4",
            "JIFEN_REQUEST_TIMEOUT_SECONDS": "2",
            "TAX_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "TAX_CLIENT_ID": "made up",
            "TAX_CLIENT_SECRET": "made up",
        }
        running = subprocess.Popen([*JIFEN, "run"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
    said = words_of(subprocess.CompletedProcess([], running.returncode, out, err))
    assert "interrupted; what was fetched is kept. Next: jifen run --as-of 20" in said
    assert json.loads(jifen("status", "--json").stdout)["last_run"]["state"] == "failed"


def test_a_second_run_beside_the_first_is_refused(jifen, tmp_path):
    with exclusive_run(tmp_path / "data"):
        done = jifen("run")
    assert (done.returncode, "another run holds" in words_of(done)) == (1, True)


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers each request as the class says: a status, or a body that no Prefect API sends."""

    status, body, holds = 200, b"{}", False
    released = threading.Event()

    def do_POST(self):
        if self.holds:
            self.released.wait(60)
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(self.body)

    do_GET = do_POST  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def answering(**how):
    handler = type("Handler", (Answering,), how)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/api"
        Answering.released.set()
        server.shutdown()


@pytest.mark.parametrize(
    ("how", "scheme", "kind", "said"),
    [
        ({"status": 401}, "http://", ConfigError, "answers 401.*PREFECT_API_AUTH_STRING"),
        ({"status": 404}, "http://", ConfigError, "answers 404: this is no Prefect API"),
        ({"status": 500}, "http://", TransientError, "answers 500"),
        ({"body": b"<html>a page</html>"}, "http://", ConfigError, "no answer of a Prefect API"),
        ({"body": b'{"hello": 1}'}, "http://", ConfigError, "no answer of a Prefect API"),
        ({"holds": True}, "http://", TransientError, "no answer within 1 s"),
        ({}, "https://", TransientError, "cannot be reached"),
        ({}, "", ConfigError, "no answer of a Prefect API"),
        ({}, "http://user:geheim@", ConfigError, r"http://\*\*\*@127"),
    ],
)
def test_an_address_that_is_no_prefect_api_is_told(monkeypatch, how, scheme, kind, said):
    monkeypatch.setattr(prefect_server, "PROBE_SECONDS", 1.0 if "holds" in how else 60.0)
    Answering.released.clear()
    with answering(**how) as address, temporary_settings({PREFECT_API_URL: scheme + address}):
        with pytest.raises(kind, match=said) as told:
            require_api()
        # Given up while the server still held its answer back.
        assert not Answering.released.is_set()
    assert "geheim" not in str(told.value)


def test_a_ledger_server_that_says_nothing_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://u:geheim@127.0.0.1:{silent.getsockname()[1]}/db"
        with pytest.raises(LedgerUnreadableError, match="timeout") as told:
            open_ledger(Settings(data_dir=tmp_path, ledger_url=url))
    assert "geheim" not in str(told.value)
