"""Whose each record is, and what may be known of each eligible enterprise of the district on the business date."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sandbox.model import Application, District, Enterprise, Filing, Headcount, Registration, Succession

# Per kind of facts: when a term begins, its last day, and the day from which it is over whatever its last day.
_TERMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "talents": ("recognised_on", "valid_to", "left_on"),
    "platforms": ("recognised_on", "valid_to", ""),
    "cooperations": ("started_on", "ended_on", ""),
    "products": ("recognised_on", "valid_to", ""),
    "titles": ("issued_on", "valid_to", "revoked_on"),
    "standards": ("published_on", "", "withdrawn_on"),
}


def reporting_year(as_of: date) -> int:
    """Return the last full year that is settled: returns of a year are due on 31 May of the next."""
    return as_of.year - 1 if as_of > date(as_of.year, 5, 31) else as_of.year - 2


def latest(filed: Iterable[Any], year: int, as_of: date) -> Any:
    """Return what was filed last for a year by a day, of all that can be read; None where nothing was."""
    known = [f for f in filed if f.fiscal_year == year and f.filed_on <= as_of and f.sending.is_usable]
    return max(known, key=lambda f: f.filed_on, default=None)


def is_not_yet(as_of: date, ended: date | None) -> bool:
    """Tell whether an end is after the day; on its own day a term has ended."""
    return ended is None or ended > as_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may be known of one enterprise on the business date.

    `members` are the enterprise, its branches and the individual business it was before: what is filed about one of
    them is filed about the enterprise. `predecessors` are those taken over within the reporting year, whose figures
    belong to the base of growth; `is_first_year`: the enterprise was made in that year out of others. `held` are
    the inventions in force that it holds. `repaired` and `doubted` are the numbers of events, of any enterprise,
    that were repaired by the day, or whose decision on repair could not be read.
    """

    enterprise: Enterprise
    members: tuple[Enterprise, ...]
    predecessors: tuple[Enterprise, ...]
    is_first_year: bool
    as_of: date
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

    def filing(self, years_ago: int = 0) -> Filing | None:
        """The statement of the reporting year, or of one before it."""
        return latest(self.enterprise.filings, self.year - years_ago, self.as_of)

    def december(self, years_ago: int = 0) -> Headcount | None:
        """The head count of December of the reporting year, or of one before it."""
        return december_of(self.enterprise, self.year - years_ago)

    def claim(self) -> Any:
        """The claim of the reporting year."""
        return latest(self.enterprise.deductions, self.year, self.as_of)

    def report(self) -> Any:
        """The report to the bureau of the reporting year."""
        return next((r for r in self.enterprise.torch_reports if r.fiscal_year == self.year), None)

    def each(self, facts: str) -> Iterator[Any]:
        """Walk through one kind of facts of all members."""
        for member in self.members:
            yield from getattr(member, facts)

    def valid(self, facts: str) -> list[Any]:
        """Return the facts whose term holds on the day, its first and its last day included."""
        begun, last, over = _TERMS[facts]
        return [
            one
            for one in self.each(facts)
            if getattr(one, begun) <= self.as_of
            and (getattr(one, last, None) or self.as_of) >= self.as_of
            and is_not_yet(self.as_of, getattr(one, over, None))
        ]

    def is_active(self, event: Any) -> bool:
        """Tell whether an event is used on the day: decided, not removed, not past its publicity, not repaired."""
        is_public = event.publicity_end_on is None or event.publicity_end_on >= self.as_of
        is_kept = is_not_yet(self.as_of, event.removed_on) and event.event_no not in self.repaired
        return event.sending.is_usable and event.decided_on <= self.as_of and is_public and is_kept

    def tax_grade(self) -> str | None:
        """The newest grade of the tax office that was published by the day."""
        known = [one for one in self.enterprise.tax_grades if one.published_on <= self.as_of]
        newest = max(known, key=lambda one: (one.evaluation_year, one.published_on), default=None)
        return newest.grade if newest else None


