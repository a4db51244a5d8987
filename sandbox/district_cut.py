"""The district cut into each agency's feed, in that agency's own fields and order."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from sandbox import wire
from sandbox.feeds import Feeds
from sandbox.model import Application, Consent, Deduction, District, Enterprise, Filing, Record, Sending
from sandbox.truth import tell


def _strays(district: District, source: str, dataset: str) -> list[Record]:
    return [s.record for s in district.strays if (s.source, s.dataset) == (source, dataset)]


def _delivered(sent: Iterable[tuple[Record, Sending]]) -> list[Record]:
    """Return the records as delivered: further copies of a record come at the end, as on a later page."""
    records: list[Record] = []
    again: list[Record] = []
    for record, sending in sent:
        records.append(record)
        again.extend([record] * (sending.copies - 1))
    return records + again


def _by_filing(
    district: District,
    filed_of: Callable[[Enterprise], tuple[Filing, ...] | tuple[Deduction, ...]],
    record_of: Callable[[Enterprise, Filing | Deduction], Record],
) -> list[Record]:
    filed = [(f.fiscal_year, f.filed_on, e.uscc, e, f) for e in district.enterprises for f in filed_of(e)]
    filed.sort(key=lambda entry: entry[:3])
    return _delivered((record_of(enterprise, filing), filing.sending) for *_, enterprise, filing in filed)


def tax(district: District) -> dict[str, list[Record]]:
    """Cut the tax office's two lists, by year and filing date."""
    statements = _by_filing(district, lambda e: e.filings, wire.filing_record)  # type: ignore[arg-type]
    claims = _by_filing(district, lambda e: e.deductions, wire.deduction_record)  # type: ignore[arg-type]
    return {
        "tax/statements": statements + _strays(district, "tax", "statements"),
        "tax/rd_deductions": claims + _strays(district, "tax", "rd_deductions"),
    }


def patent(district: District) -> dict[str, list[Record]]:
    """Cut the patent office's two gazettes, by record number."""

    def gazette(applications: Iterable[Application], record_of: Callable[[Application], Record]) -> list[Record]:
        ordered = sorted(applications, key=lambda application: application.record_no)
        return [record_of(application) for application in ordered]

    return {
        "patent/applications": gazette(district.patents, wire.patent_record),
        "patent/pct_applications": gazette(district.pcts, wire.pct_record),
    }


def credit(district: District) -> dict[str, list[Record]]:
    """Cut the credit office's change feeds, by the instant of the change and number."""
    grades = _delivered((wire.evaluation_record(e, g), g.sending) for e in district.enterprises for g in e.evaluations)
    events = _delivered((wire.event_record(event), event.sending) for e in district.enterprises for event in e.events)
    grades += _strays(district, "credit", "evaluations")
    events += _strays(district, "credit", "events")
    grades.sort(key=lambda record: (str(record["updatedAt"]), str(record["evaluationNo"])))
    events.sort(key=lambda record: (str(record["updatedAt"]), str(record["eventNo"])))
    return {"credit/evaluations": grades, "credit/events": events}


def talent(district: District) -> dict[date, list[Record]]:
    """Cut the talent bureau's months, each by unit number."""
    months: dict[date, list[tuple[Record, Sending]]] = defaultdict(list)
    for enterprise in sorted(district.enterprises, key=lambda e: e.unit_no):
        for row in enterprise.headcounts:
            months[row.month].append((wire.headcount_record(enterprise, row), row.sending))
    delivered = {month: _delivered(months[month]) for month in sorted(months)}
    for record in _strays(district, "talent", "headcounts"):
        delivered[date.fromisoformat(str(record["统计月份"]))].append(record)
    return delivered


def bank(district: District, name: str) -> dict[date, list[Record]]:
    """Cut one bank's loan book by reporting date, by receipt number."""
    days: dict[date, list[Record]] = defaultdict(list)
    for enterprise in district.enterprises:
        for loan in enterprise.loans:
            if loan.bank == name:
                days[loan.reported_on].append(wire.loan_record(enterprise.uscc, loan))
    reported = "报送日期" if name == "bank_a" else "RPT_DATE"
    receipt = "借据号" if name == "bank_a" else "RECEIPT_NO"
    for record in _strays(district, name, "loans"):
        days[date.fromisoformat(str(record[reported]))].append(record)
    return {day: sorted(days[day], key=lambda record: str(record[receipt])) for day in sorted(days)}


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
    }


def _business_rows(enterprise: Enterprise) -> dict[str, list[Record]]:
    uscc = enterprise.uscc
    return {
        "torch_reports": [
            {
                "uscc": uscc,
                "fiscal_year": r.fiscal_year,
                "high_tech_product_revenue_cny": _money(r.high_tech_product_revenue),
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


def science(district: District) -> dict[str, list[Record]]:
    """Cut the science bureau's tables; dates and money stand as text here and get their types in the database."""
    tables: dict[str, list[Record]] = defaultdict(list)
    for enterprise in district.enterprises:
        for rows in (_identity_rows(enterprise), _business_rows(enterprise), _recognition_rows(enterprise)):
            for table, records in rows.items():
                tables[table].extend(records)
    return {table: records + _strays(district, "science", table) for table, records in tables.items()}


def cut(district: District) -> Feeds:
    """Cut the district into all feeds, with its truth beside them."""
    return Feeds(
        as_of=district.as_of,
        rest={**tax(district), **patent(district), **credit(district)},
        headcounts=talent(district),
        loans_a=bank(district, "bank_a"),
        loans_b=bank(district, "bank_b"),
        science=science(district),
        truth=tell(district),
    )
