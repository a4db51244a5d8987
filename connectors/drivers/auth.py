"""How a request proves who sends it: one `requests` auth per kind that a source file may name."""

import hashlib
import hmac
import time
import uuid
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.auth import AuthBase

from connectors.drivers.retry import TryAgainError, retry_after_seconds
from connectors.errors import AgencyError
from connectors.spec import ApiKey, OAuth2ClientCredentials, RestConnection, SignedRequest, Source
from ledger.settings import read_variable


class RenewableAuth(AuthBase):
    """An auth that may be renewed once when the other side answers 401."""

    def renew(self) -> bool:
        """Drop what was refused; True where a second attempt may now succeed."""
        return False


class _ApiKeyAuth(RenewableAuth):
    def __init__(self, header: str, key: str) -> None:
        self._header, self._key = header, key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._key
        return request


class _SignedAuth(RenewableAuth):
    """Each attempt is signed anew: a nonce may be used once, also when the first attempt was lost on the way."""

    def __init__(self, app_key: str, app_secret: str) -> None:
        self._app_key, self._secret = app_key, app_secret.encode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(request.url or "")
        query = urlencode(sorted(parse_qsl(str(parts.query), keep_blank_values=True)))
        body = request.body or b""
        body_hash = hashlib.sha256(body.encode() if isinstance(body, str) else body).hexdigest()
        timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
        signed = "\n".join([request.method or "", str(parts.path), query, timestamp, nonce, body_hash])
        request.headers["X-App-Key"] = self._app_key
        request.headers["X-Timestamp"] = timestamp
        request.headers["X-Nonce"] = nonce
        request.headers["X-Signature"] = hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest()
        return request


class _TokenAuth(RenewableAuth):
    """A bearer token, asked for when first needed, before it expires, and after a 401."""

    def __init__(self, url: str, client_id: str, client_secret: str, where: str, timeout: float) -> None:
        self._url, self._where, self._timeout = url, where, timeout
        self._client = (client_id, client_secret)
        self._token: str | None = None
        self._expires_at = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is None or time.monotonic() >= self._expires_at:
            self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self) -> bool:
        self._token = None
        return True

    def _fetch(self) -> None:
        try:
            answer = requests.post(
                self._url,
                data={"grant_type": "client_credentials"},
                auth=self._client,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise TryAgainError(f"the token endpoint does not answer ({type(error).__name__})") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise TryAgainError(
                f"the token endpoint answers {answer.status_code}",
                retry_after_seconds(answer.headers.get("Retry-After")),
            )
        try:
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            granted = answer.json()
            self._token = str(granted["access_token"])
            # Ten seconds early, so that a token does not die on the way.
            self._expires_at = time.monotonic() + float(granted["expires_in"]) - 10.0
        except (ValueError, KeyError, TypeError) as error:
            raise AgencyError(
                f"no token was granted ({error}).", self._where, "check client id and secret, then jifen source check"
            ) from None


def make_auth(source: Source, connection: RestConnection, base_url: str, timeout: float) -> RenewableAuth:
    """The auth that a source file names, its secrets read from their variables now."""
    auth, where = connection.auth, source.name
    match auth:
        case OAuth2ClientCredentials():
            return _TokenAuth(
                base_url + auth.token_path,
                read_variable(auth.client_id.env, where),
                read_variable(auth.client_secret.env, where),
                where,
                timeout,
            )
        case ApiKey():
            return _ApiKeyAuth(auth.header, read_variable(auth.key.env, where))
        case SignedRequest():
            return _SignedAuth(read_variable(auth.app_key.env, where), read_variable(auth.app_secret.env, where))
