"""How we log in: one class for each `kind` of auth, with its settings and what it puts on a request.

Secrets are named by variable, never written down.
"""

import base64
import re
import ssl
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors.decoders.form import GRANT_ACCESS, HTML, form_of
from connectors.drivers.listing import Answer
from connectors.errors import AgencyError, ConfigError
from connectors.json_path import found_at, shape_of
from connectors.strict import DottedPath, Rules, Strict, UrlPath, Variable, one_of
from ledger.files import names_a_file
from ledger.settings import read_variable

if TYPE_CHECKING:
    # Dear to import, and no source file needs it to be read.
    from requests import PreparedRequest

DEFAULT_TOKEN_SECONDS = 3600.0
EARLY_SECONDS = 10.0
"""How long before its end a token is renewed, so that it does not expire on the way."""

_ERROR_FIELDS = ("code", "errcode", "error", "msg", "message", "errmsg", "error_description")


class Proof:
    """What an auth puts on each request. `secrets` must never be read back in an answer."""

    def __init__(self, put: Callable[["PreparedRequest"], None] = lambda _: None, *secrets: str) -> None:
        self._put, self.secrets = put, secrets

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        """Put it on the request, as an auth of `requests` does."""
        self._put(request)
        return request

    def renew(self, refused: "PreparedRequest") -> bool:  # noqa: ARG002 - what was refused matters to those that can renew
        """Drop the credential that was refused; True where a second attempt may now succeed."""
        return False

    def live_secrets(self) -> tuple[str, ...]:
        """The secrets, and what the other side has granted us since."""
        return self.secrets


class Grant(NamedTuple):
    """What was granted: the header that goes with each request, until when (monotonic seconds), the bare secrets."""

    header: str
    value: str
    secrets: tuple[str, ...]
    expires_at: float = float("inf")


class Session:
    """The grant of one source in one run, shared by its datasets, and the secrets of the last few."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.grant: Grant | None = None
        self.secrets: deque[str] = deque(maxlen=8)


class GrantedProof(Proof):
    """A token or session, requested when it is first needed, before it ends, and after a 401.

    Shared by all threads: one of them renews it, the others wait and use the result.
    """

    def __init__(self, session: Session, ask_for: Callable[[], Grant], *secrets: str) -> None:
        super().__init__(self._put_granted, *secrets)
        self._session, self._ask_for = session, ask_for

    def _put_granted(self, request: "PreparedRequest") -> None:
        session = self._session
        with session.lock:
            if session.grant is None or time.monotonic() >= session.grant.expires_at:
                session.grant = None
                session.grant = self._ask_for()
                session.secrets.extend(session.grant.secrets)
            request.headers[session.grant.header] = session.grant.value

    def renew(self, refused: "PreparedRequest") -> bool:
        """Drop the grant that was refused, unless another thread has renewed it while this answer was on its way."""
        with self._session.lock:
            grant = self._session.grant
            if grant is not None and refused.headers.get(grant.header) == grant.value:
                self._session.grant = None
        return True

    def live_secrets(self) -> tuple[str, ...]:
        """The secrets, and the last few tokens."""
        return (*self.secrets, *tuple(self._session.secrets))


class Poster(Protocol):
    """What requests a token or a session."""

    session: Session

    def post(self, path: str, fields: Mapping[str, Any], proof: Proof, *, as_json: bool) -> Answer:
        """The answer to fields posted to a path below the base address; raises as every request does."""

    def without(self, text: str) -> str:
        """A text of the agency's without our secrets."""


class AuthKind(Strict):
    """What all auths have in common. A kind is a class below this one that declares its `kind`."""

    kind: str

    def proof(self, where: str, poster: Poster) -> Proof:  # noqa: ARG002 - most kinds need them
        """What goes on each request, its secrets read from their variables now. This one proves nothing."""
        return Proof()

    def certificate_files(self, where: str) -> tuple[str, str] | None:  # noqa: ARG002 - mutual TLS needs it
        """The files of a client certificate and its key, where there is one."""
        return None


class NoAuth(AuthKind):
    """No proof, for an agency that asks for none; `auth: none` is the same."""

    kind: Literal["none"]


class Bearer(AuthKind):
    """One long-lived token in the Authorization header."""

    kind: Literal["bearer"]
    token: Variable

    def proof(self, where: str, _poster: Poster) -> Proof:
        """The header. A token copied with its word before it is sent with one."""
        token = re.sub(r"^bearer +", "", header_text(self.token, where), flags=re.IGNORECASE)
        return _in_header("Authorization", f"Bearer {token}", token)


class ApiKey(AuthKind):
    """One key, in a header or in the query."""

    kind: Literal["api_key"]
    header: str | None = None
    param: str | None = None
    key: Variable

    def _rules(self) -> Rules:
        fault = "an api_key goes into a header or into a param: name one of them"
        yield (self.header is None) != (self.param is None), fault

    def proof(self, where: str, _poster: Poster) -> Proof:
        """The header, or the parameter of the address."""
        key, param = header_text(self.key, where), self.param
        if self.header is not None:
            return _in_header(self.header, key, key)
        return Proof(lambda request: request.prepare_url(request.url, {str(param): key}), key)


