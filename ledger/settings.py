"""The settings of one installation, read once at the edge and frozen."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.data_folder import DEFAULT, absolute

PROJECT_DIR = Path(__file__).resolve().parent.parent
"""The checkout: jifen runs from its own folder, where the source files, the models and the suites stand."""


class MissingVariableError(LookupError):
    """A variable that a source or sink file names is not set: a fault of the configuration."""

    def __init__(self, variables: Sequence[str], wanted_by: str) -> None:
        super().__init__(
            f"{', '.join(variables)} not set, and {wanted_by} needs it. Whose: config. "
            f"Next: set it in the environment or in .env (see .env.example), then jifen source check"
        )


class Settings(BaseSettings):
    """Every setting has a harmless default: nothing here points at a production system.

    Variables begin with `JIFEN_`. Secrets are not settings: source and sink files name the variables that hold them.
    """

    model_config = SettingsConfigDict(env_prefix="JIFEN_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=DEFAULT, description="where raw pages, batches, candidates and editions stand")
    ledger_url: str | None = Field(default=None, description="SQLAlchemy URL; a SQLite file in data_dir when unset")
    zone_file: Path | None = Field(default=None, description="what this zone is not supplied with, and its dialects")
    time_zone: str = Field(default="Asia/Shanghai", description="the zone's own time, which decides the business date")
    retry_seconds: float = Field(default=120.0, gt=0, description="how long one request may be retried in all")
    request_timeout_seconds: float = Field(default=30.0, gt=0)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return absolute(value)

    @field_validator("ledger_url", "zone_file", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        ZoneInfo(value)
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def resolved_ledger_url(self) -> str:
        """The ledger's URL, with the default filled in."""
        return self.ledger_url or f"sqlite:///{self.data_dir / 'ledger.sqlite'}"


def read_variable(name: str, wanted_by: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of one named variable, for `wanted_by` (a source or sink), or a `MissingVariableError`."""
    value = (os.environ if environ is None else environ).get(name, "")
    if not value:
        raise MissingVariableError([name], wanted_by)
    return value
