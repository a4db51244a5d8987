"""The talent bureau's and the banks' SFTP on loopback: one server, three users, each shut in its own folder."""

import hmac
import logging
from pathlib import Path
from typing import Any, Final

import asyncssh

from sandbox.journal import Journal

_HOST_KEY: Final = "sftp_host_key"


class _Login(asyncssh.SSHServer):
    """Logins by password alone."""

    def __init__(self, passwords: dict[str, str], journal: Journal) -> None:
        self._passwords = passwords
        self._journal = journal

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 (asyncssh passes it by place)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        known = self._passwords.get(username, "")
        is_up = not any(self._journal.plan(whose).get("down") for whose in ("sftp", username))
        is_right = is_up and bool(known) and hmac.compare_digest(known.encode(), password.encode())
        self._journal.record(username, "LOGIN", "/", {}, 200 if is_right else 401)
        return is_right


class _Folder(asyncssh.SFTPServer):
    """A user's folder as the root of all it can see; what it opens, renames and removes is noted."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], home: Path, journal: Journal) -> None:
        super().__init__(channel, chroot=str(home).encode())
        self._user = str(channel.get_extra_info("username"))
        self._journal = journal

    def _note(self, method: str, path: bytes, to: bytes | None = None) -> None:
        query = {} if to is None else {"to": to.decode(errors="replace")}
        self._journal.record(self._user, method, path.decode(errors="replace"), query, 200)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        is_write = bool(pflags & asyncssh.FXF_WRITE)
        opened = super().open(path, pflags, attrs)
        self._note("PUT" if is_write else "GET", path)
        return opened

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        opened = super().open56(path, desired_access, flags, attrs)
        self._note("PUT" if desired_access & asyncssh.ACE4_WRITE_DATA else "GET", path)
        return opened

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        result = super().rename(oldpath, newpath)
        self._note("RENAME", oldpath, newpath)
        return result

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        result = super().posix_rename(oldpath, newpath)
        self._note("RENAME", oldpath, newpath)
        return result

    def remove(self, path: bytes) -> Any:
        result = super().remove(path)
        self._note("REMOVE", path)
        return result


def host_key(state: Path) -> asyncssh.SSHKey:
    """Return the server's key, made once for a state folder, so that a server started again is the same server."""
    path = state / _HOST_KEY
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.touch(mode=0o600)
        key.write_private_key(path)
    return asyncssh.read_private_key(path)


def public_line(key: asyncssh.SSHKey) -> str:
    """Return the key's public half as one OpenSSH line, "ssh-ed25519 AAAA..."."""
    return " ".join(key.export_public_key().decode().split()[:2])


async def serve_sftp(
    state: Path, journal: Journal, key: asyncssh.SSHKey, passwords: dict[str, str]
) -> asyncssh.SSHAcceptor:
    """Start the server on a free port of 127.0.0.1; renaming over an existing name works as in POSIX."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)

    def folder(channel: asyncssh.SSHServerChannel[bytes]) -> _Folder:
        home = state / "sftp" / str(channel.get_extra_info("username"))
        return _Folder(channel, home, journal)

    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Login(passwords, journal),
        server_host_keys=[key],
        sftp_factory=folder,
        encoding=None,
        process_factory=None,
    )
