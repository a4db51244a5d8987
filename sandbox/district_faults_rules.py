"""Planted edges of the rules: corrections, ages, zeros, boundaries, membership, validity, consent and credit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft, filing_of, with_filing
from sandbox.model import Award, Consent, CreditEvent, Deduction, Enterprise, Filing, Headcount, Platform, Record
from sandbox.wire import event_record, filing_record, headcount_record

_STATEMENTS: Final = ("tax", "statements")
_ENTERPRISES: Final = ("science", "enterprises")
_ZERO: Final = Decimal("0.00")
_DECEMBER: Final = date(2024, 12, 31)


def _plant_filing(draft: Draft, kind: str, enterprise: Enterprise, filing: Filing, expect: str, reason: str) -> None:
    draft.plant(kind, _STATEMENTS, filing_record(enterprise, filing), expect, reason, enterprise.uscc)


def plant_corrections(draft: Draft) -> None:
    """File a year again: in time (the later filing wins), and after the business date (not known yet)."""
    for year in (2024, 2023):
        enterprise = draft.take()
        first = filing_of(enterprise, year)
        again = first._replace(
            filed_on=date(2025, 6, 10),
            revenue=(first.revenue or _ZERO) + 1_234_567,
            rd_expense=(first.rd_expense or _ZERO) + 98_765,
        )
        draft.put(with_filing(enterprise, first, first, again))
        _plant_filing(draft, "late_correction", enterprise, first, "ignored", "superseded_by_correction")
        _plant_filing(draft, "late_correction", enterprise, again, "matched", "latest_filing_wins")
    enterprise = draft.take()
    first = filing_of(enterprise, 2024)
    future = first._replace(filed_on=date(2025, 7, 15), revenue=Decimal("99999999.99"), rd_expense=_ZERO)
    draft.put(with_filing(enterprise, first, first, future))
    _plant_filing(draft, "filed_after_as_of", enterprise, future, "ignored", "filed_after_as_of")
    enterprise = draft.take()
    only = filing_of(enterprise, 2024)
    late = only._replace(filed_on=date(2025, 8, 1))
    draft.put(replace(with_filing(enterprise, only, late), deductions=()))
    _plant_filing(draft, "filed_after_as_of", enterprise, late, "ignored", "filed_after_as_of")
    enterprise = draft.take_with(lambda e: len(e.deductions) == 3)
    claim = enterprise.deductions[-1]
    corrected = claim._replace(filed_on=date(2025, 6, 12), additional_deduction=claim.additional_deduction / 2)
    halved = round(corrected.additional_deduction, 2)
    corrected = corrected._replace(additional_deduction=halved, deductible_rd=halved)
    draft.put(replace(enterprise, deductions=(*enterprise.deductions, corrected)))
    record: Record = {"nsrsbh": enterprise.uscc, "ssnd": 2024, "sbrq": "2025-06-12"}
    draft.plant("late_correction", ("tax", "rd_deductions"), record, "matched", "latest_filing_wins", enterprise.uscc)


def plant_missing_filings(draft: Draft) -> None:
    """Leave out the last or the prior year's statement, and leave lines of a statement blank."""
    for kind, year in (("no_filing_of_last_year", 2024), ("no_filing_of_last_year", 2024), ("no_prior_filing", 2023)):
        enterprise = draft.take()
        filing = filing_of(enterprise, year)
        draft.put(with_filing(enterprise, filing))
        _plant_filing(draft, kind, enterprise, filing, "record_not_supplied", "never_filed")
    for year in (2024, 2023):
        enterprise = draft.take()
        filing = filing_of(enterprise, year)
        blank = filing._replace(rd_expense=None, net_profit=None)
        draft.put(with_filing(enterprise, filing, blank))
        _plant_filing(draft, "blank_value", enterprise, blank, "value_not_supplied", "blank_is_not_zero")


def _with_2024(draft: Draft, kind: str, expect: str, reason: str, **values: Decimal) -> Enterprise:
    """Change figures of one enterprise's 2024 statement and plant it."""
    enterprise = draft.take()
    filing = filing_of(enterprise, 2024)
    changed = filing._replace(**values)  # type: ignore[arg-type]
    # High-tech revenue stays a part of revenue, so that the planted figure is the only oddity.
    reports = tuple(
        report._replace(
            high_tech_product_revenue=min(report.high_tech_product_revenue or _ZERO, changed.revenue or _ZERO)
        )
        if report.fiscal_year == 2024
        else report
        for report in enterprise.torch_reports
    )
    draft.put(replace(with_filing(enterprise, filing, changed), torch_reports=reports))
    _plant_filing(draft, kind, enterprise, changed, expect, reason)
    return enterprise


