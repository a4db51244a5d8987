"""Where an agency answers: one class of connection for each driver."""

from pydantic import Field, field_validator, model_validator

from connectors.spec.auth import Auth
from connectors.spec.base import Headers, Strict, Variable


class Limits(Strict):
    """The rate budget of one host, shared by all of its datasets."""

    connections: int = Field(default=1, ge=1, le=16)
    """Requests in flight at once: pages that can be asked for without knowing the one before are, side by side."""
    per_second: float | None = Field(default=None, gt=0)
    """Requests begun in a second, over all connections; None where the agency states no limit."""


class RestConnection(Strict):
    """Where a REST agency answers and how it knows us."""

    base_url: Variable
    auth: Auth
    headers: Headers = {}
    """Sent with every request, those for a token too."""
    ca: Variable | None = None
    """Path of a PEM file with the authority that signed the agency's certificate, where it is no public one."""
    limits: Limits = Limits()

    @field_validator("auth", mode="before")
    @classmethod
    def _no_auth(cls, auth: object) -> object:
        return {"kind": "none"} if auth == "none" else auth


class SftpConnection(Strict):
    """An SFTP account with its pinned host key: known by a password, by a private key, or by both."""

    host: Variable
    port: Variable
    user: Variable
    password: Variable | None = None
    key: Variable | None = None
    """Path of an OpenSSH private key."""
    passphrase: Variable | None = None
    host_key: Variable

    @model_validator(mode="after")
    def _has_a_proof(self) -> "SftpConnection":
        if self.password is None and self.key is None:
            raise ValueError("an SFTP account is known by a password or by a key: name one of them")
        if self.passphrase is not None and self.key is None:
            raise ValueError("a passphrase opens a key: name the key too")
        return self


class FolderConnection(Strict):
    """A folder of this machine: a mounted share, or where the courier's disk is copied to."""

    path: Variable


class DatabaseConnection(Strict):
    """A database by SQLAlchemy URL."""

    url: Variable


Connection = RestConnection | SftpConnection | FolderConnection | DatabaseConnection
