"""How a request proves who sends it: one `requests` auth per kind that a source file may name, safe to share."""

import base64
import hashlib
import hmac
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.decoders.what_it_is import HTML, LET_US_IN
from connectors.errors import AgencyError, ConfigError
from connectors.json_path import MissingFieldError, at_path
from connectors.spec import RestConnection, Source
from connectors.spec_auth import (
    ApiKey,
    Basic,
    Bearer,
    MutualTls,
    NoAuth,
    OAuth2ClientCredentials,
    SessionLogin,
    SignedRequest,
)
from connectors.strict import Variable
from ledger.settings import read_variable

DEFAULT_TOKEN_SECONDS = 3600.0
EARLY_SECONDS = 10.0
"""So long before its end a token is renewed, so that it does not die on the way."""


@dataclass(frozen=True)
class Granted:
    """What a token or login endpoint answered: the decoded JSON (None where it is none) and its cookies.

    `shape` says what it is: "has code, data.token", or "is a page of HTML".
    """

    status: int
    value: Any
    cookies: Mapping[str, str]
    shape: str
    said: str = ""
    """How it says no, where it says so in words that are usual: " It says code 1001, msg …."."""


PostForm = Callable[[str, Mapping[str, Any], "Auth", bool], Granted]
"""Posts fields, as a form or as JSON, to a path below the base address under an auth; raises as `Http.ask` does."""


class Auth(AuthBase):
    """An auth that may be renewed when the other side answers 401. This one proves nothing (mutual TLS has done so)."""

    secrets: tuple[str, ...] = ()
    """What must never be read back in an answer, as it stands in a request."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Leave the request as it is."""
        return request

    def renew(self, refused: PreparedRequest) -> bool:  # noqa: ARG002 - what was refused matters to those that can renew
        """Drop what was refused; True where a second attempt may now succeed."""
        return False

    def live_secrets(self) -> tuple[str, ...]:
        """The secrets, and what the other side has granted us since."""
        return self.secrets


class HeaderAuth(Auth):
    """The same header with every request."""

    def __init__(self, header: str, value: str, secrets: tuple[str, ...]) -> None:
        self._header, self._value, self.secrets = header, value, secrets

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header."""
        request.headers[self._header] = self._value
        return request


class ParamAuth(Auth):
    """The same parameter in every query."""

    def __init__(self, param: str, key: str) -> None:
        self._param, self._key, self.secrets = param, key, (key,)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the parameter to the address."""
        request.prepare_url(request.url, {self._param: self._key})
        return request


class SignedAuth(Auth):
    """Each attempt is signed anew: a nonce may be used once, also when the first attempt was lost on the way."""

    def __init__(self, app_key: str, app_secret: str, digest: Literal["sha256", "sm3"]) -> None:
        self._app_key, self._secret, self._digest = app_key, app_secret.encode(), digest
        self.secrets = (app_secret,)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign the request."""
        parts = urlsplit(request.url or "")
        query = urlencode(sorted(parse_qsl(str(parts.query), keep_blank_values=True)))
        body = request.body or b""
        body_hash = _hash(self._digest, body.encode() if isinstance(body, str) else body)
        timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
        signed = "\n".join([request.method or "", str(parts.path), query, timestamp, nonce, body_hash])
        request.headers["X-App-Key"] = self._app_key
        request.headers["X-Timestamp"] = timestamp
        request.headers["X-Nonce"] = nonce
        request.headers["X-Signature"] = _seal(self._digest, self._secret, signed.encode())
        return request


def _hash(digest: str, body: bytes) -> str:
    if digest == "sha256":
        return hashlib.sha256(body).hexdigest()
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(body)
    return sm3.finalize().hex()


def _seal(digest: str, secret: bytes, signed: bytes) -> str:
    if digest == "sha256":
        return hmac.new(secret, signed, hashlib.sha256).hexdigest()
    sm3 = HMAC(secret, hashes.SM3())
    sm3.update(signed)
    return sm3.finalize().hex()


@dataclass(frozen=True)
class Grant:
    """What was granted: the header that goes with each request, until when (monotonic seconds), the bare secrets."""

    header: str
    value: str
    expires_at: float
    secrets: tuple[str, ...]


class GrantedAuth(Auth):
    """A token or session that is asked for: when first needed, before it ends, and after a 401.

    Shared by all threads: one of them renews, the others wait for it and go on with what it got.
    """

    def __init__(self, ask_for: Callable[[], Grant], secrets: tuple[str, ...]) -> None:
        self._ask_for, self.secrets = ask_for, secrets
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._granted: deque[str] = deque(maxlen=8)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add what was granted, asking for it where needed."""
        with self._lock:
            if self._grant is None or time.monotonic() >= self._grant.expires_at:
                self._grant = None
                self._grant = self._ask_for()
                self._granted.extend(self._grant.secrets)
            grant = self._grant
        request.headers[grant.header] = grant.value
        return request

    def renew(self, refused: PreparedRequest) -> bool:
        """Drop the grant that was refused, unless another has taken its place."""
        with self._lock:
            # Another thread may have renewed it while this answer was on its way.
            if self._grant is not None and refused.headers.get(self._grant.header) == self._grant.value:
                self._grant = None
        return True

    def live_secrets(self) -> tuple[str, ...]:
        """The secrets, and the last few tokens."""
        return (*self.secrets, *tuple(self._granted))


