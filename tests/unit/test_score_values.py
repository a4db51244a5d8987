"""A table of values is taken exactly as it stands, or refused with the row and the column."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from editions.score.columns import columns_of
from editions.score.errors import ScoreError
from editions.score.given import read_given
from editions.score.ruleset import load, read_folder
from editions.score.values import load_values

FILES = {
    "indicators.csv": "indicator_code\nC01\nC02\n",
    "weights.csv": "indicator_code,weight\nC01,60\nC02,40\n",
    "rules.csv": "indicator_code,function,lo,hi,share_at_lo\nC01,step,,5,0\nC01,step,5,,1\nC02,step,,,1\n",
}
STAGED = FILES | {
    "stages.csv": "stage,revenue_low_cny,inclusive_low,revenue_high_cny\nsmall,,,100\nlarge,100,true,\n",
}


@pytest.fixture
def loaded(tmp_path: Path):
    """Load one file by the rule set above; answers the measures, who they are of, and what was told of it."""

    def take(values, files=FILES, as_of=None, ignore=()):
        folder = tmp_path / "rules"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        path = values
        if not isinstance(values, Path):
            path = tmp_path / "values.csv"
            path.write_bytes(values if isinstance(values, bytes) else values.encode())
        ruleset = read_folder(folder)
        with duckdb.connect() as connection:
            load(connection, ruleset)
            given = read_given(connection, path)
            told = load_values(connection, given, columns_of(given, ruleset.codes(), ignore), ruleset, as_of)
            measures = connection.execute("select * from measures order by uscc").fetchall()
            who = connection.execute("select * from int_enterprises__measured order by uscc").to_arrow_table()
        return measures, who.to_pylist(), told

    return take


def parquet(tmp_path: Path, **columns) -> Path:
    path = tmp_path / "values.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_wide_file_has_a_column_for_each_indicator_whatever_its_case(loaded):
    measures, who, told = loaded("id,name,c01,C02\nb,乙,1.5,\na,甲,-2,3\n")
    assert measures == [("a", Decimal(-2), 0, Decimal(3), 0), ("b", Decimal("1.5"), 0, None, 3)]
    assert [one["enterprise_name"] for one in who] == ["甲", "乙"]
    assert (told.rows, told.not_given) == (2, ())


def test_a_long_file_has_a_row_for_each_value(loaded):
    text = "code,indicator_code,value,supply_status\na,C01,1,\nb,c02,2,supplied\nb,C01,,not_defined\n"
    assert loaded(text)[0] == [("a", Decimal(1), 0, None, 2), ("b", None, 4, Decimal(2), 0)]


def test_what_nobody_supplied_is_told_from_what_one_lacks(loaded):
    measures, _, told = loaded("id,indicator_code,value\na,C01,1\nb,C01,\n")
    assert measures == [("a", Decimal(1), 0, None, 1), ("b", None, 3, None, 1)]
    assert told.not_given == ("C02",)


def test_a_status_column_says_why_there_is_no_value(loaded):
    measures, *_ = loaded("id,C01,C01__status,C02\na,,record_not_supplied,1\nb,2,,1\n")
    assert [row[2] for row in measures] == [2, 0]


NUMBERS = {"0.100000": "0.1", "0.1000000000": "0.1", "+5": "5", ".5": "0.5", "  7 ": "7", f"{'0' * 21}1": "1"}
NUMBERS |= {text: text for text in ("99999999999999.999999", "-999999999999.000001")}


def test_a_number_is_read_exactly(loaded):
    measures, *_ = loaded("\n".join(["id,C01", *(f"{place},{text}" for place, text in enumerate(NUMBERS))]) + "\n")
    assert [row[1] for row in measures] == [Decimal(value) for value in NUMBERS.values()]


def test_the_first_of_many_faults_is_told_and_the_others_counted(loaded):
    with pytest.raises(ScoreError, match=r"C02: 'x' is not .* \(2 more like it\).*row 1, column C02"):
        loaded("id,C01,C02\na,1,x\nb,2,y\nc,3,z\n")


def test_a_binary_float_is_its_shortest_text(loaded, tmp_path):
    path = parquet(tmp_path, id=["a", "b"], C01=[0.1, None], C02=pa.array([Decimal("2.50"), Decimal("3.00")]))
    assert loaded(path)[0] == [("a", Decimal("0.1"), 0, Decimal("2.5"), 0), ("b", None, 3, Decimal(3), 0)]


@pytest.mark.parametrize("number", [0.1 + 0.2, 123456789012.12345, 1e-7, float("nan"), float("inf"), 1e20])
def test_a_float_that_does_not_say_what_was_measured_is_refused(loaded, tmp_path, number):
    with pytest.raises(ScoreError, match="row 1, column C01"):
        loaded(parquet(tmp_path, id=["a"], C01=[number]))


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_an_id_that_is_held_as_a_binary_float_is_refused(loaded, tmp_path, kind):
    with pytest.raises(ScoreError, match=r"binary floats.*column id.*write ids as text"):
        loaded(parquet(tmp_path, id=pa.array([1.0, 2.0], kind), C01=[1, 2]))
    whole = 9007199254740993
    assert loaded(parquet(tmp_path, id=[whole], C01=[1]))[0][0][0] == str(whole)


REFUSED = [
    ("id,C01\na,1\na,2\n", "'a' stands there a second time"),
    ("id,C01\n,1\n", "the id is empty"),
    ("id,C01,C03\na,1,2\n", "nothing else known, is named 'C03'"),
    ("id,C01,c01\na,1,2\n", "more than once"),
    ("id,C01\n", "has no rows"),
    ("", "has no columns"),
    ("id,name\na,b\n", "no column of any indicator"),
    ("id,C01\na,1,2\n", "cannot be read"),
    (b"id,C01\n\xff\xfe,1\n", "cannot be read"),
    ("id,name,C01\na,甲,1\n".encode("gbk"), "it is not UTF-8"),
    ("id,名称\na,1\n".encode("gbk"), "另存为 → CSV UTF-8"),
    ("id;C01\na;1,5\n", "are separated by semicolons, not by commas"),
    ("id\tC01\na\t1\n", "are separated by tabs, not by commas"),
    ("id,C01,C01__status\na,1,not_defined\n", "its status is 'not_defined'"),
    ("id,C01,C01__status\na,,lost\n", "'lost' is no supply status"),
    ("id,C01,C01__status\na,,supplied\n", "there is no value"),
    ("id,stage,C01\na,medium,1\n", "'medium' is not one of all"),
    ("id,founded_on,C01\na,2020-01-01,1\n", "an age needs a business date"),
    ("id,founded_on,as_of,C01\na,01.02.2020,2025-06-30,1\n", "is not a date as YYYY-MM-DD"),
    ("id,as_of,C01\na,2025-06-30,1\nb,2025-06-29,1\n", "2 business dates"),
    ("id,operating_revenue_cny,C01\na,1.005,1\n", "yuan with two decimals"),
    ("id,indicator_code,value\na,C9,1\n", "C9 is no indicator of the rule set"),
    ("id,indicator_code,value,name\na,C01,1,x\na,C02,1,y\n", "do not agree on name"),
    ("id,indicator_code,value\na,C01,1\na,c01,1\n", "a second time"),
    ("id,C01\na,1\n a,2\n", "' a' and 'a' differ by blanks alone"),
    ("id,C01\n甲\u3000,1\nb,3\n甲,2\n", r"'甲' and '甲\u3000' differ by blanks alone"),
    ("id,C01\na b,1\na\u00a0b,2\n", r"'a\xa0b' and 'a b' differ by blanks alone"),
    ("id,indicator_code,value\na,C01,1\na\u200b,C02,1\n", "differ by blanks alone"),
    ("id,C01\n\u3000,1\n", "the id is empty"),
    ("id,C01\na\u202e,1\na,2\n", "differ by blanks alone"),
    ("id,C01\na\u00ad,1\na,2\n", "differ by blanks alone"),
    ("id,C01\na\x07,1\na,2\n", "differ by blanks alone"),
    ("id,C01\n\u2066\x7f,1\n", "the id is empty"),
    ("id,C01\na\x00,1\n", r"'a\x00' has a NUL in it"),
    ("id,name,C01\na,x\x00y,1\n", r"'x\x00y' has a NUL in it"),
    ("id,industry,C01\na,\x00,1\n", r"'\x00' has a NUL in it"),
    (b"PK\x03\x04...", "is a workbook and no CSV"),
    (b"\xd0\xcf\x11\xe0...", "is a workbook and no CSV"),
    ("某年指数,,\nid,C01,C02\na,1,2\n", "its header reads '某年指数,,'"),
    ("id,C01\na,1\n\nb,2,\n", "line 4 has 3 fields, the header 2: 'b,2,'"),
    ('id,C01,C02\n"a,b",1,2\nb,2\n', "line 3 has 2 fields, the header 3"),
    ("id,C01\nA1,1\nＡ１,2\n", "differ by blanks alone, or by width or case"),
    ("uscc,C01\n91110000600037341L,1\n91110000600037341l,2\n", "differ by blanks alone, or by width or case"),
]
"""A table that cannot be taken as it stands, and what is told of it."""
NO_NUMBERS = [
    "0.1234567",
    "1e3",
    "1 000",
    "１２",
    "nan",
    "inf",
    "true",
    "'; drop table points; --",
    "=1+1",
    "1" + "0" * 14,
]
REFUSED += [
    (f'id,c01\na,1\nb,"{text}"\n', "is not a number that is held exactly", "row 2, column c01") for text in NO_NUMBERS
]
NOBODY = ["合计", "合 计", "小计：", "注：数据截至2024年底", "制表人：", "Total", "全市合计", "平均值", "以下空白"]
NOBODY += ["总計", "均值", "Σ", "Totals", "mean", "COUNT", "Max", "All", "全省", "其他"]
REFUSED += [(f"code,C01\na,1\n{text},3\n", "is a total or a note and no id", "row 2, column code") for text in NOBODY]
NO_IDS = ["无", "NULL", "-", "——", "#N/A", "#REF!", "同上", "〃", "R\ufffd1", "（无）", "nan", "*", "？", "**"]
REFUSED += [(f"id,C01\na,1\n{text},3\n", "stands for no id", "row 2, column id") for text in NO_IDS]
OF_A_SHEET = {
    "made of an id": ["6.2226E+18", "6.22261E18", "10086.0", "3月1日"],
    "begins a comment": ["# of 2025", "//b"],
    "signs of a sheet": ["'0013", '"=""0012"""', "“0012”", "「a」"],
}
REFUSED += [
    (f"id,C01\na,1\n{text},3\n", told, "row 2, column id") for told, texts in OF_A_SHEET.items() for text in texts
]
OPEN = {
    'id,C01\na,1\n"b,2\nc,3\nd",4\n': 3,
    'id,C01\na,1\n"b"x,2\n': 3,
    'id,name,C01\na,"甲\n乙",1\n': 2,
    'id,C01\r\na,1\r\n\r\nb,"2\r\n': 4,
    'id,C01\na,"1\n' + "b,2\n" * 900 + '"\n': 2,
}
"""Texts in which a quotation mark of that line opens and would swallow rows."""
REFUSED += [(text, f"quotation mark of line {line} ") for text, line in OPEN.items()]


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_taken_as_it_stands_is_refused(loaded, case):
    text, *told = case
    with pytest.raises(ScoreError) as refused:
        loaded(text)
    assert [part for part in (*told, "Where: ", "Whose: ", "Next: ") if part not in str(refused.value)] == []


