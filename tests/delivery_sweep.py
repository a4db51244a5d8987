"""Deliver 10,000 packages to banks under seeded faults, load them at the other end, and count what came.

`python -m tests.delivery_sweep` prints what it found and ends with 1 where anything is wrong; the tests take a fixed
sample. A bank's server stands on loopback in a process of its own and misbehaves as the seed says, or is OpenSSH's own
`sftp-server`, where that is installed; each run of the sender and each load at the bank is a process too, and some are
killed by SIGKILL between any two calls of the product's own functions. A day is one delivery: what arrives, is given
up, is lost at the bank or answered is drawn for each.
"""

import argparse
import asyncio
import gc
import json
import logging
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncssh
import pandas  # noqa: F401 - read once here, and not by each process of a day
import pyarrow.dataset  # noqa: F401
import sqlalchemy.dialects.sqlite  # noqa: F401
import trustme

from cli import sink_test
from connectors.drivers import sftp, web  # noqa: F401
from connectors.errors import ConfigError
from connectors.openpgp import seal, unseal
from connectors.sink_files import ExtractSink, HttpsConnection, S3Connection, read_sinks
from connectors.zone import Zone
from editions.package import pack, unpack
from editions.sql_text import literal
from flows import packages
from flows.acks import collect_acks
from flows.deliver import deliver_pending
from flows.night import Night
from flows.receive import Keys, ReceiveError, receive, write_ack
from flows.redeliver import recall, redeliver
from ledger.deliveries import acknowledge, queue_due
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger
from sandbox.standin.bank import SENDER, bank_keys, key_pair
from sandbox.standin.web_folder import WebFolder, serve_folder
from tests.contract.small_sftp import connection_of, serve

(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink)][:1]
TABLE, FIRST_DAY, CODES = "ext_bank__scores", date(2026, 1, 1), 12
OURS = tuple(f"{PROJECT_DIR}/{name}/" for name in ("connectors", "editions", "flows", "ledger"))
AT_THE_SERVER = (
    *("cut", "cut and cut again", "rename refused", "no posix-rename", "write-only", "robot", "robot takes parts"),
    *("disk full", "disk full in silence", "a byte of the disk"),
)
OF_OURS_ALONE = ("robot", "robot takes parts", "disk full in silence", "a byte of the disk")
"""Faults of our own server alone: OpenSSH's server has none of these."""
FAULTS = (*AT_THE_SERVER, "wrong host key", "sender killed", "bank killed", "given", "lost", "ack lost", "altered")
"""`given`: the bank is given a package twice; `lost`: it loses one before it was loaded."""
FAULTY, STUBBORN, RECALLED = 0.6, 0.2, 0.05
"""Of how many days something goes wrong, of how many of these the day ends with it, and has a recall."""
ALTERED = ("flipped", "rows", "sum", "codes", "no signature", "for another", "number", "drops")
FORK = multiprocessing.get_context("fork")


