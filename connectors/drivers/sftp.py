"""Files over SFTP: fetching an agency's, and leaving ours in a recipient's folder. The host key is pinned."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

import asyncssh

from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.drivers.retry import TryAgainError, call_with_retry
from connectors.errors import AgencyError, ConfigError, DataError
from connectors.spec import SftpConnection, SftpRequest
from ledger.settings import Settings, read_variable

T = TypeVar("T")


@dataclass(frozen=True)
class _Listed:
    name: str
    size: int
    modified: int

    @property
    def label(self) -> str:
        """A file put anew under the same name has another label, so a correction is fetched."""
        return f"{self.name} ({self.size} bytes, {self.modified})"


def pull(ask: Ask) -> Iterator[Page]:
    """Yield each file not yet held, oldest name first, one page a file. Any cursor is the file's own label."""
    connection, request = ask.source.connection, ask.dataset.request
    if not (isinstance(connection, SftpConnection) and isinstance(request, SftpRequest)):
        raise ConfigError("is not an SFTP dataset.", ask.dataset.address, "jifen source check")
    where = ask.dataset.address
    files = _over(connection, lambda client: _list(client, request), where, ask.settings)
    wanted = [file for file in files if file.label not in ask.seen]
    for place, file in enumerate(wanted):
        fetch = partial(_fetch, path=PurePosixPath(request.folder) / file.name, size=file.size, where=where)
        body = _over(connection, fetch, where, ask.settings)
        yield Page(file.label, body, {"after": file.label} if place + 1 < len(wanted) else None)


def push(
    connection: SftpConnection, folder: str, files: list[tuple[str, bytes]], where: str, settings: Settings
) -> list[str]:
    """Leave files in a recipient's folder, in the order given, each under a temporary name first.

    A reader therefore never sees half a file, and the last one (the manifest) tells that all are there. A file already
    there with the same bytes is left alone, so a push may be repeated. Answers the names that were written this time.
    """

    async def send(client: asyncssh.SFTPClient) -> list[str]:
        written = []
        for name, content in files:
            target = PurePosixPath(folder) / name
            if await _same(client, target, content):
                continue
            temporary = target.with_name(f".{name}.part")
            async with client.open(str(temporary), "wb") as handle:
                await handle.write(content)
            await client.posix_rename(str(temporary), str(target))
            written.append(name)
        return written

    return _over(connection, send, where, settings)


async def _same(client: asyncssh.SFTPClient, target: PurePosixPath, content: bytes) -> bool:
    if not await client.exists(str(target)):
        return False
    async with client.open(str(target), "rb") as handle:
        found: bytes = await handle.read(len(content) + 1)
    return found == content


async def _list(client: asyncssh.SFTPClient, request: SftpRequest) -> list[_Listed]:
    found = []
    for entry in await client.readdir(request.folder):
        name = str(entry.filename)
        # A name is matched, never trusted: one that holds a separator could lead out of the folder.
        if "/" in name or not fnmatch.fnmatchcase(name, request.pattern):
            continue
        if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR:
            found.append(_Listed(name, int(entry.attrs.size or 0), int(entry.attrs.mtime or 0)))
    return sorted(found, key=lambda file: file.name)


def _over(
    connection: SftpConnection,
    work: Callable[[asyncssh.SFTPClient], Awaitable[T]],
    where: str,
    settings: Settings,
) -> T:
    """Do a piece of work over a new connection, again and again within the retry budget."""
    return call_with_retry(lambda: _once(connection, work, where, settings), where, settings.retry_seconds)


async def _fetch(client: asyncssh.SFTPClient, path: PurePosixPath, size: int, where: str) -> bytes:
    if size > MAX_BODY_BYTES:
        raise DataError(f"{path} is larger than {MAX_BODY_BYTES} bytes.", where, "ask the agency for smaller files")
    async with client.open(str(path), "rb") as handle:
        body: bytes = await handle.read(MAX_BODY_BYTES + 1)
    after = (await client.stat(str(path))).size
    # Still being written: what we read is not the file that will stand there.
    if len(body) != size or after != size:
        raise TryAgainError(f"{path} is still changing ({size} bytes listed, {len(body)} read, {after} now)")
    return body


def _once(
    connection: SftpConnection, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], where: str, settings: Settings
) -> T:
    """One connection, one piece of work, its faults sorted into what may pass and whose the rest is."""

    async def main() -> T:
        async with asyncio.timeout(settings.retry_seconds), _client(connection, where) as client:
            return await work(client)

    try:
        return asyncio.run(main())
    except asyncssh.HostKeyNotVerifiable as error:
        raise AgencyError(
            "the host key is not the pinned one: this may be another machine.",
            where,
            "ask the agency by telephone, then change the host key variable",
        ) from error
    except asyncssh.PermissionDenied as error:
        raise AgencyError("the login was refused.", where, "check user and password with the agency") from error
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as error:
        raise AgencyError(
            f"a folder or file is not there or not ours ({error.reason}).", where, "jifen source check"
        ) from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise TryAgainError(f"no SFTP connection ({type(error).__name__})") from error


@asynccontextmanager
async def _client(connection: SftpConnection, where: str) -> AsyncIterator[asyncssh.SFTPClient]:
    def value(name: str) -> str:
        return read_variable(name, where)

    host, port_text = value(connection.host.env), value(connection.port.env)
    try:
        port = int(port_text)
        pinned = asyncssh.import_known_hosts(f"[{host}]:{port} {value(connection.host_key.env)}\n")
    except ValueError:
        variables = f"{connection.port.env} is no port or {connection.host_key.env} no host key."
        raise ConfigError(variables, where, "mend the variable, then jifen source check") from None
    async with (
        asyncssh.connect(
            host,
            port,
            username=value(connection.user.env),
            password=value(connection.password.env),
            known_hosts=pinned,
            # Only what the file names: no key of whoever runs this, no agent, no configuration of the account.
            client_keys=None,
            agent_path=None,
            config=None,
            connect_timeout=20,
        ) as session,
        session.start_sftp_client() as client,
    ):
        yield client
