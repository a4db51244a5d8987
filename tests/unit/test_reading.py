"""From raw pages to rows and refusals."""

import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from connectors.drivers.pages import Page
from connectors.errors import AgencyError, DataError, PagingFaultError
from connectors.reading import Reading
from connectors.zone import Zone
from tests.declared import column
from tests.unit.test_decode_xlsx import book

GOOD, OTHER = "91110000600037341L", "91440300192185379H"
ZONE = ZoneInfo("Asia/Shanghai")


def record(uscc=GOOD, year=2024, revenue="10.00", staff=10, sci=5, **more):
    return {"uscc": uscc, "fiscal_year": year, "yysr": revenue, "staff_total": staff, "sci_tech_staff": sci, **more}


def read(dataset, *pages, zone=None):
    return read_bodies(dataset, *(json.dumps({"items": items}).encode() for items in pages), zone=zone)


def read_bodies(dataset, *bodies, zone=None, labels=None):
    """A reading together with its rows and refusals."""
    named = zip(labels or map("page {}".format, range(1, len(bodies) + 1)), bodies, strict=True)
    raw = [Page(*page, sequence=at, sha256=f"sha{at}") for at, page in enumerate(named, start=1)]
    found = Reading(dataset, zone or Zone(), ZONE)
    parts = list(found.parts(raw))
    found.rows = [row for part in parts for row in part.rows.to_pylist()]
    found.refusals = [refusal for part in parts for refusal in part.refusals]
    return found


def test_one_bad_record_goes_to_quarantine_and_the_rest_goes_on(make_dataset):
    reading = read(make_dataset(), [record(), record(uscc="91110000600037341N")])
    assert [row["uscc"] for row in reading.rows] == [GOOD]
    (refusal,) = reading.refusals
    assert (refusal.reason, refusal.rule) == ("uscc_check_character", "uscc:uscc_check_character")
    assert (refusal.label, refusal.position, refusal.raw_sha256) == ("page 1", 2, "sha1")
    assert refusal.record["uscc"] == "91110000600037341N"


def test_something_that_is_no_record_is_refused_and_counted(make_dataset):
    reading = read(make_dataset(), [record(), "garbage", None])
    assert (reading.received, reading.refused, len(reading.rows)) == (3, 2, 1)


def test_a_broken_row_of_a_sheet_is_known_by_the_key_that_stands_in_it(make_dataset):
    sheet = book(["uscc", "fiscal_year", "note"], [GOOD, "=1+1", "x"], ["=A1", 2024, "x"])
    columns = (column("uscc", required=True), column("fiscal_year", "integer", required=True))
    request = {"folder": "x", "pattern": "*.xlsx"}
    dataset = make_dataset(columns=columns, request=request, paginator=None, decoder={"kind": "xlsx"})
    assert [one.key for one in read_bodies(dataset, sheet).refusals] == [(GOOD, None), (None, "2024")]


def test_a_part_over_its_whole_refuses_the_record_under_the_rules_name(make_dataset):
    rule = {"name": "sci_tech_within_total", "part": "sci_tech_staff", "whole": "staff_total"}
    reading = read(make_dataset(rules=(rule,)), [record(staff=10, sci=11), record(uscc=OTHER, staff=None, sci=11)])
    assert [(r.reason, r.rule) for r in reading.refusals] == [("part_over_whole", "sci_tech_within_total")]
    assert [row["uscc"] for row in reading.rows] == [OTHER]


def test_a_discarded_value_leaves_the_rest_of_its_record(make_dataset):
    reading = read(make_dataset(), [record(staff=1491543852576)])
    assert reading.rows[0]["staff_total"] is None
    assert reading.rows[0]["revenue_cny"] == Decimal("10.00")
    assert [(r.action, r.reason) for r in reading.refusals] == [("value_discarded", "out_of_range")]
    assert reading.refused == 0


def test_a_code_that_can_be_repaired_lands_repaired_and_is_told(make_dataset):
    typed = record()["uscc"].replace("0", "O")
    reading = read(make_dataset(), [record(uscc=typed)])
    assert [row["uscc"] for row in reading.rows] == [record()["uscc"]]
    assert [(r.action, r.reason, r.value) for r in reading.refusals] == [("value_repaired", "uscc_repaired", typed)]
    assert [r.uscc for r in reading.refusals] == [record()["uscc"]]
    assert reading.refused == 0
    assert reading.rules == {"repaired:uscc:uscc_repaired": 1}


def test_a_zones_missing_marker_becomes_null_and_is_counted(make_dataset):
    zone = Zone(missing_markers={"tax.statements": {"revenue_cny": ("-1", "-1.0")}})
    reading = read(make_dataset(), [record(revenue="-1.0"), record(uscc=OTHER, revenue="-2.0")], zone=zone)
    assert [row["revenue_cny"] for row in reading.rows] == [None, Decimal("-2.00")]
    assert reading.notes["missing_marker:revenue_cny"] == 1


