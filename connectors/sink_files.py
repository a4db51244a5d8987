"""What a sink file may say: one recipient, what it gets, what is left out and why."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from connectors.errors import ConfigError
from connectors.source_files import faults_of
from connectors.spec import Answered, SftpConnection
from connectors.strict import BilingualTitle, Strict, Told, Variable, variables_in
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

SINKS_DIR = PROJECT_DIR / "connectors" / "sinks"


class WebhookConnection(Strict):
    """Where messages are posted, and the variable of the secret that signs them."""

    url: Variable
    secret: Variable


class _Sink(Strict):
    name: str
    title: BilingualTitle

    def variables(self) -> list[str]:
        """The names of every variable this sink needs, sorted."""
        return sorted(variables_in(self))


class ExtractSink(_Sink):
    """A recipient of a file: the extract it is cut from, the purposes it may serve, and what becomes of each column."""

    kind: Literal["extract"]
    driver: Literal["sftp"]
    connection: SftpConnection
    folder: str
    extract: str
    purposes: tuple[str, ...] = Field(min_length=1)
    fields: tuple[str, ...] = Field(min_length=1)
    omitted: dict[str, Told]

    def check_columns(self, columns: list[str]) -> None:
        """Each column is sent or left out on purpose; else a `ConfigError`, before anything is sent."""
        decided = {*self.fields, *self.omitted}
        undecided, unknown = sorted(set(columns) - decided), sorted(decided - set(columns))
        both = set(self.fields) & set(self.omitted)
        if undecided or unknown or both:
            raise ConfigError(
                f"columns of {self.extract} undecided: {undecided}; named but not there: {unknown}; "
                f"under both: {sorted(both)}.",
                f"connectors/sinks/{self.name}.yml",
                "put each column under fields or omitted",
            )


class NoticeSink(_Sink):
    """A recipient of messages, and how it tells that it took one.

    `notice` tells of each edition, `alert` tells operators of each night to look at. Without `answered` an answer must
    be no page of HTML, and must not say no by one of the names in common use (code, errcode, success, error, status): a
    chat bot refuses with HTTP 200. `policies` is what a `notice` says of each policy: how many are eligible, newly and
    no longer (`counts`), or beside them the codes of those on its list (`enterprises`).
    """

    kind: Literal["notice", "alert"]
    driver: Literal["webhook"]
    connection: WebhookConnection
    statuses: tuple[int, ...] = Field(default=(200, 201, 202, 204), min_length=1)
    answered: Answered | None = None
    policies: Literal["counts", "enterprises"] | None = None


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
            raise ConfigError(
                f"gets the returns of {sink.source}, and so does {taken[sink.source]}.",
                f"connectors/sinks/{sink.name}.yml",
                "keep one of the two",
            )
    return sinks


def readable_sinks(folder: Path = SINKS_DIR) -> list[Sink]:
    """Every sink that can be read: operators are told of a broken file, theirs excepted."""
    found: list[Sink] = []
    for path in sorted(folder.glob("*.yml")):
        with suppress(ConfigError, OSError):
            found.append(_read_sink(path))
    return found


def alert_channels(sinks: Sequence[Sink], environ: Mapping[str, str]) -> list[NoticeSink]:
    """The operators' channels of this installation: one of whose variables none is set is no channel."""
    declared = [sink for sink in sinks if isinstance(sink, NoticeSink) and sink.kind == "alert"]
    return [sink for sink in declared if any(environ.get(name) for name in sink.variables())]


def _read_sink(path: Path) -> Sink:
    try:
        return _ADAPTER.validate_python({**read_yaml(path.read_bytes()), "name": path.stem})
    except (ValueError, TypeError) as error:
        problem = f"not a valid sink file: {faults_of(error, _Declared)}."
        raise ConfigError(problem, str(path), "mend it, then jifen source check") from None
