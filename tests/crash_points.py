"""Count the durable operations of this process; at one of them die by SIGKILL, or photograph what a death would leave.

An operation is what a restart could find done or undone: a name given, moved or taken in a folder, a file or folder
synced, a commit of the ledger, a request sent, a file written or named at a recipient. Where it stands in our code is
its site. Nothing of this is in the product: a process that a test forked wraps the calls before it begins.

A photograph is a copy of the data folder and of what recipients hold, made between two operations while all threads
wait: what SIGKILL leaves at that moment, since the system keeps what was written, synced or not.
"""

import errno
import functools
import inspect
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from ledger.settings import PROJECT_DIR

OPERATIONS = ("replace", "rename", "link", "symlink", "mkdir", "rmdir", "unlink", "remove", "fsync")
DEPTH = 3
_ROOT, _TESTS = f"{PROJECT_DIR}/", f"{PROJECT_DIR}/tests/"
_OTHERS = f"{PROJECT_DIR}/.venv/"
_NEVER_WRITTEN_AGAIN = ("raw", "landed", "editions")
_LEFT_OUT = ("candidate.duckdb", "target")
"""Of a candidate: the next run makes one of its own and reads nothing of it."""


@dataclass(frozen=True)
class Point:
    """The n-th time that a site is come to, before the operation or after it."""

    site: str
    number: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} no. {self.number} of {self.site}"


class Watch:
    """What this process did durably so far, and what is to be done at which points."""

    def __init__(self, act: Callable[[Point], None], points: Sequence[Point] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._act, self._points = act, frozenset(points)
        self._lock, self._acting = threading.RLock(), False

    def _came_to(self, operation: str) -> Point:
        site = f"{operation} {_place()}"
        self.counts[site] += 1
        self._at(point := Point(site, self.counts[site], "before"))
        return point

    def _at(self, point: Point) -> None:
        if point in self._points:
            self._acting = True
            try:
                self._act(point)
            finally:
                self._acting = False

    def wrapped(self, operation: str, call: Callable[..., Any], *, alone: bool) -> Callable[..., Any]:
        """The call, counted; `alone` of all threads, where it answers at once."""

        @functools.wraps(call)
        def now(*given: Any, **named: Any) -> Any:
            with self._lock:
                if self._acting:
                    return call(*given, **named)
                point = self._came_to(operation)
                found = call(*given, **named) if alone else None
                self._at(Point(point.site, point.number, "after"))
                return found if alone else call(*given, **named)

        @functools.wraps(call)
        async def later(*given: Any, **named: Any) -> Any:
            with self._lock:
                point = self._came_to(operation)
            found = await call(*given, **named)
            with self._lock:
                self._at(Point(point.site, point.number, "after"))
            return found

        return later if inspect.iscoroutinefunction(call) else now

    def install(self) -> None:
        """Wrap the calls of this process."""
        import asyncssh
        import requests
        from sqlalchemy.engine.default import DefaultDialect

        for holder, name, operation in (
            *((os, name, name) for name in OPERATIONS),
            (DefaultDialect, "do_commit", "commit"),
            (requests.Session, "send", "request"),
            (asyncssh.SFTPClient, "posix_rename", "rename at the recipient"),
            (asyncssh.SFTPClientFile, "write", "write at the recipient"),
        ):
            alone = operation != "request"
            setattr(holder, name, self.wrapped(operation, getattr(holder, name), alone=alone))


def _place() -> str:
    """The innermost functions of ours that are at work, the innermost first, with its line."""
    frame, found = sys._getframe(3), []
    while frame is not None and len(found) < DEPTH:
        code = frame.f_code
        if code.co_filename.startswith(_ROOT) and not code.co_filename.startswith((_TESTS, _OTHERS)):
            line = f":{frame.f_lineno}" if not found else ""
            found.append(f"{code.co_filename.removeprefix(_ROOT)}:{code.co_qualname}{line}")
        frame = frame.f_back
    return " < ".join(found) or "outside"


def die(_point: Point) -> None:
    """Die with every process of the group, as by a kill of the whole night."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def find_the_disk_full(point: Point) -> None:
    """Fail as an operation does for which there is no room, at every other site as upon a disk that is read-only."""
    is_full = len(point.site) % 2 == 0
    if point.site.startswith("commit "):
        message = "database or disk is full" if is_full else "attempt to write a readonly database"
        raise OperationalError("commit", None, sqlite3.OperationalError(message))
    number = errno.ENOSPC if is_full else errno.EROFS
    raise OSError(number, os.strerror(number))


def photograph(source: Path, target: Path) -> None:
    """Copy a folder as it is: links as links, modes as modes; what is never written again as a second name of it."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        copy, mode = target / path.name, path.lstat().st_mode
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.name in _LEFT_OUT:
            continue
        elif path.is_dir():
            photograph(path, copy)
        elif not mode & 0o222 and any(part in _NEVER_WRITTEN_AGAIN for part in path.parts):
            os.link(path, copy)
        else:
            shutil.copy2(path, copy)
    target.chmod(source.stat().st_mode & 0o777)