class _Box(asyncssh.SFTPServer):
    """A bank's server with the one fault that stands in the file beside its box; a finding is a line in `found`."""

    root = Path()

    def __init__(self, channel: Any, chroot: bytes) -> None:
        super().__init__(channel, chroot=chroot)
        self._file = self.root / "fault"
        self._fault, _, at = (self._file.read_text() if self._file.exists() else "").partition(":")
        self._at = int(at or 0)

    def _is_hidden(self) -> bool:
        return self._fault == "write-only"

    def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        is_write = pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT)
        if is_write and not Path(path.decode()).name.startswith("."):
            with (self.root / "found").open("a") as file:
                file.write(f"{path.decode()} was opened under its final name\n")
        if self._is_hidden() and not is_write:
            raise asyncssh.SFTPPermissionDenied("write only")
        return super().open(path, pflags, attrs)

    def stat(self, path: bytes) -> Any:
        if self._is_hidden():
            raise asyncssh.SFTPPermissionDenied("write only")
        return super().stat(path)

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if offset + len(data) > self._at:
            kept = data[: max(0, self._at - offset)]
            if self._fault.startswith("cut"):
                super().write(file_obj, offset, kept)
                file_obj.flush()
                if self._fault == "cut":
                    self._file.unlink(missing_ok=True)
                self.channel.get_connection().abort()
                raise asyncssh.SFTPConnectionLost("cut")
            if self._fault == "disk full":
                super().write(file_obj, offset, kept)
                raise asyncssh.SFTPNoSpaceOnFilesystem("full")
            if self._fault == "disk full in silence":
                return super().write(file_obj, offset, kept) and len(data)
            if self._fault == "a byte of the disk":
                return super().write(file_obj, offset, bytes([data[0] ^ 1]) + data[1:])
        return super().write(file_obj, offset, data)

    def close(self, file_obj: Any) -> None:
        super().close(file_obj)
        if self._fault == "robot takes parts":
            self._take(self.root / "box")

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._fault in ("rename refused", "no posix-rename"):
            kind = asyncssh.SFTPPermissionDenied if self._fault == "rename refused" else asyncssh.SFTPOpUnsupported
            raise kind(self._fault)
        super().posix_rename(oldpath, newpath)
        self._robot()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._fault == "rename refused":
            raise asyncssh.SFTPPermissionDenied(self._fault)
        super().rename(oldpath, newpath)
        self._robot()

    def _robot(self) -> None:
        if self._fault.startswith("robot"):
            self._take(self.root / "box")

    def _take(self, box: Path) -> None:
        for path in box.iterdir():
            shutil.move(path, self.root / "taken" / path.name)


class _WebBox(WebFolder):
    """The same for a folder or a store over HTTPS."""

    lane, is_store = Path(), False

    @property
    def _fault(self) -> tuple[str, int]:
        file = self.lane / "fault"
        name, _, at = (file.read_text() if file.exists() else "").partition(":")
        return name, int(at or 0)

    def do_GET(self) -> None:  # noqa: N802 - as the library names it
        """Give a file, unless it is a box for writing alone."""
        if self._fault[0] == "write-only":
            self.answer(403)
        else:
            super().do_GET()

    def do_PUT(self) -> None:  # noqa: N802 - the same
        """Take a file, or not."""
        name, at = self._fault
        path = self.path_of(self.path)
        if not self.is_store and not path.name.startswith("."):
            with (self.lane / "found").open("a") as file:
                file.write(f"{path.name} was put under its final name\n")
        if name.startswith("cut"):
            body = self.rfile.read(min(at, int(self.headers["Content-Length"])))
            if "Content-Range" in self.headers:
                self.keep(path, body)
            if name == "cut":
                (self.lane / "fault").unlink(missing_ok=True)
            self.close_connection = True
        elif name == "disk full" or (self.is_store and name == "rename refused"):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(507 if name == "disk full" else 403)
        else:
            super().do_PUT()
            self._robot(name, parts=True)

    def keep(self, path: Path, body: bytes) -> None:
        """Write what came, or something like it."""
        name, at = self._fault
        if name == "disk full in silence":
            body = body[:at]
        if name == "a byte of the disk":
            body = bytes([body[0] ^ 1]) + body[1:]
        super().keep(path, body)

    def do_MOVE(self) -> None:  # noqa: N802 - the same
        """Give a file its name, or not."""
        name, _ = self._fault
        if name == "rename refused":
            self.answer(403)
        else:
            super().do_MOVE()
            self._robot(name, parts=False)

    def _robot(self, name: str, *, parts: bool) -> None:
        if name == "robot takes parts" or (name == "robot" and (self.is_store or not parts)):
            for path in (self.lane / "box").iterdir():
                shutil.move(path, self.lane / "taken" / path.name)