def test_whom_a_refused_record_is_about_is_spelled_as_it_would_land(make_dataset):
    columns = (column("no", required=True), column("enterprise_name"), column("staff_total", "bigint"))
    dataset = make_dataset(columns=columns, key=("no",))
    records = [{"no": "００12\u200b", "enterprise_name": "\ufeff华星（深圳）\u200b公司", "staff_total": "许多"}]
    (refusal,) = read(dataset, records).refusals
    assert (refusal.name, refusal.key) == ("华星（深圳）公司", ("0012",))
    assert refusal.record == records[0]


def test_the_words_of_a_zone_hold_for_every_text_column_without_words_of_its_own(make_dataset):
    names = (
        column("name"),
        column("brand", missing_words=()),
        column("state", values=("未采集", "有")),
        column("staff_total", "bigint"),
    )
    dataset = make_dataset(columns=(column("uscc", required=True), *names), key=("uscc",))
    items = [{"uscc": GOOD, **dict.fromkeys(("name", "brand", "state"), "未采集"), "staff_total": 1}]
    reading = read(dataset, items, zone=Zone(missing_words=("未采集",)))
    assert [reading.rows[0][name] for name in ("name", "brand", "state")] == [None, "未采集", "未采集"]
    assert reading.notes == {"missing_marker:name": 1}


def test_a_page_that_answers_with_another_pages_records_is_a_fault(make_dataset):
    page = [record(), record(uscc=OTHER)]
    with pytest.raises(PagingFaultError, match=r"page 3 repeats page 1.*Whose: data"):
        read(make_dataset(), page, [record(year=2023), record(year=2022)], page)


def test_a_field_gone_from_all_records_is_the_agencys_fault_and_an_unclaimed_one_is_reported(make_dataset):
    with pytest.raises(AgencyError, match="no record has the field yysr"):
        read(make_dataset(), [{k: v for k, v in record().items() if k != "yysr"}])
    assert read(make_dataset(), [record(new="x")]).notes["unclaimed_field:new"] == 1


@pytest.mark.parametrize("name", ["Yysr", " yysr", "yysr\u200b", "YYSR", "yy_sr"])
@pytest.mark.parametrize(
    ("beside", "contract", "landed"), [({}, "freeze", 2), ({"yysr": "1"}, "freeze", 3), ({}, "evolve", 3)]
)
def test_a_record_that_spells_a_field_otherwise_is_refused_and_not_without_a_value(
    make_dataset, name, beside, contract, landed
):
    other = {key: value for key, value in record(uscc=OTHER).items() if key != "yysr"} | {name: "5"}
    both = record(year=2022, **({name: "6"} if beside else {}))
    dataset = make_dataset(schema_contract={"data_type": contract})
    reading = read(dataset, [record(), other, both])
    assert len(reading.rows) == landed
    assert [(one.rule, one.value) for one in reading.refusals] == [("revenue_cny:unclaimed_field", name)] * (3 - landed)


@pytest.mark.parametrize("other", [{"b11_1": 5}, {"B1_11": ""}, {"B1_11": " "}, {"B1_11": None}, {"b1": {"11": 5}}])
def test_a_field_that_is_another_or_holds_nothing_refuses_no_record(make_dataset, other):
    columns = (column("uscc", required=True), column("staff", "integer", source_field="b1_11"))
    reading = read(make_dataset(columns=columns, key=("uscc",)), [{"uscc": GOOD, "b1_11": 5}, {"uscc": OTHER, **other}])
    assert (len(reading.rows), reading.refusals) == (2, [])


def test_a_part_that_spells_its_field_otherwise_is_refused(make_dataset):
    columns = (column("uscc", required=True), column("staff", "integer", source_field="size.staffTotal"))
    records = [{"uscc": GOOD, "size": {"staffTotal": 5}}, {"uscc": OTHER, "size": {"StaffTotal": 6}}]
    reading = read(make_dataset(columns=columns, key=("uscc",)), records)
    assert [(one.rule, one.value) for one in reading.refusals] == [("staff:unclaimed_field", "size.StaffTotal")]


def test_what_no_column_claims_lands_raw_beside_the_record(make_dataset):
    reading = read(make_dataset(), [record(new="x", more=[1]), record(uscc=OTHER)])
    assert [row["_extra"] for row in reading.rows] == ['{"more": [1], "new": "x"}', None]


NESTED = (
    column("uscc", required=True, check="uscc", source_field="taxpayer.code"),
    column("fiscal_year", "integer", required=True, source_field="year"),
)


