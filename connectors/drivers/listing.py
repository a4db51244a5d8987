"""A listing that is read page by page: questions, answers, and the checks that hold for every paginator."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from connectors.drivers.pages import Cursor
from connectors.errors import AgencyError, PagingFaultError
from connectors.json_path import MissingFieldError, RecordsAt, at_path, found_at
from connectors.verdicts import refusals, shortfalls

LONGEST_TOKEN_BYTES = 1400
"""As JSON. A token goes into the cursor, and a cursor is a small thing whatever an agency sends."""

LARGEST_TOTAL = 10**12
"""What is greater counts no records: a moment or a number of another kind stands at that path."""

KEPT_MARKS = 24
REMEMBERED_MARKS = 4096
SMALLEST_PACKED_PAGE = 256
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOK_UP = "look it up in the agency's document, and declare `answered`"
_PACKED = (b"\x1f\x8b", b"PK\x03\x04")


@dataclass(frozen=True)
class Question:
    """What to ask for one page, beside what the request asks for each time.

    `link` is a path with its query, given by the agency and requested as it stands. A question asked `once` is not
    retried: where another would be, a `TryAgainError` is raised.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    once: bool = False


@dataclass(frozen=True)
class Answer:
    """A body as received and `value`, its JSON (None where the form is another). `url` is that of the request."""

    body: bytes
    headers: Mapping[str, str]
    value: Any
    url: str
    status: int = 200
    cookies: Mapping[str, str] = field(default_factory=dict)


class Asker(Protocol):
    """What sends the requests. Retries, credentials and limits are its part, not that of the paginators."""

    def ask(self, question: Question) -> Answer:
        """The answer to one question, or a connector error."""

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in the order of the questions, of which some may be asked ahead."""


@dataclass(frozen=True)
class Listing:
    """One listing to page through.

    `at` is where its records stand (None: its form is not JSON), `key` the fields that identify one, `proved` what
    was found out once and holds for every part of it; `without` takes secrets out of what a message repeats; `params`
    are asked for in every question.
    """

    asker: Asker
    where: str
    at: RecordsAt | None
    key: tuple[str, ...] = ()
    proved: set[str] = field(default_factory=set, compare=False)
    without: Callable[[str], str] = field(default=ascii, compare=False)
    params: Mapping[str, str] = field(default_factory=dict)

    def ask(self, question: Question) -> Answer:
        """The answer to one question."""
        return self.asker.ask(self._asked_with(question))

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in the order of the questions."""
        return self.asker.in_order(map(self._asked_with, questions))

    def _asked_with(self, question: Question) -> Question:
        return replace(question, params={**self.params, **question.params}) if self.params else question

    def fault(self, what: str) -> PagingFaultError:
        """Pages that do not add up."""
        return PagingFaultError(f"{what}.", self.where, "run again; if it stays, call the agency")

    def refusal(self, what: str) -> AgencyError:
        """An answer that is not as the agency's document has it."""
        return AgencyError(f"{what}.", self.where, "compare the answer with the source file")

    def begin(self, resume: Cursor | None, start: Cursor) -> Cursor:
        """Where to go on. A cursor that another version or another paginator wrote is no place: begin again."""
        if resume is None:
            return start
        # A place counted in pages of another size is another place.
        same = all(resume.get(name) == start.get(name) for name in ("kind", "size"))
        if not same or start.keys() - resume.keys():
            raise self.fault("the place kept is of another shape")
        return resume

    def records(self, answer: Answer) -> list[Any] | None:
        """The records of an answer, None where its form is not JSON.

        Where the source file declares no `answered`, an answer that reports an error beside an empty list is an
        `AgencyError`, unless answers with records report the same.
        """
        if self.at is None:
            return None
        try:
            records = self.at.find(answer.value)
        except MissingFieldError as error:
            if said := next(refusals(answer.value), None):
                what = f"the agency answers without a record and reports an error: {self.without(said)}."
                raise AgencyError(what, self.where, _LOOK_UP) from None
            raise self.refusal(str(error)) from None
        if not self.at.is_coded and isinstance(answer.value, dict):
            self._check_verdict(answer.value, records)
        return records

    def _check_verdict(self, value: dict[str, Any], records: list[Any]) -> None:
        reported = {one.partition(" (")[0]: one for one in islice(refusals(value, records), 3)}
        what, next_step = "", _LOOK_UP
        if records:
            self.proved.update(reported)
            if short := next(shortfalls(value), None):
                what = f"the agency answers with records and reports that they are not all: {self.without(short)}."
                next_step = "look it up in the agency's document; where it means success, declare `answered`"
        elif unproved := [reported[one] for one in reported if one not in self.proved]:
            what = f"the agency answers without a record and reports an error: {self.without(', '.join(unproved))}."
        if what:
            raise AgencyError(what, self.where, next_step)

    def json_records(self, answer: Answer) -> list[Any]:
        """The records of an answer that must be JSON."""
        records = self.records(answer)
        if records is None:
            raise self.refusal("the records of this form cannot be counted")
        return records

    def total(self, answer: Answer, path: str, before: int | None = None) -> int:
        """The total that an answer declares, which may not differ from the one declared `before`.

        Where it declares none it is the one declared before, or 0 beside no records where `none` is declared.
        """
        try:
            stated = at_path(answer.value, path)
        except MissingFieldError as error:
            if before is None and not self._has_none(answer):
                raise self.refusal(f"no total: {error}") from None
            return before or 0
        if stated is None and self._has_none(answer):
            stated = 0
        try:
            number = stated if isinstance(stated, int) else Decimal(stated)
            if isinstance(stated, bool) or not 0 <= (total := int(number)) <= LARGEST_TOTAL or total != number:
                raise ValueError(path)
        except (TypeError, ValueError, ArithmeticError):
            raise self.refusal(f"the total at {path} is no count") from None
        if self.is_lower_bound(answer, path):
            what = f"{path} is only a lower bound (relation: gte), so nothing tells where the list ends"
            raise self.refusal(f"{what}: ask for an exact count (track_total_hits: true), or in smaller parts")
        if before not in (None, total):
            raise self.fault(f"the declared total moved from {before} to {total}")
        return total

    def is_lower_bound(self, answer: Answer, path: str) -> bool:
        """Whether the field beside a total says that there may be more: so Elasticsearch answers beyond 10,000."""
        parent = path.rpartition(".")[0]
        return bool(parent) and found_at(answer.value, f"{parent}.relation") == "gte"

    def _has_none(self, answer: Answer) -> bool:
        """Whether an answer is declared to hold no record: then it need not say how many there are."""
        return self.at is not None and self.at.none and not self.records(answer)

    def stated(self, answer: Answer, path: str) -> str | int | None:
        """The text or number at a path of an answer; None where there is none, null or empty text."""
        stated: str | int | None = found_at(answer.value, path)
        if stated is None or stated == "":
            return None
        if isinstance(stated, bool) or not isinstance(stated, (str, int)):
            raise self.refusal(f"{path} is neither text nor a number")
        return stated

    def bounded(self, token: str, what: str) -> str:
        """The token itself, if it is short enough to be kept."""
        if len(token) > LONGEST_TOKEN_BYTES or len(json.dumps(token)) > LONGEST_TOKEN_BYTES:
            raise self.refusal(f"the {what} is {len(token)} characters long, more than we keep")
        return token

    def path_of(self, link: str, asked: str) -> str:
        """Path and query of a link, absolute or relative to `asked`, if it stays on the host that was asked.

        Any other host would be shown our credentials.
        """
        if not link.isprintable() or any(sign in link for sign in ' \\"<>'):
            raise self.refusal("the link to the next page is no address")
        try:
            target = urlsplit(urljoin(asked, link))
            is_elsewhere = target.username is not None or host_key(target.geturl()) != host_key(asked)
        except ValueError:
            raise self.refusal("the link to the next page is no address") from None
        if is_elsewhere:
            raise self.refusal("the link to the next page leads to another host")
        return (target.path or "/") + (f"?{target.query}" if target.query else "")


