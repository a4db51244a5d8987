"""The district cut into each agency's feed, in that agency's own fields and order."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from itertools import chain, repeat

from sandbox import wire, wire_local
from sandbox.cut_science import science
from sandbox.district_people import LISTS
from sandbox.feeds import Feeds
from sandbox.model import Application, Deduction, District, Enterprise, Filing, Record, Sending
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


def _by_code(district: District, records_of: Callable[[Enterprise], Iterable[Record]]) -> list[Record]:
    return list(chain.from_iterable(records_of(enterprise) for enterprise in district.enterprises))


def tax(district: District) -> dict[str, list[Record]]:
    """Cut the tax office's lists, each by year or period and day."""
    statements = _by_filing(district, lambda e: e.filings, wire.filing_record)  # type: ignore[arg-type]
    claims = _by_filing(district, lambda e: e.deductions, wire.deduction_record)  # type: ignore[arg-type]
    return {
        "tax.statements": statements + _strays(district, "tax", "statements"),
        "tax.rd_deductions": claims + _strays(district, "tax", "rd_deductions"),
        "tax.vat_returns": _by_code(district, lambda e: map(wire_local.vat_record, repeat(e.uscc), e.vat_returns)),
        "tax.credit_grades": _by_code(district, lambda e: map(wire_local.grade_record, repeat(e.uscc), e.tax_grades)),
        "tax.arrears": _by_code(district, lambda e: map(wire_local.arrears_record, repeat(e.uscc), e.arrears)),
    }


def patent(district: District) -> dict[str, list[Record]]:
    """Cut the patent office's gazettes, by record number."""

    def gazette(applications: Iterable[Application], record_of: Callable[[Application], Record]) -> list[Record]:
        ordered = sorted(applications, key=lambda application: application.record_no)
        return [record_of(application) for application in ordered]

    return {
        "patent.applications": gazette(district.patents, wire.patent_record),
        "patent.pct_applications": gazette(district.pcts, wire.pct_record),
        "patent.software_and_layouts": [wire_local.registration_record(one) for one in district.registrations],
    }


def credit(district: District) -> dict[str, list[Record]]:
    """Cut the credit office's change feeds, by the instant of the change and number."""
    grades = _delivered((wire.evaluation_record(e, g), g.sending) for e in district.enterprises for g in e.evaluations)
    events = _delivered((wire.event_record(event), event.sending) for e in district.enterprises for event in e.events)
    grades += _strays(district, "credit", "evaluations")
    events += _strays(district, "credit", "events")
    grades.sort(key=lambda record: (str(record["updatedAt"]), str(record["evaluationNo"])))
    events.sort(key=lambda record: (str(record["updatedAt"]), str(record["eventNo"])))
    repairs = [wire_local.repair_record(one) for e in district.enterprises for one in e.repairs]
    repairs += _strays(district, "credit", "repairs")
    repairs.sort(key=lambda record: (str(record["updatedAt"]), str(record["repairNo"])))
    return {"credit.evaluations": grades, "credit.events": events, "credit.repairs": repairs}


def talent(district: District) -> dict[str, list[Record]]:
    """Cut the talent bureau's files, each by month and unit number: head counts, insured persons, persons, talents.

    A month's list of persons and talents is whole, so whom a later list lacks is no longer listed.
    """
    counted: dict[date, list[tuple[Record, Sending]]] = defaultdict(list)
    insured: dict[date, list[Record]] = defaultdict(list)
    persons: dict[date, list[Record]] = defaultdict(list)
    talents: dict[date, list[Record]] = defaultdict(list)
    for enterprise in sorted(district.enterprises, key=lambda e: e.unit_no):
        for count in enterprise.headcounts:
            counted[count.month].append((wire.headcount_record(enterprise, count), count.sending))
        for row in enterprise.insured:
            insured[row.month].append(wire_local.insured_record(enterprise, row))
        for month in LISTS:
            persons[month] += [
                wire_local.person_record(enterprise, p, month) for p in enterprise.persons if p.last_listed >= month
            ]
            talents[month] += [
                wire_local.talent_record(t, month) for t in enterprise.talents if t.recognised_on <= month
            ]
    headcounts = {month: _delivered(sent) for month, sent in counted.items()}
    for dataset, months in (("headcounts", headcounts), ("talents", talents)):
        for record in _strays(district, "talent", dataset):
            months[date.fromisoformat(str(record["统计月份"]))].append(record)
    cut_months = {"headcounts": headcounts, "social_security": insured, "persons": persons, "talents": talents}
    return {f"talent.{dataset}": _by_day(months) for dataset, months in cut_months.items()}


def _by_day(days: Mapping[date, list[Record]]) -> list[Record]:
    return list(chain.from_iterable(days[day] for day in sorted(days)))


def bank(district: District, name: str) -> list[Record]:
    """Cut one bank's loan book by reporting date and receipt number."""
    reported, receipt = ("报送日期", "借据号") if name == "bank_a" else ("RPT_DATE", "RECEIPT_NO")
    lent = ((e.uscc, loan) for e in district.enterprises for loan in e.loans if loan.bank == name)
    records = [wire.loan_record(uscc, loan) for uscc, loan in lent] + _strays(district, name, "loans")
    return sorted(records, key=lambda record: (str(record[reported]), str(record[receipt])))


def cut(district: District) -> Feeds:
    """Cut the district into all feeds, with its truth beside them."""
    banks = {f"{name}.loans": bank(district, name) for name in ("bank_a", "bank_b")}
    tables = {f"science.{table}": rows for table, rows in science(district).items()}
    tables |= {**tax(district), **patent(district), **credit(district), **talent(district), **banks}
    return Feeds(district.as_of, tables, tell(district))
