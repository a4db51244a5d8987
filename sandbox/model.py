"""What is true of each enterprise of the district and of what is filed about it: frozen facts, cut into feeds later."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

# One record in an agency's own field names, ready to be written as JSON or CSV.
WireValue = str | int | None
Record = dict[str, WireValue]


@dataclass(frozen=True, slots=True)
class Sending:
    """How an agency sends one fact: wire values in place of the right ones, how often, and whether it is usable.

    A fact that is not usable is one whose record must be refused or ignored, and what is true is worked out without it.
    """

    wire: tuple[tuple[str, WireValue], ...] = ()
    copies: int = 1
    is_usable: bool = True


AS_IT_IS: Final = Sending()


class Name(NamedTuple):
    """A name and the days on which it was borne, both included; `valid_to` None is still borne."""

    name: str
    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether the name was borne on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Filing(NamedTuple):
    """An annual statement as filed, in yuan; None is a line left blank."""

    fiscal_year: int
    filed_on: date
    revenue: Decimal | None
    rd_expense: Decimal | None
    net_profit: Decimal | None
    current_assets: Decimal | None
    noncurrent_assets: Decimal | None
    current_liabilities: Decimal | None
    noncurrent_liabilities: Decimal | None
    operating_cost: Decimal | None = None
    sending: Sending = AS_IT_IS


class Deduction(NamedTuple):
    """An R&D super-deduction claim: additional deduction and R&D it rests on, in yuan, and the income tax rate in %."""

    fiscal_year: int
    filed_on: date
    additional_deduction: Decimal
    income_tax_rate: Decimal
    deductible_rd: Decimal | None = None
    sending: Sending = AS_IT_IS


class Headcount(NamedTuple):
    """People at a month's end; graduates are counted from January of the year. None is what cannot be known."""

    month: date
    staff_total: int | None
    sci_tech_staff: int | None
    master_or_above: int | None
    doctors: int | None
    new_graduates: int | None
    technicians: int | None
    sending: Sending = AS_IT_IS


class TorchReport(NamedTuple):
    """High-tech product revenue, staff and R&D (the recognition's caliber) of a year, as reported to the bureau."""

    fiscal_year: int
    high_tech_product_revenue_cny: Decimal | None
    reported_on: date
    staff_total: int | None = None
    hnte_rd_expense_cny: Decimal | None = None


class Platform(NamedTuple):
    """A recognised R&D or innovation platform."""

    platform_no: str
    platform_name: str
    level: str
    recognised_on: date
    valid_to: date | None
    kind: str = "engineering_centre"


class Award(NamedTuple):
    """A science award; the winner stands in it by name, and only by name."""

    award_no: str
    winner_name: str
    level: str
    award_year: int
    announced_on: date


class Consent(NamedTuple):
    """Written consent that one bank receives this enterprise's data of some classes ("score", "rank", ...)."""

    consent_id: str
    recipient: str
    data_classes: str
    valid_from: date
    valid_to: date | None = None
    withdrawn_on: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether the consent covers scores on a day; the day of withdrawal is no longer covered."""
        if "score" not in self.data_classes.split(","):
            return False
        begun = self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        return begun and (self.withdrawn_on is None or day < self.withdrawn_on)


class CreditEvent(NamedTuple):
    """A dishonesty list entry or an administrative penalty."""

    event_no: str
    uscc: str | None
    name: str
    event_type: str
    severity: str | None
    decided_on: date
    publicity_end_on: date | None
    removed_on: date | None
    updated_at: str
    sending: Sending = AS_IT_IS


class Evaluation(NamedTuple):
    """A public credit grade of a batch month."""

    evaluation_no: str
    batch_month: date
    grade: str
    updated_at: str
    sending: Sending = AS_IT_IS


class Loan(NamedTuple):
    """A loan receipt as a bank reports it at a month's end, in yuan."""

    bank: str
    receipt_no: str
    reported_on: date
    drawn_amount: Decimal
    balance: Decimal
    annual_rate: Decimal
    drawn_on: date
    due_on: date
    five_class: str
    overdue_days: int
    sending: Sending = AS_IT_IS


