"""What a source file may say, checked whole before anything touches the network.

How a REST agency is paged through and knows us: `connectors.drivers.paging`, `connectors.drivers.auth`.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.drivers.auth import Auth
from connectors.drivers.paging import Paginator, TokenInPost
from connectors.errors import ConfigError
from connectors.strict import (
    BilingualTitle,
    ByWords,
    DottedPath,
    Headers,
    NonEmptyText,
    Rules,
    Strict,
    UrlPath,
    Variable,
    variables_in,
)
from ledger.hand_made import MISSING_WORDS


class Limits(Strict):
    """The rate budget of one host, shared by all of its datasets."""

    connections: int = Field(default=1, ge=1, le=16)
    """Requests in flight at once: pages that do not need the one before are requested side by side."""
    per_second: float | None = Field(default=None, gt=0)
    """Requests begun in a second, over all connections; None where the agency states no limit."""


class RestConnection(Strict):
    """The address of a REST agency and how we log in."""

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
    """An SFTP account with its pinned host key; it logs in by a password, a private key, or both."""

    host: Variable
    port: Variable
    user: Variable
    password: Variable | None = None
    key: Variable | None = None
    """Path of an OpenSSH private key."""
    passphrase: Variable | None = None
    host_key: Variable

    def _rules(self) -> Rules:
        yield self.password or self.key, "an SFTP account is known by a password or by a key: name one of them"
        yield self.key or not self.passphrase, "a passphrase opens a key: name the key too"


class FolderConnection(Strict):
    """A folder of this machine: a mounted share, or where the courier's disk is copied to."""

    path: Variable


class DatabaseConnection(Strict):
    """A database by SQLAlchemy URL."""

    url: Variable


Connection = RestConnection | SftpConnection | FolderConnection | DatabaseConnection


class Since(Strict):
    """A change feed: ask for what changed since the newest value of `column` that we hold, less the lookback.

    The bound is included: what changed in the same second as the newest we hold is read again and upserted.
    """

    param: str
    column: str
    start: str
    lookback_days: int = Field(ge=0)


class SinceColumn(Strict):
    """The same for a table: rows whose `column` is not below the newest value that we hold, less the lookback."""

    column: str
    lookback_days: int = Field(ge=0)


