"""Files over SFTP: fetching an agency's, and leaving ours in a recipient's folder. The host key is pinned."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar

import asyncssh

from connectors.drivers.addresses import read_host, read_port
from connectors.drivers.files import Kind, Listed, pull_files
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.drivers.retry import (
    PULL_AGAIN,
    SEND_AGAIN,
    NoLineError,
    TryAgainError,
    budget,
    call_with_retry,
    left,
    within,
)
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.spec import FileRequest, SftpConnection
from connectors.strict import Variable, variables_in
from ledger.files import opened, size_of
from ledger.settings import Settings, read_variable

T = TypeVar("T")

log = logging.getLogger("jifen")

CONNECT_SECONDS = 20
HANG_UP_SECONDS = 5
BLOCK_BYTES = 4 << 20
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
_OTHERWISE = (asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure, asyncssh.SFTPBadMessage)
"""How servers say that they have no `posix-rename`: some advertise it all the same."""


def pull(ask: Ask) -> Iterator[Page]:
    """Yield each file not yet held, the older before the later, one page a file. Any cursor is the file's own label.

    One connection serves the whole pull; where it breaks, a new one is made within the retry budget.
    """
    connection, request, where = ask.source.connection, ask.dataset.request, ask.dataset.address
    if not (isinstance(connection, SftpConnection) and isinstance(request, FileRequest)):
        raise ConfigError("is not an SFTP dataset.", where, "jifen source check")
    with closing(_SftpLine(connection, where, ask.settings)) as line:
        yield from pull_files(ask, request, _Remote(line, PurePosixPath(request.folder), where))


class _SftpLine:
    """One account of a server, over a connection that is kept from one piece of work to the next.

    Each connection has an event loop and a socket of its own: a dead line is cut from outside, for the library's own
    close may wait for an answer without end.
    """

    def __init__(self, connection: SftpConnection, where: str, settings: Settings) -> None:
        # Its log lines name files and hosts; our own errors report what matters.
        logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
        self._connection, self._where, self._budget = connection, where, settings.retry_seconds
        # Once, and outside the budget: a passphrase is made to cost time.
        self._host, self._port, self._options = _options(connection, where)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._session: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def do(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], next_step: str = PULL_AGAIN) -> T:
        """Do a piece of work, again and again within the retry budget, over a new connection where one broke."""

        def attempt() -> T:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(lambda *_: None)
            run = self._loop.run_until_complete
            try:
                with _sorted_faults(self._connection, self._where):
                    return within(lambda: run(self._done(work)), "the SFTP line is silent or too slow", self._cut)
            except TryAgainError as error:
                never_began = self._client is None
                self._drop()
                raise (NoLineError(str(error)) if never_began else error) from None

        return call_with_retry(attempt, self._where, self._budget, next_step=next_step)

    def close(self) -> None:
        """Close the connection, in whatever state it is."""
        session, loop = self._session, self._loop
        if session is not None and loop is not None:

            async def say_goodbye() -> None:
                session.close()
                await session.wait_closed()

            with suppress(OSError, asyncssh.Error, TryAgainError), budget(HANG_UP_SECONDS):
                within(lambda: loop.run_until_complete(say_goodbye()), "no goodbye", self._cut)
        self._drop()

    async def _done(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        if self._client is None:
            self._client = await self._connected()
        return await work(self._client)

    async def _connected(self) -> asyncssh.SFTPClient:
        self._socket = socket.create_connection((self._host, self._port), timeout=min(CONNECT_SECONDS, left()))
        self._socket.setblocking(False)
        self._session = await asyncssh.connect(self._host, self._port, sock=self._socket, **self._options)
        # Names that are not UTF-8 are seen as they are, to be refused by us and not by the library.
        return await self._session.start_sftp_client(path_errors="surrogateescape")

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        """Forget the connection. A loop that still runs is left to its thread, which is ending."""
        self._cut()
        if self._loop is not None and not self._loop.is_running():
            self._loop.close()
        self._loop = self._socket = self._session = self._client = None


class _Remote:
    """A folder of an SFTP account as `Folder`."""

    def __init__(self, line: _SftpLine, folder: PurePosixPath, where: str) -> None:
        self._line, self._folder, self._where = line, folder, where

    def list(self) -> Sequence[Listed]:
        """Every entry; a link is no file, whatever it leads to."""
        return self._line.do(self._list)

    def read(self, file: Listed) -> bytes:
        """The file's content, where it is the one that was listed."""
        return self._line.do(partial(self._read, file=file))

    async def _list(self, client: asyncssh.SFTPClient) -> Sequence[Listed]:
        found, next_step = [], "ask the agency for the right to read it, then jifen source check"
        with _asked(f"list folder {self._folder}", self._where, next_step):
            entries = await client.readdir(str(self._folder))
        for entry in entries:
            name, attrs = str(entry.filename), entry.attrs
            if name in (".", ".."):
                continue
            if attrs.type == asyncssh.FILEXFER_TYPE_UNKNOWN or attrs.size is None or attrs.mtime is None:
                # Some servers list names without saying all of them.
                with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied):
                    attrs = await client.lstat(str(self._folder / name))
            found.append(Listed(name, int(attrs.size or 0), _moment(attrs), _kind(attrs, str(entry.longname or ""))))
        return found

    async def _read(self, client: asyncssh.SFTPClient, file: Listed) -> bytes:
        path, where = str(self._folder / file.name), self._where
        with _asked(f"let us read {file.name}", where, "ask the agency to look at the file and its rights"):
            before = await client.lstat(path)
            if _kind(before, "") != "file":
                raise AgencyError(f"the file {file.name} disappeared during the read.", where, "call the agency")
            async with client.open(path, "rb") as handle:
                body: bytes = await handle.read(MAX_BODY_BYTES + 1)
            after = await client.lstat(path)
        if len(body) > file.size and (after.size, _moment(after)) == (file.size, file.modified_ns):
            what = f"the server says that {file.name} has {file.size} bytes, and gives {len(body)}: whether it is whole"
            raise AgencyError(f"{what} is not known.", where, "ask the agency for a server that gives true sizes")
        # Still being written: these bytes are not the final file.
        if (len(body), after.size, _moment(after)) != (file.size, file.size, file.modified_ns):
            sizes = f"{file.size} bytes listed, {len(body)} read, {after.size} now"
            raise TransientError(f"{file.name} is still changing ({sizes}).", where, "run `jifen run` again")
        return body


