"""One HTTP exchange, and the body of its answer: never more than a cap, never for ever, and never half of it."""

import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import LocationParseError

from connectors.drivers.retry import TryAgainError, within
from connectors.drivers.tls import proxy_variable
from connectors.errors import ConfigError

T = TypeVar("T")

CHUNK_BYTES = 1 << 17
SLOWEST_BYTES_PER_SECOND = 1024
"""An answer that drips more slowly than this, once its time-out has passed, is given up."""

_LIGHT_BODY_BYTES = 1 << 20
_VALUE_BYTES, _OBJECT_BYTES = 64, 232


class TooLargeError(ValueError):
    """The body is larger than the cap, as sent or unpacked."""


_OF_THE_PROXY = (
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    LocationParseError,
)


def exchanged(
    adapter: HTTPAdapter,
    sent: requests.PreparedRequest,
    arguments: dict[str, Any],
    timeout: float,
    where: str,
    read: Callable[[requests.Response], T],
) -> T:
    """What `read` makes of the answer to a request, within the budget of the call whatever is sent and how slowly.

    A redirect is not followed. A proxy that cannot be used is a `ConfigError` that names its variable: what the
    library says of it holds the address of the agency, and perhaps a password. Raises what `requests` raises as well.
    """

    def work() -> T:
        # Not through a session: that would read the whole body of a redirect, however large.
        with adapter.send(sent, stream=True, timeout=timeout, **arguments) as answer:
            if answer.status_code == 407 and variable is not None:
                raise requests.exceptions.ProxyError
            return read(answer)

    url = sent.url or ""
    variable = proxy_variable(url, arguments["proxies"])
    through = "" if variable is None else f", asked through the proxy of {variable}"
    try:
        return within(work, f"no whole answer in time{through}")
    except _OF_THE_PROXY as error:
        if variable is None:
            raise
        kind = urlsplit(arguments["proxies"].get(urlsplit(url).scheme) or arguments["proxies"].get("all", "")).scheme
        problem = f"the proxy that {variable} names cannot be used ({kind or 'no scheme'}, {type(error).__name__})."
    raise ConfigError(problem, where, f"mend {variable}, or name the host in NO_PROXY; a SOCKS proxy needs pysocks")


def read_body(answer: requests.Response, cap: int, timeout: float) -> bytes:
    """The body of a streamed answer, unpacked if it was sent with `Content-Encoding: gzip`.

    Raises TooLargeError beyond `cap` bytes, TryAgainError for a body cut short, broken or dripping, and what urllib3
    raises for a connection that is lost.
    """
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _unpacked(_chunks(answer, cap, timeout), cap)
    if encoding not in ("", "identity"):
        raise TryAgainError("the answer is packed in a way that nobody asked for")
    if int(_declared(answer)) > cap:
        raise TooLargeError
    return b"".join(_chunks(answer, cap, timeout))


def _declared(answer: requests.Response) -> str:
    length = answer.headers.get("Content-Length", "")
    return length if length.isascii() and length.isdigit() and len(length) < 20 else "0"


def _chunks(answer: requests.Response, cap: int, timeout: float) -> Iterator[bytes]:
    began, got = time.monotonic(), 0
    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
        got += len(chunk)
        if got > cap:
            raise TooLargeError
        if time.monotonic() - began > timeout + got / SLOWEST_BYTES_PER_SECOND:
            raise TryAgainError("the answer comes too slowly")
        yield chunk


def _unpacked(chunks: Iterator[bytes], cap: int) -> bytes:
    body, unpacker, whole = bytearray(), zlib.decompressobj(31), True
    try:
        for received in chunks:
            chunk = received
            while chunk:
                if unpacker.eof:
                    # One packed stream may follow another.
                    unpacker = zlib.decompressobj(31)
                body += unpacker.decompress(chunk, cap + 1 - len(body))
                if len(body) > cap:
                    raise TooLargeError
                chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                whole = unpacker.eof
    except zlib.error:
        raise TryAgainError("the packed answer is broken") from None
    if not whole:
        raise TryAgainError("the packed answer is cut short")
    return bytes(body)


def weight(body: bytes) -> int:
    """About how many bytes of memory the values of a JSON text may take: a bomb may weigh thirty times its size."""
    if len(body) < _LIGHT_BODY_BYTES:
        return 0
    return _VALUE_BYTES * (body.count(b",") + body.count(b"[")) + _OBJECT_BYTES * body.count(b"{")