class Application(NamedTuple):
    """A patent or PCT application as gazetted: applicants as text, and the codes of those it can be known to mean.

    `holder` is the code of the enterprise that holds it by a transfer, None where that is none of the district.
    """

    record_no: int
    number: str
    applicants: str
    owners: tuple[str, ...]
    patent_type: str
    ipc: str | None
    filed_on: date
    granted_on: date | None = None
    legal_status: str = "审中"
    lapsed_on: date | None = None
    high_value_basis: str | None = None
    transferred_to: str | None = None
    holder: str | None = None
    transfer_recorded_on: date | None = None
    sending: Sending = AS_IT_IS


class Contract(NamedTuple):
    """A technology contract registered by its seller."""

    contract_no: str
    turnover_cny: Decimal
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
    paid_in_cny: Decimal
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


class LoanMovement(NamedTuple):
    """A drawdown, repayment, change of rate, payment of interest, or the first or last day overdue, in yuan."""

    movement_no: str
    bank: str
    loan_receipt_no: str
    moved_on: date
    kind: str
    amount_cny: Decimal | None = None
    annual_rate_pct: Decimal | None = None


class Lease(NamedTuple):
    """A finance lease, in yuan."""

    lease_no: str
    lessor: str
    asset_no: str | None
    financed_amount_cny: Decimal
    annual_rate_pct: Decimal
    started_on: date
    ends_on: date


class LeasePayment(NamedTuple):
    """A rent parted into principal and interest, in yuan; None is not reported."""

    payment_no: str
    lease_no: str
    paid_on: date
    principal_cny: Decimal | None
    interest_cny: Decimal | None


class SubsidyClaim(NamedTuple):
    """A claim for an interest or lease subsidy, and what became of it."""

    claim_no: str
    kind: str
    lender: str
    contract_no: str
    period_from: date
    period_to: date
    claimed_on: date
    used_for: str | None = "production"
    asset_no: str | None = None
    other_programme: str | None = None
    consented_on: date | None = None
    published_on: date | None = None
    objected_on: date | None = None
    is_objection_upheld: bool | None = None
    reviewed_on: date | None = None


class SubsidyPayment(NamedTuple):
    """What was paid on a claim, in yuan."""

    payment_no: str
    claim_no: str
    programme_id: str
    policy_year: int
    paid_on: date
    amount_cny: Decimal


class Guarantee(NamedTuple):
    """A guarantee under an agreement of the risk pool, in yuan."""

    guarantee_no: str
    agreement_id: str
    bank: str
    guarantor: str
    loan_receipt_no: str
    principal_cny: Decimal
    fee_rate_pct: Decimal
    uplifts: str | None
    valid_from: date
    valid_to: date
    released_on: date | None = None


class GuaranteeState(NamedTuple):
    """A state that a claim on a guarantee came to, with its amount in yuan where it has one."""

    event_no: str
    guarantee_no: str
    state: str
    amount_cny: Decimal | None
    happened_on: date


class PoolFund(NamedTuple):
    """Money that came into a risk pool or went out of it, in yuan."""

    fund_no: str
    pool_id: str
    kind: str
    amount_cny: Decimal
    moved_on: date


class Need(NamedTuple):
    """A need for money that an enterprise posted, in yuan; the lists are parted by `;`, None is none."""

    need_no: str
    posted_on: date
    amount_cny: Decimal
    term_months: int
    highest_rate_pct: Decimal | None
    collaterals: str | None
    used_for: str
    consented_banks: str | None
    is_contact_consented: bool


class NeedEvent(NamedTuple):
    """A step of a need with a bank, or its end as the enterprise reports it (no bank)."""

    event_no: str
    need_no: str
    bank: str | None
    product_id: str | None
    event: str
    happened_on: date
    reason: str | None = None


class BankFeedback(NamedTuple):
    """What a bank reports of an application under a consent, in yuan."""

    feedback_no: str
    bank: str
    application_no: str
    need_no: str | None
    product_id: str | None
    decision: str
    reported_on: date
    consent_id: str | None
    limit_cny: Decimal | None = None
    annual_rate_pct: Decimal | None = None
    drawn_on: date | None = None
    balance_cny: Decimal | None = None
    five_class: str | None = None
    overdue_days: int | None = None
    reject_reason: str | None = None


class PolicyClaim(NamedTuple):
    """An enterprise's answer to a policy: confirmed or refused, claimed, or paid to it."""

    claim_no: str
    policy_id: str
    version: str
    claimed_on: date
    state: str


