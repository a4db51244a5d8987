"""One dataset and one source, put together from their parts, and what must agree between them."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.errors import ConfigError
from connectors.spec.base import Strict, Title, Told, variables_in
from connectors.spec.connection import (
    Connection,
    DatabaseConnection,
    FolderConnection,
    RestConnection,
    SftpConnection,
)
from connectors.spec.decoding import Decoder, JsonDecoder
from connectors.spec.paging import Keyset, Paginator, TokenInPost
from connectors.spec.request import DatabaseRequest, FileRequest, Request, RestRequest, Since, SinceColumn
from connectors.spec.watch import (
    Continuity,
    Deletes,
    Freshness,
    NoGap,
    ReplaceBy,
    SchemaContract,
    Tombstone,
    Unwatched,
    ValidTime,
    Volume,
)
from connectors.spelling import MISSING_WORDS

DataType = Annotated[str, Field(pattern=r"^(varchar|integer|bigint|date|timestamp|boolean|decimal\(\d+, \d+\))$")]


class PartWithinWhole(Strict):
    """A count that can never exceed another of the same record; a record that breaks it is refused."""

    name: str
    part: str
    whole: str


Word = Annotated[str, Field(coerce_numbers_to_str=True)]
Bound = Annotated[Decimal | date, Field(union_mode="left_to_right")]


class Column(Strict):
    """One typed column: the agency's field, and the rules its value must meet.

    `min` and `max` are numbers (of money in yuan, whatever the `unit`) or, of a date or timestamp, days.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data_type: DataType
    description: str = ""
    source_field: str
    required: bool = False
    check: Literal["uscc", "enterprise_code"] | None = None
    spelling: Literal["code", "text"] | None = None
    """A code has one spelling (half-width, plain hyphens); a text keeps its own. Key columns are codes by default, but
    for names: two spellings of one name are for whoever knows the enterprises.
    """
    unit: Literal["元", "万元", "%"] | None = None
    """In which unit the agency counts. `%`: 4.35 and 4.35% are both 4.35."""
    min: Bound | None = None
    max: Bound | None = None
    values: tuple[str, ...] | None = None
    missing_markers: tuple[str, ...] = ()
    missing_words: tuple[Word, ...] | None = None
    """In place of the default list of words for nothing (`spelling.MISSING_WORDS`), which holds for text alone."""
    is_true: tuple[Word, ...] | None = None
    is_false: tuple[Word, ...] | None = None
    """The words of a boolean column, beside true and false, in place of `spelling.TRUE_WORDS` and `FALSE_WORDS`."""
    time: Literal["drop"] | None = None
    """What to do with a time of day in a date column; without this it refuses the record."""
    epoch: Literal["seconds", "milliseconds"] | None = None
    """The moments are numbers, counted from 1970 in UTC."""

    @property
    def kind(self) -> str:
        """The type without its precision."""
        return self.data_type.partition("(")[0]

    @model_validator(mode="after")
    def _rules_fit_type(self) -> "Column":
        kind = self.kind
        wanted = date if kind in _DAYS else Decimal if kind in _NUMBERS else None
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and (wanted is None or not all(isinstance(bound, wanted) for bound in bounds)):
            raise ValueError(f"{self.name}: min and max go with numbers, or as days with dates")
        if len(bounds) == 2 and bounds[0] > bounds[1]:  # type: ignore[operator]
            raise ValueError(f"{self.name}: min {bounds[0]} lies above max {bounds[1]}")
        for word, kinds in _GOES_WITH.items():
            if getattr(self, word) is not None and kind not in kinds:
                raise ValueError(f"{self.name}: {word} goes with {' or '.join(kinds)}, not with {kind}")
        if self.unit == "万元" and kind != "decimal":
            raise ValueError(f"{self.name}: unit 万元 goes with decimal, not with {kind}")
        if (self.is_true is None) != (self.is_false is None) or set(self.is_true or ()) & set(self.is_false or ()):
            raise ValueError(f"{self.name}: is_true and is_false go together and share no word")
        return self


_NUMBERS = ("integer", "bigint", "decimal")
_DAYS = ("date", "timestamp")
_GOES_WITH = {
    "check": ("varchar",),
    "spelling": ("varchar",),
    "is_true": ("boolean",),
    "is_false": ("boolean",),
    "time": ("date",),
    "epoch": _DAYS,
}