def plant_figures(draft: Draft) -> None:
    """Set figures to real zero, to bases of zero, to negative net assets and to the very boundaries of the stages."""
    enterprise = _with_2024(draft, "real_zero_rd", "supplied", "zero_is_a_value", rd_expense=_ZERO)
    draft.put(replace(draft.enterprises[enterprise.uscc], deductions=()))
    _with_2024(draft, "zero_revenue", "not_defined", "denominator_not_positive", revenue=_ZERO)
    negative = {"current_assets": Decimal("1000000.00"), "current_liabilities": Decimal("900000000.00")}
    negative |= {"noncurrent_assets": Decimal("2000000.00"), "noncurrent_liabilities": _ZERO}
    _with_2024(draft, "negative_net_assets", "not_defined", "denominator_not_positive", **negative)
    balanced = dict.fromkeys(("current_assets", "current_liabilities"), Decimal("5000000.00"))
    balanced |= dict.fromkeys(("noncurrent_assets", "noncurrent_liabilities"), Decimal("300000.00"))
    _with_2024(draft, "zero_net_assets", "not_defined", "denominator_not_positive", **balanced)
    _with_2024(draft, "loss_of_the_year", "supplied", "negative_is_a_value", net_profit=Decimal("-1.00"))
    _with_2024(draft, "revenue_20_million", "growth", "boundary_included", revenue=Decimal("20000000.00"))
    _with_2024(draft, "revenue_under_20_million", "startup", "boundary_excluded", revenue=Decimal("19999999.99"))
    _with_2024(draft, "revenue_200_million", "stable", "boundary_included", revenue=Decimal("200000000.00"))
    _with_2024(draft, "revenue_under_200_million", "growth", "boundary_excluded", revenue=Decimal("199999999.99"))
    for kind, values in (
        ("zero_base", {"revenue": _ZERO, "rd_expense": _ZERO}),
        ("negative_base", {"revenue": Decimal("-500.00"), "rd_expense": Decimal("-100.00")}),
    ):
        enterprise = draft.take()
        filing = filing_of(enterprise, 2023)
        changed = filing._replace(revenue=values["revenue"], rd_expense=values["rd_expense"])
        draft.put(with_filing(enterprise, filing, changed))
        _plant_filing(draft, kind, enterprise, changed, "not_defined", "base_not_positive")


def plant_people(draft: Draft) -> None:
    """Let a unit report no staff at all (shares not defined), and another no scientists (a share of zero)."""
    zeros = Headcount(_DECEMBER, 0, 0, 0, 0, 0, 0)
    enterprise = draft.take()
    old = next(row for row in enterprise.headcounts if row.month == _DECEMBER)
    for kind, row, expect, reason in (
        ("zero_staff", zeros, "not_defined", "denominator_not_positive"),
        ("real_zero_scientists", old._replace(sci_tech_staff=0), "supplied", "zero_is_a_value"),
    ):
        enterprise = draft.take() if kind != "zero_staff" else enterprise
        rows = tuple(row if entry.month == _DECEMBER else entry for entry in enterprise.headcounts)
        draft.put(replace(enterprise, headcounts=rows))
        draft.plant(kind, ("talent", "headcounts"), headcount_record(enterprise, row), expect, reason, enterprise.uscc)


def _is_young(enterprise: Enterprise) -> bool:
    # Both statements with both figures, so that age alone decides.
    years = [filing.fiscal_year for filing in enterprise.filings if filing.rd_expense]
    return enterprise.founded_on >= date(2023, 1, 1) and years == [2023, 2024] and len(enterprise.names) == 1


def plant_ages(draft: Draft) -> None:
    """Found firms on the first and last days that decide on growth (two years) and stage (36 months)."""
    for kind, founded_on, expect in (
        ("founded_on_first_young_day", date(2023, 1, 1), "not_defined"),
        ("founded_on_last_old_day", date(2022, 12, 31), "supplied"),
    ):
        enterprise = draft.take(_is_young)
        names = (replace(enterprise.names[0], valid_from=founded_on),)
        aged = replace(enterprise, founded_on=founded_on, names=names, member_from=date(2023, 2, 1))
        draft.put(aged)
        record: Record = {"uscc": aged.uscc, "founded_on": founded_on.isoformat()}
        draft.plant(kind, _ENTERPRISES, record, expect, "firm_under_two_years", aged.uscc)
    young = draft.take(_is_young)
    record = {"uscc": young.uscc, "founded_on": young.founded_on.isoformat()}
    draft.plant("young_firm", _ENTERPRISES, record, "not_defined", "firm_under_two_years", young.uscc)