def test_a_field_inside_a_part_lands_and_is_known_where_its_record_is_refused(make_dataset):
    items = [{"taxpayer": {"code": GOOD, "name": "x"}, "year": 2024}, {"taxpayer": {"code": OTHER}, "year": "no"}]
    reading = read(make_dataset(columns=NESTED), items)
    assert [(row["uscc"], row["_extra"]) for row in reading.rows] == [(GOOD, '{"taxpayer": {"name": "x"}}')]
    assert [(one.uscc, one.key, one.record) for one in reading.refusals] == [(OTHER, (OTHER, "no"), items[1])]


def test_a_part_of_which_all_is_claimed_is_no_new_field(make_dataset):
    dataset = make_dataset(columns=NESTED, schema_contract="freeze")
    assert len(read(dataset, [{"taxpayer": {"code": GOOD}, "year": 2024}]).rows) == 1
    with pytest.raises(AgencyError, match=r"no column claims: taxpayer\.name"):
        read(dataset, [{"taxpayer": {"code": GOOD, "name": "x"}, "year": 2024}])
    with pytest.raises(AgencyError, match=r"no record has the field taxpayer\.code; no column claims taxpayer\.name\."):
        read(make_dataset(columns=NESTED), [{"taxpayer": {"name": "x"}, "year": 2024}])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "type_mismatch"),
        ("-Infinity", "type_mismatch"),
        ('5, "yysr": 500', "nested_value"),
        ('5, "yysr": 5', "nested_value"),
        ('null, "yysr" : 5', "nested_value"),
    ],
)
def test_a_value_that_is_none_or_two_refuses_its_record_and_no_other(make_dataset, value, reason):
    body = json.dumps({"items": [record(revenue="here"), record(uscc=OTHER)]}).replace('"here"', value)
    reading = read_bodies(make_dataset(), body.encode())
    assert [row["uscc"] for row in reading.rows] == [OTHER]
    assert [(one.reason, one.uscc) for one in reading.refusals] == [(reason, GOOD)]


@pytest.mark.parametrize(
    ("mode", "landed", "extra"), [("discard_value", 2, None), ("discard_row", 1, None), ("evolve", 2, '{"new": "x"}')]
)
def test_a_new_field_is_met_as_the_contract_says(make_dataset, mode, landed, extra):
    reading = read(make_dataset(schema_contract={"columns": mode}), [record(), record(uscc=OTHER, new="x")])
    assert len(reading.rows) == landed
    assert reading.rows[-1]["_extra"] == extra
    assert reading.refused == 2 - landed
    assert reading.notes["unclaimed_field:new"] == 1


def test_a_new_field_stops_a_dataset_that_is_frozen(make_dataset):
    with pytest.raises(AgencyError, match=r"sends what no column claims: new.*Whose: agency"):
        read(make_dataset(schema_contract="freeze"), [record(new="x")])


def many(**changes):
    return [record(year=1990 + place, **changes) for place in range(25)]


def test_a_column_of_which_no_value_fits_its_type_stops_the_dataset(make_dataset):
    with pytest.raises(AgencyError, match=r"no value of yysr on page 1 is of type decimal\(20, 2\), such as 'ten'"):
        read(make_dataset(), many(revenue="ten"))
    with pytest.raises(AgencyError, match=r"such as '4\.35%' .*Next: declare `unit: \"%\"`"):
        read(make_dataset(), many(revenue="4.35%"))


@pytest.mark.parametrize(("mode", "extra"), [("discard_value", None), ("evolve", '{"yysr": "ten"}')])
def test_a_retyped_column_can_be_let_go_and_its_records_kept(make_dataset, mode, extra):
    reading = read(make_dataset(schema_contract={"data_type": mode}), many(revenue="ten"))
    assert (len(reading.rows), reading.refused) == (25, 0)
    assert {row["revenue_cny"] for row in reading.rows} == {None}
    assert {row["_extra"] for row in reading.rows} == {extra}
    assert reading.rules["discarded:revenue_cny:type_mismatch"] == 25


def test_a_retyped_column_that_is_required_stops_the_dataset_whatever_the_contract(make_dataset):
    items = [{**record(uscc=GOOD), "fiscal_year": "last year"} for _ in range(25)]
    with pytest.raises(AgencyError, match="no value of fiscal_year"):
        read(make_dataset(schema_contract={"data_type": "evolve"}), items)


def test_single_wrong_values_refuse_their_records_only(make_dataset):
    reading = read(make_dataset(), [*many(), record(revenue="ten")])
    assert (len(reading.rows), reading.refused) == (25, 1)


