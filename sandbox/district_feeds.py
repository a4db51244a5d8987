"""How each agency writes down the facts it holds: one row a dataset, with its own field names, units and order.

The names stand here apart from the source files, so that a field which a source file takes for another shows.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final, NamedTuple

from sandbox.model import AS_IT_IS, District, Enterprise, Record, Sending, WireValue

LISTS: Final = (date(2025, 5, 31), date(2025, 6, 30))
"""The months whose whole lists of persons and talents the talent bureau has sent."""


class Feed(NamedTuple):
    """One dataset.

    `facts` is where a district or an enterprise keeps them. `fields` are `field=fact`, or one word where both names are
    the same; `*` stands for every field of the fact. `key` are our columns of the key, as `column=field`. The list is
    sorted by the agency's fields in `order`; with copies and strays at its end, it is sorted by `last` again.
    """

    facts: str
    fields: str
    key: str
    order: str = ""
    last: str = ""


_FILED: Final = {"key": "uscc=nsrsbh fiscal_year=ssnd filed_on=sbrq", "order": "ssnd sbrq nsrsbh"}
FEEDS: Final[Mapping[str, Feed]] = {
    "tax.statements": Feed(
        "filings",
        "nsrsbh=uscc nsrmc=name_then ssnd=fiscal_year sbrq=filed_on yysr=revenue yycb=operating_cost yffy=rd_expense"
        " jlr=net_profit ldzchj=current_assets fldzchj=noncurrent_assets ldfzhj=current_liabilities"
        " fldfzhj=noncurrent_liabilities",
        **_FILED,
    ),
    "tax.rd_deductions": Feed(
        "deductions",
        "nsrsbh=uscc ssnd=fiscal_year sbrq=filed_on jjkce=additional_deduction sl=income_tax_rate yxjjkc=deductible_rd",
        **_FILED,
    ),
    "tax.vat_returns": Feed(
        "vat_returns",
        "nsrsbh=uscc skssqz=period_end sbrq=filed_on xse=sales msxse=exempt_sales ynse=tax_payable",
        "uscc=nsrsbh period_end=skssqz filed_on=sbrq",
    ),
    "tax.credit_grades": Feed(
        "tax_grades",
        "nsrsbh=uscc pjnd=evaluation_year xyjb=grade fbrq=published_on",
        "uscc=nsrsbh evaluation_year=pjnd published_on=fbrq",
    ),
    "tax.arrears": Feed(
        "arrears",
        "ggbh=arrears_no nsrsbh=uscc sz=tax_kind qsye=balance ggrq=announced_on qqrq=cleared_on",
        "arrears_no=ggbh",
    ),
    "patent.applications": Feed(
        "patents",
        "id=record_no applicationNo=number applicants type=patent_type ipc filedOn=filed_on grantedOn=granted_on"
        " legalStatus=legal_status lapsedOn=lapsed_on highValueBasis=high_value_basis transferredTo=transferred_to"
        " transferRecordedOn=transfer_recorded_on",
        "record_no=id",
        "id",
    ),
    "patent.pct_applications": Feed(
        "pcts", "id=record_no internationalNo=number applicants ipc internationalFiledOn=filed_on", "record_no=id", "id"
    ),
    "patent.software_and_layouts": Feed(
        "registrations",
        "id=record_no registrationNo=registration_no kind title owner=owner_name registeredOn=registered_on",
        "registration_no=registrationNo",
    ),
    "credit.evaluations": Feed(
        "evaluations",
        "evaluationNo=evaluation_no uscc name batchMonth=batch_month grade updatedAt=updated_at",
        "evaluation_no=evaluationNo",
        last="updatedAt evaluationNo",
    ),
    "credit.events": Feed(
        "events",
        "eventNo=event_no uscc=court_code name eventType=event_type severity legalBasis=legal_basis"
        " documentNo=document_no issuingBody=issuing_body decidedOn=decided_on publicityEndOn=publicity_end_on"
        " removedOn=removed_on updatedAt=updated_at",
        "event_no=eventNo",
        last="updatedAt eventNo",
    ),
    "credit.repairs": Feed(
        "repairs",
        "repairNo=repair_no eventNo=event_no acceptedOn=accepted_on decidedOn=decided_on result updatedAt=updated_at",
        "repair_no=repairNo",
        last="updatedAt repairNo",
    ),
    "talent.headcounts": Feed(
        "headcounts",
        "单位编号=unit_no 单位名称=name_then 统计月份=month 职工人数=staff_total 科技人员数=sci_tech_staff"
        " 硕士及以上人数=master_or_above 博士及以上人数=doctors 当年应届毕业生人数=new_graduates 技术人员数=technicians"
        " 科技人员占比=share",
        "unit_no=单位编号 month=统计月份",
        "单位编号",
        "统计月份",
    ),
    "talent.social_security": Feed(
        "insured",
        "单位编号=unit_no 缴费月份=month 参保人数=persons",
        "unit_no=单位编号 month=缴费月份",
        "单位编号",
        "缴费月份",
    ),
    "talent.persons": Feed(
        "persons",
        "人员标识=person_hash 单位编号=unit_no 统计月份=last_listed 学位=degree 是否博士后=is_postdoc"
        " 职称等级=title_level 技能等级=skill_level 入职日期=joined_on 离职日期=left_on",
        "person_hash=人员标识 unit_no=单位编号 month=统计月份",
        "单位编号",
        "统计月份",
    ),
    "talent.talents": Feed(
        "talents",
        "人才编号=talent_no 统计月份=last_list 人才层次=level 计划名称=programme 所在单位=employer_name"
        " 认定日期=recognised_on 有效期至=valid_to 离任日期=left_on",
        "talent_no=人才编号 month=统计月份",
        last="统计月份",
    ),
    "bank_a.loans": Feed(
        "loans",
        "借据号=receipt_no 报送日期=reported_on 统一社会信用代码=uscc 放款金额=drawn_amount 余额=balance"
        " 年利率=annual_rate:.4f 放款日=drawn_on 到期日=due_on 五级分类=five_class 逾期天数=overdue_days",
        "loan_receipt_no=借据号 reported_on=报送日期",
        last="报送日期 借据号",
    ),
    "bank_b.loans": Feed(
        "loans",
        "RECEIPT_NO=receipt_no RPT_DATE=reported_on CUST_USCC=uscc LOAN_AMT=drawn_amount:万元 BAL=balance:万元"
        " RATE=annual_rate START_DATE=drawn_on END_DATE=due_on FIVE_CLASS=five_class OVD_DAYS=overdue_days",
        "loan_receipt_no=RECEIPT_NO reported_on=RPT_DATE",
        last="RPT_DATE RECEIPT_NO",
    ),
    "science.enterprises": Feed(
        "register",
        "uscc name founded_on status industry_code industry_name zone_member_from=member_from zone_member_to=member_to"
        " parent_uscc registration_no",
        "uscc",
    ),
    "science.enterprise_names": Feed("names", "uscc *", "uscc name valid_from"),
    "science.enterprise_identifiers": Feed("register", "uscc scheme identifier=unit_no", "scheme identifier"),
    "science.business_scopes": Feed("scopes", "uscc ipc_subclass=itself", "uscc ipc_subclass"),
    "science.torch_reports": Feed("torch_reports", "uscc *", "uscc fiscal_year"),
    "science.technology_contracts": Feed("contracts", "seller_uscc=uscc *", "contract_no"),
    "science.venture_investments": Feed("investments", "uscc *", "investment_no"),
    "science.platforms": Feed("platforms", "uscc *", "platform_no"),
    "science.awards": Feed("awards", "*", "award_no"),
    "science.projects": Feed("projects", "uscc *", "project_no"),
    "science.cooperations": Feed("cooperations", "uscc *", "cooperation_no"),
    "science.standards": Feed("standards", "*", "standard_no drafter_name"),
    "science.recognised_products": Feed("products", "uscc *", "product_no"),
    "science.titles": Feed("titles", "uscc *", "certificate_no"),
    "science.contest_results": Feed("results", "*", "result_no"),
    "science.enterprise_states": Feed("states", "uscc *", "uscc aspect valid_from"),
    "science.consents": Feed("consents", "uscc purpose evidence_hash *", "consent_id recipient"),
    "finance.loan_movements": Feed("loan_movements", "uscc *", "movement_no"),
    "finance.leases": Feed("leases", "uscc *", "lease_no"),
    "finance.lease_payments": Feed("lease_payments", "*", "payment_no"),
    "finance.subsidy_claims": Feed("subsidy_claims", "uscc *", "claim_no"),
    "finance.subsidy_payments": Feed("subsidy_payments", "*", "payment_no"),
    "finance.guarantees": Feed("guarantees", "uscc *", "guarantee_no"),
    "finance.guarantee_claims": Feed("guarantee_states", "*", "event_no"),
    "finance.pool_funds": Feed("pool_funds", "*", "fund_no"),
    "finance.needs": Feed("needs", "uscc *", "need_no"),
    "finance.need_events": Feed("need_events", "*", "event_no"),
    "finance.bank_feedback": Feed("bank_feedback", "uscc *", "feedback_no"),
    "finance.policy_claims": Feed("policy_claims", "uscc *", "claim_no"),
    "science.successions": Feed("successions", "*", "predecessor_uscc successor_uscc kind"),
}


def _court_code(_: Enterprise, event: Any) -> str | None:
    """Courts key their list by organisation code, some with a hyphen in it."""
    if event.uscc is None or event.event_type != "judgment_defaulter":
        return event.uscc  # type: ignore[no-any-return]
    code = event.uscc[8:17]
    return f"{code[:8]}-{code[8]}" if event.event_no[-1] in "13579" else code


def _share(_: Enterprise, row: Any) -> str:
    """The bureau works out the share of scientists itself."""
    if not row.staff_total or row.sci_tech_staff is None:
        return ""
    return f"{Decimal(100 * row.sci_tech_staff) / row.staff_total:.2f}"


def _of_kind(penalty: str, entry: str) -> Callable[[Enterprise, Any], str]:
    return lambda _, event: penalty if event.event_type == "administrative_penalty" else entry


def _evidence(enterprise: Enterprise, consent: Any) -> str:
    return hashlib.sha256(f"{consent.consent_id}:{enterprise.uscc}".encode()).hexdigest()


_WORKED_OUT: Final[Mapping[str, Callable[[Enterprise, Any], WireValue]]] = {
    "name_then": lambda e, one: e.name_on(getattr(one, "filed_on", None) or one.month),
    "court_code": _court_code,
    "legal_basis": _of_kind("《中华人民共和国行政处罚法》", "《全国失信惩戒措施基础清单》"),
    "document_no": lambda _, event: f"样罚〔{event.decided_on.year}〕{event.event_no[-4:]}号",
    "issuing_body": _of_kind("区市场监督管理局", "区人民法院"),
    "share": _share,
    "last_list": lambda _e, _one: LISTS[-1].isoformat(),
    "scheme": lambda _e, _one: "talent_unit_no",
    "itself": lambda _, one: one,
    "purpose": lambda _e, _one: "授信评估",
    "evidence_hash": _evidence,
}


def in_ten_thousands(amount: Decimal) -> str:
    """Return yuan as 万元, exact (a fen is the sixth decimal), at least two decimals."""
    whole, _, decimals = f"{amount.scaleb(-4):f}".rstrip("0").partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def _text(value: Any, form: str) -> WireValue:
    if isinstance(value, Decimal):
        return in_ten_thousands(value) if form == "万元" else f"{value:{form or '.2f'}}"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else value


@cache
def _fields(address: str, fact: type[Any]) -> list[tuple[str, str, str]]:
    """Field, name of the fact and form of each field of a record."""
    found = []
    for word in FEEDS[address].fields.split():
        field, _, name = word.partition("=")
        name, _, form = (name or field).partition(":")
        names = [one for one in getattr(fact, "_fields", ()) if one != "sending"] if word == "*" else [name]
        found += [(one if word == "*" else field, one, form) for one in names]
    return found


def record_of(address: str, enterprise: Enterprise, fact: Any) -> Record:
    """Write a fact as its agency does, before anything about it is sent otherwise."""
    record: Record = {}
    for field, name, form in _fields(address, fact.__class__):
        if name in _WORKED_OUT:
            record[field] = _WORKED_OUT[name](enterprise, fact)
        else:
            record[field] = _text(getattr(fact if hasattr(fact, name) else enterprise, name), form)
    return record


def key_of(address: str, record: Record) -> Record:
    """Return the key of a record under our column names, with the values as sent (absent parts are None)."""
    parts = (word.partition("=") for word in FEEDS[address].key.split())
    return {column: record.get(field or column) for column, _, field in parts}


def _facts(address: str, district: District) -> Iterator[tuple[Enterprise, Any]]:
    """Yield each fact of a dataset with its enterprise; a fact of the whole district has the first one in its place."""
    source, facts = address.partition(".")[0], FEEDS[address].facts
    if hasattr(district, facts):
        yield from ((district.enterprises[0], one) for one in getattr(district, facts))
        return
    holders = sorted(district.enterprises, key=lambda e: e.unit_no) if source == "talent" else district.enterprises
    for enterprise in holders:
        held: Any = (enterprise,) if facts == "register" else getattr(enterprise, facts)
        for one in held:
            if facts != "loans" or one.bank == source:
                yield enterprise, one


def feed(address: str, district: District) -> list[Record]:
    """Cut one dataset out of the district: copies of a record come at the end, as on a later page, then strays."""
    _, _, _, order, last = FEEDS[address]
    true = [(record_of(address, enterprise, one), one) for enterprise, one in _facts(address, district)]
    true.sort(key=lambda pair: [str(pair[0][field]) for field in order.split()])
    sent = [({**record, **dict(sending_of(one).wire)}, one) for record, one in true]
    again = [record for record, one in sent for _ in range(sending_of(one).copies - 1)]
    strays = [s.record for s in district.strays if f"{s.source}.{s.dataset}" == address]
    records = [*_listed(address, sent), *again, *strays]
    return sorted(records, key=lambda record: [str(record[field]) for field in last.split()])


def sending_of(fact: Any) -> Sending:
    """Return how a fact is sent: once and as it is, unless it has a `sending`."""
    return getattr(fact, "sending", AS_IT_IS)


def _listed(address: str, sent: Iterable[tuple[Record, Any]]) -> Iterator[Record]:
    """Write persons and talents on each month's list, which is whole: one missing in a later list has left."""
    for record, one in sent:
        if address == "talent.persons":
            yield from ({**record, "统计月份": str(month)} for month in LISTS if one.last_listed >= month)
        elif address == "talent.talents":
            yield from ({**record, "统计月份": str(month)} for month in LISTS if one.recognised_on <= month)
        else:
            yield record
