"""The sandbox's process: agencies and recipients of one population, served until stopped."""

import asyncio
import contextlib
import json
import logging
import secrets
import shlex
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from connectors.drivers.auth import MutualTls
from connectors.sink_files import ExtractSink, HttpsConnection
from connectors.spec import FolderConnection, RestConnection, SftpConnection, Source
from connectors.strict import variables_in
from sandbox.feeds import Feeds
from sandbox.standin.bank import bank_keys
from sandbox.standin.certificates import make_certificates
from sandbox.standin.faults import PLAN, PlanError
from sandbox.standin.files import StandinFolder, Written, growing_piece
from sandbox.standin.gate import open_gate
from sandbox.standin.journal import Journal
from sandbox.standin.office import Office
from sandbox.standin.rows import UsageError
from sandbox.standin.sftp import SftpAgency
from sandbox.standin.web_folder import serve_folder
from sandbox.standin.webhook import Channel
from sandbox.standin.wire import Protocol, server_app
from sandbox.standin.world import World, hold_population, make_world
from sandbox.start import READY

POPULATIONS: Final = ("district", "listed")
ZONE_FILE: Final = Path(__file__).absolute().with_name("listed_zone.yml")
USUAL_DAY: Final = Path(__file__).absolute().parent / "faults" / "usual_day.yml"
_POLL_SECONDS: Final = 0.1
_CONFIG: Final[dict[str, Any]] = {
    "http": Protocol,
    "ws": "none",
    "lifespan": "off",
    "log_level": "warning",
    "access_log": False,
    "date_header": False,
    "server_header": False,
    "timeout_keep_alive": 60,
}

log = logging.getLogger("sandbox")