def december_of(enterprise: Enterprise, year: int) -> Headcount | None:
    """Return the head count of a December, where it can be read."""
    rows = (row for row in enterprise.headcounts if row.month == date(year, 12, 31) and row.sending.is_usable)
    return next(rows, None)


def scored_codes(district: District) -> dict[str, str]:
    """Return for each code in the register the code that it is scored under: the legal person that it ends in."""
    answers = {s.predecessor_uscc: s.successor_uscc for s in district.successions if s.kind == "incorporation"}
    answers |= {e.uscc: e.parent_uscc for e in district.enterprises if e.parent_uscc}

    def end_of(uscc: str) -> str:
        return end_of(answers[uscc]) if uscc in answers else uscc

    return {e.uscc: end_of(e.uscc) for e in district.enterprises}


def _taken_over(made: Mapping[str, list[Succession]], uscc: str, by: date) -> set[str]:
    """Return the enterprises that one took over in the year by a day, and those that these had taken over before."""
    found: set[str] = set()
    for one in made.get(uscc, ()):
        if one.kind in ("absorption", "new_set_merger") and one.effective_on <= by:
            found |= {one.predecessor_uscc} | _taken_over(made, one.predecessor_uscc, one.effective_on)
    return found


def _holders(one: Application, as_of: date) -> tuple[str, ...]:
    """Return the holders of an invention granted and in force: by a transfer recorded by the day, else its owners."""
    is_granted = one.granted_on is not None and one.granted_on <= as_of
    if one.patent_type != "发明" or not is_granted or not is_not_yet(as_of, one.lapsed_on):
        return ()
    is_transferred = one.transfer_recorded_on is not None and one.transfer_recorded_on <= as_of
    if is_transferred and one.transferred_to is not None:
        return () if one.holder is None else (one.holder,)
    return one.owners


def evidence_of(district: District) -> list[Evidence]:
    """Collect what may be known of each eligible enterprise."""
    as_of, year, scored = district.as_of, reporting_year(district.as_of), scored_codes(district)

    def by_owner(records: Iterable[Any], owners_of: Any = lambda one: one.owners) -> dict[str, list[Any]]:
        # Each legal person counts a record once, however often it is named.
        owned: dict[str, list[Any]] = defaultdict(list)
        for record in records:
            for owner in {scored[owner] for owner in owners_of(record)}:
                owned[owner].append(record)
        return owned

    usable = [one for one in district.patents if one.sending.is_usable]
    members = by_owner(district.enterprises, lambda one: (one.uscc,))
    patents, held = by_owner(usable), by_owner(usable, lambda one: _holders(one, as_of))
    pcts = by_owner(one for one in district.pcts if one.sending.is_usable)
    registrations = by_owner(one for one in district.registrations if one.sending.is_usable)
    repairs = (repair for enterprise in district.enterprises for repair in enterprise.repairs)
    repaired = frozenset(r.event_no for r in repairs if r.result == "granted" and r.decided_on <= as_of)
    refused = (one.sent for one in district.planted if one.dataset == "repairs" and one.expect == "quarantined")
    doubted = frozenset(str(sent["eventNo"]) for sent in refused)
    by_code = {enterprise.uscc: enterprise for enterprise in district.enterprises}
    made: dict[str, list[Succession]] = defaultdict(list)
    for one in district.successions:
        if one.effective_on.year == year and one.effective_on <= as_of:
            made[one.successor_uscc].append(one)
    return [
        Evidence(
            enterprise,
            members=tuple(members[enterprise.uscc]),
            predecessors=tuple(by_code[code] for code in sorted(_taken_over(made, enterprise.uscc, as_of))),
            is_first_year=any(s.kind in ("split", "new_set_merger") for s in made[enterprise.uscc]),
            as_of=as_of,
            patents=tuple(patents[enterprise.uscc]),
            pcts=tuple(pcts[enterprise.uscc]),
            held=tuple(held[enterprise.uscc]),
            registrations=tuple(registrations[enterprise.uscc]),
            repaired=repaired,
            doubted=doubted,
        )
        for enterprise in district.enterprises
        if enterprise.is_eligible(as_of)
    ]
