"""Airbyte's authenticators as ours."""

from typing import Any

from connectors.importing.access import api_key, below, stand_in
from connectors.importing.findings import Findings, Part, looks_secret
from connectors.importing.manifest import plain


def auth_of(value: Any, base: str, findings: Findings, path: str) -> dict[str, Any]:
    """One auth; what a source file has no kind for is named, and a bearer token stands in its place."""
    part = Part(value, path, findings)
    makers = {
        "BearerAuthenticator": _bearer,
        "ApiKeyAuthenticator": _api_key,
        "BasicHttpAuthenticator": _basic,
        "OAuthAuthenticator": _oauth,
        "SessionTokenAuthenticator": _session,
    }
    kind = part.text("type", "NoAuth") or "NoAuth"
    if kind == "NoAuth":
        part.rest()
        return {"kind": "none"}
    made = makers[kind](part, base, findings) if kind in makers else None
    if made is None:
        findings.hide(dict(part.items()))
        return stand_in(findings, path, f"{kind} has no kind in a source file")
    part.rest()
    return made


def _variable(part: Part, role: str, key: str, findings: Findings) -> dict[str, str]:
    value = plain(part.take(key))
    made = findings.variable(role, value, f"{part.path}.{key}")
    if getattr(value, "is_code", False):
        findings.variables[made["env"]] += ": the whole of it, with any word before the token"
    return made


def _bearer(part: Part, _base: str, findings: Findings) -> dict[str, Any]:
    return {"kind": "bearer", "token": _variable(part, "token", "api_token", findings)}


def _basic(part: Part, _base: str, findings: Findings) -> dict[str, Any]:
    user = _variable(part, "user", "username", findings)
    return {"kind": "basic", "user": user, "password": _variable(part, "password", "password", findings)}


def _api_key(part: Part, _base: str, findings: Findings) -> dict[str, Any] | None:
    option = part.part("inject_into")
    place = {"header": "header", "request_parameter": "param"}.get(option.text("inject_into", "header") or "")
    name = option.text("field_name") or part.text("header") or "Authorization"
    option.take("type")
    option.rest()
    if place is None:
        return None
    return api_key(place, name, _variable(part, "api_key", "api_token", findings))


def _oauth(part: Part, base: str, findings: Findings) -> dict[str, Any] | None:
    if part.text("grant_type", "refresh_token") != "client_credentials":
        return None
    path = below(plain(part.take("token_refresh_endpoint")), base, findings, f"{part.path}.token_refresh_endpoint")
    made: dict[str, Any] = {
        "kind": "oauth2_client_credentials",
        "token_path": path or "/TODO/token",
        "client_id": _variable(part, "client_id", "client_id", findings),
        "client_secret": _variable(part, "client_secret", "client_secret", findings),
        "send": "body",
    }
    if scopes := part.members("scopes"):
        made["scope"] = " ".join(str(scope) for scope in scopes)
    for key in ("access_token_value", "refresh_token"):
        if (value := part.take(key)) is not None:
            findings.hide(value, key)
    part.take("token_expiry_date")
    for key, named in (("access_token_name", "token"), ("expires_in_name", "expires_in")):
        if (name := part.text(key)) is not None:
            made[named] = name
    return made


def _session(part: Part, base: str, findings: Findings) -> dict[str, Any] | None:
    login, how = part.part("login_requester"), part.part("request_authentication")
    address = login.text("url") or "/".join((login.text("url_base", base) or "").rstrip("/").split()) + "/" + (
        login.text("path", "") or ""
    ).lstrip("/")
    path = below(address, base, findings, f"{login.path}.path") or "/TODO/login"
    sent = dict(login.part("request_body_json").items())
    form = {**sent, **dict(login.part("request_body_data").items())}
    names = {role: name for name in form for role in ("password", "user") if role in name.lower()}
    names.setdefault("user", next((name for name in form if name != names.get("password")), "TODO_user"))
    steps = part.members("session_token_path")
    made: dict[str, Any] = {
        "kind": "session_login",
        "login_path": path,
        "user_field": names["user"],
        "password_field": names.get("password", "TODO_password"),
        "user": findings.variable("user", plain(form.pop(names["user"], None)), f"{login.path}.{names['user']}"),
        "password": findings.variable(
            "password", plain(form.pop(names.get("password", ""), None)), f"{login.path}.password"
        ),
        "token": ".".join(str(step) for step in steps) or "TODO.token",
    }
    if how.text("type") == "ApiKey":
        made |= {"header": how.part("inject_into").text("field_name", "TODO-Header"), "prefix": ""}
    if sent:
        made["login"] = "json"
    fields = {n: v for n, v in form.items() if isinstance(v, (str, int)) and plain(v) == v and not looks_secret(n, v)}
    if fields:
        made["fields"] = fields
    form = {name: value for name, value in form.items() if name not in fields}
    findings.hide(form)
    for left in (login, how, part):
        left.items()
    for name in form:
        findings.drop(f"{login.path}.{name}", "a further field of the login is not sent")
    return made
