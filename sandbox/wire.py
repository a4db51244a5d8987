"""Each fact as the agency that holds it writes it down: its own field names, units and signs for nothing."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.model import (
    Application,
    CreditEvent,
    Deduction,
    Enterprise,
    Evaluation,
    Filing,
    Headcount,
    Loan,
    Record,
    Sending,
    WireValue,
)

# Per dataset: our column name of each part of the key -> the agency's field.
KEYS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("tax", "statements"): {"uscc": "nsrsbh", "fiscal_year": "ssnd", "filed_on": "sbrq"},
    ("tax", "rd_deductions"): {"uscc": "nsrsbh", "fiscal_year": "ssnd", "filed_on": "sbrq"},
    ("patent", "applications"): {"record_no": "id"},
    ("patent", "pct_applications"): {"record_no": "id"},
    ("credit", "evaluations"): {"evaluation_no": "evaluationNo"},
    ("credit", "events"): {"event_no": "eventNo"},
    ("credit", "repairs"): {"repair_no": "repairNo"},
    ("tax", "vat_returns"): {"uscc": "nsrsbh", "period_end": "skssqz", "filed_on": "sbrq"},
    ("tax", "credit_grades"): {"uscc": "nsrsbh", "evaluation_year": "pjnd", "published_on": "fbrq"},
    ("tax", "arrears"): {"arrears_no": "ggbh"},
    ("patent", "software_and_layouts"): {"registration_no": "registrationNo"},
    ("talent", "social_security"): {"unit_no": "单位编号", "month": "缴费月份"},
    ("talent", "persons"): {"person_hash": "人员标识", "unit_no": "单位编号", "month": "统计月份"},
    ("talent", "talents"): {"talent_no": "人才编号", "month": "统计月份"},
    ("science", "cooperations"): {"cooperation_no": "cooperation_no"},
    ("science", "standards"): {"standard_no": "standard_no", "drafter_name": "drafter_name"},
    ("science", "recognised_products"): {"product_no": "product_no"},
    ("science", "titles"): {"certificate_no": "certificate_no"},
    ("science", "contest_results"): {"result_no": "result_no"},
    ("science", "successions"): {name: name for name in ("predecessor_uscc", "successor_uscc", "kind")},
    ("science", "enterprise_states"): {name: name for name in ("uscc", "aspect", "valid_from")},
    ("talent", "headcounts"): {"unit_no": "单位编号", "month": "统计月份"},
    ("bank_a", "loans"): {"loan_receipt_no": "借据号", "reported_on": "报送日期"},
    ("bank_b", "loans"): {"loan_receipt_no": "RECEIPT_NO", "reported_on": "RPT_DATE"},
    ("science", "enterprises"): {"uscc": "uscc"},
    ("science", "enterprise_identifiers"): {"scheme": "scheme", "identifier": "identifier"},
    ("science", "torch_reports"): {"uscc": "uscc", "fiscal_year": "fiscal_year"},
    ("science", "technology_contracts"): {"contract_no": "contract_no"},
    ("science", "platforms"): {"platform_no": "platform_no"},
    ("science", "awards"): {"award_no": "award_no"},
    ("science", "consents"): {"consent_id": "consent_id", "recipient": "recipient"},
}

HEADCOUNT_FIELDS: Final = (
    "单位编号",
    "单位名称",
    "统计月份",
    "职工人数",
    "科技人员数",
    "硕士及以上人数",
    "博士及以上人数",
    "当年应届毕业生人数",
    "技术人员数",
    "科技人员占比",
)
BANK_A_FIELDS: Final = (
    "借据号",
    "报送日期",
    "统一社会信用代码",
    "放款金额",
    "余额",
    "年利率",
    "放款日",
    "到期日",
    "五级分类",
    "逾期天数",
)
BANK_B_FIELDS: Final = (
    "RECEIPT_NO",
    "RPT_DATE",
    "CUST_USCC",
    "LOAN_AMT",
    "BAL",
    "RATE",
    "START_DATE",
    "END_DATE",
    "FIVE_CLASS",
    "OVD_DAYS",
)


def key_of(source: str, dataset: str, record: Record) -> Record:
    """Return the key of a record under our column names, with the values as sent (absent parts are None)."""
    return {column: record.get(name) for column, name in KEYS[source, dataset].items()}


def _sent(record: Record, sending: Sending) -> Record:
    return {**record, **dict(sending.wire)} if sending.wire else record


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _yuan(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def filing_record(enterprise: Enterprise, filing: Filing) -> Record:
    """Write a statement as the tax office does: pinyin initials, amounts in yuan as text."""
    record: Record = {
        "nsrsbh": enterprise.uscc,
        "nsrmc": enterprise.name_on(filing.filed_on),
        "ssnd": filing.fiscal_year,
        "sbrq": filing.filed_on.isoformat(),
        "yysr": _yuan(filing.revenue),
        "yycb": _yuan(filing.operating_cost),
        "yffy": _yuan(filing.rd_expense),
        "jlr": _yuan(filing.net_profit),
        "ldzchj": _yuan(filing.current_assets),
        "fldzchj": _yuan(filing.noncurrent_assets),
        "ldfzhj": _yuan(filing.current_liabilities),
        "fldfzhj": _yuan(filing.noncurrent_liabilities),
    }
    return _sent(record, filing.sending)


def deduction_record(enterprise: Enterprise, deduction: Deduction) -> Record:
    """Write a super-deduction claim as the tax office does."""
    record: Record = {
        "nsrsbh": enterprise.uscc,
        "ssnd": deduction.fiscal_year,
        "sbrq": deduction.filed_on.isoformat(),
        "jjkce": _yuan(deduction.additional_deduction),
        "sl": f"{deduction.income_tax_rate:.2f}",
        "yxjjkc": _yuan(deduction.deductible_rd),
    }
    return _sent(record, deduction.sending)


def headcount_record(enterprise: Enterprise, row: Headcount) -> Record:
    """Write a month's head count as the talent bureau does, with the share it works out itself."""
    share = ""
    if row.staff_total and row.sci_tech_staff is not None:
        share = f"{Decimal(100 * row.sci_tech_staff) / row.staff_total:.2f}"
    record: Record = {
        "单位编号": enterprise.unit_no,
        "单位名称": enterprise.name_on(row.month),
        "统计月份": row.month.isoformat(),
        "职工人数": row.staff_total,
        "科技人员数": row.sci_tech_staff,
        "硕士及以上人数": row.master_or_above,
        "博士及以上人数": row.doctors,
        "当年应届毕业生人数": row.new_graduates,
        "技术人员数": row.technicians,
        "科技人员占比": share,
    }
    return _sent(record, row.sending)