def test_a_column_may_be_left_unread(loaded):
    assert loaded("id,C01,remark\na,1,x\n", ignore=["REMARK"])[0] == [("a", Decimal(1), 0, None, 1)]


def test_a_type_that_is_not_read_is_named(loaded, tmp_path):
    with pytest.raises(ScoreError, match=r"a column of a type that is not read .*Whose: data"):
        loaded(parquet(tmp_path, id=["a"], C01=pa.array([1], pa.float16())))


def test_an_id_is_whatever_was_given(loaded, tmp_path):
    ids = ["'; drop table measures; --", '"', " a ", "{id}", "$1", "=1+1"]
    quoted = "".join('"' + one.replace('"', '""') + '",1\n' for one in ids)
    assert {row[0] for row in loaded(f"id,C01\n{quoted}")[0]} == set(ids)
    several = [*ids, "甲\n乙"]
    assert {row[0] for row in loaded(parquet(tmp_path, id=several, C01=[1] * len(several)))[0]} == set(several)


def test_a_code_whose_check_character_does_not_fit_is_told_and_scored(loaded):
    text = "{},C01\n91110000600037341L,1\n91110000600037341M,2\n91350200612010000a,1\n"
    found = loaded(text.format("uscc"))[2]
    assert (found.rows, found.unfit_codes) == (3, ("91110000600037341M", "91350200612010000a"))
    assert loaded(text.format("id"))[2].unfit_codes == ()


