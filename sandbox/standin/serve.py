"""The stand-in's process: agencies made of a folder of source files, served until told to stop."""

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
from pathlib import Path
from typing import Any, Final

import uvicorn

from connectors.drivers.auth import MutualTls
from connectors.spec import FolderConnection, RestConnection, SftpConnection, Source
from sandbox.standin.certificates import make_certificates
from sandbox.standin.files import Folder, Written, growing_piece
from sandbox.standin.gate import open_gate
from sandbox.standin.journal import Journal
from sandbox.standin.office import Office
from sandbox.standin.rows import UsageError
from sandbox.standin.wire import Protocol, server_app
from sandbox.standin.world import APPLIED, World, make_world

READY: Final = "ready.json"
POLL_SECONDS: Final = 0.01
_PARENT_POLL_SECONDS: Final = 0.5

log = logging.getLogger("sandbox")


class _Server(uvicorn.Server):
    """A server among others in one loop: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class House:
    """All servers of one process, and the variables that lead to them."""

    world: World
    journal: Journal
    latency_seconds: float
    env: dict[str, str] = field(default_factory=dict)
    servers: list[tuple[_Server, "asyncio.Task[None]"]] = field(default_factory=list)
    sftp: list[Any] = field(default_factory=list)

    def tell(self, variables: dict[str, str]) -> None:
        """Add variables; two sources that share one cannot be served side by side."""
        if shared := sorted(name for name, value in variables.items() if self.env.get(name, value) != value):
            raise UsageError(f"two sources name the same variable: {', '.join(shared)}")
        self.env |= variables

    async def open(self) -> None:
        """Start whatever the sources want, on free ports of 127.0.0.1."""
        plain: dict[int, Office] = {}
        sockets: list[socket.socket] = []
        for name, source in self.world.sources.items():
            connection = source.connection
            match connection:
                case RestConnection():
                    self._open_office(source, connection, plain, sockets)
                case SftpConnection():
                    await self._open_sftp(name, connection)
                case FolderConnection():
                    self.tell({connection.path.env: str((self.world.state / "files" / name).absolute())})
                case _:
                    self.tell({connection.url.env: self.world.registers[name].url})
        if sockets:
            self._serve(uvicorn.Config(server_app(plain), **_CONFIG), sockets)
        while not all(server.started for server, _ in self.servers):
            await asyncio.sleep(0.005)

    def _open_office(
        self, source: Source, connection: RestConnection, plain: dict[int, Office], sockets: list[socket.socket]
    ) -> None:
        is_mutual = isinstance(connection.auth, MutualTls)
        is_tls = is_mutual or connection.ca is not None
        if is_mutual and connection.ca is None:
            raise UsageError(f"{source.name}: mutual_tls needs ca in the connection, or nobody can trust a stand-in")
        certificates = make_certificates(self.world.state / "tls" / source.name) if is_tls else {}
        gate = open_gate(source, connection, certificates)
        office = Office(
            source.name, self.world.stocks[source.name], gate, self.world.plan, self.journal, self.latency_seconds
        )
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = listener.getsockname()[1]
        self.tell({connection.base_url.env: f"{'https' if is_tls else 'http'}://127.0.0.1:{port}", **gate.env})
        if connection.ca is not None:
            self.tell({connection.ca.env: certificates["ca"]})
            wanted = ssl.CERT_REQUIRED if is_mutual else ssl.CERT_NONE
            config = uvicorn.Config(
                office,
                ssl_certfile=certificates["server"],
                ssl_keyfile=certificates["server_key"],
                ssl_ca_certs=certificates["ca"],
                ssl_cert_reqs=wanted,
                **_CONFIG,
            )
            self._serve(config, [listener])
        else:
            plain[port] = office
            sockets.append(listener)

    async def _open_sftp(self, name: str, connection: SftpConnection) -> None:
        from sandbox.standin.sftp import SftpAgency

        world = self.world
        agency = SftpAgency(name, world.state / "files" / name, world.folders[name], world.plan, self.journal)
        values = await agency.serve(world.state / "keys" / name, connection.passphrase is not None)
        agency.show_key()
        self.sftp.append(agency)
        named = {field_name: getattr(connection, field_name) for field_name in values}
        self.tell({named[field_name].env: value for field_name, value in values.items() if named[field_name]})

    def _serve(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        server = _Server(config)
        self.servers.append((server, asyncio.create_task(server.serve(sockets=sockets))))

    async def close(self) -> None:
        """Stop all servers."""
        for agency in self.sftp:
            agency.acceptor.close()
        for server, _ in self.servers:
            server.should_exit = server.force_exit = True
        await asyncio.gather(*(task for _, task in self.servers))
        self.world.close()


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


def _is_gone(parent: int | None, was_child: bool) -> bool:
    if parent is None:
        return False
    if was_child:
        return os.getppid() != parent
    try:
        os.kill(parent, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


async def _until_told(house: House, parent: int | None) -> str:
    """Take up plans and changes as they come, until SIGTERM, SIGINT or the parent's end; answers which it was."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    was_child = parent is not None and os.getppid() == parent
    growing: set[asyncio.Task[None]] = {asyncio.create_task(_grow(*one)) for one in house.world.growing}
    looked = time.monotonic()
    while not told.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), POLL_SECONDS)
        if _take_up(house):
            for task in growing:
                task.cancel()
            growing = {asyncio.create_task(_grow(*one)) for one in house.world.growing}
        if time.monotonic() - looked > _PARENT_POLL_SECONDS:
            looked = time.monotonic()
            if _is_gone(parent, was_child):
                return f"process {parent}, for which the stand-in ran, has ended"
    return "asked to stop"