class Basic(AuthKind):
    """User name and password with every request."""

    kind: Literal["basic"]
    user: Variable
    password: Variable

    def proof(self, where: str, _poster: Poster) -> Proof:
        """The header."""
        return _basic(plain_text(self.user, where), plain_text(self.password, where))


class SignedRequest(AuthKind):
    """App key, timestamp and nonce, signed on each request with HMAC over SHA-256 or SM3."""

    kind: Literal["signed"]
    app_key: Variable
    app_secret: Variable
    digest: Literal["sha256", "sm3"] = "sha256"

    def proof(self, where: str, _poster: Poster) -> Proof:
        """Each attempt is signed anew: a nonce may be used once, also when the first attempt was lost on the way."""
        key, secret = header_text(self.app_key, where), plain_text(self.app_secret, where)
        return Proof(partial(self._sign, key, secret.encode()), secret)

    def _sign(self, key: str, secret: bytes, request: "PreparedRequest") -> None:
        parts = urlsplit(request.url or "")
        query = urlencode(sorted(parse_qsl(str(parts.query), keep_blank_values=True)))
        body = request.body or b""
        timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
        body_hash = self._hash(body.encode() if isinstance(body, str) else body)
        signed = "\n".join([request.method or "", str(parts.path), query, timestamp, nonce, body_hash])
        request.headers.update({"X-App-Key": key, "X-Timestamp": timestamp, "X-Nonce": nonce})
        request.headers["X-Signature"] = self._hash(signed.encode(), secret)

    def _hash(self, content: bytes, key: bytes | None = None) -> str:
        kind = hashes.SM3() if self.digest == "sm3" else hashes.SHA256()
        made = hashes.Hash(kind) if key is None else HMAC(key, kind)
        made.update(content)
        return made.finalize().hex()


class MutualTls(AuthKind):
    """A client certificate: both variables hold paths of PEM files."""

    kind: Literal["mutual_tls"]
    certificate: Variable
    key: Variable

    def certificate_files(self, where: str) -> tuple[str, str]:
        """Certificate and key, checked as a pair before anything is sent: later they would only fail to connect."""
        certificate, key = pem_file(self.certificate, where), pem_file(self.key, where)
        try:
            # An empty password: an encrypted key must fail here, and not ask at a terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
        except (ssl.SSLError, OSError, ValueError):
            what = f"{self.certificate.env} and {self.key.env} do not hold a certificate and its own key."
            raise ConfigError(what, where, "name a pair of PEM files, the key unencrypted") from None
        return certificate, key


class TokenGranted(AuthKind):
    """A token that the agency grants: where its answer holds it, and how it goes with each request."""

    token: DottedPath | None = None
    expires_in: DottedPath | None = None
    """Where the answer holds the token and how many seconds it lives; an hour where it does not say."""
    header: str = "Authorization"
    prefix: str = "Bearer "

    def _granted(self, answer: Answer, path: str, where: str, without: Callable[[str], str]) -> Grant:
        """The token in an answer, which may be a number; the error for an answer without one lists its field names."""
        token = found_at(answer.value, path)
        if isinstance(token, str):
            # Some write the scheme before the token, where only the token belongs.
            token = re.sub(r"(?i)^bearer\s+(?=\S+$)", "", token.strip())
        if isinstance(token, bool) or not isinstance(token, (str, int)) or not _is_token(str(token)):
            shape = f"is {form_of(answer.body)}" if answer.value is None else shape_of(answer.value)
            what = f"no token was granted: the answer (status {answer.status}) holds none at {path}; it {shape}."
            next_step = "check the credentials; where the token stands is declared by `token` under auth"
            raise AgencyError(what + _said(answer, without), where, GRANT_ACCESS if HTML in shape else next_step)
        ends = float("inf") if self.expires_in is None else _expiry(found_at(answer.value, self.expires_in))
        return Grant(self.header, f"{self.prefix}{token}", (str(token),), ends)


class OAuth2ClientCredentials(TokenGranted):
    """A token asked for with client id and secret, renewed when it expires or is refused."""

    kind: Literal["oauth2_client_credentials"]
    token_path: UrlPath
    client_id: Variable
    client_secret: Variable
    scope: str | None = None
    send: Literal["header", "body", "json"] = "header"
    """Where the token endpoint wants id and secret: as basic auth, as fields of a form, or as those of a JSON body."""
    token: DottedPath = "access_token"  # noqa: S105 - the place of a token, not one
    expires_in: DottedPath = "expires_in"

    def proof(self, where: str, poster: Poster) -> Proof:
        """The token that is granted."""
        client, secret = plain_text(self.client_id, where), plain_text(self.client_secret, where)
        ask = partial(self._ask, client, secret, where, poster)
        return GrantedProof(poster.session, ask, *_basic(client, secret).secrets)

    def _ask(self, client: str, secret: str, where: str, poster: Poster) -> Grant:
        fields = {"grant_type": "client_credentials", **({} if self.scope is None else {"scope": self.scope})}
        proof = _basic(client, secret)
        if self.send != "header":
            fields, proof = {**fields, "client_id": client, "client_secret": secret}, Proof()
        answer = poster.post(self.token_path, fields, proof, as_json=self.send == "json")
        if answer.status not in (200, 201):
            what = f"no token was granted (status {answer.status}).{_said(answer, poster.without)}"
            raise AgencyError(what, where, _mend(answer.status, "client id and secret", "token_path"))
        return self._granted(answer, self.token, where, poster.without)


