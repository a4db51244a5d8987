"""How a simulated agency authenticates requests: every kind of auth, with secrets made up at each start."""

import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors.drivers import auth as kinds
from connectors.spec import RestConnection, Source
from connectors.strict import Variable, variables_in
from sandbox.standin.encode import set_path
from sandbox.standin.pages import Envelope, RefusedError

TOKEN_SECONDS: Final = 600
CLOCK_SECONDS: Final = 300
COOKIE: Final = "SESSIONID"
_DIGESTS: Final[Mapping[str, hashes.HashAlgorithm]] = {"sha256": hashes.SHA256(), "sm3": hashes.SM3()}


@dataclass(frozen=True)
class Call:
    """One request as a gate sees it. `raw_path` is the path as sent, percent signs and all."""

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Gate:
    """The authentication of one agency: the variables with its secrets, and the tokens it has issued."""

    auth: kinds.Auth
    env: dict[str, str]
    headers: Mapping[str, Any] = field(default_factory=dict)
    """Fixed headers that every request must have."""
    tokens: dict[str, float] = field(default_factory=dict)
    nonces: dict[str, float] = field(default_factory=dict)

    @property
    def grant_path(self) -> str | None:
        """The path at which tokens or sessions are requested; None where this kind has none."""
        match self.auth:
            case kinds.OAuth2ClientCredentials():
                return self.auth.token_path
            case kinds.SessionLogin():
                return self.auth.login_path
        return None

    @property
    def secret_params(self) -> frozenset[str]:
        """Query parameters that hold a secret: they stand in no link and in no log."""
        return frozenset([self.auth.param] if isinstance(self.auth, kinds.ApiKey) and self.auth.param else [])

    def value(self, variable: Any) -> str:
        """The value made for a variable of the source file."""
        return self.env[variable.env]

    def grant(self, call: Call) -> Envelope:
        """Hand out a token or a session, or raise `RefusedError` (400, 401)."""
        if call.method != "POST":
            raise RefusedError(405, "METHOD", "POST only")
        self.require(self.headers, call)
        form = self._form(call)
        match self.auth:
            case kinds.OAuth2ClientCredentials():
                return self._token(self.auth, call, form)
            case kinds.SessionLogin():
                return self._session(self.auth, form)
        raise RefusedError(404, "NOT_FOUND", "no such path")

    def _form(self, call: Call) -> dict[str, str]:
        """The fields that were sent, in the form that is wanted."""
        if getattr(self.auth, "login", getattr(self.auth, "send", "form")) != "json":
            return dict(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True))
        try:
            return {str(name): str(value) for name, value in dict(json.loads(call.body)).items()}
        except (ValueError, TypeError):
            raise RefusedError(400, "BAD_JSON", "the login wants JSON") from None

    def require(self, headers: Mapping[str, Any], call: Call) -> None:
        """Raise `RefusedError` (400) for a request that lacks a fixed header."""
        for name, wanted in headers.items():
            if call.headers.get(name.lower()) != (self.value(wanted) if isinstance(wanted, Variable) else wanted):
                raise RefusedError(400, "HEADER", f"header {name} is missing or another one")

    def forget(self) -> None:
        """End every token and session."""
        self.tokens.clear()

    def spend(self, call: Call) -> None:
        """End the token or session of this request."""
        self.tokens.pop(_token_of(self.auth, call.headers), None)

    def check(self, call: Call, clock_ahead: float = 0.0) -> None:
        """Raise `RefusedError` (401) for a request without valid credentials."""
        self.require(self.headers, call)
        if not self._is_known(call, clock_ahead):
            raise RefusedError(401, "UNAUTHORIZED", "credentials missing, wrong or expired")

    def _is_known(self, call: Call, clock_ahead: float) -> bool:
        auth, headers, known = self.auth, call.headers, False
        given = headers.get("authorization", "")
        match auth:
            case kinds.Bearer():
                known = _same(given, f"Bearer {self.value(auth.token)}")
            case kinds.ApiKey():
                key = dict(call.query).get(auth.param, "") if auth.param else headers.get(str(auth.header).lower(), "")
                known = _same(key, self.value(auth.key))
            case kinds.Basic():
                known = _basic(given) == (self.value(auth.user), self.value(auth.password))
            case kinds.OAuth2ClientCredentials() | kinds.SessionLogin():
                known = self.tokens.get(_token_of(auth, headers), 0.0) > time.monotonic()
            case kinds.SignedRequest():
                known = self._is_signed(auth, call, clock_ahead)
            case kinds.MutualTls() | kinds.NoAuth():
                # The TLS handshake has checked the certificate, or the source has no authentication.
                known = True
        return known

    def _issue(self) -> str:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + TOKEN_SECONDS
        return token

    def _token(self, auth: kinds.OAuth2ClientCredentials, call: Call, form: Mapping[str, str]) -> Envelope:
        if form.get("grant_type") != "client_credentials" or form.get("scope") != auth.scope:
            raise RefusedError(400, "invalid_request", "grant type or scope is wrong")
        client = (form.get("client_id", ""), form.get("client_secret", ""))
        if auth.send == "header" and "authorization" in call.headers:
            client = _basic(call.headers.get("authorization", ""))
        if client != (self.value(auth.client_id), self.value(auth.client_secret)):
            raise RefusedError(401, "invalid_client", "unknown client")
        body: dict[str, Any] = {"token_type": "Bearer"}
        set_path(body, auth.token, self._issue())
        set_path(body, auth.expires_in, TOKEN_SECONDS)
        return Envelope(body)

    def _session(self, auth: kinds.SessionLogin, form: Mapping[str, str]) -> Envelope:
        given = (form.get(auth.user_field), form.get(auth.password_field))
        has_all = all(form.get(name) == str(value) for name, value in auth.fields.items())
        if not has_all or given != (self.value(auth.user), self.value(auth.password)):
            raise RefusedError(401, "LOGIN", "user or password is wrong")
        body: dict[str, Any] = {"message": "登录成功"}
        token = self._issue()
        if auth.token is None:
            return Envelope(body, {"Set-Cookie": f"{COOKIE}={token}; Path=/; HttpOnly"})
        set_path(body, auth.token, token)
        if auth.expires_in is not None:
            set_path(body, auth.expires_in, TOKEN_SECONDS)
        return Envelope(body)

    def _is_signed(self, auth: kinds.SignedRequest, call: Call, clock_ahead: float) -> bool:
        headers = call.headers
        stamp, nonce, now = headers.get("x-timestamp", ""), headers.get("x-nonce", ""), time.time() + clock_ahead
        if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > CLOCK_SECONDS:
            raise RefusedError(401, "STALE_TIMESTAMP", f"timestamp is more than {CLOCK_SECONDS} s away")
        wanted = seal(auth.digest, self.value(auth.app_secret), call, stamp, nonce)
        is_right = _same(headers.get("x-app-key", ""), self.value(auth.app_key))
        if not (is_right and nonce and _same(headers.get("x-signature", ""), wanted)):
            return False
        if nonce in self.nonces:
            raise RefusedError(401, "REPLAYED_NONCE", "nonce was used before")
        self.nonces[nonce] = now
        return True