_KINDS: Final[dict[int, Kind]] = {
    asyncssh.FILEXFER_TYPE_REGULAR: "file",
    asyncssh.FILEXFER_TYPE_DIRECTORY: "folder",
    asyncssh.FILEXFER_TYPE_SYMLINK: "link",
}
_BY_LONG_NAME: Final[dict[str, Kind]] = {"-": "file", "d": "folder", "l": "link"}


def _kind(attrs: asyncssh.SFTPAttrs, long_name: str) -> Kind:
    """What an entry is: where its type is left out the `ls` line counts, and without one it is taken for a file."""
    if attrs.type == asyncssh.FILEXFER_TYPE_UNKNOWN:
        return _BY_LONG_NAME.get(long_name[:1].lower(), "file")
    return _KINDS.get(attrs.type, "other")


def _moment(attrs: asyncssh.SFTPAttrs) -> int:
    """The time of change in nanoseconds, 0 where the server does not give it."""
    return int(attrs.mtime or 0) * 1_000_000_000 + int(attrs.mtime_ns or 0)


def push(
    connection: SftpConnection, folder: str, files: Sequence[tuple[str, bytes | Path]], where: str, settings: Settings
) -> list[str]:
    """Leave files in a recipient's folder, in the order given, each under a temporary name first.

    A reader therefore never sees half a file, and the last one (the manifest) means that all are there. A file already
    there with the same bytes is left alone, so a push may be repeated; one with others is never replaced. Answers the
    names that were written this time.
    """

    async def send(client: asyncssh.SFTPClient) -> list[str]:
        written = []
        for name, content in files:
            target = PurePosixPath(folder) / name
            with _asked(f"look at {name} in folder {folder}", where, _NEXT_STEP.format(folder)):
                if await _is_left(client, target, content, where):
                    continue
            await _leave(client, target, content, where)
            written.append(name)
        return written

    with closing(_SftpLine(connection, where, settings)) as line:
        return line.do(send, SEND_AGAIN)


def fetch(
    connection: SftpConnection, folder: str, names: Collection[str], where: str, settings: Settings
) -> list[tuple[str, bytes]]:
    """The files of these names that stand in a recipient's folder, with their bytes; nothing there is changed."""
    with closing(_SftpLine(connection, where, settings)) as line:
        remote = _Remote(line, PurePosixPath(folder), where)
        there = sorted((file for file in remote.list() if file.name in names), key=lambda file: file.name)
        return [(file.name, remote.read(file)) for file in there if file.kind == "file"]


