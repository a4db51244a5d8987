"""How we prove who we are: one class for each `kind` of auth. Secrets are named by variable, never written down."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.strict import DottedPath, Strict, UrlPath, Variable


class NoAuth(Strict):
    """No proof, for an agency that asks for none; `auth: none` is the same."""

    kind: Literal["none"]


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
    send: Literal["header", "body", "json"] = "header"
    """Where the token endpoint wants id and secret: as basic auth, as fields of a form, or as those of a JSON body."""
    token: DottedPath = "access_token"  # noqa: S105 - the place of a token, not one
    expires_in: DottedPath = "expires_in"
    """Where the answer holds the token and how many seconds it lives; an hour where it does not say."""
    header: str = "Authorization"
    prefix: str = "Bearer "


class SessionLogin(Strict):
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
    token: DottedPath | None = None
    expires_in: DottedPath | None = None
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
    NoAuth | Bearer | ApiKey | Basic | OAuth2ClientCredentials | SessionLogin | SignedRequest | MutualTls,
    Field(discriminator="kind"),
]
