"""Lines that die and servers that never end what they say, on loopback, for tests of deadlines."""

import contextlib
import itertools
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket], None]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    talk: Talk
    is_over: threading.Event


class _Line(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.server.talk(self.request)


@contextmanager
def server(talk: Talk) -> Iterator[int]:
    """A TCP server that gives each connection to `talk`; answers its port."""
    with _Server(("127.0.0.1", 0), _Line) as running:
        running.talk = talk
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()


def silence(_line: socket.socket) -> None:
    """Accept, and never say a word."""
    time.sleep(30)


def drip(said: bytes, again: bytes = b"") -> Talk:
    """Say something a byte at a time, each well within any time-out between bytes; then `again` over and over."""

    def talk(line: socket.socket) -> None:
        for byte in itertools.chain(said, itertools.cycle(again)):
            line.sendall(bytes([byte]))
            time.sleep(0.02)
        time.sleep(30)

    return talk


def flood(said: bytes, again: bytes) -> Talk:
    """Say something, then `again` without end and as fast as it is taken."""

    def talk(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(said)
        while True:
            line.sendall(again)

    return talk


@contextmanager
def dies_after(target: int | str, down: int | None = None, up: int | None = None) -> Iterator[int]:
    """A line to a port, or socket file, of this machine that goes silent after so many bytes; answers its own port.

    The bytes of all connections are counted together: a new one over a dead line is dead too.
    """
    moved = {"down": 0, "up": 0}

    def talk(near: socket.socket) -> None:
        with socket.socket(socket.AF_INET if isinstance(target, int) else socket.AF_UNIX) as far:
            far.connect(("127.0.0.1", target) if isinstance(target, int) else target)
            other = threading.Thread(target=carry, args=(near, far, "up", up), daemon=True)
            other.start()
            carry(far, near, "down", down)
            other.join()

    def carry(source: socket.socket, target: socket.socket, way: str, limit: int | None) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1024):
                moved[way] += len(block)
                if limit is not None and moved[way] > limit:
                    time.sleep(30)
                    return
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    with server(talk) as shown:
        yield shown