_NEXT_STEP = "ask whether folder {0} is there, has room and is open to us; then jifen run, which sends the files again"


async def _is_left(client: asyncssh.SFTPClient, target: PurePosixPath, content: bytes | Path, where: str) -> bool:
    """Whether a file is there with these bytes. Raises `AgencyError` for one that is there with others."""
    if not await client.exists(str(target)):
        return False
    try:
        is_same = await _same(client, target, content)
    except asyncssh.SFTPPermissionDenied:
        # In a box that may not be read a push that was broken off behind this file would else fail at it for ever.
        found = (await client.stat(str(target))).size
        if found is None:
            raise
        is_same = found == size_of(content)
        log.warning("%s: %s is there and may not be read back: only its length was compared", where, target.name)
    if not is_same:
        what = f"another {target.name} is there, and it is not replaced."
        raise AgencyError(what, where, "ask them to take it away, then jifen run")
    return True


async def _same(client: asyncssh.SFTPClient, target: PurePosixPath, content: bytes | Path) -> bool:
    with opened(content) as ours:
        async with client.open(str(target), "rb") as handle:
            while block := ours.read(BLOCK_BYTES):
                found: bytes = await handle.read(len(block))
                if found != block:
                    return False
            return not await handle.read(1)


async def _leave(client: asyncssh.SFTPClient, target: PurePosixPath, content: bytes | Path, where: str) -> None:
    """Write one file under a temporary name, see that it is all there, and give it its own; or leave nothing."""
    kept: int | None = None
    size = size_of(content)
    part, name, next_step = target.with_name(f".{target.name}.part"), target.name, _NEXT_STEP.format(target.parent)
    try:
        with _asked(f"write {name} into folder {target.parent}", where, next_step), opened(content) as ours:
            async with client.open(str(part), "wb") as handle:
                while block := ours.read(BLOCK_BYTES):
                    await handle.write(block)
        # A folder that may only be written to gives neither sizes nor content.
        with (
            _asked(f"give the size of {name} in folder {target.parent}", where, next_step),
            suppress(asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported),
        ):
            kept = (await client.stat(str(part))).size
            if kept in (size, None) and not await _same(client, part, content):
                raise AgencyError(f"the server kept other bytes of {name} than were sent.", where, next_step)
        if kept not in (size, None):
            raise AgencyError(f"the server kept {kept} of {size} bytes of {name}.", where, next_step)
        with _asked(f"rename {part.name} to {name} in folder {target.parent}", where, next_step):
            await _rename(client, part, target, content, where)
    except AgencyError as error:
        left_there = ""
        try:
            await client.remove(str(part))
        except (*_LOST, OSError):
            raise error from None
        except asyncssh.SFTPError as refused:
            if not isinstance(refused, asyncssh.SFTPNoSuchFile):
                left_there = f" {part.name} is left there: we may not remove it either."
        raise AgencyError(error.what + left_there, where, error.next_step) from None


async def _rename(
    client: asyncssh.SFTPClient, part: PurePosixPath, target: PurePosixPath, content: bytes | Path, where: str
) -> None:
    """In one step, where no other file has come under that name since we looked."""
    if await _is_left(client, target, content, where):
        await client.remove(str(part))
        return
    try:
        await client.posix_rename(str(part), str(target))
    except _OTHERWISE:
        try:
            await client.rename(str(part), str(target))
        except asyncssh.SFTPError as refused:
            # Some servers rename, and then report a failure.
            if isinstance(refused, _LOST) or not await _is_left(client, target, content, where):
                raise
    stays = is_left = False
    with suppress(asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported):
        stays = await client.exists(str(part))
        is_left = stays and await _is_left(client, target, content, where)
    if is_left:
        # Some servers copy.
        with suppress(asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported):
            await client.remove(str(part))
    elif stays:
        what = f"the server says that it renamed {part.name} to {target.name}, and it did not."
        raise AgencyError(what, where, "ask them to look into the log of their server")


_WHY = {
    asyncssh.SFTPPermissionDenied: "the account may not",
    asyncssh.SFTPNoSuchFile: "there is none",
    asyncssh.SFTPNoSuchPath: "there is none",
}