def test_a_record_that_deletes_needs_no_more_than_its_key(make_dataset):
    columns = (
        column("uscc", required=True, check="uscc"),
        column("fiscal_year", "integer", required=True),
        column("op", required=True, values=("U", "D")),
        column("revenue_cny", "decimal(20, 2)", source_field="yysr", required=True),
    )
    deletes = {"kind": "tombstone", "column": "op", "values": ("D",)}
    dataset = make_dataset(load="upsert", deletes=deletes, columns=columns)
    items = [
        {"uscc": GOOD, "fiscal_year": 2024, "op": "U", "yysr": "1"},
        {"uscc": OTHER, "fiscal_year": 2024, "op": "D"},
        {"uscc": GOOD, "fiscal_year": 2023, "op": "U"},
    ]
    reading = read(dataset, items)
    assert [(row["uscc"], row["_deleted"]) for row in reading.rows] == [(GOOD, False), (OTHER, True)]
    assert [refusal.reason for refusal in reading.refusals] == ["required_missing"]


@pytest.mark.parametrize(("text", "reason"), [("a\x00b", "hidden_character"), ("\u202eabc", "hidden_character")])
def test_text_that_hides_something_refuses_its_record(make_dataset, text, reason):
    dataset = make_dataset(columns=(column("uscc", required=True), column("fiscal_year", "integer", required=True)))
    reading = read(dataset, [{"uscc": text, "fiscal_year": 2024}, {"uscc": "a“b”", "fiscal_year": 2024}])
    assert [row["uscc"] for row in reading.rows] == ["a“b”"]
    assert [refusal.reason for refusal in reading.refusals] == [reason]


def test_a_table_that_lacks_a_column_is_not_the_file_we_know(make_dataset):
    dataset = make_dataset(request={"folder": ".", "pattern": "*.csv"}, paginator=None, decoder={"kind": "csv"})
    header = "uscc,fiscal_year,yysr,staff_total,sci_tech_staff"
    good = f"{header}\n{GOOD},2024,1,2,1\n".encode()
    with pytest.raises(AgencyError, match=r"june.csv has no column fiscal_year, .* or whether the delimiter changed"):
        read_bodies(dataset, good, good.replace(b",", b";"), labels=["may.csv", "june.csv"])


UNITS = {
    "key": ("unit_no",),
    "columns": (column("unit_no", required=True), column("enterprise_name"), column("staff", "bigint")),
}
TOTALS = """
合计|合 计|总计：|小计|本页小计|累计|Total|sub-total|注：数据截至2024年底|备注: x|说明：|制表人：|制表人|
审核人：张|填报日期：2025-01-01|单位负责人：|联系电话：1|合计（元）|合计：12家|合计 1,200.50元|东江镇小计|
甲公司 汇总|Third Ltd Total|乙公司 计数|（二）西湖区合计:|全市平均|平均值|最大值|中位数|其中：|以下空白|
——以下无正文——|（以下空白）|承前页|转下页|END|--end--|单位：万元|金额单位:人民币元|统计时间：2024-12|
截止日期:2024-12-31|编制单位：某局|导出时间：08:00|导出人：某|会计主管：某|（签章）|总笔数：2|
数据截至2024年12月|数据来源：税务|共 12 条|第 3 页|打印时间：|unit_no|（合计）|【总计】|*合计*|合计。|合计行|
合计金额|总数|求和|汇总|计数|求和项:金额|同比增长|占比|本年累计|人民币（大写）：壹万元整|备注|注1：元|
注 2、不含|※注|示例：|（必填）|VARCHAR2(18)|字符型|填报人 某某|打印日期 2024-05-01|日期：|年 月 日|
（单位：万元）|Page 1 of 3|续表|接下页|此行以下空白|以下无数据|End of report|查无数据|未查询到相关记录。|
No records found|3 rows|(3 rows affected)|3 rows selected.|3 row(s) fetched|Total records: 3|Query OK|
Time taken: 1.2 seconds|ORA-01555: too old|ERROR 1045 (28000): no|ERROR: connection reset|共计3家企业|
以上空白|以上为空白|---以上空白---|以上无正文|此处空白|以上数据截至2025年6月|以上共计3户|全文完|（完）|*** 结束 ***|
本表到此结束|填报单位（盖章）|填报单位（公章）：|填报单位|单位(盖章)|负责人（签字）：|主要负责人：|法定代表人（签字）|
填表人签字|制表  张三|审核 李四|经手人：|上报时间：2025|制单：|校对：|
领导签字：|资料来源：统计局|资料来源于统计局|来源：税务|本表一式两份|其中:国有|总额|均值|Max|std|All|全部|其它|東江合計|Totals|
总记录数 3|已选择3行。|(3 行受影响)|查询到 3 条记录|查询完成|导出日期 2025-06-30|打印日期2025|查询条件：|第1/3页|见下页|
序号|编号|企业名称|统一社会信用代码|int|number|日期|填报示例|范例：|例如：U0|（例）U0|测试|测试数据|test|XXX
""".replace("\n", "").split("|")
UNIT_NAMES = """
合计科技有限公司|注册中心|Total Energies|共享单车|说明书|第一制造|制表机厂|审核中心：一部|平均数码公司|最大科技|
小计量仪器厂|总计划院|统计师事务所|单位：东江公司|合计(深圳)科技|END公司|统计员|会计人员|Endress|财务公司|
以下空白文化公司|****|注安工程师事务所|说明科技|示例科技|汇总网络|求和软件|总和集团|占比咨询|Error 科技|
Page One|3 rowing clubs|Totalrecords 公司|填报人才网|日期网络|查无数据公司|无记录片厂|文本科技|字符型科技|
续表面处理厂|大写科技|必填网络|Summit|Text 科技|单位：东江公司（元）店|以上科技|本表科技|负责人才网|上报科技|
结束科技|完美科技|填报单位服务部|编号科技|企业名称网|日期网络|International|Number One|校对科技|
来源科技|例外科技|测试科技|Testo|Xxxx Ltd|三一重工|十月科技|
来源于自然食品公司|总额咨询|已选择公司|全国兴公司|Maximal|Allianz|其他山公司
""".replace("\n", "").split("|")