def patent_record(application: Application) -> Record:
    """Write a national application as the patent office gazettes it."""
    record: Record = {
        "id": application.record_no,
        "applicationNo": application.number,
        "applicants": application.applicants,
        "type": application.patent_type,
        "ipc": application.ipc,
        "filedOn": application.filed_on.isoformat(),
        "grantedOn": _day(application.granted_on),
        "legalStatus": application.legal_status,
        "lapsedOn": _day(application.lapsed_on),
        "highValueBasis": application.high_value_basis,
        "transferredTo": application.transferred_to,
        "transferRecordedOn": _day(application.transfer_recorded_on),
    }
    return _sent(record, application.sending)


def pct_record(application: Application) -> Record:
    """Write an international application as the patent office lists it."""
    record: Record = {
        "id": application.record_no,
        "internationalNo": application.number,
        "applicants": application.applicants,
        "ipc": application.ipc,
        "internationalFiledOn": application.filed_on.isoformat(),
    }
    return _sent(record, application.sending)


def _court_code(event: CreditEvent) -> str | None:
    """Write a code as the office got it: courts key their list by organisation code, some with a hyphen in it."""
    if event.uscc is None or event.event_type != "judgment_defaulter":
        return event.uscc
    code = event.uscc[8:17]
    return f"{code[:8]}-{code[8]}" if event.event_no[-1] in "13579" else code


def event_record(event: CreditEvent) -> Record:
    """Write a list entry or penalty as the credit office does."""
    is_penalty = event.event_type == "administrative_penalty"
    record: Record = {
        "eventNo": event.event_no,
        "uscc": _court_code(event),
        "name": event.name,
        "eventType": event.event_type,
        "severity": event.severity,
        "legalBasis": "《中华人民共和国行政处罚法》" if is_penalty else "《全国失信惩戒措施基础清单》",
        "documentNo": f"样罚〔{event.decided_on.year}〕{event.event_no[-4:]}号",
        "issuingBody": "区市场监督管理局" if is_penalty else "区人民法院",
        "decidedOn": event.decided_on.isoformat(),
        "publicityEndOn": _day(event.publicity_end_on),
        "removedOn": _day(event.removed_on),
        "updatedAt": event.updated_at,
    }
    return _sent(record, event.sending)


def evaluation_record(enterprise: Enterprise, evaluation: Evaluation) -> Record:
    """Write a credit grade as the credit office does."""
    record: Record = {
        "evaluationNo": evaluation.evaluation_no,
        "uscc": enterprise.uscc,
        "name": enterprise.name,
        "batchMonth": evaluation.batch_month.isoformat(),
        "grade": evaluation.grade,
        "updatedAt": evaluation.updated_at,
    }
    return _sent(record, evaluation.sending)


def in_ten_thousands(amount: Decimal) -> str:
    """Return yuan as 万元, exact (a fen is the sixth decimal), at least two decimals."""
    text = f"{amount.scaleb(-4):f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def loan_record(uscc: str, loan: Loan) -> Record:
    """Write a loan receipt in the bank's own dialect: bank_a in yuan and Chinese, bank_b in 万元 and capitals."""
    is_bank_a = loan.bank == "bank_a"
    amounts = [_yuan(a) if is_bank_a else in_ten_thousands(a) for a in (loan.drawn_amount, loan.balance)]
    values: list[WireValue] = [
        loan.receipt_no,
        loan.reported_on.isoformat(),
        uscc,
        *amounts,
        f"{loan.annual_rate:.4f}" if is_bank_a else f"{loan.annual_rate:.2f}",
        loan.drawn_on.isoformat(),
        loan.due_on.isoformat(),
        loan.five_class,
        loan.overdue_days,
    ]
    fields = BANK_A_FIELDS if is_bank_a else BANK_B_FIELDS
    return _sent(dict(zip(fields, values, strict=True)), loan.sending)
