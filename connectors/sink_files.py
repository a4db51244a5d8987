"""What a sink file may say: one recipient, what it gets, what is left out and why."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, PrivateAttr, TypeAdapter, model_validator

from connectors.drivers.auth import Basic, Bearer, MutualTls
from connectors.errors import ConfigError
from connectors.source_files import faults_of
from connectors.spec import Answered, SftpConnection
from connectors.strict import BilingualTitle, NonEmptyText, Rules, Strict, Variable, variables_in
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

SINKS_DIR = PROJECT_DIR / "connectors" / "sinks"
EVENTS = {
    name: f"cn.jifen.{name.replace('_', '.', 1)}.v1"
    for name in (
        *("edition_published", "edition_corrected", "edition_withdrawn"),
        *("policy_gained", "policy_near_miss", "policy_lost", "product_opened", "credit_changed", "subsidy_list"),
        *("gate_blocked", "source_stale", "delivery_late", "recall", "night_needs_attention", "message_dead"),
        "night_recovered",
    )
}
"""The events that a channel may be sent, each with the type of its CloudEvent."""
DIGEST = "cn.jifen.digest.v1"
DEFAULT_EVENTS = {
    "notice": ("edition_published", "edition_corrected", "edition_withdrawn"),
    "alert": ("night_needs_attention", "night_recovered", "message_dead"),
}
"""The events of a channel whose file names none, by its kind."""
Format = Literal["csv", "csv-gb18030", "parquet", "xlsx"]
UNDECIDED = "not decided yet"
"""What a draft holds where a person has to decide: nothing is sent while it stands in a file."""


class WebhookConnection(Strict):
    """Where messages are posted, and the variable of the secret that signs them: a bot may have none."""

    url: Variable
    secret: Variable | None = None


class MailConnection(Strict):
    """The mail server and the account there, who sends and who gets the mails: addresses with blanks between them."""

    host: Variable
    port: Variable
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: Variable | None = None
    password: Variable | None = None
    sender: Variable
    to: Variable

    def needed(self) -> dict[str, Variable]:
        """The variables that this connection names, by what they hold."""
        named = ("host", "port", "user", "password", "sender", "to")
        return {name: one for name in named if (one := getattr(self, name)) is not None}

    def _rules(self) -> Rules:
        yield (self.user is None) == (self.password is None), "an account has user and password"
        yield self.user is None or self.tls != "none", "a password goes over TLS"


class HttpsConnection(Strict):
    """A recipient's WebDAV folder: its address, how it knows us, and its authority where that is no public one."""

    url: Variable
    auth: Annotated[Bearer | Basic | MutualTls, Field(discriminator="kind")]
    ca: Variable | None = None


class S3Connection(Strict):
    """A bucket of an S3-compatible store: the store's address, the bucket, and the key pair of the account there."""

    url: Variable
    bucket: Variable
    access_key: Variable
    secret_key: Variable
    region: str = "us-east-1"
    ca: Variable | None = None


class _Sink(Strict):
    name: str
    title: BilingualTitle
    _file: Path | None = PrivateAttr(None)

    def read_from(self, path: Path) -> Self:
        """Set the file it stands in: a draft lies elsewhere than the others."""
        self._file = path
        return self

    @property
    def place(self) -> str:
        """Its file, for error messages."""
        path = self._file or SINKS_DIR / f"{self.name}.yml"
        return str(path.relative_to(PROJECT_DIR) if path.is_relative_to(PROJECT_DIR) else path)

    def variables(self) -> list[str]:
        """The names of every variable this sink needs, sorted."""
        return sorted(variables_in(self))


class Granted(Strict):
    """What a recipient gets of one extract: each column is sent, sent as a band, or left out with the reason."""

    fields: tuple[str, ...] = Field(min_length=1)
    omitted: dict[str, NonEmptyText] = {}
    bands: dict[str, Annotated[tuple[Decimal, ...], Field(min_length=1)]] = {}
    """Columns of numbers that are sent as a band: the edges, each the lower end of the band above it."""

    def _rules(self) -> Rules:
        yield "uscc" in self.fields, "a recipient knows rows by uscc: put it under fields"
        yield set(self.bands) <= set(self.fields), "a band is made of a column under fields"
        rise = all(sorted(set(edges)) == list(edges) for edges in self.bands.values())
        yield rise, "the edges of bands rise, and none stands twice"