def test_what_stands_under_uscc_is_a_code(loaded):
    assert loaded("uscc,C01\n91110000600037341L,1\n")[2].rows == 1
    for text in ("合作社", "91110000600037341", "9111000060003734IO"):
        with pytest.raises(ScoreError, match=r"is no unified social credit code.*row 2, column uscc"):
            loaded(f"uscc,C01\n91110000600037341L,1\n{text},2\n")


@pytest.mark.parametrize(
    "text", ["id,C01\na,1\n,\n,\n", "id,C01\n , \na,1\n", "id,C01\na,1\n\x1a", 'id,C01\n"",""\na,1\n']
)
def test_rows_in_which_nothing_stands_are_passed_over(loaded, text):
    assert loaded(text)[0] == [("a", Decimal(1), 0, None, 1)]


@pytest.mark.parametrize("header", ["id ,C01", "\tid,\u3000C01", "id,C01\xa0", "\ufeffid,C0\u200b1", "ｉｄ,Ｃ０１"])
def test_a_header_is_the_name_that_is_seen(loaded, header):
    assert loaded(f"{header}\na,1\n")[0] == [("a", Decimal(1), 0, None, 1)]
    with pytest.raises(ScoreError, match="more than once"):
        loaded(f"{header},id\na,1,2\n")