class _Server(uvicorn.Server):
    """A server among others in one loop: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Servers:
    """All servers of one process, and the variables that lead to them."""

    world: World
    journal: Journal
    latency_seconds: float = 0.0
    env: dict[str, str] = field(default_factory=dict)
    running: list[tuple[_Server, "asyncio.Task[None]"]] = field(default_factory=list)
    sftp: list[SftpAgency] = field(default_factory=list)
    folders: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    growing: set["asyncio.Task[None]"] = field(default_factory=set)

    def name(self, variables: dict[str, str]) -> None:
        """Add variables; two sources that share one cannot be served side by side."""
        if shared := sorted(name for name, value in variables.items() if self.env.get(name, value) != value):
            raise UsageError(f"two sources name the same variable: {', '.join(shared)}")
        self.env |= variables

    async def open(self) -> None:
        """Start whatever the sources and recipients want, on free ports of 127.0.0.1."""
        plain: dict[int, ASGIApp] = {}
        sockets: list[socket.socket] = []
        for name, source in self.world.sources.items():
            match source.connection:
                case RestConnection():
                    self._open_office(source, source.connection, plain, sockets)
                case SftpConnection():
                    await self._open_sftp(name, source.connection)
                case FolderConnection():
                    self.name({source.connection.path.env: str((self.world.state / "files" / name).absolute())})
                case _:
                    self.name({source.connection.url.env: self.world.registers[name].url})
        for bank in self.world.banks:
            self._open_bank(bank)
        if self.world.channels:
            self.name({"JIFEN_CHANNEL_HOSTS": "127.0.0.1,localhost"})
        for sink in self.world.channels:
            channel = Channel(sink, self.world.state, self.world.plan, self.journal)
            port = _listen(channel, plain, sockets)
            self.name(channel.variables(port))
        if sockets:
            self._serve(uvicorn.Config(server_app(plain), **_CONFIG), sockets)
        while not all(server.started for server, _ in self.running):
            await asyncio.sleep(0.005)

    def _open_office(
        self, source: Source, connection: RestConnection, plain: dict[int, ASGIApp], sockets: list[socket.socket]
    ) -> None:
        is_mutual = isinstance(connection.auth, MutualTls)
        if is_mutual and connection.ca is None:
            raise UsageError(
                f"{source.name}: mutual_tls needs ca in the connection, or no client can trust the stand-in"
            )
        is_tls = connection.ca is not None
        certificates = make_certificates(self.world.state / "tls" / source.name) if is_tls else {}
        gate = open_gate(source, connection, certificates)
        office = Office(
            source.name, self.world.stocks[source.name], gate, self.world.plan, self.journal, self.latency_seconds
        )
        own: list[socket.socket] = []
        port = _listen(office, {} if is_tls else plain, own if is_tls else sockets)
        self.name({connection.base_url.env: f"{'https' if is_tls else 'http'}://127.0.0.1:{port}", **gate.env})
        if connection.ca is not None:
            self.name({connection.ca.env: certificates["ca"]})
            config = uvicorn.Config(
                office,
                ssl_certfile=certificates["server"],
                ssl_keyfile=certificates["server_key"],
                ssl_ca_certs=certificates["ca"],
                ssl_cert_reqs=ssl.CERT_REQUIRED if is_mutual else ssl.CERT_NONE,
                **_CONFIG,
            )
            self._serve(config, own)

    def _open_bank(self, bank: ExtractSink) -> None:
        """A recipient's keys, and its folder over HTTPS, which ends with the process."""
        self.name(bank_keys(bank, self.world.state))
        connection, state = bank.connection, self.world.state
        if isinstance(connection, HttpsConnection):
            served = self.folders.enter_context(serve_folder(state / "https" / bank.name, state / "tls" / bank.name))
            known = {connection.url.env: served["url"]} | ({connection.ca.env: served["ca"]} if connection.ca else {})
            self.name(dict.fromkeys(variables_in(connection), secrets.token_urlsafe(24)) | known)

    async def _open_sftp(self, name: str, connection: SftpConnection) -> None:
        world = self.world
        agency = SftpAgency(name, world.state / "sftp" / name, world.folders[name], world.plan, self.journal)
        values = await agency.serve(world.state / "keys" / name, connection.passphrase is not None)
        agency.show_key()
        self.sftp.append(agency)
        named = {field_name: getattr(connection, field_name) for field_name in values}
        self.name({named[field_name].env: value for field_name, value in values.items() if named[field_name]})

    def _serve(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        server = _Server(config)
        self.running.append((server, asyncio.create_task(server.serve(sockets=sockets))))

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what the owner asks for: take up the plan, or change a record; answers what went wrong."""
        try:
            if "change" in order:
                self.world.change(**order["change"])
                return {"problem": None}
            return {"problem": self.take_up_plan()}
        except Exception as error:
            # One order that cannot be followed must not end all agencies; the answer reports it to the owner.
            log.exception("cannot follow %s", order)
            return {"problem": f"{type(error).__name__}: {error}"}

    def take_up_plan(self) -> str | None:
        """Bring everything in line with a plan that changed; answers what is wrong with it."""
        try:
            is_new = self.world.take_up_plan()
        except PlanError as error:
            return str(error)
        if is_new:
            for agency in self.sftp:
                agency.show_key()
            self.start_growing()
        return None

    def start_growing(self) -> None:
        """Let the files grow that the plan wants to grow, in place of those before."""
        for task in self.growing:
            task.cancel()
        self.growing = {asyncio.create_task(_grow(*one)) for one in self.world.growing}

    async def close(self) -> None:
        """Stop all servers."""
        for agency in self.sftp:
            agency.close()
        for server, _ in self.running:
            server.should_exit = server.force_exit = True
        await asyncio.gather(*(task for _, task in self.running))
        self.world.close()


def _listen(app: ASGIApp, plain: dict[int, ASGIApp], sockets: list[socket.socket]) -> int:
    """Listen on a free port for an application; answers the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port: int = listener.getsockname()[1]
    plain[port] = app
    sockets.append(listener)
    return port


def _obey_owner(servers: Servers, loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Do what the owner asks for, one line of JSON at a time, and answer each; stop when the owner is gone."""
    for line in sys.stdin:
        answer = asyncio.run_coroutine_threadsafe(servers.obey(json.loads(line)), loop).result()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    loop.call_soon_threadsafe(stopped.set)


async def _run_until_stopped(servers: Servers, is_owned: bool) -> None:
    """Take up plans as they change, until SIGTERM, SIGINT or the owner's end."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if is_owned:
        threading.Thread(target=_obey_owner, args=(servers, loop, stopped), daemon=True).start()
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)
        if problem := servers.take_up_plan():
            log.error("the fault plan was not taken up: %s", problem)


async def _grow(folder: StandinFolder, file: Written) -> None:
    """Append the rest of a growing file, some bytes at a time."""
    path, began = folder.path / file.name, time.monotonic()
    while (done := (time.monotonic() - began) / file.grow_seconds) < 1.0:
        await asyncio.sleep(0.05)
        _append(path, growing_piece(file, done))
    _append(path, file.body)
    folder.finish(file)


def _append(path: Path, whole: bytes) -> None:
    with path.open("ab") as handle:
        handle.write(whole[handle.tell() :])


def _write_ready(state: Path, env: dict[str, str], as_of: date) -> None:
    """Write the variables of the agencies, for programs and for a shell: `set -a; . ready.env; set +a`."""
    shell, fresh = state / "ready.env", state / f"{READY}.new"
    for path in (shell, fresh):
        path.touch(mode=0o600)
    shell.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(env.items())), encoding="utf-8")
    fresh.write_text(json.dumps({"as_of": as_of.isoformat(), "env": env}, indent=1) + "\n", encoding="utf-8")
    # Moved into place last: a reader that finds it finds everything.
    fresh.replace(state / READY)


