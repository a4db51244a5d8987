"""Files over SFTP: fetching an agency's, and leaving ours in a recipient's folder. The host key is pinned."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Final, TypeVar

import asyncssh

from connectors.drivers.files import Kind, Listed, pull_files
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.drivers.retry import TryAgainError, call_with_retry
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.spec import FileRequest, SftpConnection
from ledger.settings import Settings, read_variable

T = TypeVar("T")

log = logging.getLogger("jifen")


def pull(ask: Ask) -> Iterator[Page]:
    """Yield each file not yet held, the older before the later, one page a file. Any cursor is the file's own label.

    One connection serves the whole pull; where it breaks, a new one is made within the retry budget.
    """
    connection, request, where = ask.source.connection, ask.dataset.request, ask.dataset.address
    if not (isinstance(connection, SftpConnection) and isinstance(request, FileRequest)):
        raise ConfigError("is not an SFTP dataset.", where, "jifen source check")
    with asyncio.Runner() as runner:
        folder = _Remote(runner, connection, request.folder, where, ask.settings.retry_seconds)
        try:
            yield from pull_files(ask, request, folder)
        finally:
            folder.close()


class _Remote:
    """A folder of an SFTP account as `Folder`, over a connection that is kept from one call to the next."""

    def __init__(
        self, runner: asyncio.Runner, connection: SftpConnection, folder: str, where: str, budget: float
    ) -> None:
        self._runner, self._connection, self._where, self._budget = runner, connection, where, budget
        self._folder = PurePosixPath(folder)
        self._open: tuple[AsyncExitStack, asyncssh.SFTPClient] | None = None

    def list(self) -> list[Listed]:
        """Every entry; a link is no file, whatever it leads to."""
        return self._retried(partial(_list, folder=str(self._folder)))

    def read(self, file: Listed) -> bytes:
        """The file's content, where it is the one that was listed."""
        return self._retried(partial(_read, path=str(self._folder / file.name), file=file, where=self._where))

    def close(self) -> None:
        """Hang up, whatever became of the connection."""
        if self._open is not None:
            (stack, _), self._open = self._open, None
            self._runner.run(_hang_up(stack))

    def _retried(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        return call_with_retry(partial(self._attempt, work), self._where, self._budget)

    def _attempt(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        async def main() -> T:
            async with asyncio.timeout(self._budget):
                if self._open is None:
                    stack = AsyncExitStack()
                    client = await stack.enter_async_context(_client(self._connection, self._where))
                    self._open = stack, client
                return await work(self._open[1])

        try:
            with _sorted_faults(self._where):
                return self._runner.run(main())
        except TryAgainError:
            self.close()
            raise


async def _hang_up(stack: AsyncExitStack) -> None:
    try:
        async with asyncio.timeout(5):
            await stack.aclose()
    except (OSError, asyncssh.Error, TimeoutError) as error:
        log.debug("an SFTP connection did not close by itself: %s", type(error).__name__)


_KINDS: Final[dict[int, Kind]] = {
    asyncssh.FILEXFER_TYPE_REGULAR: "file",
    asyncssh.FILEXFER_TYPE_DIRECTORY: "folder",
    asyncssh.FILEXFER_TYPE_SYMLINK: "link",
}
_BY_LONG_NAME: Final[dict[str, Kind]] = {"-": "file", "d": "folder", "l": "link"}


async def _list(client: asyncssh.SFTPClient, folder: str) -> list[Listed]:
    found = []
    for entry in await client.readdir(folder):
        name, attrs = str(entry.filename), entry.attrs
        if name in (".", ".."):
            continue
        if attrs.type == asyncssh.FILEXFER_TYPE_UNKNOWN or attrs.size is None or attrs.mtime is None:
            # Some servers list names without saying all of them.
            with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied):
                attrs = await client.lstat(str(PurePosixPath(folder) / name))
        found.append(Listed(name, int(attrs.size or 0), _moment(attrs), _kind(attrs, str(entry.longname or ""))))
    return found


def _kind(attrs: asyncssh.SFTPAttrs, long_name: str) -> Kind:
    """What an entry is: where its type is left out the `ls` line counts, and without one it is taken for a file."""
    if attrs.type == asyncssh.FILEXFER_TYPE_UNKNOWN:
        return _BY_LONG_NAME.get(long_name[:1].lower(), "file")
    return _KINDS.get(attrs.type, "other")


def _moment(attrs: asyncssh.SFTPAttrs) -> int:
    """The time of change in nanoseconds, 0 where the server does not tell it."""
    return int(attrs.mtime or 0) * 1_000_000_000 + int(attrs.mtime_ns or 0)


async def _read(client: asyncssh.SFTPClient, path: str, file: Listed, where: str) -> bytes:
    before = await client.lstat(path)
    if _kind(before, "") != "file":
        raise AgencyError(f"{file.name} was a file and is none now.", where, "call the agency")
    async with client.open(path, "rb") as handle:
        body: bytes = await handle.read(MAX_BODY_BYTES + 1)
    after = await client.lstat(path)
    # Still being written: what we read is not the file that will stand there.
    if (len(body), after.size, _moment(after)) != (file.size, file.size, file.modified_ns):
        told = f"{file.size} bytes listed, {len(body)} read, {after.size} now"
        raise TransientError(f"{file.name} is still changing ({told}).", where, "run `jifen run` again")
    return body


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


def _over(
    connection: SftpConnection,
    work: Callable[[asyncssh.SFTPClient], Awaitable[T]],
    where: str,
    settings: Settings,
) -> T:
    """Do a piece of work over a new connection, again and again within the retry budget."""
    return call_with_retry(lambda: _once(connection, work, where, settings), where, settings.retry_seconds)


def _once(
    connection: SftpConnection, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], where: str, settings: Settings
) -> T:
    """One connection and one piece of work."""

    async def main() -> T:
        async with asyncio.timeout(settings.retry_seconds), _client(connection, where) as client:
            return await work(client)

    with _sorted_faults(where):
        return asyncio.run(main())


@contextmanager
def _sorted_faults(where: str) -> Iterator[None]:
    """The library's errors as ours, without its words: they may hold what nobody else should read."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable:
        raise AgencyError(
            "the host key is not the pinned one: this may be another machine.",
            where,
            "ask the agency by telephone, then change the host key variable",
        ) from None
    except asyncssh.PermissionDenied:
        raise AgencyError("the login was refused.", where, "check user and password with the agency") from None
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as error:
        what = f"a folder or file is not there or not ours ({type(error).__name__})."
        raise AgencyError(what, where, "jifen source check") from None
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise TryAgainError(f"no SFTP connection ({type(error).__name__})") from None


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
        # Names that are not UTF-8 are seen as they are, to be refused by us and not by the library.
        session.start_sftp_client(path_errors="surrogateescape") as client,
    ):
        yield client