def make_auth(source: Source, connection: RestConnection, post: PostForm) -> Auth:
    """The auth that a source file names, its secrets read from their variables now."""
    where = source.name

    def read(variable: Variable) -> str:
        return header_text(variable, where)

    def secret_of(variable: Variable) -> str:
        return _plain(variable, read_variable(variable.env, where), where)

    auth = connection.auth
    made: Auth
    match auth:
        case Bearer():
            token = re.sub(r"^bearer +", "", read(auth.token), flags=re.IGNORECASE)
            made = HeaderAuth("Authorization", f"Bearer {token}", (token,))
        case ApiKey():
            made = _api_key(auth, read(auth.key))
        case Basic():
            made = _basic(secret_of(auth.user), secret_of(auth.password))
        case SignedRequest():
            made = SignedAuth(read(auth.app_key), secret_of(auth.app_secret), auth.digest)
        case OAuth2ClientCredentials():
            client, secret = secret_of(auth.client_id), secret_of(auth.client_secret)
            ask_for = partial(_token, auth, client, secret, where, post)
            made = GrantedAuth(ask_for, (secret, _encoded(client, secret)))
        case SessionLogin():
            user, password = secret_of(auth.user), secret_of(auth.password)
            made = GrantedAuth(partial(_login, auth, user, password, where, post), (password,))
        case MutualTls() | NoAuth():
            made = Auth()
    return made


def _api_key(auth: ApiKey, key: str) -> Auth:
    return ParamAuth(str(auth.param), key) if auth.header is None else HeaderAuth(auth.header, key, (key,))


def header_text(variable: Variable, where: str) -> str:
    """The value of a variable that goes into a header as it stands, or a `ConfigError`."""
    value = _plain(variable, read_variable(variable.env, where), where)
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"{variable.env} holds a sign that no header may have.", where, "set it again, without quotes"
        )
    return value


def _plain(variable: Variable, value: str, where: str) -> str:
    """The value, if it is what was meant: a line end or quotation marks around it are the file's it was copied from."""
    again = "set it again, without quotes"
    if value != value.strip() or any(sign < " " for sign in value):
        what = f"{variable.env} holds a sign that does not belong: a blank at its edge, or a line end."
        raise ConfigError(what, where, again)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        raise ConfigError(f"{variable.env} stands in quotation marks.", where, again)
    return value


def _encoded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _basic(user: str, password: str) -> Auth:
    return HeaderAuth("Authorization", f"Basic {_encoded(user, password)}", (password, _encoded(user, password)))


def _token(auth: OAuth2ClientCredentials, client: str, secret: str, where: str, post: PostForm) -> Grant:
    form = {"grant_type": "client_credentials"}
    if auth.scope is not None:
        form["scope"] = auth.scope
    by = _basic(client, secret)
    if auth.send != "header":
        form, by = {**form, "client_id": client, "client_secret": secret}, Auth()
    granted = post(auth.token_path, form, by, auth.send == "json")
    if granted.status not in (200, 201):
        refused = f"no token was granted (status {granted.status}).{granted.said}"
        raise AgencyError(refused, where, "check client id and secret, then jifen source check")
    return _granted(granted, auth.token, auth.expires_in, auth.header, auth.prefix, where)


def _granted(granted: Granted, path: str, expires_in: str | None, header: str, prefix: str, where: str) -> Grant:
    """The token that an answer holds, which may be a number; where it holds none, its names are told."""
    try:
        token = at_path(granted.value, path)
    except MissingFieldError:
        token = None
    if isinstance(token, bool) or not isinstance(token, (str, int)) or not _is_token(str(token)):
        what = f"no token was granted: the answer (status {granted.status}) holds none at {path}; it {granted.shape}."
        what += granted.said
        raise AgencyError(
            what,
            where,
            LET_US_IN
            if HTML in granted.shape
            else "check the credentials; where the token stands is declared by `token` under auth",
        )
    try:
        lives = None if expires_in is None else at_path(granted.value, expires_in)
    except MissingFieldError:
        lives = None
    ends = float("inf") if expires_in is None else _expiry(lives)
    return Grant(header, f"{prefix}{token}", ends, (str(token),))


def _login(auth: SessionLogin, user: str, password: str, where: str, post: PostForm) -> Grant:
    fields = {**auth.fields, auth.user_field: user, auth.password_field: password}
    granted = post(auth.login_path, fields, Auth(), auth.login == "json")
    refused = AgencyError(
        f"the login failed (status {granted.status}).{granted.said}",
        where,
        "check user and password, then jifen source check",
    )
    if granted.status not in (200, 201, 204):
        raise refused
    if auth.token is None:
        cookies = "; ".join(f"{name}={value}" for name, value in granted.cookies.items())
        if not _is_token(cookies.replace(" ", "")):
            raise refused
        return Grant("Cookie", cookies, float("inf"), tuple(granted.cookies.values()))
    return _granted(granted, auth.token, auth.expires_in, auth.header, auth.prefix, where)


def _is_token(found: str) -> bool:
    """Whether it may stand in a header: another line there would be another header."""
    return 0 < len(found) < 16_384 and all("!" <= sign <= "~" for sign in found)


def _expiry(stated: Any) -> float:
    """When to renew, in monotonic seconds; a token of a few seconds is used for half of them."""
    try:
        seconds = float(stated)
    except (TypeError, ValueError):
        seconds = DEFAULT_TOKEN_SECONDS
    seconds = min(max(seconds, 0.0), 30 * 86_400.0) if seconds == seconds else DEFAULT_TOKEN_SECONDS  # noqa: PLR0124
    return time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2)
