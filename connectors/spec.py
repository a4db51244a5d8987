"""What a source file may say, checked whole before anything touches the network."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.errors import ConfigError

DataType = Annotated[str, Field(pattern=r"^(varchar|integer|bigint|date|timestamp|boolean|decimal\(\d+, \d+\))$")]


class Strict(BaseModel):
    """A part of a source or sink file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variable(Strict):
    """The name of an environment variable; the value itself never stands in a file."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")


def variables_in(part: Strict) -> set[str]:
    """The names of every variable that a part of a file names, however deep."""
    if isinstance(part, Variable):
        return {part.env}
    inner = (getattr(part, name) for name in type(part).model_fields)
    return {name for value in inner if isinstance(value, Strict) for name in variables_in(value)}


class Title(Strict):
    """A name for people, in both languages."""

    zh: str
    en: str


class OAuth2ClientCredentials(Strict):
    """A token asked for with client id and secret, renewed when it expires or is refused."""

    kind: Literal["oauth2_client_credentials"]
    token_path: str
    client_id: Variable
    client_secret: Variable


class ApiKey(Strict):
    """One key in one header."""

    kind: Literal["api_key"]
    header: str
    key: Variable


class SignedRequest(Strict):
    """App key, timestamp and nonce, signed with HMAC-SHA256 on each request."""

    kind: Literal["signed"]
    app_key: Variable
    app_secret: Variable


Auth = Annotated[OAuth2ClientCredentials | ApiKey | SignedRequest, Field(discriminator="kind")]


class RestConnection(Strict):
    """Where a REST agency answers and how it knows us."""

    base_url: Variable
    auth: Auth


class SftpConnection(Strict):
    """An SFTP account with its pinned host key."""

    host: Variable
    port: Variable
    user: Variable
    password: Variable
    host_key: Variable


class DatabaseConnection(Strict):
    """A database by SQLAlchemy URL."""

    url: Variable


class Since(Strict):
    """A change feed: ask for what changed since the newest value of `column` that we hold, less the lookback."""

    param: str
    column: str
    start: str
    lookback_days: int = Field(ge=0)


class RestRequest(Strict):
    """What to ask a REST agency."""

    path: str = Field(pattern=r"^/")
    params: dict[str, str] = {}
    since: Since | None = None


class SftpRequest(Strict):
    """Which files to fetch."""

    folder: str
    pattern: str


class DatabaseRequest(Strict):
    """Which table to read, and how many rows make a page."""

    table: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    size: int = Field(gt=0)


class PageNumber(Strict):
    """Pages by number, with a declared total that the records got must equal."""

    kind: Literal["page_number"]
    page_param: str
    size_param: str
    size: int = Field(gt=0)
    total: str


class Keyset(Strict):
    """Records after the last id seen, ids ascending; an empty page ends it."""

    kind: Literal["keyset"]
    after_param: str
    size_param: str
    size: int = Field(gt=0)
    cursor: str


Paginator = Annotated[PageNumber | Keyset, Field(discriminator="kind")]


class Trailer(Strict):
    """The last line of a file: a marker, then count and sum at stated places (1 is the marker itself)."""

    marker: str
    count: int = Field(ge=2)
    sum: int = Field(ge=2)
    sum_field: str


class JsonDecoder(Strict):
    """JSON, with the records at a dotted path."""

    kind: Literal["json"]
    records: str


class CsvDecoder(Strict):
    """Delimited text with a header line, plain or inside a zip, with or without a control-total trailer."""

    kind: Literal["csv"]
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    archive: Literal["zip"] | None = None
    member: str | None = None
    trailer: Trailer | None = None


Decoder = Annotated[JsonDecoder | CsvDecoder, Field(discriminator="kind")]


class Volume(Strict):
    """How many records a healthy dataset holds: below the floor nothing is promoted, above the ceiling we warn."""

    floor: int = Field(ge=0)
    ceiling: int = Field(gt=0)


class PartWithinWhole(Strict):
    """A count that can never exceed another of the same record; a record that breaks it is refused."""

    name: str
    part: str
    whole: str


class Column(Strict):
    """One typed column: the agency's field, and the rules its value must meet."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data_type: DataType
    description: str = ""
    source_field: str
    required: bool = False
    check: Literal["uscc"] | None = None
    unit: Literal["元", "万元"] | None = None
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None
    missing_markers: tuple[str, ...] = ()


class Dataset(Strict):
    """One dataset of an agency."""

    source: str
    name: str
    description: str
    critical: bool
    coverage: Literal["full", "partial"]
    load: Literal["snapshot", "upsert"]
    key: tuple[str, ...]
    request: RestRequest | SftpRequest | DatabaseRequest
    paginator: Paginator | None = None
    decoder: Decoder
    volume: Volume
    rules: tuple[PartWithinWhole, ...] = ()
    columns: tuple[Column, ...]

    @model_validator(mode="after")
    def _names_known(self) -> "Dataset":
        known = {column.name for column in self.columns}
        named = {*self.key, *(name for rule in self.rules for name in (rule.part, rule.whole))}
        if isinstance(self.request, RestRequest) and self.request.since:
            named.add(self.request.since.column)
        if unknown := sorted(named - known):
            raise ValueError(f"no such column: {', '.join(unknown)}")
        if optional := [c.name for c in self.columns if c.name in self.key and not c.required]:
            raise ValueError(f"a key column must be required: {', '.join(optional)}")
        return self

    @property
    def address(self) -> str:
        """`source.dataset`, as people and the zone file write it."""
        return f"{self.source}.{self.name}"


_REQUESTS: dict[str, type[Strict]] = {"rest": RestRequest, "sftp": SftpRequest, "database": DatabaseRequest}
_CONNECTIONS: dict[str, type[Strict]] = {
    "rest": RestConnection,
    "sftp": SftpConnection,
    "database": DatabaseConnection,
}


class Source(Strict):
    """One agency: how to reach it and what it gives."""

    name: str
    description: str
    agency: Title
    driver: Literal["rest", "sftp", "database"]
    connection: RestConnection | SftpConnection | DatabaseConnection
    datasets: tuple[Dataset, ...]
    sha256: str

    @model_validator(mode="after")
    def _driver_agrees(self) -> "Source":
        if not isinstance(self.connection, _CONNECTIONS[self.driver]):
            raise ValueError(f"connection is not that of driver {self.driver}")
        for dataset in self.datasets:
            if not isinstance(dataset.request, _REQUESTS[self.driver]):
                raise ValueError(f"{dataset.name}: request is not that of driver {self.driver}")
            if (self.driver == "rest") != (dataset.paginator is not None):
                raise ValueError(f"{dataset.name}: a paginator goes with driver rest, and only with it")
            if self.driver != "sftp" and not isinstance(dataset.decoder, JsonDecoder):
                raise ValueError(f"{dataset.name}: driver {self.driver} gives JSON")
        return self

    def variables(self) -> list[str]:
        """The names of every variable this source needs, sorted."""
        return sorted(variables_in(self.connection))

    def dataset(self, name: str) -> Dataset:
        """One dataset by name, or a `ConfigError` that lists those there are."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        known = ", ".join(d.name for d in self.datasets)
        raise ConfigError(f"no dataset {name}; there are {known}.", self.name, "jifen source list")