@pytest.mark.parametrize("text", TOTALS)
def test_a_total_a_note_or_a_signature_is_no_record_in_whatever_form_it_comes(make_dataset, text):
    rows = [{"unit_no": text, "staff": 30}, {"unit_no": "U1", "enterprise_name": text.replace("unit_no", "合计")}]
    reading = read(make_dataset(**UNITS), [*rows, {"unit_no": "U2", "staff": 1}])
    assert [row["unit_no"] for row in reading.rows] == ["U2"]
    assert {(refusal.reason, refusal.position) for refusal in reading.refusals} == {
        ("not_a_record", 1),
        ("not_a_record", 2),
    }


@pytest.mark.parametrize("text", UNIT_NAMES)
def test_a_name_that_only_begins_like_a_total_is_a_name(make_dataset, text):
    reading = read(make_dataset(**UNITS), [{"unit_no": "U1", "enterprise_name": text, "staff": 1}])
    assert (reading.rows[0]["enterprise_name"], reading.refusals) == (text, [])


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("note", ["2025年6月30日", "惠州市税务局", "Generated by admin", "粤高企01号"])
def test_words_alone_in_a_row_of_a_table_are_a_note_below_it(make_dataset, kind, note):
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(**UNITS, decoder={"kind": kind}, request=request, paginator=None)
    rows = [
        {"unit_no": one, "enterprise_name": name, "staff": ""}
        for one, name in ((note, ""), (note + "2", "a"), ("U1", ""))
    ]
    table = "\n".join(["unit_no,enterprise_name,staff", *(",".join(row.values()) for row in rows), ""])
    reading = read_bodies(dataset, (table if kind == "csv" else json.dumps(rows)).encode())
    assert len(reading.rows) == (2 if kind == "csv" else 3)
    assert reading.rules["refused:unit_no:not_a_record"] == (kind == "csv")


@pytest.mark.parametrize(
    ("full", "alone", "landed"),
    [
        ("粤高企0001号", "粤高企0002号", 2),
        ("（2023）粤0304民初1234号", "（2024）粤0304民初35号", 2),
        ("水口街道", "三栋镇", 2),
        ("U1", "惠州市税务局", 1),
        ("合计", "惠州市税务局", 0),
        ("粤高企0001号", "惠州市科技局", 1),
    ],
)
def test_a_key_alone_of_the_form_of_other_keys_is_a_record(make_dataset, full, alone, landed):
    dataset = make_dataset(**UNITS, decoder={"kind": "csv"}, request={"folder": "x", "pattern": "*"}, paginator=None)
    assert len(read_bodies(dataset, f"unit_no,enterprise_name,staff\n{full},a,1\n{alone},,\n".encode()).rows) == landed


@pytest.mark.parametrize(
    ("keys", "landed"),
    [("CNY USD ALL STD", 4), ("CNY USD All", 2), ("CNY US ALL", 2), ("R1 R2 ALL", 2), ("ALL", 0), ("CNY USD TOTAL", 2)],
)
def test_a_code_of_letters_among_codes_of_as_many_is_no_total(make_dataset, keys, landed):
    records = [{"unit_no": key, "enterprise_name": "a", "staff": 1} for key in keys.split()]
    assert len(read(make_dataset(**UNITS), records).rows) == landed


NUMBERINGS = [
    ("甲", "乙", 1),
    ("栏次", 1, 2),
    ("(1)", "（2）", "(3)"),
    ("①", "②", "③"),
    ("甲", 1, 2),
    ("甲", "乙", "丙"),
]
FIRST_RECORDS = [(1, 2, 3), ("甲", "x", 1), ("甲", 1, 3), ("①", "②", "5"), ("甲", "乙", None)]


