"""Real databases on loopback: PostgreSQL out of a wheel, and MariaDB of the system."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

USERS = """create user zone@'%' identified by 'made-up-password';
grant all on *.* to zone@'%';
create database register character set utf8mb4;
"""


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A MariaDB server; answers the SQLAlchemy URL of an empty database. Skips where none is installed."""
    if shutil.which("mariadbd") is None:
        pytest.skip("no MariaDB here: apt-get install mariadb-server (make test does where it is root)")
    (folder / "users.sql").write_text(USERS, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = [f"--user={os.environ.get('USER', 'root')}"] if os.geteuid() == 0 else []
    common = ["--no-defaults", f"--datadir={folder / 'data'}", *user]
    log = (folder / "log").open("wb")
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, stdout=log, stderr=log)
    own = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 's'}",
        f"--init-file={folder / 'users.sql'}",
    ]
    # Old registers hold days like 0000-00-00: the server must take them.
    started = ["mariadbd", *common, *own, "--sql-mode=", "--innodb-flush-log-at-trx-commit=0"]
    running = subprocess.Popen(started, stdout=log, stderr=log)
    url = f"mysql://zone:made-up-password@127.0.0.1:{port}/register"
    try:
        wait_for(url.replace("mysql:", "mysql+pymysql:"))
        yield url
    finally:
        running.terminate()
        running.wait(30)
        log.close()


def wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        engine = create_engine(url)
        try:
            with engine.connect():
                return
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        finally:
            engine.dispose()


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("mysql:", "mysql+pymysql:"))
    with engine.begin() as connection:
        for sql in statements:
            connection.execute(text(sql))
    engine.dispose()