class Partition(Strict):
    """One request for each value: of the list here, or of a column of a dataset pulled before (its parent).

    The value goes where the path says `{name}`, or into the query under `param`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    param: str | None = None
    values: tuple[str, ...] | None = None
    dataset: str | None = None
    column: str | None = None

    def _rules(self) -> Rules:
        fault = "a partition takes its values from a list, or from dataset and column: name one of them"
        yield (self.values is None) != (self.dataset is None), fault
        yield (self.dataset is None) == (self.column is None), fault


class Answered(Strict):
    """An agency that answers everything with HTTP 200 and gives the result in the body."""

    code: DottedPath
    ok: tuple[str, ...] = Field(min_length=1)
    retry: tuple[str, ...] = ()
    """Codes that another attempt may cure (busy, too many requests); every other code is a refusal."""
    expired: tuple[str, ...] = ()
    """Codes of a token or session that has died: a new one is requested, as after a 401."""
    message: DottedPath | None = None


class ReportJob(Strict):
    """A report that is ordered, waited for and fetched. `{job}` in a path is the id that the order was given."""

    create_path: UrlPath
    create_body: dict[str, Any] = {}
    id: DottedPath
    status_path: UrlPath
    status: DottedPath
    done: tuple[str, ...] = Field(min_length=1)
    failed: tuple[str, ...] = Field(min_length=1)
    every_seconds: float = Field(default=2.0, gt=0, le=600)
    download_path: UrlPath | None = None
    download_url: DottedPath | None = None
    """Where the answer about a finished job names the address of its file, on the same host."""

    def _rules(self) -> Rules:
        fault = "a report is fetched from download_path or from download_url: name one of them"
        yield (self.download_path is None) != (self.download_url is None), fault


class RestRequest(Strict):
    """What to ask a REST agency."""

    path: UrlPath | None = None
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str] = {}
    headers: Headers = {}
    body: dict[str, Any] = {}
    """A parameter named here (`page.no`: inside a part) goes into the body, as a number where its value here is one."""
    body_as: Literal["json", "form"] = "json"
    since: Since | None = None
    partition: Partition | None = None
    answered: Answered | None = None
    job: ReportJob | None = None

    def _rules(self) -> Rules:
        yield (self.path is None) != (self.job is None), "a request has a path or a job: name one of them"
        yield not self.body or self.method == "POST", "a body goes with method POST"
        is_plain = not any(isinstance(value, (dict, list)) for value in self.body.values())
        yield is_plain or self.body_as != "form", "a form holds plain values only: take body_as out for a body of JSON"
        if (partition := self.partition) is not None:
            # One lower bound for all values would never ask for the past of a value that is new.
            yield not self.since, "since does not go with a partition: each value would need a bound of its own"
            yield self.path is not None, "a partition goes with a path"
            fault = "the value of a partition goes into the path or into a param: name one of them"
            yield (partition.param is None) == ("{" + partition.name + "}" in str(self.path)), fault


class StableSize(Strict):
    """A file is whole once its size has not changed for so long."""

    kind: Literal["stable_size"]
    seconds: float = Field(default=2.0, ge=0, le=600)


class Flag(Strict):
    """A file is whole once a file of the same name with this ending stands beside it, and is not older."""

    kind: Literal["flag"]
    suffix: str = ".ok"


class Manifest(Strict):
    """A file is whole once a manifest (`sha256sum` lines) names it; its hash must be the one stated there."""

    kind: Literal["manifest"]
    pattern: str


class OrderByName(Strict):
    """The name decides which file is the later one: by the groups of `pattern`, numbers compared as numbers.

    `is_numbered`: the last group counts the files one by one, so that one that is missing is known.
    """

    by: Literal["name"]
    pattern: str
    is_numbered: bool = False

    def _rules(self) -> Rules:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise ValueError(f"order: the pattern is no regular expression ({error})") from None
        yield groups > 0, "order: the pattern needs a group, as in loans_(\\d{8})-(\\d+)\\.csv"


class OrderByTime(Strict):
    """The file with the later time of change on the server is the later one."""

    by: Literal["time"] = "time"


class FileRequest(Strict):
    """Which files to fetch from a folder, by SFTP or from this machine, and how to know that one is whole.

    `order` decides which of two files is the later one. `takes`: all files of a snapshot together make the whole, or
    each is whole and the newest alone counts. `ignore`: names that may lie there and are not read.
    """

    folder: str
    pattern: str = Field(min_length=1)
    ready: Annotated[StableSize | Flag | Manifest, Field(discriminator="kind")] | None = None
    order: Annotated[OrderByTime | OrderByName, Field(discriminator="by")] = OrderByTime()
    takes: Literal["all", "newest"] = "all"
    ignore: tuple[str, ...] = ()


class DatabaseRequest(Strict):
    """Which table to read, and how many rows make a page."""

    table: str = Field(pattern=r"^[^\W\d][\w.]*$")
    size: int = Field(gt=0)
    since: SinceColumn | None = None


Request = RestRequest | FileRequest | DatabaseRequest


Encoding = Literal["utf-8", "gb18030", "gbk", "utf-16"]
"""UTF-8 and UTF-16 with or without a byte order mark."""


class _Packed(Strict):
    archive: Literal["zip", "gzip"] | None = None
    member: str | None = None
    """Which member of a zip: a pattern that exactly one name must match."""

    def _rules(self) -> Rules:
        yield self.member is None or self.archive == "zip", "a member goes with archive zip"


class _Text(_Packed):
    encoding: Encoding | Annotated[tuple[Encoding, ...], Field(min_length=1)] = "utf-8"
    """One, or those that this agency is known to use: tried in this order, and a file must fit one without a fault."""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """The encodings a file may have, in the order they are tried."""
        return (self.encoding,) if isinstance(self.encoding, str) else self.encoding


class Trailer(Strict):
    """The last line of a file: a marker, then count and sum at stated places (1 is the marker itself)."""

    marker: NonEmptyText
    count: int = Field(ge=2)
    sum: int = Field(ge=2)
    sum_field: str

    def _rules(self) -> Rules:
        yield self.count != self.sum, "the trailer has its count and its sum at two places"


class JsonDecoder(_Text):
    """JSON with the records at a dotted path; without one the answer itself is the list."""

    kind: Literal["json"]
    records: DottedPath | None = None
    one: bool = False
    """One object where the list would stand is one record."""
    none: bool = False
    """Status 204, an empty body, null or {} in the place of the list or of the answer mean that there is no record."""


class JsonLinesDecoder(_Text):
    """One JSON object a line."""

    kind: Literal["jsonl"]


class _Table(Strict):
    header_row: int = Field(default=1, ge=1)
    """Which row names the columns, where titles stand above it."""
    ends_at: tuple[str, ...] = ()
    """The table ends above the first row whose first filled cell begins with one of these: 合计, 注：."""

    def _rules(self) -> Rules:
        yield all(word.strip() for word in self.ends_at), "an empty word in ends_at would end the table at once"


class CsvDecoder(_Text, _Table):
    """Delimited text with a header line, with or without a control-total trailer."""

    kind: Literal["csv"]
    delimiter: str = Field(default=",", min_length=1, max_length=1, pattern=r"[^\r\n]")
    quote: Literal['"', "'", "none"] = '"'
    """What encloses a field; `none`: quotation marks have no meaning."""
    multiline: bool | Literal["any"] = False
    """Whether an enclosed field may hold a line end. Where it may not, a mark left open is an error. A field that reads
    like the end of one row and the head of another is an error too, but under `any`, where it is counted."""
    trailer: Trailer | None = None

    def _rules(self) -> Rules:
        fault = "multiline goes with a quote: nothing else says where a field ends"
        yield not self.multiline or self.quote != "none", fault
        yield self.delimiter != self.quote, "the delimiter cannot be the quotation mark"


class XmlDecoder(_Packed):
    """XML whose records are the elements at a path of tags below the root (`rows/row`).

    Fields are the tags of the children; an attribute of the record is named `@name`. No document type, no entities.
    """

    kind: Literal["xml"]
    record: str = Field(pattern=r"^[^/\s]+(/[^/\s]+)*$")
    none: bool = False
    """A document without the list, or with other elements in place of the records, means that there is no record."""


class XlsxDecoder(_Packed, _Table):
    """A worksheet. Where the header has several rows, a merged cell counts for all it covers: `学历/硕士`."""

    kind: Literal["xlsx"]
    sheet: str | None = None
    """Name of the sheet; without it exactly one must be visible and not empty."""
    header_rows: int = Field(default=1, ge=1, le=4)


class ParquetDecoder(_Packed):
    """Apache Parquet."""

    kind: Literal["parquet"]


Decoder = Annotated[
    JsonDecoder | JsonLinesDecoder | CsvDecoder | XmlDecoder | XlsxDecoder | ParquetDecoder,
    Field(discriminator="kind"),
]


Drift = Literal["freeze", "evolve", "discard_value", "discard_row"]
"""dlt's words for what becomes of data that does not have the declared shape."""