@pytest.mark.parametrize(("cells", "landed"), [*((c, 1) for c in NUMBERINGS), *((c, 2) for c in FIRST_RECORDS)])
def test_a_row_that_numbers_the_columns_above_it_is_no_record(make_dataset, cells, landed):
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(**UNITS, decoder={"kind": "csv"}, request=request, paginator=None)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in (cells, ("U9", "b", 1))]
    reading = read_bodies(dataset, "\n".join(["unit_no,enterprise_name,staff", *lines]).encode())
    assert len(reading.rows) == landed
    assert reading.rules["refused:unit_no:not_a_record"] == 2 - landed


@pytest.mark.parametrize(
    ("header", "row", "landed"),
    [
        ("编号,名称,类别", "BH,QYMC,lb_dm", 1),
        ("编号,名称,类别", "unit_no,unit_name,kind", 1),
        ("编号,名称,类别", "BH,QYMC,", 2),
        ("编号,名称,类别", "R1,Acme,kind", 2),
        ("编号,名称,类别", "BH,Acme Ltd,kind", 2),
        ("编号,名称,class", "BH,QYMC,LB", 2),
        ("币种,名称,状态", "CNY,Renminbi,ACTIVE\nUSD,Dollar,ACTIVE", 3),
        ("编号,名称,类别", "AB,NEW,OPEN\nU1,OLD,CLOSED", 3),
        ("编号,名称,类别", "BH,QYMC,LB\nU1,Acme,2", 2),
    ],
)
def test_a_row_that_names_the_columns_in_latin_letters_is_no_record(make_dataset, header, row, landed):
    fields = header.split(",")
    columns = (column("unit_no", required=True, source_field=fields[0]), column("label", source_field=fields[1]))
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(key=("unit_no",), columns=columns, decoder={"kind": "csv"}, request=request, paginator=None)
    reading = read_bodies(dataset, f"{header}\n{row}\nU9,b,c\n".encode())
    total = 2 + row.count("\n")
    assert (len(reading.rows), reading.rules["refused:unit_no:not_a_record"]) == (landed, total - landed)


@pytest.mark.parametrize(
    ("cell", "unit", "told"),
    [
        ("（万元）", "元", "states its amounts in 万元 below the header; 金额 is declared in 元"),
        ("元", "万元", "states its amounts in 元 below the header; 金额 is declared in 万元"),
        ("(万元)", "万元", None),
        ("单位：万元", None, "stated_unit:万元"),
        ("元", None, None),
        ("5", "元", None),
    ],
)
def test_a_unit_in_the_row_below_the_header_is_that_of_the_column(make_dataset, cell, unit, told):
    columns = (column("unit_no", required=True), column("sum_cny", "decimal(20, 2)", source_field="金额", unit=unit))
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(key=("unit_no",), columns=columns, decoder={"kind": "csv"}, request=request, paginator=None)
    body = f"unit_no,金额\nU0,{cell}\nU1,1\nU2,1\n".encode()
    if told is not None and unit is not None:
        with pytest.raises(DataError, match=told):
            read_bodies(dataset, body)
    else:
        notes = [note for note in read_bodies(dataset, body).notes if note.startswith("stated_unit")]
        assert notes == ([told] if told else [])


@pytest.mark.parametrize(
    ("field", "unit", "stated", "refused", "note"),
    [
        ("sum", "元", ["元", "万元", ""], ["万元"], None),
        ("sum", "元", ["元", "万", "亿"], ["万", "亿"], None),
        ("sum", "万元", ["CNY", "人民币", None], [], None),
        ("sum", "万元", ["CNY", "USD", None], ["USD"], None),
        ("sum", None, ["元", "万元", "亿元"], ["万元", "亿元"], None),
        ("sum", "万元", ["万元", "人民币万元", None], [], None),
        ("sum", "万元", ["元", "元", "元"], ["元", "元", "元"], None),
        ("sum", None, ["万元", "万元", ""], [], "stated_unit:万元"),
        ("sum", None, ["CNY", "人民币", "rmb"], [], None),
        ("sum", None, ["CNY", "usd", "港元"], ["USD", "港元"], None),
        ("sum", None, ["USD", "USD", "USD"], ["USD", "USD", "USD"], None),
        ("sum_cny", None, ["USD", "CNY", "CNY"], [], None),
        ("折合元", None, ["USD", "CNY", "CNY"], [], None),
        ("sum", "%", ["USD", "CNY", "CNY"], [], None),
        ("sum", "元", ["市一局", "万元", ""], [], None),
        ("sum", "元", [3, None, None], [], None),
        ("sum", "元", ["万元", 3, None], [], None),
    ],
)
def test_a_record_that_states_another_unit_of_its_amounts_is_refused(make_dataset, field, unit, stated, refused, note):
    columns = (column("no", required=True), column("sum", "decimal(20, 2)", source_field=field, unit=unit))
    items = [{"no": f"R{place}", field: 1, "单位": word} for place, word in enumerate(stated)]
    reading = read(make_dataset(key=("no",), columns=columns), items)
    assert [(one.rule, one.value) for one in reading.refusals] == [("sum:other_unit", word) for word in refused]
    assert len(reading.rows) == 3 - len(refused)
    assert [one for one in reading.notes if one.startswith("stated_unit")] == ([note] if note else [])