class Registration(NamedTuple):
    """A software copyright or layout design as registered: the owner as text, and the codes of those it can mean."""

    record_no: int
    registration_no: str
    kind: str
    title: str
    owner_name: str
    owners: tuple[str, ...]
    registered_on: date
    sending: Sending = AS_IT_IS


@dataclass(frozen=True, slots=True)
class Enterprise:
    """One enterprise and all that is filed about it under its code or unit number."""

    uscc: str
    names: tuple[Name, ...]
    founded_on: date
    industry_code: str
    industry_name: str
    member_from: date
    unit_no: str
    member_to: date | None = None
    status: str = "active"
    scopes: tuple[str, ...] = ()
    filings: tuple[Filing, ...] = ()
    deductions: tuple[Deduction, ...] = ()
    headcounts: tuple[Headcount, ...] = ()
    torch_reports: tuple[TorchReport, ...] = ()
    contracts: tuple[Contract, ...] = ()
    platforms: tuple[Platform, ...] = ()
    awards: tuple[Award, ...] = ()
    projects: tuple[Project, ...] = ()
    investments: tuple[Investment, ...] = ()
    consents: tuple[Consent, ...] = ()
    events: tuple[CreditEvent, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    loans: tuple[Loan, ...] = ()
    parent_uscc: str | None = None
    registration_no: str | None = None
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
    loan_movements: tuple[LoanMovement, ...] = ()
    leases: tuple[Lease, ...] = ()
    lease_payments: tuple[LeasePayment, ...] = ()
    subsidy_claims: tuple[SubsidyClaim, ...] = ()
    subsidy_payments: tuple[SubsidyPayment, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    guarantee_states: tuple[GuaranteeState, ...] = ()
    needs: tuple[Need, ...] = ()
    need_events: tuple[NeedEvent, ...] = ()
    bank_feedback: tuple[BankFeedback, ...] = ()
    policy_claims: tuple[PolicyClaim, ...] = ()

    @property
    def name(self) -> str:
        """The name borne now: the last of the history."""
        return self.names[-1].name

    def name_on(self, day: date) -> str:
        """Return the name borne on a day, or the first one for a day before it."""
        return next((one.name for one in reversed(self.names) if one.holds_on(day)), self.names[0].name)

    def state_on(self, aspect: str, day: date) -> str | None:
        """Return an aspect's dated value on a day; None where that aspect is not dated at all."""
        dated = [state for state in self.states if state.aspect == aspect and state.valid_from <= day]
        return max(dated, key=lambda state: state.valid_from).value if dated else None

    def is_eligible(self, as_of: date) -> bool:
        """Tell whether the enterprise takes part: no branch, active, and a member of the zone on the day."""
        is_member = self.member_from <= as_of and (self.member_to is None or self.member_to >= as_of)
        status = self.state_on("status", as_of) or self.status
        membership = self.state_on("zone_member", as_of) or ("yes" if is_member else "no")
        return self.parent_uscc is None and status == "active" and membership == "yes"


@dataclass(frozen=True, slots=True)
class Stray:
    """A record that belongs to no fact of the model: junk, or a record of an enterprise outside the district."""

    source: str
    dataset: str
    record: Record


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault or edge planted on purpose: where it stands, what must become of it, and for which reason.

    `record` is the key under our column names, as sent; `sent` is what is known of it in the agency's own fields.
    `expect` is what becomes of the record (quarantined, dropped, ignored, matched, unmatched; discarded or repaired:
    one value), of a consent (denied, delivered), of a credit event (active, inactive), of an enterprise (eligible or
    ineligible), the state of the indicators that rest on it (supplied, not_defined, ...), the stage or grade that it
    decides, or the cross-check that it breaks (Q5, ...).
    `usccs` names the enterprises that a record concerns where that is not one.
    """

    kind: str
    source: str
    dataset: str
    record: Record
    uscc: str | None
    expect: str
    reason: str
    usccs: tuple[str, ...] = ()
    sent: Record = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class District:
    """The whole district on a business date."""

    as_of: date
    enterprises: tuple[Enterprise, ...]
    patents: tuple[Application, ...]
    pcts: tuple[Application, ...]
    strays: tuple[Stray, ...]
    planted: tuple[Planted, ...]
    registrations: tuple[Registration, ...] = ()
    successions: tuple[Succession, ...] = ()
    pool_funds: tuple[PoolFund, ...] = ()
