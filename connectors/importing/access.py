"""The parts of an access that both tools know: the base address, and auth by variable."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from connectors.importing.findings import Findings, Outside, looks_secret
from connectors.spec.base import Headers

_HEADERS: TypeAdapter[dict[str, Any]] = TypeAdapter(Headers)


def base_variable(value: Any, findings: Findings, path: str) -> str:
    """Note the base address under its variable, without user name or query; answers it, empty where it is unknown."""
    name = f"{findings.source}_base_url".upper()
    if not isinstance(value, str) or not value:
        told = f"was {value.told}" if isinstance(value, Outside) else "not in the file"
        findings.variables[name] = told
        return ""
    parts = urlsplit(value)
    if parts.username is not None or parts.query or parts.fragment:
        findings.secrets |= {text for text in (parts.query, parts.password or "") if text}
        findings.drop(path, "the user name or query in the base address is not kept: put secrets under auth")
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
    findings.variables[name] = f"was {address}"
    return address


def below(address: Any, base: str, findings: Findings, path: str) -> str | None:
    """The path of an address below the base (`/oauth/token`); None, and named, where it is on another host or above."""
    if not isinstance(address, str):
        findings.drop(path, "the address is not known without running the file")
        return None
    parts = urlsplit(address)
    if parts.query:
        findings.secrets.add(parts.query)
        findings.drop(path, "the query of this address is not kept")
    plain = address.partition("?")[0]
    if not parts.scheme:
        return "/" + plain.strip("/")
    if base and (plain == base or plain.startswith(base + "/")):
        return "/" + plain[len(base) :].strip("/")
    findings.drop(path, "TODO: the address does not lie below the base address, where it must be here")
    return None


def secret_free(path: str, findings: Findings, where: str) -> str:
    """A path, or `/TODO`, and named, where one of its steps looks like a token."""
    steps = path.split("/")
    if not any(looks_secret("", step) for step in steps):
        return path
    findings.hide(steps)
    findings.drop(where, "TODO: something in the path looks like a secret, and is not copied")
    return "/TODO"


def stand_in(findings: Findings, path: str, why: str) -> dict[str, Any]:
    """A bearer token where the auth of the file cannot be had: it reads, and the first check of the source says so."""
    findings.drop(path, f"{why}; a bearer token stands in its place: TODO choose an auth kind")
    name = f"{findings.source}_token".upper()
    findings.variables.setdefault(
        name, "TODO: the file has no auth that we know; any word, where the agency asks for none"
    )
    return {"kind": "bearer", "token": {"env": name}}


def plain_headers(found: Iterable[tuple[str, Any]], findings: Findings, path: str) -> dict[str, str]:
    """Headers with a fixed value that is no secret; every other one is named."""
    kept: dict[str, str] = {}
    for name, value in found:
        try:
            if not isinstance(value, str) or looks_secret(name, value):
                raise ValueError(name)
            kept |= _HEADERS.validate_python({name: value})
        except ValueError:
            findings.hide(value, name)
            findings.drop(f"{path}.{name}", "is made by code, or looks like a secret, and is not copied")
    return kept


def api_key(place: str, name: str, key: dict[str, str]) -> dict[str, Any]:
    """An API key in `header` or `param`."""
    return {"kind": "api_key", place: name, "key": key}