@pytest.mark.parametrize(("amount", "landed"), [(0, 1), ("0", 1), (" 0.00 ", 1), ("", 1), ("0.01", 0), (1, 0)])
def test_nothing_is_nothing_in_every_unit(make_dataset, amount, landed):
    columns = (column("no", required=True), column("sum", "decimal(20, 2)", unit="元"))
    items = [{"no": "R1", "sum": amount, "单位": "万元"}]
    assert len(read(make_dataset(key=("no",), columns=columns), items).rows) == landed


def test_an_amount_that_no_record_sends_is_stated_in_no_unit(make_dataset):
    columns = (column("no", required=True), column("sum", "decimal(20, 2)"))
    dataset = make_dataset(key=("no",), columns=columns, schema_contract="discard_value")
    reading = read(dataset, [{"no": "R1", "单位": "USD"}])
    assert (len(reading.rows), reading.refusals) == (1, [])


@pytest.mark.parametrize(
    ("name", "landed"), [("币种", 2), ("currency", 2), ("ccy", 2), ("单位", 0), ("sum@币种", 2), ("no@币种", 2)]
)
def test_the_name_of_a_currency_says_nothing_of_the_unit(make_dataset, name, landed):
    columns = (column("no", required=True), column("sum", "decimal(20, 2)", unit="万元"))
    items = [{"no": f"R{place}", "sum": 1, name: "元"} for place in range(2)]
    assert len(read(make_dataset(key=("no",), columns=columns), items).rows) == landed


@pytest.mark.parametrize("stated", [["万元", "万元"], ["万元", "CNY"], ["万元", "元"], ["万元", "USD"]])
def test_a_number_without_a_unit_beside_amounts_that_have_one_is_no_amount(make_dataset, stated):
    columns = (
        column("no", required=True),
        column("sum", "decimal(20, 2)", unit="万元"),
        column("tons", "decimal(20, 2)"),
    )
    items = [{"no": f"R{place}", "sum": 1, "tons": 2, "单位": word} for place, word in enumerate(stated)]
    reading = read(make_dataset(key=("no",), columns=columns), items)
    assert [row["no"] for row in reading.rows] == ["R0", "R1"][: 1 + (stated[1] in ("万元", "CNY"))]
    assert not [one for one in reading.notes if one.startswith("stated_unit")]


@pytest.mark.parametrize(("other", "landed"), [("100", 1), ("甲公司", 0)])
def test_a_currency_called_after_another_field_says_nothing_of_the_rest(make_dataset, other, landed):
    columns = (column("no", required=True), column("revenue", "decimal(20, 2)"))
    items = [{"no": "R1", "revenue": 1, "注册资本": other, "注册资本币种": "美元"}]
    assert len(read(make_dataset(key=("no",), columns=columns), items).rows) == landed


@pytest.mark.parametrize(
    ("field", "value", "landed"),
    [
        *(("isDeleted", value, 0) for value in (1, True, "Y", "2", "是", "已删除")),
        *(("del_flag", value, 1) for value in (0, False, "0", "0.00", "N", None, "", "正常", "Normal", "有效", "未删")),
        *(("deleted_at", value, 0) for value in ("2024-05-01", "2024-12-31 00:00:00", "1990-01-01")),
        *(("deletedAt", value, 1) for value in ("0001-01-01T00:00:00Z", "1970-01-01 08:00:00", "1900/1/1", "99991231")),
        ("deletedBy", "李", 1),
        *(("op", value, 0) for value in ("D", "d", "delete", "-D", "删除")),
        *(("op", value, 1) for value in ("U", "c", "I", None)),
        *((field, "DELETE", 0) for field in ("type", "op_type", "operationType", "@action", "changeType", "status")),
        *((field, "delete", 0) for field in ("操作类型", "数据状态")),
        *(("recordStatus", value, value != "deleted") for value in ("deleted", "active", "D")),
        *((field, "Y", 0) for field in ("作废标志", "是否作废", "ZFBZ_1")),
        *((field, "N", 1) for field in ("作废标志", "是否作废", "ZFBZ_1")),
        *(("YXBZ", value, 0) for value in ("N", 0, "否", "无效", False)),
        *(("YXBZ", value, 1) for value in ("Y", 1, "有效", "无", None)),
        # An expired patent is listed as not in force, and a payment mark is called ZFBZ too.
        *(("有效标志", value, value != "作废") for value in ("N", 0, "否", "无效", "作废")),
        *((field, value, 1) for field, value in (("ZFBZ", "Y"), ("ZFBZ", 500000), ("作废日期", "2030-06-30"))),
        *((field, "D", 1) for field in ("type", "status", "grade", "类型")),
        *((field, "removed", 1) for field in ("status", "op", "opType")),
        ("code", "DEL", 1),
        ("变更类型", "删除", 1),
        ("remark", "删除", 1),
        *((field, "true", 0) for field in ("@deleted", "__deleted")),
        ("_ab_cdc_deleted_at", "2025-05-01T00:00:00Z", 0),
        *(("meta", {"deleted": value}, not value) for value in (True, False)),
        ("owner", {"deleted": True}, 1),
    ],
)
def test_a_record_that_says_that_it_was_deleted_is_refused(make_dataset, field, value, landed):
    columns = (column("no", required=True), column("sum", "decimal(20, 2)"))
    reading = read(make_dataset(key=("no",), columns=columns), [{"no": "R1", "sum": 1, field: value}])
    assert (len(reading.rows), [one.reason for one in reading.refusals]) == (landed, ["deleted_record"] * (not landed))


