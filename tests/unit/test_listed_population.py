"""The real population's cut, on a folder of three companies in the shapes of the real data."""

import zipfile
from html import escape

import pytest
from openpyxl import Workbook

from connectors.source_files import read_sources
from connectors.zone import read_zone
from sandbox import listed, serve

CODES = {"000002": "91440300192181490G", "000007": "9144030019217870XW", "300621": "91440300192185379H"}
REPORTS = [
    ("2020-03-01", "样例集团股份有限公司", "000002", "2019年"),
    ("2021-03-02", "样例集团股份有限公司", "000002", "2020年"),
    ("2022-03-03", "样例集团股份有限公司", "000002", "2021年"),
    ("2020-04-01", "旧名样例股份有限公司", "000007", "2019年"),
    ("2021-04-02", "新名样例股份有限公司", "000007", "2020年"),
    ("2022-04-03", "甲乙样例股份有限公司", "300621", "2021年"),
]
CROSSWALK = """stock_code,uscc,registry_name,matched_by
000002,91440300192181490G,样例（集团）股份有限公司,x
000007,9144030019217870XW,新名样例股份有限公司,x
300621,91440300192185379H,丙丁样例股份有限公司,x
"""
INDUSTRIES = """code,name,industry,province,city,board,market,listing_date
000002,样例,金融,,,,,
sz.000007,新名,C39计算机、通信和其他电子设备制造业,,,,,1992-04-13
sz.300621,甲乙,,,,,,2021-06-01
"""
PENALTIES = """企业名称,证券代码,处罚及整改
新名样例股份有限公司,000007,适用
无事样例股份有限公司,000002,不适用
"""
KEY = ["股票代码", "年份"]
SHEETS = {
    "profit_statement": (
        [*KEY, "营业收入", "营业成本", "研发费用", "净利润"],
        [
            ["000002", "2021", "1000.5", "700.25", "-1.0", "-20.0"],
            ["000007", "2021", "-1.0", "-1.0", "0.0", "3.25"],
            ["999999", "2021", "1", "1", "1", "1"],
        ],
    ),
    "balance_static": (
        [*KEY, "流动资产合计", "非流动资产合计", "流动负债合计", "非流动负债合计"],
        [["000002", "2021", "10.0", "20.0", "5.0", "-1.0"]],
    ),
    "people": (
        [*KEY, "股票简称", "职工人数", "研发人员", "硕士以上人数", "博士以上人数", "技术人员", "研发人员比率"],
        [
            ["999999", "2021", "外&内", "0", "0", "1", "0", "1491543852576", "1980.0"],
            ["000002", "2020", "样例", "9", "1", "0", "0", "2", "11.11"],
        ],
    ),
    "cash_flow_statement": (
        [*KEY, "取得借款收到的现金"],
        [
            ["000002", "2021", "123456.78"],
            ["000007", "2021", "50000.0"],
            ["300621", "2021", "-1.0"],
            ["999998", "2021", "7.0"],
        ],
    ),
}


def inline_sheet(path, headings, rows):
    """A workbook as the source publishes them: every cell an inline string."""

    def cell(letter, number, value):
        return f'<c r="{letter}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    lines = [
        f'<row r="{number}">' + "".join(cell(chr(65 + i), number, value) for i, value in enumerate(row)) + "</row>"
        for number, row in enumerate([headings, *rows], start=1)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{''.join(lines)}</sheetData></worksheet>")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    companies, register = folder / "listed_companies", folder / "uscc"
    companies.mkdir()
    register.mkdir()
    workbook = Workbook()
    for row in [("report_date", "company_full_name", "stock_code", "report_year"), *REPORTS]:
        workbook.active.append(row)
    workbook.save(companies / "company_annual_reports.xlsx")
    for name, (headings, rows) in SHEETS.items():
        inline_sheet(companies / f"{name}.xlsx", headings, rows)
    (companies / "basic_information_2019_with_penalty_flags.csv").write_text(PENALTIES, encoding="utf-8-sig")
    (register / "DERIVED_crosswalk_stock_code_to_uscc.csv").write_text(CROSSWALK, encoding="utf-8-sig")
    (register / "listed_industry_province_city.csv").write_text(INDUSTRIES, encoding="utf-8-sig")
    return folder


