"""How we prove who we are: one class for each `kind` of auth. Secrets are named by variable, never written down."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.spec.base import DottedPath, Strict, UrlPath, Variable


class Bearer(Strict):
    """One long-lived token in the Authorization header."""

    kind: Literal["bearer"]
    token: Variable


class ApiKey(Strict):
    """One key, in a header or in the query."""

    kind: Literal["api_key"]
    header: str | None = None
    param: str | None = None
    key: Variable

    @model_validator(mode="after")
    def _one_place(self) -> "ApiKey":
        if (self.header is None) == (self.param is None):
            raise ValueError("an api_key goes into a header or into a param: name one of them")
        return self


class Basic(Strict):
    """User name and password with every request."""

    kind: Literal["basic"]
    user: Variable
    password: Variable


class OAuth2ClientCredentials(Strict):
    """A token asked for with client id and secret, renewed when it expires or is refused."""

    kind: Literal["oauth2_client_credentials"]
    token_path: UrlPath
    client_id: Variable
    client_secret: Variable
    scope: str | None = None
    send: Literal["header", "body"] = "header"
    """Where the token endpoint wants id and secret: as basic auth, or as fields of the form."""


class SessionLogin(Strict):
    """Log in once with a form, then go on with the token it answers, or with its cookie where `token` is not named."""

    kind: Literal["session_login"]
    login_path: UrlPath
    user_field: str
    password_field: str
    user: Variable
    password: Variable
    token: DottedPath | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "


class SignedRequest(Strict):
    """App key, timestamp and nonce, signed on each request with HMAC over SHA-256 or SM3."""

    kind: Literal["signed"]
    app_key: Variable
    app_secret: Variable
    digest: Literal["sha256", "sm3"] = "sha256"


class MutualTls(Strict):
    """A client certificate: both variables hold paths of PEM files."""

    kind: Literal["mutual_tls"]
    certificate: Variable
    key: Variable


Auth = Annotated[
    Bearer | ApiKey | Basic | OAuth2ClientCredentials | SessionLogin | SignedRequest | MutualTls,
    Field(discriminator="kind"),
]
