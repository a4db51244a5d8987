"""Listings that declare how long they are, read by page number or offset; listings in order of id; a single page."""

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

from connectors.drivers.pages import Cursor, Page
from connectors.drivers.paging_parts import (
    Answer,
    Listing,
    Question,
    Seen,
    begin,
    bounded,
    fault,
    json_records,
    mark_of,
    records_of,
    refusal,
    short_hash,
    total_of,
)
from connectors.drivers.retry import TryAgainError
from connectors.errors import ConnectorError
from connectors.json_path import field_of
from connectors.spec import Keyset, Offset, PageNumber, SinglePage


def counted(
    listing: Listing, paginator: PageNumber | Offset, resume: Cursor | None, given: Answer | None = None
) -> Iterator[Page]:
    """Pages until the declared total of records or of pages is there, or until one is empty.

    A total that moves or is not met is a fault, and so is one that is met while the page behind it holds more records:
    a number of pages, say, that was taken for the number of records. Once the first page has told how many there are,
    the rest is asked for ahead, as far as the asker's limits allow.
    `given` is the first answer, for a caller that has it already. Records that came twice are landing's to judge.
    """
    first = paginator.first if isinstance(paginator, PageNumber) else 1
    start: Cursor = {"kind": paginator.kind, "size": paginator.size, "page": first}
    start |= {"received": 0, "total": None, "step": None, "marks": []}
    at = begin(listing, resume, start)
    seen = Seen(at["marks"])
    while True:
        with closing(_answers(listing, paginator, at, given)) as answers:
            for answer in answers:
                page, following = _count(listing, paginator, at, answer, seen)
                yield page
                if following is None:
                    return
                got, at = following["received"] - at["received"], following
                if isinstance(paginator, Offset) and got != at["step"]:
                    # What was asked for ahead begins at the wrong place.
                    break
        given = None


def first_question(paginator: PageNumber | Offset) -> Question:
    """What the first page is asked with."""
    place = paginator.first if isinstance(paginator, PageNumber) else 0
    return _question(paginator, place)


def _question(paginator: PageNumber | Offset, place: int) -> Question:
    name = paginator.page_param if isinstance(paginator, PageNumber) else paginator.offset_param
    sized = {} if paginator.size_param is None else {paginator.size_param: str(paginator.size)}
    return Question({name: str(place), **sized})


def _answers(
    listing: Listing, paginator: PageNumber | Offset, at: Cursor, given: Answer | None
) -> Generator[Answer, None, None]:
    """The answers from a place on: one where nothing is known yet, else as many as are still wanted."""
    if given is not None:
        yield given
        return
    step = at["step"] or 1

    def questions() -> Iterator[Question]:
        for ahead in _ahead(paginator, at):
            by_number = isinstance(paginator, PageNumber)
            yield _question(paginator, at["page"] + ahead if by_number else at["received"] + ahead * step)

    yield from listing.asker.in_order(questions())


def _ahead(paginator: PageNumber | Offset, at: Cursor) -> Iterable[int]:
    """How many pages to ask for from a place on, counted from nought; without end where an empty page ends it."""
    if at["step"] is None:
        return range(1)
    if paginator.until is not None:
        return count()
    if isinstance(paginator, PageNumber) and paginator.total_pages is not None:
        return range(at["total"] - (at["page"] - paginator.first))
    return range(math.ceil((at["total"] - at["received"]) / at["step"]))


def _count(
    listing: Listing, paginator: PageNumber | Offset, at: Cursor, answer: Answer, seen: Seen
) -> tuple[Page, Cursor | None]:
    """One page and where it leads, if it adds up."""
    records = json_records(listing, answer)
    label = f"page {at['page']}" if isinstance(paginator, PageNumber) else f"from {at['received']}"
    path = paginator.total or getattr(paginator, "total_pages", None)
    total = None if path is None else total_of(listing, answer, path, at["total"])
    if at["total"] is not None and total != at["total"]:
        raise fault(listing, f"the declared total moved from {at['total']} to {total}")
    is_last = _is_last(listing, paginator, at, len(records), total)
    # Where no number of records is met in the end, one record that comes again is a page that comes again.
    mark = mark_of(answer, records) if paginator.total else short_hash(repr(records)) if records else None
    if seen.again(mark):
        hint = ": declare `total` where the agency gives its last page again beyond the end" if path is None else ""
        raise fault(listing, f"{label} repeats an earlier one{hint}")
    following = {
        "kind": paginator.kind,
        "size": paginator.size,
        "page": at["page"] + 1,
        "received": at["received"] + len(records),
        "total": total,
        "step": at["step"] or len(records),
        "marks": seen.kept,
    }
    # A shorter last page, or a total of one, is met by a number of records alone.
    if is_last and path is not None and total != 1 and len(records) >= following["step"]:
        _refuse_more(listing, paginator, following, records, seen)
    return Page(label, answer.body, None if is_last else following, answer.value), None if is_last else following