def open_gate(source: Source, connection: RestConnection, certificates: Mapping[str, str]) -> Gate:
    """A gate with fresh secrets for every variable of auth and headers; certificates for mutual TLS are given."""
    auth = connection.auth
    named = {*variables_in(auth), *variables_in(connection.headers)}
    named |= {name for dataset in source.datasets for name in variables_in(dataset.request)}
    env = {name: secrets.token_urlsafe(24) for name in sorted(named)}
    if isinstance(auth, kinds.MutualTls):
        env |= {auth.certificate.env: certificates["certificate"], auth.key.env: certificates["key"]}
    return Gate(auth, env, connection.headers)


def seal(digest: str, secret: str, call: Call, stamp: str, nonce: str) -> str:
    """The signature of a request: six lines under an HMAC, the body's hash by the same digest."""
    lines = [call.method, call.raw_path, urlencode(sorted(call.query)), stamp, nonce, _hash(digest, call.body)]
    mac = HMAC(secret.encode(), _DIGESTS[digest])
    mac.update("\n".join(lines).encode())
    return mac.finalize().hex()


def _hash(digest: str, body: bytes) -> str:
    found = hashes.Hash(_DIGESTS[digest])
    found.update(body)
    return found.finalize().hex()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (name, secret) if kind.lower() == "basic" else ("", "")


def _token_of(auth: kinds.Auth, headers: Mapping[str, str]) -> str:
    """The token or session that a request brings."""
    if isinstance(auth, kinds.SessionLogin) and auth.token is None:
        pairs = (text.strip().partition("=") for text in headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs}.get(COOKIE, "")
    if isinstance(auth, (kinds.OAuth2ClientCredentials, kinds.SessionLogin)):
        given = headers.get(auth.header.lower(), "")
        return given.removeprefix(auth.prefix) if given.startswith(auth.prefix) else ""
    return ""