async def _run(world: World, env: dict[str, str], latency_ms: float, is_owned: bool) -> None:
    servers = Servers(world, Journal(world.state), latency_ms / 1_000, env)
    await servers.open()
    servers.start_growing()
    _write_ready(world.state, servers.env, world.as_of)
    log.info("%d agencies are up; state in %s", len(world.sources), world.state)
    await _run_until_stopped(servers, is_owned)
    log.info("stopping")
    (world.state / READY).unlink(missing_ok=True)
    await servers.close()


def _start_plan(state: Path, plan: Path | None) -> None:
    state.mkdir(parents=True, exist_ok=True)
    for old in (READY, PLAN):
        (state / old).unlink(missing_ok=True)
    if plan is not None:
        (state / PLAN).write_bytes(plan.read_bytes())


def serve_samples(
    sources: Path,
    state: Path,
    *,
    rows: int = 57,
    seed: int = 7,
    latency_ms: float = 0,
    faults: Path | None = None,
    is_owned: bool = False,
) -> None:
    """Serve the agencies of a folder of source files until stopped.

    An owner gives orders on stdin and is answered on stdout; when it is gone, so are the agencies.

    `faults` is copied to `faults.yml` in the state folder, which is read again whenever it changes. `ready.json` is
    there while, and only while, all of them listen. Raises `UsageError`.
    """
    _start_plan(state, faults)
    asyncio.run(_run(make_world(sources, state, rows, seed), {}, latency_ms, is_owned))


def _cut(population: str, data: Path | None) -> Feeds:
    from sandbox import district, listed

    if population == "district":
        return district.cut(district.generate())
    if data is None:
        raise UsageError("the listed population is cut from real data: name its folder (--data)")
    return listed.cut(data)


def serve(
    population: str, state: Path, data: Path | None = None, faults: Path | None = None, *, is_owned: bool = False
) -> None:
    """Serve a population from a state folder until stopped (see `serve_samples`).

    A folder that holds this population already is served as it is, so that what was changed in it outlives a restart.
    Without a fault plan the day is a usual one: busy once. Raises `UsageError`.
    """
    if population not in POPULATIONS:
        raise UsageError(f"no population {population!r}: there are {' and '.join(POPULATIONS)}")
    _start_plan(state, faults or USUAL_DAY)
    origin = {"population": population, "data": str(data.absolute()) if data else None}
    world = hold_population(state, origin, lambda: _cut(population, data))
    env = {"JIFEN_ZONE_FILE": str(ZONE_FILE)} if population == "listed" else {}
    asyncio.run(_run(world, env, 0.0, is_owned))


def main() -> None:
    """Serve what an owner asks for, by the JSON of the arguments of `serve` or `serve_samples`; logs go to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asked = json.loads(sys.argv[1])
    asked |= {name: Path(asked[name]) for name in ("state", "data", "sources") if asked.get(name)}
    (serve_samples if "sources" in asked else serve)(**asked, is_owned=True)


if __name__ == "__main__":
    main()