class Sealing(Strict):
    """Variables that hold paths of key files, ours and the recipient's.

    OpenPGP, sign then encrypt, where they stand for themselves; under `age` they are a minisign key and age recipients,
    under `gm` SM2 keys.
    """

    kind: Literal["openpgp", "age", "gm"] = "openpgp"
    signing_key: Variable
    recipient_keys: Variable

    @model_validator(mode="before")
    @classmethod
    def _under_its_kind(cls, stated: Any) -> Any:
        kind = next(iter(stated)) if isinstance(stated, dict) and len(stated) == 1 else None
        return {"kind": kind, **stated[kind]} if kind in ("age", "gm") else stated


class Acknowledgement(Strict):
    """The folder in which a recipient leaves its answers, and in how many working days it does."""

    folder: str
    working_days: int = Field(ge=1, le=60)


class NoticeFields(Strict):
    """What the recipient may hand to an enterprise that it decides on: score, its range, key factors, day, issuer."""

    table: str
    score: str
    maximum: int = Field(gt=0)
    key_factors: str


class ExtractSink(_Sink):
    """A recipient of files: which tables, for which purposes, what becomes of each column, how they go.

    By `consent` it gets rows of extracts, as enterprises consented to it. By `mandate` it gets tables of the edition
    whole, because of its office: `legal_basis` says which, `data_classes` what kinds of data that covers.
    """

    kind: Literal["extract"]
    driver: Literal["sftp", "https", "s3"]
    connection: SftpConnection | HttpsConnection | S3Connection
    folder: str
    format: Format = "csv"
    sealed: Sealing | None = None
    unsealed: NonEmptyText | None = None
    """Why packages go unsealed, where they do."""
    acknowledged: Acknowledgement | None = None
    grant: Literal["consent", "mandate"] = "consent"
    data_classes: tuple[NonEmptyText, ...] = ()
    purposes: tuple[NonEmptyText, ...] = Field(min_length=1)
    legal_basis: NonEmptyText
    issuer: BilingualTitle
    notice: NoticeFields | None = None
    tables: dict[str, Granted] = Field(min_length=1)

    def _rules(self) -> Rules:
        fault = "a package is sealed, or unsealed says why not: one of the two"
        yield (self.sealed is None) != (self.unsealed is None), fault
        kind = {"sftp": SftpConnection, "https": HttpsConnection, "s3": S3Connection}[self.driver]
        yield isinstance(self.connection, kind), f"the connection is none of driver {self.driver}"
        fault = "a mandate names its data_classes; a consent names them itself"
        yield bool(self.data_classes) == (self.grant == "mandate"), fault
        fault = "a recipient leaves its answers in another folder than the one that packages go to"
        yield self.acknowledged is None or self.acknowledged.folder.strip("/") != self.folder.strip("/"), fault
        if (notice := self.notice) is not None:
            taken = self.tables[notice.table].fields if notice.table in self.tables else ()
            fault = "a notice is made of columns that the recipient gets"
            yield {notice.score, notice.key_factors} <= set(taken), fault

    @property
    def openpgp(self) -> Sealing | None:
        """Its keys where they are of OpenPGP, which expire."""
        return self.sealed if self.sealed and self.sealed.kind == "openpgp" else None

    def require_decided(self) -> None:
        """Nothing in the file is left as the draft had it; else a `ConfigError`, before anything is sent."""
        if left := list(_undecided(self.model_dump())):
            places = ", ".join(place.replace("tables.", "").replace(".omitted", "") for place in left)
            raise ConfigError(f"not decided yet: {places}.", self.place, "fill them in")

    def check_columns(self, extract: str, columns: Sequence[str]) -> None:
        """Each column is sent or left out on purpose; else a `ConfigError`, before anything is sent."""
        granted = self.tables[extract]
        decided = {*granted.fields, *granted.omitted}
        problems = {
            "undecided": set(columns) - decided,
            "named but not there": decided - set(columns),
            "under both": set(granted.fields) & set(granted.omitted),
            "twice": {name for name in granted.fields if granted.fields.count(name) > 1},
        }
        if found := "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in problems.items() if names):
            what = f"columns of {extract} are not decided on ({found})."
            raise ConfigError(what, self.place, "put each column under fields or omitted")


def _undecided(part: Any, place: str = "") -> Iterator[str]:
    """The places in a part of a file that are not decided yet."""
    if part == UNDECIDED:
        yield place
    elif isinstance(part, Mapping):
        for name, one in part.items():
            yield from _undecided(one, f"{place}.{name}" if place else name)
    elif isinstance(part, tuple):
        for one in part:
            yield from _undecided(one, place)


