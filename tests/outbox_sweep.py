"""Send 10,000 events to channels of which three requests in ten fail, by relays that are killed, and count what came.

`python -m tests.outbox_sweep` prints one line; the tests take a fixed sample. The receiver is a real HTTP server in a
process of its own; two relays send at once, each killed by SIGKILL before or after a message left, and started again.
The clock runs faster than a wall's: the schedule of three days passes in minutes.
"""

import argparse
import hashlib
import json
import logging
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from connectors.drivers.webhook_signature import new_secret
from connectors.sink_files import EVENTS, NoticeSink
from connectors.zone import Zone
from flows import relay
from flows.events import message
from flows.night import Night
from ledger.outbox import DEAD, PENDING, SENT, TABLES, attempts_of, disabled_channels, messages, replay
from ledger.publications import publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger

DAY = date(2025, 6, 30)
CHANNELS = 4
FAILING, KILLED = 0.3, 0.01
POISONED, GONE = 7, 40
"""Which message of each hundred is never taken; with which one its channel says, once, that it is gone for good."""
CUT = "taken, and the line cut"
FAULTS = ("503", "500", "429", "302", "refused", "login page", "cut", CUT)
HTML = b"<html><title>login</title></html>"
FORK = multiprocessing.get_context("fork")


class _Receiver(BaseHTTPRequestHandler):
    """A channel: takes, refuses or drops each request as the seed says, by the message's id and how often it came."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seed, folder, came = 0, Path(), Counter[str]()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message_id = self.headers["webhook-id"]
        self.came[message_id] += 1
        dice = random.Random(f"{self.seed}.{message_id}.{self.came[message_id]}")
        number = int(message_id.rpartition(".")[2])
        is_poisoned = number % 100 == POISONED
        fault = dice.choice(FAULTS) if is_poisoned or dice.random() < FAILING else None
        if is_poisoned and fault == CUT:
            fault = "refused"
        if number == GONE and self.came[message_id] == 1:
            fault = "410"
        with (self.folder / "came.jsonl").open("ab", buffering=0) as file:
            taken = fault in (None, CUT)
            line = {"id": message_id, "fault": fault, "taken": taken, "sha256": hashlib.sha256(body).hexdigest()}
            file.write(json.dumps(line).encode() + b"\n")
        self._answer(fault)

    def _answer(self, fault: str | None) -> None:
        if fault in ("cut", CUT):
            self.close_connection = True
            return
        bodies = {None: b"ok", "refused": b'{"errcode": 93000, "errmsg": "invalid webhook"}', "login page": HTML}
        body = bodies.get(fault, b"")
        self.send_response(int(fault) if fault and fault.isdecimal() else 200)
        for name, value in {"429": [("Retry-After", "30")], "302": [("Location", "/login")]}.get(fault or "", []):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """A relay that was killed goes away."""


def _serve(server: _Server, seed: int, folder: Path) -> None:
    _Receiver.seed, _Receiver.folder, _Receiver.came = seed, folder, Counter()
    server.serve_forever()


@dataclass
class Swept:
    """What became of the events."""

    events: int
    delivered: int = 0
    dead: int = 0
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    repeats: int = 0
    unexplained_repeats: int = 0
    kills: int = 0
    requests: int = 0
    failed_requests: int = 0
    most_attempts: int = 0
    seconds: float = 0.0


def _clock(began: float, speed: float) -> relay.Clock:
    start = datetime(2025, 7, 1, tzinfo=UTC)
    return lambda: start + timedelta(seconds=(time.time() - began) * speed)


def _night(settings: Settings, sinks: tuple[NoticeSink, ...]) -> Night:
    return Night("", DAY, settings, open_ledger(settings), (), sinks, Zone())


def _relay(settings: Settings, sinks: tuple[NoticeSink, ...], clock: relay.Clock, seed: int, killed: Path) -> None:
    """Send what is due until nothing is pending; now and then die by SIGKILL, before or after a message left."""
    logging.getLogger("jifen").setLevel(logging.ERROR)
    night, dice, push = _night(settings, sinks), random.Random(seed), relay._push

    def die(how: str) -> None:
        with killed.open("ab", buffering=0) as file:
            file.write(how.encode() + b"\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def push_or_die(night: Night, row: dict[str, Any]) -> None:
        fate = dice.random()
        if fate < KILLED / 2:
            die("before")
        push(night, row)
        if fate > 1 - KILLED / 2:
            die("after")

    relay._push = push_or_die
    while messages(night.ledger, PENDING):
        for table in TABLES:
            for _ in relay.try_messages(night, table, clock):
                pass
        if {row["recipient"] for row in messages(night.ledger, PENDING)} <= disabled_channels(night.ledger).keys():
            return
        time.sleep(0.02)


def sweep(folder: Path, events: int, seed: int = 20250630, speed: float = 2000.0) -> Swept:
    """Send so many events and count."""
    server = _Server(("127.0.0.1", 0), _Receiver)
    receiver = FORK.Process(target=_serve, args=(server, seed, folder), daemon=True)
    receiver.start()
    server.socket.close()
    sinks = []
    for number in range(CHANNELS):
        connection = {"url": {"env": f"SWEEP_{number}_URL"}, "secret": {"env": "SWEEP_SECRET"}}
        os.environ[f"SWEEP_{number}_URL"] = f"http://127.0.0.1:{server.server_port}/{number}"
        channel = {"name": f"channel_{number}", "title": {"zh": "通道", "en": "channel"}, "kind": "notice"}
        sinks.append(NoticeSink.model_validate({**channel, "driver": "webhook", "connection": connection}))
    os.environ["SWEEP_SECRET"] = new_secret()[0]
    settings = Settings(data_dir=folder / "data", request_timeout_seconds=5, channel_hosts="127.0.0.1", _env_file=None)
    # The lease of a claim is in the clock's time, which runs fast here: beyond what a setting may be.
    settings = settings.model_copy(update={"retry_seconds": 300 * speed})
    _queue(settings, [sink.name for sink in sinks], events)
    began = time.time()
    _drain(settings, tuple(sinks), _clock(began, speed), seed, folder / "killed")
    receiver.terminate()
    receiver.join()
    swept = _counted(settings, folder, events)
    swept.seconds = time.time() - began
    return swept


def _queue(settings: Settings, names: list[str], events: int) -> None:
    ledger = open_ledger(settings)
    edition = {"recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x", "kind": "nightly", "signed_by": None}
    queued = [
        message(
            f"e.{names[n % len(names)]}.{n}", names[n % len(names)], EVENTS["edition_published"], "e", {"number": n}
        )
        for n in range(events)
    ]
    row = {"edition_id": "e", "as_of": DAY.isoformat(), **edition}
    publish(ledger, row, start_run(ledger, DAY, "sweep"), None, [], queued)
    ledger.dispose()


def _drain(settings: Settings, sinks: tuple[NoticeSink, ...], clock: relay.Clock, seed: int, killed: Path) -> None:
    """Two relays at once, each started again when it died, till nothing is pending; a person opens what is disabled."""
    killed.touch()
    number = 0
    while True:
        running = []
        for _ in range(2):
            number += 1
            running.append(FORK.Process(target=_relay, args=(settings, sinks, clock, seed + number, killed)))
            running[-1].start()
        while all(process.is_alive() for process in running):
            time.sleep(0.01)
            for place, process in enumerate(running):
                if process.exitcode == -signal.SIGKILL:
                    number += 1
                    running[place] = FORK.Process(target=_relay, args=(settings, sinks, clock, seed + number, killed))
                    running[place].start()
        for process in running:
            process.join()
        ledger = open_ledger(settings)
        left, disabled = messages(ledger, PENDING), disabled_channels(ledger)
        for name in disabled:
            dead = [row["message_id"] for row in messages(ledger, DEAD, name) if "410" in row["last_error"]]
            replay(ledger, dead, name, "it is back", "sweep")
        ledger.dispose()
        if not left and not disabled:
            return


def _counted(settings: Settings, folder: Path, events: int) -> Swept:
    ledger = open_ledger(settings)
    rows = {row["message_id"]: row for row in messages(ledger)}
    came = [json.loads(line) for line in (folder / "came.jsonl").read_text().splitlines()]
    taken = [line for line in came if line["taken"]]
    bodies = {row["message_id"]: hashlib.sha256(row["event"].encode()).hexdigest() for row in rows.values()}
    ids = Counter(line["id"] for line in taken)
    killed = (folder / "killed").read_text().split()
    dead = {name for name, row in rows.items() if row["state"] == DEAD}
    sent = {name for name, row in rows.items() if row["state"] == SENT}
    # A message is repeated where the sender could not know that it had arrived: its line was cut, or its relay died.
    explained = sum(line["fault"] == CUT for line in taken) + killed.count("after")
    repeats = sum(ids.values()) - len(ids)
    return Swept(
        events=events,
        delivered=len(ids),
        dead=len(dead),
        lost=sorted((rows.keys() - dead) - (ids.keys() & sent)),
        altered=sorted({line["id"] for line in came if line["sha256"] != bodies[line["id"]]}),
        repeats=repeats,
        unexplained_repeats=max(0, repeats - explained),
        kills=len(killed),
        requests=len(came),
        failed_requests=sum(line["fault"] is not None for line in came),
        most_attempts=max(len(attempts_of(ledger, name)) for name in list(dead)[:50] or list(sent)[:1]),
    )


def main() -> None:
    """Sweep, print what was found, and fail where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20250630)
    parser.add_argument("--speed", type=float, default=2000.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        swept = sweep(Path(folder), asked.events, asked.seed, asked.speed)
    print(swept)  # noqa: T201 - a program's output
    raise SystemExit(bool(swept.lost or swept.altered or swept.unexplained_repeats))


if __name__ == "__main__":
    main()