def plant_membership(draft: Draft) -> None:
    """Strike enterprises off: cancelled, revoked, moved out, left, not yet a member; and two on the very last day."""
    for status, count in (("cancelled", 6), ("revoked", 2), ("moved_out", 4)):
        for place in range(count):
            gone_on = date(2024, 3, 31) if place % 2 else None
            enterprise = replace(draft.take(), status=status, member_to=gone_on)
            _plant_member(draft, f"{status}_enterprise", enterprise, "ineligible", status)
    for kind, first, last, expect in (
        ("left_the_zone", None, date(2025, 6, 29), "ineligible"),
        ("leaves_on_as_of", None, LAST_DAY, "eligible"),
        ("joins_on_as_of", LAST_DAY, None, "eligible"),
        ("joins_next_day", date(2025, 7, 1), None, "ineligible"),
        ("joins_next_year", date(2026, 1, 1), None, "ineligible"),
    ):
        enterprise = draft.take()
        enterprise = replace(enterprise, member_from=first or enterprise.member_from, member_to=last)
        _plant_member(draft, kind, enterprise, expect, "membership_dates")


def _plant_member(draft: Draft, kind: str, enterprise: Enterprise, expect: str, reason: str) -> None:
    # Who takes no part consents to nothing; one such consent is planted apart.
    draft.put(replace(enterprise, consents=(), loans=()) if expect == "ineligible" else enterprise)
    record: Record = {"uscc": enterprise.uscc, "status": enterprise.status}
    draft.plant(kind, _ENTERPRISES, record, expect, reason, enterprise.uscc)


def plant_validity(draft: Draft) -> None:
    """Date platforms, awards and contracts just inside and just outside what counts."""
    for number, (kind, recognised_on, valid_to, expect) in enumerate(
        (
            ("platform_expired", date(2024, 3, 1), date(2025, 6, 29), "ignored"),
            ("platform_valid_on_last_day", date(2024, 3, 1), LAST_DAY, "matched"),
            ("platform_two_years_old", date(2023, 6, 30), None, "ignored"),
            ("platform_within_two_years", date(2023, 7, 1), None, "matched"),
        )
    ):
        enterprise = draft.take()
        platform = Platform(f"PT-9990-{number}", "样例平台", "provincial", recognised_on, valid_to)
        draft.put(replace(enterprise, platforms=(platform,)))
        record: Record = {"platform_no": platform.platform_no}
        draft.plant(kind, ("science", "platforms"), record, expect, "platform_dates", enterprise.uscc)
    for kind, year, expect in (("award_too_old", 2022, "ignored"), ("award_of_prior_year", 2023, "matched")):
        enterprise = draft.take()
        award = Award(f"JL-9990-{year}", enterprise.name, "national", year, date(year, 11, 11))
        draft.put(replace(enterprise, awards=(award,)))
        record = {"award_no": award.award_no}
        draft.plant(kind, ("science", "awards"), record, expect, "award_year", enterprise.uscc)
    enterprise = draft.take_with(lambda e: any(c.registered_on.year == 2024 for c in e.contracts))
    place = next(i for i, c in enumerate(enterprise.contracts) if c.registered_on.year == 2024)
    contracts = list(enterprise.contracts)
    contracts[place] = contracts[place]._replace(status="withdrawn")
    draft.put(replace(enterprise, contracts=tuple(contracts)))
    record = {"contract_no": contracts[place].contract_no}
    where = ("science", "technology_contracts")
    draft.plant("withdrawn_contract", where, record, "ignored", "contract_withdrawn", enterprise.uscc)


