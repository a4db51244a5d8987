"""The real population: listed companies of 2019-2021 cut into agencies, each with the key that it would really use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from ledger.files import read_csv
from sandbox.district_feeds import in_ten_thousands
from sandbox.feeds import Feeds
from sandbox.model import Record
from sandbox.sheets import read_columns

AS_OF: Final = date(2022, 6, 30)
YEARS: Final = (2019, 2020, 2021)
MISSING_MONEY: Final = "-1.0"
ZONE_MEMBER_FROM: Final = date(2019, 1, 1)
# The data knows no day of foundation. A company must have been at work for three years before it is listed, so three
# years before its listing is the latest it can have been; where not even that is known, this day stands in.
YEARS_BEFORE_LISTING: Final = 3
FOUNDED_WHERE_UNKNOWN: Final = date(1990, 1, 1)

_INDUSTRY: Final = re.compile(r"([A-Z]\d{2})(.+)")
_STATEMENT_FIELDS: Final = {"yysr": "营业收入", "yycb": "营业成本", "yffy": "研发费用", "jlr": "净利润"}
_BALANCE_FIELDS: Final = {
    "ldzchj": "流动资产合计",
    "fldzchj": "非流动资产合计",
    "ldfzhj": "流动负债合计",
    "fldfzhj": "非流动负债合计",
}
_PEOPLE_FIELDS: Final = {
    "单位名称": "股票简称",
    "职工人数": "职工人数",
    "科技人员数": "研发人员",
    "硕士及以上人数": "硕士以上人数",
    "博士及以上人数": "博士以上人数",
    "技术人员数": "技术人员",
    "科技人员占比": "研发人员比率",
}
# By stock code and year.
_Reports = Mapping[tuple[str, int], tuple[date, str]]


class PopulationDataError(LookupError):
    """The folder of real data is not there or not whole."""


@dataclass(frozen=True, slots=True)
class Company:
    """A listed company with a known code: `registered_name` is the register's of 2026."""

    stock_code: str
    uscc: str
    registered_name: str
    industry: str
    founded_on: date


def _founded_by(listed_on: date) -> date:
    """The latest day on which a company listed that day can have been founded."""
    return date(listed_on.year - YEARS_BEFORE_LISTING, listed_on.month, min(listed_on.day, 28))


def companies(data: Path) -> list[Company]:
    """Read the companies whose code is known, by stock code."""
    listed = {
        row["code"].rpartition(".")[2]: row for row in read_csv(data / "uscc" / "listed_industry_province_city.csv")
    }
    found: list[Company] = []
    for row in read_csv(data / "uscc" / "DERIVED_crosswalk_stock_code_to_uscc.csv"):
        entry = listed.get(row["stock_code"], {})
        listing = entry.get("listing_date")
        found.append(
            Company(
                row["stock_code"],
                row["uscc"],
                row["registry_name"],
                entry.get("industry", ""),
                _founded_by(date.fromisoformat(listing)) if listing else FOUNDED_WHERE_UNKNOWN,
            )
        )
    return sorted(found, key=lambda company: company.stock_code)


def reports(data: Path) -> dict[tuple[str, int], tuple[date, str]]:
    """Read the day and the full name of each annual report, by stock code and year."""
    columns = ("report_date", "company_full_name", "stock_code", "report_year")
    rows = read_columns(data / "listed_companies" / "company_annual_reports.xlsx", columns)
    return {
        (row["stock_code"], int(row["report_year"].removesuffix("年"))): (
            date.fromisoformat(row["report_date"]),
            row["company_full_name"],
        )
        for row in rows
    }


def _without_brackets(name: str) -> str:
    return re.sub(r"[()（）]", "", name)


def _name_rows(company: Company, filed: _Reports) -> tuple[str, list[Record]]:
    """Return the current name and the name history.

    A report's name holds from that report on. The register's name, where it is the same but for brackets lost in the
    reports, holds from the first day; where it is another, it came after the reports, on an unknown day.
    """
    first = min(company.founded_on, ZONE_MEMBER_FROM)
    turns: list[tuple[str, date]] = []
    for year in YEARS:
        day, name = filed.get((company.stock_code, year), (first, ""))
        if name and (not turns or turns[-1][0] != name):
            turns.append((name, day if turns else first))
    current = turns[-1][0] if turns else company.registered_name
    names = turns or [(current, first)]
    ends = [start - timedelta(days=1) for _, start in names[1:]]
    rows: list[Record] = [
        {
            "uscc": company.uscc,
            "name": name,
            "valid_from": start.isoformat(),
            "valid_to": end.isoformat() if end else None,
        }
        for (name, start), end in zip(names, [*ends, None], strict=True)
    ]
    if company.registered_name not in {name for name, _ in names}:
        is_same = _without_brackets(company.registered_name) == _without_brackets(current)
        start = first if is_same else AS_OF + timedelta(days=1)
        registered: Record = {"uscc": company.uscc, "name": company.registered_name, "valid_to": None}
        rows.append({**registered, "valid_from": start.isoformat()})
    return current, rows


def science(known: Iterable[Company], filed: _Reports) -> dict[str, list[Record]]:
    """Cut the bureau's register, its names and its identifiers; the other registers were not supplied."""
    tables: dict[str, list[Record]] = {"enterprises": [], "enterprise_names": [], "enterprise_identifiers": []}
    for company in known:
        name, history = _name_rows(company, filed)
        industry = _INDUSTRY.fullmatch(company.industry)
        tables["enterprises"].append(
            {
                "uscc": company.uscc,
                "name": name,
                "founded_on": company.founded_on.isoformat(),
                "status": "active",
                "industry_code": industry[1] if industry else None,
                "industry_name": industry[2] if industry else company.industry or None,
                "zone_member_from": ZONE_MEMBER_FROM.isoformat(),
                "zone_member_to": None,
                # None is a branch, and none is known by a number older than its code.
                "parent_uscc": None,
                "registration_no": None,
            }
        )
        tables["enterprise_names"].extend(history)
        tables["enterprise_identifiers"].append(
            {"uscc": company.uscc, "scheme": "stock_code", "identifier": company.stock_code}
        )
    return tables


