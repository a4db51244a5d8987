"""A Prefect server of our own on loopback, for the demo and the tests: started, waited for, and ended again."""

import contextvars
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import ConfigError, ConnectorError, TransientError
from flows.outcome import Outcome

START_SECONDS = 600.0
"""How long a server that has not ended may take to answer; a busy machine takes minutes."""
PROBE_SECONDS = 15.0
"""How long the API that PREFECT_API_URL names may take to answer before a night begins."""

SERVER_LOG = "server.log"

_BOUND = """
import ctypes, os, runpy, signal, sys
prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl is not None:
    prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process it was started for has ended")
del sys.argv[1]
runpy.run_module("prefect", run_name="__main__", alter_sys=True)
"""


class ApiLostError(TransientError):
    """The Prefect API went away while a night ran; `outcome` is how the night ended, None where that is not known."""

    def __init__(self, error: Exception, outcome: Outcome | None) -> None:
        ended = "before the night ended" if outcome is None else "in the night, which went on without it"
        follows = "see that the server is up; jifen status says how the night ended"
        super().__init__(f"went away {ended} ({type(error).__name__}).", "Prefect API", follows)
        self.outcome = outcome


def api_is_configured() -> bool:
    """Whether PREFECT_API_URL is set. Raises `ConfigError` where Prefect cannot read its own settings."""
    if not _prefect_has_settings():
        return False
    # Prefect's console would print each step a second time, and tracebacks; they are on the run's page.
    for handler in ("CONSOLE", "DEBUG"):
        os.environ.setdefault(f"PREFECT_LOGGING_HANDLERS_{handler}_LEVEL", "CRITICAL")
    try:
        from prefect.settings import PREFECT_API_URL

        return bool(PREFECT_API_URL.value())
    except ValueError as error:
        text = " ".join(str(error).split())[:300]
        raise ConfigError(f"Prefect cannot read them: {text}.", "PREFECT_ settings", "fix them in .env") from None


def _prefect_has_settings() -> bool:
    """Whether there is any place where Prefect would find a setting: its import takes a second of a small night."""
    pyproject = Path("pyproject.toml")
    return (
        any(name.startswith("PREFECT_") for name in os.environ)
        or Path("prefect.toml").exists()
        or (pyproject.is_file() and "tool.prefect" in pyproject.read_text(encoding="utf-8", errors="replace"))
        or (Path("~/.prefect").expanduser() / "profiles.toml").exists()
    )


def require_api() -> None:
    """Send the configured Prefect API one small request; a `ConnectorError` says why a night cannot go through it.

    The deadline is real time: a client that waits longer is left behind in its thread.
    """
    from prefect.settings import PREFECT_API_URL

    # No password: an address may hold one.
    where = f"Prefect API {_without_account(PREFECT_API_URL.value() or '')}"
    faults: list[Exception | None] = []
    settings = contextvars.copy_context()
    asking = threading.Thread(target=lambda: faults.append(settings.run(_ask_api)), daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS)
    next_step = (
        "see that `.venv/bin/prefect server start` is up and PREFECT_API_URL names it, or unset that; then jifen run"
    )
    if not faults:
        raise TransientError(f"no answer within {PROBE_SECONDS:g} s.", where, next_step)
    if faults[0] is not None:
        raise _api_fault(faults[0], where, next_step)


def _ask_api() -> Exception | None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    try:
        with (
            temporary_settings({PREFECT_API_REQUEST_TIMEOUT: PROBE_SECONDS, PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True) as client,
        ):
            client.read_flows(limit=1)
    except Exception as error:  # noqa: BLE001 - whatever it is, no night can go through this address
        return error
    return None


def _api_fault(error: Exception, where: str, next_step: str) -> ConnectorError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return ConfigError(f"answers {status}.", where, "set PREFECT_API_KEY or PREFECT_API_AUTH_STRING in .env")
    if status is not None and status < 500:
        return ConfigError(f"answers {status}: this is no Prefect API.", where, next_step)
    if status is not None:
        return TransientError(f"answers {status}.", where, next_step)
    text = (str(error).strip().splitlines() or [""])[0][:200]
    kind = type(error).__name__
    if kind in ("ConnectError", "ConnectTimeout", "ReadTimeout", "ReadError", "RemoteProtocolError", "RuntimeError"):
        return TransientError(f"cannot be reached ({text or kind}).", where, next_step)
    return ConfigError(f"gives no answer of a Prefect API ({kind}).", where, next_step)


def _without_account(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://***@{tail}" if at else url


def _environment(home: Path, port: int) -> dict[str, str]:
    """The variables that make client and server of one Prefect find each other, send nothing out, and stay quiet."""
    api = f"http://127.0.0.1:{port}/api"
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": api,
        "PREFECT_SERVER_UI_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "jifen",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }


def free_port() -> int:
    """A port of loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prefect_command(*arguments: str) -> list[str]:
    """A Prefect command that ends with this process, however this one ends; beyond Linux it may outlive a kill."""
    return [sys.executable, "-c", _BOUND, str(os.getpid()), *arguments]


@contextmanager
def local_server(home: Path) -> Iterator[dict[str, str]]:
    """Start a server, wait until it answers, give the variables that lead to it, and end it; `home` holds its log."""
    home.mkdir(parents=True, exist_ok=True)
    port, log_path = free_port(), home / SERVER_LOG
    environment = _environment(home, port)
    command = prefect_command("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with log_path.open("wb") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    try:
        _wait_until_healthy(server, f"{environment['PREFECT_API_URL']}/health", log_path)
        yield environment
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_healthy(server: "subprocess.Popen[bytes]", url: str, log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the address is ours, on loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    what = f"did not answer within {START_SECONDS:g} s, or ended before."
    raise TransientError(what, "the Prefect server on loopback", f"read {log_path}")