def plant_consents(draft: Draft) -> None:
    """Give consents that cover nothing on any later day, one renewed, and one by an enterprise that takes no part."""
    begun, everything = date(2024, 2, 1), "score,rank,revenue_band"
    withdrawn = Consent("", "bank_a", everything, begun, None, date(2025, 3, 31))
    for number, (consent, expect, reason) in enumerate(
        (
            (withdrawn, "denied", "withdrawn"),
            (withdrawn._replace(recipient="bank_b"), "denied", "withdrawn"),
            (Consent("", "bank_a", everything, begun, date(2024, 12, 31)), "denied", "expired"),
            (Consent("", "bank_a", everything, date(2099, 1, 1)), "denied", "not_yet_valid"),
            (Consent("", "bank_a", "revenue_band", begun), "denied", "data_class"),
            (Consent("", "bank_b", everything, begun), "delivered", "other_bank_only"),
        )
    ):
        given = consent._replace(consent_id=f"SQ-9990-{number}")
        enterprise = draft.put(replace(draft.take(), consents=(given,), loans=()))
        _plant_consent(draft, given, expect, reason, enterprise.uscc)
    old = withdrawn._replace(consent_id="SQ-9991-0")
    new = Consent("SQ-9991-1", "bank_a", everything, date(2025, 4, 15))
    enterprise = draft.put(replace(draft.take(), consents=(old, new), loans=()))
    _plant_consent(draft, old, "denied", "withdrawn", enterprise.uscc)
    _plant_consent(draft, new, "delivered", "renewed", enterprise.uscc)
    consent = Consent("SQ-9992-0", "bank_a", everything, begun)
    enterprise = draft.put(replace(draft.take(), status="cancelled", consents=(consent,), loans=()))
    _plant_consent(draft, consent, "denied", "not_eligible", enterprise.uscc)


def _plant_consent(draft: Draft, consent: Consent, expect: str, reason: str, uscc: str) -> None:
    record: Record = {"consent_id": consent.consent_id, "recipient": consent.recipient}
    draft.plant(f"consent_{reason}", ("science", "consents"), record, expect, reason, uscc)


def plant_credit_states(draft: Draft) -> None:
    """Enter credit events that count on the business date, and such as were removed or ran out before it."""
    for number, (kind, event_type, ends_on, removed_on, expect) in enumerate(
        (
            ("event_active", "serious_dishonesty", None, None, "active"),
            ("event_active", "administrative_penalty", date(2025, 12, 31), None, "active"),
            ("event_removed", "judgment_defaulter", None, date(2025, 5, 20), "inactive"),
            ("event_publicity_over", "administrative_penalty", date(2025, 6, 29), None, "inactive"),
        )
    ):
        enterprise = draft.take()
        event = CreditEvent(
            event_no=f"SJ-2024-99{number:02d}",
            uscc=enterprise.uscc,
            name=enterprise.name,
            event_type=event_type,
            severity="serious" if event_type == "administrative_penalty" else None,
            decided_on=date(2024, 6, 28),
            publicity_end_on=ends_on,
            removed_on=removed_on,
            updated_at="2025-05-21T09:30:00+08:00" if removed_on else "2024-07-01T09:30:00+08:00",
        )
        draft.put(replace(enterprise, events=(event,)))
        draft.plant(kind, ("credit", "events"), event_record(event), expect, kind, enterprise.uscc)


def plant_torch_gaps(draft: Draft) -> None:
    """Leave the high-tech revenue of the last year blank once, and the R&D claims of a firm out altogether."""
    enterprise = draft.take_with(lambda e: len(e.torch_reports) == 3)
    blank = enterprise.torch_reports[-1]._replace(high_tech_product_revenue=None)
    draft.put(replace(enterprise, torch_reports=(*enterprise.torch_reports[:-1], blank)))
    record: Record = {"uscc": enterprise.uscc, "fiscal_year": 2024}
    draft.plant("blank_value", ("science", "torch_reports"), record, "value_not_supplied", "blank", enterprise.uscc)
    enterprise = draft.take_with(lambda e: len(e.deductions) == 3)
    claims: tuple[Deduction, ...] = enterprise.deductions[:-1]
    draft.put(replace(enterprise, deductions=claims))
    record = {"nsrsbh": enterprise.uscc, "ssnd": 2024}
    draft.plant("no_claim", ("tax", "rd_deductions"), record, "supplied", "full_coverage_is_zero", enterprise.uscc)


RULE_FAULTS: Final = (
    plant_corrections,
    plant_missing_filings,
    plant_figures,
    plant_people,
    plant_ages,
    plant_membership,
    plant_validity,
    plant_consents,
    plant_credit_states,
    plant_torch_gaps,
)