class NoticeSink(_Sink):
    """A recipient of messages, and how its answer confirms receipt.

    `notice` reports each edition, `alert` reports to operators each night to look at. Without `answered` an answer must
    be no page of HTML, and must not report an error by a field in common use (code, errcode, success, error, status): a
    chat bot refuses with HTTP 200. `details` is what events say beyond that they happened: by policy how many are
    eligible, newly and no longer (`counts`), or beside all counts of enterprises their codes (`enterprises`). It was
    once called `policies`.
    """

    kind: Literal["notice", "alert"]
    driver: Literal["webhook", "wecom", "dingtalk", "feishu", "mail"]
    connection: WebhookConnection | MailConnection
    statuses: tuple[int, ...] = Field(default=(200, 201, 202, 204), min_length=1)
    answered: Answered | None = None
    details: Literal["counts", "enterprises"] | None = Field(
        default=None, validation_alias=AliasChoices("details", "policies")
    )

    events: tuple[str, ...] = ()
    """Which of `EVENTS` it is sent; where none is named, those of its kind."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The events that it is sent."""
        return self.events or DEFAULT_EVENTS[self.kind]

    @property
    def posted_to(self) -> WebhookConnection:
        """The connection of a channel that is called by HTTP."""
        if isinstance(self.connection, MailConnection):
            raise TypeError(f"{self.name} gets mails")
        return self.connection

    @property
    def mailed_to(self) -> MailConnection:
        """The connection of a channel that gets mails."""
        if isinstance(self.connection, MailConnection):
            return self.connection
        raise TypeError(f"{self.name} gets no mails")

    @property
    def is_text(self) -> bool:
        """Whether the channel takes a text for people: then it gets one digest, and not each event."""
        return self.driver != "webhook"

    def _rules(self) -> Rules:
        is_mail = isinstance(self.connection, MailConnection)
        unknown = sorted(set(self.events) - EVENTS.keys())
        yield not unknown, f"no events {', '.join(unknown)}; there are {', '.join(EVENTS)}"
        yield is_mail == (self.driver == "mail"), "a mail goes to host, port, sender and to; all else to a url"
        has_secret = isinstance(self.connection, WebhookConnection) and self.connection.secret is not None
        yield self.driver != "webhook" or has_secret, "a webhook is signed: name the variable of its secret"
        yield self.driver != "wecom" or not has_secret, "the key of a WeCom bot stands in its url"
        yield self.driver == "webhook" or self.answered is None, "what a bot or a mail server answers is known"


class ReturnsSink(_Sink):
    """An agency that gets its return files 回执 back: which source it is, and the folder they are left in."""

    kind: Literal["returns"]
    source: str
    driver: Literal["sftp"]
    connection: SftpConnection
    folder: str


Sink = ExtractSink | NoticeSink | ReturnsSink
_Declared = Annotated[ExtractSink | NoticeSink | ReturnsSink, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Sink] = TypeAdapter(_Declared)


def read_sinks(folder: Path = SINKS_DIR) -> list[Sink]:
    """Every sink file of a folder, in order of name; its stem is its name. A source has one that gets its returns."""
    sinks = [_read_sink(path) for path in sorted(folder.glob("*.yml"))]
    taken: dict[str, str] = {}
    for sink in sinks:
        if isinstance(sink, ReturnsSink) and taken.setdefault(sink.source, sink.name) != sink.name:
            what = f"gets the returns of {sink.source}, and so does {taken[sink.source]}."
            raise ConfigError(what, sink.place, "keep one of the two")
    return sinks


def readable_sinks(folder: Path = SINKS_DIR) -> list[Sink]:
    """Every sink that can be read, so that operators can be notified of a broken file other than their own."""
    found: list[Sink] = []
    for path in sorted(folder.glob("*.yml")):
        with suppress(ConfigError, OSError):
            found.append(_read_sink(path))
    return found


def alert_channels(sinks: Sequence[Sink], environ: Mapping[str, str]) -> list[NoticeSink]:
    """The operators' channels of this installation: one of whose variables none is set is no channel."""
    declared = [sink for sink in sinks if isinstance(sink, NoticeSink) and sink.kind == "alert"]
    return [sink for sink in declared if any(environ.get(name) for name in sink.variables())]


def night_channels(sinks: Sequence[Sink], environ: Mapping[str, str]) -> list[NoticeSink]:
    """The channels that may be sent events of a night: the operators', and those for notices."""
    notices = [sink for sink in sinks if isinstance(sink, NoticeSink) and sink.kind == "notice"]
    return [*alert_channels(sinks, environ), *notices]


def _read_sink(path: Path) -> Sink:
    try:
        return _ADAPTER.validate_python({**read_yaml(path.read_bytes()), "name": path.stem}).read_from(path)
    except (ValueError, TypeError) as error:
        problem = f"not a valid sink file: {faults_of(error, _Declared)}."
        raise ConfigError(problem, str(path), "fix it, then jifen sink check") from None
