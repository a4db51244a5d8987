"""Planted edges of standing: titles, grades, events and repairs by day, codes as typed, figures that contradict."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sandbox import codes
from sandbox.draft import Draft, filing_of, unusable, with_filing, with_local
from sandbox.model import CreditEvent, Deduction, Enterprise, Evaluation, Record, Sending
from sandbox.model_records import Arrears, Cooperation, Product, Repair, TaxGrade, Title
from sandbox.wire import deduction_record, evaluation_record, event_record, filing_record
from sandbox.wire_local import repair_record

_STATEMENTS: Final = ("tax", "statements")
_EVENTS: Final = ("credit", "events")
_DECEMBER: Final = date(2024, 12, 31)


def plant_titles(draft: Draft) -> None:
    """Date titles just inside and outside what counts, and spoil the only certificate of an enterprise."""
    for number, (kind, valid_to, revoked_on, expect) in enumerate(
        (
            ("title_expired", date(2025, 6, 29), None, "ignored"),
            ("title_valid_on_last_day", draft.as_of, None, "matched"),
            ("title_revoked_on_as_of", date(2026, 6, 30), draft.as_of, "ignored"),
            ("title_revoked_next_day", date(2026, 6, 30), date(2025, 7, 1), "matched"),
        )
    ):
        enterprise = draft.take()
        one = Title(f"ZS-998{number}", "little_giant", date(2023, 6, 30), valid_to, revoked_on)
        draft.put(with_local(enterprise, titles=(one,)))
        record: Record = {"certificate_no": one.certificate_no}
        draft.plant(kind, ("science", "titles"), record, expect, "title_dates", enterprise.uscc)
    enterprise = draft.take()
    draft.put(with_local(enterprise, titles=()))
    record = {"certificate_no": "ZS-9989", "uscc": enterprise.uscc, "title": "unicorn", "issued_on": "2024-09-09"}
    record |= {"valid_to": None, "revoked_on": None}
    draft.stray("outside_allowed_set", ("science", "titles"), record, "quarantined", "not_in_values")


def plant_terms(draft: Draft) -> None:
    """Let a cooperation and a recognised product end the day before, and on, the business date."""
    for number, (ends_on, expect) in enumerate(((date(2025, 6, 29), "ignored"), (draft.as_of, "matched"))):
        enterprise = draft.take()
        cooperation = Cooperation(f"HZ-998{number}-0", "joint_project", "外地样例大学", date(2023, 7, 1), ends_on)
        product = Product(f"CP-998{number}-0", "first_set", date(2022, 7, 1), ends_on)
        draft.put(with_local(enterprise, cooperations=(cooperation,), products=(product,)))
        record: Record = {"cooperation_no": cooperation.cooperation_no}
        draft.plant("cooperation_ends", ("science", "cooperations"), record, expect, "term", enterprise.uscc)
        record = {"product_no": product.product_no}
        draft.plant("product_ends", ("science", "recognised_products"), record, expect, "term", enterprise.uscc)


def plant_grades(draft: Draft) -> None:
    """Review tax grades before and after the business date, leave the last year's out; grade by name alone."""
    first = TaxGrade(2024, "C", date(2025, 4, 15))
    for kind, grades, expect in (
        ("grade_reviewed", (first, first._replace(grade="A", published_on=date(2025, 6, 30))), "A"),
        ("grade_reviewed_too_late", (first, first._replace(grade="A", published_on=date(2025, 7, 1))), "C"),
        ("grade_of_an_earlier_year", (first._replace(evaluation_year=2022, published_on=date(2023, 4, 12)),), "C"),
        ("grade_published_too_late", (first._replace(published_on=date(2025, 7, 2)),), "record_not_supplied"),
    ):
        enterprise = draft.take()
        draft.put(with_local(enterprise, tax_grades=grades, arrears=()))
        last = grades[-1]
        record: Record = {"nsrsbh": enterprise.uscc, "pjnd": last.evaluation_year, "fbrq": str(last.published_on)}
        draft.plant(kind, ("tax", "credit_grades"), record, expect, "latest_known_grade", enterprise.uscc)
    enterprise = draft.take()
    wire = Sending((("uscc", None),))
    grade = Evaluation("PJ202506-9980", date(2025, 6, 1), "B", "2025-06-20T10:00:00+08:00", wire)
    draft.put(replace(enterprise, evaluations=(grade,)))
    record = evaluation_record(enterprise, grade)
    draft.plant("grade_by_name_alone", ("credit", "evaluations"), record, "matched", "exact_name", enterprise.uscc)


def _listed(enterprise: Enterprise, number: int, event_type: str, severity: str | None = None) -> CreditEvent:
    is_penalty = event_type == "administrative_penalty"
    return CreditEvent(
        event_no=f"SJ-2024-99{number}",
        uscc=enterprise.uscc,
        name=enterprise.name,
        event_type=event_type,
        severity=severity,
        decided_on=date(2024, 10, 9),
        publicity_end_on=date(2025, 10, 9) if is_penalty else None,
        removed_on=None,
        updated_at="2024-10-11T09:30:00+08:00",
    )


