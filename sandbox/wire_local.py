"""The facts behind the local indicators and the cross-checks, each as the agency that holds it writes it down."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.model import (
    Arrears,
    Enterprise,
    Insured,
    Person,
    Record,
    Registration,
    Repair,
    Talent,
    TaxGrade,
    VatReturn,
)

PEOPLE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "social_security": ("单位编号", "缴费月份", "参保人数"),
    "persons": (
        "人员标识",
        "单位编号",
        "统计月份",
        "学位",
        "是否博士后",
        "职称等级",
        "技能等级",
        "入职日期",
        "离职日期",
    ),
    "talents": ("人才编号", "统计月份", "人才层次", "计划名称", "所在单位", "认定日期", "有效期至", "离任日期"),
}
"""The columns of each plain file of the talent bureau."""


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _yuan(amount: Decimal) -> str:
    return f"{amount:.2f}"


def vat_record(uscc: str, one: VatReturn) -> Record:
    """Write a VAT return as the tax office does."""
    return {
        "nsrsbh": uscc,
        "skssqz": one.period_end.isoformat(),
        "sbrq": one.filed_on.isoformat(),
        "xse": _yuan(one.sales),
        "msxse": _yuan(one.exempt_sales),
        "ynse": _yuan(one.tax_payable),
    }


def grade_record(uscc: str, one: TaxGrade) -> Record:
    """Write a tax credit grade as the tax office does."""
    return {"nsrsbh": uscc, "pjnd": one.evaluation_year, "xyjb": one.grade, "fbrq": one.published_on.isoformat()}


def arrears_record(uscc: str, one: Arrears) -> Record:
    """Write announced arrears as the tax office does."""
    return {
        "ggbh": one.arrears_no,
        "nsrsbh": uscc,
        "sz": one.tax_kind,
        "qsye": _yuan(one.balance),
        "ggrq": one.announced_on.isoformat(),
        "qqrq": _day(one.cleared_on),
    }


def registration_record(one: Registration) -> Record:
    """Write a software copyright or a layout design as it is registered."""
    record: Record = {
        "id": one.record_no,
        "registrationNo": one.registration_no,
        "kind": one.kind,
        "title": one.title,
        "owner": one.owner_name,
        "registeredOn": one.registered_on.isoformat(),
    }
    return {**record, **dict(one.sending.wire)}


def insured_record(enterprise: Enterprise, one: Insured) -> Record:
    """Write a month's insured persons as the talent bureau does."""
    return {"单位编号": enterprise.unit_no, "缴费月份": one.month.isoformat(), "参保人数": one.persons}


def person_record(enterprise: Enterprise, one: Person, month: date) -> Record:
    """Write a person on a month's list as the talent bureau does, under a hash."""
    return {
        "人员标识": one.person_hash,
        "单位编号": enterprise.unit_no,
        "统计月份": month.isoformat(),
        "学位": one.degree,
        "是否博士后": "true" if one.is_postdoc else "false",
        "职称等级": one.title_level,
        "技能等级": one.skill_level,
        "入职日期": one.joined_on.isoformat(),
        "离职日期": _day(one.left_on),
    }


def talent_record(one: Talent, month: date) -> Record:
    """Write a recognised talent on a month's list as the talent bureau does."""
    return {
        "人才编号": one.talent_no,
        "统计月份": month.isoformat(),
        "人才层次": one.level,
        "计划名称": one.programme,
        "所在单位": one.employer_name,
        "认定日期": one.recognised_on.isoformat(),
        "有效期至": _day(one.valid_to),
        "离任日期": _day(one.left_on),
    }


def repair_record(one: Repair) -> Record:
    """Write a decision on repair as the credit office does."""
    return {
        "repairNo": one.repair_no,
        "eventNo": one.event_no,
        "acceptedOn": one.accepted_on.isoformat(),
        "decidedOn": one.decided_on.isoformat(),
        "result": one.result,
        "updatedAt": one.updated_at,
    }
