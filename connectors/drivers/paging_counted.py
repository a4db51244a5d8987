"""Listings that declare how long they are, read by page number or offset; listings in order of id; a single page."""

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import pairwise
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
    total_of,
)
from connectors.spec import Keyset, Offset, PageNumber, SinglePage


def counted(
    listing: Listing, paginator: PageNumber | Offset, resume: Cursor | None, given: Answer | None = None
) -> Iterator[Page]:
    """Pages until the declared total is there; a total that moves or is not met is a fault.

    The first page tells how many there are; the rest is asked for ahead, as far as the asker's limits allow.
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
    return Question({name: str(place), paginator.size_param: str(paginator.size)})


def _answers(
    listing: Listing, paginator: PageNumber | Offset, at: Cursor, given: Answer | None
) -> Generator[Answer, None, None]:
    """The answers from a place on: one where the total is not yet known, else as many as the total still wants."""
    if given is not None:
        yield given
        return
    step = at["step"] or 1
    count = 1 if at["total"] is None else math.ceil((at["total"] - at["received"]) / step)
    by_number = isinstance(paginator, PageNumber)

    def questions() -> Iterator[Question]:
        for ahead in range(count):
            yield _question(paginator, at["page"] + ahead if by_number else at["received"] + ahead * step)

    yield from listing.asker.in_order(questions())


def _count(
    listing: Listing, paginator: PageNumber | Offset, at: Cursor, answer: Answer, seen: Seen
) -> tuple[Page, Cursor | None]:
    """One page and where it leads, if it adds up."""
    records, total = json_records(listing, answer), total_of(listing, answer, paginator.total)
    received = at["received"] + len(records)
    label = f"page {at['page']}" if isinstance(paginator, PageNumber) else f"from {at['received']}"
    if at["total"] is not None and total != at["total"]:
        raise fault(listing, f"the declared total moved from {at['total']} to {total}")
    if received > total or (not records and received < total):
        raise fault(listing, f"{received} records for a declared total of {total}")
    if seen.again(mark_of(answer, records)):
        raise fault(listing, f"{label} repeats an earlier one")
    following: Cursor | None = None
    if received < total:
        following = {
            "kind": paginator.kind,
            "size": paginator.size,
            "page": at["page"] + 1,
            "received": received,
            "total": total,
            "step": at["step"] or len(records),
            "marks": seen.kept,
        }
    return Page(label, answer.body, following, answer.value), following


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
    stated = [record.get(paginator.cursor) for record in records if isinstance(record, dict)]
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
