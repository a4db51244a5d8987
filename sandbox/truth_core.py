"""The 18 core indicators of one enterprise of the district, worked out from the model alone."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.model import Application
from sandbox.truth_evidence import Evidence
from sandbox.truth_parts import (
    NOT_DEFINED,
    RECORD_NOT_SUPPLIED,
    VALUE_NOT_SUPPLIED,
    Finding,
    in_ten_thousands,
    is_valid,
    latest,
    ratio,
    supplied,
    years_before,
)

_HIGH_LEVELS: Final = ("national", "provincial")


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
        "C01": in_ten_thousands(filing.rd_expense),
        "C03": ratio(filing.rd_expense, filing.revenue),
        "C09": in_ten_thousands(filing.revenue),
        "C13": ratio(filing.net_profit, net_assets),
    }


def growth(evidence: Evidence, now: Decimal | int | None, bases: Iterable[Decimal | int | None]) -> Finding:
    """Work out growth over a base: the own figure and those of whom the enterprise took over within the year.

    Age comes first, then whether the enterprise is new made of others, then whether each figure is there.
    """
    if evidence.enterprise.founded_on > date(evidence.year - 2, 12, 31) or evidence.is_first_year:
        return Finding(None, NOT_DEFINED)
    known = list(bases)
    if now is None or None in known:
        return Finding(None, VALUE_NOT_SUPPLIED)
    base = sum((Decimal(figure or 0) for figure in known), Decimal(0))
    return ratio(Decimal(now) - base, base)


def _growth_of(evidence: Evidence, line: str) -> Finding:
    """Work out C02 or C10: both statements, and those of predecessors."""
    is_young = evidence.enterprise.founded_on > date(evidence.year - 2, 12, 31)
    if not is_young and (evidence.this is None or evidence.prior is None):
        return Finding(None, RECORD_NOT_SUPPLIED)
    before = (latest(e.filings, evidence.year - 1, evidence.as_of) for e in evidence.predecessors)
    bases = [getattr(filing, line, None) for filing in (evidence.prior, *before)]
    return growth(evidence, getattr(evidence.this, line, None), bases)


def _from_people(evidence: Evidence) -> dict[str, Finding]:
    """Work out C04, C11 and C14 from the row of the reporting year's December."""
    row = evidence.people
    if row is None:
        return dict.fromkeys(("C04", "C11", "C14"), Finding(None, RECORD_NOT_SUPPLIED))
    graduates = row.new_graduates
    return {
        "C04": ratio(row.sci_tech_staff, row.staff_total),
        "C11": ratio(row.master_or_above, row.staff_total),
        "C14": Finding(None, VALUE_NOT_SUPPLIED) if graduates is None else supplied(graduates),
    }


def _related(evidence: Evidence, applications: Iterable[Application], patent_type: str) -> Finding:
    """Work out C05 or C06: applications of the year within the declared business."""
    scopes = evidence.enterprise.scopes
    if not scopes:
        return Finding(None, RECORD_NOT_SUPPLIED)
    return supplied(
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
    as_of, year = evidence.as_of, evidence.year
    turnover = sum(
        (
            c.turnover_cny
            for c in evidence.each("contracts")
            if c.registered_on.year == year and c.status == "registered"
        ),
        Decimal(0),
    )
    reports = [report for report in evidence.enterprise.torch_reports if report.fiscal_year == year]
    platforms = sum(
        platform.level in _HIGH_LEVELS
        and years_before(as_of, 2) < platform.recognised_on
        and is_valid(as_of, platform.recognised_on, platform.valid_to)
        for platform in evidence.each("platforms")
    )
    awards = sum(a.level in _HIGH_LEVELS and a.award_year in (year - 1, year) for a in evidence.each("awards"))
    projects = sum(
        p.level in _HIGH_LEVELS and p.approved_on.year in (year - 1, year) for p in evidence.each("projects")
    )
    paid_in = sum((i.paid_in_cny for i in evidence.each("investments") if i.paid_in_on.year == year), Decimal(0))
    return {
        "C07": in_ten_thousands(turnover),
        "C08": in_ten_thousands(reports[0].high_tech_product_revenue_cny)
        if reports
        else Finding(None, RECORD_NOT_SUPPLIED),
        "C15": supplied(platforms),
        "C16": supplied(awards),
        "C17": supplied(projects),
        "C18": in_ten_thousands(paid_in),
    }


def _relief(evidence: Evidence) -> Finding:
    """Work out C12: who claimed nothing has a relief of zero, for the list of claims is complete."""
    claim = latest(evidence.enterprise.deductions, evidence.year, evidence.as_of)
    if claim is None:
        return supplied(0)
    return in_ten_thousands(claim.additional_deduction * claim.income_tax_rate / 100)


def core_findings(evidence: Evidence) -> dict[str, Finding]:
    """Return the 18 core indicators of one enterprise by code."""
    return {
        **_from_filing(evidence),
        "C02": _growth_of(evidence, "rd_expense"),
        "C10": _growth_of(evidence, "revenue"),
        **_from_people(evidence),
        "C05": _related(evidence, evidence.patents, "发明"),
        "C06": _related(evidence, evidence.pcts, "PCT"),
        **_from_science(evidence),
        "C12": _relief(evidence),
    }
