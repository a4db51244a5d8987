"""What a right pipeline must find: the 18 indicators of every eligible enterprise, worked out from the model alone."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, NamedTuple, TypeVar

from sandbox.model import Application, Deduction, District, Enterprise, Filing, Headcount

SUPPLIED: Final = "supplied"
RECORD_NOT_SUPPLIED: Final = "record_not_supplied"
VALUE_NOT_SUPPLIED: Final = "value_not_supplied"
NOT_DEFINED: Final = "not_defined"

_MILLIONTH: Final = Decimal("0.000001")
_TEN_THOUSAND: Final = Decimal(10_000)
_HIGH_LEVELS: Final = ("national", "provincial")
_COUNTED: Final = {
    ("tax", "rd_deductions"): "C12",
    ("science", "technology_contracts"): "C07",
    ("science", "platforms"): "C15",
    ("science", "projects"): "C17",
    ("science", "venture_investments"): "C18",
}
"""The indicator that counts a dataset's records; patents and awards are known by name, and matched elsewhere."""

_Filed = TypeVar("_Filed", Filing, Deduction)


class Finding(NamedTuple):
    """An indicator's value (None unless supplied) and its state."""

    value: Decimal | None
    status: str


def reporting_year(as_of: date) -> int:
    """Return the last full year that is settled: returns of a year are due on 31 May of the next."""
    return as_of.year - 1 if as_of > date(as_of.year, 5, 31) else as_of.year - 2


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _supplied(value: Decimal | int) -> Finding:
    with localcontext() as context:
        context.prec = 50
        return Finding(Decimal(value).quantize(_MILLIONTH, ROUND_HALF_UP), SUPPLIED)


def _ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Finding:
    """Return part over whole in percent: a blank of either comes before a whole that is not positive."""
    if part is None or whole is None:
        return Finding(None, VALUE_NOT_SUPPLIED)
    if whole <= 0:
        return Finding(None, NOT_DEFINED)
    with localcontext() as context:
        context.prec = 50
        return _supplied(Decimal(part) * 100 / Decimal(whole))


def _money(amount: Decimal | None) -> Finding:
    return Finding(None, VALUE_NOT_SUPPLIED) if amount is None else _supplied(amount / _TEN_THOUSAND)