class Volume(Strict):
    """How many records a healthy dataset holds: below the floor nothing is promoted, above the ceiling we warn."""

    floor: int = Field(ge=0)
    ceiling: int = Field(gt=0)

    def _rules(self) -> Rules:
        yield self.floor <= self.ceiling, f"the floor {self.floor} lies above the ceiling {self.ceiling}"


class Unwatched(Strict):
    """Why this is not watched, in a sentence: it must be stated, and cannot be left out."""

    # A word such as "no" is no reason.
    unwatched: str = Field(min_length=8)


class Freshness(Strict):
    """The newest value of a date column may be so many days older than the business date; else we warn."""

    column: str
    days: int = Field(ge=0)


class Rhythm(Strict):
    """The content of a healthy dataset changes at least once in `days`: after that it is stale, though it was pulled.

    Of a critical dataset the gate blocks once `blocks_after` days are over. Where a season or working week is declared,
    other days do not count.
    """

    days: int = Field(gt=0)
    blocks_after: int | None = None
    """Twice `days` by default."""
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    weekdays: bool = False

    def _rules(self) -> Rules:
        yield self.most > self.days, f"blocks_after {self.most} is not more than days {self.days}"

    @property
    def most(self) -> int:
        """After how many days the gate blocks, of a critical dataset."""
        return 2 * self.days if self.blocks_after is None else self.blocks_after

    def quiet_days(self, changed_on: date, as_of: date) -> int:
        """How many days that count lie between the last change and a business date, the latter among them."""
        days = (changed_on + timedelta(days=n) for n in range(1, (as_of - changed_on).days + 1))
        return sum(
            (not self.months or day.month in self.months) and (not self.weekdays or day.weekday() < 5) for day in days
        )


