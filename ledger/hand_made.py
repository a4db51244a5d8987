"""Tables that people keep by hand: how names in them are normalized, and which of their rows are no records."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any

_END = r"\s*(?:[(（][^)）]*[)）])?\s*(?:[:：].*|[0-9][0-9,.]*\s*\pL{0,3})?\s*$"
_SEAL = r"[(（]?\s*(?:盖\s*章|签\s*[章字名]|公?\s*章)(?:处)?\s*[)）]?"
_BY = (
    r"(?:人员?|员|单位|机构|部门|日期|时间|期间?|电话|口径|范围|条件|主管|负责人|代表人)?\s*"
    rf"(?:{_SEAL}\s*(?:[:：]|$)|[:：])"
)
_SIGNS = r"[^\pL\pN]*"
_FIGURES = "[0-9一二三四五六七八九十]"
NO_RECORD = (
    rf"(?i)^{_SIGNS}(?:[合总總小共累]\s*[计計]|本页合?小?计|合计[数行]|(?:sub|grand)?[ -]?totals?"
    r"|(?:[此本][行页])?(?:以[上下](?:均?为?空白|无(?:正文|数据|记录|内容))|[承接续][前上下]?[页表]|[过转见][次下][页表])"
    r"|[此本][行页处]为?空白|全文完|[本报]?表格?(?:到此)?结束|到此为止"
    rf"|end\s+of\s+(?:file|report|data|table|list)){_SIGNS}$"
    rf"|(?i)^{_SIGNS}(?:(?:注|[备附]\s*注|说\s*明|填[表报]说明)\s*{_FIGURES}{{0,2}}\s*[:：]|注\s*(?:{_FIGURES}{{1,2}}\s*[、.．]|$))"
    r"|(?i)^\s*(?:"
    rf"[合总總小]\s*[计計]{_END}"
    r"|(?:制\s*表|填\s*[表报]|[审复]\s*核|上\s*报|报\s*送|经\s*[办手]|打\s*印|联\s*系)"
    r"(?:人|员|单位|日期|时间)(?:\s+\S{1,12}|\s*[0-9]\S{0,18})?\s*$|(?:制\s*表|[审复]\s*核)\s+\S{2,4}\s*$"
    r"|(?:制\s*[表单]|填\s*[表报制]|[审复]\s*核|上\s*报|报\s*送|经\s*[办手]|打\s*印|联\s*系|编\s*制|统\s*计|导\s*出|查\s*询|生\s*成"
    r"|下\s*载|截\s*[至止]|财务|会计|法\s*定|主\s*管|录\s*入|校\s*对|记\s*账|出\s*纳|签\s*[发收]|[抄主]\s*送|操\s*作|(?:分管|单位)?领\s*导"
    rf"|(?:单位|科室|部门|主要|企业)?负\s*责\s*人){_BY}"
    r"|(?:导\s*出|查\s*询|生\s*成|下\s*载|统\s*计)(?:日期|时间)\s*[0-9]{4}|(?:查询|导出|打印|下载)(?:成功|完成|完毕)[.。!！]?\s*$"
    r"|(?:数据|资料|信息)来源于|(?:数据|资料|信息)?来源\s*[:：]|数据截[至止]|(?:共|共计|合计|总计)\s*[0-9,]+\s*[条行页家户人笔项个]"
    r"|以上(?:数据|信息|内容)?(?:来源|截[至止]|均[为系]|为全部|合计|共计?\s*[0-9])|本表(?:由|一式|所列|数据|中)"
    r"|(?:已(?:选择|导出|查询)|查询到|返回)\s*[0-9,]+\s*[条行个]|[(（]?\s*[0-9,]+\s*行(?:受影响)?\s*[)）]?\s*$"
    r"|(?:日\s*期|电\s*话|签\s*名|传\s*真)\s*[:：]|年\s+月\s+日\s*$"
    r"|第\s*[0-9]+\s*(?:[/／]\s*[0-9]+\s*)?页|page\s*[0-9]+(?:\s*(?:of|/)\s*[0-9]+)?\s*$"
    r"|[(（]?\s*(?:金额|计量|货币)?单位\s*[:：]\s*\pL{0,4}[元人个家户件台套吨项次%％]\s*[)）]?\s*$"
    r"|(?:(?:总|合计)?(?:笔|户|人|条|行|件|记录)总?|总)数\s*[:：\s]\s*[0-9,]+"
    r"|(?:暂无|查无|没有|无|未(?:查询|查|找|检索)到)(?:任何|相关|符合条件的?)?(?:数据|记录|信息|结果)[.。!！]?\s*$|查询结果为空"
    r"|no\s+(?:data|records?|rows?|results?)(?:\s+(?:found|available|returned|selected))?[.]?\s*$"
    r"|[(（]?\s*[0-9,]+\s*rows?(?:[(]s[)])?(?:\s+(?:affected|selected|fetched|returned|in set).*)?\s*[)）]?\s*[.]?\s*$"
    r"|(?:total\s*)?(?:records?|rows?|total)(?:\s*count)?\s*[:：]\s*[0-9,]+\s*$"
    r"|query ok\b|(?:time taken|elapsed)\s*:|ORA-[0-9]{5}\b|error\s+[0-9]{3,5}\b|(?:error|fatal|exception)\s*:"
    rf"|[(（]?\s*(?:单位)?\s*{_SEAL}\s*[:：]?\s*$)"
)
"""What public bodies write below a table: totals, notes, signatures; and programs: counts of rows, errors.