def _take_up(house: House) -> bool:
    """Bring everything in line with plan and changes, then say so; an error is said and changes nothing."""
    before = house.world.told()
    try:
        is_new = house.world.refresh()
    except Exception as error:
        # One wrong plan must not end all agencies; whoever set it is told.
        log.exception("cannot take up the plan or a change")
        _say(house.world.state, {**house.world.told(), "error": f"{type(error).__name__}: {error}"})
        return False
    if is_new:
        for agency in house.sftp:
            agency.show_key()
    if is_new or house.world.told() != before:
        _say(house.world.state, house.world.told())
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


def _say(state: Path, told: dict[str, Any]) -> None:
    fresh = state / f"{APPLIED}.new"
    fresh.write_text(json.dumps(told), encoding="utf-8")
    fresh.replace(state / APPLIED)


def _write_ready(state: Path, env: dict[str, str]) -> None:
    fresh = state / f"{READY}.new"
    shell = state / "ready.env"
    for path in (fresh, shell):
        path.touch(mode=0o600)
    shell.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(env.items())), encoding="utf-8")
    fresh.write_text(json.dumps({"env": env}, indent=1) + "\n", encoding="utf-8")
    # Moved into place last: whoever sees it finds everything.
    fresh.replace(state / READY)


async def _run(world: World, latency_ms: float, parent: int | None) -> None:
    house = House(world, Journal(world.state), latency_ms / 1_000)
    await house.open()
    _say(world.state, world.told())
    _write_ready(world.state, house.env)
    log.info("%d agencies are up; state in %s", len(world.sources), world.state)
    log.info("stopping: %s", await _until_told(house, parent))
    (world.state / READY).unlink(missing_ok=True)
    await house.close()


def serve(
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
    state.mkdir(parents=True, exist_ok=True)
    for old in (READY, APPLIED):
        (state / old).unlink(missing_ok=True)
    if faults is not None:
        (state / "faults.yml").write_bytes(faults.read_bytes())
    asyncio.run(_run(make_world(sources, state, rows, seed), latency_ms, parent))


def main() -> None:
    """Serve as the command line says; logs go to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="python -m sandbox.standin.serve", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of source files")
    parser.add_argument("--state", type=Path, required=True, help="folder for all that the agencies hold and log")
    parser.add_argument("--rows", type=int, default=57, help="about how many records a dataset holds")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait so long before each answer")
    parser.add_argument("--faults", type=Path, help="fault plan to begin with")
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    told = parser.parse_args()
    serve(
        told.sources, told.state, rows=told.rows, seed=told.seed, latency_ms=told.latency_ms, faults=told.faults,
        parent=told.parent,
    )  # fmt: skip


if __name__ == "__main__":
    main()