QUIET_DAYS = 400
"""The rhythm, in days, of a dataset that declares neither rhythm nor freshness: yearly facts change within it."""

Percent = Annotated[int, Field(ge=0, le=100)]

MAY_GO_PCT = 30
"""How many per cent of a day, a partition or a whole may go at once by default."""


class Shrink(Strict):
    """A dataset may hold so many per cent fewer records than when it was last promoted; else nothing is promoted.

    With `by` the same holds for the records of each value of a column.
    """

    shrink_pct: Percent
    by: str | None = None


class NoGap(Strict):
    """Between the first and the last value of a date column no month, or no year, is without a record; else we warn.

    `shrink_pct` is that of `Shrink`; of a snapshot it holds for each of these months or years too.
    """

    column: str
    period: Literal["month", "year"]
    shrink_pct: Percent | None = None


Continuity = Annotated[Shrink | NoGap | Unwatched, ByWords()]


class SchemaContract(Strict):
    """What to do when the shape drifts.

    `columns`: fields that the source file does not claim. `evolve` lands them raw, as JSON in `_extra`, and reports
    them; `discard_value` drops and counts them; `discard_row` refuses the record; `freeze` stops the dataset.

    `data_type`: a field that is gone from a whole delivery, or of which no value fits its type. `freeze` stops the
    dataset and the last good batch stays; `discard_value` and `evolve` land null where the column is not required
    (`evolve` keeps the text in `_extra`); `discard_row` refuses the records. One value that does not fit refuses its
    record whatever stands here.
    """

    columns: Drift = "evolve"
    data_type: Drift = "freeze"

    @model_validator(mode="before")
    @classmethod
    def _one_word_for_both(cls, value: Any) -> Any:
        return {"columns": value, "data_type": value} if isinstance(value, str) else value


class Tombstone(Strict):
    """A record that deletes another: the key counts, `column` has one of `values`.

    One delivery may so delete `shrink_pct` per cent of all that is held; else nothing is promoted. One record may go.
    """

    kind: Literal["tombstone"]
    column: str
    values: tuple[str, ...] = Field(min_length=1)
    shrink_pct: Percent = MAY_GO_PCT


class ReplaceBy(Strict):
    """A delivery is whole for each value of `column` in it: what we hold of that value and it lacks is deleted.

    Of one value `shrink_pct` per cent may go at once; else nothing is promoted. One record may go whatever its share.
    """

    kind: Literal["replace_by"]
    column: str
    shrink_pct: Percent = MAY_GO_PCT


Deletes = Annotated[Tombstone | ReplaceBy, Field(discriminator="kind")]


class Budget(Strict):
    """How many records may change in one way from one batch to the next: `few`, or `pct` per cent of those held."""

    few: int = Field(default=0, ge=0)
    pct: float = Field(default=0, ge=0, le=1000)


