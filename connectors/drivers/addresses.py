"""What is an address, and which a channel may have: none of an internal network unless a setting allows it."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from connectors.drivers.retry import within
from connectors.errors import ConfigError
from connectors.strict import Variable
from ledger.settings import Settings, read_variable

_METADATA = {ip_address("168.63.129.16")}
"""Addresses of a cloud's own services outside of the networks reserved for such."""
_NAT64 = IPv6Network("64:ff9b::/96")
_NAME = re.compile(r"[\w.-]+")


def fault_of_address(address: str) -> str | None:
    """What keeps a text from being an address of HTTP; nothing of it, for it may hold a password."""
    if any(sign <= " " or sign in "\"'<>" for sign in address):
        return "it has a blank, a line end or a quotation mark"
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            return "it does not begin with http:// or https://"
        if not parts.hostname or parts.port == 0:
            return "it names no host"
        return None if is_host(parts.hostname) else "its host or port is none"
    except ValueError:
        return "its host or port is none"


def read_host(variable: Variable, where: str) -> str:
    """The host that a variable names. Raises `ConfigError` for what no resolver takes, such as one with its port."""
    host = read_variable(variable.env, where)
    if is_host(host):
        return host
    what = f"{variable.env} holds no host: a name or an address, without port, path and blanks."
    raise ConfigError(what, where, f"fix {variable.env}, then jifen sink check or jifen source check")


def read_port(variable: Variable, where: str) -> int:
    """The port that a variable names. Raises `ConfigError` where it holds none."""
    text = read_variable(variable.env, where).strip()
    if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 1 << 16:
        return int(text)
    follows = f"fix {variable.env}, then jifen sink check or jifen source check"
    raise ConfigError(f"{variable.env} holds no port.", where, follows)


def is_host(text: str) -> bool:
    """Whether a text is an IP address, or a name that a resolver takes."""
    with suppress(ValueError):
        return bool(ip_address(text))
    # Resolvers raise this of their own, and not as a fault of the network.
    with suppress(UnicodeError):
        text.encode("idna")
        return _NAME.fullmatch(text) is not None
    return False


def checked_addresses(host: str, port: int, settings: Settings, where: str) -> list[str]:
    """Every address of a host, each checked; the caller connects to one of these and does not resolve the name again.

    One address that is not public is a `ConfigError`, unless the host or its network stands in `JIFEN_CHANNEL_HOSTS`:
    checking one lookup and connecting by another would let a name change its address in between.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    names, networks = settings.allowed_channel_hosts
    if host.lower().rstrip(".") in names:
        return addresses
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        if any(address in network for network in networks):
            continue
        if kind := next(filter(None, map(_kind, _meant(address))), None):
            raise ConfigError(
                f"{host} leads to {text}, {kind}: messages do not go there.",
                where,
                "fix its address; where it is meant, name the host or its network in JIFEN_CHANNEL_HOSTS",
            )
    return addresses


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and one of version 4 that is written in it."""
    yield address
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())[1:]]
        yield from filter(None, inner)
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _kind(address: IPv4Address | IPv6Address) -> str | None:
    """Why an address is not public; None for a public one."""
    if address in _METADATA:
        return "a cloud's own services"
    for name in ("is_loopback", "is_link_local", "is_site_local", "is_multicast", "is_unspecified", "is_private"):
        if getattr(address, name, False):
            return name.removeprefix("is_").replace("_", "-")
    # Reserved ones of version 6 hold one of version 4 in ways of their own (RFC 8215, SIIT).
    is_open = address.is_global and (address in _NAT64 or not address.is_reserved)
    return None if is_open else "not open to the world"


class CheckedAdapter(HTTPAdapter):
    """An adapter that connects to checked addresses only; behind a proxy, the proxy resolves the name."""

    def __init__(self, settings: Settings, where: str) -> None:
        super().__init__()
        self._settings, self._where = settings, where
        self.poolmanager.pool_classes_by_scheme = _pools(settings, where)

    def look_at_proxied(self, url: str, arguments: Mapping[str, Any]) -> None:
        """Check a host that a proxy would call, where its name resolves here; else the proxy has to decide."""
        if select_proxy(url, arguments["proxies"]) is None:
            return
        parts = urlsplit(url)

        def look() -> None:
            with suppress(OSError):
                checked_addresses(parts.hostname or "", parts.port or 443, self._settings, self._where)

        within(look, "the channel's name is not resolved in time")


def _pools(settings: Settings, where: str) -> dict[str, type]:
    def connect(self: HTTPConnection) -> socket.socket:
        """Go to the address itself; TLS and the Host header keep the name of the URL."""
        name, failed = self.host, None
        try:
            for address in checked_addresses(name, self.port or self.default_port, settings, where):
                self.host = address
                try:
                    return HTTPConnection._new_conn(self)
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failed = error
        finally:
            self.host = name
        raise failed or OSError("the name has no address")

    def pool(connection: type, base: type) -> type:
        kind = type(connection.__name__, (connection,), {"_new_conn": connect})
        return type(base.__name__, (base,), {"ConnectionCls": kind})

    return {"http": pool(HTTPConnection, HTTPConnectionPool), "https": pool(HTTPSConnection, HTTPSConnectionPool)}
