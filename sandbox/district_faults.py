"""Planted faults of single records: codes, keys, numbers, sets of values, head counts, deliveries sent twice."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from sandbox import codes
from sandbox.district_faults_names import NAME_FAULTS
from sandbox.district_faults_rules import RULE_FAULTS
from sandbox.draft import Draft, filing_of, unusable, with_filing
from sandbox.model import Enterprise, Headcount, Record, Sending, WireValue
from sandbox.wire import deduction_record, evaluation_record, event_record, filing_record, headcount_record, loan_record

_STATEMENTS: Final = ("tax", "statements")
_HEADCOUNTS: Final = ("talent", "headcounts")
_DECEMBER: Final = date(2024, 12, 31)


def _refused_filing(draft: Draft, kind: str, year: int, reason: str, wire: Callable[[Enterprise], Sending]) -> None:
    """Spoil the filing of a year; only a filing of 2024 or 2023 changes an indicator, one of 2022 changes none."""
    enterprise = draft.take()
    filing = filing_of(enterprise, year)
    spoilt = filing._replace(sending=wire(enterprise))
    draft.put(with_filing(enterprise, filing, spoilt))
    draft.plant(kind, _STATEMENTS, filing_record(enterprise, spoilt), "quarantined", reason, enterprise.uscc)


def plant_statement_codes(draft: Draft) -> None:
    """Spoil taxpayer codes: wrong check character, each forbidden letter, wrong lengths, none at all."""
    for year in (2022, 2024):
        _refused_filing(
            draft,
            "invalid_check_character",
            year,
            "uscc_check_character",
            lambda e: unusable(nsrsbh=codes.with_wrong_check(e.uscc)),
        )
    for letter in codes.FORBIDDEN_LETTERS:
        _refused_filing(
            draft,
            f"forbidden_letter_{letter}",
            2022,
            "uscc_alphabet",
            lambda e, letter=letter: unusable(nsrsbh=codes.with_forbidden_letter(e.uscc, letter)),  # type: ignore[misc]
        )
    _refused_filing(draft, "code_too_short", 2022, "uscc_length", lambda e: unusable(nsrsbh=e.uscc[:17]))
    _refused_filing(
        draft,
        "old_taxpayer_number",
        2022,
        "uscc_length",
        lambda e: unusable(nsrsbh=codes.as_old_taxpayer_number(e.uscc)),
    )
    _refused_filing(draft, "missing_code", 2022, "required_missing", lambda _: unusable(nsrsbh=None))


def plant_statement_values(draft: Draft) -> None:
    """Spoil other parts of statements: no filing date, a garbled amount, a year that cannot be."""
    _refused_filing(draft, "missing_key", 2024, "required_missing", lambda _: unusable(sbrq=None))
    _refused_filing(draft, "garbled_number", 2024, "type_mismatch", lambda _: unusable(yffy="12万3"))
    _refused_filing(draft, "garbled_number", 2023, "type_mismatch", lambda _: unusable(yysr="1,23x.00"))
    _refused_filing(draft, "year_out_of_range", 2022, "out_of_range", lambda _: unusable(ssnd=202))
    enterprise = draft.take_with(lambda e: bool(e.deductions))
    claim = deduction_record(enterprise, enterprise.deductions[0])
    record: Record = {**claim, "sbrq": "2023-12-29", "jjkce": f"-{claim['jjkce']}"}
    draft.stray("negative_deduction", ("tax", "rd_deductions"), record, "quarantined", "out_of_range")
    record = {**claim, "nsrsbh": codes.with_wrong_check(enterprise.uscc)}
    draft.stray("invalid_check_character", ("tax", "rd_deductions"), record, "quarantined", "uscc_check_character")


def _changed_month(draft: Draft, month: date, change: Callable[[Headcount], Headcount]) -> tuple[Enterprise, Headcount]:
    enterprise = draft.take_with(lambda e: all((row.staff_total or 0) >= 5 for row in e.headcounts))
    rows = tuple(change(row) if row.month == month else row for row in enterprise.headcounts)
    draft.put(replace(enterprise, headcounts=rows))
    return enterprise, next(row for row in rows if row.month == month)


def _headcount_fault(draft: Draft, kind: str, month: date, expect: str, reason: str, **wire: WireValue) -> None:
    """Spoil one month's row: refused whole, or (where a value out of range is discarded) known without that value."""

    def change(row: Headcount) -> Headcount:
        if expect == "quarantined":
            return row._replace(sending=unusable(**wire))
        known = row._replace(staff_total=None) if "职工人数" in wire else row
        return known._replace(sending=Sending(tuple(wire.items())))

    enterprise, row = _changed_month(draft, month, change)
    draft.plant(kind, _HEADCOUNTS, headcount_record(enterprise, row), expect, reason, enterprise.uscc)


