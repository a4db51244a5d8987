"""What to ask an agency for: one class of request for each driver."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from connectors.spec.base import DottedPath, Headers, Strict, UrlPath


class Since(Strict):
    """A change feed: ask for what changed since the newest value of `column` that we hold, less the lookback.

    The bound is included: what changed in the same second as the newest we hold is asked for again and upserted.
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
    """Ask once for each value: of a list that stands here, or of a column of a dataset pulled before (its parent).

    The value goes where the path says `{name}`, or into the query under `param`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    param: str | None = None
    values: tuple[str, ...] | None = None
    dataset: str | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Partition":
        if (self.values is None) == (self.dataset is None) or (self.dataset is None) != (self.column is None):
            raise ValueError("a partition takes its values from a list, or from dataset and column: name one of them")
        return self


class Answered(Strict):
    """An agency that answers everything with HTTP 200 and tells in the body how it went."""

    code: DottedPath
    ok: tuple[str, ...] = Field(min_length=1)
    retry: tuple[str, ...] = ()
    """Codes that another attempt may cure (busy, too many requests); every other code is a refusal."""
    expired: tuple[str, ...] = ()
    """Codes that tell of a token or session that has died: a new one is asked for, as after a 401."""
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

    @model_validator(mode="after")
    def _one_place(self) -> "ReportJob":
        if (self.download_path is None) == (self.download_url is None):
            raise ValueError("a report is fetched from download_path or from download_url: name one of them")
        return self


class RestRequest(Strict):
    """What to ask a REST agency."""

    path: UrlPath | None = None
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str] = {}
    headers: Headers = {}
    body: dict[str, Any] = {}
    """A parameter that stands here (`page.no`: inside a part) goes into the body, as a number where a number stands."""
    body_as: Literal["json", "form"] = "json"
    since: Since | None = None
    partition: Partition | None = None
    answered: Answered | None = None
    job: ReportJob | None = None

    @model_validator(mode="after")
    def _path_or_job(self) -> "RestRequest":
        if (self.path is None) == (self.job is None):
            raise ValueError("a request has a path or a job: name one of them")
        if self.body and self.method != "POST":
            raise ValueError("a body goes with method POST")
        if self.body_as == "form" and any(isinstance(value, (dict, list)) for value in self.body.values()):
            raise ValueError("a form holds plain values only: take body_as out for a body of JSON")
        return self


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
    """Which file is the later one stands in its name: in the groups of `pattern`, numbers compared as numbers."""

    by: Literal["name"]
    pattern: str

    @model_validator(mode="after")
    def _has_groups(self) -> "OrderByName":
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise ValueError(f"order: the pattern is no regular expression ({error})") from None
        if not groups:
            raise ValueError("order: the pattern needs a group, as in loans_(\\d{8})-(\\d+)\\.csv")
        return self


class OrderByTime(Strict):
    """The file with the later time of change on the server is the later one."""

    by: Literal["time"] = "time"


class FileRequest(Strict):
    """Which files to fetch from a folder, by SFTP or from this machine, and how to know that one is whole.

    `order` tells which of two files is the later one. `takes`: all files of a snapshot together make the whole, or each
    is whole and the newest alone counts. `ignore`: names that may lie there and are nothing to us.
    """

    folder: str
    pattern: str
    ready: Annotated[StableSize | Flag | Manifest, Field(discriminator="kind")] | None = None
    order: Annotated[OrderByTime | OrderByName, Field(discriminator="by")] = OrderByTime()
    takes: Literal["all", "newest"] = "all"
    ignore: tuple[str, ...] = ()


class DatabaseRequest(Strict):
    """Which table to read, and how many rows make a page."""

    table: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    size: int = Field(gt=0)
    since: SinceColumn | None = None


Request = RestRequest | FileRequest | DatabaseRequest
