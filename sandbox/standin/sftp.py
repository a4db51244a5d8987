"""An agency's SFTP side: one account, shut in its own folder, on a port and with a host key of its own."""

import asyncio
import hmac
import logging
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from sandbox.standin.faults import FaultPlan, PlantedFault, names_of
from sandbox.standin.files import StandinFolder
from sandbox.standin.journal import Journal
from sandbox.standin.wire import STALL_SECONDS


@dataclass
class SftpAgency:
    """What one SFTP server knows: its source, its folders by dataset, the plan and the log."""

    source: str
    root: Path
    folders: Mapping[str, StandinFolder]
    plan: FaultPlan
    journal: Journal
    user: str = "zone"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    acceptor: asyncssh.SSHAcceptor | None = None
    key: asyncssh.SSHKey | None = None
    other_key: asyncssh.SSHKey | None = None
    account_key: asyncssh.SSHKey | None = None

    async def serve(self, keys: Path, is_guarded: bool = False) -> dict[str, str]:
        """Listen on a free port of 127.0.0.1; answers host, port, user, the pinned host key, and the credentials.

        These are a password and the path of a private key, encrypted with a passphrase if `is_guarded`.
        """
        logging.getLogger("asyncssh").setLevel(logging.ERROR)
        keys.mkdir(parents=True, exist_ok=True)
        self.key = _host_key(keys / "host_key")
        self.account_key = asyncssh.generate_private_key("ssh-ed25519")
        passphrase = secrets.token_urlsafe(24)
        key_file = keys / "account_key"
        key_file.touch(mode=0o600)
        key_file.write_bytes(self.account_key.export_private_key("openssh", passphrase if is_guarded else None))
        self.acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Login(self),
            server_host_keys=[self.key],
            sftp_factory=lambda channel: _Folder(channel, self),
            encoding=None,
            process_factory=None,
        )
        return {
            "host": "127.0.0.1",
            "port": str(self.acceptor.get_port()),
            "user": self.user,
            "password": self.password,
            "key": str(key_file),
            "passphrase": passphrase,
            "host_key": " ".join(self.key.export_public_key().decode().split()[:2]),
        }

    def close(self) -> None:
        """Take no further connection."""
        if self.acceptor is not None:
            self.acceptor.close()

    def show_key(self) -> None:
        """Show the pinned host key, or another one while the plan has `host_key_changed`."""
        is_other = bool(self.planned("host_key_changed"))
        if is_other and self.other_key is None:
            self.other_key = asyncssh.generate_private_key("ssh-ed25519")
        if self.acceptor is not None:
            self.acceptor.update(server_host_keys=[self.other_key if is_other else self.key])

    def planned(self, name: str) -> list[PlantedFault]:
        """The faults of this name that the plan has for the whole agency."""
        return [fault for fault in self.plan.of(self.source, None, ("sftp",)) if fault.name == name]

    def dataset_of(self, path: str) -> tuple[str | None, int | None]:
        """The dataset and the place (from 1) of a file, for the access log."""
        for name, folder in self.folders.items():
            for file in folder.files:
                if path.rstrip("/").endswith(f"{folder.path.name}/{file.name}"):
                    return name, file.place + 1
        return None, None

    def note(self, kind: str, method: str, path: bytes, status: int = 200, faults: tuple[str, ...] = ()) -> None:
        """Write one line into the access log."""
        text = path.decode("utf-8", "replace")
        dataset, position = self.dataset_of(text)
        self.journal.record(self.source, dataset, kind, method, text, status, position=position, faults=faults)


def _host_key(path: Path) -> asyncssh.SSHKey:
    """The server's key, made once for a state folder, so that a server started again is the same server."""
    if not path.exists():
        path.touch(mode=0o600)
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)
    return asyncssh.read_private_key(path)


class _Login(asyncssh.SSHServer):
    """Logins by password or by the account's key."""

    def __init__(self, agency: SftpAgency) -> None:
        self._agency = agency

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 (asyncssh passes it by place)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self._accepts(username, hmac.compare_digest(password.encode(), self._agency.password.encode()))

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = self._agency.account_key
        return self._accepts(username, known is not None and key == known.convert_to_public())

    def _accepts(self, username: str, is_right: bool) -> bool:
        agency = self._agency
        struck = [fault for fault in agency.planned("login_refused") if fault.strike()]
        is_accepted = is_right and username == agency.user and not struck
        agency.note("login", "LOGIN", b"/", 200 if is_accepted else 401, names_of(struck))
        return is_accepted


class _Folder(asyncssh.SFTPServer):
    """The agency's folder as the root of all there is to see; what is listed and opened is noted."""

    def __init__(self, channel: Any, agency: SftpAgency) -> None:
        super().__init__(channel, chroot=str(agency.root).encode())
        self._channel_of, self._agency = channel, agency
        self._open: dict[int, tuple[str, int]] = {}

    async def scandir(self, path: bytes) -> Any:
        self._agency.note("list", "LIST", path)
        untyped = self._agency.planned("mode_without_type")
        async for entry in super().scandir(path):
            if untyped and entry.attrs.permissions is not None:
                entry.attrs.permissions = stat.S_IMODE(entry.attrs.permissions)
                entry.attrs.type = asyncssh.FILEXFER_TYPE_UNKNOWN
            yield entry

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        opened = super().open(path, pflags, attrs)
        self._note_open(opened, path, is_write=bool(pflags & asyncssh.FXF_WRITE))
        return opened

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        opened = super().open56(path, desired_access, flags, attrs)
        self._note_open(opened, path, is_write=bool(desired_access & asyncssh.ACE4_WRITE_DATA))
        return opened

    def _note_open(self, opened: object, path: bytes, *, is_write: bool) -> None:
        agency = self._agency
        if is_write:
            agency.note("received", "PUT", path)
            return
        dataset, place = agency.dataset_of(path.decode("utf-8", "replace"))
        struck = []
        if dataset is not None and place is not None:
            file = next(f for f in agency.folders[dataset].files if f.place == place - 1)
            stock = agency.folders[dataset].stock
            places = [entry.index for entry in file.entries]
            count = len(stock.entries)
            faults = agency.plan.striking(agency.source, dataset, ("sftp",), places, count, max(1, len(places)))
            struck = [fault for fault in faults if fault.name in ("connection_dropped", "silence")]
            if struck:
                self._open[id(opened)] = (struck[0].name, len(file.body) // 2)
        agency.note("data", "GET", path, 0 if struck else 200, names_of(struck))

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._agency.note("received", "RENAME", newpath)
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._agency.note("received", "RENAME", newpath)
        return super().posix_rename(oldpath, newpath)

    def remove(self, path: bytes) -> Any:
        self._agency.note("received", "REMOVE", path)
        return super().remove(path)

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Read as asked, unless this is the file in the middle of which the connection breaks or goes silent."""
        broken = self._open.get(id(file_obj))
        if broken is not None:
            if offset >= broken[1] or size > broken[1] - offset:
                del self._open[id(file_obj)]
                if broken[0] == "silence":
                    await asyncio.sleep(STALL_SECONDS)
                self._channel_of.get_connection().abort()
                raise asyncssh.SFTPConnectionLost("the connection is gone")
            size = min(size, broken[1] - offset)
        data: Any = super().read(file_obj, offset, size)
        return bytes(data)
