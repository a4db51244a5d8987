"""The settings of one installation, read once at the start of a process and frozen."""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger import env_file
from ledger.data_folder import DEFAULT, absolute
from ledger.hand_made import fault_of_cell

if TYPE_CHECKING:
    from ledger.minisign import PublicKey, SecretKey

PROJECT_DIR = env_file.PROJECT_DIR
SettingsError = env_file.SettingsError
_HOST = re.compile(r"[\w.-]+")
_QUOTES = ("'", '"', "\u2018", "\u201c")
_NO_PATH = re.compile(r"\$\{?[A-Za-z_]|%[A-Za-z_]+%|[A-Za-z]:[/\\]")
OTHER_VARIABLES = {"JIFEN_ENV_FILE", "JIFEN_OPERATOR", "JIFEN_PROJECT_DIR"}
LONGEST_SECONDS = 86_400
"""Of one request: beyond a day the number is one of milliseconds."""


class MissingVariableError(LookupError):
    """A variable that a source or sink file names is not set: a fault of the configuration.

    `checked_by` is the command to check it with, where it is known whether a source or a recipient needs it.
    """

    def __init__(self, variables: Sequence[str], wanted_by: str, checked_by: str | None = None) -> None:
        super().__init__(
            f"{', '.join(variables)} not set, and {wanted_by} needs {'it' if len(variables) == 1 else 'them'}. "
            "Whose: config. Next: set it in the environment or in .env (see .env.example), then "
            f"{checked_by or 'jifen source check, or for a recipient jifen sink check'}"
        )