def host_key(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address, the port filled in; ValueError for what has none of its own."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)


def short_hash(content: str | bytes) -> str:
    """Enough of a hash to identify pages and tokens: 12 hexadecimal digits."""
    held = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(held).hexdigest()[:12]


def mark_of(answer: Answer, records: list[Any] | None) -> str | None:
    """What identifies a page: its first and last record. None for pages that may well be alike."""
    if records is None:
        # A few lines may be a header alone, and so may a packed body of a few bytes.
        is_packed = answer.body.startswith(_PACKED)
        may_be_bare = len(answer.body) < SMALLEST_PACKED_PAGE if is_packed else answer.body.count(b"\n") < 3
        return None if may_be_bare else short_hash(answer.body)
    return short_hash(f"{len(records)} {records[0]!r} {records[-1]!r}") if len(records) > 1 else None


class Seen:
    """Marks of the pages and tokens that came before: a few thousand remembered, the last pages kept in the cursor."""

    def __init__(self, kept: list[str]) -> None:
        self._marks = dict.fromkeys(kept)

    def again(self, mark: str | None, kind: str = "") -> bool:
        """Remember a mark; True where it was there."""
        if mark is None:
            return False
        mark = kind + mark
        if mark in self._marks:
            return True
        self._marks[mark] = None
        if len(self._marks) > REMEMBERED_MARKS:
            del self._marks[next(iter(self._marks))]
        return False

    @property
    def kept(self) -> list[str]:
        """The marks of the last few pages, newest last."""
        return [mark for mark in self._marks if ":" not in mark][-KEPT_MARKS:]
