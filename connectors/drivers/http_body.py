"""One HTTP exchange, and the body of its answer: never more than a cap, never for ever, and never half of it."""

import time
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from connectors.drivers.answers import UnreadableError
from connectors.drivers.retry import TryAgainError, within
from connectors.drivers.tls import proxy_variable
from connectors.errors import AgencyError, ConfigError

T = TypeVar("T")

CHUNK_BYTES = 1 << 17
SLOWEST_BYTES_PER_SECOND = 1024
"""An answer that drips more slowly than this, once its time-out has passed, is given up."""

_GZIP = b"\x1f\x8b"


class TooLargeError(ValueError):
    """The body is larger than the cap, as sent or unpacked."""


LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)
"""What `requests` and urllib3 raise where an answer did not come, or did not come whole."""


def how_lost(error: BaseException) -> str:
    """The kind of what was raised, and nothing of its words; of a port where nobody listens, that."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ConnectionRefusedError):
            return "connection refused"
        inner = inner.__cause__ or inner.__context__
    return type(error).__name__


_OF_THE_PROXY = (
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    urllib3.exceptions.LocationParseError,
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
    except (*_OF_THE_PROXY, requests.ConnectionError, requests.Timeout) as error:
        if variable is None or isinstance(error, requests.exceptions.SSLError):
            raise
        if not isinstance(error, _OF_THE_PROXY):
            raise TryAgainError(f"no whole answer ({type(error).__name__}){through}") from None
        kind = urlsplit(arguments["proxies"].get(urlsplit(url).scheme) or arguments["proxies"].get("all", "")).scheme
        problem = f"the proxy that {variable} names cannot be used ({kind or 'no scheme'}, {type(error).__name__})."
    raise ConfigError(problem, where, f"mend {variable}, or name the host in NO_PROXY; a SOCKS proxy needs pysocks")


def read_body(answer: requests.Response, cap: int, timeout: float, where: str) -> bytes:
    """The body of a streamed answer, unpacked as often as `Content-Encoding` says gzip.

    What begins otherwise is no gzip, whatever the header says, and is taken as it is. Raises TooLargeError beyond `cap`
    bytes, UnreadableError for a packing that nobody asked for, TryAgainError for a body cut short, broken or dripping,
    and what urllib3 raises for a connection that is lost.
    """
    said = answer.headers.get("Content-Encoding", "").lower().split(",")
    packings = [word for one in said if (word := one.strip()) not in ("", "identity")]
    if other := [word for word in packings if word not in ("gzip", "x-gzip")]:
        shown = "".join(sign for sign in other[0] if sign.isprintable())[:20]
        what = f"the answer is packed with {shown}, and we ask for gzip or nothing."
        raise UnreadableError(AgencyError(what, where, "ask the agency to heed Accept-Encoding"))
    if not packings and int(_declared(answer)) > cap:
        raise TooLargeError
    chunks = _chunks(answer, cap, timeout)
    if not packings:
        return b"".join(chunks)
    body = _unpacked(chunks, cap, where)
    for _ in packings[1:]:
        body = _unpacked(iter([body]), cap, where)
    return body


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


def _unpacked(chunks: Iterator[bytes], cap: int, where: str) -> bytes:
    body, unpacker, whole = bytearray(), zlib.decompressobj(31), True
    first = b""
    while len(first) < len(_GZIP) and (chunk := next(chunks, b"")):
        first += chunk
    if not first.startswith(_GZIP):
        return b"".join([first, *chunks])
    try:
        for received in chain([first], chunks):
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
        what = f"the answer is packed with gzip and broken, after {len(body)} bytes of what it holds."
        raise UnreadableError(AgencyError(what, where, "call the agency: it spoils what it packs")) from None
    if not whole:
        raise TryAgainError("the packed answer is cut short")
    return bytes(body)