class Settings(BaseSettings):
    """Every setting has a harmless default: nothing here points at a production system.

    Variables begin with `JIFEN_`. Secrets are not settings: source and sink files name the variables that hold them.
    `.env` is read at the start of a process (`load_env_file`). Raises `SettingsError` for a value that cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="JIFEN_", extra="ignore", frozen=True)

    data_dir: Path = Field(default=DEFAULT, description="where raw pages, batches, candidates and editions stand")
    ledger_url: str | None = Field(default=None, description="SQLAlchemy URL; a SQLite file in data_dir when unset")
    zone_file: Path | None = Field(
        default=None, description="datasets that are not supplied here, and how agencies mark missing values"
    )
    signing_key_file: Path | None = Field(
        default=None, description="secret key that signs editions; unsigned when unset"
    )
    public_key_file: Path | None = Field(
        default=None, description="public keys that editions are checked with; signing_key_file + .pub when unset"
    )
    approvers_file: Path | None = Field(default=None, description="who may sign overrides of the gate; none when unset")
    readers_group: str | None = Field(default=None, description="a group of the system that may read editions")
    time_zone: str = Field(default="Asia/Shanghai", description="the zone's own time, which decides the business date")
    retry_seconds: float = Field(
        default=120.0, gt=0, le=LONGEST_SECONDS, description="how long one request may be retried in all"
    )
    request_timeout_seconds: float = Field(default=30.0, gt=0, le=LONGEST_SECONDS)
    channel_hosts: str = Field(
        default="", description="internal hosts and networks that messages may go to, separated by commas"
    )

    def __init__(self, **given: Any) -> None:
        _require_spelled(os.environ)
        try:
            super().__init__(**given)
        except ValidationError as error:
            # Without the value: a secret may stand in the wrong variable.
            faults = (
                f"JIFEN_{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors()
            )
            follows = "fix it in the environment or in .env (.env.example)"
            raise SettingsError(f"{'; '.join(faults)}.", "settings", follows) from None

    @field_validator("*", mode="before")
    @classmethod
    def _as_typed(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str) and value[:1] in _QUOTES:
            raise ValueError("the value stands in quotation marks")
        if isinstance(value, str) and (fault := fault_of_cell(value)):
            raise ValueError(f"the value {fault}")
        may_be_unset = info.field_name is not None and cls.model_fields[info.field_name].default is None
        return None if value == "" and may_be_unset else value

    @field_validator("data_dir", mode="before")
    @classmethod
    def _a_folder(cls, value: object) -> object:
        # Another folder is another installation: it would pull, publish and deliver all of it once more.
        if value == "" or (isinstance(value, str) and _NO_PATH.search(value)):
            raise ValueError("is no path of a folder: write it out, since no variable is put in for $ or %")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            found = absolute(value)
        except RuntimeError:
            raise ValueError("names a user that this machine does not have") from None
        # DuckDB takes what follows it for the parameters of an address, and puts its journal elsewhere.
        if "?" in str(found):
            raise ValueError("a folder with a question mark in its path cannot hold a warehouse")
        return found

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise ValueError("no time zone has this name, as Asia/Shanghai is one") from None
        if value.startswith("Etc/GMT"):
            # By POSIX its sign is turned round, and the business date would be that of the other side of the world.
            raise ValueError("Etc/GMT+8 is eight hours behind UTC: name a place, as Asia/Shanghai is one")
        return value

    @field_validator("channel_hosts")
    @classmethod
    def _known_hosts(cls, value: str) -> str:
        _hosts_in(value)
        return value

    @property
    def allowed_channel_hosts(self) -> tuple[frozenset[str], tuple[IPv4Network | IPv6Network, ...]]:
        """The internal host names and networks that messages may go to."""
        return _hosts_in(self.channel_hosts)

    @property
    def zone(self) -> ZoneInfo:
        """The zone's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def today(self) -> date:
        """The day it is in the zone."""
        return datetime.now(self.zone).date()

    @property
    def known_keys_file(self) -> Path | None:
        """The file of the public keys that editions are checked with; None where no key is set."""
        from ledger.minisign import public_path_of

        if self.public_key_file is None and self.signing_key_file is not None:
            return public_path_of(self.signing_key_file)
        return self.public_key_file

    @property
    def signing_key(self) -> "SecretKey | None":
        """The key that signs editions; None where none is set. Raises `KeyFileError` for one that may not be used."""
        from ledger.minisign import read_secret_key

        return read_secret_key(self.signing_key_file) if self.signing_key_file else None

    @property
    def known_keys(self) -> "tuple[PublicKey, ...] | None":
        """The public keys that editions are checked with; None where no key is set."""
        from ledger.minisign import read_public_keys

        return read_public_keys(self.known_keys_file) if self.known_keys_file else None

    @property
    def resolved_ledger_url(self) -> str:
        """The ledger's URL, with the default filled in."""
        return self.ledger_url or f"sqlite:///{self.data_dir / 'ledger.sqlite'}"


def _require_spelled(environ: Mapping[str, str]) -> None:
    """Raise `SettingsError` for a variable that is one of ours but for a slip: it would have no effect.

    A source file may name its own variables so too: JIFEN_BANK_KEY_FILE is no slip.
    """
    ours = {f"JIFEN_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(one for one in environ if one.startswith("JIFEN_") and one not in ours):
        meant = get_close_matches(name, ours - environ.keys(), n=1, cutoff=0.85)
        if meant:
            raise SettingsError(f"no setting is called {name}.", "settings", f"rename it to {meant[0]}, or unset it")


def _hosts_in(text: str) -> tuple[frozenset[str], tuple[IPv4Network | IPv6Network, ...]]:
    names, networks = set(), []
    for word in text.replace(",", " ").split():
        try:
            networks.append(ip_network(word))
        except ValueError:
            if not _HOST.fullmatch(word) or word.replace(".", "").isdecimal():
                raise ValueError(f"{word} is no name of a host and no network, as 10.1.2.0/24 is one") from None
            names.add(word.lower().rstrip("."))
    return frozenset(names), tuple(networks)


def read_variable(name: str, wanted_by: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of one named variable, for `wanted_by` (a source or sink), or a `MissingVariableError`."""
    value = (os.environ if environ is None else environ).get(name, "")
    if not value:
        raise MissingVariableError([name], wanted_by)
    return value
