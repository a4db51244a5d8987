"""Every kind of fault that a simulated agency can show, and what a sound client makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.drivers.auth import OAuth2ClientCredentials, SessionLogin, SignedRequest
from connectors.drivers.paging import (
    CursorInBody,
    CursorInHeader,
    Keyset,
    LinkHeader,
    NextLink,
    Offset,
    PageNumber,
    SinglePage,
    TimeWindow,
    TokenInPost,
)
from connectors.spec import (
    Answered,
    CsvDecoder,
    Dataset,
    FileRequest,
    Flag,
    JsonDecoder,
    JsonLinesDecoder,
    Manifest,
    ReplaceBy,
    RestConnection,
    RestRequest,
    Source,
    XlsxDecoder,
)
from sandbox.standin import planted
from sandbox.standin.kind_rows import ROWS
from sandbox.standin.planted import PLANTED, Expected


@dataclass(frozen=True)
class FaultKind:
    """One way to fail.

    `expected`: "right" (tried again or tolerated: what lands equals the truth), "loud" (the dataset stops with an error
    and nothing is promoted, or exactly the records it touches are refused with a reason), or "either" of the two.
    `times` is how often it strikes unless a plan says otherwise; None: as long as it is in force. `stage` is where in
    an answer it sets in. `later`: what it holds back may be left for the next run, and must land then. `again`: it
    strikes what was pulled in health before.
    """

    name: str
    does: str
    drivers: tuple[str, ...]
    expected: Expected
    stage: str
    times: int | None
    needs: tuple[str, ...] = ()
    later: bool = False
    again: bool = False

    def applies(self, source: Source, dataset: Dataset) -> bool:
        """Whether this kind can strike this dataset at all."""
        if self.name in PLANTED:
            return planted.applies(PLANTED[self.name], source.driver, dataset)
        return source.driver in self.drivers and all(_NEEDS[word](source, dataset) for word in self.needs)


def kinds_for(source: Source, dataset: Dataset) -> list[FaultKind]:
    """The kinds that can strike a dataset, in the catalogue's order."""
    return [kind for kind in FAULT_KINDS.values() if kind.applies(source, dataset)]


def _request(dataset: Dataset) -> RestRequest | None:
    return dataset.request if isinstance(dataset.request, RestRequest) else None


def _auth(source: Source) -> object:
    return source.connection.auth if isinstance(source.connection, RestConnection) else None


def _has_total(dataset: Dataset) -> bool:
    paginator = dataset.paginator.inner if isinstance(dataset.paginator, TimeWindow) else dataset.paginator
    return isinstance(dataset.decoder, JsonDecoder) and getattr(paginator, "total", None) is not None


def _ready(dataset: Dataset) -> object:
    return dataset.request.ready if isinstance(dataset.request, FileRequest) else None


def _packed(dataset: Dataset) -> str | None:
    return getattr(dataset.decoder, "archive", None)


def _has_chinese(dataset: Dataset) -> bool:
    """Whether what is sent has signs beyond ASCII: in field names, values or free text."""
    texts = [c for c in dataset.columns if c.data_type == "varchar" and not c.check and c.name not in dataset.key]
    named = any(not column.source_field.isascii() for column in dataset.columns)
    return named or any(c.values is None or not "".join(c.values).isascii() for c in texts)


_TOKENS: Final = (CursorInBody, CursorInHeader, NextLink, LinkHeader, TokenInPost)

_NEEDS: Final[Mapping[str, Callable[[Source, Dataset], bool]]] = {
    "json": lambda _s, d: isinstance(d.decoder, JsonDecoder),
    "envelope": lambda _s, d: isinstance(d.decoder, JsonDecoder) and d.decoder.records is not None,
    "json_or_lines": lambda _s, d: isinstance(d.decoder, (JsonDecoder, JsonLinesDecoder)),
    "text": lambda _s, d: isinstance(d.decoder, (JsonDecoder, JsonLinesDecoder, CsvDecoder)),
    # Bare lines without any are a page without records: nobody could tell.
    "never_empty": lambda _s, d: not isinstance(d.decoder, JsonLinesDecoder) or _packed(d) is not None,
    "csv": lambda _s, d: isinstance(d.decoder, CsvDecoder),
    "xlsx": lambda _s, d: isinstance(d.decoder, XlsxDecoder),
    "rows": lambda _s, d: isinstance(d.decoder, (CsvDecoder, XlsxDecoder)),
    "corrected": lambda _s, d: (
        d.load == "upsert"
        and not isinstance(d.deletes, ReplaceBy)
        and isinstance(d.request, FileRequest)
        and d.request.order.by == "time"
    ),
    "replaced": lambda _s, d: isinstance(d.deletes, ReplaceBy),
    "utf8": lambda _s, d: getattr(d.decoder, "encoding", "utf-8") == "utf-8",
    "unpacked": lambda _s, d: _packed(d) is None,
    "zip": lambda _s, d: _packed(d) == "zip",
    "archive": lambda _s, d: _packed(d) is not None,
    "total": lambda _s, d: _has_total(d),
    "tokens": lambda _s, d: isinstance(d.paginator, _TOKENS),
    "links": lambda _s, d: isinstance(d.paginator, (NextLink, LinkHeader)),
    "pages": lambda _s, d: d.paginator is not None and not isinstance(d.paginator, SinglePage),
    # Without a number of records nothing tells that one is gone.
    "counted": lambda _s, d: isinstance(d.paginator, (PageNumber, Offset, TimeWindow)) and _has_total(d),
    "not_keyset": lambda _s, d: not isinstance(d.paginator, Keyset),
    "unpartitioned": lambda _s, d: (r := _request(d)) is None or r.partition is None,
    "token_auth": lambda s, _d: isinstance(_auth(s), (OAuth2ClientCredentials, SessionLogin)),
    "oauth": lambda s, _d: isinstance(_auth(s), OAuth2ClientCredentials),
    "signed": lambda s, _d: isinstance(_auth(s), SignedRequest),
    "answered": lambda _s, d: (r := _request(d)) is not None and isinstance(r.answered, Answered),
    "answered_retry": lambda _s, d: (
        (r := _request(d)) is not None and r.answered is not None and bool(r.answered.retry)
    ),
    "job": lambda _s, d: (r := _request(d)) is not None and r.job is not None,
    "flag": lambda _s, d: isinstance(_ready(d), Flag),
    "manifest": lambda _s, d: isinstance(_ready(d), Manifest),
    "trailer": lambda _s, d: isinstance(d.decoder, CsvDecoder) and d.decoder.trailer is not None,
    "chinese": lambda _s, d: _has_chinese(d),
    "typed": lambda _s, d: any(c.data_type != "varchar" for c in d.columns),
    "required": lambda _s, d: any(c.required for c in d.columns),
}

_PLANTED: Final = {
    name: FaultKind(name, row.does, ("rest", "sftp", "folder", "database"), row.expected, "drift", None)
    for name, row in PLANTED.items()
}

FAULT_KINDS: Final[Mapping[str, FaultKind]] = {row[0]: FaultKind(*row) for row in ROWS} | _PLANTED