@pytest.fixture(scope="module")
def cut(data):
    return listed.cut(data)


def test_tax_sends_known_companies_alone_with_every_figure_as_it_stands(cut):
    first, second = cut.tables["tax.statements"]
    assert (first["nsrsbh"], first["yysr"], first["yycb"], first["yffy"], first["fldfzhj"]) == (
        CODES["000002"],
        "1000.5",
        "700.25",
        "-1.0",
        "-1.0",
    )
    assert first["sbrq"] == "2022-03-03"
    # No report is known for that year, so the last day on which one is due stands in; no balance sheet, so nothing.
    assert (second["sbrq"], second["yysr"], second["ldzchj"]) == ("2022-04-30", "-1.0", None)


def test_talent_sends_all_companies_by_stock_code_with_their_absurdities(cut):
    row = cut.tables["talent.headcounts"][-1]
    assert row["统计月份"] == "2021-12-31"
    assert (row["单位编号"], row["单位名称"], row["职工人数"]) == ("999999", "外&内", "0")
    assert (row["技术人员数"], row["科技人员占比"], row["当年应届毕业生人数"]) == ("1491543852576", "1980.0", "")


def test_credit_knows_a_penalised_company_by_name_alone(cut):
    (event,) = cut.tables["credit.events"]
    assert (event["uscc"], event["name"], event["decidedOn"]) == (None, "新名样例股份有限公司", "2019-12-31")


def test_even_codes_borrow_from_bank_a_and_odd_ones_from_bank_b_and_a_missing_amount_from_none(cut):
    assert [(r["报送日期"], r["放款金额"]) for r in cut.tables["bank_a.loans"]] == [("2021-12-31", "123456.78")]
    assert [(row["LOAN_AMT"], row["CUST_USCC"]) for row in cut.tables["bank_b.loans"]] == [("5.00", CODES["000007"])]


def test_a_name_without_its_brackets_and_the_registered_one_are_borne_together(cut):
    names = {row["name"]: row for row in cut.tables["science.enterprise_names"] if row["uscc"] == CODES["000002"]}
    assert names["样例集团股份有限公司"]["valid_from"] == names["样例（集团）股份有限公司"]["valid_from"]
    assert {row["valid_to"] for row in names.values()} == {None}


def test_a_name_changed_between_reports_ends_the_day_before_the_newer_report(cut):
    names = [row for row in cut.tables["science.enterprise_names"] if row["uscc"] == CODES["000007"]]
    assert [(row["name"][:2], row["valid_to"]) for row in names] == [("旧名", "2021-04-01"), ("新名", None)]
    assert names[1]["valid_from"] == "2021-04-02"


def test_a_registered_name_that_no_report_knew_is_borne_after_the_business_date(cut):
    names = {
        row["name"]: row["valid_from"]
        for row in cut.tables["science.enterprise_names"]
        if row["uscc"] == CODES["300621"]
    }
    assert names["丙丁样例股份有限公司"] > listed.AS_OF.isoformat()


def test_the_register_takes_three_years_before_listing_for_the_day_of_foundation(cut):
    found = {row["uscc"]: (row["founded_on"], row["industry_code"]) for row in cut.tables["science.enterprises"]}
    assert found[CODES["000002"]] == ("1990-01-01", None)
    assert found[CODES["000007"]] == ("1989-04-13", "C39")


def test_a_folder_that_is_not_whole_is_said_so(tmp_path):
    with pytest.raises(listed.PopulationDataError, match="no listed_companies and no uscc"):
        listed.cut(tmp_path)


def test_the_zone_file_names_only_what_the_source_files_know(cut):
    zone = read_zone(serve.ZONE_FILE, read_sources())
    declared = {f"{source.name}.{table.name}" for source in read_sources() for table in source.datasets}
    silent = {a for a in declared if a in zone.not_supplied or a.partition(".")[0] in zone.not_supplied}
    assert declared - silent == set(cut.tables)
