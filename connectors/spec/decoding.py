"""In which form the records come: one class for each `kind` of decoder."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from connectors.spec.base import DottedPath, Strict

Encoding = Literal["utf-8", "gb18030", "gbk", "utf-16"]
"""UTF-8 and UTF-16 with or without a byte order mark."""


class _Packed(Strict):
    archive: Literal["zip", "gzip"] | None = None
    member: str | None = None
    """Which member of a zip: a pattern that exactly one name must match."""

    @model_validator(mode="after")
    def _member_of_zip(self) -> "_Packed":
        if self.member is not None and self.archive != "zip":
            raise ValueError("a member goes with archive zip")
        return self


class _Text(_Packed):
    encoding: Encoding | tuple[Encoding, ...] = "utf-8"
    """One, or those that this agency is known to use: tried in this order, and a file must fit one without a fault."""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """The encodings a file may have, in the order they are tried."""
        return (self.encoding,) if isinstance(self.encoding, str) else self.encoding


class Trailer(Strict):
    """The last line of a file: a marker, then count and sum at stated places (1 is the marker itself)."""

    marker: str
    count: int = Field(ge=2)
    sum: int = Field(ge=2)
    sum_field: str


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

    @field_validator("ends_at")
    @classmethod
    def _words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word.strip() for word in words):
            raise ValueError("an empty word would end the table at once")
        return words


class CsvDecoder(_Text, _Table):
    """Delimited text with a header line, with or without a control-total trailer."""

    kind: Literal["csv"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: Literal['"', "'", "none"] = '"'
    """What encloses a field; `none`: quotation marks are signs like others."""
    multiline: bool | Literal["any"] = False
    """Whether an enclosed field may hold a line end. Where it may not, a mark left open is an error and not a merge; so
    is a field that reads like the end of one row and the head of another, but under `any`, where it is counted."""
    trailer: Trailer | None = None

    @model_validator(mode="after")
    def _line_ends_in_quotes(self) -> "CsvDecoder":
        if self.multiline and self.quote == "none":
            raise ValueError("multiline goes with a quote: nothing else says where a field ends")
        return self


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
    """Name of the sheet; without it the workbook must have exactly one."""
    header_rows: int = Field(default=1, ge=1, le=4)


class ParquetDecoder(_Packed):
    """Apache Parquet."""

    kind: Literal["parquet"]


Decoder = Annotated[
    JsonDecoder | JsonLinesDecoder | CsvDecoder | XmlDecoder | XlsxDecoder | ParquetDecoder,
    Field(discriminator="kind"),
]