def statements(data: Path, known: Iterable[Company], filed: _Reports) -> list[Record]:
    """Cut the tax office's statements of the known companies, every figure as the source has it, "-1.0" included."""
    folder = data / "listed_companies"
    profits = read_columns(folder / "profit_statement.xlsx", ("股票代码", "年份", *_STATEMENT_FIELDS.values()))
    balances = {
        (row["股票代码"], row["年份"]): row
        for row in read_columns(folder / "balance_static.xlsx", ("股票代码", "年份", *_BALANCE_FIELDS.values()))
    }
    codes = {company.stock_code: company.uscc for company in known}
    records: list[Record] = []
    for row in profits:
        stock_code, year = row["股票代码"], int(row["年份"])
        if stock_code not in codes:
            continue
        filed_on, name = filed.get((stock_code, year), (date(year + 1, 4, 30), None))
        balance = balances.get((stock_code, row["年份"]), {})
        record: Record = {"nsrsbh": codes[stock_code], "nsrmc": name, "ssnd": year, "sbrq": filed_on.isoformat()}
        record |= {field: row[column] for field, column in _STATEMENT_FIELDS.items()}
        record |= {field: balance.get(column) for field, column in _BALANCE_FIELDS.items()}
        records.append(record)
    return sorted(records, key=lambda record: (str(record["ssnd"]), str(record["sbrq"]), str(record["nsrsbh"])))


def headcounts(data: Path) -> list[Record]:
    """Cut the talent bureau's year ends: all companies, by stock code, every number as the source has it."""
    columns = ("股票代码", "年份", *dict.fromkeys(_PEOPLE_FIELDS.values()))
    records: list[Record] = []
    for row in read_columns(data / "listed_companies" / "people.xlsx", columns):
        month = date(int(row["年份"]), 12, 31)
        record: Record = {"单位编号": row["股票代码"], "统计月份": month.isoformat(), "当年应届毕业生人数": ""}
        records.append(record | {field: row[column] for field, column in _PEOPLE_FIELDS.items()})
    return sorted(records, key=lambda row: (str(row["统计月份"]), str(row["单位编号"])))


def penalties(data: Path) -> list[Record]:
    """Cut the credit office's events: a report of 2019 that says penalties apply is one event, known by name alone."""
    rows = read_csv(data / "listed_companies" / "basic_information_2019_with_penalty_flags.csv")
    records: list[Record] = [
        {
            "eventNo": f"CF-2019-{row['证券代码']}",
            "uscc": None,
            "name": row["企业名称"],
            "eventType": "administrative_penalty",
            "severity": None,
            "legalBasis": None,
            "documentNo": None,
            "issuingBody": None,
            "decidedOn": "2019-12-31",
            "publicityEndOn": "2020-12-31",
            "removedOn": None,
            "updatedAt": "2020-05-06T09:00:00+08:00",
        }
        for row in rows
        if row["处罚及整改"] == "适用"
    ]
    return sorted(records, key=lambda record: str(record["eventNo"]))


def loans(data: Path, known: Iterable[Company], *, is_bank_a: bool) -> list[Record]:
    """Cut one bank's year ends: cash from loans as one receipt; bank A has even stock codes, bank B odd ones."""
    codes = {c.stock_code: c.uscc for c in known if (int(c.stock_code) % 2 == 0) == is_bank_a}
    bank_a, bank_b = "借据号 报送日期 统一社会信用代码 放款金额", "RECEIPT_NO RPT_DATE CUST_USCC LOAN_AMT"
    fields = (bank_a if is_bank_a else bank_b).split()
    records: list[Record] = []
    columns = ("股票代码", "年份", "取得借款收到的现金")
    for row in read_columns(data / "listed_companies" / "cash_flow_statement.xlsx", columns):
        amount = row["取得借款收到的现金"]
        if row["股票代码"] in codes and amount != MISSING_MONEY:
            day = date(int(row["年份"]), 12, 31)
            drawn = amount if is_bank_a else in_ten_thousands(Decimal(amount))
            receipt_no = f"JK{row['股票代码']}{row['年份']}"
            values = (receipt_no, day.isoformat(), codes[row["股票代码"]], drawn)
            records.append(dict(zip(fields, values, strict=True)))
    return sorted(records, key=lambda record: (str(record[fields[1]]), str(record[fields[0]])))


def cut(data: Path) -> Feeds:
    """Cut the real population from the folder of real data; raise `PopulationDataError` where that is not whole."""
    missing = [name for name in ("listed_companies", "uscc") if not (data / name).is_dir()]
    if missing:
        raise PopulationDataError(f"no {' and no '.join(missing)} in {data}: name the folder of the real data (--data)")
    known, filed = companies(data), reports(data)
    tables = {f"science.{table}": rows for table, rows in science(known, filed).items()}
    tables |= {"tax.statements": statements(data, known, filed), "credit.events": penalties(data)}
    tables |= {"talent.headcounts": headcounts(data)}
    tables |= {"bank_a.loans": loans(data, known, is_bank_a=True), "bank_b.loans": loans(data, known, is_bank_a=False)}
    return Feeds(AS_OF, tables)