def plant_headcounts(draft: Draft) -> None:
    """Spoil head counts of December: negative, absurd, garbled, a part over the whole, a share over 100 percent."""
    spoil = _headcount_fault
    spoil(draft, "negative_headcount", _DECEMBER, "discarded", "out_of_range", 职工人数="-5")
    spoil(draft, "absurd_headcount", _DECEMBER, "discarded", "out_of_range", 职工人数="1491543852576")
    spoil(draft, "absurd_share", _DECEMBER, "discarded", "out_of_range", 科技人员占比="1980.00")
    spoil(draft, "garbled_number", _DECEMBER, "quarantined", "type_mismatch", 职工人数="约120")
    for name in ("科技人员数", "硕士及以上人数", "当年应届毕业生人数"):
        spoil(draft, "part_over_whole", _DECEMBER, "quarantined", "part_over_whole", **{name: "99999"})
    spoil(draft, "missing_key", date(2023, 3, 31), "quarantined", "required_missing", 单位编号="")
    enterprise = draft.take()
    rows = tuple(row for row in enterprise.headcounts if row.month != _DECEMBER)
    draft.put(replace(enterprise, headcounts=rows))
    absent: Record = {"单位编号": enterprise.unit_no, "统计月份": _DECEMBER.isoformat()}
    draft.plant("missing_december", _HEADCOUNTS, absent, "record_not_supplied", "never_sent", enterprise.uscc)


def plant_duplicates(draft: Draft) -> None:
    """Send records twice, word for word: a statement, a claim, a head count and a credit event."""
    for _ in range(2):
        enterprise = draft.take()
        filing = filing_of(enterprise, 2024)
        draft.put(with_filing(enterprise, filing, filing._replace(sending=Sending(copies=2))))
        record = filing_record(enterprise, filing)
        draft.plant("identical_duplicate", _STATEMENTS, record, "dropped", "duplicate_delivery", enterprise.uscc)
    enterprise = draft.take_with(lambda e: bool(e.deductions))
    claim = enterprise.deductions[-1]._replace(sending=Sending(copies=2))
    draft.put(replace(enterprise, deductions=(*enterprise.deductions[:-1], claim)))
    record = deduction_record(enterprise, claim)
    draft.plant(
        "identical_duplicate", ("tax", "rd_deductions"), record, "dropped", "duplicate_delivery", enterprise.uscc
    )
    for month in (_DECEMBER, date(2023, 8, 31)):
        enterprise, row = _changed_month(draft, month, lambda row: row._replace(sending=Sending(copies=2)))
        record = headcount_record(enterprise, row)
        draft.plant("identical_duplicate", _HEADCOUNTS, record, "dropped", "duplicate_delivery", enterprise.uscc)
    enterprise = draft.take(lambda e: len(e.events) == 1)
    event = enterprise.events[0]._replace(sending=Sending(copies=2))
    draft.put(replace(enterprise, events=(event,)))
    record = event_record(event)
    draft.plant("identical_duplicate", ("credit", "events"), record, "dropped", "duplicate_delivery", enterprise.uscc)


def _conflict(draft: Draft, where: tuple[str, str], sent: Record, other: Record, uscc: str) -> None:
    """Plant both records of one key: neither can be believed."""
    draft.plant("conflicting_key", where, sent, "quarantined", "conflicting_key", uscc)
    draft.stray("conflicting_key", where, other, "quarantined", "conflicting_key")


def plant_conflicts(draft: Draft) -> None:
    """Send two records of one key that say different things, where no indicator of the year depends on them."""
    refused = Sending(is_usable=False)
    enterprise = draft.take()
    filing = filing_of(enterprise, 2022)
    draft.put(with_filing(enterprise, filing, filing._replace(sending=refused)))
    record = filing_record(enterprise, filing)
    _conflict(draft, _STATEMENTS, record, {**record, "yysr": "1000000.00"}, enterprise.uscc)
    enterprise, row = _changed_month(draft, date(2023, 5, 31), lambda row: row._replace(sending=refused))
    record = headcount_record(enterprise, row)
    other: Record = {**record, "职工人数": (row.staff_total or 0) + 7, "科技人员占比": ""}
    _conflict(draft, _HEADCOUNTS, record, other, enterprise.uscc)
    enterprise = draft.take_with(lambda e: bool(e.evaluations))
    grades = enterprise.evaluations
    draft.put(replace(enterprise, evaluations=(grades[0]._replace(sending=refused), *grades[1:])))
    record = evaluation_record(enterprise, grades[0])
    other = {**record, "grade": "D" if record["grade"] != "D" else "A"}
    _conflict(draft, ("credit", "evaluations"), record, other, enterprise.uscc)