def _latest(filed: Iterable[_Filed], year: int, as_of: date) -> _Filed | None:
    known = [f for f in filed if f.fiscal_year == year and f.filed_on <= as_of and f.sending.is_usable]
    return max(known, key=lambda f: f.filed_on, default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may be known of one enterprise on the business date."""

    enterprise: Enterprise
    as_of: date
    this: Filing | None
    prior: Filing | None
    people: Headcount | None
    patents: tuple[Application, ...]
    pcts: tuple[Application, ...]

    @property
    def year(self) -> int:
        """The reporting year."""
        return reporting_year(self.as_of)


def _from_filing(evidence: Evidence) -> dict[str, Finding]:
    """Work out C01, C03, C09 and C13: one statement, the latest filed for the year."""
    filing = evidence.this
    if filing is None:
        return dict.fromkeys(("C01", "C03", "C09", "C13"), Finding(None, RECORD_NOT_SUPPLIED))
    parts = (
        filing.current_assets,
        filing.noncurrent_assets,
        filing.current_liabilities,
        filing.noncurrent_liabilities,
    )
    net_assets: Decimal | None = None
    if all(part is not None for part in parts):
        owned, lent, owed, borrowed = (part or Decimal(0) for part in parts)
        net_assets = owned + lent - owed - borrowed
    return {
        "C01": _money(filing.rd_expense),
        "C03": _ratio(filing.rd_expense, filing.revenue),
        "C09": _money(filing.revenue),
        "C13": _ratio(filing.net_profit, net_assets),
    }


def _growth(evidence: Evidence, line: str) -> Finding:
    """Work out C02 or C10: age first, then both statements, both figures, and a base above zero."""
    if evidence.enterprise.founded_on > date(evidence.year - 2, 12, 31):
        return Finding(None, NOT_DEFINED)
    if evidence.this is None or evidence.prior is None:
        return Finding(None, RECORD_NOT_SUPPLIED)
    now, base = getattr(evidence.this, line), getattr(evidence.prior, line)
    if now is None or base is None:
        return Finding(None, VALUE_NOT_SUPPLIED)
    return _ratio(now - base, base)


def _from_people(evidence: Evidence) -> dict[str, Finding]:
    """Work out C04, C11 and C14 from the row of the reporting year's December."""
    row = evidence.people
    if row is None:
        return dict.fromkeys(("C04", "C11", "C14"), Finding(None, RECORD_NOT_SUPPLIED))
    graduates = row.new_graduates
    return {
        "C04": _ratio(row.sci_tech_staff, row.staff_total),
        "C11": _ratio(row.master_or_above, row.staff_total),
        "C14": Finding(None, VALUE_NOT_SUPPLIED) if graduates is None else _supplied(graduates),
    }


def _related(evidence: Evidence, applications: Iterable[Application], patent_type: str) -> Finding:
    """Work out C05 or C06: applications of the year within the declared business."""
    scopes = evidence.enterprise.scopes
    if not scopes:
        return Finding(None, RECORD_NOT_SUPPLIED)
    return _supplied(
        sum(
            application.filed_on.year == evidence.year
            and application.patent_type == patent_type
            and application.ipc is not None
            and application.ipc[:4] in scopes
            for application in applications
        )
    )


def _from_science(evidence: Evidence) -> dict[str, Finding]:
    """Work out C07, C08, C15, C16, C17 and C18 from the bureau's registers; all but C08 cover everyone: none is 0."""
    enterprise, as_of, year = evidence.enterprise, evidence.as_of, evidence.year
    turnover = sum(
        (c.turnover for c in enterprise.contracts if c.registered_on.year == year and c.status == "registered"),
        Decimal(0),
    )
    reports = [report for report in enterprise.torch_reports if report.fiscal_year == year]
    platforms = sum(
        platform.level in _HIGH_LEVELS
        and _years_before(as_of, 2) < platform.recognised_on <= as_of
        and (platform.valid_to is None or platform.valid_to >= as_of)
        for platform in enterprise.platforms
    )
    awards = sum(a.level in _HIGH_LEVELS and a.award_year in (year - 1, year) for a in enterprise.awards)
    projects = sum(p.level in _HIGH_LEVELS and p.approved_on.year in (year - 1, year) for p in enterprise.projects)
    paid_in = sum((i.paid_in for i in enterprise.investments if i.paid_in_on.year == year), Decimal(0))
    return {
        "C07": _money(turnover),
        "C08": _money(reports[0].high_tech_product_revenue) if reports else Finding(None, RECORD_NOT_SUPPLIED),
        "C15": _supplied(platforms),
        "C16": _supplied(awards),
        "C17": _supplied(projects),
        "C18": _money(paid_in),
    }


def _relief(evidence: Evidence) -> Finding:
    """Work out C12: who claimed nothing has a relief of zero, for the list of claims is complete."""
    claim = _latest(evidence.enterprise.deductions, evidence.year, evidence.as_of)
    if claim is None:
        return _supplied(0)
    return _money(claim.additional_deduction * claim.income_tax_rate / 100)


def findings(evidence: Evidence) -> dict[str, Finding]:
    """Return the 18 indicators of one enterprise by code, in order."""
    found = {
        **_from_filing(evidence),
        "C02": _growth(evidence, "rd_expense"),
        "C10": _growth(evidence, "revenue"),
        **_from_people(evidence),
        "C05": _related(evidence, evidence.patents, "发明"),
        "C06": _related(evidence, evidence.pcts, "PCT"),
        **_from_science(evidence),
        "C12": _relief(evidence),
    }
    return {code: found[code] for code in sorted(found)}


def _by_owner(applications: Iterable[Application]) -> dict[str, list[Application]]:
    owned: dict[str, list[Application]] = defaultdict(list)
    for application in applications:
        if application.sending.is_usable:
            for owner in set(application.owners):
                owned[owner].append(application)
    return owned


def evidence_of(district: District) -> list[Evidence]:
    """Collect what may be known of each eligible enterprise."""
    as_of = district.as_of
    year = reporting_year(as_of)
    patents, pcts = _by_owner(district.patents), _by_owner(district.pcts)
    gathered: list[Evidence] = []
    for enterprise in district.enterprises:
        if not enterprise.is_eligible(as_of):
            continue
        december = date(year, 12, 31)
        people = (row for row in enterprise.headcounts if row.month == december and row.sending.is_usable)
        gathered.append(
            Evidence(
                enterprise=enterprise,
                as_of=as_of,
                this=_latest(enterprise.filings, year, as_of),
                prior=_latest(enterprise.filings, year - 1, as_of),
                people=next(people, None),
                patents=tuple(patents[enterprise.uscc]),
                pcts=tuple(pcts[enterprise.uscc]),
            )
        )
    return gathered


def _withhold_refused(district: District, found: dict[str, dict[str, Finding]]) -> None:
    """A count of zero is not known to be zero where a record of that enterprise was sent and must be refused."""
    for planted in district.planted:
        code = _COUNTED.get((planted.source, planted.dataset))
        if code is None or planted.expect != "quarantined":
            continue
        for uscc in {str(value) for value in planted.sent.values()} & set(found):
            if found[uscc][code].value == 0:
                found[uscc][code] = Finding(None, VALUE_NOT_SUPPLIED)


def tell(district: District) -> dict[str, Any]:
    """Return the truth file's content: planted faults, indicators and their states, who is eligible, who consented.

    `consented` holds eligible enterprises alone: with a consent to that bank that is valid on the business date and on
    any later day. Values are decimals as text with six decimals, rounded half up; None where nothing is supplied.
    """
    evidence = evidence_of(district)
    found = {entry.enterprise.uscc: findings(entry) for entry in evidence}
    _withhold_refused(district, found)
    consented = {
        bank: sorted(
            entry.enterprise.uscc
            for entry in evidence
            if any(c.recipient == bank and c.holds_on(district.as_of) for c in entry.enterprise.consents)
        )
        for bank in ("bank_a", "bank_b")
    }
    return {
        "as_of": district.as_of.isoformat(),
        "reporting_year": reporting_year(district.as_of),
        "planted": [asdict(planted) for planted in district.planted],
        "eligible": sorted(found),
        "consented": consented,
        "indicators": {
            uscc: {code: None if f.value is None else f"{f.value:.6f}" for code, f in codes.items()}
            for uscc, codes in sorted(found.items())
        },
        "statuses": {uscc: {code: f.status for code, f in codes.items()} for uscc, codes in sorted(found.items())},
    }