class _OpenSsh(asyncssh.SSHServerSession[bytes]):
    """One connection to OpenSSH's server, which begins with the fault that stands in the file beside the box."""

    def __init__(self, root: Path) -> None:
        self._root, self._loop = root, asyncio.get_running_loop()

    def connection_made(self, chan: Any) -> None:
        self._channel = chan
        chan.set_encoding(None)

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        file = self._root / "fault"
        fault, _, at = (file.read_text() if file.exists() else "").partition(":")
        if fault == "cut":
            file.unlink()
        self._left = int(at) if fault.startswith("cut") else None
        denied = ("-P", DENIED[fault]) if fault in DENIED else ()
        # A write beyond the limit fails, and the server goes on, where the signal is ignored as Python does.
        limit = int(at) if fault == "disk full" else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        words = [OPENSSH, "-e", "-l", "INFO", *denied]
        self._server = subprocess.Popen(words, cwd=self._root, bufsize=0, restore_signals=False, **pipes)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        threading.Thread(target=self._answer, daemon=True).start()

    def data_received(self, data: bytes, datatype: Any) -> None:  # noqa: ARG002 - asyncssh passes it by place
        with suppress(OSError, ValueError):
            self._server.stdin.write(data[: self._left])
        if self._left is not None:
            self._left = max(0, self._left - len(data))
            if not self._left:
                self._server.kill()
                self._channel.get_connection().abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the same
        self._server.stdin.close()

    def _answer(self) -> None:
        while data := self._server.stdout.read(1 << 16):
            self._loop.call_soon_threadsafe(self._channel.write, data)
        for line in self._server.stderr.read().decode().splitlines():
            path, _, flags = line.removeprefix('open "').partition('" flags ')
            if "WRITE" in flags and not Path(path).name.startswith("."):
                with (self._root / "found").open("a") as found:
                    found.write(f"{path} was opened under its final name\n")
        self._server.wait()