def plant_repairs(draft: Draft) -> None:
    """Repair events that nobody removed: granted in time, granted too late, refused."""
    for number, (kind, decided_on, result, expect) in enumerate(
        (
            ("event_repaired", date(2025, 6, 12), "granted", "inactive"),
            ("event_repaired_on_as_of", draft.as_of, "granted", "inactive"),
            ("event_repaired_too_late", date(2025, 7, 3), "granted", "active"),
            ("repair_refused", date(2025, 6, 12), "refused", "active"),
        )
    ):
        enterprise = draft.take()
        event = _listed(enterprise, 20 + number, "administrative_penalty", "serious")
        at = f"{min(decided_on, draft.as_of)}T16:00:00+08:00"
        one = Repair(f"XF-2024-99{20 + number}", event.event_no, date(2025, 5, 30), decided_on, result, at)
        draft.put(with_local(replace(enterprise, events=(event,)), repairs=(one,)))
        draft.plant(kind, _EVENTS, event_record(event), expect, kind, enterprise.uscc)
        draft.plant(kind, ("credit", "repairs"), repair_record(one), expect, kind, enterprise.uscc)


def plant_unread_repairs(draft: Draft) -> None:
    """Send decisions on repair with a result that nobody knows: of two events in use and of one removed anyway."""
    for number, (event_type, severity, removed_on, expect) in enumerate(
        (
            ("administrative_penalty", "serious", None, "Q16"),
            ("judgment_defaulter", None, None, "Q16"),
            ("administrative_penalty", "general", date(2025, 6, 1), "inactive"),
        )
    ):
        enterprise = draft.take()
        event = _listed(enterprise, 40 + number, event_type, severity)._replace(removed_on=removed_on)
        at = "2025-06-16T16:00:00+08:00"
        one = Repair(f"XF-2024-99{40 + number}", event.event_no, date(2025, 5, 30), date(2025, 6, 16), "完成", at)
        draft.put(replace(enterprise, events=(event,)))
        draft.plant("repair_unread", _EVENTS, event_record(event), expect, "repair_unread", enterprise.uscc)
        sent = repair_record(one)
        draft.stray("outside_allowed_set", ("credit", "repairs"), sent, "quarantined", "not_in_values")


def plant_event_codes(draft: Draft) -> None:
    """Send events under an organisation code, with and without hyphen, and under an old taxpayer number."""
    for number, kind in ((31, "organisation_code_with_hyphen"), (32, "organisation_code")):
        enterprise = draft.take()
        event = _listed(enterprise, number, "judgment_defaulter")
        draft.put(replace(enterprise, events=(event,)))
        draft.plant(kind, _EVENTS, event_record(event), "active", "code_crosswalk", enterprise.uscc)
    enterprise = draft.take()
    event = _listed(enterprise, 33, "administrative_penalty", "minor")
    event = event._replace(sending=Sending((("uscc", codes.as_old_taxpayer_number(enterprise.uscc)),)))
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("old_taxpayer_number", _EVENTS, event_record(event), "active", "code_crosswalk", enterprise.uscc)
    enterprise = draft.take()
    event = _listed(enterprise, 34, "administrative_penalty")
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("severity_not_stated", _EVENTS, event_record(event), "active", "unstated", enterprise.uscc)


def plant_typed_codes(draft: Draft) -> None:
    """Type letters for digits in taxpayer codes: all put right by rule, and once a letter for another digit."""
    enterprise = draft.take_with(lambda e: set("0125") <= set(codes.as_organisation_code(e.uscc)))
    filing = filing_of(enterprise, 2024)
    typed = filing._replace(sending=Sending((("nsrsbh", codes.with_letters_for_digits(enterprise.uscc)),)))
    draft.put(with_filing(enterprise, filing, typed))
    record = filing_record(enterprise, typed)
    draft.plant("letters_typed_for_digits", _STATEMENTS, record, "repaired", "uscc_repaired", enterprise.uscc)
    enterprise = draft.take_with(lambda e: "8" in codes.as_organisation_code(e.uscc))
    filing = filing_of(enterprise, 2022)
    place = enterprise.uscc.index("8", 8)
    wrong = enterprise.uscc[:place] + "O" + enterprise.uscc[place + 1 :]
    spoilt = filing._replace(sending=unusable(nsrsbh=wrong))
    draft.put(with_filing(enterprise, filing, spoilt))
    record = filing_record(enterprise, spoilt)
    draft.plant("letter_beyond_repair", _STATEMENTS, record, "quarantined", "uscc_alphabet", enterprise.uscc)


def _reports_2024(enterprise: Enterprise) -> bool:
    rd = filing_of(enterprise, 2024).rd_expense or Decimal(0)
    reports = [r for r in enterprise.torch_reports if r.fiscal_year == 2024 and r.hnte_rd_expense]
    claims = [d for d in enterprise.deductions if d.fiscal_year == 2024]
    return rd > 10_000 and bool(reports) and len(claims) == 1