def _is_last(listing: Listing, paginator: PageNumber | Offset, at: Cursor, got: int, total: int | None) -> bool:
    """Whether the list ends with this page; pages that do not add up to what is declared are a fault."""
    if total is None:
        return not got
    if isinstance(paginator, PageNumber) and paginator.total_pages is not None:
        number = at["page"] - paginator.first + 1
        if (got == 0) != (total == 0):
            raise fault(listing, f"page {at['page']} holds {got} records, of {total} pages declared")
        return bool(number >= total)
    received = at["received"] + got
    if received > total or (not got and received < total):
        raise fault(listing, f"{received} records for a declared total of {total}")
    return bool(received >= total)


def _refuse_more(
    listing: Listing, paginator: PageNumber | Offset, behind: Cursor, records: list[Any], seen: Seen
) -> None:
    """An error where the page behind the last one holds what no page held: what was declared is not the end.

    Asked once for a listing and all its parts, since it is the declaration that is proved. An agency may refuse the
    question, fail at it, or answer with a page it gave before: then there is nothing behind the end.
    """
    if "end" in listing.proved or not records:
        return
    place = behind["page"] if isinstance(paginator, PageNumber) else behind["received"]
    try:
        answer = listing.asker.ask(replace(_question(paginator, place), once=True))
        more = json_records(listing, answer)
    except (ConnectorError, TryAgainError):
        more = []
    known = set(map(repr, records))
    if any(repr(record) not in known for record in more) and not seen.again(mark_of(answer, more)):
        path = str(paginator.total or getattr(paginator, "total_pages", None))
        if (total := total_of(listing, answer, path, behind["total"])) != behind["total"]:
            raise fault(listing, f"the declared total moved from {behind['total']} to {total}")
        told = f"{total} at {path} is met, and the page behind it holds {len(more)} more records"
        raise refusal(listing, f"{told}: see whether {path} counts records or pages (total, total_pages)")
    listing.proved.add("end")


def by_key(listing: Listing, paginator: Keyset, resume: Cursor | None) -> Iterator[Page]:
    """Records after the last id until an empty page; ids that do not ascend are a fault, for some would be lost.

    A record without an id moves nothing, and is landing's to refuse.
    """
    at = begin(listing, resume, {"kind": paginator.kind, "after": paginator.start})
    after = at["after"]
    while True:
        question = Question({paginator.after_param: str(after), paginator.size_param: str(paginator.size)})
        answer = listing.asker.ask(question)
        records = json_records(listing, answer)
        if not records:
            yield Page(f"after {after}", answer.body, None, answer.value)
            return
        ids = _ids(paginator, records)
        floor = int(after) if paginator.order == "number" else str(after)
        if not ids or not all(lower < upper for lower, upper in pairwise([floor, *ids])):
            raise fault(listing, f"the ids after {after} do not ascend")
        after = bounded(listing, str(ids[-1]), "id")
        yield Page(f"up to {after}", answer.body, {"kind": paginator.kind, "after": after}, answer.value)


def _ids(paginator: Keyset, records: list[Any]) -> list[Any]:
    stated = [field_of(record, paginator.cursor) for record in records if isinstance(record, dict)]
    if paginator.order == "text":
        return [found for found in stated if isinstance(found, str)]
    return [number for found in stated if (number := _whole(found)) is not None]


def _whole(found: Any) -> int | None:
    if isinstance(found, str):
        return int(found) if found.isascii() and found.removeprefix("-").isdigit() and len(found) < 30 else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def single(listing: Listing, paginator: SinglePage, resume: Cursor | None) -> Iterator[Page]:
    """All in one answer, which must hold as many records as it declares."""
    begin(listing, resume, {"kind": paginator.kind})
    answer = listing.asker.ask(Question())
    records = records_of(listing, answer)
    if paginator.total is not None and records is not None:
        total = total_of(listing, answer, paginator.total)
        if len(records) != total:
            raise fault(listing, f"{len(records)} records for a declared total of {total}")
    yield Page("page 1", answer.body, None, answer.value)
