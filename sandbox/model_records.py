"""What is true of an enterprise beyond its statements: returns, grades, persons, titles, results, states."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple


class Contract(NamedTuple):
    """A technology contract registered by its seller."""

    contract_no: str
    turnover: Decimal
    registered_on: date
    status: str = "registered"


class Project(NamedTuple):
    """A science plan project approved."""

    project_no: str
    level: str
    approved_on: date


class Investment(NamedTuple):
    """Venture money paid in, in yuan."""

    investment_no: str
    paid_in: Decimal
    paid_in_on: date


class VatReturn(NamedTuple):
    """A month's VAT return as filed, in yuan; exempt sales are a part of sales."""

    period_end: date
    filed_on: date
    sales: Decimal
    exempt_sales: Decimal
    tax_payable: Decimal


class TaxGrade(NamedTuple):
    """The tax office's credit grade of a year; a review is published later under the same year."""

    evaluation_year: int
    grade: str
    published_on: date


class Arrears(NamedTuple):
    """Tax announced as owed, in yuan."""

    arrears_no: str
    tax_kind: str
    balance: Decimal
    announced_on: date
    cleared_on: date | None


class Insured(NamedTuple):
    """Persons a unit insures at a month's end."""

    month: date
    persons: int


class Person(NamedTuple):
    """A doctor, post-doc, senior title or senior technician under a hash; `last_listed` is the last month's list."""

    person_hash: str
    degree: str
    is_postdoc: bool
    title_level: str
    skill_level: str
    joined_on: date
    left_on: date | None
    last_listed: date


class Talent(NamedTuple):
    """A recognised talent; the employer stands in it by name, and only by name."""

    talent_no: str
    level: str
    programme: str
    employer_name: str
    recognised_on: date
    valid_to: date | None
    left_on: date | None = None


class Cooperation(NamedTuple):
    """A joint project with a university, or a science envoy."""

    cooperation_no: str
    kind: str
    partner: str
    started_on: date
    ended_on: date | None


class Standard(NamedTuple):
    """A standard that an enterprise drafted, by the drafter's name as printed."""

    standard_no: str
    drafter_name: str
    level: str
    role: str
    published_on: date
    withdrawn_on: date | None = None


class Product(NamedTuple):
    """A recognised product."""

    product_no: str
    kind: str
    recognised_on: date
    valid_to: date | None


class Title(NamedTuple):
    """A title's certificate."""

    certificate_no: str
    title: str
    issued_on: date
    valid_to: date | None
    revoked_on: date | None = None


class ContestResult(NamedTuple):
    """A place in a contest, or a challenge project won, by the contestant's name."""

    result_no: str
    contest: str
    level: str
    kind: str
    place: str
    contestant_name: str
    held_on: date


class Repair(NamedTuple):
    """A decision on repairing the credit that an event harmed."""

    repair_no: str
    event_no: str
    accepted_on: date
    decided_on: date
    result: str
    updated_at: str


class State(NamedTuple):
    """A dated address, status or zone membership; where an aspect is dated, the register's column no longer counts."""

    aspect: str
    value: str
    valid_from: date
    valid_to: date | None = None


class Succession(NamedTuple):
    """How one enterprise came out of another."""

    predecessor_uscc: str
    successor_uscc: str
    kind: str
    effective_on: date
    share_pct: Decimal | None


class Registration(NamedTuple):
    """A software copyright or layout design as registered: the owner as text, and the codes of those it can mean."""

    record_no: int
    registration_no: str
    kind: str
    title: str
    owner_name: str
    owners: tuple[str, ...]
    registered_on: date
    is_usable: bool = True
    wire: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """All of this about one enterprise, under its code, its unit number or its names."""

    vat_returns: tuple[VatReturn, ...] = ()
    tax_grades: tuple[TaxGrade, ...] = ()
    arrears: tuple[Arrears, ...] = ()
    insured: tuple[Insured, ...] = ()
    persons: tuple[Person, ...] = ()
    talents: tuple[Talent, ...] = ()
    cooperations: tuple[Cooperation, ...] = ()
    standards: tuple[Standard, ...] = ()
    products: tuple[Product, ...] = ()
    titles: tuple[Title, ...] = ()
    results: tuple[ContestResult, ...] = ()
    repairs: tuple[Repair, ...] = ()
    states: tuple[State, ...] = ()

    def state_on(self, aspect: str, day: date) -> str | None:
        """Return an aspect's dated value on a day; None where that aspect is not dated at all."""
        dated = [state for state in self.states if state.aspect == aspect and state.valid_from <= day]
        return max(dated, key=lambda state: state.valid_from).value if dated else None


NO_LOCAL_FACTS: Final = Local()