def _plant_claim(draft: Draft, kind: str, enterprise: Enterprise, claim: Deduction, rule: str) -> None:
    draft.put(replace(enterprise, deductions=(*enterprise.deductions[:-1], claim)))
    record = deduction_record(enterprise, claim)
    draft.plant(kind, ("tax", "rd_deductions"), record, rule, "flag", enterprise.uscc)


def plant_research_contradictions(draft: Draft) -> None:
    """Reverse the calibers of R&D expense, once against each of the others, and deduct what does not follow from it."""
    enterprise = draft.take_with(_reports_2024)
    booked = filing_of(enterprise, 2024).rd_expense or Decimal(0)
    claim, more = enterprise.deductions[-1], round(booked * Decimal("1.2"), 2)
    reversed_claim = claim._replace(additional_deduction=more, deductible_rd=more)
    _plant_claim(draft, "rd_calibers_reversed", enterprise, reversed_claim, "Q5")
    enterprise = draft.take_with(_reports_2024)
    booked = filing_of(enterprise, 2024).rd_expense or Decimal(0)
    report = enterprise.torch_reports[-1]._replace(hnte_rd_expense=booked + Decimal("0.01"))
    draft.put(replace(enterprise, torch_reports=(*enterprise.torch_reports[:-1], report)))
    record: Record = {"uscc": enterprise.uscc, "fiscal_year": 2024}
    draft.plant("rd_calibers_reversed", ("science", "torch_reports"), record, "Q5", "flag", enterprise.uscc)
    enterprise = draft.take_with(_reports_2024)
    claim = enterprise.deductions[-1]
    less = round(claim.additional_deduction * Decimal("0.9"), 2)
    _plant_claim(draft, "relief_does_not_follow", enterprise, claim._replace(additional_deduction=less), "Q7")


def plant_other_contradictions(draft: Draft) -> None:
    """Declare VAT sales of twice the revenue, and insure half of the staff."""
    enterprise = draft.take_with(lambda e: len(e.local.vat_returns) == 24)
    returns = tuple(one._replace(sales=one.sales * 2) for one in enterprise.local.vat_returns)
    draft.put(with_local(enterprise, vat_returns=returns))
    record: Record = {"nsrsbh": enterprise.uscc, "skssqz": "2024-12-31", "sbrq": str(returns[-1].filed_on)}
    draft.plant("vat_sales_far_off", ("tax", "vat_returns"), record, "Q8", "flag", enterprise.uscc)
    enterprise = draft.take_with(lambda e: (e.headcounts[35].staff_total or 0) >= 40)
    halved = tuple(one._replace(persons=one.persons // 2) for one in enterprise.local.insured)
    draft.put(with_local(enterprise, insured=halved))
    record = {"单位编号": enterprise.unit_no, "缴费月份": _DECEMBER.isoformat()}
    draft.plant("insured_far_off", ("talent", "social_security"), record, "Q9", "flag", enterprise.uscc)


def plant_corrected_vat(draft: Draft) -> None:
    """File a month's VAT return again: the first was ten times the sales, and what was filed last counts."""
    enterprise = draft.take_with(lambda e: len(e.local.vat_returns) == 24)
    *others, right = enterprise.local.vat_returns
    wrong = right._replace(sales=right.sales * 10)
    again = right._replace(filed_on=date(2025, 3, 3))
    draft.put(with_local(enterprise, vat_returns=(*others, wrong, again)))
    for one, expect in ((wrong, "ignored"), (again, "matched")):
        record: Record = {"nsrsbh": enterprise.uscc, "skssqz": str(one.period_end), "sbrq": str(one.filed_on)}
        draft.plant(
            "vat_return_corrected", ("tax", "vat_returns"), record, expect, "latest_filing_wins", enterprise.uscc
        )


def plant_arrears(draft: Draft) -> None:
    """Let well graded enterprises owe tax on the business date, and on the days around it; and a badly graded one."""
    announced, paid = date(2025, 5, 12), draft.as_of
    cases = (
        ("A", announced, None, "Q23"),
        ("B", announced, paid + timedelta(days=1), "Q23"),
        ("A", announced, paid, "ignored"),
        ("A", paid + timedelta(days=1), None, "ignored"),
        ("C", announced, None, "ignored"),
    )
    for number, (grade, announced_on, cleared_on, expect) in enumerate(cases):
        enterprise = draft.take()
        owed = Arrears(f"QS2025-998{number}-0", "增值税", Decimal("120000.00"), announced_on, cleared_on)
        graded = TaxGrade(2024, grade, date(2025, 4, 15))
        draft.put(with_local(enterprise, tax_grades=(graded,), arrears=(owed,)))
        record: Record = {"ggbh": owed.arrears_no}
        draft.plant("arrears", ("tax", "arrears"), record, expect, "arrears_beside_grade", enterprise.uscc)


STANDING_EDGES: Final = (
    plant_titles,
    plant_terms,
    plant_grades,
    plant_repairs,
    plant_unread_repairs,
    plant_event_codes,
    plant_typed_codes,
    plant_research_contradictions,
    plant_other_contradictions,
    plant_corrected_vat,
    plant_arrears,
)