@pytest.mark.parametrize("text", ["三.一五集团", "一汽", "八一钢铁"])
def test_a_name_may_begin_with_a_chinese_number(make_dataset, text):
    assert len(read(make_dataset(**UNITS), [{"unit_no": "U1", "enterprise_name": text, "staff": 1}]).rows) == 1


@pytest.mark.parametrize("text", ["一、制造业", "（二）高新区", "十二．其他服务业"])
def test_the_head_of_a_group_of_rows_is_no_name(make_dataset, text):
    reading = read(make_dataset(**UNITS), [{"unit_no": "U1", "enterprise_name": text, "staff": 1}])
    assert ([refusal.rule for refusal in reading.refusals], reading.rows) == (["enterprise_name:not_a_record"], [])


def test_a_row_with_a_code_is_no_head_of_a_group_whatever_its_name(make_dataset):
    columns = (column("uscc", required=True, check="uscc"), column("enterprise_name", names="enterprise"))
    items = [{"uscc": code, "enterprise_name": "一、二制药公司"} for code in ("91440300708461136T", "")]
    reading = read(make_dataset(key=("uscc",), columns=columns), items)
    assert [row["enterprise_name"] for row in reading.rows] == ["一、二制药公司"]


@pytest.mark.parametrize(
    ("keys", "landed"),
    [
        (["R1", "#R2", "R3"], ["R1", "R3"]),
        (["R1", "# R2", "R30"], ["R1", "R30"]),
        (["#1", "#2"], ["#1", "#2"]),
        (["R1", "#A-7"], ["R1", "#A-7"]),
        (["R1", "R#2"], ["R1", "R#2"]),
    ],
)
def test_a_line_of_a_csv_file_that_is_commented_out_is_no_record(make_dataset, keys, landed):
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(**UNITS, decoder={"kind": "csv"}, request=request, paginator=None)
    body = "unit_no,enterprise_name,staff\n" + "".join(f"{key},甲,1\n" for key in keys)
    assert [row["unit_no"] for row in read_bodies(dataset, body.encode()).rows] == landed


@pytest.mark.parametrize("text", ["****", "------", "—— ——"])
def test_a_line_where_the_key_stands_is_no_record(make_dataset, text):
    reading = read(make_dataset(**UNITS), [{"unit_no": text, "enterprise_name": "a", "staff": 1}])
    assert ([refusal.reason for refusal in reading.refusals], reading.rows) == (["not_a_record"], [])


@pytest.mark.parametrize("text", ["资产总计", "期末最大值", "平均", "END"])
def test_an_item_beside_the_other_part_of_a_key_may_be_called_a_total(make_dataset, text):
    columns = (column("unit_code", required=True), column("item", required=True))
    reading = read(make_dataset(key=("unit_code", "item"), columns=columns), [{"unit_code": "U1", "item": text}])
    assert ([row["item"] for row in reading.rows], reading.refusals) == ([text], [])


def test_a_total_that_the_source_file_names_is_a_record(make_dataset):
    columns = (column("unit_no", required=True, values=("合计", "U1")), column("staff", "bigint"))
    reading = read(
        make_dataset(key=("unit_no",), columns=columns), [{"unit_no": "合计", "staff": 1}, {"unit_no": "U1"}]
    )
    assert (len(reading.rows), reading.refusals) == (2, [])


@pytest.mark.parametrize("body", ["2025年6月借据清单,,\n", "2025年6月借据清单\n"])
def test_a_title_above_the_header_is_quoted(make_dataset, body):
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(**UNITS, decoder={"kind": "csv"}, request=request, paginator=None)
    with pytest.raises(AgencyError, match=r"its header reads '2025年6月借据清单.*declare header_row"):
        read_bodies(dataset, f"{body}unit_no,enterprise_name,staff\nU1,a,1\n".encode())