For RE2, like those below.
"""
NO_NAME = (
    rf"|(?i)^\s*(?:.{{0,12}}[合总總小]\s*[计計]{_END}|.{{0,6}}平\s*均(?:值|数|水平)?{_END}"
    rf"|{_SIGNS}(?:[Σ∑]|总\s*数|总\s*和|总\s*额|分\s*计|求\s*和|汇\s*总|汇总数|计\s*数|sum|END|EOF"
    r"|count|mean|std|min|max|avg|median|all|均\s*值|全[国省市区县镇部]|其[他它]|其余"
    rf"|备\s*注|说\s*明|填[表报]说明|完毕?|结束){_SIGNS}$|(?:单位|科室|部门|主要|企业)?负\s*责\s*人\s*$|合计(?:金额|人数){_END}"
    r"|(?:求和|计数|平均值)项\s*[:：]|sum of\s|(?:行|列)标签\s*$"
    r"|(?:同比|环比)(?:增长|增减|增速)?\s*[%％]?\s*$|(?:占比|增长率|上年同期数?|本[年月]累计)\s*$"
    r"|(?:人民币\s*)?[(（]?\s*大写\s*[)）]?\s*(?:[:：].*)?$"
    r"|(?:填[写报表])?[示样范]例\s*(?:[:：]|$)|例如?\s*[:：]|[(（]\s*[示样]?例\s*[)）]|[(（]?\s*[必选]填\s*[)）]?\s*$"
    r"|测试(?:数据|记录|用例)?\s*$|test(?:ing)?(?:\s*data)?\s*$|x{3,}\s*$"
    r"|(?:n?varchar2?|char|string|text|int(?:eger)?|bigint|number|double|decimal|date(?:time)?|timestamp"
    r"|字符型?|文本型?|数[值字]型?|日期型?)\s*(?:[(（]\s*[0-9, ]+[)）])?\s*$"
    r"|(?:序号|编号|(?:企业|单位|公司|机构)?名称|统一社会信用代码|纳税人识别号)\s*$"
    r"|.*\S\s(?:汇总|合计|小计|计数|平均值|最[大小]值|(?-i:Total|Count|Average))\s*$"
    rf"|最[大小高低](?:值|分)?{_END}|中位数{_END}|标准差{_END}|其\s*中\s*(?:[:：].*)?$|average{_END})"
)
"""Added to `NO_RECORD` for a column that names enterprises: a total of some place, an average, a type. In a key of
several columns such a text may be a value: 资产总计 is an item of a balance sheet.
"""
_TO_TEN = "[一二三四五六七八九十]"
GROUP_LINE = rf"^\s*(?:[(（]{_TO_TEN}{{1,3}}[)）]\s*\pL|{_TO_TEN}{{1,3}}\s*(?:、\s*\pL|[.．]\s*[^\PL{_TO_TEN[1:]}))"
"""In place of a name: the head of a group of rows (一、制造业), which may have the sums of its group and has no code.

