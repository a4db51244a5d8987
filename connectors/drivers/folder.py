"""Files in a folder of this machine: a mounted share, or where the courier's disk is copied to."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from connectors.drivers.files import Kind, Listed, pull_files
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.drivers.retry import TryAgainError, budget, within
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.spec import FileRequest, FolderConnection
from ledger.settings import read_variable

T = TypeVar("T")

_WHERE_IS_IT = "look whether the share is mounted there, or ask the agency where it puts its files"


def pull(ask: Ask) -> Iterator[Page]:
    """Yield each file not yet held, the older before the later, one page a file. Any cursor is the file's own label."""
    connection, request, where = ask.source.connection, ask.dataset.request, ask.dataset.address
    if not (isinstance(connection, FolderConnection) and isinstance(request, FileRequest)):
        raise ConfigError("is not a folder dataset.", where, "jifen source check")
    root = Path(read_variable(connection.path.env, ask.source.name))
    seconds = ask.settings.retry_seconds
    top = _soon(partial(_inside, root, request.folder, connection.path.env, where), where, seconds)
    yield from pull_files(ask, request, _Local(top, where, seconds))


def _soon(work: Callable[[], T], where: str, seconds: float) -> T:
    """The answer of work on a folder, within the budget: a mount whose server is away never answers by itself."""
    try:
        with budget(seconds):
            return within(work, f"the folder is silent for {seconds:g} s")
    except TryAgainError as error:
        problem = f"{error}."
    raise TransientError(problem, where, "look whether the share is mounted, then `jifen run` again")


def _inside(root: Path, folder: str, variable: str, where: str) -> Path:
    """The folder to list, links resolved, known to lie inside the one that the variable names."""
    if PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
        raise ConfigError(f"folder {folder} leads out of {variable}.", where, "name a folder below it")
    if not root.is_absolute() or not root.is_dir():
        raise ConfigError(f"{variable} is no folder of this machine.", where, f"mount the share, or fix {variable}")
    top, found = root.resolve(), (root / folder).resolve()
    if not found.is_relative_to(top):
        raise AgencyError(f"folder {folder} is a link that leads out of {variable}.", where, "jifen source check")
    if not found.is_dir():
        raise AgencyError(f"there is no folder {folder}: {found} is none.", where, _WHERE_IS_IT)
    return found


class _Local:
    """A folder of this machine as `Folder`."""

    def __init__(self, folder: Path, where: str, seconds: float) -> None:
        self._folder, self._where, self._seconds = folder, where, seconds

    def list(self) -> Sequence[Listed]:
        """Every entry; a link to a file that stays inside the folder counts as that file."""
        return _soon(self._entries, self._where, self._seconds)

    def read(self, file: Listed) -> bytes:
        """The file's content, where it is the one that was listed."""
        return _soon(partial(self._content, file), self._where, self._seconds)

    def _entries(self) -> Sequence[Listed]:
        try:
            with os.scandir(self._folder) as entries:
                return [one for entry in entries if (one := self._listed(entry)) is not None]
        except PermissionError:
            what = "the folder may not be read by us."
            raise AgencyError(what, self._where, "have its permissions set, then `jifen run` again") from None
        except OSError as error:
            raise self._away(error) from None

    def _listed(self, entry: os.DirEntry[str]) -> Listed | None:
        try:
            if entry.is_symlink() and not (entry.is_file() and Path(entry.path).resolve().is_relative_to(self._folder)):
                return Listed(entry.name, 0, 0, "link")
            about = entry.stat()
        except FileNotFoundError:
            # Gone since the folder was read.
            return None
        kind: Kind = "file" if entry.is_file() else "folder" if entry.is_dir() else "other"
        return Listed(entry.name, about.st_size, max(about.st_mtime_ns, 0), kind)

    def _content(self, file: Listed) -> bytes:
        path = (self._folder / file.name).resolve()
        if not path.is_relative_to(self._folder):
            raise AgencyError(f"{file.name} leads out of the folder.", self._where, "call the agency")
        try:
            # O_NONBLOCK: a pipe put in the file's place since must not make us wait for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as stream:
                body = stream.read(MAX_BODY_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
                after = os.fstat(handle)
        except PermissionError:
            what = f"{file.name} may not be read by us."
            raise AgencyError(what, self._where, "have its permissions set, then `jifen run` again") from None
        except OSError as error:
            raise self._away(error) from None
        # In whole seconds: over a network a listing and an open file may tell the rest of a second differently.
        if (len(body), after.st_size, max(int(after.st_mtime), 0)) != (file.size, file.size, file.modified_ns // 10**9):
            raise TransientError(f"{file.name} is still changing.", self._where, "run `jifen run` again")
        return body

    def _away(self, error: OSError) -> TransientError:
        what = f"the folder or a file in it cannot be read ({error.strerror})."
        return TransientError(what, self._where, "look whether the share is mounted, then `jifen run` again")