class Dataset(Strict):
    """One dataset of an agency."""

    source: str
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: Told
    critical: bool
    coverage: Literal["full", "partial"]
    load: Literal["snapshot", "upsert"]
    key: tuple[str, ...] = Field(min_length=1)
    request: Request
    paginator: Paginator | None = None
    decoder: Decoder
    volume: Volume
    freshness: Freshness | Unwatched
    continuity: Continuity
    schema_contract: SchemaContract = SchemaContract()
    deletes: Deletes | None = None
    valid: ValidTime | None = None
    rules: tuple[PartWithinWhole, ...] = ()
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_known(self) -> "Dataset":
        known = {column.name for column in self.columns}
        if len(known) < len(self.columns):
            raise ValueError("two columns have the same name")
        if unknown := sorted({*self.key, *_columns_named(self)} - known):
            raise ValueError(f"no such column: {', '.join(unknown)}")
        if optional := [c.name for c in self.columns if c.name in self.key and not c.required]:
            raise ValueError(f"a key column must be required: {', '.join(optional)}")
        return self

    @model_validator(mode="after")
    def _keys_are_codes(self) -> "Dataset":
        coded = [
            column.model_copy(update={"spelling": "code"})
            if column.name in self.key
            and column.kind == "varchar"
            and column.spelling is None
            and not column.name.endswith("name")
            else column
            for column in self.columns
        ]
        # The model is frozen for everyone else.
        object.__setattr__(self, "columns", tuple(coded))
        return self

    @model_validator(mode="after")
    def _tombstones_are_words(self) -> "Dataset":
        """A word that deletes is no word for nothing in its column."""
        for place, column in enumerate(self.columns):
            words = set(self.deletes.values) if isinstance(self.deletes, Tombstone) else set()
            takes_default = column.kind == "varchar" and column.missing_words is None
            if takes_default and column.name == getattr(self.deletes, "column", None) and words & MISSING_WORDS:
                kept = column.model_copy(update={"missing_words": tuple(sorted(MISSING_WORDS - words))})
                object.__setattr__(self, "columns", (*self.columns[:place], kept, *self.columns[place + 1 :]))
        return self

    @model_validator(mode="after")
    def _dates_are_dates(self) -> "Dataset":
        kinds = {column.name: column.data_type for column in self.columns}
        parts = (self.freshness, self.continuity)
        dated = [part.column for part in parts if isinstance(part, (Freshness, NoGap))]
        dated += [self.valid.from_column] if self.valid else []
        dated += [self.since.column] if self.since else []
        if wrong := sorted({name for name in dated if kinds[name] not in ("date", "timestamp")}):
            raise ValueError(f"must be of type date or timestamp: {', '.join(wrong)}")
        return self

    @model_validator(mode="after")
    def _load_agrees(self) -> "Dataset":
        if self.load == "snapshot" and (self.since is not None or self.deletes is not None):
            raise ValueError("since and deletes go with load: upsert; a snapshot is whole by itself")
        if self.since is not None and isinstance(self.deletes, ReplaceBy):
            raise ValueError("deletes replace_by does not go with since: a night brings what changed, never a whole")
        if self.load == "upsert" and isinstance(self.request, FileRequest) and self.request.takes == "newest":
            raise ValueError("takes: newest goes with load: snapshot; an upsert takes each file that is new")
        return self

    @model_validator(mode="after")
    def _request_agrees(self) -> "Dataset":
        request = self.request
        if not isinstance(request, RestRequest):
            return self
        if (request.job is None) != (self.paginator is not None):
            raise ValueError("a paginator goes with a path, and a job has none")
        if isinstance(self.paginator, TokenInPost) and request.method != "POST":
            raise ValueError("paginator post_token goes with method POST")
        if isinstance(self.paginator, Keyset) and not isinstance(self.decoder, JsonDecoder):
            raise ValueError("paginator keyset reads ids from JSON records")
        if request.partition is not None:
            _check_partition(request)
        return self

    @property
    def address(self) -> str:
        """`source.dataset`, as people and the zone file write it."""
        return f"{self.source}.{self.name}"

    @property
    def since(self) -> Since | SinceColumn | None:
        """How a change feed is asked for what is new; None where the whole is read each time."""
        return None if isinstance(self.request, FileRequest) else self.request.since

    @property
    def parent(self) -> str | None:
        """The dataset of the same source that must be pulled before this one."""
        partition = self.request.partition if isinstance(self.request, RestRequest) else None
        return partition.dataset if partition else None


