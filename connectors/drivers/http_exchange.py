"""One HTTP exchange: the rate budget of its host, its proxy, and a body that is whole, capped and in time."""

import gzip
import io
import os
import re
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from connectors.drivers.answers import UnreadableError
from connectors.drivers.listing import Answer, host_key
from connectors.drivers.retry import NoLineError, TryAgainError, retry_after_seconds, within
from connectors.errors import AgencyError, ConfigError, printable
from connectors.spec import Limits

CHUNK_BYTES = 1 << 17
MOST_OF_A_REFUSAL_BYTES = 1 << 20
SLOWEST_BYTES_PER_SECOND = 1024
"""An answer slower than this, once its time-out has passed, is given up."""

_GZIP = b"\x1f\x8b"
_NO_PACKING = {"", "identity", "none", "null", "binary", "8bit", "utf-8", "utf8", "gbk", "gb2312", "gb18030"}
"""What servers write where nothing is packed; some write an encoding of characters."""


class TooLargeError(ValueError):
    """The body of an answer with this status is larger than the cap, as sent or unpacked."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)
"""What `requests` and urllib3 raise where an answer did not come, or did not come whole."""

_NO_LINE = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_OF_THE_PROXY = (
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    urllib3.exceptions.LocationParseError,
)
_UNTRUSTED = {9: "it is not valid yet", 10: "it has expired", 62: "it is of another host"}
"""Codes of OpenSSL (X509_V_ERR_...) -> what they say of a certificate."""
_WANTS_LOGIN = "failed: 407"
"""How urllib3 says that a proxy requires a login."""
_TUNNEL = re.compile(r"connection failed: (\d{3})")


def lost(error: BaseException, asked: str) -> TryAgainError:
    """The error as a `TryAgainError` with its kind and none of its words; a refused connection is named as that."""
    how, kind = type(error).__name__, TryAgainError
    for inner in _causes(error):
        how = "connection refused" if isinstance(inner, ConnectionRefusedError) else how
        how = f"TLS: {inner.reason}" if isinstance(inner, ssl.SSLError) and inner.reason else how
        kind = NoLineError if isinstance(inner, _NO_LINE) else kind
    return kind(f"no whole answer from {asked} ({how})")


def tls_fault(error: BaseException) -> str | None:
    """What is wrong with the other side's TLS, in words of our own; None where that is not what failed."""
    for inner in _causes(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            why = _UNTRUSTED.get(inner.verify_code, "no authority that we trust signed it")
            return f"its certificate is not one we trust: {why}"
        if isinstance(inner, ssl.SSLError):
            return f"it makes no TLS connection with us ({inner.reason})"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def surroundings(url: str, ca: str | None = None, certificate: tuple[str, str] | None = None) -> dict[str, Any]:
    """How to send to an address, as `requests` names it: `proxies` and `verify` of the environment, and `cert`.

    An authority of the file's own (`ca`) comes before that of the environment.
    """
    with requests.Session() as session:
        settled = session.merge_environment_settings(url, {}, False, ca, certificate)
    if url.lower().startswith("https") and isinstance(settled["verify"], str) and not Path(settled["verify"]).is_dir():
        _require_certificates(settled["verify"])
    return {"proxies": settled["proxies"], "verify": settled["verify"], "cert": settled["cert"]}


def _require_certificates(path: str) -> None:
    """Raise a `ConfigError` where a file holds no authority: later each connection would only fail."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        named = (one for one in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(one) == path)
        follows = "name a PEM file of the authorities to trust, or none, then jifen run"
        raise ConfigError("holds no certificate in PEM, or is not there.", next(named, path), follows) from None


def exchanged(
    adapter: HTTPAdapter,
    sent: requests.PreparedRequest,
    arguments: dict[str, Any],
    timeout: float,
    where: str,
    wanted: Collection[int],
    cap: int,
) -> Answer:
    """The answer to a request, within the budget of the call even for an endless or slow answer.

    A redirect is not followed. Of an answer whose status is not `wanted` the body may be left out. A proxy that cannot
    be used is a `ConfigError` that names its variable: what the library says of it holds the address of the agency, and
    perhaps a password. Raises what `read_body` and `requests` raise as well.
    """

    def work() -> Answer:
        try:
            # Not through a session: that would read the whole body of a redirect, however large.
            received = adapter.send(sent, stream=True, timeout=timeout, **arguments)
        except requests.exceptions.InvalidHeader:
            what = "the headers of the answer contradict each other (two lengths of its body)."
            raise UnreadableError(AgencyError(what, where, "call them: a proxy on the way may be at fault")) from None
        with received as answer:
            status = answer.status_code
            # For plain HTTP the proxy answers in the place of the agency.
            if status == 407 and variable is not None:
                raise requests.exceptions.ProxyError(_WANTS_LOGIN)
            try:
                body = read_body(answer, cap if status in wanted else MOST_OF_A_REFUSAL_BYTES, timeout, where)
            except (TooLargeError, UnreadableError):
                if status in wanted:
                    raise
                body = b""
            return Answer(body, answer.headers, None, url, status, answer.cookies.get_dict())

    url = sent.url or ""
    variable = _proxy_variable(url, arguments["proxies"])
    through = "" if variable is None else f", asked through the proxy of {variable}"
    try:
        return within(work, f"no whole answer in time{through}")
    except (*_OF_THE_PROXY, requests.ConnectionError, requests.Timeout) as error:
        if variable is None or isinstance(error, requests.exceptions.SSLError):
            raise
        if not isinstance(error, _OF_THE_PROXY):
            raise TryAgainError(f"no whole answer ({type(error).__name__}){through}") from None
        kind = urlsplit(arguments["proxies"].get(urlsplit(url).scheme) or arguments["proxies"].get("all", "")).scheme
        status = said[1] if (said := _TUNNEL.search(str(error))) else ""
        if status.startswith("5"):
            # It works, and does not reach the agency now.
            raise TryAgainError(f"the proxy of {variable} answers {status}") from None
        why = f"it answers {status}" if status else type(error).__name__
        why = "it wants a login: 407" if _WANTS_LOGIN in str(error) else why
        problem = f"the proxy that {variable} names cannot be used ({kind or 'no scheme'}, {why})."
    raise ConfigError(problem, where, f"fix {variable}, or name the host in NO_PROXY; a SOCKS proxy needs pysocks")


def _proxy_variable(url: str, proxies: dict[str, str]) -> str | None:
    """The variable that sends requests for this address through a proxy; None where they go straight."""
    if select_proxy(url, proxies) is None:
        return None
    names = [name for kind in (urlsplit(url).scheme, "all") for name in (f"{kind}_proxy", f"{kind}_proxy".upper())]
    return next((name for name in names if os.environ.get(name)), "the environment")


def require_not_busy(answer: Answer, who: str) -> None:
    """Raise a `TryAgainError` for a status after which another attempt may pass, with the wait it asks for."""
    if answer.status in (408, 425, 429) or answer.status >= 500:
        wish = retry_after_seconds(answer.headers.get("Retry-After"), answer.headers.get("Date"))
        raise TryAgainError(f"{who} answers {answer.status}", wish)


def read_body(answer: requests.Response, cap: int, timeout: float, where: str) -> bytes:
    """The body of a streamed answer, unpacked as often as `Content-Encoding` says gzip.

    What begins otherwise is no gzip, whatever the header says, and is taken as it is. Raises TooLargeError beyond `cap`
    bytes, UnreadableError for a packing that we did not accept or that is broken, TryAgainError for a body cut short or
    dripping, and what urllib3 raises for a connection that is lost.
    """
    said = answer.headers.get("Content-Encoding", "").lower().split(",")
    packings = [word for one in said if (word := one.strip()) not in _NO_PACKING]
    if other := [word for word in packings if word not in ("gzip", "x-gzip")]:
        what = f"the answer is packed with {printable(other[0], 20)}, and we ask for gzip or nothing."
        raise UnreadableError(AgencyError(what, where, "ask the agency to heed Accept-Encoding"))
    if (answer.raw.length_remaining or 0) > cap:
        raise TooLargeError(answer.status_code)
    body, began = bytearray(), time.monotonic()
    # What has arrived, and not a full block: one who waits for a block does not see how slowly it comes.
    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > cap:
            raise TooLargeError(answer.status_code)
        if time.monotonic() - began > timeout + len(body) / SLOWEST_BYTES_PER_SECOND:
            raise TryAgainError("the answer comes too slowly")
    for _ in packings:
        body = bytearray(_unpacked(body, cap, where)) if body.startswith(_GZIP) else body
        if len(body) > cap:
            raise TooLargeError(answer.status_code)
    return bytes(body)


def _unpacked(body: bytearray, cap: int, where: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            return packed.read(cap + 1)
    except EOFError:
        raise TryAgainError("the packed answer is cut short") from None
    except (OSError, zlib.error):
        problem = AgencyError(
            "the answer is packed with gzip and broken.", where, "call the agency: it spoils what it packs"
        )
    raise UnreadableError(problem)


@dataclass
class HostBudget:
    """Our load on one host. The limits come with each request: two sources may share a host."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _in_flight: int = 0
    _next_start: float = 0.0

    @contextmanager
    def slot(self, limits: Limits) -> Iterator[None]:
        """Hold one of the connections; waits until one is free."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < limits.connections)
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                # All, not one: those who wait may have different limits.
                self._changed.notify_all()

    def pace(self, limits: Limits, stop: threading.Event) -> None:
        """Wait for our turn to begin a request, `1 / per_second` after the one before; `stop` ends the wait."""
        if limits.per_second is None:
            return
        with self._changed:
            now = time.monotonic()
            turn = max(now, self._next_start)
            self._next_start = turn + 1.0 / limits.per_second
        if turn > now:
            stop.wait(turn - now)


_budgets: dict[tuple[str, str, int | None], HostBudget] = {}
_budgets_lock = threading.Lock()


def budget_of(url: str) -> HostBudget:
    """The one budget of the host that an address names, shared by whatever asks it in this process."""
    with _budgets_lock:
        return _budgets.setdefault(host_key(url), HostBudget())
