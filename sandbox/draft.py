"""The district while it is being made: enterprises that faults may still change, and the list of what was planted."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sandbox.model import Application, District, Enterprise, Filing, Planted, Record, Sending, Stray, WireValue
from sandbox.model_records import Local, Registration, Succession
from sandbox.wire import key_of


class NoRoomError(LookupError):
    """The district has no ordinary enterprise left on which a fault could be planted."""


def _is_ordinary(enterprise: Enterprise) -> bool:
    """Tell whether an enterprise is plain enough for one fault to show its effect alone."""
    filings = enterprise.filings
    return (
        enterprise.uscc.startswith("91")
        and enterprise.founded_on < date(2017, 1, 1)
        and len(enterprise.names) == 1
        and len(filings) == 3
        and all(filing.rd_expense for filing in filings)
        and len(enterprise.headcounts) == 42
        and bool(enterprise.scopes)
        and not enterprise.events
    )


@dataclass
class Draft:
    """A district in the making. Each fault takes an enterprise of its own, so that no two meddle."""

    as_of: date
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    patents: list[Application] = field(default_factory=list)
    pcts: list[Application] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    registrations: list[Registration] = field(default_factory=list)
    successions: list[Succession] = field(default_factory=list)

    def take(self, fits: Callable[[Enterprise], bool] = _is_ordinary) -> Enterprise:
        """Return the first enterprise that fits and that no fault has taken; raise `NoRoomError` if there is none."""
        for uscc, enterprise in self.enterprises.items():
            if uscc not in self.taken and fits(enterprise):
                self.taken.add(uscc)
                return enterprise
        raise NoRoomError(f"none of {len(self.enterprises)} enterprises is free for another fault: make more of them")

    def take_with(self, fits: Callable[[Enterprise], bool]) -> Enterprise:
        """Return the first ordinary enterprise that fits a further condition."""
        return self.take(lambda enterprise: _is_ordinary(enterprise) and fits(enterprise))

    def put(self, enterprise: Enterprise) -> Enterprise:
        """Store an enterprise that a fault has changed."""
        self.enterprises[enterprise.uscc] = enterprise
        return enterprise

    def recode(self, old: str, enterprise: Enterprise) -> Enterprise:
        """Store an enterprise that bears another code from now on, at the old one's place in the register."""
        known = self.enterprises.items()
        self.enterprises = {enterprise.uscc if code == old else code: e for code, e in known}
        self.taken.add(enterprise.uscc)
        return self.put(enterprise)

    def rewrite(self, old: Enterprise, new: Enterprise) -> None:
        """Write the new code and name of an enterprise of one name wherever it stands as applicant or owner."""

        def renamed(owners: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new.uscc if owner == old.uscc else owner for owner in owners)

        for applications in (self.patents, self.pcts):
            for place, one in enumerate(applications):
                if old.uscc in one.owners:
                    applicants = one.applicants.replace(old.name, new.name)
                    applications[place] = one._replace(applicants=applicants, owners=renamed(one.owners))
                if old.uscc == one.holder:
                    applications[place] = applications[place]._replace(holder=new.uscc, transferred_to=new.name)
        for place, registered in enumerate(self.registrations):
            if old.uscc in registered.owners:
                owners = renamed(registered.owners)
                self.registrations[place] = registered._replace(owner_name=new.name, owners=owners)

    def plant(
        self, kind: str, where: tuple[str, str], sent: Record, expect: str, reason: str, uscc: str | None = None
    ) -> None:
        """Note a planted record: what it is, where it stands, and what must become of it."""
        source, dataset = where
        self.planted.append(
            Planted(kind, source, dataset, key_of(source, dataset, sent), uscc, expect, reason, (), dict(sent))
        )

    def stray(self, kind: str, where: tuple[str, str], record: Record, expect: str, reason: str) -> None:
        """Add a record that is nobody's, and note it as planted."""
        self.strays.append(Stray(*where, record))
        self.plant(kind, where, record, expect, reason)

    def next_patent_no(self) -> int:
        """Return the record number of the next national application."""
        return self.patents[-1].record_no + 3

    def next_registration_no(self) -> int:
        """Return the record number of the next software copyright."""
        return self.registrations[-1].record_no + 3

    def next_pct_no(self) -> int:
        """Return the record number of the next PCT application."""
        return self.pcts[-1].record_no + 3

    def finish(self) -> District:
        """Freeze the district."""
        return District(
            self.as_of,
            tuple(self.enterprises.values()),
            tuple(self.patents),
            tuple(self.pcts),
            tuple(self.strays),
            tuple(self.planted),
            tuple(self.registrations),
            tuple(self.successions),
        )


def with_local(enterprise: Enterprise, **facts: Any) -> Enterprise:
    """Return the enterprise with some of its local facts replaced."""
    local: Local = replace(enterprise.local, **facts)
    return replace(enterprise, local=local)


def filing_of(enterprise: Enterprise, year: int) -> Filing:
    """Return the first filing of a year; raise StopIteration where there is none."""
    return next(filing for filing in enterprise.filings if filing.fiscal_year == year)


def with_filing(enterprise: Enterprise, old: Filing, *new: Filing) -> Enterprise:
    """Return the enterprise with one filing replaced by others (none: it was never filed)."""
    kept = [filing for filing in enterprise.filings if filing is not old]
    return replace(enterprise, filings=tuple(sorted([*kept, *new], key=lambda f: (f.fiscal_year, f.filed_on))))


def unusable(**wire: WireValue) -> Sending:
    """Return a sending whose record must be refused: wire values under the agency's field names."""
    return Sending(tuple(wire.items()), is_usable=False)