def plant_credit_records(draft: Draft) -> None:
    """Spoil credit records: a grade that does not exist, an event without number, an event with a wrong code."""
    enterprise = draft.take_with(lambda e: bool(e.evaluations))
    spoilt = enterprise.evaluations[-1]._replace(sending=unusable(grade="E"))
    draft.put(replace(enterprise, evaluations=(*enterprise.evaluations[:-1], spoilt)))
    record = evaluation_record(enterprise, spoilt)
    draft.plant(
        "outside_allowed_set", ("credit", "evaluations"), record, "quarantined", "not_in_values", enterprise.uscc
    )
    enterprise = draft.take(lambda e: len(e.events) == 1)
    event = enterprise.events[0]._replace(sending=unusable(uscc=codes.with_wrong_check(enterprise.uscc)))
    draft.put(replace(enterprise, events=(event,)))
    record = event_record(event)
    where = ("credit", "events")
    draft.plant("invalid_check_character", where, record, "quarantined", "uscc_check_character", enterprise.uscc)
    enterprise = draft.take(lambda e: len(e.events) == 1)
    event = enterprise.events[0]._replace(sending=unusable(eventNo=None))
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("missing_key", where, event_record(event), "quarantined", "required_missing", enterprise.uscc)


def plant_loans(draft: Draft) -> None:
    """Spoil loan receipts in both banks' files; their control totals still hold, being the bank's own sums."""
    enterprise = draft.take_with(lambda e: any(loan.bank == "bank_a" for loan in e.loans))
    loan = next(loan for loan in enterprise.loans if loan.bank == "bank_a")
    record = {**loan_record(enterprise.uscc, loan), "借据号": "JA99990001"}
    record["统一社会信用代码"] = codes.with_forbidden_letter(enterprise.uscc, "O")
    draft.stray("forbidden_letter_O", ("bank_a", "loans"), record, "quarantined", "uscc_alphabet")
    enterprise = draft.take_with(lambda e: any(loan.bank == "bank_b" for loan in e.loans))
    loan = next(loan for loan in enterprise.loans if loan.bank == "bank_b")
    record = {**loan_record(enterprise.uscc, loan), "RECEIPT_NO": "B99990001", "LOAN_AMT": "-50.00"}
    draft.stray("negative_amount", ("bank_b", "loans"), record, "quarantined", "out_of_range")
    record = {**loan_record(enterprise.uscc, loan), "RECEIPT_NO": "B99990002", "CUST_USCC": ""}
    draft.stray("missing_code", ("bank_b", "loans"), record, "quarantined", "required_missing")


def plant_register(draft: Draft) -> None:
    """Put rows into the bureau's register that no reader may take: wrong codes, a status of its own."""
    model = draft.take()
    row: Record = {
        "uscc": "",
        "name": "惠州误登样例有限公司",
        "founded_on": "2011-11-11",
        "status": "active",
        "industry_code": model.industry_code,
        "industry_name": model.industry_name,
        "zone_member_from": "2015-01-01",
        "zone_member_to": None,
        "parent_uscc": None,
        "registration_no": None,
    }
    where = ("science", "enterprises")
    other = codes.make_code(random.Random("register"))
    for kind, code, status, reason in (
        ("invalid_check_character", codes.with_wrong_check(model.uscc), "active", "uscc_check_character"),
        ("forbidden_letter_I", codes.with_forbidden_letter(model.uscc, "I"), "active", "uscc_alphabet"),
        ("code_too_short", model.uscc[:17], "active", "uscc_length"),
        ("outside_allowed_set", other, "存续", "not_in_values"),
    ):
        draft.stray(kind, where, {**row, "uscc": code, "status": status}, "quarantined", reason)


def plant_bureau_records(draft: Draft) -> None:
    """Put rows into the bureau's other tables that no reader may take: a code, an amount, a level of its own."""
    model = draft.take()
    contract: Record = {
        "contract_no": "JSHT-9999-01",
        "seller_uscc": codes.with_wrong_check(model.uscc),
        "turnover_cny": "880000.00",
        "registered_on": "2024-05-17",
        "status": "registered",
    }
    where = ("science", "technology_contracts")
    draft.stray("invalid_check_character", where, contract, "quarantined", "uscc_check_character")
    contract = {**contract, "contract_no": "JSHT-9999-02", "seller_uscc": model.uscc, "turnover_cny": "-880000.00"}
    draft.stray("negative_amount", where, contract, "quarantined", "out_of_range")
    platform: Record = {
        "platform_no": "PT-9999-0",
        "uscc": model.uscc,
        "platform_name": "区级样例平台",
        "kind": "engineering_centre",
        "level": "district",
        "recognised_on": (draft.as_of - timedelta(days=90)).isoformat(),
        "valid_to": None,
    }
    draft.stray("outside_allowed_set", ("science", "platforms"), platform, "quarantined", "not_in_values")


RECORD_FAULTS: Final = (
    plant_statement_codes,
    plant_statement_values,
    plant_headcounts,
    plant_duplicates,
    plant_conflicts,
    plant_credit_records,
    plant_loans,
    plant_register,
    plant_bureau_records,
)


def plant_all(draft: Draft) -> None:
    """Plant every fault, in a fixed order."""
    for plant in (*NAME_FAULTS, *RULE_FAULTS, *RECORD_FAULTS):
        plant(draft)