def test_a_file_of_another_kind_or_of_none_is_refused(loaded, tmp_path):
    for name, told in (("values.xlsx", "neither .csv nor .parquet"), ("values.csv", "there is no file")):
        with pytest.raises(ScoreError, match=told):
            loaded(tmp_path / name)


def test_the_one_stage_of_a_rule_set_is_everybody_s(loaded):
    assert loaded("id,C01\na,1\n")[1][0]["stated_stage"] == "all"


def test_a_day_that_nobody_stated_is_told_from_one_that_the_rule_set_states(loaded):
    dated = FILES | {"ruleset.csv": "valid_from\n2024-01-01\n"}
    assert not loaded("id,C01\na,1\n")[2].is_dated
    assert loaded("id,C01\na,1\n", as_of=date(2025, 6, 30))[2].is_dated
    assert loaded("id,as_of,C01\na,2025-06-30,1\n")[2].is_dated
    told = loaded("id,C01\na,1\n", files=dated)[2]
    assert (told.is_dated, told.as_of) == (True, date(2024, 1, 1))


def test_revenue_and_age_are_left_to_the_models_where_they_decide(loaded):
    text = "id,operating_revenue_cny,founded_on,stage,C01\na,99.99,2020-01-01,,1\nb,100,2024-01-01,large,1\n"
    who = loaded(text, files=STAGED, as_of=date(2025, 6, 30))[1]
    assert [(one["operating_revenue_cny"], one["stated_stage"]) for one in who] == [
        (Decimal("99.99"), None),
        (Decimal(100), "large"),
    ]
    assert [(one["as_of"], one["reporting_year"]) for one in who] == [(date(2025, 6, 30), 2024)] * 2


AGED = FILES | {"stages.csv": "stage,max_age_months\nseedling,12\nyoung,36\ngrown,\n"}


def test_stages_by_age_alone_ask_for_the_age_or_the_stage_and_for_no_revenue(loaded):
    text = "id,founded_on,operating_revenue_cny,C01\na,2024-01-01,5,1\nb,,,1\n"
    who = loaded(text, files=AGED, as_of=date(2025, 6, 30))[1]
    assert [(one["founded_on"], one["operating_revenue_cny"]) for one in who] == [
        (date(2024, 1, 1), None),
        (None, None),
    ]
    assert loaded("id,stage,C01\na,young,1\n", files=AGED)[1][0]["stated_stage"] == "young"


@pytest.mark.parametrize(
    ("files", "told"),
    [(AGED, "add a column founded_on or stage"), (STAGED, "add a column operating_revenue_cny or stage")],
)
def test_a_file_that_tells_nobody_s_stage_is_refused(loaded, files, told):
    with pytest.raises(ScoreError, match=told):
        loaded("id,C01\na,1\n", files=files)


def test_stages_without_a_line_between_them_must_be_stated(loaded):
    files = FILES | {"stages.csv": "stage\nsmall\nlarge\n"}
    with pytest.raises(ScoreError, match="no line between them"):
        loaded("id,operating_revenue_cny,C01\na,1,1\n", files=files)