三.一五集团 is a name.
"""
RULE_LINE = r"|^[-_=~*#+\s—]{3,}$"
"""Added to `NO_RECORD`: a line drawn below a table. A name of asterisks alone may be a masked one."""
MAY_BE_NONE = r"[A-Za-z]{3}|[^ -~]|^[^A-Za-z0-9]+$"
"""A quick test: every text that one of the three above matches also matches this. They take 20 ms to compile, and
codes never match it."""
# 6.2226E+18 and Java's 6.2226E18; 2E10 may be the name of a product.
SCIENTIFIC = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE]\+[0-9]+$|^[-+]?[0-9]*\.[0-9]+[eE][0-9]+$"
"""What a spreadsheet makes of a long number. For `re` and RE2 alike."""
# A sheet makes a day of the code 3-1 and shows it so.
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = f"^[0-9]{{1,2}}月[0-9]{{1,2}}日$|^[0-9]{{1,2}}-{_MONTH}$|^{_MONTH}-[0-9]{{2}}$"
LOST_DIGITS = rf"{SCIENTIFIC}|^[0-9]+\.0+$|{_DAY}"
"""Numbers and codes that a spreadsheet changed: `6.2226E+18`, `10086.0`, `3月1日` for `3-1`."""
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True))
_CYRILLIC = dict(zip("АВЕКМНОРСТХЅІЈаеорсухѕіј", "ABEKMHOPCTXSIJaeopcyxsij", strict=True))
LIKE_LATIN = {ord(other): ord(letter) for other, letter in (_GREEK | _CYRILLIC).items()}
"""Greek and Cyrillic letters that look like Latin ones."""
CELL_ERROR = r"^#([A-Z]+[!?]|N/A|DIV/0!|#+|GETTING_DATA)$|^Err:5[0-9]{2}$"
"""What a spreadsheet shows for a failed formula or a number too wide for its column, saved as text."""
DITTO_WORDS = ("同上", "同前")
_LATIN_WORDS = (
    *("null", "none", "nil", "nan", "-nan", "nat", "n/a", "#n/a", "#na", "n.a.", "n.a", "tbd", "undefined", "unknown"),
    *("(null)", "<null>", "<na>", "<nil>", "[null]", "(none)", "(blank)"),
    *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
_SIGN_WORDS = ("-", "--", "---", "----", "/", "//", "\\", "_", "__", ".", "...", "\u2026", "\u2026\u2026", "\\N")
_CHINESE_WORDS = (
    *("无", "暂无", "没有", "无数据", "空", "空白", "缺失", "暂缺", "未知", "不详", "不明", "待定", "待补", "待补充"),
    *("未填", "未填写", "未填报", "未提供", "不适用", "空值", "暂无数据", "没有数据", "无记录", "待查", "待确认"),
    *("待核实", "(无)", "(空)", "[空]", "<空>", "(空白)", "[无]", "【无】", "(无数据)", "无。"),
    *("无信息", "暂无信息", "无此项", "无资料", "不涉及", "未公开", "未公布", "未披露", "未登记", "未录入"),
    *("待更新", "待完善", "暂未提供", "空缺"),
)
MISSING_WORDS = frozenset(
    [*_SIGN_WORDS, *_CHINESE_WORDS, "NaN", "NaT"]
    + [form(word) for word in _LATIN_WORDS for form in (str, str.upper, str.capitalize)]
)
"""Words and signs that mean "no value" in a text column. `NA` is not among them: it is a country, and an element."""

WORDS = "[\u3400-\u9fff]|[A-Za-z]{2,} +[A-Za-z]{2,}"
"""Chinese, or two words, in a text; for `re` and RE2 alike."""
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z]+|[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+")
_CHINESE = re.compile("[\u3400-\u9fff]")
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Characters that a reader of a text cannot see, and that make another text of it."""
MAX_NAME = 1_000
"""A longer name is cut to so many characters before it is normalized: one character may become eighteen."""
_BESIDE_CHINESE = re.compile(r"(?<=[^\x00-\xff]) | (?=[^\x00-\xff])")


