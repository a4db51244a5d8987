"""An SFTP server of a few lines, on loopback, with whatever manners a test wants."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from connectors.drivers.pages import Ask
from connectors.spec import SftpConnection
from ledger.settings import Settings
from tests.contract.small_agency import SMALL
from tests.declared import dataset_of, source_of

VARIABLES = {
    "host": "SMALL_HOST",
    "port": "SMALL_PORT",
    "user": "SMALL_USER",
    "password": "SMALL_PASSWORD",
    "host_key": "SMALL_HOST_KEY",
}


def connection_of(**fields: str | None) -> SftpConnection:
    """The connection of a source or sink file; a field that is None is left out."""
    named = {name: variable for name, variable in {**VARIABLES, **fields}.items() if variable is not None}
    return SftpConnection.model_validate({name: {"env": variable} for name, variable in named.items()})


def ask_of(settings: Settings) -> Ask:
    """What to pull from the box of a server: every CSV in it."""
    request = {"folder": "box", "pattern": "*.csv"}
    dataset = dataset_of(**{**SMALL, "request": request, "decoder": {"kind": "csv"}})
    source = source_of(dataset, driver="sftp", connection=connection_of())
    return Ask(source, dataset, settings)


class _Login(asyncssh.SSHServer):
    def __init__(self, account_key: asyncssh.SSHKey | None, session: Callable[[], Any] | None) -> None:
        self._account_key, self._session = account_key, session

    def session_requested(self) -> Any:
        return self._session and self._session()

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh passes it by place
        return True

    def password_auth_supported(self) -> bool:
        return self._account_key is None

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("zone", "made-up-password")

    def public_key_auth_supported(self) -> bool:
        return self._account_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "zone" and key == self._account_key


@contextmanager
def serve(
    root: Path,
    manners: type[asyncssh.SFTPServer] = asyncssh.SFTPServer,
    account_key: Any = None,
    session: Callable[[], Any] | None = None,
    **options: Any,
) -> Iterator[dict[str, str]]:
    """A server shut in `root`; answers the variables that lead to it. With a key, no password lets anybody in.

    `session` answers in place of the library's own server.
    """
    loop, host_key = asyncio.new_event_loop(), asyncssh.generate_private_key("ssh-ed25519")
    (root / "box").mkdir(exist_ok=True)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Login(account_key, session),
            server_host_keys=[host_key],
            sftp_factory=None if session else lambda channel: manners(channel, chroot=str(root).encode()),
            **options,
        )

    acceptor = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield {
        "SMALL_HOST": "127.0.0.1",
        "SMALL_PORT": str(acceptor.get_port()),
        "SMALL_USER": "zone",
        "SMALL_PASSWORD": "made-up-password",
        "SMALL_HOST_KEY": host_key.export_public_key().decode().strip(),
    }
    loop.call_soon_threadsafe(acceptor.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
