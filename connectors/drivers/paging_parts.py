"""What the paginators share: what is asked and answered, and the checks that hold for every listing."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from connectors.drivers.pages import Cursor
from connectors.errors import AgencyError, PagingFaultError
from connectors.json_path import MissingFieldError, RecordsAt, at_path
from connectors.verdicts import refusals, shortfalls

LONGEST_TOKEN_BYTES = 1400
"""As JSON. A token goes into the cursor, and a cursor is a small thing whatever an agency sends."""

LARGEST_TOTAL = 10**12
KEPT_MARKS = 24
REMEMBERED_MARKS = 4096
SMALLEST_PACKED_PAGE = 256
_PACKED = (b"\x1f\x8b", b"PK\x03\x04")
_COMPARE = "compare the answer with the source file"
_AGAIN = "run again; if it stays, call the agency"


@dataclass(frozen=True)
class Question:
    """What to ask for one page, beside what the request asks for each time.

    `link` is a path with its query, given by the agency and asked for as it stands. One asked `once` may go unanswered:
    what would else be tried again is a `TryAgainError`.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    once: bool = False


@dataclass(frozen=True)
class Answer:
    """A body as received and `value`, its JSON (None where the form is another). `url` is what it was asked at."""

    body: bytes
    headers: Mapping[str, str]
    value: Any
    url: str


class Asker(Protocol):
    """Who asks. Retries, credentials and limits are its business, not that of the paginators."""

    def ask(self, question: Question) -> Answer:
        """The answer to one question, or a connector error."""

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in the order of the questions, of which some may be asked ahead."""


@dataclass(frozen=True)
class Listing:
    """One listing to page through.

    `at` is where its records stand (None: its form is not JSON), `key` the fields that tell two apart, `proved` what
    was found out once and holds for every part of it; `without` takes secrets out of what a message repeats.
    """

    asker: Asker
    where: str
    at: RecordsAt | None
    key: tuple[str, ...] = ()
    proved: set[str] = field(default_factory=set, compare=False)
    without: Callable[[str], str] = field(default=ascii, compare=False)


@dataclass(frozen=True)
class _Narrowed:
    asker: Asker
    params: Mapping[str, str]

    def ask(self, question: Question) -> Answer:
        return self.asker.ask(self._narrow(question))

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        return self.asker.in_order(map(self._narrow, questions))

    def _narrow(self, question: Question) -> Question:
        return replace(question, params={**self.params, **question.params})


def narrowed(listing: Listing, params: Mapping[str, str]) -> Listing:
    """The same listing with more to ask for in every question."""
    return replace(listing, asker=_Narrowed(listing.asker, params))


def fault(listing: Listing, what: str) -> PagingFaultError:
    """Pages that do not add up."""
    return PagingFaultError(f"{what}.", listing.where, _AGAIN)


def refusal(listing: Listing, what: str) -> AgencyError:
    """An answer that is not as the agency's document has it."""
    return AgencyError(f"{what}.", listing.where, _COMPARE)


def begin(listing: Listing, resume: Cursor | None, start: Cursor) -> Cursor:
    """Where to go on. A cursor that another version or another paginator wrote is no place: begin again."""
    if resume is None:
        return start
    # A place counted in pages of another size is another place.
    same = all(resume.get(name) == start.get(name) for name in ("kind", "size"))
    if not same or start.keys() - resume.keys():
        raise fault(listing, "the place kept is of another shape")
    return resume


def records_of(listing: Listing, answer: Answer) -> list[Any] | None:
    """The records of an answer, None where its form is not JSON.

    Where the source file declares no `answered`, one that says no beside an empty list is a refusal and no empty list,
    unless answers with records say the same.
    """
    if listing.at is None:
        return None
    try:
        records = listing.at.find(answer.value)
    except MissingFieldError as error:
        raise refusal(listing, str(error)) from None
    if listing.at.is_coded or not isinstance(answer.value, dict):
        return records
    told = {one.partition(" (")[0]: one for one in islice(refusals(answer.value, records), 3)}
    if records:
        listing.proved.update(told)
        if short := next(shortfalls(answer.value), None):
            what = f"the agency answers with records and says that they are not whole: {listing.without(short)}."
            raise AgencyError(
                what, listing.where, "look it up in the agency's document; where all is well, declare `answered`"
            )
    elif unproved := [told[one] for one in told if one not in listing.proved]:
        what = f"the agency answers without a record and says no: {listing.without(', '.join(unproved))}."
        raise AgencyError(what, listing.where, "look it up in the agency's document, and declare `answered`")
    return records


def json_records(listing: Listing, answer: Answer) -> list[Any]:
    """The records of an answer that must be JSON."""
    records = records_of(listing, answer)
    if records is None:
        raise refusal(listing, "the records of this form cannot be counted")
    return records


def total_of(listing: Listing, answer: Answer, path: str, before: int | None = None) -> int:
    """The total that an answer declares; where it declares none, the one told `before`, or nought beside no records."""
    try:
        stated = at_path(answer.value, path)
    except MissingFieldError as error:
        if before is not None:
            return before
        if not _has_none(listing, answer):
            raise refusal(listing, f"no total: {error}") from None
        return 0
    if stated is None and _has_none(listing, answer):
        return 0
    try:
        if isinstance(stated, bool) or not 0 <= (total := int(stated)) <= LARGEST_TOTAL:
            raise ValueError(path)
    except (TypeError, ValueError):
        raise refusal(listing, f"the total at {path} is no count") from None
    return total


def _has_none(listing: Listing, answer: Answer) -> bool:
    """Whether an answer is declared to hold no record: then it need not say how many there are."""
    return listing.at is not None and listing.at.none and not records_of(listing, answer)


def bounded(listing: Listing, token: str, what: str) -> str:
    """The token itself, if it is short enough to be kept."""
    if len(token) > LONGEST_TOKEN_BYTES or len(json.dumps(token)) > LONGEST_TOKEN_BYTES:
        raise refusal(listing, f"the {what} is {len(token)} characters long, more than we keep")
    return token


def short_hash(text: str) -> str:
    """Enough of a hash to tell pages and tokens apart: 12 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def mark_of(answer: Answer, records: list[Any] | None) -> str | None:
    """What tells a page from every other: its first and last record. None for pages that may well be alike."""
    if records is None:
        # A few lines may be a header alone, and so may a packed body of a few bytes.
        is_packed = answer.body.startswith(_PACKED)
        may_be_bare = len(answer.body) < SMALLEST_PACKED_PAGE if is_packed else answer.body.count(b"\n") < 3
        return None if may_be_bare else hashlib.sha256(answer.body).hexdigest()[:12]
    return short_hash(f"{len(records)} {records[0]!r} {records[-1]!r}") if len(records) > 1 else None


class Seen:
    """Marks of what came before: a few thousand remembered, the last few kept in the cursor."""

    def __init__(self, kept: list[str]) -> None:
        self._marks = dict.fromkeys(kept)

    def again(self, mark: str | None) -> bool:
        """Remember a mark; True where it was there."""
        if mark is None:
            return False
        if mark in self._marks:
            return True
        self._marks[mark] = None
        if len(self._marks) > REMEMBERED_MARKS:
            del self._marks[next(iter(self._marks))]
        return False

    @property
    def kept(self) -> list[str]:
        """The last few, newest last."""
        return list(self._marks)[-KEPT_MARKS:]
