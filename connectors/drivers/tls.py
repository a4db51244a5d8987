"""Which certificates another house is met with, and by which proxy."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from connectors.errors import AgencyError, ConfigError
from connectors.spec import RestConnection, Source
from connectors.spec_auth import MutualTls
from connectors.strict import Variable
from ledger.settings import read_variable

_NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "doesn't match", "Hostname mismatch")
_NOT_LET_IN = (
    "ALERT_UNKNOWN_CA",
    "ALERT_BAD_CERTIFICATE",
    "CERTIFICATE_REQUIRED",
    "ALERT_CERTIFICATE",
    "HANDSHAKE_FAILURE",
)


@dataclass(frozen=True)
class Tls:
    """What goes with every request, as `requests` names it: verify, cert, proxies."""

    arguments: dict[str, Any]

    @classmethod
    def of(cls, source: Source, connection: RestConnection, base_url: str) -> "Tls":
        """Read from the variables and the environment now; a file that is not there is a `ConfigError`."""
        verify: str | None = None
        certificate: tuple[str, str] | None = None
        if connection.ca is not None:
            verify = _file(connection.ca, source.name)
        if isinstance(connection.auth, MutualTls):
            certificate = _pair(connection.auth, source.name)
        settled = surroundings(base_url)
        return cls({**settled, "verify": verify or settled["verify"], "cert": certificate})

    def refusal(self, text: str, where: str) -> AgencyError | None:
        """The error for what a library said of a certificate; None where it speaks of something else."""
        if any(sign in text for sign in _NOT_TRUSTED):
            return AgencyError(
                "its certificate is not one we trust.", where, "check `ca` in the source file, then ask them"
            )
        if any(sign in text.upper() for sign in _NOT_LET_IN):
            return AgencyError("it refuses our certificate.", where, "check certificate and key, then ask to be let in")
        return None


def surroundings(url: str) -> dict[str, Any]:
    """What the environment says of requests to an address, as `requests` names it: verify, proxies."""
    with requests.Session() as session:
        settled = session.merge_environment_settings(url, {}, False, None, None)
    return {"verify": settled["verify"], "proxies": settled["proxies"]}


def proxy_variable(url: str, proxies: dict[str, str]) -> str | None:
    """The variable that sends requests for this address through a proxy; None where they go straight."""
    if select_proxy(url, proxies) is None:
        return None
    names = [name for kind in (urlsplit(url).scheme, "all") for name in (f"{kind}_proxy", f"{kind}_proxy".upper())]
    return next((name for name in names if os.environ.get(name)), "the environment")


def _pair(auth: MutualTls, where: str) -> tuple[str, str]:
    """Certificate and key, tried together before anything is sent: asked with, they would only fail to connect."""
    certificate, key = _file(auth.certificate, where), _file(auth.key, where)
    try:
        # A password nobody gave: an encrypted key must fail here, never ask at a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError):
        names = f"{auth.certificate.env} and {auth.key.env}"
        raise ConfigError(
            f"{names} do not hold a certificate and its own key.",
            where,
            "name a pair of PEM files, the key unencrypted",
        ) from None
    return certificate, key


def _file(variable: Variable, where: str) -> str:
    path = Path(read_variable(variable.env, where)).expanduser()
    if not path.is_file():
        raise ConfigError(f"{variable.env} names no file.", where, "set it to the path of a PEM file")
    return str(path)
