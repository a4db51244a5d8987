"""An answer on its way: whole, or reset, stalled, dripping, cut or packed to do harm."""

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from time import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.standin.faults import PlantedFault

STALL_SECONDS: Final = 60.0
DRIP_SECONDS: Final = 1.0
BOMB_MEGABYTES: Final = 256
WHOLE: Final = frozenset({"slow_drip", "endless_drip", "gzip_bomb", "truncated_gzip", "says_gzip"})
"""Faults under which an answer has a status of its own."""


@dataclass
class Reply:
    """The answer to one request, and its entry in the access log."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "other"
    dataset: str | None = None
    position: int | None = None
    faults: tuple[str, ...] = ()
    wire: PlantedFault | None = None


class Protocol(H11Protocol):
    """HTTP as uvicorn speaks it, with the connection itself within an application's reach."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the connection to every request that comes over it."""
        super().connection_made(transport)
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            # asyncio does so only for sockets made in one way; without it each answer waits 40 ms for an ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "transport": transport}, receive, send)

        self.app = with_transport


async def deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a reply, the way its fault wants it sent."""
    headers = {"Date": http_date(), **reply.headers}
    name = reply.wire.name if reply.wire else None
    seconds = reply.wire.seconds if reply.wire else None
    match name:
        case None:
            await _whole(reply.status, headers, reply.body, send)
        case "truncated_gzip":
            packed = gzip.compress(reply.body)
            await _whole(reply.status, {**headers, "Content-Encoding": "gzip"}, packed[: len(packed) // 2], send)
        case "gzip_bomb":
            await _whole(reply.status, {**headers, "Content-Encoding": "gzip"}, gzip_bomb(BOMB_MEGABYTES), send)
        case "says_gzip":
            await _whole(reply.status, {**headers, "Content-Encoding": "gzip"}, reply.body, send)
        case "slow_drip":
            await _drip(reply, headers, DRIP_SECONDS if seconds is None else seconds, 20, send)
        case "endless_drip":
            await _drip(reply, headers, float(len(reply.body)), len(reply.body), send)
        case _:
            await _broken(str(name), reply, headers, STALL_SECONDS if seconds is None else seconds, scope, receive)


async def _whole(status: int, headers: Mapping[str, str], body: bytes, send: Send) -> None:
    await send(_start(status, {**headers, "Content-Length": str(len(body))}))
    await send({"type": "http.response.body", "body": body})


def _start(status: int, headers: Mapping[str, str]) -> Message:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


async def _drip(reply: Reply, headers: Mapping[str, str], seconds: float, pieces: int, send: Send) -> None:
    await send(_start(reply.status, {**headers, "Content-Length": str(len(reply.body))}))
    step = max(1, len(reply.body) // pieces)
    for place in range(0, len(reply.body), step):
        await asyncio.sleep(seconds / pieces)
        await send({"type": "http.response.body", "body": reply.body[place : place + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _broken(
    name: str, reply: Reply, headers: Mapping[str, str], seconds: float, scope: Scope, receive: Receive
) -> None:
    """Write past the server, to the connection itself, and end it."""
    transport: asyncio.Transport = scope["transport"]
    length = len(reply.body) + (100 if name == "wrong_content_length" else 0)
    head = "".join(f"{key}: {value}\r\n" for key, value in {**headers, "Content-Length": str(length)}.items())
    sent = reply.body if name == "wrong_content_length" else reply.body[: len(reply.body) // 2]
    if name not in ("reset_before_answer", "no_answer"):
        transport.write(f"HTTP/1.1 {reply.status} OK\r\n{head}\r\n".encode("latin-1") + sent)
    if name in ("stall", "no_answer"):
        await _until_gone(receive, seconds)
    if name == "wrong_content_length":
        transport.close()
    else:
        _reset(transport)
    await _until_gone(receive, 5.0)


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        # Linger for no time: the kernel answers with RST in place of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _until_gone(receive: Receive, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def http_date(ahead: float = 0.0) -> str:
    """A moment so many seconds from now, as HTTP writes it."""
    return formatdate(time() + ahead, usegmt=True)


@cache
def gzip_bomb(megabytes: int) -> bytes:
    """Blanks, packed about a thousand times smaller than they unfold to."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = b" " * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def server_app(offices: Mapping[int, ASGIApp]) -> ASGIApp:
    """One application for many ports: each office answers on its own."""

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        await offices[scope["server"][1]](scope, receive, send)

    return by_port