OPENSSH = next(
    (path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server") if Path(path).exists()), ""
)
DENIED = {"rename refused": "posix-rename,rename", "no posix-rename": "posix-rename", "write-only": "read,stat"}
TRANSPORTS = ("sftp", "https", "openssh" if OPENSSH else "sftp", "s3")
NAMED = {"url": {"env": "SMALL_URL"}, "ca": {"env": "SMALL_CA"}}
KEYS = {name: {"env": f"SMALL_{name.upper()}"} for name in ("bucket", "access_key", "secret_key")}
CONNECTIONS = {
    "sftp": connection_of(),
    "https": HttpsConnection.model_validate({**NAMED, "auth": {"kind": "bearer", "token": {"env": "SMALL_PASSWORD"}}}),
    "s3": S3Connection.model_validate({**NAMED, **KEYS}),
}


def _serve(root: Path, transport: str) -> None:
    for name in ("asyncssh", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if transport == "sftp":
        server = serve(root, type("Box", (_Box,), {"root": root}))
    elif transport == "openssh":
        server = serve(root, session=partial(_OpenSsh, root))
    else:
        is_store = transport == "s3"
        handler = type("WebBox", (_WebBox,), {"lane": root, "is_store": is_store})
        server = serve_folder(root.parent if is_store else root, root / "tls", handler)
    with server as variables:
        known = (
            {f"SMALL_{name.upper()}": value for name, value in variables.items()} if "url" in variables else variables
        )
        others = {"SMALL_BUCKET": root.name, "SMALL_ACCESS_KEY": "made-up", "SMALL_SECRET_KEY": "made-up"}
        (root / "variables.part").write_text(json.dumps({"SMALL_PASSWORD": "made-up", **others, **known}))
        (root / "variables.part").rename(root / "variables")
        signal.pause()


@dataclass
class Swept:
    """What became of the deliveries, and each thing that is not as it must be."""

    deliveries: int = 0
    sealed: int = 0
    by_transport: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    given_up: int = 0
    recalls: int = 0
    attempts: int = 0
    kills: int = 0
    redeliveries: int = 0
    refused_as_gap: int = 0
    refused_as_altered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def add(self, other: "Swept") -> None:
        """Count what another lane has counted."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


class _Killed(Exception):  # noqa: N818 - an outcome, no error
    """The process was killed, as the seed wanted."""


def _apart(work: Callable[[], Any], kill_at: int | None = None) -> Any:
    """What some work answers, in a process of its own that is killed at one of the calls of our functions.

    Raises `_Killed`. A `kill_at` of 0 counts the calls and answers their number.
    """
    ours, theirs = FORK.Pipe(duplex=False)

    def run() -> None:
        calls = [0]

        def count(frame: Any, event: str, _: Any) -> None:
            if event in ("call", "return") and frame.f_code.co_filename.startswith(OURS):
                calls[0] += 1
                if calls[0] == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        if kill_at is not None:
            threading.setprofile(count)
            sys.setprofile(count)
        try:
            answer: Any = work()
        except Exception as error:  # noqa: BLE001 - the caller judges it
            answer = error
        sys.setprofile(None)
        theirs.send(calls[0] if kill_at == 0 else answer)
        theirs.close()
        os._exit(0)

    process = FORK.Process(target=run)
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        answer = _Killed()
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL) or (isinstance(answer, _Killed) and not kill_at):
        raise RuntimeError(f"a process ended with {process.exitcode}")
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Lane:
    """One sender with its store, one bank with its own, and the days between them."""

    def __init__(self, root: Path, seed: int, number: int, *, is_sealed: bool) -> None:
        self.root, self.dice, self.swept = root, random.Random(f"{seed}.{number}"), Swept()
        # Each lane goes on where the one before it stopped, so that a small sample has them all.
        shuffled = random.Random(seed).sample(FAULTS, len(FAULTS))
        for name in ("box", "acks", "taken", "inbox", "tmp"):
            (root / name).mkdir(parents=True)
        acknowledged = BANK.acknowledged and BANK.acknowledged.model_copy(update={"folder": "acks"})
        sealed = {} if is_sealed else {"sealed": None, "unsealed": "a trial"}
        self.transport = TRANSPORTS[number % len(TRANSPORTS)]
        left_out = OF_OURS_ALONE if self.transport == "openssh" else ()
        faults = [fault for fault in shuffled if fault not in left_out]
        self.faults = islice(cycle(faults), number * 10 % len(faults), None)
        driver = "sftp" if self.transport == "openssh" else self.transport
        route = {
            "driver": driver,
            "connection": CONNECTIONS[driver],
            "folder": "box",
            "tables": {TABLE: BANK.tables[TABLE]},
            "notice": None,
        }
        self.sink = BANK.model_copy(update={"acknowledged": acknowledged, **route, **sealed})
        self.settings = Settings(data_dir=root / "data", retry_seconds=5, channel_hosts="localhost", _env_file=None)
        self.day, self.into = FIRST_DAY, root / "bank"
        self.keys = Keys(key_pair(root, BANK.name)[0], key_pair(root, SENDER)[1]) if is_sealed else None
        self.calls: dict[str, int] = {}
        self.loaded: dict[int, str] = {}
        self.whole: dict[str, str] = {}

    def run(self, days: int) -> Swept:
        """Let so many days pass, and one at the end on which nothing goes wrong; answers what was found."""
        server = FORK.Process(target=_serve, args=(self.root, self.transport), daemon=True)
        server.start()
        while not (self.root / "variables").exists():
            time.sleep(0.01)
        variables = json.loads((self.root / "variables").read_text())
        os.environ |= {**variables, **bank_keys(self.sink, self.root), "TMPDIR": str(self.root / "tmp")}
        tempfile.tempdir = None
        codes = {"consent_valid_to": f"date {literal(FIRST_DAY.isoformat())} + cast(i * {days} // {CODES} as integer)"}
        with patch.dict(sink_test._CONSENT, codes), patch.object(sink_test, "ROWS", CODES):
            _apart(self._make)
        self.calls = {"send": _apart(self._send, 0), "load": _apart(self._load, 0)}
        for _ in range(days - 1):
            self.day += timedelta(days=1)
            self._pass_a_day(next(self.faults) if self.dice.random() < FAULTY else "")
        self.day += timedelta(days=1)
        self._heal()
        self._check()
        server.terminate()
        server.join()
        return self.swept

    def _make(self) -> None:
        ledger = open_ledger(self.settings)
        sink_test._make_edition(self.sink, self.settings, ledger)

    def _night(self) -> Night:
        return Night("", self.day, self.settings, open_ledger(self.settings), (), (self.sink,), Zone())

    def _send(self, act: Callable[[Night], Any] | None = None) -> Any:
        """One run of the sender, on this lane's day."""
        logging.getLogger("jifen").setLevel(logging.CRITICAL)
        moment = datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC)
        clock = type("Clock", (datetime,), {"now": classmethod(lambda _, zone=None: moment.astimezone(zone))})
        night = self._night()
        with patch("ledger.settings.datetime", clock), patch("flows.night.read_sinks", lambda: [self.sink]):
            if act:
                return act(night)
            queue_due(night.ledger, [self.sink.name], sink_test.EDITION, self.day.isoformat())
            lines = deliver_pending(night)
            for line in collect_acks(night):
                if line["state"] == "wrong":
                    raise RuntimeError(line["error"])
        return [line.get("error") for line in lines if line["state"] != "sent"]

    def _load(self) -> list[str]:
        """One load at the bank of whatever lies there, with its answers; answers what was refused."""
        refused = []
        for package in self._lying():
            try:
                received = receive(package, self.into, self.sink.name, self.keys)
            except ReceiveError as error:
                refused.append(str(error))
                continue
            write_ack(received, self.root / "acks", self.sink.name, "accepted")
        return refused

    def _lying(self) -> list[Path]:
        """What the bank's people find: packages, moved into a folder of theirs."""
        for folder in ("box", "taken"):
            for path in sorted((self.root / folder).glob("jifen_*")):
                path.rename(self.root / "inbox" / path.name)
        return sorted(path for path in (self.root / "inbox").iterdir() if path.name.endswith((".tar", ".tar.gpg")))

    def _pass_a_day(self, fault: str) -> None:
        swept, dice = self.swept, self.dice
        swept.faults.update([fault] if fault else [])
        if dice.random() < RECALLED:
            swept.recalls += 1
            codes = [f"91441300MA0000000{dice.randint(1, CODES)}"]
            self._try(lambda: self._send(lambda _: recall(self.settings, self.sink.name, codes, "why", "somebody")))
        if fault in AT_THE_SERVER:
            (self.root / "fault").write_text(f"{fault}:{dice.randint(1, 4000)}")
        wrong = self._another_key() if fault == "wrong host key" else {}
        with patch.dict(os.environ, wrong):
            left = self._try(self._send, self._fate("send", is_wanted=fault == "sender killed"))
        (self.root / "fault").unlink(missing_ok=True)
        is_over = left != [] and (fault == "sender killed" or dice.random() > STUBBORN)
        if is_over and (left := self._try(self._send)):
            swept.findings.append(f"{self.day}: not sent though nothing is wrong any more: {left}")
        self._look_for_parts()
        self._at_the_bank(fault)

    def _another_key(self) -> dict[str, str]:
        key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        trustme.CA().cert_pem.write_to_path(str(self.root / "another.pem"))
        return {"SMALL_HOST_KEY": str(key), "SMALL_CA": str(self.root / "another.pem")}

    def _fate(self, what: str, *, is_wanted: bool) -> int | None:
        return self.dice.randint(1, self.calls[what]) if is_wanted else None

    def _try(self, work: Callable[[], Any], kill_at: int | None = None) -> Any:
        """The answer of work in a process of its own; None where it was killed."""
        self.swept.attempts += 1
        try:
            return _apart(work, kill_at)
        except _Killed:
            self.swept.kills += 1
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.swept.findings.append(f"{self.day}: {type(error).__name__}: {error}")
            return []

    def _at_the_bank(self, fault: str) -> None:
        if fault == "lost":
            for path in self._lying():
                path.unlink()
            return
        if fault == "altered":
            self._offer_altered()
        refused = self._try(self._load, self._fate("load", is_wanted=fault == "bank killed"))
        if refused is None:
            refused = self._try(self._load)
        self._require_missed(refused)
        # What the first load missed was requested in between, so the second may answer otherwise.
        if fault == "given" and not refused and (again := self._try(self._load)):
            self.swept.findings.append(f"{self.day}: a second load says {again}")
        self._look_at_bank()
        if fault == "ack lost":
            for path in (self.root / "acks").iterdir():
                path.unlink()
        for path in self._lying():
            path.unlink()

    def _require_missed(self, refused: list[str]) -> None:
        """A bank refuses a package only after a gap: it requests what is missing, or the next package fills it."""
        refused = [message for message in refused if "is older than" not in message]
        if not refused:
            return
        if any("there is a gap" not in message and "we have none" not in message for message in refused):
            self.swept.findings.append(f"{self.day}: refused: {refused}")
            return
        self.swept.refused_as_gap += 1
        self._ask_for_missing()

    def _ask_for_missing(self) -> None:
        for row in self._sent_and_not_loaded():
            self.swept.redeliveries += 1
            if self._try(partial(self._again, row["delivery_id"])) == "ended":
                # Its rows may not be sent again: it is recorded as rejected, and the next package fills the gap.
                self._try(partial(self._rejected, row["delivery_id"]))
                self.day += timedelta(days=1)
                self._try(self._send)
                break
        # A package that a later one names as a gap blocks no other one.
        self._try(self._load)
        refused = self._try(self._load)
        if any("is older than" not in message for message in refused):
            last = [tuple(row[name] for name in ("number", "kind", "state", "ack_state")) for row in self._rows()[-8:]]
            self.swept.findings.append(f"{self.day}: refused though nothing is missing any more: {refused}; {last}")

    def _again(self, delivery_id: str) -> str:
        try:
            self._send(lambda _: redeliver(self.settings, delivery_id, "somebody"))
        except ConfigError as error:
            if "may not go there" not in str(error):
                raise
            return "ended"
        return "sent"

    def _rejected(self, delivery_id: str) -> None:
        acknowledge(open_ledger(self.settings), delivery_id, "rejected", "lost", "somebody")

    def _rows(self) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.settings.data_dir / "ledger.sqlite")) as ledger:
            ledger.row_factory = sqlite3.Row
            return [dict(row) for row in ledger.execute("select * from deliveries order by number")]

    def _sent_and_not_loaded(self) -> list[dict[str, Any]]:
        """What the bank lacks: behind the last that it has, for what is before that it has done without."""
        last = max((number for (number,) in self._at_bank("select number from deliveries")), default=0)
        return [
            row
            for row in self._rows()
            if row["state"] == "sent" and row["ack_state"] != "rejected" and row["number"] > last
        ]

    def _at_bank(self, query: str) -> list[Any]:
        path = self.into / "received.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as store, suppress(sqlite3.OperationalError):
            return store.execute(query).fetchall()
        return []

    def _look_for_parts(self) -> None:
        """Whatever has a final name is what was composed, whole."""
        found = self.root / "found"
        if found.exists():
            self.swept.findings.append(found.read_text())
            found.unlink()
        kept = {path.name: path for path in (self.settings.data_dir / "deliveries").rglob("jifen_*")}
        for path in (*(self.root / "box").iterdir(), *(self.root / "taken").iterdir()):
            if path.name.startswith(".") or path.name.endswith(".json"):
                continue
            if path.name not in kept or path.read_bytes() != kept[path.name].read_bytes():
                self.swept.findings.append(f"{self.day}: {path.name} is not what was composed")

    def _look_at_bank(self) -> None:
        for number, content in self._at_bank("select number, received_at || manifest_sha256 from deliveries"):
            if self.loaded.setdefault(number, content) != content:
                self.swept.findings.append(f"number {number} was loaded twice")

    def _offer_altered(self) -> None:
        """A package that was changed on the way, or made wrongly by the sender, is loaded by no bank."""
        for package in self._lying()[:1]:
            how = self.dice.choice(ALTERED)
            if how == "no signature" and self.keys is None:
                how = "flipped"
            spoilt = self.root / "tmp" / package.name
            spoilt.write_bytes(self._altered(package.read_bytes(), how))
            before = self._at_bank("select * from deliveries")
            wanted = SAID[how]
            try:
                _apart(partial(receive, spoilt, self.into, self.sink.name, self.keys))
                said = "it was loaded"
            except ReceiveError as error:
                said = str(error)
            if not any(word in said for word in wanted) or self._at_bank("select * from deliveries") != before:
                self.swept.findings.append(f"{self.day}: altered ({how}): {said}")
            self.swept.refused_as_altered += 1
            spoilt.unlink()

    def _altered(self, content: bytes, how: str) -> bytes:
        if how == "flipped":
            place = self.dice.randrange(len(content) // 3, len(content) // 2)
            return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        plain = unseal(content, self.keys.secret, self.keys.senders, "sweep") if self.keys else content
        if how == "no signature":
            return plain
        files = unpack(plain)
        manifest = json.loads(files.pop("manifest.json"))
        files.pop("SHA256SUMS")
        if how == "for another":
            manifest["recipient"] = "bank_b"
        elif how == "number":
            manifest["number"] += 2
        elif how == "drops" or not manifest["files"]:
            manifest["drops"]["rows"] += 1
        else:
            entry = manifest["files"][0]
            entry["rows"] += how == "rows"
            entry["codes_sha256"] = "0" * 64 if how == "codes" else entry["codes_sha256"]
            entry["sums"] = dict.fromkeys(entry["sums"], "0.5") if how == "sum" else entry["sums"]
        package, sealed = self.root / "tmp" / "plain.tar", self.root / "tmp" / "sealed.gpg"
        with package.open("wb") as target:
            pack(files, manifest, target)
        if self.keys is None:
            return package.read_bytes()
        seal(package, sealed, key_pair(self.root, SENDER)[0], key_pair(self.root, BANK.name)[1], "sweep")
        return sealed.read_bytes()

    def _heal(self) -> None:
        """On the last day nothing goes wrong: whatever is owed is sent, loaded and answered."""
        left = self._try(self._send)
        if left:
            self.swept.findings.append(f"on the last day not sent: {left}")
        self._at_the_bank("")
        for row in self._rows():
            if row["state"] == "sent" and row["ack_state"] is None:
                self.swept.redeliveries += 1
                if self._try(partial(self._again, row["delivery_id"])) != "ended":
                    self._at_the_bank("")
        self._try(self._send)

    def _check(self) -> None:
        """Every number that was sent is loaded as it was, once; every other one was named as a gap; rows are right."""
        swept, rows = self.swept, self._rows()
        numbers = [row["number"] for row in rows]
        if numbers != [*range(1, len(rows) + 1)]:
            swept.findings.append(f"numbers of the ledger: {numbers}")
        at_bank = dict(self._at_bank("select number, manifest_sha256 from deliveries"))
        gaps = {number for package in at_bank for number in self._gaps_named_by(package)} - at_bank.keys()
        for row in rows:
            if row["state"] == "pending":
                swept.findings.append(f"{row['delivery_id']} is still pending: {row['last_error']}")
            is_sent = row["state"] == "sent" and row["number"] not in gaps
            if is_sent and at_bank.get(row["number"]) != row["manifest_sha256"]:
                swept.findings.append(f"{row['delivery_id']} was sent and is lost: {at_bank.get(row['number'])}")
            if row["number"] in at_bank and at_bank[row["number"]] != row["manifest_sha256"]:
                swept.findings.append(f"{row['delivery_id']} is another one at the bank")
            swept.sent += is_sent
            swept.given_up += not is_sent
        swept.deliveries, swept.sealed = len(rows), len(rows) if self.keys else 0
        swept.by_transport[self.transport] = len(rows)
        self._check_rows(at_bank)

    def _gaps_named_by(self, number: int) -> list[int]:
        row = {"recipient": self.sink.name, "number": number}
        return [gap["number"] for gap in packages.kept_manifest(self.settings.data_dir, row)["gaps"]]

    def _check_rows(self, at_bank: dict[int, str]) -> None:
        if repeated := self._at_bank(
            "select number, table_name, uscc, count(*) from dropped group by 1, 2, 3 having count(*) > 1"
        ):
            self.swept.findings.append(f"dropped twice: {repeated}")
        ever: set[str] = set()
        for number in sorted(at_bank):
            row = {"recipient": self.sink.name, "number": number}
            ever |= packages.codes_of(packages.kept_cells(self.settings.data_dir, row).get(TABLE, ()))
        now = {code for (code,) in self._at_bank(f"select uscc from {TABLE}")}  # noqa: S608 - a name of ours
        dropped = {code for (code,) in self._at_bank("select uscc from dropped")}
        if unnamed := ever - now - dropped:
            self.swept.findings.append(f"rows that the bank held were never named as dropped: {sorted(unnamed)}")


SAID = {
    "flipped": (
        *("is not of these bytes", "bytes of it were changed", "no OpenPGP message", "not what", "no tar"),
        *("cannot be", "belongs in no", "behind the end"),
    ),
    "rows": ("rows, the manifest says",),
    "sum": ("sums to", "rows, the manifest says"),
    "codes": ("the codes are not those", "rows, the manifest says"),
    "drops": ("rows, the manifest says",),
    "no signature": ("not encrypted, or it is no OpenPGP message",),
    "for another": ("it is for bank_b",),
    "number": ("do not add up", "a gap", "we have none"),
}


def _lane(work: tuple[Path, int, int, int, bool]) -> Swept:
    root, number, days, seed, is_sealed = work
    before = os.times()
    swept = _Lane(root / f"lane{number}", seed, number, is_sealed=is_sealed).run(days)
    spent = os.times()
    swept.cpu_seconds = sum(spent[:4]) - sum(before[:4])
    return swept


def sweep(
    folder: Path, count: int, seed: int = 20250630, *, sealed: float = 1.0, days: int = 100, processes: int = 2
) -> Swept:
    """Deliver so many packages over lanes of so many days each, and count."""
    began, total = time.monotonic(), Swept()
    lanes = max(1, round(count / days))
    work = [(folder, number, min(days, count), seed, number < sealed * lanes) for number in range(lanes)]
    # What was imported is no garbage: a child that looks for some in it would copy every page of it, at twice the cost.
    gc.freeze()
    for swept in _side_by_side(work, processes):
        total.add(swept)
        logging.getLogger("sweep").info("%d delivered, findings: %s", total.deliveries, swept.findings)
    gc.unfreeze()
    total.seconds = time.monotonic() - began
    return total


def _side_by_side(work: list[Any], processes: int) -> Iterator[Swept]:
    """What each lane answers; a lane starts processes of its own, so it is one that may."""
    if processes == 1 or len(work) == 1:
        yield from map(_lane, work)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(processes, mp_context=FORK, max_tasks_per_child=None) as pool:
        yield from pool.map(_lane, work)


def main() -> None:
    """Sweep, print what was found, and fail where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20250630)
    parser.add_argument("--sealed", type=float, default=1.0, help="the share of lanes whose packages are sealed by gpg")
    parser.add_argument("--days", type=int, default=100, help="days of a lane: its deliveries")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("sweep").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        swept = sweep(
            Path(folder),
            asked.deliveries,
            asked.seed,
            sealed=asked.sealed,
            days=asked.days,
            processes=asked.processes,
        )
    for name, value in vars(swept).items():
        print(f"{name}: {value}")  # noqa: T201 - a program's output
    raise SystemExit(bool(swept.findings))


if __name__ == "__main__":
    main()
