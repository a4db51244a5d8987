"""The district while it is being made: enterprises that faults may still change, and the list of what was planted."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from sandbox.district_feeds import key_of
from sandbox.model import Application, District, Enterprise, Planted, PoolFund, Record, Registration, Stray, Succession

Topics = Mapping[str, tuple[str, Callable[[random.Random, int, Enterprise], Iterable[Any]]]]
"""By topic of chance the facts of an enterprise that are drawn from it, and how: by its stream, number and the rest."""


class NoRoomError(LookupError):
    """The district has no ordinary enterprise left on which a fault could be planted."""


def is_ordinary(enterprise: Enterprise) -> bool:
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
    seed: int
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    patents: list[Application] = field(default_factory=list)
    pcts: list[Application] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    successions: list[Succession] = field(default_factory=list)
    pool_funds: list[PoolFund] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def stream(self, topic: str, number: int) -> random.Random:
        """Return the stream of chance of a topic and an enterprise, so that a change to one topic moves no other."""
        return random.Random(f"{self.seed}:{topic}:{number}")

    def drawn(self, enterprise: Enterprise, number: int, topics: Topics) -> Enterprise:
        """Return an enterprise with the facts of these topics; what one draws, the others do not see."""
        facts: dict[str, Any] = {
            name: tuple(draw(self.stream(topic, number), number, enterprise)) for topic, (name, draw) in topics.items()
        }
        return replace(enterprise, **facts)

    def take(self, fits: Callable[[Enterprise], bool] = is_ordinary) -> Enterprise:
        """Return the first enterprise that fits and that no fault has taken; raise `NoRoomError` if there is none."""
        for uscc, enterprise in self.enterprises.items():
            if uscc not in self.taken and fits(enterprise):
                self.taken.add(uscc)
                return enterprise
        raise NoRoomError(f"none of {len(self.enterprises)} enterprises is free for another fault: make more of them")

    def take_with(self, fits: Callable[[Enterprise], Any]) -> Enterprise:
        """Return the first ordinary enterprise that fits a further condition."""
        return self.take(lambda enterprise: is_ordinary(enterprise) and bool(fits(enterprise)))

    def put(self, enterprise: Enterprise, **changes: Any) -> Enterprise:
        """Store an enterprise with these changes."""
        self.enterprises[enterprise.uscc] = replace(enterprise, **changes)
        return self.enterprises[enterprise.uscc]

    def rewrite(self, old: Enterprise, new: Enterprise) -> None:
        """Write the new code and name of an enterprise of one name wherever it stands as applicant, owner or holder."""

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
        self,
        kind: str,
        dataset: str,
        sent: Record,
        expect: str,
        reason: str,
        uscc: str | None = None,
        usccs: Sequence[str] = (),
    ) -> None:
        """Note a planted record: what it is, where it stands, what must become of it, and its enterprises."""
        source, _, name = dataset.partition(".")
        key = key_of(dataset, sent)
        self.planted.append(Planted(kind, source, name, key, uscc, expect, reason, tuple(usccs), dict(sent)))

    def finish(self) -> District:
        """Freeze the district."""
        made = {one.name: tuple(getattr(self, one.name)) for one in fields(District) if one.name != "as_of"}
        return District(self.as_of, **{**made, "enterprises": tuple(self.enterprises.values())})
