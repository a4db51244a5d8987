"""Whose each record is, and what may be known of each eligible enterprise of the district on the business date."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.model import Application, District, Enterprise, Filing, Headcount, Registration, Succession
from sandbox.truth_parts import is_not_yet, latest, reporting_year


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may be known of one enterprise on the business date.

    `members` are the enterprise, its branches and the individual business it was before: what is filed about one of
    them is filed about the enterprise. `predecessors` are those taken over within the reporting year, whose figures
    belong to the base of growth; `is_first_year` tells that the enterprise came in that year out of others. `doubted`
    are the numbers of events, whosesoever, whose decision on repair could not be read.
    """

    enterprise: Enterprise
    members: tuple[Enterprise, ...]
    predecessors: tuple[Enterprise, ...]
    is_first_year: bool
    as_of: date
    this: Filing | None
    prior: Filing | None
    people: Headcount | None
    prior_people: Headcount | None
    patents: tuple[Application, ...]
    pcts: tuple[Application, ...]
    held: tuple[Application, ...]
    registrations: tuple[Registration, ...]
    repaired: frozenset[str]
    doubted: frozenset[str]

    @property
    def year(self) -> int:
        """The reporting year."""
        return reporting_year(self.as_of)

    def each(self, facts: str) -> Iterator[Any]:
        """Walk through one kind of facts of all members."""
        for member in self.members:
            yield from getattr(member, facts)


def scored_codes(district: District) -> dict[str, str]:
    """Return for each code in the register whom it is scored as: the legal person at the end of its line."""
    answers = {s.predecessor_uscc: s.successor_uscc for s in district.successions if s.kind == "incorporation"}
    answers |= {e.uscc: e.parent_uscc for e in district.enterprises if e.parent_uscc}

    def end_of(uscc: str) -> str:
        return end_of(answers[uscc]) if uscc in answers else uscc

    return {e.uscc: end_of(e.uscc) for e in district.enterprises}


def _taken_over(made: Mapping[str, list[Succession]], uscc: str, by: date) -> set[str]:
    """Return whom an enterprise took over in the year by a day, and whom those had taken over before they went."""
    found: set[str] = set()
    for one in made.get(uscc, ()):
        if one.kind in ("absorption", "new_set_merger") and one.effective_on <= by:
            found |= {one.predecessor_uscc} | _taken_over(made, one.predecessor_uscc, one.effective_on)
    return found


def _by_scored(records: Iterable[Any], owners_of: Any, scored: Mapping[str, str]) -> dict[str, list[Any]]:
    """Group records by the legal persons they belong to; each counts a record once, however often it is named."""
    owned: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        for owner in {scored[owner] for owner in owners_of(record)}:
            owned[owner].append(record)
    return owned


def _holders(one: Application, as_of: date) -> tuple[str, ...]:
    """Return who holds a right: whom a transfer recorded by the day names, else the applicants."""
    is_transferred = one.transfer_recorded_on is not None and one.transfer_recorded_on <= as_of
    if is_transferred and one.transferred_to is not None:
        return () if one.holder is None else (one.holder,)
    return one.owners


def is_held(one: Application, as_of: date) -> bool:
    """Tell whether an application is an invention granted and in force."""
    is_granted = one.granted_on is not None and one.granted_on <= as_of
    return one.patent_type == "发明" and is_granted and is_not_yet(as_of, one.lapsed_on)


def _december(enterprise: Enterprise, year: int) -> Headcount | None:
    december = date(year, 12, 31)
    rows = (row for row in enterprise.headcounts if row.month == december and row.sending.is_usable)
    return next(rows, None)


def _repaired(district: District) -> frozenset[str]:
    """Return the numbers of all events whose repair was granted by the business date."""
    repairs = (repair for enterprise in district.enterprises for repair in enterprise.repairs)
    return frozenset(r.event_no for r in repairs if r.result == "granted" and r.decided_on <= district.as_of)


def _doubted(district: District) -> frozenset[str]:
    """Return the numbers of all events that a refused decision on repair names."""
    refused = (one.sent for one in district.planted if one.dataset == "repairs" and one.expect == "quarantined")
    return frozenset(str(sent["eventNo"]) for sent in refused)


@dataclass(frozen=True, slots=True)
class _Shelves:
    """The whole district's records, by the legal person they belong to."""

    members: Mapping[str, list[Enterprise]]
    patents: Mapping[str, list[Application]]
    pcts: Mapping[str, list[Application]]
    held: Mapping[str, list[Application]]
    registrations: Mapping[str, list[Registration]]


def _shelves(district: District) -> _Shelves:
    scored, as_of = scored_codes(district), district.as_of
    usable = [one for one in district.patents if one.sending.is_usable]
    held = [one for one in usable if is_held(one, as_of)]
    return _Shelves(
        members=_by_scored(district.enterprises, lambda one: (one.uscc,), scored),
        patents=_by_scored(usable, lambda one: one.owners, scored),
        pcts=_by_scored((one for one in district.pcts if one.sending.is_usable), lambda one: one.owners, scored),
        held=_by_scored(held, lambda one: _holders(one, as_of), scored),
        registrations=_by_scored(
            (o for o in district.registrations if o.sending.is_usable), lambda one: one.owners, scored
        ),
    )


def evidence_of(district: District) -> list[Evidence]:
    """Collect what may be known of each eligible enterprise."""
    as_of, year = district.as_of, reporting_year(district.as_of)
    shelves, repaired, doubted = _shelves(district), _repaired(district), _doubted(district)
    by_code = {enterprise.uscc: enterprise for enterprise in district.enterprises}
    made: dict[str, list[Succession]] = defaultdict(list)
    for one in district.successions:
        if one.effective_on.year == year and one.effective_on <= as_of:
            made[one.successor_uscc].append(one)

    def known_of(enterprise: Enterprise) -> Evidence:
        uscc = enterprise.uscc
        return Evidence(
            enterprise=enterprise,
            members=tuple(shelves.members.get(uscc, ())),
            predecessors=tuple(by_code[code] for code in sorted(_taken_over(made, uscc, as_of))),
            is_first_year=any(s.kind in ("split", "new_set_merger") for s in made[uscc]),
            as_of=as_of,
            this=latest(enterprise.filings, year, as_of),
            prior=latest(enterprise.filings, year - 1, as_of),
            people=_december(enterprise, year),
            prior_people=_december(enterprise, year - 1),
            patents=tuple(shelves.patents.get(uscc, ())),
            pcts=tuple(shelves.pcts.get(uscc, ())),
            held=tuple(shelves.held.get(uscc, ())),
            registrations=tuple(shelves.registrations.get(uscc, ())),
            repaired=repaired,
            doubted=doubted,
        )

    return [known_of(enterprise) for enterprise in district.enterprises if enterprise.is_eligible(as_of)]
