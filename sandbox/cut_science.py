"""The district cut into the science bureau's tables; days and money stand as text and get types in the database."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.model import District, Enterprise, Record

# Per table: the facts of an enterprise that it holds, and the column for the enterprise's code ("": it stands by name).
FACTS: Final[Mapping[str, tuple[str, str]]] = {
    "enterprise_names": ("names", "uscc"),
    "torch_reports": ("torch_reports", "uscc"),
    "technology_contracts": ("contracts", "seller_uscc"),
    "venture_investments": ("investments", "uscc"),
    "platforms": ("platforms", "uscc"),
    "awards": ("awards", ""),
    "projects": ("projects", "uscc"),
    "cooperations": ("cooperations", "uscc"),
    "standards": ("standards", ""),
    "recognised_products": ("products", "uscc"),
    "titles": ("titles", "uscc"),
    "contest_results": ("results", ""),
    "enterprise_states": ("states", "uscc"),
    "consents": ("consents", "uscc"),
}


def _text(value: Any) -> str | int | None:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:.2f}" if isinstance(value, Decimal) else value


def fact_row(table: str, enterprise: Enterprise, fact: Any) -> Record:
    """Write a fact as a row of a table: under the names of its fields, with the enterprise's code beside them."""
    row = {name: _text(value) for name, value in fact._asdict().items()}
    if code_column := FACTS[table][1]:
        row[code_column] = enterprise.uscc
    if table == "consents":
        signed = f"{fact.consent_id}:{enterprise.uscc}".encode()
        row |= {"purpose": "授信评估", "evidence_hash": hashlib.sha256(signed).hexdigest()}
    return row


def register_row(enterprise: Enterprise) -> Record:
    """Write an enterprise as a row of the bureau's register."""
    return {
        "uscc": enterprise.uscc,
        "name": enterprise.name,
        "founded_on": enterprise.founded_on.isoformat(),
        "status": enterprise.status,
        "industry_code": enterprise.industry_code,
        "industry_name": enterprise.industry_name,
        "zone_member_from": enterprise.member_from.isoformat(),
        "zone_member_to": _text(enterprise.member_to),
        "parent_uscc": enterprise.parent_uscc,
        "registration_no": enterprise.registration_no,
    }


def science(district: District) -> dict[str, list[Record]]:
    """Cut the science bureau's tables."""
    tables: dict[str, list[Record]] = defaultdict(list)
    for enterprise in district.enterprises:
        uscc = enterprise.uscc
        tables["enterprises"].append(register_row(enterprise))
        unit: Record = {"uscc": uscc, "scheme": "talent_unit_no", "identifier": enterprise.unit_no}
        tables["enterprise_identifiers"].append(unit)
        tables["business_scopes"] += [{"uscc": uscc, "ipc_subclass": subclass} for subclass in enterprise.scopes]
        for table, (facts, _) in FACTS.items():
            tables[table] += [fact_row(table, enterprise, fact) for fact in getattr(enterprise, facts)]
    tables["successions"] = [{name: _text(value) for name, value in s._asdict().items()} for s in district.successions]
    for stray in district.strays:
        if stray.source == "science":
            tables[stray.dataset].append(stray.record)
    return dict(tables)
