"""The sandbox's process: fills a state folder with a population, then serves agencies, banks and channels from it."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import logging
import os
import secrets
import shlex
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from sandbox import district, district_cut, feeds, listed, science
from sandbox.journal import Journal
from sandbox.rest_agencies import credit_office, patent_office, tax_office
from sandbox.sftp import host_key, public_line, serve_sftp
from sandbox.webhook import policy_channel

POPULATIONS: Final = ("district", "listed")
READY: Final = "ready.json"
ZONE_FILE: Final = Path(__file__).absolute().with_name("listed_zone.yml")
_FILLED: Final = "population.json"
_PARENT_POLL_SECONDS: Final = 0.5

log = logging.getLogger("sandbox")


class UsageError(ValueError):
    """The sandbox was asked for what it cannot serve."""


class _Server(uvicorn.Server):
    """A server among others in one loop: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Office:
    """One HTTP server to run: how its application is made of fresh secrets, and the variables that tell of them."""

    app: ASGIApp
    url_variable: str
    path: str
    env: dict[str, str]


def _own_sources() -> str:
    """Return the hash of this package's files: a state folder filled by other code is filled anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cut(population: str, data: Path | None) -> feeds.Feeds:
    if population == "district":
        return district_cut.cut(district.generate())
    if data is None:
        raise UsageError("the listed population is cut from real data: name its folder (--data)")
    return listed.cut(data)


def populate(population: str, state: Path, data: Path | None, science_url: str | None) -> date:
    """Fill the state folder and the bureau's database, and return the population's business date.

    A folder that holds this population already is left as it is, so that what tests changed in it outlives a restart; a
    database named by URL is always dropped and filled. Unknown populations raise `UsageError`.
    """
    if population not in POPULATIONS:
        raise UsageError(f"no population {population!r}: there are {' and '.join(POPULATIONS)}")
    state.mkdir(parents=True, exist_ok=True)
    mark = {"population": population, "data": str(data.absolute()) if data else None, "made_by": _own_sources()}
    known = state / _FILLED
    held = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    is_held = {name: held.get(name) for name in mark} == mark
    if not is_held or science_url:
        cut = _cut(population, data)
        if not is_held:
            known.unlink(missing_ok=True)
            feeds.write(cut, state)
            science.fill(science.sqlite_url(state), cut.science)
        if science_url:
            science.fill(science_url, cut.science)
        held = {**mark, "as_of": cut.as_of.isoformat()}
        known.write_text(json.dumps(held), encoding="utf-8")
    return date.fromisoformat(held["as_of"])


def _offices(population: str, state: Path, journal: Journal) -> list[Office]:
    names = ("tax", "credit_key", "credit", "patent", "webhook")
    secret = {name: secrets.token_urlsafe(24) for name in names}
    tax_id = "jifen-zone"
    offices = [
        Office(
            tax_office(state, journal, tax_id, secret["tax"]),
            "TAX_BASE_URL",
            "",
            {"TAX_CLIENT_ID": tax_id, "TAX_CLIENT_SECRET": secret["tax"]},
        ),
        Office(
            credit_office(state, journal, secret["credit_key"], secret["credit"]),
            "CREDIT_BASE_URL",
            "",
            {"CREDIT_APP_KEY": secret["credit_key"], "CREDIT_APP_SECRET": secret["credit"]},
        ),
        Office(
            policy_channel(state, journal, secret["webhook"]),
            "POLICY_WEBHOOK_URL",
            "/events",
            {"POLICY_WEBHOOK_SECRET": secret["webhook"]},
        ),
    ]
    if population == "district":
        app = patent_office(state, journal, secret["patent"])
        offices.append(Office(app, "PATENT_BASE_URL", "", {"PATENT_API_KEY": secret["patent"]}))
    return offices


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


async def _until_told(parent: int | None) -> str:
    """Wait for SIGTERM or SIGINT, or for the parent's end; return which it was."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    was_child = parent is not None and os.getppid() == parent
    while not told.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _PARENT_POLL_SECONDS)
        if parent is not None and not told.is_set() and _is_gone(parent, was_child):
            return f"process {parent}, for which the sandbox ran, has ended"
    return "asked to stop"


def _write_ready(state: Path, population: str, as_of: date, env: dict[str, str]) -> None:
    text = json.dumps({"population": population, "as_of": as_of.isoformat(), "env": env}, indent=1)
    fresh = state / f"{READY}.new"
    fresh.touch(mode=0o600)
    fresh.write_text(text + "\n", encoding="utf-8")
    # The same for a shell: `set -a; . ready.env; set +a`.
    shell = state / "ready.env"
    shell.touch(mode=0o600)
    shell.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(env.items())), encoding="utf-8")
    fresh.replace(state / READY)


async def _run(population: str, state: Path, as_of: date, science_url: str | None, parent: int | None) -> None:
    journal = Journal(state)
    env = {"SCIENCE_DATABASE_URL": science_url or science.sqlite_url(state)}
    if population == "listed":
        env["JIFEN_ZONE_FILE"] = str(ZONE_FILE)
    servers: list[tuple[_Server, asyncio.Task[None]]] = []
    for office in _offices(population, state, journal):
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(office.app, log_level="warning", access_log=False, lifespan="off")
        server = _Server(config)
        servers.append((server, asyncio.create_task(server.serve(sockets=[listener]))))
        env |= {office.url_variable: f"http://127.0.0.1:{listener.getsockname()[1]}{office.path}", **office.env}
    key = host_key(state)
    passwords = {user: secrets.token_urlsafe(24) for user in feeds.SFTP_USERS}
    acceptor = await serve_sftp(state, journal, key, passwords)
    for user, password in passwords.items():
        values = ("127.0.0.1", str(acceptor.get_port()), user, password, public_line(key))
        names = ("HOST", "PORT", "USER", "PASSWORD", "HOST_KEY")
        env |= {f"{user.upper()}_SFTP_{name}": value for name, value in zip(names, values, strict=True)}
    while not all(server.started for server, _ in servers):
        await asyncio.sleep(0.01)
    _write_ready(state, population, as_of, env)
    log.info("%s is up, %d servers; state in %s", population, len(servers) + 1, state)
    log.info("stopping: %s", await _until_told(parent))
    (state / READY).unlink(missing_ok=True)
    acceptor.close()
    for server, _ in servers:
        server.should_exit = server.force_exit = True
    await asyncio.gather(*(task for _, task in servers))


def serve(
    population: str,
    state: Path,
    data: Path | None = None,
    science_url: str | None = None,
    parent: int | None = None,
) -> None:
    """Serve a population from a state folder until told to stop, or until the process `parent` is gone.

    `ready.json` is in the folder while, and only while, all servers listen. `science_url` names a database to drop and
    fill in place of the SQLite file.
    """
    (state / READY).unlink(missing_ok=True)
    as_of = populate(population, state, data, science_url)
    asyncio.run(_run(population, state, as_of, science_url, parent))


def _arguments() -> Callable[[], argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m sandbox.serve", description=__doc__)
    parser.add_argument("--population", choices=POPULATIONS, default="district")
    parser.add_argument("--state", type=Path, required=True, help="folder for all that the agencies hold and receive")
    parser.add_argument("--data", type=Path, help="folder of the real data (listed)")
    parser.add_argument(
        "--science-url", help="SQLAlchemy URL of a database to drop and fill; default SQLite in --state"
    )
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    return parser.parse_args


def main() -> None:
    """Serve as the command line says; logs go to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    arguments = _arguments()()
    serve(arguments.population, arguments.state, arguments.data, arguments.science_url, arguments.parent)


if __name__ == "__main__":
    main()
