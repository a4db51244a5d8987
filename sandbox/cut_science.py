"""The district cut into the science bureau's tables; days and money stand as text and get types in the database."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.model import Consent, District, Enterprise, Record


def _row(fact: Any, **more: str | int | None) -> Record:
    """Write a fact under the names of its fields, days and decimals as text, with further columns beside them."""
    return {**{name: _text(value) for name, value in fact._asdict().items()}, **more}


def _text(value: Any) -> str | int | None:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:.2f}" if isinstance(value, Decimal) else value


def _consent_row(uscc: str, consent: Consent) -> Record:
    return {
        "consent_id": consent.consent_id,
        "uscc": uscc,
        "recipient": consent.recipient,
        "purpose": "授信评估",
        "data_classes": consent.data_classes,
        "valid_from": consent.valid_from.isoformat(),
        "valid_to": _day(consent.valid_to),
        "withdrawn_on": _day(consent.withdrawn_on),
        "evidence_hash": hashlib.sha256(f"{consent.consent_id}:{uscc}".encode()).hexdigest(),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _identity_rows(enterprise: Enterprise) -> dict[str, list[Record]]:
    uscc = enterprise.uscc
    register: Record = {
        "uscc": uscc,
        "name": enterprise.name,
        "founded_on": enterprise.founded_on.isoformat(),
        "status": enterprise.status,
        "industry_code": enterprise.industry_code,
        "industry_name": enterprise.industry_name,
        "zone_member_from": enterprise.member_from.isoformat(),
        "zone_member_to": _day(enterprise.member_to),
        "parent_uscc": enterprise.parent_uscc,
        "registration_no": enterprise.registration_no,
    }
    names: list[Record] = [
        {"uscc": uscc, "name": n.text, "valid_from": n.valid_from.isoformat(), "valid_to": _day(n.valid_to)}
        for n in enterprise.names
    ]
    return {
        "enterprises": [register],
        "enterprise_names": names,
        "enterprise_identifiers": [{"uscc": uscc, "scheme": "talent_unit_no", "identifier": enterprise.unit_no}],
        "business_scopes": [{"uscc": uscc, "ipc_subclass": subclass} for subclass in enterprise.scopes],
        "enterprise_states": [_row(state, uscc=uscc) for state in enterprise.local.states],
    }


def _business_rows(enterprise: Enterprise) -> dict[str, list[Record]]:
    uscc = enterprise.uscc
    return {
        "torch_reports": [
            {
                "uscc": uscc,
                "fiscal_year": r.fiscal_year,
                "high_tech_product_revenue_cny": _money(r.high_tech_product_revenue),
                "staff_total": r.staff_total,
                "hnte_rd_expense_cny": _money(r.hnte_rd_expense),
                "reported_on": r.reported_on.isoformat(),
            }
            for r in enterprise.torch_reports
        ],
        "technology_contracts": [
            {
                "contract_no": c.contract_no,
                "seller_uscc": uscc,
                "turnover_cny": _money(c.turnover),
                "registered_on": c.registered_on.isoformat(),
                "status": c.status,
            }
            for c in enterprise.contracts
        ],
        "venture_investments": [
            {
                "investment_no": i.investment_no,
                "uscc": uscc,
                "paid_in_cny": _money(i.paid_in),
                "paid_in_on": i.paid_in_on.isoformat(),
            }
            for i in enterprise.investments
        ],
        "consents": [_consent_row(uscc, consent) for consent in enterprise.consents],
    }


def _recognition_rows(enterprise: Enterprise) -> dict[str, list[Record]]:
    uscc = enterprise.uscc
    return {
        "platforms": [
            {
                "platform_no": p.platform_no,
                "uscc": uscc,
                "platform_name": p.platform_name,
                "kind": p.kind,
                "level": p.level,
                "recognised_on": p.recognised_on.isoformat(),
                "valid_to": _day(p.valid_to),
            }
            for p in enterprise.platforms
        ],
        "awards": [{**a._asdict(), "announced_on": a.announced_on.isoformat()} for a in enterprise.awards],
        "projects": [
            {"project_no": p.project_no, "uscc": uscc, "level": p.level, "approved_on": p.approved_on.isoformat()}
            for p in enterprise.projects
        ],
    }


def _local_rows(enterprise: Enterprise) -> dict[str, Iterable[Record]]:
    uscc, local = enterprise.uscc, enterprise.local
    return {
        "cooperations": [_row(one, uscc=uscc) for one in local.cooperations],
        "standards": [_row(one) for one in local.standards],
        "recognised_products": [_row(one, uscc=uscc) for one in local.products],
        "titles": [_row(one, uscc=uscc) for one in local.titles],
        "contest_results": [_row(one) for one in local.results],
    }


def science(district: District) -> dict[str, list[Record]]:
    """Cut the science bureau's tables."""
    tables: dict[str, list[Record]] = defaultdict(list)
    for enterprise in district.enterprises:
        cuts = (_identity_rows(enterprise), _business_rows(enterprise), _recognition_rows(enterprise))
        for rows in (*cuts, _local_rows(enterprise)):
            for table, records in rows.items():
                tables[table].extend(records)
    tables["successions"] = [_row(one) for one in district.successions]
    for stray in district.strays:
        if stray.source == "science":
            tables[stray.dataset].append(stray.record)
    return dict(tables)
