"""The loopback server in a process of its own, for as long as a bench needs it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from clients import HERE


@contextmanager
def serve(records: int, *, size: int = 1000, latency_ms: float = 0.0, is_in_key_order: bool = False) -> Iterator[str]:
    """Its address; it stops when its standard input closes, also if this process dies."""
    command = [sys.executable, str(HERE / "server.py"), "--records", str(records), "--size", str(size)]
    command += ["--latency-ms", str(latency_ms), *(["--in-key-order"] if is_in_key_order else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None or server.stdin is None:
            raise SystemExit("the server has no pipes")
        try:
            address = server.stdout.readline().strip()
            if not address:
                raise SystemExit("the server did not start")
            yield address
        finally:
            server.stdin.close()
            server.terminate()
