"""The sandbox's process: agencies and recipients of one population, served until told to stop."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shlex
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from connectors.drivers.auth import MutualTls
from connectors.spec import FolderConnection, RestConnection, SftpConnection, Source
from sandbox.feeds import Feeds
from sandbox.standin.certificates import make_certificates
from sandbox.standin.faults import PLAN
from sandbox.standin.files import Folder, Written, growing_piece
from sandbox.standin.gate import open_gate
from sandbox.standin.journal import Journal
from sandbox.standin.office import Office
from sandbox.standin.rows import UsageError
from sandbox.standin.sftp import SftpAgency
from sandbox.standin.webhook import Channel
from sandbox.standin.wire import Protocol, server_app
from sandbox.standin.world import APPLIED, CHANGE_LOG, World, hold_population, make_world

POPULATIONS: Final = ("district", "listed")
READY: Final = "ready.json"
ZONE_FILE: Final = Path(__file__).absolute().with_name("listed_zone.yml")
USUAL_DAY: Final = Path(__file__).absolute().parent / "faults" / "usual_day.yml"
_POLL_SECONDS: Final = 0.01
_PARENT_POLL_SECONDS: Final = 0.5
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
            raise UsageError(f"{source.name}: mutual_tls needs ca in the connection, or nobody can trust a stand-in")
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


def _is_gone(parent: int, was_child: bool) -> bool:
    if was_child:
        return os.getppid() != parent
    try:
        os.kill(parent, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


async def _run_until_stopped(servers: Servers, parent: int | None) -> str:
    """Take up plans and changes as they come, until SIGTERM, SIGINT or the parent's end; answers which it was."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    was_child = parent is not None and os.getppid() == parent
    growing: set[asyncio.Task[None]] = {asyncio.create_task(_grow(*one)) for one in servers.world.growing}
    looked = time.monotonic()
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)
        if _take_up(servers):
            for task in growing:
                task.cancel()
            growing = {asyncio.create_task(_grow(*one)) for one in servers.world.growing}
        if parent is not None and time.monotonic() - looked > _PARENT_POLL_SECONDS:
            looked = time.monotonic()
            if _is_gone(parent, was_child):
                return f"process {parent}, for which the sandbox ran, has ended"
    return "asked to stop"


def _take_up(servers: Servers) -> bool:
    """Bring everything in line with plan and changes, then say so; an error is said and changes nothing."""
    world = servers.world
    before = world.applied()
    try:
        is_new = world.refresh()
    except Exception as error:
        # One wrong plan must not end all agencies; whoever set it is told.
        log.exception("cannot take up the plan or a change")
        _write(world.state / APPLIED, {**world.applied(), "error": f"{type(error).__name__}: {error}"})
        return False
    if is_new:
        for agency in servers.sftp:
            agency.show_key()
    if is_new or world.applied() != before:
        _write(world.state / APPLIED, world.applied())
    return is_new


async def _grow(folder: Folder, file: Written) -> None:
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


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file of JSON whole: whoever sees it finds everything."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def _write_ready(state: Path, env: dict[str, str], as_of: date) -> None:
    # The same for a shell: `set -a; . ready.env; set +a`.
    shell = state / "ready.env"
    shell.touch(mode=0o600)
    shell.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(env.items())), encoding="utf-8")
    _write(state / READY, {"as_of": as_of.isoformat(), "env": env})


async def _run(world: World, env: dict[str, str], latency_ms: float, parent: int | None) -> None:
    servers = Servers(world, Journal(world.state), latency_ms / 1_000, env)
    await servers.open()
    _write(world.state / APPLIED, world.applied())
    _write_ready(world.state, servers.env, world.as_of)
    log.info("%d agencies are up; state in %s", len(world.sources), world.state)
    log.info("stopping: %s", await _run_until_stopped(servers, parent))
    (world.state / READY).unlink(missing_ok=True)
    await servers.close()


def _start_plan(state: Path, plan: Path | None) -> None:
    state.mkdir(parents=True, exist_ok=True)
    for old in (READY, APPLIED, CHANGE_LOG, PLAN):
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
    parent: int | None = None,
) -> None:
    """Serve the agencies of a folder of source files until told to stop, or until the process `parent` is gone.

    `faults` is copied to `faults.yml` in the state folder, which is read again whenever it changes. `ready.json` is
    there while, and only while, all of them listen. Raises `UsageError`.
    """
    _start_plan(state, faults)
    asyncio.run(_run(make_world(sources, state, rows, seed), {}, latency_ms, parent))


def _cut(population: str, data: Path | None) -> Feeds:
    from sandbox import district, listed

    if population == "district":
        return district.cut(district.generate())
    if data is None:
        raise UsageError("the listed population is cut from real data: name its folder (--data)")
    return listed.cut(data)


def serve(
    population: str, state: Path, data: Path | None = None, faults: Path | None = None, parent: int | None = None
) -> None:
    """Serve a population from a state folder until told to stop, or until the process `parent` is gone.

    A folder that holds this population already is served as it is, so that what was changed in it outlives a restart.
    Without a fault plan the day is a usual one: busy once. Raises `UsageError`.
    """
    if population not in POPULATIONS:
        raise UsageError(f"no population {population!r}: there are {' and '.join(POPULATIONS)}")
    _start_plan(state, faults or USUAL_DAY)
    origin = {"population": population, "data": str(data.absolute()) if data else None}
    world = hold_population(state, origin, lambda: _cut(population, data))
    env = {"JIFEN_ZONE_FILE": str(ZONE_FILE)} if population == "listed" else {}
    asyncio.run(_run(world, env, 0.0, parent))


def main() -> None:
    """Serve as the command line says; logs go to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="python -m sandbox.serve", description=__doc__)
    parser.add_argument("--population", choices=(*POPULATIONS, "samples"), default="district")
    parser.add_argument("--state", type=Path, required=True, help="folder for all that the agencies hold and receive")
    parser.add_argument("--data", type=Path, help="folder of the real data (listed)")
    parser.add_argument("--sources", type=Path, help="folder of source files (samples)")
    parser.add_argument("--rows", type=int, default=57, help="about how many records a sample dataset holds")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait so long before each answer (samples)")
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    given = parser.parse_args()
    if given.population == "samples":
        more = {"rows": given.rows, "seed": given.seed, "latency_ms": given.latency_ms, "parent": given.parent}
        serve_samples(given.sources, given.state, **more)
    else:
        serve(given.population, given.state, given.data, parent=given.parent)


if __name__ == "__main__":
    main()