_CELL_FAULTS = (
    (r"^\s|\s$", "has a blank or a line end around it"),
    (rf"{UNSEEN.pattern}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "holds a character that cannot be seen"),
    (rf"{CELL_ERROR}|^[?\uff1f]+$|\ufffd", "is what a sheet shows in place of a value"),
    (rf"{SCIENTIFIC}|{_DAY}", "is what a sheet makes of a number or a code"),
    # Of a file without other quotation marks DuckDB, which reads it in the night, would take these for such.
    ("^='?\"|^'[^']*$|^'.*'$", "stands within the signs of a sheet"),
    (r"^[\uff01-\uff5e]*[０-９Ａ-Ｚａ-ｚ][\uff01-\uff5e]*$", "is written in full-width letters"),
    (r"^(?i:[(<]?(null|nan)[)>]?|n/a)$", "is a word for nothing: leave the cell empty"),
)


@lru_cache(maxsize=10_000)
def fault_of_cell(text: str) -> str | None:
    """What a sheet or a keyboard made of a cell of a table that staff edit, whatever its column holds; None: nothing.

    Two texts that differ by it look the same, so that a row would belong to no other. Such tables repeat their texts.
    """
    return next((fault for pattern, fault in _CELL_FAULTS if re.search(pattern, text)), None)


def clean(text: str) -> str:
    """A name without line ends, doubled and invisible blanks, and blanks beside a Chinese character."""
    plain = UNSEEN.sub("", unicodedata.normalize("NFKC", text[:MAX_NAME]))
    return _BESIDE_CHINESE.sub("", " ".join(plain.split()).replace("\x00", ""))


def is_second_header(record: Mapping[str, Any], following: Mapping[str, Any]) -> bool:
    """Whether a row names the columns a second time as a database does: XYDM, QYMC under 信用代码, 企业名称.

    Where the row that follows holds such words too, in all of its cells but one, they are values: CNY, RMB, ACTIVE.
    """
    cells = [str(cell).strip() for cell in record.values() if cell is not None]
    if not 3 <= len(cells) == len(record) == len({*cells}):
        return False
    others = [cell for cell in following.values() if not _IDENTIFIER.fullmatch(str(cell or "").strip())]
    is_alike = following and len(others) < 2
    return not is_alike and all(map(_IDENTIFIER.fullmatch, cells)) and all(map(_CHINESE.search, record))


def form_of(text: str) -> str:
    """The form of a code: one sign for each run of figures, of Latin letters and of Chinese: 粤高企0012号 is 中0中."""
    for run, sign in ((r"[0-9]+", "0"), ("[A-Za-z]+", "A"), ("[\u3400-\u9fff]+", "中")):
        text = re.sub(run, sign, text)
    return text


def is_numbering(cells: Iterable[Any]) -> bool:
    """Whether a row numbers the columns above it, as forms of statistics do.

    甲 乙 1 2, 栏次 1 2, (1) (2) (3), ① ② ③ and 1 2 3 4 5 are numberings. A short run of plain numbers may be a record.
    """
    filled = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
    label = filled[:1] in (["栏次"], ["列次"])
    bare = [clean(text).strip("()[]<>") for text in filled[label:]]
    signs = "甲乙丙丁戊己庚辛"
    heads = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(bare, signs, strict=False))))
    is_run = bare == [*signs[:heads], *map(str, range(1, len(bare) - heads + 1))]
    return is_run and len(filled) >= (3 if label or heads or bare != filled else 5)