class SessionLogin(TokenGranted):
    """Log in once, then go on with the token that is answered, or with the cookie where `token` is not named."""

    kind: Literal["session_login"]
    login_path: UrlPath
    user_field: str
    password_field: str
    user: Variable
    password: Variable
    login: Literal["form", "json"] = "form"
    fields: dict[str, str | int | bool] = {}
    """What the login wants beside user and password."""

    def proof(self, where: str, poster: Poster) -> Proof:
        """The token or cookie of the session."""
        user, password = plain_text(self.user, where), plain_text(self.password, where)
        fields = {**self.fields, self.user_field: user, self.password_field: password}
        return GrantedProof(poster.session, partial(self._log_in, fields, where, poster), password)

    def _log_in(self, fields: dict[str, Any], where: str, poster: Poster) -> Grant:
        answer = poster.post(self.login_path, fields, Proof(), as_json=self.login == "json")
        is_in = answer.status in (200, 201, 204)
        if is_in and self.token is not None:
            return self._granted(answer, self.token, where, poster.without)
        cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        if not is_in or not _is_token(cookies.replace(" ", "")):
            what = f"the login failed (status {answer.status}).{_said(answer, poster.without)}"
            if is_in and not cookies and "Set-Cookie" in answer.headers:
                what = "the login answers with a cookie for another host than the one that was asked."
                raise AgencyError(
                    what, where, "ask under the name of the cookie's Domain, or ask them which name to use"
                )
            raise AgencyError(what, where, _mend(answer.status, "user and password", "login_path"))
        return Grant("Cookie", cookies, tuple(answer.cookies.values()))


if TYPE_CHECKING:
    Auth = AuthKind
else:
    Auth = one_of(AuthKind)


def header_text(variable: Variable, where: str) -> str:
    """The value of a variable that goes into a header as it stands, or a `ConfigError`."""
    value = plain_text(variable, where)
    if not (value.isascii() and value.isprintable()):
        what = f"{variable.env} holds a sign that no header may have."
        raise ConfigError(what, where, "set it again, without quotes")
    return value


def plain_text(variable: Variable, where: str) -> str:
    """The value. Raises `ConfigError` for a line end, blanks or quotation marks around it, copied by mistake."""
    value, again = read_variable(variable.env, where), "set it again, without quotes"
    if value != value.strip() or any(sign < " " for sign in value):
        what = f"{variable.env} holds a sign that does not belong: a blank at its edge, or a line end."
        raise ConfigError(what, where, again)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        raise ConfigError(f"{variable.env} stands in quotation marks.", where, again)
    return value


def pem_file(variable: Variable, where: str) -> str:
    """The path of a PEM file that a variable names."""
    path = Path(read_variable(variable.env, where)).expanduser()
    if not names_a_file(path):
        raise ConfigError(f"{variable.env} names no file.", where, "set it to the path of a PEM file")
    return str(path)


def _in_header(name: str, value: str, *secrets: str) -> Proof:
    return Proof(lambda request: request.headers.update({name: value}), *secrets)


def _basic(user: str, password: str) -> Proof:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return _in_header("Authorization", f"Basic {encoded}", password, encoded)


def _said(answer: Answer, without: Callable[[str], str]) -> str:
    """The error that an answer reports, from fields with usual names alone: the others are not repeated."""
    fields = answer.value if isinstance(answer.value, dict) else {}
    said = [f"{name} {fields[name]}" for name in _ERROR_FIELDS if isinstance(fields.get(name), (str, int))]
    return f" It says {without(', '.join(said))}." if said else ""


def _mend(status: int, credentials: str, path: str) -> str:
    """The next step for a login that failed: only some statuses point to the credentials."""
    if status in (200, 201, 204, 400, 401, 403):
        return f"check {credentials}, then jifen source check"
    return f"compare {path} with the agency's document, then jifen source check"


def _is_token(found: str) -> bool:
    """Whether it may stand in a header: a line end would begin another header."""
    return 0 < len(found) < 16_384 and all("!" <= sign <= "~" for sign in found)


def _expiry(stated: Any) -> float:
    """When to renew, in monotonic seconds; a token of a few seconds is used for half of them."""
    try:
        seconds = float(stated)
    except (TypeError, ValueError):
        seconds = DEFAULT_TOKEN_SECONDS
    # "nan" is no less than nought either; -1 is how some write that a token does not expire.
    seconds = min(seconds, 30 * 86_400.0) if seconds >= 0 else DEFAULT_TOKEN_SECONDS
    return time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2)