class Move(Budget):
    """A change with a budget of its own: columns of a held record, and what one of them becomes."""

    columns: tuple[str, ...] = Field(min_length=1)
    becomes: Literal["other", "empty", "filled", "later", "earlier"]
    """`empty`: a value that is taken away; `filled`: one where none was, such as the day on which something ended.
    `later` of a last day: a later one, or none, which has no end."""


COUNTED = (
    *("added", "added_late", "added_periods", "backdated", "copied", "respelled", "vanished", "emptied", "scaled"),
    *("negated", "exchanged", "leapt", "changed_number", "changed_category", "changed_date", "changed_text"),
)
"""What is counted of a batch beside the last one."""


class Change(Strict):
    """The change budget of a dataset, where it differs from `connectors/change_limits.yml`."""

    version: str | None = None
    """The part of the key in which a correction differs from what it corrects: the freshness column where the key has a
    period beside it. Without one a correction comes under the key of the record."""
    counts: dict[str, Budget] = {}
    columns: dict[str, Budget] = {}
    """By column: how many of its values may change."""
    moves: dict[str, Move] = {}
    drift: dict[
        Annotated[str, Field(pattern=r"^((kin|all)\.(median|sign|category|empty|order)|kin\.(rank|jump|moved)):")],
        float,
    ] = {}
    """By figure, as a held batch names it (`kin.order:doctors+new_graduates`): how far new records may differ in it."""

    def _rules(self) -> Rules:
        unknown = sorted(self.counts.keys() - {*COUNTED})
        yield not unknown, f"counts has no {', '.join(unknown)}; there are {', '.join(COUNTED)}"


class First(Strict):
    """What the first delivery has to look like, beside `connectors/first_limits.yml`: else it is held for a person."""

    known_pct: Percent | None = None
    """How many per cent of its codes the register of enterprises knows."""
    newest_days: int | None = Field(default=None, gt=0)
    """How old its newest record may be, where years may pass without one."""
    medians: dict[str, tuple[Decimal, Decimal]] = {}
    """By column of numbers the range of its median, signs and zeros left out: another unit lies outside."""


ChangeBudget = Annotated[Change | Unwatched, ByWords()]


class ValidTime(Strict):
    """The column with the day from which a record holds in the world, as against the day we learnt of it."""

    from_column: str


DataType = Annotated[str, Field(pattern=r"^(varchar|integer|bigint|date|timestamp|boolean|decimal\(\d+, \d+\))$")]


class PartWithinWhole(Strict):
    """A count that can never exceed another of the same record; a record that breaks it is refused."""

    name: str
    part: str
    whole: str


NUMBERS = frozenset({"integer", "bigint", "decimal"})
DAYS = ("date", "timestamp")
"""The kinds of columns that hold numbers, and those that hold days or moments."""

Word = Annotated[str, Field(coerce_numbers_to_str=True)]
Bound = Annotated[Decimal | date, Field(union_mode="left_to_right")]