def _columns_named(dataset: Dataset) -> Iterator[str]:
    for rule in dataset.rules:
        yield from (rule.part, rule.whole)
    for part in (dataset.freshness, dataset.continuity, dataset.deletes, dataset.since):
        yield from (name for said in ("column", "by") if (name := getattr(part, said, None)) is not None)
    if dataset.valid is not None:
        yield dataset.valid.from_column


def _check_partition(request: RestRequest) -> None:
    partition = request.partition
    if request.since is not None:
        # One lower bound for all values would never ask for the past of a value that is new.
        raise ValueError("since does not go with a partition: each value would need a bound of its own")
    if partition is None or request.path is None:
        raise ValueError("a partition goes with a path")
    if (partition.param is None) == ("{" + partition.name + "}" not in request.path):
        raise ValueError("the value of a partition goes into the path or into a param: name one of them")


_PARTS: dict[str, tuple[type[Strict], type[Strict]]] = {
    "rest": (RestConnection, RestRequest),
    "sftp": (SftpConnection, FileRequest),
    "folder": (FolderConnection, FileRequest),
    "database": (DatabaseConnection, DatabaseRequest),
}


def parts_of(driver: str) -> tuple[type[Strict], type[Strict]]:
    """The classes of connection and request that go with a driver."""
    if driver not in _PARTS:
        raise ValueError(f"there is no driver {driver}; there are {', '.join(_PARTS)}")
    return _PARTS[driver]


class Source(Strict):
    """One agency: how to reach it and what it gives."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: Told
    agency: Title
    driver: Literal["rest", "sftp", "folder", "database"]
    connection: Connection
    datasets: tuple[Dataset, ...] = Field(min_length=1)
    sha256: str

    @model_validator(mode="after")
    def _driver_agrees(self) -> "Source":
        connection, request = _PARTS[self.driver]
        if not isinstance(self.connection, connection):
            raise ValueError(f"connection is not that of driver {self.driver}")
        for dataset in self.datasets:
            if not isinstance(dataset.request, request):
                raise ValueError(f"{dataset.name}: request is not that of driver {self.driver}")
            if self.driver != "rest" and dataset.paginator is not None:
                raise ValueError(f"{dataset.name}: a paginator goes with driver rest, and only with it")
            if self.driver == "database" and not isinstance(dataset.decoder, JsonDecoder):
                raise ValueError(f"{dataset.name}: driver database gives JSON")
            if self.driver == "database" and getattr(dataset.decoder, "records", None) != "rows":
                raise ValueError(f"{dataset.name}: driver database needs `records: rows` under decoder, or no decoder")
        return self

    @model_validator(mode="after")
    def _parents_known(self) -> "Source":
        before: dict[str, set[str]] = {}
        for dataset in self.datasets:
            request = dataset.request
            partition = request.partition if isinstance(request, RestRequest) else None
            parent = partition.dataset if partition else None
            if partition and parent and partition.column not in before.get(parent, set()):
                place = f"{parent}.{partition.column}"
                raise ValueError(f"{dataset.name}: no column {place} in a dataset that stands before it")
            before[dataset.name] = {column.name for column in dataset.columns}
        if len(before) != len(self.datasets):
            raise ValueError("two datasets have the same name")
        return self

    def variables(self) -> list[str]:
        """The names of every variable this source needs, sorted."""
        asked = {name for dataset in self.datasets for name in variables_in(dataset.request)}
        return sorted(variables_in(self.connection) | asked)

    def dataset(self, name: str) -> Dataset:
        """One dataset by name, or a `ConfigError` that lists those there are."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        known = ", ".join(d.name for d in self.datasets)
        raise ConfigError(f"no dataset {name}; there are {known}.", self.name, "jifen source list")