@contextmanager
def _asked(what: str, where: str, next_step: str) -> Iterator[None]:
    """Raise a refusal of the server as an `AgencyError` that names the action, without the server's own words."""
    try:
        yield
    except _LOST:
        raise
    except asyncssh.SFTPError as error:
        why = _WHY.get(type(error), "it does not say why: a full disk, a quota, a fault of its own")
        raise AgencyError(f"the server refuses to {what} ({type(error).__name__}: {why}).", where, next_step) from None


_FAULTS: tuple[tuple[Any, str, str], ...] = (
    (
        asyncssh.HostKeyNotVerifiable,
        "the host key is not the pinned one: this may be another machine",
        "ask the agency by telephone, then change {host_key}",
    ),
    (asyncssh.PermissionDenied, "the login was refused", "check {login} with the agency"),
    (
        (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported, asyncssh.ChannelOpenError),
        "the server and we have no SFTP version or algorithm in common",
        "ask which protocols and algorithms it has, and for SFTP to be switched on",
    ),
    (asyncssh.SFTPError, "the server refuses what we ask", "ask them to look into the log of their server"),
)
"""Exceptions of the library on an open connection -> what they mean, and what to do, with the names of variables."""


@contextmanager
def _sorted_faults(connection: SftpConnection, where: str) -> Iterator[None]:
    """The library's errors as ours, without its words, which may hold a secret."""
    login = sorted(variables_in(connection, ("host", "port", "host_key")))
    named = {"host_key": connection.host_key.env, "login": ", ".join(login)}
    try:
        yield
    except socket.gaierror:
        raise TryAgainError("the name of the SFTP host is not known") from None
    except (OSError, asyncssh.Error, TimeoutError) as error:
        for kinds, what, next_step in _FAULTS:
            if isinstance(error, kinds) and not isinstance(error, _LOST):
                raise AgencyError(f"{what} ({type(error).__name__}).", where, next_step.format_map(named)) from None
        raise TryAgainError(f"no SFTP connection ({type(error).__name__})") from None


def _options(connection: SftpConnection, where: str) -> tuple[str, int, dict[str, Any]]:
    """Host, port, and how to log in, read from the variables now."""

    def value(variable: Variable) -> str:
        return read_variable(variable.env, where)

    host, port = read_host(connection.host, where), read_port(connection.port, where)
    try:
        pinned = asyncssh.import_known_hosts(f"[{host}]:{port} {value(connection.host_key)}\n")
    except ValueError:
        what = f"{connection.host_key.env} holds no host key."
        raise ConfigError(what, where, f"fix {connection.host_key.env}, then jifen source check") from None
    options = {
        "username": value(connection.user),
        "password": connection.password and value(connection.password),
        "known_hosts": pinned,
        # Only what the source file names: no key, agent or configuration of the user who runs this.
        "client_keys": connection.key and [_private_key(connection.key, connection.passphrase, where)],
        "agent_path": None,
        "config": None,
    }
    return host, port, options


def _private_key(key: Variable, passphrase: Variable | None, where: str) -> asyncssh.SSHKey:
    """The key of the account from its file, which only its owner may read unless a passphrase guards it."""
    path = Path(read_variable(key.env, where)).expanduser()
    opened_by = None if passphrase is None else read_variable(passphrase.env, where)
    try:
        content = path.read_bytes()
    except OSError as error:
        what = f"{key.env} names no file that can be read ({type(error).__name__})."
        raise ConfigError(what, where, f"set {key.env} to the path of an OpenSSH private key") from None
    if passphrase is None and path.stat().st_mode & 0o077:
        raise ConfigError(f"the key file of {key.env} may be read by others.", where, f"chmod 600 {path}")
    try:
        return asyncssh.import_private_key(content, opened_by)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        named = "" if passphrase is None else f" {passphrase.env}"
        what = f"the key file of {key.env} is encrypted, and the passphrase{named} does not open it."
        next_step = "name the right variable under passphrase, or store the key without one"
        if "passphrase" not in str(error).lower():
            public = ": it is a public key" if content.startswith((b"ssh-", b"ecdsa-")) else ""
            what = f"the file of {key.env} holds no OpenSSH private key{public}."
            next_step = f"set {key.env} to the path of the private key (ssh-keygen makes one)"
        raise ConfigError(what, where, next_step) from None