class Column(Strict):
    """One typed column: the agency's field, and the rules its value must meet.

    `min` and `max` are numbers (of money in yuan, whatever the `unit`) or, of a date or timestamp, days.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data_type: DataType
    description: str = ""
    source_field: str = Field(min_length=1)
    required: bool = False
    check: Literal["uscc", "enterprise_code"] | None = None
    names: Literal["enterprise"] | None = None
    """Names of enterprises, several separated by ；: each is looked up where the record has no code and no number."""
    named_on: str | None = None
    """The column with the day on which the name was borne; without it the name may be of any day."""
    named_as: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """Of a second name in a record: the dataset under which it is listed and decided. It needs a day."""
    identifies: Literal["enterprise", "event"] | None = None
    """An agency's own number of an enterprise, or the number of an event that another dataset records. The only column
    with a `check` identifies an enterprise without saying so.
    """
    spelling: Literal["code", "text"] | None = None
    """A code has one spelling (half-width, plain hyphens); a text keeps its own. Key columns are codes by default, but
    for names: whether two spellings are one name is decided later, by the identity rules.
    """
    unit: Literal["元", "万元", "%"] | None = None
    """In which unit the agency counts. `%`: 4.35 and 4.35% are both 4.35."""
    min: Bound | None = None
    max: Bound | None = None
    values: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    missing_markers: tuple[str, ...] = ()
    missing_words: tuple[Word, ...] | None = None
    """In place of the default list of words for nothing (`hand_made.MISSING_WORDS`), which holds for text alone."""
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

    @property
    def is_identifying(self) -> bool:
        """Whether the column, which is no code, identifies whom a record is about."""
        return bool(self.names or self.identifies)

    @model_validator(mode="before")
    @classmethod
    def _identifies_by_its_name(cls, said: Any) -> Any:
        """Older files declare neither `names` nor `identifies`: the names of their columns decide."""
        if not isinstance(said, dict) or said.keys() & {"names", "identifies", "check"}:
            return said
        name = said.get("name")
        if name in _NUMBERS_BEFORE:
            return {**said, "identifies": _NUMBERS_BEFORE[name]}
        return {**said, "names": "enterprise"} if name in _NAMES_BEFORE and said.get("data_type") == "varchar" else said

    def _rules(self) -> Rules:
        kind, bounds = self.kind, [bound for bound in (self.min, self.max) if bound is not None]
        wanted = date if kind in DAYS else Decimal if kind in NUMBERS else ()
        fit = all(isinstance(bound, wanted) for bound in bounds)
        yield fit, f"{self.name}: min and max go with numbers, or as days with dates"
        in_order = len(bounds) < 2 or bounds[0] <= bounds[1]  # type: ignore[operator]
        yield in_order, f"{self.name}: min {self.min} lies above max {self.max}"
        for word, kinds in _GOES_WITH.items():
            fault = f"{self.name}: {word} goes with {' or '.join(kinds)}, not with {kind}"
            yield getattr(self, word) is None or kind in kinds, fault
        yield self.unit != "万元" or kind == "decimal", f"{self.name}: unit 万元 goes with decimal, not with {kind}"
        fault = f"{self.name}: is_true and is_false go together and share no word"
        yield (self.is_true is None) == (self.is_false is None), fault
        yes, no = ({word.casefold() for word in words or ()} for words in (self.is_true, self.is_false))
        yield not yes & no, fault
        never = [word for word in self.values or () if not word or word.strip() not in (self.values or ())]
        never += [word for word in self.missing_markers if word != word.strip()]
        yield not never, f"{self.name}: no value is empty or has blanks around it: {', '.join(map(repr, never))}"
        digits, decimals = (int(one) for one in (re.findall(r"\d+", self.data_type) or (1, 0)))
        fault = f"{self.name}: {self.data_type} has 38 digits at most, and no more decimals than digits"
        yield 1 <= digits <= 38 and decimals <= digits, fault
        fault = f"{self.name}: named_on goes with names, and named_as with named_on"
        yield (self.names or not self.named_on) and (self.named_on or not self.named_as), fault


_NAMES_BEFORE = (
    *("enterprise_name", "applicants", "winner_name", "owner_name", "employer_name", "drafter_name", "contestant_name"),
    *("taxpayer_name", "unit_name", "name"),
)
_NUMBERS_BEFORE = {"unit_no": "enterprise", "event_no": "event"}
_GOES_WITH = {
    "check": ("varchar",),
    "values": ("varchar",),
    "names": ("varchar",),
    "spelling": ("varchar",),
    "is_true": ("boolean",),
    "is_false": ("boolean",),
    "time": ("date",),
    "epoch": DAYS,
}


class Dataset(Strict):
    """One dataset of an agency."""

    source: str
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: NonEmptyText
    critical: bool
    coverage: Literal["full", "partial"]
    load: Literal["snapshot", "upsert"]
    key: tuple[str, ...] = Field(min_length=1)
    record_ref: tuple[str, ...] = ()
    """The columns by which people refer to a record, where not by its key: a monthly list has the month in its key."""
    request: Request
    paginator: Paginator | None = None
    decoder: Decoder
    volume: Volume
    freshness: Annotated[Freshness | Unwatched, ByWords()]
    rhythm: Annotated[Rhythm | Unwatched, ByWords()] | None = None
    continuity: Continuity
    change: ChangeBudget = Change()
    first: First | None = None
    schema_contract: SchemaContract = SchemaContract()
    deletes: Deletes | None = None
    valid: ValidTime | None = None
    rules: tuple[PartWithinWhole, ...] = ()
    columns: tuple[Column, ...] = Field(min_length=1)

    def _rules(self) -> Rules:
        kinds = {column.name: column.kind for column in self.columns}
        yield len(kinds) == len(self.columns), "two columns have the same name"
        unknown = sorted({*self.key, *self.record_ref, *_columns_named(self)} - kinds.keys())
        yield not unknown, f"no such column: {', '.join(unknown)}"
        yield len({*self.key}) == len(self.key), "a column stands twice in the key"
        pairs = {rule.name: {kinds[rule.part], kinds[rule.whole]} for rule in self.rules}
        odd = [name for name, pair in pairs.items() if not (pair <= NUMBERS or (len(pair) == 1 and pair <= {*DAYS}))]
        yield not odd, f"a part and its whole are numbers, or days of one type: {', '.join(odd)}"
        optional = [c.name for c in self.columns if c.name in self.key and not c.required]
        yield not optional, f"a key column must be required: {', '.join(optional)}"
        wrong = sorted(name for name in (self.first.medians if self.first else ()) if kinds[name] not in NUMBERS)
        yield not wrong, f"a median is of numbers: {', '.join(wrong)}"
        wrong = sorted({name for name in _dated(self) if kinds[name] not in DAYS})
        yield not wrong, f"must be of type date or timestamp: {', '.join(wrong)}"
        fault = "since and deletes go with load: upsert; a snapshot is whole by itself"
        yield self.load == "upsert" or (self.since is None and self.deletes is None), fault
        fault = "deletes replace_by does not go with since: a night brings what changed, never a whole"
        yield self.since is None or not isinstance(self.deletes, ReplaceBy), fault
        fault = "takes: newest goes with load: snapshot; an upsert takes each file that is new"
        yield self.load == "snapshot" or getattr(self.request, "takes", "all") == "all", fault
        if isinstance(request := self.request, RestRequest):
            fault = "a paginator goes with a path, and a job has none"
            yield (request.job is None) == (self.paginator is not None), fault
            is_post = request.method == "POST"
            yield is_post or not isinstance(self.paginator, TokenInPost), "paginator post_token goes with method POST"
            is_json = isinstance(self.decoder, JsonDecoder) and self.decoder.archive is None
            kind = getattr(self.paginator, "kind", None)
            fault = f"paginator {kind} reads from JSON, as it comes: take cursor_header, link_header or a plain single"
            yield is_json or self.paginator is None or not self.paginator.needs_json, fault

    @model_validator(mode="after")
    def _completes_columns(self) -> "Dataset":
        # The model is frozen from here on.
        object.__setattr__(self, "columns", tuple(map(self._completed, self.columns)))
        return self

    def _completed(self, column: Column) -> Column:
        """A key is a code by default, but for names; and a word that deletes does not mean a missing value."""
        more: dict[str, Any] = {}
        if column.name in self.key and not column.spelling and not column.name.endswith("name"):
            more["spelling"] = "code"
        deletes = self.deletes if isinstance(self.deletes, Tombstone) and self.deletes.column == column.name else None
        if column.missing_words is None and deletes and MISSING_WORDS & set(deletes.values):
            more["missing_words"] = tuple(sorted(MISSING_WORDS - set(deletes.values)))
        return column.model_copy(update=more) if more and column.kind == "varchar" else column

    @property
    def is_whole(self) -> bool:
        """Whether one answer over HTTP is taken for the whole: files may be the pages of something."""
        kind = None if self.paginator is None else self.paginator.kind
        return isinstance(self.request, RestRequest) and kind in (None, "single")

    @property
    def address(self) -> str:
        """`source.dataset`, as people and the zone file write it."""
        return f"{self.source}.{self.name}"

    @property
    def own_rhythm(self) -> Rhythm | None:
        """How often the content should change: as declared, or within the days of `freshness`; None where unwatched."""
        if self.rhythm is None:
            return Rhythm(days=max(getattr(self.freshness, "days", QUIET_DAYS), 1))
        return self.rhythm if isinstance(self.rhythm, Rhythm) else None

    @property
    def codes(self) -> tuple[Column, ...]:
        """The column whose code identifies whom a record is about; in a register list that links two codes, both."""
        checked = tuple(column for column in self.columns if column.check)
        return tuple(column for column in checked if column.identifies == "enterprise") or checked

    @property
    def identifying(self) -> tuple[Column, ...]:
        """The columns that identify whom a record is about beside its code: names, numbers, an event's number."""
        named = [column for column in self.columns if column.is_identifying and not column.check]
        return tuple(sorted(named, key=lambda column: (not column.names, column.identifies == "event")))

    @property
    def since(self) -> Since | SinceColumn | None:
        """How a change feed requests what is new; None where the whole is read each time."""
        return None if isinstance(self.request, FileRequest) else self.request.since

    def column(self, name: str) -> Column:
        """One column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def parent(self) -> str | None:
        """The dataset of the same source that must be pulled before this one."""
        return self.partition.dataset if self.partition else None

    @property
    def partition(self) -> Partition | None:
        """By which values requests are made, one for each; None where one request is for all."""
        return self.request.partition if isinstance(self.request, RestRequest) else None


def _columns_named(dataset: Dataset) -> Iterator[str]:
    for rule in dataset.rules:
        yield from (rule.part, rule.whole)
    words = ("column", "by", "from_column", "version")
    for part in (dataset.freshness, dataset.continuity, dataset.deletes, dataset.since, dataset.valid, dataset.change):
        yield from (name for word in words if (name := getattr(part, word, None)) is not None)
    yield from (column.named_on for column in dataset.columns if column.named_on)
    if dataset.first is not None:
        yield from dataset.first.medians
    if isinstance(change := dataset.change, Change):
        yield from change.columns
        yield from (name for figure in change.drift for name in figure.partition(":")[2].split("+"))
        yield from (name for move in change.moves.values() for name in move.columns)


def _dated(dataset: Dataset) -> Iterator[str]:
    """The columns that must hold days or moments."""
    yield from (one.column for one in (dataset.freshness, dataset.continuity) if isinstance(one, (Freshness, NoGap)))
    yield from (column.named_on for column in dataset.columns if column.named_on)
    if dataset.valid is not None:
        yield dataset.valid.from_column
    if dataset.since is not None:
        yield dataset.since.column


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
    description: NonEmptyText
    agency: BilingualTitle
    schedule: str | None = Field(default=None, pattern=r"^\S+( \S+){4}$")
    """When it is pulled beside the night, in the zone's time, as cron writes it: `jifen deploy` has Prefect do so."""
    driver: Literal["rest", "sftp", "folder", "database"]
    connection: Connection
    datasets: tuple[Dataset, ...] = Field(min_length=1)
    sha256: str

    def _rules(self) -> Rules:
        before: dict[str, set[str]] = {}
        for dataset in self.datasets:
            name, decoder = dataset.name, dataset.decoder
            fault = f"{name}: a paginator goes with driver rest, and only with it"
            yield self.driver == "rest" or dataset.paginator is None, fault
            if self.driver == "database":
                yield isinstance(decoder, JsonDecoder), f"{name}: driver database gives JSON"
                fault = f"{name}: driver database needs `records: rows` under decoder, or no decoder"
                yield getattr(decoder, "records", None) == "rows", fault
            if (partition := dataset.partition) and partition.dataset:
                fault = f"{name}: no column {partition.dataset}.{partition.column} in a dataset that stands before it"
                yield partition.column in before.get(partition.dataset, set()), fault
            before[name] = {column.name for column in dataset.columns}
        yield len(before) == len(self.datasets), "two datasets have the same name"

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
